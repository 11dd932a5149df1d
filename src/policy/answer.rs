//! One question answered: for a concrete request, and for any request context.

use super::bundle::Snapshot;
use super::caller::{Caller, Kind};
use super::decide::{Combined, Decision, origins};
use super::describe::ConditionKind;
use super::formula::Formula;
use super::kms::{self, Scope};
use super::layers::{Layers, Origin};
use super::scene::{Context, Scene, Target};
use super::solve::{Holding, Solver, Truth, solve};
use super::unknown::{Kind as TestKind, Test};
use super::worlds::Known;
use std::sync::Arc;

/// Who may do what on which resource, resolved against a snapshot.
pub struct Question<'s> {
    /// The snapshot.
    pub snapshot: &'s Snapshot,
    /// Who.
    pub caller: Caller<'s>,
    /// The index of the action, [`kms::OTHER`] for one that is not listed.
    pub action: usize,
    /// The action in lower case.
    pub action_name: String,
    /// On what.
    pub target: Target<'s>,
}

impl<'s> Question<'s> {
    /// Resolves a question. The error says which part of it makes no sense.
    pub fn new(snapshot: &'s Snapshot, principal: &str, action: &str, resource: &'s str) -> Result<Self, String> {
        let caller = Caller::resolve(snapshot, principal)?;
        let action_name = action.to_ascii_lowercase();
        let listed = if action_name.contains(':') && !action_name.starts_with("kms:") {
            None
        } else {
            kms::find(action)
        };
        let is_alias_action = listed.is_some_and(|i| kms::ACTIONS[i].scope == Scope::AliasAndKey);
        let target = Target::resolve(snapshot, resource, is_alias_action)?;
        Ok(Self {
            snapshot,
            caller,
            action: listed.unwrap_or(kms::OTHER),
            action_name,
            target,
        })
    }

    fn scene(&'s self, context: &'s Context, closed: bool) -> Scene<'s> {
        Scene::new(self.snapshot, &self.caller, self.target, context, closed)
    }

    fn layers(&self, scene: &Scene) -> Layers {
        let other = (self.action == kms::OTHER).then_some(self.action_name.as_str());
        Layers::gather(scene, 1 << self.action, other)
    }
}

/// The answer to a concrete request.
#[derive(Debug, Clone)]
pub struct Concrete {
    /// The decision.
    pub decision: Decision,
    /// Its reason class.
    pub reason: String,
    /// The statements and grants that decide.
    pub deciding: Vec<String>,
    /// What the decision assumes where AWS's documentation or the snapshot leaves it open.
    pub contested: Vec<String>,
}

/// Decides a concrete request. A condition key that is neither in the context nor derived from the snapshot is absent.
pub fn concrete(question: &Question, context: &Context) -> Concrete {
    let scene = question.scene(context, true);
    let layers = question.layers(&scene);
    let combined = Combined::new(&scene, &layers, question.action);
    let assumed = |test: &Test| matches!(test.kind, TestKind::Gap { assumed: true, .. });
    let (decision, reason) = combined.decision(&assumed);
    let contested = match solve(&combined.allowed, &Known::default()) {
        Truth::Open(reasons) => reasons,
        _ => Vec::new(),
    };
    let deciding = deciding(question, &layers, decision == Decision::ExplicitDeny, &|when| {
        when.value(&assumed)
    });
    let deciding = if decision == Decision::ImplicitDeny {
        Vec::new()
    } else {
        deciding
    };
    Concrete {
        decision,
        reason,
        deciding,
        contested,
    }
}

/// An answer for any request context.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Allowed in every context.
    Allowed,
    /// Allowed in some.
    Conditional,
    /// Allowed in none.
    Denied,
    /// Not to be said from this snapshot and AWS's documentation.
    Undetermined,
}

impl Verdict {
    /// The word used in results.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Conditional => "conditional",
            Self::Denied => "denied",
            Self::Undetermined => "undetermined",
        }
    }
}

/// The answer to an open question.
#[derive(Debug, Clone)]
pub struct Open {
    /// The verdict.
    pub verdict: Verdict,
    /// The reason class, for a conditional right that of a request that is allowed; what is left open, if undetermined.
    pub reason: String,
    /// The condition, if it is one.
    pub condition: Option<Arc<str>>,
    /// What kind of condition.
    pub condition_kind: Option<ConditionKind>,
    /// What leaves the answer open.
    pub open: Vec<String>,
    /// The statements and grants that allow, or may allow, it.
    pub paths: Vec<Origin>,
}

/// Answers for any request context: the clock and TLS are known, the rest of the context is not.
pub fn open(question: &Question, context: &Context) -> Open {
    let scene = question.scene(context, false);
    let layers = question.layers(&scene);
    let combined = Combined::new(&scene, &layers, question.action);
    judge(
        &combined,
        &layers,
        question.action,
        &known(&question.caller),
        &mut Solver::default(),
    )
}

/// What is known of keys that are unknown as a whole.
pub fn known(caller: &Caller) -> Known {
    let id = caller
        .entity
        .and_then(|e| e.id.as_deref())
        .filter(|_| caller.kind == Kind::Role);
    Known {
        user_id_prefix: id.map(|id| format!("{id}:")),
    }
}

/// Turns combined layers into an answer.
pub fn judge(combined: &Combined, layers: &Layers, action: usize, known: &Known, solver: &mut Solver) -> Open {
    let settled = solver.settle(&combined.allowed, known);
    // The reason is that of one context: which tests hold there is known.
    let reason = |holding: &Holding| {
        let holds = |test: &Test| match &test.kind {
            TestKind::Gap { assumed, .. } => *assumed,
            _ => holding.contains(test.id()),
        };
        combined.decision(&holds).1
    };
    let (verdict, reason, open) = match &settled.truth {
        Truth::Never(holding) => (Verdict::Denied, reason(holding), Vec::new()),
        Truth::Always(holding) => (Verdict::Allowed, reason(holding), Vec::new()),
        Truth::Open(reasons) => (Verdict::Undetermined, reasons.join("; "), reasons.clone()),
        Truth::Sometimes(depends) => (Verdict::Conditional, reason(&depends.holding), Vec::new()),
    };
    let paths = if verdict == Verdict::Denied {
        Vec::new()
    } else {
        combined.paths(layers, action)
    };
    Open {
        verdict,
        reason,
        condition: settled.text.clone(),
        condition_kind: settled.kind,
        open,
        paths,
    }
}

/// The statements and grants for which `holds` is true, by name.
fn deciding(question: &Question, layers: &Layers, deny: bool, holds: &dyn Fn(&Formula) -> bool) -> Vec<String> {
    let chosen = origins(layers, question.action, deny)
        .into_iter()
        .filter(|(_, when)| holds(when));
    chosen
        .filter_map(|(origin, _)| super::naming::name(question.snapshot, &question.caller, &question.target, origin))
        .collect()
}
