//! What a decision may depend on when parts of the request, or of the snapshot, are unknown.

use super::condition::{Condition, Fact};
use super::operator::Operand;
use super::template::{self, Filled, Template};
use std::hash::{Hash, Hasher};

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
    Resource(Template, String),
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

    pub(super) fn of_condition(condition: Condition, known: Option<Fact<'static>>) -> Self {
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
    pub fn resource(template: Template, text: &str) -> Self {
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
                Filled::Tokens(tokens) => template::pattern(&tokens).matches(text),
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
