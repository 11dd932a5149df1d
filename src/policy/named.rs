//! Whether a resource policy names the caller: by itself, as a role, as anyone, or by its account.

use super::caller::Kind;
use super::condition::Condition;
use super::document::{Effect, Names, Principals, Statement};
use super::formula::Formula;
use super::gather::Reader;
use super::unknown::Test;
use std::sync::Arc;

/// How a statement of a resource policy names the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// As a user, session or service.
    Itself,
    /// As a role.
    Role,
    /// By a wildcard.
    Anyone,
    /// By its account.
    Account,
}

impl Reader<'_, '_> {
    /// The ways in which a statement of a resource policy names the caller.
    pub(super) fn named(&self, statement: &Statement) -> Vec<(How, Formula)> {
        match &statement.principals {
            Principals::Unnamed => Vec::new(),
            Principals::Named(names) => self.named_in(names, statement),
            Principals::AllBut(names) => self.not_exempt(names, statement.effect),
        }
    }

    pub(super) fn named_in(&self, names: &Names, statement: &Statement) -> Vec<(How, Formula)> {
        let caller = self.caller();
        let mut found = Vec::new();
        if names.anyone {
            // A wildcard narrowed by aws:PrincipalArn is not limited by boundaries (IAM User Guide, "AWS JSON policy elements: Principal").
            let narrowed = caller.kind == Kind::Service || statement.conditions.iter().any(Condition::names_principals);
            found.push((if narrowed { How::Itself } else { How::Anyone }, Formula::TRUE));
        }
        if caller.kind == Kind::Service {
            if names.services.contains(&caller.name) {
                found.push((How::Itself, Formula::TRUE));
            }
            return found;
        }
        if names.accounts.contains(&caller.account) {
            found.push((How::Account, Formula::TRUE));
        }
        match caller.kind {
            Kind::User | Kind::Federated if names.arns.contains(&caller.arn) => {
                found.push((How::Itself, Formula::TRUE))
            }
            Kind::Role | Kind::Session => {
                if names.arns.contains(&caller.principal_arn) {
                    found.push((How::Role, Formula::TRUE));
                }
                let sessions = names.arns.iter().map(|name| self.session(name));
                found.extend(
                    sessions
                        .filter(|who| *who != Formula::FALSE)
                        .map(|who| (How::Itself, who)),
                );
            }
            _ => {}
        }
        found
    }

    /// Whether an assumed-role ARN is the caller.
    pub(super) fn session(&self, name: &str) -> Formula {
        let caller = self.caller();
        if !name.contains(":assumed-role/") {
            return Formula::FALSE;
        }
        match caller.kind {
            Kind::Session => Formula::Const(caller.arn == name),
            Kind::Role => match caller
                .session_prefix()
                .and_then(|prefix| name.strip_prefix(prefix.as_str()).map(str::to_owned))
            {
                Some(session) if !self.scene.closed => Formula::Leaf(Arc::new(Test::session(&session))),
                _ => Formula::FALSE,
            },
            _ => Formula::FALSE,
        }
    }

    /// Whether a statement with NotPrincipal reaches the caller (IAM User Guide, "AWS JSON policy elements: NotPrincipal").
    pub(super) fn not_exempt(&self, names: &Names, effect: Effect) -> Vec<(How, Formula)> {
        let caller = self.caller();
        let account = names.anyone || names.accounts.contains(&caller.account);
        let sessions = caller.session_prefix().map(|prefix| {
            names.arns.iter().any(|name| {
                if caller.kind == Kind::Session {
                    *name == caller.arn
                } else {
                    name.starts_with(&prefix)
                }
            })
        });
        let itself = match caller.kind {
            Kind::Service => names.anyone || names.services.contains(&caller.name),
            Kind::Root => account,
            _ => names.anyone || names.arns.contains(&caller.principal_arn),
        };
        if effect == Effect::Allow {
            let listed = itself || account || sessions == Some(true);
            return if listed {
                Vec::new()
            } else {
                vec![(How::Anyone, Formula::TRUE)]
            };
        }
        if caller.entity.is_some_and(|e| e.boundary.is_some()) && !names.anyone {
            // Such a Deny always reaches a user or role with a permissions boundary.
            return vec![(How::Itself, Formula::TRUE)];
        }
        let complete = match caller.kind {
            Kind::Service | Kind::Root => itself,
            Kind::User | Kind::Federated => itself && account,
            Kind::Role | Kind::Session => itself && account && (sessions == Some(true) || names.anyone),
        };
        if complete {
            return Vec::new();
        }
        // AWS's example denies the account's other principals although the account is listed, and warns that a list without session or
        // account "might" deny; evaluators read both otherwise. Only the first is assumed not to deny, and both are left open.
        let others = account && !itself && sessions != Some(true) && caller.kind != Kind::Service;
        let who = if itself || others || sessions == Some(true) {
            let reason = "a Deny with NotPrincipal lists only a part of the caller, its session and its account";
            Formula::Leaf(Arc::new(Test::gap(reason, "", !others)))
        } else {
            Formula::TRUE
        };
        vec![(How::Itself, who)]
    }
}
