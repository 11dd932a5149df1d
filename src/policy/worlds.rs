//! Representative request contexts: for every unknown key the few values that its tests can tell apart, joined where keys depend on each
//! other. Contexts that no test can tell apart are one.

use super::condition::{CONTEXT_PREFIX, Condition, Fact, Kind, OTHER_CONTEXT, SESSION_NAME, Test};
use super::instant;
use super::operator::{Family, Operand, Qualifier};
use super::pattern::{Token, common, tokens};
use std::borrow::Cow;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
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

fn one(text: impl Into<String>) -> Fact<'static> {
    Fact::One(Cow::Owned(text.into()))
}

/// The values worth trying, by key.
fn candidates(tests: &[Arc<Test>], known: &Known) -> BTreeMap<String, Vec<Fact<'static>>> {
    let mut texts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for test in tests {
        for key in &test.keys {
            texts.entry(key.clone()).or_default();
        }
        match &test.kind {
            Kind::Condition(condition, known_fact) => {
                if known_fact.is_none() {
                    add_values(condition, texts.entry(condition.key.clone()).or_default());
                }
                add_variables(condition, known_fact.as_ref(), &mut texts);
            }
            Kind::Resource(template, text) => {
                for key in template.keys() {
                    let parts = text.split(['/', ':', '*']).filter(|p| !p.is_empty()).map(str::to_owned);
                    texts.entry(key.to_owned()).or_default().extend(parts);
                }
            }
            Kind::Session(name) => {
                texts.entry(SESSION_NAME.to_owned()).or_default().insert(name.clone());
            }
            Kind::NoOtherContext(_) | Kind::Gap { .. } => {}
        }
    }
    add_common_texts(tests, &mut texts);
    share_session_names(&mut texts);
    let facts = texts.into_iter().map(|(key, values)| {
        let facts = facts(&key, values, tests, known);
        (key, facts)
    });
    facts.collect()
}

fn facts(key: &str, mut texts: BTreeSet<String>, tests: &[Arc<Test>], known: &Known) -> Vec<Fact<'static>> {
    match key {
        OTHER_CONTEXT => return vec![Fact::Absent, one("anything")],
        "aws:userid" if known.user_id_prefix.is_some() => {
            let prefix = known.user_id_prefix.as_deref().unwrap_or_default();
            let sessions: BTreeSet<String> = texts
                .iter()
                .map(|t| {
                    t.split_once(':')
                        .map_or("any-session", |(_, session)| session)
                        .to_owned()
                })
                .collect();
            return sessions
                .into_iter()
                .chain(["any-session".to_owned()])
                .map(|s| one(format!("{prefix}{s}")))
                .collect();
        }
        "aws:viaawsservice" => texts.extend(["true".to_owned(), "false".to_owned()]),
        _ => {}
    }
    // Nobody's value: no policy means it.
    texts.insert(if key.contains("arn") {
        "arn:aws:iam::000000000000:role/nobody".to_owned()
    } else {
        "zzz-nobody".to_owned()
    });
    let mut facts = if is_always_present(key) {
        Vec::new()
    } else {
        vec![Fact::Absent]
    };
    if is_multivalued(key, tests) {
        let every: Vec<String> = texts.iter().filter(|t| *t != "zzz-nobody").cloned().collect();
        if every.len() > 1 {
            facts.push(Fact::Many(Cow::Owned(every)));
        }
    }
    if key == "aws:viaawsservice" {
        texts.retain(|t| t == "true" || t == "false");
    }
    facts.extend(texts.into_iter().map(one));
    facts
}

/// Whether requests hold several values of the key, and every test on it says how to treat them.
fn is_multivalued(key: &str, tests: &[Arc<Test>]) -> bool {
    let listed = matches!(
        key,
        "aws:tagkeys" | "kms:grantoperations" | "kms:encryptioncontextkeys" | "aws:calledvia"
    );
    listed
        && tests.iter().all(|test| match &test.kind {
            Kind::Condition(condition, _) if condition.key == key => {
                matches!(condition.operator.qualifier, Some(Qualifier::All | Qualifier::Any))
                    || condition.operator.family == Family::Null
            }
            _ => true,
        })
}

