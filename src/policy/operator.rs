//! Condition operators: their names, and how one value of a request is held against one value of a policy.

use super::instant;
use super::pattern::{Pattern, Token};
use super::template::{Template, text};
use std::cmp::Ordering;
use std::net::IpAddr;

/// How values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// `StringEquals`.
    Exact,
    /// `StringEqualsIgnoreCase`.
    ExactIgnoreCase,
    /// `StringLike`.
    Like,
    /// `Numeric*`.
    Numeric(Comparison),
    /// `Date*`.
    Date(Comparison),
    /// `Bool`.
    Bool,
    /// `BinaryEquals`.
    Binary,
    /// `IpAddress`.
    Ip,
    /// `ArnEquals` and `ArnLike`, which behave alike.
    Arn,
    /// `Null`.
    Null,
}

/// The order that a numeric or date operator asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Comparison {
    Equals,
    LessThan,
    LessThanEquals,
    GreaterThan,
    GreaterThanEquals,
}

/// The set qualifier before an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Qualifier {
    /// `ForAllValues:`
    All,
    /// `ForAnyValue:`
    Any,
}

/// A parsed operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Operator {
    /// How values are compared.
    pub family: Family,
    /// Whether the comparison is inverted (`StringNotEquals`).
    pub negated: bool,
    /// The set qualifier.
    pub qualifier: Option<Qualifier>,
    /// Whether the suffix `IfExists` is there.
    pub if_exists: bool,
}

impl Operator {
    /// Parses the name of an operator (IAM User Guide, "IAM JSON policy elements: Condition operators").
    pub fn parse(name: &str) -> Option<Self> {
        let (qualifier, rest) = match name.split_once(':') {
            Some(("ForAllValues", rest)) => (Some(Qualifier::All), rest),
            Some(("ForAnyValue", rest)) => (Some(Qualifier::Any), rest),
            Some(_) => return None,
            None => (None, name),
        };
        let (rest, if_exists) = match rest.strip_suffix("IfExists") {
            Some(rest) => (rest, true),
            None => (rest, false),
        };
        let (family, negated) = family(rest)?;
        if family == Family::Null && (if_exists || qualifier.is_some()) {
            return None;
        }
        Some(Self {
            family,
            negated,
            qualifier,
            if_exists,
        })
    }

    /// Whether values of this operator may hold variables.
    pub fn takes_variables(self) -> bool {
        matches!(
            self.family,
            Family::Exact | Family::ExactIgnoreCase | Family::Like | Family::Arn
        )
    }
}

fn family(name: &str) -> Option<(Family, bool)> {
    use Comparison::{Equals, GreaterThan, GreaterThanEquals, LessThan, LessThanEquals};
    Some(match name {
        "StringEquals" => (Family::Exact, false),
        "StringNotEquals" => (Family::Exact, true),
        "StringEqualsIgnoreCase" => (Family::ExactIgnoreCase, false),
        "StringNotEqualsIgnoreCase" => (Family::ExactIgnoreCase, true),
        "StringLike" => (Family::Like, false),
        "StringNotLike" => (Family::Like, true),
        "NumericEquals" => (Family::Numeric(Equals), false),
        "NumericNotEquals" => (Family::Numeric(Equals), true),
        "NumericLessThan" => (Family::Numeric(LessThan), false),
        "NumericLessThanEquals" => (Family::Numeric(LessThanEquals), false),
        "NumericGreaterThan" => (Family::Numeric(GreaterThan), false),
        "NumericGreaterThanEquals" => (Family::Numeric(GreaterThanEquals), false),
        "DateEquals" => (Family::Date(Equals), false),
        "DateNotEquals" => (Family::Date(Equals), true),
        "DateLessThan" => (Family::Date(LessThan), false),
        "DateLessThanEquals" => (Family::Date(LessThanEquals), false),
        "DateGreaterThan" => (Family::Date(GreaterThan), false),
        "DateGreaterThanEquals" => (Family::Date(GreaterThanEquals), false),
        "Bool" => (Family::Bool, false),
        "BinaryEquals" => (Family::Binary, false),
        "IpAddress" => (Family::Ip, false),
        "NotIpAddress" => (Family::Ip, true),
        "ArnEquals" | "ArnLike" => (Family::Arn, false),
        "ArnNotEquals" | "ArnNotLike" => (Family::Arn, true),
        "Null" => (Family::Null, false),
        _ => return None,
    })
}

