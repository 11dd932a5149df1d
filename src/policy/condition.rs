//! One condition of a statement: an operator, a key and values, and whether a request satisfies it.

use super::kms::{self, ActionSet};
use super::operator::{Family, Operand, Operator, Qualifier};
use super::template::{Filled, Substitute};
use std::borrow::Cow;
use std::hash::{Hash, Hasher};
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
    fn fill<'f>(&self, facts: &impl Fn(&str) -> Fact<'f>) -> Self {
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
            .map(|(operand, value)| operand.shown().unwrap_or(value).to_owned());
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
    /// The value as text, when substitution may have changed it.
    fn shown(&self) -> Option<&str> {
        match self {
            Self::Exact(text) | Self::Like(_, text) | Self::Arn(_, text) => Some(text),
            Self::Missing => Some("(no value)"),
            _ => None,
        }
    }
}

/// Something unknown that a decision may depend on. Two tests are the same when they read the same.
#[derive(Debug)]
pub struct Test {
    /// What is tested.
    pub kind: Kind,
    /// The keys it reads.
    pub keys: Vec<String>,
    id: String,
    hash: u64,
}

/// What a test tests.
#[derive(Debug)]
pub enum Kind {
    /// A condition; its key may be known while a variable in its values is not.
    Condition(Condition, Option<Fact<'static>>),
    /// Text with an unknown variable, held against a known text (a `Resource` element).
    Resource(super::template::Template, String),
    /// The name of the role session.
    Session(String),
    /// The encryption context holds no pair but the named ones.
    NoOtherContext(Vec<String>),
    /// Not a part of the request, but something the snapshot or AWS's documentation leaves open.
    Gap {
        /// Why it is open.
        reason: String,
        /// What is assumed where an answer must be given all the same.
        assumed: bool,
    },
}

/// The pseudo-key for the name of a role session.
pub const SESSION_NAME: &str = "session name";
/// The prefix of the keys of the encryption context.
pub const CONTEXT_PREFIX: &str = "kms:encryptioncontext:";
/// The pseudo-key for any pair of the encryption context that nothing names.
pub const OTHER_CONTEXT: &str = "kms:encryptioncontext:\u{0}";

impl Test {
    fn new(kind: Kind, keys: Vec<String>, id: String) -> Self {
        let mut hasher = std::hash::DefaultHasher::new();
        id.hash(&mut hasher);
        Self {
            hash: hasher.finish(),
            kind,
            keys,
            id,
        }
    }

    fn of_condition(condition: Condition, known: Option<Fact<'static>>) -> Self {
        let mut keys = Vec::new();
        if known.is_none() {
            keys.push(condition.key.clone());
        }
        for operand in &condition.operands {
            if let Operand::Template(template) = operand {
                keys.extend(template.keys().map(str::to_owned));
            }
        }
        let operator = condition.operator;
        let id = format!("{operator:?} {} {:?} {known:?}", condition.key, condition.values);
        Self::new(Kind::Condition(condition, known), keys, id)
    }

    /// A test of text with an unknown variable.
    pub fn resource(template: super::template::Template, text: &str) -> Self {
        let keys = template.keys().map(str::to_owned).collect();
        let id = format!("resource {template} {text}");
        Self::new(Kind::Resource(template, text.to_owned()), keys, id)
    }

    /// A test of the name of the role session.
    pub fn session(name: &str) -> Self {
        let id = format!("session {name}");
        Self::new(Kind::Session(name.to_owned()), vec![SESSION_NAME.to_owned()], id)
    }

    /// A test that the encryption context holds nothing but these keys (in lower case).
    pub fn no_other_context(names: Vec<String>) -> Self {
        let id = format!("context {names:?}");
        Self::new(Kind::NoOtherContext(names), vec![OTHER_CONTEXT.to_owned()], id)
    }

    /// Something left open; `about` tells gaps of one reason apart.
    pub fn gap(reason: impl Into<String>, about: &str, assumed: bool) -> Self {
        let reason = reason.into();
        let id = format!("gap {assumed} {about} {reason}");
        Self::new(Kind::Gap { reason, assumed }, Vec::new(), id)
    }

    /// What tells it from other tests.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its value in a world where every key has a value.
    pub fn holds<'w>(&self, world: &impl Fn(&str) -> Fact<'w>) -> bool {
        match &self.kind {
            Kind::Condition(condition, known) => {
                let fact = known.clone().unwrap_or_else(|| world(&condition.key).into_owned());
                if condition.has_variables() {
                    condition.fill(world).holds(&fact)
                } else {
                    condition.holds(&fact)
                }
            }
            Kind::Resource(template, text) => match template.fill(|key| world(key).substitute()) {
                Filled::Tokens(tokens) => super::template::pattern(&tokens).matches(text),
                Filled::Missing | Filled::Unknown(_) => false,
            },
            Kind::Session(name) => matches!(world(SESSION_NAME), Fact::One(given) if given == *name),
            // The solver knows every key of the encryption context and decides this test itself.
            Kind::NoOtherContext(_) => world(OTHER_CONTEXT) == Fact::Absent,
            Kind::Gap { assumed, .. } => *assumed,
        }
    }
}

impl PartialEq for Test {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash && self.id == other.id
    }
}

impl Eq for Test {}

impl Hash for Test {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.hash.hash(state);
    }
}
