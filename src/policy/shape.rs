//! A formula over numbered tests, and the search for the shortest one that says the same in every context.

use super::describe;
use super::formula::Formula;
use super::unknown::Test;
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
        let (Self::All(parts) | Self::Any(parts)) = self else {
            return Vec::new();
        };
        let rebuild = |parts| {
            if matches!(self, Self::All(_)) {
                Self::All(parts)
            } else {
                Self::Any(parts)
            }
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
    let mut literals: Vec<(usize, Shape, Bits)> = Vec::new();
    for (i, test) in tests.iter().enumerate() {
        for positive in [true, false] {
            let column = bits(worlds.iter().map(|w| w.verdicts()[i] == positive));
            literals.push((
                describe::literal(test, positive).len(),
                Shape::Literal(i, positive),
                column,
            ));
        }
    }
    literals.sort_by_key(|(length, ..)| *length);
    let search = Search {
        goal: bits(truth.iter().copied()),
        literals,
    };
    search
        .of_one()
        .or_else(|| search.of_two())
        .or_else(|| search.of_three())
}

struct Search {
    goal: Bits,
    /// Each with the worlds in which it holds, the shortest to read first.
    literals: Vec<(usize, Shape, Bits)>,
}

impl Search {
    fn is(&self, word: impl Fn(usize) -> u64) -> bool {
        (0..self.goal.len()).all(|w| word(w) == self.goal[w])
    }

    fn of_one(&self) -> Option<Shape> {
        let same = self.literals.iter().find(|(.., bits)| *bits == self.goal);
        same.map(|(_, shape, _)| shape.clone())
    }

    fn of_two(&self) -> Option<Shape> {
        for (i, (_, a, in_a)) in self.literals.iter().enumerate() {
            for (_, b, in_b) in &self.literals[i + 1..] {
                if self.is(|w| in_a[w] & in_b[w]) {
                    return Some(Shape::All(vec![a.clone(), b.clone()]));
                }
                if self.is(|w| in_a[w] | in_b[w]) {
                    return Some(Shape::Any(vec![a.clone(), b.clone()]));
                }
            }
        }
        None
    }

    fn of_three(&self) -> Option<Shape> {
        for (_, a, in_a) in &self.literals {
            for (j, (_, b, in_b)) in self.literals.iter().enumerate() {
                for (_, c, in_c) in &self.literals[j + 1..] {
                    let both = || vec![b.clone(), c.clone()];
                    if self.is(|w| in_a[w] & in_b[w] & in_c[w]) {
                        return Some(Shape::All(vec![a.clone(), b.clone(), c.clone()]));
                    }
                    if self.is(|w| in_a[w] | in_b[w] | in_c[w]) {
                        return Some(Shape::Any(vec![a.clone(), b.clone(), c.clone()]));
                    }
                    if self.is(|w| in_a[w] & (in_b[w] | in_c[w])) {
                        return Some(Shape::All(vec![a.clone(), Shape::Any(both())]));
                    }
                    if self.is(|w| in_a[w] | (in_b[w] & in_c[w])) {
                        return Some(Shape::Any(vec![a.clone(), Shape::All(both())]));
                    }
                }
            }
        }
        None
    }
}