impl Comparison {
    fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Equals => order.is_eq(),
            Self::LessThan => order.is_lt(),
            Self::LessThanEquals => order.is_le(),
            Self::GreaterThan => order.is_gt(),
            Self::GreaterThanEquals => order.is_ge(),
        }
    }
}

/// One value of a policy, ready to be compared.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    /// Exactly this text.
    Exact(String),
    /// This text in any case; held in lower case.
    ExactIgnoreCase(String),
    /// Text matching this pattern.
    Like(Pattern, String),
    /// An ARN whose six components match.
    Arn(Box<[Pattern; 6]>, String),
    /// An ARN pattern of fewer than six components, which AWS does not document.
    ShortArn(String),
    /// A number.
    Number(f64),
    /// An instant, in milliseconds.
    Instant(i64),
    /// A truth value.
    Flag(bool),
    /// Base64 text.
    Binary(String),
    /// A range of addresses.
    Range(IpAddr, u8),
    /// Text with variables, filled in per request.
    Template(Template),
    /// Text whose variable has no value.
    Missing,
}

impl Operand {
    /// Compiles a value. `None` when the value is not of the operator's kind.
    pub fn parse(family: Family, value: &str, variables: bool) -> Option<Self> {
        Some(match family {
            Family::Exact | Family::ExactIgnoreCase | Family::Like | Family::Arn => {
                let template = Template::new(value, variables);
                match template.fixed() {
                    Some(tokens) => Self::from_tokens(family, tokens),
                    None => Self::Template(template),
                }
            }
            Family::Numeric(_) => Self::Number(parse_number(value)?),
            Family::Date(_) => Self::Instant(instant::parse(value)?),
            Family::Bool | Family::Null => Self::Flag(parse_flag(value)?),
            Family::Binary => Self::Binary(value.to_owned()),
            Family::Ip => {
                let (address, bits) = parse_range(value)?;
                Self::Range(address, bits)
            }
        })
    }

    /// Compiles text whose variables are filled in.
    pub fn from_tokens(family: Family, tokens: &[Token]) -> Self {
        match family {
            Family::Like => Self::Like(Pattern::from_tokens(tokens), text(tokens)),
            Family::Arn => {
                let mut parts: Vec<&[Token]> = tokens.splitn(6, |t| *t == Token::Char(':')).collect();
                match (parts.len(), parts.pop()) {
                    (6, Some(last)) => {
                        let mut patterns = parts.iter().map(|p| Pattern::from_tokens(p));
                        let mut next = || patterns.next().unwrap_or_else(|| Pattern::new(""));
                        let first = [next(), next(), next(), next(), next()];
                        let [a, b, c, d, e] = first;
                        Self::Arn(Box::new([a, b, c, d, e, Pattern::from_tokens(last)]), text(tokens))
                    }
                    _ => Self::ShortArn(text(tokens)),
                }
            }
            Family::ExactIgnoreCase => Self::ExactIgnoreCase(text(tokens).to_lowercase()),
            _ => Self::Exact(text(tokens)),
        }
    }