/// Values at which a condition's answer may turn.
fn add_values(condition: &Condition, texts: &mut BTreeSet<String>) {
    if matches!(condition.operator.family, Family::Bool) {
        texts.extend(["true".to_owned(), "false".to_owned()]);
    }
    for (operand, written) in condition.operands.iter().zip(&condition.values) {
        match operand {
            Operand::Exact(text) | Operand::Binary(text) => {
                texts.insert(text.clone());
            }
            Operand::Number(n) => texts.extend([n - 1.0, *n, n + 1.0].map(|n| n.to_string())),
            Operand::Instant(at) => texts.extend([at - 1_000, *at, at + 1_000].map(instant::format)),
            Operand::Range(network, bits) => texts.extend(edges(*network, *bits)),
            Operand::ExactIgnoreCase(_)
            | Operand::Like(..)
            | Operand::Arn(..)
            | Operand::ShortArn(_)
            | Operand::Template(_) => {
                texts.insert(concrete(written));
            }
            Operand::Flag(_) | Operand::Missing => {}
        }
    }
    if condition.operator.family == Family::Ip {
        texts.extend(["198.51.100.7".to_owned(), "2001:db8::7".to_owned()]);
    }
}

/// The most patterns on one key of which every pair is held together.
const PATTERNS_MAX: usize = 12;

/// Texts that two patterns on one key both match.
fn add_common_texts(tests: &[Arc<Test>], texts: &mut BTreeMap<String, BTreeSet<String>>) {
    let mut patterns: BTreeMap<&str, Vec<Vec<Token>>> = BTreeMap::new();
    for test in tests {
        if let Kind::Condition(condition, None) = &test.kind {
            let own = condition.operands.iter().filter_map(|operand| match operand {
                Operand::Like(_, text) | Operand::Arn(_, text) => Some(tokens(text, false)),
                _ => None,
            });
            patterns.entry(&condition.key).or_default().extend(own);
        }
    }
    for (key, patterns) in patterns.into_iter().filter(|(_, p)| p.len() <= PATTERNS_MAX) {
        let own = texts.entry(key.to_owned()).or_default();
        for (i, left) in patterns.iter().enumerate() {
            own.extend(patterns[i + 1..].iter().filter_map(|right| common(left, right)));
        }
    }
}

/// A text that a pattern matches.
fn concrete(pattern: &str) -> String {
    pattern
        .replace("${*}", "*")
        .replace("${?}", "?")
        .replace("${$}", "$")
        .replace(['*', '?'], "x")
}

/// A variable in the values can make them equal the key's own value.
fn add_variables(condition: &Condition, known: Option<&Fact<'static>>, texts: &mut BTreeMap<String, BTreeSet<String>>) {
    for operand in &condition.operands {
        let Operand::Template(template) = operand else { continue };
        for key in template.keys() {
            let own = texts.entry(key.to_owned()).or_default();
            match known {
                Some(Fact::One(value)) => {
                    own.insert(value.clone().into_owned());
                    own.extend(value.split(['/', ':', '-', '.']).map(str::to_owned));
                }
                Some(Fact::Many(values)) => own.extend(values.iter().cloned()),
                _ => {
                    own.insert("same".to_owned());
                    texts
                        .entry(condition.key.clone())
                        .or_default()
                        .insert("same".to_owned());
                }
            }
        }
    }
}

/// `aws:userid` and the session name are about the same thing; values of one are values of the other.
fn share_session_names(texts: &mut BTreeMap<String, BTreeSet<String>>) {
    let (Some(names), Some(ids)) = (texts.get(SESSION_NAME).cloned(), texts.get("aws:userid").cloned()) else {
        return;
    };
    let sessions = ids
        .iter()
        .map(|id| id.split_once(':').map_or("any-session", |(_, s)| s).to_owned());
    texts
        .entry(SESSION_NAME.to_owned())
        .or_default()
        .extend(sessions.chain(["any-session".to_owned()]));
    texts
        .entry("aws:userid".to_owned())
        .or_default()
        .extend(names.iter().map(|n| format!(":{n}")));
}

/// The first and last address of a range, and their neighbours outside.
fn edges(network: IpAddr, bits: u8) -> Vec<String> {
    match network {
        IpAddr::V4(network) => {
            let hosts = u32::MAX.checked_shr(bits.into()).unwrap_or(0);
            let (first, last) = (network.to_bits() & !hosts, network.to_bits() | hosts);
            let all = [first, last, first.wrapping_sub(1), last.wrapping_add(1)];
            all.map(|n| std::net::Ipv4Addr::from_bits(n).to_string()).to_vec()
        }
        IpAddr::V6(network) => {
            let hosts = u128::MAX.checked_shr(bits.into()).unwrap_or(0);
            let (first, last) = (network.to_bits() & !hosts, network.to_bits() | hosts);
            let all = [first, last, first.wrapping_sub(1), last.wrapping_add(1)];
            all.map(|n| std::net::Ipv6Addr::from_bits(n).to_string()).to_vec()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
