//! One condition of a statement: an operator, a key and values, and whether a request satisfies it.

use super::kms::{self, ActionSet};
use super::operator::{Family, Operand, Operator, Qualifier};
use super::template::Filled;
use super::template::Substitute;
use super::unknown::Test;
use std::borrow::Cow;
use std::sync::Arc;

/// What is known of one condition key in one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact<'a> {
    /// The request does not carry the key.
    Absent,
    /// One value.
    One(Cow<'a, str>),
    /// A multivalued key.
    Many(Cow<'a, [String]>),
    /// Nobody can know before the request.
    Unknown,
}

impl Fact<'_> {
    /// The fact, free of what it was borrowed from.
    pub fn into_owned(self) -> Fact<'static> {
        match self {
            Self::Absent => Fact::Absent,
            Self::One(value) => Fact::One(Cow::Owned(value.into_owned())),
            Self::Many(values) => Fact::Many(Cow::Owned(values.into_owned())),
            Self::Unknown => Fact::Unknown,
        }
    }

    /// What a variable naming this key becomes. A multivalued key has no single value.
    pub fn substitute(self) -> Substitute {
        match self {
            Self::One(value) => Substitute::Text(value.into_owned()),
            Self::Unknown => Substitute::Unknown,
            Self::Absent | Self::Many(_) => Substitute::Missing,
        }
    }
}

/// One operator, one key, its values.
#[derive(Debug, Clone)]
pub struct Condition {
    /// The operator.
    pub operator: Operator,
    /// The condition key in lower case.
    pub key: String,
    /// The condition key as written.
    pub written: String,
    /// The values; one of them must match (none, for an inverted operator).
    pub operands: Vec<Operand>,
    /// The values as written.
    pub values: Vec<String>,
    /// The actions whose requests can carry the key.
    pub carriers: ActionSet,
    /// The test this condition is while its key is unknown, when its values hold no variables.
    pub test: Option<Arc<Test>>,
}

/// A condition against one request.
pub enum Outcome {
    /// Decided.
    Known(bool),
    /// Undocumented: held to be so, for the reason given.
    Contested(bool, &'static str),
    /// Depends on unknown parts of the request.
    Depends(Arc<Test>),
}

const SHORT_ARN: &str = "an ARN pattern with fewer than six components is compared in a way AWS does not document";
const SINGLE_ON_MANY: &str =
    "a multivalued condition key without ForAnyValue or ForAllValues is compared in a way AWS does not document";

impl Condition {
    /// Parses one key of a condition block. The error says what is wrong with it.
    pub fn parse(operator: Operator, written: &str, values: Vec<String>, variables: bool) -> Result<Self, String> {
        let key = written.to_ascii_lowercase();
        let mut operands = Vec::with_capacity(values.len());
        for value in &values {
            let operand = Operand::parse(operator.family, value, variables && operator.takes_variables());
            operands.push(operand.ok_or_else(|| format!("`{}` is not a value of that operator", shorten(value)))?);
        }
        let mut condition = Self {
            operator,
            carriers: kms::requests_that_carry(&key),
            key,
            written: written.to_owned(),
            operands,
            values,
            test: None,
        };
        if !condition.has_variables() {
            condition.test = Some(Arc::new(Test::of_condition(condition.clone(), None)));
        }
        Ok(condition)
    }

    /// Whether a value holds a variable.
    pub fn has_variables(&self) -> bool {
        self.operands.iter().any(|o| matches!(o, Operand::Template(_)))
    }

    /// Whether the condition is on who the caller is, in a way that lets named callers through.
    pub fn names_principals(&self) -> bool {
        self.key == "aws:principalarn" && !self.operator.negated && !self.operator.if_exists
    }

