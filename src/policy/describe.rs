//! Conditions as a person would say them, and what kind of thing they ask for.

use super::condition::{Condition, shorten};
use super::formula::Formula;
use super::operator::{Comparison, Family, Operand, Qualifier};
use super::solve::Depends;
use super::unknown::{CONTEXT_PREFIX, Kind, Test};

/// What a right depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ConditionKind {
    /// Multi-factor authentication.
    Mfa,
    /// Where the request comes from.
    Network,
    /// Only an AWS service can use it, on somebody's behalf.
    ServiceOnly,
    /// What the request asks for.
    Parameter,
    /// Tags of the request.
    Tag,
    /// When.
    Time,
    /// Who the session is.
    Session,
}

impl ConditionKind {
    /// The word used in results.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mfa => "mfa",
            Self::Network => "network",
            Self::ServiceOnly => "service_only",
            Self::Parameter => "parameter",
            Self::Tag => "tag",
            Self::Time => "time",
            Self::Session => "session",
        }
    }

    /// The kind of one condition key, in lower case.
    pub fn of_key(key: &str) -> Self {
        if key.starts_with("aws:multifactorauth") {
            return Self::Mfa;
        }
        if key.starts_with("aws:source") && !matches!(key, "aws:sourceidentity") {
            let of_service = matches!(
                key,
                "aws:sourcearn" | "aws:sourceaccount" | "aws:sourceowner" | "aws:sourceorgid" | "aws:sourceorgpaths"
            );
            return if of_service { Self::ServiceOnly } else { Self::Network };
        }
        if key.starts_with("aws:vpc") || key.starts_with("aws:ec2instancesource") {
            return Self::Network;
        }
        if key.starts_with("aws:calledvia")
            || matches!(
                key,
                "kms:viaservice" | "aws:viaawsservice" | "kms:grantisforawsresource"
            )
        {
            return Self::ServiceOnly;
        }
        if key.starts_with("aws:requesttag/")
            || key.starts_with("aws:resourcetag/")
            || matches!(key, "aws:tagkeys" | "kms:resourcealiases")
        {
            return Self::Tag;
        }
        if matches!(key, "aws:currenttime" | "aws:epochtime" | "aws:tokenissuetime") {
            return Self::Time;
        }
        if key.starts_with("kms:")
            || matches!(
                key,
                "aws:useragent" | "aws:referer" | "aws:requestedregion" | "aws:securetransport"
            )
        {
            return Self::Parameter;
        }
        Self::Session
    }
}

/// The kind of a condition. `service_only` means that no direct call satisfies it; a condition that merely keeps services out is a
/// parameter of the request.
pub fn kind(depends: &Depends) -> ConditionKind {
    if !depends.direct {
        return ConditionKind::ServiceOnly;
    }
    let kinds = depends.keys.iter().map(|key| match ConditionKind::of_key(key) {
        ConditionKind::ServiceOnly => ConditionKind::Parameter,
        other => other,
    });
    kinds
        .min_by_key(|kind| match kind {
            ConditionKind::Mfa => 0,
            ConditionKind::Network => 1,
            ConditionKind::Session => 2,
            ConditionKind::Time => 3,
            ConditionKind::Tag => 4,
            ConditionKind::Parameter | ConditionKind::ServiceOnly => 5,
        })
        .unwrap_or(ConditionKind::Parameter)
}

/// A formula as text.
pub fn text(formula: &Formula) -> String {
    match formula {
        Formula::Const(true) => "always".to_owned(),
        Formula::Const(false) => "never".to_owned(),
        Formula::Leaf(test) => literal(test, true),
        Formula::Not(inner) => match &**inner {
            Formula::Leaf(test) => literal(test, false),
            other => format!("not ({})", text(other)),
        },
        Formula::All(parts) => join(parts, " and "),
        Formula::Any(parts) => join(parts, " or "),
    }
}

fn join(parts: &[Formula], word: &str) -> String {
    let texts = parts.iter().map(|part| match part {
        Formula::All(_) | Formula::Any(_) => format!("({})", text(part)),
        other => {
            let own = text(other);
            if own.contains(" or ") { format!("({own})") } else { own }
        }
    });
    texts.collect::<Vec<_>>().join(word)
}

