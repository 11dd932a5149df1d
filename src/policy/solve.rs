//! Decides a formula over everything a request may hold: true in all of them, in some, in none; or left open by a gap.
//! Representative values of each unknown key are tried; beyond a bound the answer is "in some", never more.

use super::condition::Fact;
use super::describe::{self, ConditionKind};
use super::formula::Formula;
use super::shape::Shape;
use super::unknown::{Kind, Test};
use super::worlds::{self, Known, World};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// A formula's truth over all request contexts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Truth {
    /// True in every context. The tests that hold in one of them give it a reason.
    Always(Holding),
    /// True in some.
    Sometimes(Box<Depends>),
    /// True in none. The tests that hold in one context give it a reason.
    Never(Holding),
    /// Not to be said, for these reasons.
    Open(Vec<String>),
}

/// The tests (by id) that hold in one context.
pub type Holding = BTreeSet<String>;

/// What a formula depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Depends {
    /// The shortest equivalent found.
    pub formula: Formula,
    /// The unknown keys that matter.
    pub keys: Vec<String>,
    /// A context in which it is true.
    pub witness: Vec<(String, Fact<'static>)>,
    /// Whether it can be true in a direct call, which no AWS service makes.
    pub direct: bool,
    /// The tests that hold in the witness, to give a reason for it.
    pub holding: Holding,
}

/// A decided formula, described.
#[derive(Debug)]
pub struct Settled {
    /// Its truth.
    pub truth: Truth,
    /// The condition as text, if it is one.
    pub text: Option<Arc<str>>,
    /// What kind of condition.
    pub kind: Option<ConditionKind>,
}

/// Decides formulas, each once.
#[derive(Debug, Default)]
pub struct Solver {
    settled: HashMap<(Formula, Known), Arc<Settled>>,
    texts: HashMap<String, Arc<str>>,
}

impl Solver {
    /// Decides and describes a formula.
    pub fn settle(&mut self, formula: &Formula, known: &Known) -> Arc<Settled> {
        // What is known of a key matters only where the key is read; so most answers serve many callers.
        let known = if formula.reads("aws:userid") {
            known.clone()
        } else {
            Known::default()
        };
        let key = (formula.clone(), known);
        if let Some(settled) = self.settled.get(&key) {
            return Arc::clone(settled);
        }
        let truth = solve(formula, &key.1);
        let (text, kind) = match &truth {
            Truth::Sometimes(depends) => (
                Some(describe::text(&depends.formula).into()),
                Some(describe::kind(depends)),
            ),
            _ => (None, None),
        };
        let settled = Arc::new(Settled { truth, text, kind });
        self.settled.insert(key, Arc::clone(&settled));
        settled
    }

    /// A text that equal texts share.
    pub fn text(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.texts.get(text) {
            return Arc::clone(known);
        }
        let shared: Arc<str> = text.into();
        self.texts.insert(text.to_owned(), Arc::clone(&shared));
        shared
    }
}

/// The most joint contexts that are tried.
const JOINT_MAX: usize = 1 << 14;
/// The most gaps that are told apart.
const GAPS_MAX: usize = 8;

