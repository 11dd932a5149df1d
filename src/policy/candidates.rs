//! The values of unknown keys that tests can tell apart: those that policies name, those just beside them, and nobody's.

use super::condition::{Condition, Fact};
use super::instant;
use super::operator::{Family, Operand, Qualifier};
use super::pattern::{Token, common, tokens};
use super::unknown::{Kind, OTHER_CONTEXT, SESSION_NAME, Test};
use super::worlds::{Known, is_always_present};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

fn one(text: impl Into<String>) -> Fact<'static> {
    Fact::One(Cow::Owned(text.into()))
}

/// The values worth trying, by key.
pub(super) fn candidates(tests: &[Arc<Test>], known: &Known) -> BTreeMap<String, Vec<Fact<'static>>> {
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
            Operand::Exact(text) | Operand::ExactIgnoreCase(text) | Operand::Binary(text) => {
                texts.insert(text.clone());
            }
            Operand::Number(n) => texts.extend([n - 1.0, *n, n + 1.0].map(|n| n.to_string())),
            Operand::Instant(at) => texts.extend([at - 1_000, *at, at + 1_000].map(instant::format)),
            Operand::Range(network, bits) => texts.extend(edges(*network, *bits)),
            Operand::Like(..) | Operand::Arn(..) | Operand::ShortArn(_) => {
                texts.insert(concrete(written));
            }
            Operand::Template(_) | Operand::Flag(_) | Operand::Missing => {}
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
                    own.extend(template.value_for(value));
                    own.extend(value.split(['/', ':', '-', '.']).map(str::to_owned));
                }
                Some(Fact::Many(values)) => own.extend(values.iter().cloned()),
                _ => {
                    own.insert("same".to_owned());
                    let other = texts.entry(condition.key.clone()).or_default();
                    // As it reads with a value everywhere, and with the defaults where there are some.
                    other.extend([false, true].map(|defaults| concrete(&template.with_value("same", defaults))));
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
