//! A request that was made, as far as its record fixes it: condition keys it certainly carried, those it certainly did not, and the rest,
//! which stays unknown. The answer holds for every request that could have left that record.

use super::answer::{Question, Verdict, judge, known};
use super::condition::Fact;
use super::decide::{Combined, origins};
use super::formula::Formula;
use super::kms;
use super::layers::Layers;
use super::naming;
use super::scene::{Context, Given, Scene};
use super::solve::Solver;
use std::borrow::Cow;
use std::collections::BTreeSet;

/// What a record says of the condition keys of its request. Keys are in lower case.
#[derive(Debug, Clone, Default)]
pub struct Recorded {
    /// Keys whose value it fixes.
    pub context: Context,
    /// Keys that the request did not carry.
    pub absent: BTreeSet<String>,
    /// Starts of keys of which the request carried none but those in `context`.
    pub closed: BTreeSet<&'static str>,
    /// Starts of keys that the snapshot would answer, but of which this request may have carried others.
    pub open: BTreeSet<&'static str>,
    /// Keys that were not true: false, or not there, which a record does not tell apart.
    pub not_true: BTreeSet<String>,
    not_true_is_absent: bool,
}

impl Recorded {
    /// Fixes the value of a key.
    pub fn one(&mut self, key: &str, value: impl Into<String>) {
        self.context.insert(key.to_ascii_lowercase(), Given::One(value.into()));
    }

    /// Fixes the values of a multivalued key.
    pub fn many(&mut self, key: &str, values: Vec<String>) {
        self.context.insert(key.to_ascii_lowercase(), Given::Many(values));
    }

    /// Says that the request did not carry these keys.
    pub fn without(&mut self, keys: &[&str]) {
        self.absent.extend(keys.iter().map(|key| (*key).to_owned()));
    }

    /// What the record says of a key; nothing where the snapshot may know it, or nobody.
    pub(super) fn fact(&self, key: &str) -> Option<Fact<'_>> {
        match self.context.get(key) {
            Some(Given::One(value)) => return Some(Fact::One(Cow::Borrowed(value))),
            Some(Given::Many(values)) => return Some(Fact::Many(Cow::Borrowed(values))),
            None => {}
        }
        let starts = |prefixes: &BTreeSet<&'static str>| prefixes.iter().any(|prefix| key.starts_with(prefix));
        if self.absent.contains(key) || starts(&self.closed) {
            return Some(Fact::Absent);
        }
        if self.not_true.contains(key) {
            return Some(if self.not_true_is_absent {
                Fact::Absent
            } else {
                Fact::One(Cow::Borrowed("false"))
            });
        }
        starts(&self.open).then_some(Fact::Unknown)
    }

    /// Whether every key with this start is known.
    pub(super) fn is_closed(&self, prefix: &str) -> bool {
        self.closed.contains(prefix)
    }
}

/// What the evaluator says of a recorded request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Allowed or denied whatever the record leaves open; conditional where that decides; undetermined where the snapshot does not say.
    pub verdict: Verdict,
    /// The reason class, or what is left open.
    pub reason: String,
    /// The statements and grants that allow, or that deny.
    pub statements: Vec<String>,
    /// What it depends on, where it does.
    pub condition: Option<String>,
}

/// Answers for every request that could have left the record.
pub fn answer(question: &Question, recorded: &Recorded, solver: &mut Solver) -> Answer {
    let first = one_way(question, recorded, solver);
    if recorded.not_true.is_empty() {
        return first.0;
    }
    let (first, reads) = first;
    if !reads {
        return first;
    }
    let other = Recorded {
        not_true_is_absent: true,
        ..recorded.clone()
    };
    let (second, _) = one_way(question, &other, solver);
    match (first.verdict, second.verdict) {
        (one, two) if one == two => first,
        (Verdict::Undetermined, _) => first,
        (_, Verdict::Undetermined) => second,
        _ => Answer {
            verdict: Verdict::Conditional,
            condition: Some("a flag that the record does not tell apart from one that is missing".to_owned()),
            ..first
        },
    }
}

/// The answer, and whether a flag that was not true is read.
fn one_way(question: &Question, recorded: &Recorded, solver: &mut Solver) -> (Answer, bool) {
    let scene = Scene::recorded(question.snapshot, &question.caller, question.target, recorded);
    let other = (question.action == kms::OTHER).then_some(question.action_name.as_str());
    let layers = Layers::gather(&scene, 1 << question.action, other);
    let combined = Combined::new(&scene, &layers, question.action);
    let open = judge(&combined, &layers, question.action, &known(&question.caller), solver);
    let denying = || {
        let found = origins(&layers, question.action, true);
        let certain = found.into_iter().filter(|(_, when)| *when == Formula::TRUE);
        certain.map(|(origin, _)| origin).collect()
    };
    let from = if open.verdict == Verdict::Denied {
        denying()
    } else {
        open.paths
    };
    let statements = naming::names(question.snapshot, &question.caller, &question.target, &from);
    let answer = Answer {
        verdict: open.verdict,
        reason: open.reason,
        statements,
        condition: open.condition.map(|text| text.to_string()),
    };
    // A formula folds what it knows, so what was read is no longer in it; a document's conditions are asked instead.
    (answer, scene.has_read_not_true())
}
