//! One call held against one snapshot: what the evaluator says, and what speaks against taking a contradiction for one.

use std::collections::HashMap;

use super::asked::{Asked, asked};
use super::call::{Call, Observed};
use super::evidence::evidence;
use super::refusal::{Layer, Refusal};
use crate::policy::Snapshot;
use crate::policy::answer::{Question, Verdict};
use crate::policy::caller::Kind;
use crate::policy::recorded::{Answer, answer};
use crate::policy::scene::Target;
use crate::policy::solve::Solver;

/// A snapshot, and its principals by their unique ids.
#[derive(Debug)]
pub struct Directory {
    /// The permissions.
    pub snapshot: Snapshot,
    by_id: HashMap<String, usize>,
}

impl Directory {
    /// Lists the principals of a snapshot by id.
    pub fn of(snapshot: Snapshot) -> Directory {
        let ids = snapshot.entities.iter().enumerate();
        let by_id = ids.filter_map(|(at, entity)| Some((entity.id.clone()?, at))).collect();
        Directory { snapshot, by_id }
    }

    /// Who made the call, as the evaluator knows principals; or why nobody can say.
    fn principal(&self, call: &Call, refusal: &Refusal) -> Result<String, &'static str> {
        if call.identity_type == Some("AWSService") {
            let service = call.invoked_by.filter(|name| name.contains(".amazonaws."));
            return service.map(str::to_owned).ok_or("the record does not name the service");
        }
        if let Some(arn) = call
            .identity_arn
            .or(refusal.principal)
            .filter(|arn| arn.starts_with("arn:"))
        {
            return Ok(arn.to_owned());
        }
        // The key owner's copy of another account's call names the caller by id alone.
        let (id, session) = match call.principal_id.map(|id| id.split_once(':')) {
            Some(Some((id, session))) => (id, Some(session)),
            Some(None) => (call.principal_id.unwrap_or_default(), None),
            None => return Err("the record does not name the caller"),
        };
        let entity = self.by_id.get(id).and_then(|at| self.snapshot.entities.get(*at));
        let entity = entity.ok_or("the record names the caller by an id that the snapshot does not hold")?;
        Ok(match session {
            Some(session) if entity.is_role => {
                let partition = entity.arn.split(':').nth(1).unwrap_or("aws");
                format!(
                    "arn:{partition}:sts::{}:assumed-role/{}/{session}",
                    entity.account, entity.name
                )
            }
            _ => entity.arn.clone(),
        })
    }
}

/// A call, replayed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayed {
    /// What AWS did.
    pub observed: Observed,
    /// The actions asked for.
    pub action: String,
    /// What they were asked of.
    pub resource: String,
    /// What the evaluator says.
    pub answer: Answer,
    /// The layers that refuse by our account, in the words used for AWS's.
    pub layers: String,
    /// The layer AWS names.
    pub aws_layer: Option<&'static str>,
    /// Whether AWS names an explicit deny or a missing Allow.
    pub aws_effect: Option<&'static str>,
    /// What a snapshot cannot hold, and may explain a refusal that it would have allowed.
    pub doubt: Option<&'static str>,
}

impl Replayed {
    /// Whether the evaluator is certain of the opposite of what AWS did.
    pub fn is_contradiction(&self) -> bool {
        matches!(
            (self.observed, self.answer.verdict),
            (Observed::Allowed, Verdict::Denied) | (Observed::Denied, Verdict::Allowed)
        )
    }
}

/// Replays a call, or says why it cannot be.
pub fn replay(call: &Call, directory: &Directory, solver: &mut Solver) -> Result<Replayed, &'static str> {
    let Some(observed) = call.observed() else {
        return Err("the error is not about permission");
    };
    let refusal = match observed {
        Observed::Denied => call.error_message.map(Refusal::read).unwrap_or_default(),
        Observed::Allowed => Refusal::default(),
    };
    let wanted = asked(call, observed, &refusal)?;
    let principal = directory.principal(call, &refusal)?;
    let mut answers = Vec::with_capacity(wanted.checks.len());
    let mut is_session = false;
    for check in &wanted.checks {
        let question = Question::new(&directory.snapshot, &principal, &check.action, &check.resource)
            .map_err(|_| "the record's caller or resource is none that the evaluator knows")?;
        known(call, &question)?;
        is_session = matches!(question.caller.kind, Kind::Session | Kind::Federated) || call.assumed_root.is_some();
        answers.push(answer(&question, &evidence(call, check.half), solver));
    }
    let (at, verdict) = together(&answers, observed, &wanted);
    let Some(decisive) = answers.into_iter().nth(at) else {
        return Err("the record names no permission");
    };
    let answer = Answer { verdict, ..decisive };
    let texts = |of: &dyn Fn(usize) -> String| {
        let mut all: Vec<String> = (0..wanted.checks.len()).map(of).collect();
        all.dedup();
        all.join(", ")
    };
    let doubt = match (observed, verdict) {
        (Observed::Denied, Verdict::Allowed) => doubt(call, &refusal, is_session, &wanted),
        _ => None,
    };
    let refused = matches!(verdict, Verdict::Denied);
    Ok(Replayed {
        observed,
        action: texts(&|at| {
            wanted
                .checks
                .get(at)
                .map(|check| check.action.clone())
                .unwrap_or_default()
        }),
        resource: texts(&|at| {
            wanted
                .checks
                .get(at)
                .map(|check| check.resource.clone())
                .unwrap_or_default()
        }),
        layers: if refused {
            layers(&answer.reason).join("+")
        } else {
            String::new()
        },
        aws_layer: refusal.layer.map(Layer::word),
        aws_effect: refusal.layer.map(|_| {
            if refusal.is_explicit {
                "explicit_deny"
            } else {
                "implicit_deny"
            }
        }),
        answer,
        doubt,
    })
}

