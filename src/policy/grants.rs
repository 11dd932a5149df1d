//! What grants give: to the caller, its session, its service or its account, within their constraints.

use super::bundle::Grant;
use super::caller::Kind;
use super::condition::Condition;
use super::formula::Formula;
use super::gather::Reader;
use super::kms;
use super::layers::{Layer, Layers, Origin, Source};
use super::operator::Operator;
use super::scene::Target;
use super::unknown::{CONTEXT_PREFIX, Test};
use std::sync::Arc;

impl Reader<'_, '_> {
    /// Grants need no policy (AWS KMS developer guide, "Grants in AWS KMS").
    pub(super) fn grants(&self, layers: &mut Layers) {
        let Target::Key(key) = self.scene.target else { return };
        if let Some(reason) = &key.grants_gap {
            let gap = Formula::Leaf(Arc::new(Test::gap(reason.as_str(), "grant", false)));
            layers.grants.push(
                kms::GRANTABLE,
                gap,
                Origin {
                    source: Source::Gap,
                    statement: 0,
                },
            );
        }
        if key.grants.is_empty() {
            return;
        }
        let caller = self.caller();
        let retire = kms::RETIRE_GRANT;
        for (name, who) in self.grantee_names(key) {
            for index in key.grants_naming.get(&name).into_iter().flatten() {
                let grant = &key.grants[*index];
                let origin = Origin {
                    source: Source::Grant(*index),
                    statement: 0,
                };
                if grant.grantee == name {
                    self.grant(grant, &who, origin, &mut layers.grants);
                }
                if grant.retiring.as_deref() == Some(&name) {
                    layers.grants.push(retire & self.actions, who.clone(), origin);
                }
            }
        }
        let roots = [
            format!("arn:{}:iam::{}:root", partition(&key.arn), caller.account),
            caller.account.clone(),
        ];
        for index in roots.iter().filter_map(|root| key.grants_naming.get(root)).flatten() {
            let grant = &key.grants[*index];
            let origin = Origin {
                source: Source::Grant(*index),
                statement: 0,
            };
            self.grant(grant, &Formula::TRUE, origin, &mut layers.account_grants);
            layers.retiring_account |= grant.retiring.as_ref().is_some_and(|r| roots.contains(r));
        }
        layers.retiring_account |= caller.kind != Kind::Service
            && (caller.account == key.account
                || key
                    .grants
                    .iter()
                    .any(|g| g.issuing_account.as_ref() == Some(&caller.account)));
    }

    /// The names under which a grant may know the caller.
    pub(super) fn grantee_names(&self, key: &super::bundle::Key) -> Vec<(String, Formula)> {
        let caller = self.caller();
        let mut names = vec![(caller.principal_arn.clone(), Formula::TRUE)];
        match caller.kind {
            Kind::Session => names.push((caller.arn.clone(), Formula::TRUE)),
            Kind::Role if !self.scene.closed => {
                let known = key.grants_naming.keys().filter(|name| name.contains(":assumed-role/"));
                names.extend(
                    known
                        .map(|name| (name.clone(), self.session(name)))
                        .filter(|(_, who)| *who != Formula::FALSE),
                );
            }
            // An account's root ARN as grantee is the account, not its root user alone.
            Kind::Root => names.clear(),
            _ => {}
        }
        names
    }

    pub(super) fn grant(&self, grant: &Grant, who: &Formula, origin: Origin, layer: &mut Layer) {
        let operations = grant.operations & self.actions;
        let constrained = operations & !kms::WITHOUT_CONTEXT & kms::requests_that_carry("kms:encryptioncontextkeys");
        let source = match &grant.source_arn {
            Some(arn) => self.text("aws:SourceArn", arn, "ArnLike"),
            None => Formula::TRUE,
        };
        let retire = operations & kms::RETIRE_GRANT;
        let plain = Formula::all([who.clone(), source.clone()]);
        layer.push(operations & !constrained & !retire, plain.clone(), origin);
        layer.push(retire, who.clone(), origin);
        if constrained != 0 {
            let pairs = grant.context_equals.iter().chain(&grant.context_subset).flatten();
            let pairs =
                pairs.map(|(key, value)| self.text(&format!("kms:EncryptionContext:{key}"), value, "StringEquals"));
            let pairs: Vec<Formula> = pairs.collect();
            let exact = grant
                .context_equals
                .as_ref()
                .map_or(Formula::TRUE, |only| self.no_other_context(only.keys()));
            layer.push(
                constrained,
                Formula::all(pairs.into_iter().chain([plain, exact])),
                origin,
            );
        }
    }

    /// A condition that no policy wrote.
    pub(super) fn text(&self, key: &str, value: &str, operator: &str) -> Formula {
        let condition = Operator::parse(operator).map(|o| Condition::parse(o, key, vec![value.to_owned()], false));
        match condition {
            Some(Ok(condition)) => self.condition(&condition, |key| self.scene.fact(key)),
            _ => Formula::FALSE,
        }
    }

    pub(super) fn no_other_context<'k>(&self, names: impl Iterator<Item = &'k String>) -> Formula {
        let names: Vec<String> = names
            .map(|name| format!("{CONTEXT_PREFIX}{}", name.to_ascii_lowercase()))
            .collect();
        if self.scene.knows_all(CONTEXT_PREFIX) {
            let mut given = self.scene.context.keys().filter(|key| key.starts_with(CONTEXT_PREFIX));
            return Formula::Const(given.all(|key| names.contains(key)));
        }
        Formula::Leaf(Arc::new(Test::no_other_context(names)))
    }
}

fn partition(arn: &str) -> &str {
    arn.split(':').nth(1).unwrap_or("aws")
}
