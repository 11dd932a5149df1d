//! Everyone whom a snapshot concerns: its users, roles and root users, and whoever else a key policy or grant names.

use super::bundle::{Key, Snapshot};
use super::caller::ANYONE;
use super::document::{Effect, Names, Principals, account_principal};
use std::collections::BTreeMap;

/// A principal of the whole-organization view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The ARN, the service's name, or `*`.
    pub arn: String,
    /// `role`, `user`, `root`, `service`, `account` or `external`.
    pub kind: &'static str,
    /// The unique id, or the account number of a root user or account.
    pub id: Option<String>,
}

/// Who a key's policies and grants name, which decides from afar whether a caller can have anything to do with it.
#[derive(Debug, Clone, Default)]
pub struct Reach {
    /// Everyone, by `*` or by NotPrincipal.
    pub anyone: bool,
    /// Accounts named as such, by a principal of theirs, or by a grant; sorted.
    pub accounts: Vec<String>,
    /// Services; sorted.
    pub services: Vec<String>,
}

impl Reach {
    /// The reach of one key.
    pub fn of(key: &Key) -> Self {
        let mut reach = Self {
            anyone: key.policy_gap.is_some() || key.grants_gap.is_some(),
            ..Self::default()
        };
        for policy in &key.policies {
            reach.anyone |= policy.document.unreadable.is_some();
            for statement in policy.document.statements.iter().filter(|s| s.effect == Effect::Allow) {
                match &statement.principals {
                    Principals::Named(names) => reach.add(names),
                    Principals::AllBut(_) => reach.anyone = true,
                    Principals::Unnamed => {}
                }
            }
        }
        for grant in &key.grants {
            let names = [Some(&grant.grantee), grant.retiring.as_ref()];
            names.into_iter().flatten().for_each(|name| reach.add_name(name));
            reach.accounts.extend(grant.issuing_account.clone());
        }
        reach.accounts.sort_unstable();
        reach.accounts.dedup();
        reach.services.sort_unstable();
        reach.services.dedup();
        reach
    }

    fn add(&mut self, names: &Names) {
        self.anyone |= names.anyone;
        self.accounts.extend(names.accounts.iter().cloned());
        self.services.extend(names.services.iter().cloned());
        names.arns.iter().for_each(|name| self.add_name(name));
    }

    fn add_name(&mut self, name: &str) {
        if let Some(account) = account_of(name) {
            self.accounts.push(account.to_owned());
        } else if !name.starts_with("arn:") {
            self.services.push(name.to_owned());
        }
    }
}

fn account_of(name: &str) -> Option<&str> {
    account_principal(name).or_else(|| name.strip_prefix("arn:")?.split(':').nth(3))
}

/// Everyone, each once, in order of ARN.
pub fn everyone(snapshot: &Snapshot) -> Vec<Principal> {
    let mut found = BTreeMap::new();
    for entity in &snapshot.entities {
        let kind = if entity.is_role { "role" } else { "user" };
        found.insert(
            entity.arn.clone(),
            Principal {
                arn: entity.arn.clone(),
                kind,
                id: entity.id.clone(),
            },
        );
    }
    let mut outside = Outside { snapshot, found };
    for entity in &snapshot.entities {
        outside.account(&entity.account, partition(&entity.arn));
    }
    for account in &snapshot.accounts {
        outside.account(account, "aws");
    }
    for key in &snapshot.keys {
        outside.key(key);
    }
    outside.found.into_values().collect()
}

fn partition(arn: &str) -> &str {
    arn.split(':').nth(1).unwrap_or("aws")
}

struct Outside<'s> {
    snapshot: &'s Snapshot,
    found: BTreeMap<String, Principal>,
}

impl Outside<'_> {
    fn key(&mut self, key: &Key) {
        let partition = partition(&key.arn);
        self.owner(&key.account, partition);
        for statement in key.policies.iter().flat_map(|p| &p.document.statements) {
            if statement.effect == Effect::Deny {
                continue;
            }
            match &statement.principals {
                Principals::Named(names) => {
                    names
                        .accounts
                        .iter()
                        .for_each(|account| self.account(account, partition));
                    names.arns.iter().for_each(|arn| self.name(arn, partition));
                    names.services.iter().for_each(|service| self.name(service, partition));
                    if names.anyone {
                        self.anyone();
                    }
                }
                Principals::AllBut(_) => self.anyone(),
                Principals::Unnamed => {}
            }
            // A statement for everyone may name accounts and principals in its conditions instead.
            for condition in &statement.conditions {
                match condition.key.as_str() {
                    "kms:calleraccount" | "aws:principalaccount" | "aws:principalarn"
                        if !condition.operator.negated =>
                    {
                        condition.values.iter().for_each(|value| self.name(value, partition));
                    }
                    _ => {}
                }
            }
        }
        for grant in &key.grants {
            self.name(&grant.grantee, partition);
            grant.retiring.iter().for_each(|name| self.name(name, partition));
        }
    }

    fn anyone(&mut self) {
        self.add(ANYONE, "external", None);
    }

    fn add(&mut self, arn: &str, kind: &'static str, id: Option<String>) {
        if !self.found.contains_key(arn) {
            self.found.insert(
                arn.to_owned(),
                Principal {
                    arn: arn.to_owned(),
                    kind,
                    id,
                },
            );
        }
    }

    /// The root user of an account that the snapshot is about.
    fn owner(&mut self, account: &str, partition: &str) {
        self.add(
            &format!("arn:{partition}:iam::{account}:root"),
            "root",
            Some(account.to_owned()),
        );
    }

    fn account(&mut self, account: &str, partition: &str) {
        if self.is_ours(account) {
            return self.owner(account, partition);
        }
        self.add(
            &format!("arn:{partition}:iam::{account}:root"),
            "account",
            Some(account.to_owned()),
        );
    }

    fn is_ours(&self, account: &str) -> bool {
        self.snapshot.accounts.contains(account) || self.snapshot.keys.iter().any(|k| k.account == account)
    }

    /// A name in a policy or grant: a service, an account, a principal elsewhere. Ids of deleted principals name nobody.
    fn name(&mut self, name: &str, partition: &str) {
        if let Some(account) = account_principal(name) {
            return self.account(account, partition);
        }
        if !name.starts_with("arn:") {
            if name.contains('.') && !name.contains(['*', '?', ':', '/', ' ']) {
                self.add(name, "service", None);
            }
            return;
        }
        let Some(account) = account_of(name) else { return };
        // In an account whose IAM was collected, everyone is known already.
        let is_known = self.snapshot.accounts.contains(account);
        if is_known || name.contains(['*', '?', '$']) || account.len() != 12 {
            return;
        }
        let kind = match (self.is_ours(account), name.contains(":user/")) {
            (false, _) => "external",
            (true, true) => "user",
            (true, false) => "role",
        };
        if super::caller::Caller::resolve(self.snapshot, name).is_ok() {
            self.add(name, kind, None);
        }
    }
}