    /// Whether one value of a request matches, before any negation.
    pub fn matches(&self, family: Family, value: &str) -> bool {
        match self {
            Self::Exact(own) | Self::Binary(own) => own == value,
            Self::ExactIgnoreCase(own) => *own == value.to_lowercase(),
            Self::Like(pattern, _) => pattern.matches(value),
            Self::Arn(patterns, _) => {
                let parts: Vec<&str> = value.splitn(6, ':').collect();
                parts.len() == 6 && patterns.iter().zip(parts).all(|(pattern, part)| pattern.matches(part))
            }
            Self::Number(own) => match (family, parse_number(value)) {
                (Family::Numeric(comparison), Some(given)) => {
                    given.partial_cmp(own).is_some_and(|o| comparison.holds(o))
                }
                _ => false,
            },
            Self::Instant(own) => match (family, instant::parse(value)) {
                (Family::Date(comparison), Some(given)) => comparison.holds(given.cmp(own)),
                _ => false,
            },
            Self::Flag(own) => parse_flag(value) == Some(*own),
            Self::Range(network, bits) => value.parse().is_ok_and(|address| in_range(address, *network, *bits)),
            Self::ShortArn(_) | Self::Template(_) | Self::Missing => false,
        }
    }
}

fn parse_flag(value: &str) -> Option<bool> {
    if value.eq_ignore_ascii_case("true") {
        Some(true)
    } else if value.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

/// A decimal number as policies write it; `inf` and `nan` are none.
pub fn parse_number(value: &str) -> Option<f64> {
    let value = value.trim();
    let plain = value
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E'));
    if plain {
        value.parse().ok().filter(|n: &f64| n.is_finite())
    } else {
        None
    }
}

fn parse_range(value: &str) -> Option<(IpAddr, u8)> {
    let (address, bits) = match value.trim().split_once('/') {
        Some((address, bits)) => (address.parse::<IpAddr>().ok()?, Some(bits.parse::<u8>().ok()?)),
        None => (value.trim().parse::<IpAddr>().ok()?, None),
    };
    let width = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.unwrap_or(width);
    (bits <= width).then_some((address, bits))
}

fn in_range(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    match (address, network) {
        (IpAddr::V4(a), IpAddr::V4(n)) => {
            let shift = 32 - u32::from(bits);
            (u64::from(a.to_bits()) >> shift) == (u64::from(n.to_bits()) >> shift)
        }
        (IpAddr::V6(a), IpAddr::V6(n)) => {
            bits == 0 || a.to_bits() >> (128 - u32::from(bits)) == n.to_bits() >> (128 - u32::from(bits))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(operator: &str, policy: &str, request: &str) -> bool {
        let family = Operator::parse(operator).unwrap().family;
        Operand::parse(family, policy, true).unwrap().matches(family, request)
    }

    #[test]
    fn names() {
        let parsed = Operator::parse("ForAllValues:StringNotLikeIfExists").unwrap();
        assert_eq!(
            (parsed.family, parsed.negated, parsed.if_exists),
            (Family::Like, true, true)
        );
        assert_eq!(parsed.qualifier, Some(Qualifier::All));
        for wrong in [
            "",
            "stringequals",
            "NullIfExists",
            "ForSome:StringEquals",
            "StringEqualsIfExistsIfExists",
            "BinaryLike",
        ] {
            assert_eq!(Operator::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn comparisons() {
        assert!(holds("StringEquals", "a*", "a*") && !holds("StringEquals", "a*", "ab"));
        assert!(holds("StringEqualsIgnoreCase", "PROD", "prod"));
        assert!(holds("NumericLessThan", "14", "7") && !holds("NumericLessThan", "14", "x"));
        assert!(holds("DateLessThan", "1893456000", "2026-06-01T12:00:00Z"));
        assert!(holds("IpAddress", "203.0.113.0/24", "203.0.113.9") && !holds("IpAddress", "0.0.0.0/0", "2001:db8::1"));
        assert!(holds("IpAddress", "2001:db8::/32", "2001:db8::1") && holds("IpAddress", "::/0", "::1"));
        assert!(holds(
            "ArnLike",
            "arn:aws:iam::*:role/*",
            "arn:aws:iam::111122223333:role/a/b"
        ));
        assert!(!holds(
            "ArnLike",
            "arn:aws:*:user/alice",
            "arn:aws:iam::111122223333:user/alice"
        ));
        assert!(!holds("ArnLike", "arn:aws:iam:*:role/x:y:z", "arn:aws:iam::1:role/x"));
        assert!(holds("Bool", "true", "True"));
    }
}