    /// Holds the condition against a request whose facts are given by `facts`.
    pub fn against<'f>(&self, facts: &impl Fn(&str) -> Fact<'f>) -> Outcome {
        let fact = facts(&self.key);
        if !self.has_variables() {
            return match (&fact, &self.test) {
                (Fact::Unknown, Some(test)) => Outcome::Depends(Arc::clone(test)),
                _ => self.with(&fact),
            };
        }
        let filled = self.fill(facts);
        if filled.has_variables() || fact == Fact::Unknown {
            let known = if fact == Fact::Unknown {
                None
            } else {
                Some(fact.into_owned())
            };
            return Outcome::Depends(Arc::new(Test::of_condition(filled, known)));
        }
        filled.with(&fact)
    }

    /// The condition with every known variable filled in.
    pub(super) fn fill<'f>(&self, facts: &impl Fn(&str) -> Fact<'f>) -> Self {
        let operands = self.operands.iter().map(|operand| match operand {
            Operand::Template(template) => match template.fill(|key| facts(key).substitute()) {
                Filled::Tokens(tokens) => Operand::from_tokens(self.operator.family, &tokens),
                Filled::Missing => Operand::Missing,
                Filled::Unknown(rest) => Operand::Template(rest),
            },
            other => other.clone(),
        });
        let operands: Vec<Operand> = operands.collect();
        let values = operands
            .iter()
            .zip(&self.values)
            .map(|(operand, value)| operand.shown().unwrap_or_else(|| value.clone()));
        Self {
            values: values.collect(),
            operands,
            test: None,
            ..self.clone()
        }
    }

    fn with(&self, fact: &Fact) -> Outcome {
        let held = self.holds(fact);
        match fact {
            Fact::Many(_) if self.operator.qualifier.is_none() && self.operator.family != Family::Null => {
                Outcome::Contested(held, SINGLE_ON_MANY)
            }
            Fact::One(_) | Fact::Many(_) if self.operands.iter().any(|o| matches!(o, Operand::ShortArn(_))) => {
                // Another value that matches decides without the undocumented one.
                if held == self.operator.negated {
                    Outcome::Contested(held, SHORT_ARN)
                } else {
                    Outcome::Known(held)
                }
            }
            _ => Outcome::Known(held),
        }
    }

    /// Whether the condition holds for a key that has this value (IAM User Guide, "Condition operators" and
    /// "Set operators for multivalued context keys"). An unknown key holds nothing.
    pub fn holds(&self, fact: &Fact) -> bool {
        let Operator {
            family,
            negated,
            qualifier,
            if_exists,
        } = self.operator;
        let absent = match fact {
            Fact::Many(values) => values.is_empty(),
            other => matches!(other, Fact::Absent),
        };
        if family == Family::Null {
            return self.operands.contains(&Operand::Flag(absent));
        }
        if absent {
            return match qualifier {
                Some(Qualifier::All) => true,
                Some(Qualifier::Any) => if_exists,
                None => if_exists || negated,
            };
        }
        let one = |value: &str| self.operands.iter().any(|o| o.matches(family, value)) != negated;
        match (fact, qualifier) {
            (Fact::One(value), _) => one(value),
            (Fact::Many(values), Some(Qualifier::All)) => values.iter().all(|v| one(v)),
            (Fact::Many(values), Some(Qualifier::Any)) => values.iter().any(|v| one(v)),
            (Fact::Many(_), None) | (Fact::Absent | Fact::Unknown, _) => false,
        }
    }
}

/// At most sixty characters of hostile text.
pub fn shorten(text: &str) -> String {
    if text.chars().count() <= 60 {
        text.to_owned()
    } else {
        text.chars().take(57).chain("...".chars()).collect()
    }
}

impl Operand {
    /// The value as text, when substitution may have changed it. Tests are told apart by it.
    fn shown(&self) -> Option<String> {
        match self {
            Self::Exact(text)
            | Self::ExactIgnoreCase(text)
            | Self::Like(_, text)
            | Self::Arn(_, text)
            | Self::ShortArn(text) => Some(text.clone()),
            Self::Template(rest) => Some(rest.to_string()),
            Self::Missing => Some("(no value)".to_owned()),
            _ => None,
        }
    }
}