/// Refuses to speak of a principal that the snapshot does not know, or knows as another of the same name.
fn known(call: &Call, question: &Question) -> Result<(), &'static str> {
    let caller = &question.caller;
    if caller.kind == Kind::Service && matches!(question.target, Target::Account) {
        return Err("no policy of the snapshot is about a service that names no key");
    }
    if matches!(caller.kind, Kind::Root | Kind::Service | Kind::Federated) || caller.gap.is_some() {
        return Ok(());
    }
    let Some(entity) = caller.entity else {
        return Err("the snapshot does not hold the principal: made after it, or deleted before");
    };
    let recorded = call.principal_id.map(|id| id.split(':').next().unwrap_or(id));
    match (recorded, entity.id.as_deref()) {
        (Some(recorded), Some(held)) if recorded != held && is_unique_id(recorded) => {
            Err("the snapshot holds another principal of that name")
        }
        _ => Ok(()),
    }
}

fn is_unique_id(id: &str) -> bool {
    ["AROA", "AIDA"].iter().any(|prefix| id.starts_with(prefix))
}

/// The answers as one, and which of them decides.
fn together(answers: &[Answer], observed: Observed, asked: &Asked) -> (usize, Verdict) {
    let find = |verdict| answers.iter().position(|answer| answer.verdict == verdict);
    // A refused call lacked one permission, a successful one had all: either way the weakest decides. Where the record
    // does not tell which of several was needed, the strongest does, for the success it must explain.
    let weakest_first = [
        Verdict::Denied,
        Verdict::Undetermined,
        Verdict::Conditional,
        Verdict::Allowed,
    ];
    let order: Vec<Verdict> = match (observed, asked.all) {
        (Observed::Allowed, false) => weakest_first.into_iter().rev().collect(),
        _ => weakest_first.into(),
    };
    let found = order.into_iter().find_map(|verdict| Some((find(verdict)?, verdict)));
    found.unwrap_or((0, Verdict::Undetermined))
}

fn doubt(call: &Call, refusal: &Refusal, is_session: bool, asked: &Asked) -> Option<&'static str> {
    match refusal.layer {
        Some(Layer::Session) => return Some("AWS names a session policy, which no snapshot holds"),
        Some(Layer::VpcEndpoint) => return Some("AWS names the policy of a VPC endpoint, which no snapshot holds"),
        Some(_) => return None,
        None => {}
    }
    if !asked.complete {
        return Some("the call needs another permission too, which may have been missing");
    }
    if call.vpc_endpoint.is_some() {
        return Some("the policy of the VPC endpoint may have refused it");
    }
    is_session.then_some("a session policy may have refused it; AWS names no layer")
}

/// The layers behind a reason class of the evaluator, in the words used for AWS's.
fn layers(reason: &str) -> Vec<&'static str> {
    let word = |part: &str| match part {
        "key_policy" => Some("key_policy"),
        "identity" => Some("identity_policy"),
        "boundary" | "pb" => Some("permissions_boundary"),
        "scp" => Some("scp"),
        "rcp" => Some("rcp"),
        _ => None,
    };
    match reason {
        "key_policy_does_not_delegate" | "cross_account:no_key_policy_allow" | "no_key_policy_allow" => {
            vec!["key_policy"]
        }
        "delegated_but_no_identity_allow" | "cross_account:no_identity_allow" | "no_identity_allow" => {
            vec!["identity_policy"]
        }
        "no_allow_anywhere" | "cross_account:neither" => vec!["key_policy", "identity_policy"],
        other => {
            let blocked = other.strip_prefix("blocked:").unwrap_or(other);
            blocked.split('+').filter_map(word).collect()
        }
    }
}