/// Decides a formula. `known` narrows the values of keys of which more is known than that they are unknown.
pub fn solve(formula: &Formula, known: &Known) -> Truth {
    match formula {
        Formula::Const(true) => return Truth::Always(Holding::new()),
        Formula::Const(false) => return Truth::Never(Holding::new()),
        _ => {}
    }
    let (gaps, tests): (Vec<_>, Vec<_>) = formula
        .tests()
        .into_iter()
        .partition(|t| matches!(t.kind, Kind::Gap { .. }));
    let Some(joint) = worlds::joint(&tests, known, JOINT_MAX) else {
        return beyond_bound(formula, &gaps, &tests);
    };
    let open = open_gaps(formula, &gaps, &tests, &joint);
    if !open.is_empty() {
        return Truth::Open(open);
    }
    let shape = Shape::new(&assume(formula), &tests);
    let truth: Vec<bool> = joint.iter().map(|world| shape.value(world.verdicts())).collect();
    let holding = |world: &World| -> Holding {
        tests
            .iter()
            .zip(world.verdicts())
            .filter(|(_, v)| **v)
            .map(|(t, _)| t.id().to_owned())
            .collect()
    };
    let Some(first) = truth.iter().position(|t| *t) else {
        return Truth::Never(joint.first().map(holding).unwrap_or_default());
    };
    if truth.iter().all(|t| *t) {
        return Truth::Always(holding(&joint[0]));
    }
    let shortest = shape.shortest(&tests, &joint, &truth).formula(&tests);
    let witness = &joint[first];
    let used: BTreeSet<String> = shortest.tests().iter().flat_map(|t| t.keys.clone()).collect();
    Truth::Sometimes(Box::new(Depends {
        keys: used.iter().cloned().collect(),
        witness: witness.values(&used),
        direct: joint.iter().zip(&truth).any(|(world, t)| *t && world.is_direct()),
        holding: holding(witness),
        formula: shortest,
    }))
}

/// The formula with every gap at what is assumed of it.
pub fn assume(formula: &Formula) -> Formula {
    replace_gaps(formula, &|assumed, _| assumed)
}

fn replace_gaps(formula: &Formula, value: &impl Fn(bool, &Test) -> bool) -> Formula {
    match formula {
        Formula::Const(_) => formula.clone(),
        Formula::Leaf(test) => match &test.kind {
            Kind::Gap { assumed, .. } => Formula::Const(value(*assumed, test)),
            _ => formula.clone(),
        },
        Formula::Not(inner) => replace_gaps(inner, value).negate(),
        Formula::All(parts) => Formula::all(parts.iter().map(|f| replace_gaps(f, value))),
        Formula::Any(parts) => Formula::any(parts.iter().map(|f| replace_gaps(f, value))),
    }
}

/// The reasons of the gaps that decide the answer; none when it is the same whatever fills them.
fn open_gaps(formula: &Formula, gaps: &[Arc<Test>], tests: &[Arc<Test>], joint: &[World]) -> Vec<String> {
    if gaps.is_empty() {
        return Vec::new();
    }
    // Whether it can be true, whether it can be false.
    let answer = |filled: usize| -> (bool, bool) {
        let formula = replace_gaps(formula, &|assumed, test| match gaps.iter().position(|g| **g == *test) {
            Some(i) if i < GAPS_MAX => filled >> i & 1 == 1,
            _ => assumed,
        });
        let shape = Shape::new(&formula, tests);
        let (mut can_hold, mut can_fail) = (false, false);
        for world in joint {
            if shape.value(world.verdicts()) {
                can_hold = true
            } else {
                can_fail = true
            }
        }
        (can_hold, can_fail)
    };
    let considered = gaps.len().min(GAPS_MAX);
    let answers: Vec<_> = (0..1 << considered).map(answer).collect();
    let decides = |i: usize| i >= considered || (0..answers.len()).any(|f| answers[f] != answers[f ^ (1 << i)]);
    reasons(gaps.iter().enumerate().filter(|(i, _)| decides(*i)).map(|(_, gap)| gap))
}

fn reasons<'t>(gaps: impl Iterator<Item = &'t Arc<Test>>) -> Vec<String> {
    let mut found = Vec::new();
    for gap in gaps {
        if let Kind::Gap { reason, .. } = &gap.kind
            && !found.contains(reason)
        {
            found.push(reason.clone());
        }
    }
    found
}

/// Too many contexts to try: the formula is not constant on its face, so the answer is "in some".
fn beyond_bound(formula: &Formula, gaps: &[Arc<Test>], tests: &[Arc<Test>]) -> Truth {
    if !gaps.is_empty() {
        return Truth::Open(reasons(gaps.iter()));
    }
    let keys: BTreeSet<String> = tests.iter().flat_map(|t| t.keys.clone()).collect();
    Truth::Sometimes(Box::new(Depends {
        formula: formula.clone(),
        keys: keys.into_iter().collect(),
        witness: Vec::new(),
        direct: true,
        holding: Holding::new(),
    }))
}
