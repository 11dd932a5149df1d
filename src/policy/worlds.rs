//! Representative request contexts: for every unknown key the few values that its tests can tell apart, joined where keys depend on each
//! other. Contexts that no test can tell apart are one.

use super::candidates::candidates;
use super::condition::Fact;
use super::unknown::{CONTEXT_PREFIX, Kind, OTHER_CONTEXT, SESSION_NAME, Test};
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// What is known of keys that are otherwise unknown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Known {
    /// `aws:userid` starts with this (the role's id and a colon).
    pub user_id_prefix: Option<String>,
}

/// A request context, as far as tests can tell.
#[derive(Debug, Clone)]
pub struct World {
    values: BTreeMap<String, Fact<'static>>,
    verdicts: Vec<bool>,
}

type Values = BTreeMap<String, Fact<'static>>;

impl World {
    /// What every test says here, in order.
    pub fn verdicts(&self) -> &[bool] {
        &self.verdicts
    }

    /// The values of the given keys.
    pub fn values(&self, keys: &BTreeSet<String>) -> Vec<(String, Fact<'static>)> {
        let chosen = self
            .values
            .iter()
            .filter(|(key, value)| keys.contains(*key) && **value != Fact::Absent);
        chosen.map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    /// Whether a principal makes the call itself, and not an AWS service on its behalf.
    pub fn is_direct(&self) -> bool {
        self.values.iter().all(|(key, value)| match key.as_str() {
            "kms:viaservice" => *value == Fact::Absent,
            "kms:grantisforawsresource" | "aws:viaawsservice" => !is_true(value),
            _ if key.starts_with("aws:calledvia") => *value == Fact::Absent,
            _ => true,
        })
    }
}

/// Whether every request carries the key.
pub fn is_always_present(key: &str) -> bool {
    matches!(
        key,
        "aws:viaawsservice" | "aws:securetransport" | "aws:currenttime" | "aws:epochtime" | SESSION_NAME
    )
}

fn is_true(value: &Fact) -> bool {
    matches!(value, Fact::One(text) if text.eq_ignore_ascii_case("true"))
}

/// All joint contexts that the tests can tell apart, or nothing when there are more than `most`.
pub fn joint(tests: &[Arc<Test>], known: &Known, most: usize) -> Option<Vec<World>> {
    let candidates = candidates(tests, known);
    let mut worlds = vec![World {
        values: Values::new(),
        verdicts: vec![false; tests.len()],
    }];
    for group in groups(tests, &candidates) {
        let members: Vec<usize> = (0..tests.len())
            .filter(|i| tests[*i].keys.iter().any(|k| group.contains(k)))
            .collect();
        let mut kinds: HashMap<Vec<bool>, Values> = HashMap::new();
        let mut order = Vec::new();
        for values in contexts(&group, &candidates, most)? {
            let verdicts: Vec<bool> = members.iter().map(|i| holds(&tests[*i], &values)).collect();
            // Contexts alike to every test still differ in whether a service calls.
            let direct = World {
                values: values.clone(),
                verdicts: Vec::new(),
            }
            .is_direct();
            let signature: Vec<bool> = verdicts.iter().copied().chain([direct]).collect();
            if let Entry::Vacant(vacant) = kinds.entry(signature.clone()) {
                vacant.insert(values);
                order.push(signature);
            }
        }
        if worlds.len().checked_mul(order.len()).is_none_or(|n| n > most) {
            return None;
        }
        worlds = worlds
            .iter()
            .flat_map(|world| {
                order
                    .iter()
                    .map(|signature| join(world, &members, signature, &kinds))
                    .collect::<Vec<_>>()
            })
            .collect();
    }
    Some(worlds)
}

fn join(world: &World, members: &[usize], signature: &[bool], kinds: &HashMap<Vec<bool>, Values>) -> World {
    let mut joined = world.clone();
    for (member, verdict) in members.iter().zip(signature) {
        joined.verdicts[*member] = *verdict;
    }
    if let Some(values) = kinds.get(signature) {
        joined.values.extend(values.iter().map(|(k, v)| (k.clone(), v.clone())));
    }
    joined
}

fn holds(test: &Test, values: &Values) -> bool {
    if let Kind::NoOtherContext(names) = &test.kind {
        let mut others = values
            .iter()
            .filter(|(key, value)| key.starts_with(CONTEXT_PREFIX) && **value != Fact::Absent);
        return others.all(|(key, _)| names.contains(key));
    }
    test.holds(&|key: &str| values.get(key).cloned().unwrap_or(Fact::Absent))
}

/// Keys that must be tried together: those of one test, those of the encryption context under an exact constraint, those of MFA.
fn groups(tests: &[Arc<Test>], candidates: &BTreeMap<String, Vec<Fact<'static>>>) -> Vec<BTreeSet<String>> {
    let mut bonds: Vec<BTreeSet<String>> = tests.iter().map(|t| t.keys.iter().cloned().collect()).collect();
    let related = |wanted: &dyn Fn(&str) -> bool| candidates.keys().filter(|k| wanted(k)).cloned().collect();
    if candidates.contains_key(OTHER_CONTEXT) {
        bonds.push(related(&|key| key.starts_with(CONTEXT_PREFIX)));
    }
    bonds.push(related(&|key| key.starts_with("aws:multifactorauth")));
    bonds.push(related(&|key| matches!(key, "aws:userid" | SESSION_NAME)));
    let mut groups: Vec<BTreeSet<String>> = Vec::new();
    for mut bond in bonds.into_iter().filter(|b| !b.is_empty()) {
        groups.retain(|group| {
            let apart = group.is_disjoint(&bond);
            if !apart {
                bond.extend(group.iter().cloned());
            }
            apart
        });
        groups.push(bond);
    }
    groups
}

/// Every combination of the values of some keys, less the impossible ones.
fn contexts(
    group: &BTreeSet<String>,
    candidates: &BTreeMap<String, Vec<Fact<'static>>>,
    most: usize,
) -> Option<Vec<Values>> {
    let mut found = vec![Values::new()];
    for key in group {
        let values = candidates.get(key).map_or(&[][..], Vec::as_slice);
        if found.len().checked_mul(values.len().max(1)).is_none_or(|n| n > most) {
            return None;
        }
        found = found
            .iter()
            .flat_map(|context| {
                values.iter().map(|value| {
                    let mut next = context.clone();
                    next.insert(key.clone(), value.clone());
                    next
                })
            })
            .collect();
    }
    found.retain(is_possible);
    Some(found)
}

/// The age of an MFA login exists exactly when MFA was used; the session's name ends `aws:userid`.
fn is_possible(values: &Values) -> bool {
    if let (Some(present), Some(age)) = (
        values.get("aws:multifactorauthpresent"),
        values.get("aws:multifactorauthage"),
    ) && is_true(present) != (*age != Fact::Absent)
    {
        return false;
    }
    match (values.get(SESSION_NAME), values.get("aws:userid")) {
        (Some(Fact::One(name)), Some(Fact::One(id))) => id.split_once(':').is_none_or(|(_, session)| session == name),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::condition::Condition;
    use crate::policy::formula::Formula;
    use crate::policy::operator::Operator;
    use crate::policy::solve::{Truth, solve};

    fn leaf(operator: &str, key: &str, values: &[&str]) -> Formula {
        let values = values.iter().map(|v| (*v).to_owned()).collect();
        let condition = Condition::parse(Operator::parse(operator).unwrap(), key, values, false).unwrap();
        condition.test.map_or(Formula::FALSE, Formula::Leaf)
    }

    fn truth(parts: &[Formula]) -> &'static str {
        match solve(&Formula::all(parts.to_vec()), &Known::default()) {
            Truth::Always(_) => "always",
            Truth::Sometimes(_) => "sometimes",
            Truth::Never(_) => "never",
            Truth::Open(_) => "open",
        }
    }

    #[test]
    fn values_between_policies_are_found() {
        let outer = leaf("IpAddress", "aws:SourceIp", &["203.0.113.0/24"]);
        assert_eq!(
            truth(&[outer.clone(), leaf("NotIpAddress", "aws:SourceIp", &["203.0.113.0/25"])]),
            "sometimes"
        );
        assert_eq!(
            truth(&[outer.clone(), leaf("NotIpAddress", "aws:SourceIp", &["203.0.0.0/16"])]),
            "never"
        );
        assert_eq!(truth(&[Formula::any([outer.clone(), outer.negate()])]), "always");
        let any_case = leaf("StringEqualsIgnoreCase", "aws:SourceVpce", &["A*b"]);
        assert_eq!(truth(&[any_case]), "sometimes", "a star is a star there");
        let age = |operator, n| leaf(operator, "aws:MultiFactorAuthAge", &[n]);
        assert_eq!(
            truth(&[age("NumericGreaterThan", "10"), age("NumericLessThan", "12")]),
            "sometimes"
        );
        assert_eq!(
            truth(&[age("NumericGreaterThan", "12"), age("NumericLessThan", "12")]),
            "never"
        );
        let mfa = leaf("Bool", "aws:MultiFactorAuthPresent", &["false"]);
        assert_eq!(truth(&[age("NumericLessThan", "12"), mfa]), "never");
        let via = leaf("StringLike", "kms:ViaService", &["s3.*.amazonaws.com"]);
        assert_eq!(
            truth(&[
                via,
                leaf("StringNotLike", "kms:ViaService", &["*.eu-west-1.amazonaws.com"])
            ]),
            "sometimes"
        );
        let via = leaf("StringLike", "kms:ViaService", &["s3.*.amazonaws.com"]);
        assert_eq!(
            truth(&[via, leaf("StringLike", "kms:ViaService", &["*.eu-west-1.*"])]),
            "sometimes"
        );
        let tags = |operator, values: &[&str]| leaf(operator, "aws:TagKeys", values);
        assert_eq!(
            truth(&[
                tags("ForAnyValue:StringEquals", &["a"]),
                tags("ForAnyValue:StringEquals", &["b"])
            ]),
            "sometimes"
        );
        assert_eq!(
            truth(&[
                tags("ForAllValues:StringEquals", &["a"]),
                tags("ForAnyValue:StringEquals", &["b"])
            ]),
            "never"
        );
    }
}
