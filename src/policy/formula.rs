//! What a decision depends on when parts of the request are unknown: and, or, not over tests of unknown things.

use super::unknown::Test;
use std::sync::Arc;

/// A truth value that may depend on unknown parts of the request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Formula {
    /// Known.
    Const(bool),
    /// Depends on one test.
    Leaf(Arc<Test>),
    /// The opposite.
    Not(Arc<Formula>),
    /// All of them.
    All(Arc<[Formula]>),
    /// One of them.
    Any(Arc<[Formula]>),
}

impl Formula {
    /// True.
    pub const TRUE: Self = Self::Const(true);
    /// False.
    pub const FALSE: Self = Self::Const(false);

    /// The conjunction, with constants folded.
    pub fn all(parts: impl IntoIterator<Item = Self>) -> Self {
        Self::join(parts, true)
    }

    /// The disjunction, with constants folded.
    pub fn any(parts: impl IntoIterator<Item = Self>) -> Self {
        Self::join(parts, false)
    }

    fn join(parts: impl IntoIterator<Item = Self>, neutral: bool) -> Self {
        let mut kept: Vec<Self> = Vec::new();
        for part in parts {
            match part {
                Self::Const(value) if value == neutral => {}
                Self::Const(value) => return Self::Const(value),
                Self::All(inner) if neutral => inner.iter().for_each(|f| push_new(&mut kept, f.clone())),
                Self::Any(inner) if !neutral => inner.iter().for_each(|f| push_new(&mut kept, f.clone())),
                other => push_new(&mut kept, other),
            }
        }
        match (kept.len(), neutral) {
            (0, _) => Self::Const(neutral),
            (1, _) => kept.swap_remove(0),
            (_, true) => Self::All(kept.into()),
            (_, false) => Self::Any(kept.into()),
        }
    }

    /// The opposite, pushed inwards so that `Not` stands only before leaves.
    #[must_use]
    pub fn negate(&self) -> Self {
        match self {
            Self::Const(value) => Self::Const(!value),
            Self::Leaf(_) => Self::Not(Arc::new(self.clone())),
            Self::Not(inner) => (**inner).clone(),
            Self::All(parts) => Self::any(parts.iter().map(Self::negate)),
            Self::Any(parts) => Self::all(parts.iter().map(Self::negate)),
        }
    }

    /// Its value, when every test has one.
    pub fn value(&self, test: &impl Fn(&Test) -> bool) -> bool {
        match self {
            Self::Const(value) => *value,
            Self::Leaf(leaf) => test(leaf),
            Self::Not(inner) => !inner.value(test),
            Self::All(parts) => parts.iter().all(|f| f.value(test)),
            Self::Any(parts) => parts.iter().any(|f| f.value(test)),
        }
    }

    /// Whether a test reads the key.
    pub fn reads(&self, key: &str) -> bool {
        match self {
            Self::Const(_) => false,
            Self::Leaf(test) => test.keys.iter().any(|k| k == key),
            Self::Not(inner) => inner.reads(key),
            Self::All(parts) | Self::Any(parts) => parts.iter().any(|f| f.reads(key)),
        }
    }

    /// Every distinct test, in order of appearance.
    pub fn tests(&self) -> Vec<Arc<Test>> {
        let mut found = Vec::new();
        self.collect(&mut found);
        found
    }

    fn collect(&self, found: &mut Vec<Arc<Test>>) {
        match self {
            Self::Const(_) => {}
            Self::Leaf(test) => {
                if !found.contains(test) {
                    found.push(Arc::clone(test));
                }
            }
            Self::Not(inner) => inner.collect(found),
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|f| f.collect(found)),
        }
    }
}

fn push_new(kept: &mut Vec<Formula>, part: Formula) {
    if !kept.contains(&part) {
        kept.push(part);
    }
}