/// A test, or its opposite, as text.
pub fn literal(test: &Test, positive: bool) -> String {
    match (&test.kind, positive) {
        (Kind::Condition(condition, _), _) => condition_text(condition, positive),
        (Kind::Resource(template, text), true) => format!("{text} matches {template}"),
        (Kind::Resource(template, text), false) => format!("{text} does not match {template}"),
        (Kind::Session(name), true) => format!("session name = {name}"),
        (Kind::Session(name), false) => format!("session name != {name}"),
        (Kind::NoOtherContext(names), true) => format!("encryption context holds only {}", context_names(names)),
        (Kind::NoOtherContext(names), false) => format!("encryption context holds more than {}", context_names(names)),
        (Kind::Gap { reason, .. }, _) => reason.clone(),
    }
}

fn context_names(names: &[String]) -> String {
    names
        .iter()
        .map(|n| n.strip_prefix(CONTEXT_PREFIX).unwrap_or(n))
        .collect::<Vec<_>>()
        .join(", ")
}

fn condition_text(condition: &Condition, positive: bool) -> String {
    let key = &condition.written;
    let operator = condition.operator;
    let values = list(&condition.values);
    if operator.family == Family::Null {
        let absent = condition.holds(&super::condition::Fact::Absent) == positive;
        return format!("{key} is {}", if absent { "absent" } else { "present" });
    }
    // The opposite of `absent or not in` is `in`, and so on: say what a request must hold.
    let absent_holds = condition.holds(&super::condition::Fact::Absent) == positive;
    let inverted = operator.negated == positive;
    let (family, negated) = (operator.family, operator.negated);
    let compared = match (operator.qualifier, positive) {
        (Some(Qualifier::All), true) => return set_text(key, "every", family, negated, &values),
        (Some(Qualifier::All), false) => return set_text(key, "some", family, !negated, &values),
        (Some(Qualifier::Any), true) => return set_text(key, "some", family, negated, &values),
        (Some(Qualifier::Any), false) => return set_text(key, "every", family, !negated, &values),
        (None, _) => match (family, condition.operands.as_slice()) {
            (Family::Bool, [Operand::Flag(flag)]) => format!("{key} = {}", *flag != inverted),
            _ => format!("{key} {} {values}", words(family, inverted, condition.values.len())),
        },
    };
    // `not in` reads as including an absent key, a comparison as asking for one: say so only where it is otherwise.
    let reads_as_absent = inverted && !matches!(family, Family::Bool | Family::Numeric(_) | Family::Date(_));
    match (reads_as_absent, absent_holds) {
        _ if super::worlds::is_always_present(&condition.key) => compared,
        (false, true) => format!("{compared} or {key} is absent"),
        (true, false) => format!("{compared} and {key} is present"),
        _ => compared,
    }
}

fn set_text(key: &str, which: &str, family: Family, inverted: bool, values: &str) -> String {
    format!("{which} value of {key} {} {values}", words(family, inverted, 1))
}

fn list(values: &[String]) -> String {
    let shown: Vec<String> = values.iter().take(8).map(|v| shorten(v)).collect();
    match (shown.as_slice(), values.len()) {
        ([one], _) => one.clone(),
        (_, n) if n > shown.len() => format!("({}, ... {} more)", shown.join(", "), n - shown.len()),
        _ => format!("({})", shown.join(", ")),
    }
}

fn words(family: Family, inverted: bool, count: usize) -> &'static str {
    let several = count != 1;
    match (family, inverted) {
        (Family::Like | Family::Arn, false) => "like",
        (Family::Like | Family::Arn, true) => "not like",
        (Family::Ip, false) => "in",
        (Family::Ip, true) => "not in",
        (Family::Numeric(comparison) | Family::Date(comparison), _) => match (comparison, inverted) {
            (Comparison::Equals, false) => "=",
            (Comparison::Equals, true) => "!=",
            (Comparison::LessThan, false) | (Comparison::GreaterThanEquals, true) => "<",
            (Comparison::LessThanEquals, false) | (Comparison::GreaterThan, true) => "<=",
            (Comparison::GreaterThan, false) | (Comparison::LessThanEquals, true) => ">",
            (Comparison::GreaterThanEquals, false) | (Comparison::LessThan, true) => ">=",
        },
        (_, false) if several => "in",
        (_, true) if several => "not in",
        (_, false) => "=",
        (_, true) => "!=",
    }
}
