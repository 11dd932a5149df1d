//! A formula over numbered tests, and the search for the shortest one that says the same in every context.

use super::condition::Test;
use super::describe;
use super::formula::Formula;
use super::worlds::World;
use std::sync::Arc;

/// A formula whose leaves are indices of tests; `false` beside an index is its opposite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// Known.
    Const(bool),
    /// A test, or its opposite.
    Literal(usize, bool),
    /// All of them.
    All(Vec<Shape>),
    /// One of them.
    Any(Vec<Shape>),
}

/// The most tests for which every short formula is tried.
const TESTS_MAX: usize = 10;
/// The most work spent on removing parts, in evaluations of a formula.
const WORK_MAX: usize = 200_000;

impl Shape {
    /// Numbers the leaves of a formula. Tests that are not listed count as false.
    pub fn new(formula: &Formula, tests: &[Arc<Test>]) -> Self {
        match formula {
            Formula::Const(value) => Self::Const(*value),
            Formula::Leaf(test) => match tests.iter().position(|t| t == test) {
                Some(i) => Self::Literal(i, true),
                None => Self::Const(false),
            },
            Formula::Not(inner) => match Self::new(inner, tests) {
                Self::Const(value) => Self::Const(!value),
                Self::Literal(i, positive) => Self::Literal(i, !positive),
                // Formulas keep their negations before leaves.
                Self::All(_) | Self::Any(_) => Self::new(&inner.negate(), tests),
            },
            Formula::All(parts) => Self::All(parts.iter().map(|f| Self::new(f, tests)).collect()),
            Formula::Any(parts) => Self::Any(parts.iter().map(|f| Self::new(f, tests)).collect()),
        }
    }

    /// Its value for these verdicts of the tests.
    pub fn value(&self, verdicts: &[bool]) -> bool {
        match self {
            Self::Const(value) => *value,
            Self::Literal(i, positive) => verdicts[*i] == *positive,
            Self::All(parts) => parts.iter().all(|p| p.value(verdicts)),
            Self::Any(parts) => parts.iter().any(|p| p.value(verdicts)),
        }
    }

    /// The formula again.
    pub fn formula(&self, tests: &[Arc<Test>]) -> Formula {
        match self {
            Self::Const(value) => Formula::Const(*value),
            Self::Literal(i, positive) => {
                let leaf = Formula::Leaf(Arc::clone(&tests[*i]));
                if *positive { leaf } else { leaf.negate() }
            }
            Self::All(parts) => Formula::all(parts.iter().map(|p| p.formula(tests))),
            Self::Any(parts) => Formula::any(parts.iter().map(|p| p.formula(tests))),
        }
    }

    /// The shortest equivalent found: every form of up to three literals, else what is left when superfluous parts are removed.
    pub fn shortest(&self, tests: &[Arc<Test>], worlds: &[World], truth: &[bool]) -> Self {
        if tests.len() <= TESTS_MAX
            && worlds.len() <= 4_096
            && let Some(short) = short_form(tests, worlds, truth)
        {
            return short;
        }
        let mut shape = self.clone();
        let mut work = 0;
        while work < WORK_MAX {
            let Some(smaller) = shape.without_one_part(worlds, truth, &mut work) else {
                break;
            };
            shape = smaller;
        }
        shape
    }

    /// The shape without some part that changes nothing.
    fn without_one_part(&self, worlds: &[World], truth: &[bool], work: &mut usize) -> Option<Self> {
        for candidate in self.prunings() {
            *work += worlds.len();
            if *work > WORK_MAX {
                return None;
            }
            if worlds
                .iter()
                .zip(truth)
                .all(|(world, t)| candidate.value(world.verdicts()) == *t)
            {
                return Some(candidate);
            }
        }
        None
    }

    fn prunings(&self) -> Vec<Self> {
        let (parts, rebuild): (&[Self], fn(Vec<Self>) -> Self) = match self {
            Self::Const(_) | Self::Literal(..) => return Vec::new(),
            Self::All(parts) => (parts, Self::All),
            Self::Any(parts) => (parts, Self::Any),
        };
        let mut found = Vec::new();
        for i in 0..parts.len() {
            let mut fewer = parts.to_vec();
            fewer.remove(i);
            found.push(if fewer.len() == 1 {
                fewer.swap_remove(0)
            } else {
                rebuild(fewer)
            });
        }
        for (i, part) in parts.iter().enumerate() {
            for pruned in part.prunings() {
                let mut changed = parts.to_vec();
                changed[i] = pruned;
                found.push(rebuild(changed));
            }
        }
        found
    }
}

/// A set of worlds, one bit each.
type Bits = Vec<u64>;

fn bits(values: impl Iterator<Item = bool>) -> Bits {
    let mut found = Vec::new();
    for (i, value) in values.enumerate() {
        if i % 64 == 0 {
            found.push(0);
        }
        if let (true, Some(last)) = (value, found.last_mut()) {
            *last |= 1_u64 << (i % 64);
        }
    }
    found
}

/// A form of at most three literals that says the same; among equals the one that reads shortest.
fn short_form(tests: &[Arc<Test>], worlds: &[World], truth: &[bool]) -> Option<Shape> {
    let goal = bits(truth.iter().copied());
    let mut literals: Vec<(Shape, Bits, usize)> = Vec::new();
    for (i, test) in tests.iter().enumerate() {
        for positive in [true, false] {
            let column = bits(worlds.iter().map(|w| w.verdicts()[i] == positive));
            literals.push((
                Shape::Literal(i, positive),
                column,
                describe::literal(test, positive).len(),
            ));
        }
    }
    literals.sort_by_key(|(_, _, length)| *length);
    let column = |i: usize| &literals[i].1;
    let is = |f: &dyn Fn(usize) -> u64| (0..goal.len()).all(|w| f(w) == goal[w]);
    let count = literals.len();
    let all = |members: &[usize]| Shape::All(members.iter().map(|i| literals[*i].0.clone()).collect());
    let any = |members: &[usize]| Shape::Any(members.iter().map(|i| literals[*i].0.clone()).collect());
    if let Some(a) = (0..count).find(|a| is(&|w| column(*a)[w])) {
        return Some(literals[a].0.clone());
    }
    for a in 0..count {
        for b in a + 1..count {
            if is(&|w| column(a)[w] & column(b)[w]) {
                return Some(all(&[a, b]));
            }
            if is(&|w| column(a)[w] | column(b)[w]) {
                return Some(any(&[a, b]));
            }
        }
    }
    for a in 0..count {
        for b in 0..count {
            for c in b + 1..count {
                if b > a && is(&|w| column(a)[w] & column(b)[w] & column(c)[w]) {
                    return Some(all(&[a, b, c]));
                }
                if b > a && is(&|w| column(a)[w] | column(b)[w] | column(c)[w]) {
                    return Some(any(&[a, b, c]));
                }
                if is(&|w| column(a)[w] & (column(b)[w] | column(c)[w])) {
                    return Some(Shape::All(vec![literals[a].0.clone(), any(&[b, c])]));
                }
                if is(&|w| column(a)[w] | (column(b)[w] & column(c)[w])) {
                    return Some(Shape::Any(vec![literals[a].0.clone(), all(&[b, c])]));
                }
            }
        }
    }
    None
}
