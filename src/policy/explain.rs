//! An answer argued layer by layer, in the order in which a person would: who asks, what the key policy says, what IAM adds, what the
//! boundary and the organization leave of it, what denies it.

use super::answer::{Open, Question, Verdict, judge, known};
use super::caller::Kind;
use super::decide::Combined;
use super::describe;
use super::formula::Formula;
use super::kms;
use super::layers::{Layer, Layers, Part};
use super::naming;
use super::scene::{Context, Scene, Target};
use super::solve::Solver;
use std::fmt::{self, Display, Formatter};

/// What one layer contributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// It allows.
    Allows,
    /// It lets other layers allow.
    Delegates,
    /// It allows, or denies, under a condition.
    Depends,
    /// It says nothing that allows.
    Silent,
    /// It denies.
    Denies,
    /// It does not bear on the question.
    NotApplicable,
    /// The snapshot or AWS's documentation leaves it open.
    Open,
}

/// One layer of the argument.
#[derive(Debug, Clone)]
pub struct Step {
    /// The layer: `key policy`, `grants`, `identity policies`, ...
    pub layer: &'static str,
    /// What it contributes.
    pub finding: Finding,
    /// The same in a sentence.
    pub sentence: String,
    /// The statements and grants it rests on, each with its condition.
    pub statements: Vec<String>,
}

/// A whole argument. Displayed as indented text.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// Who.
    pub principal: String,
    /// What, as `kms:Name`.
    pub action: String,
    /// On which key.
    pub resource: String,
    /// Layer by layer.
    pub steps: Vec<Step>,
    /// The answer.
    pub answer: Open,
}

/// Argues the answer for any request context.
pub fn explain(question: &Question, context: &Context) -> Explanation {
    let scene = Scene::new(question.snapshot, &question.caller, question.target, context, false);
    let other = (question.action == kms::OTHER).then_some(question.action_name.as_str());
    let layers = Layers::gather(&scene, 1 << question.action, other);
    let combined = Combined::new(&scene, &layers, question.action);
    let answer = judge(
        &combined,
        &layers,
        question.action,
        &known(&question.caller),
        &mut Solver::default(),
    );
    let arguer = Arguer {
        question,
        scene: &scene,
        layers: &layers,
    };
    let listed = kms::ACTIONS
        .get(question.action)
        .map(|spec| format!("kms:{}", spec.name));
    Explanation {
        principal: question.caller.arn.clone(),
        action: listed.unwrap_or_else(|| question.action_name.clone()),
        resource: question.target.arn().to_owned(),
        steps: arguer.steps(),
        answer,
    }
}

struct Arguer<'q, 's> {
    question: &'q Question<'s>,
    scene: &'q Scene<'q>,
    layers: &'q Layers,
}

impl Arguer<'_, '_> {
    fn steps(&self) -> Vec<Step> {
        let mut steps = vec![self.caller()];
        let has_key = matches!(self.question.target, Target::Key(_) | Target::Missing(_));
        if has_key {
            steps.extend([self.key_policy(), self.grants()]);
        }
        if self.question.caller.kind != Kind::Service {
            steps.extend([self.identity(), self.boundary(), self.scps()]);
        }
        steps.push(self.denies());
        steps
    }

    fn parts<'l>(&self, layer: &'l Layer) -> impl Iterator<Item = &'l Part> + use<'l> {
        let action = self.question.action;
        layer.parts.iter().filter(move |part| part.actions >> action & 1 == 1)
    }

    fn lines(&self, layer: &Layer) -> Vec<String> {
        let question = self.question;
        let line = |part: &Part| {
            let name = naming::name(question.snapshot, &question.caller, &question.target, part.origin);
            match (name, &part.when) {
                (Some(name), Formula::Const(_)) => name,
                (Some(name), when) => format!("{name}, when {}", describe::text(when)),
                (None, when) => describe::text(when),
            }
        };
        self.parts(layer).map(line).collect()
    }

    /// What a layer says by itself, if it says anything.
    fn finding(&self, layer: &Layer) -> Option<Finding> {
        match layer.about(self.question.action) {
            Formula::Const(true) => Some(Finding::Allows),
            Formula::Const(false) => None,
            formula if super::solve::assume(&formula) != formula => Some(Finding::Open),
            _ => Some(Finding::Depends),
        }
    }

    fn step(&self, layer: &'static str, finding: Finding, sentence: impl Into<String>, from: &[&Layer]) -> Step {
        let statements = from.iter().flat_map(|layer| self.lines(layer)).collect();
        Step {
            layer,
            finding,
            sentence: sentence.into(),
            statements,
        }
    }

    fn caller(&self) -> Step {
        let caller = &self.question.caller;
        let kind = match caller.kind {
            Kind::Role => "a session of a role",
            Kind::Session => "a session",
            Kind::User => "a user",
            Kind::Root => "the root user",
            Kind::Service => "an AWS service",
            Kind::Federated => "a federated user",
        };
        let spec = kms::ACTIONS.get(self.question.action);
        let (finding, sentence) = if caller.kind == Kind::Service {
            (
                Finding::Allows,
                format!("{kind}: only the key policy or a grant can allow it"),
            )
        } else if matches!(self.question.target, Target::Account | Target::Alias(_)) {
            (
                Finding::Allows,
                format!("{kind} of account {}: IAM alone decides", caller.account),
            )
        } else if !self.scene.is_cross_account() {
            (
                Finding::Allows,
                format!("{kind} in the key's own account: the key policy, IAM by its leave, or a grant must allow"),
            )
        } else if spec.is_some_and(|s| !s.cross_account) {
            (
                Finding::Denies,
                format!(
                    "{kind} of account {}: this operation does not work on another account's key",
                    caller.account
                ),
            )
        } else {
            (
                Finding::Allows,
                format!(
                    "{kind} of account {}: the key policy and that account's IAM must both allow",
                    caller.account
                ),
            )
        };
        self.step("caller", finding, sentence, &[])
    }

    fn key_policy(&self) -> Step {
        let layers = self.layers;
        let direct = [&layers.direct, &layers.direct_role, &layers.direct_anyone];
        let itself = direct
            .iter()
            .filter_map(|layer| self.finding(layer))
            .min_by_key(|f| *f != Finding::Allows);
        let account = self.finding(&layers.delegated);
        let (finding, sentence) = match (itself, account) {
            (Some(Finding::Allows), _) => (Finding::Allows, "allows the caller itself"),
            (Some(finding), None) => (finding, "allows the caller itself under a condition"),
            (None, Some(Finding::Allows)) => (Finding::Delegates, "lets the account's IAM policies decide"),
            (None, Some(finding)) => (finding, "lets the account's IAM policies decide under a condition"),
            (Some(_), Some(_)) => (
                Finding::Depends,
                "allows the caller itself under a condition, and lets the account's IAM policies decide",
            ),
            (None, None) => (
                Finding::Silent,
                "neither allows the caller nor lets its account's IAM policies decide",
            ),
        };
        let from: Vec<&Layer> = direct.into_iter().chain([&layers.delegated]).collect();
        self.step("key policy", finding, sentence, &from)
    }

    fn grants(&self) -> Step {
        let from = [&self.layers.grants, &self.layers.account_grants];
        let finding = from.iter().find_map(|layer| self.finding(layer));
        let sentence = match finding {
            Some(Finding::Allows) => "a grant allows the caller",
            Some(_) => "a grant allows the caller under a condition",
            None => "no grant gives the caller this operation",
        };
        self.step("grants", finding.unwrap_or(Finding::Silent), sentence, &from)
    }

    fn identity(&self) -> Step {
        let layer = &self.layers.identity;
        let finding = self.finding(layer);
        let sentence = match finding {
            Some(Finding::Allows) => "allow it",
            Some(Finding::Open) => "are not wholly known",
            Some(_) => "allow it under a condition",
            None => "do not allow it",
        };
        self.step(
            "identity policies",
            finding.unwrap_or(Finding::Silent),
            sentence,
            &[layer],
        )
    }

    fn boundary(&self) -> Step {
        let Some(layer) = &self.layers.boundary else {
            return self.step("permissions boundary", Finding::NotApplicable, "none", &[]);
        };
        let finding = self.finding(layer);
        let sentence = match finding {
            Some(Finding::Allows) => "leaves it",
            Some(_) => "leaves it under a condition",
            None => "does not leave it to identity policies, nor to a key policy that names the role",
        };
        self.step(
            "permissions boundary",
            finding.unwrap_or(Finding::Silent),
            sentence,
            &[layer],
        )
    }

    fn scps(&self) -> Step {
        let Some(levels) = &self.layers.scps else {
            let caller = &self.question.caller;
            let why = if caller.is_service_linked() {
                "do not reach service-linked roles"
            } else if self.question.snapshot.is_management(&caller.account) {
                "do not reach the management account"
            } else {
                "none applies to the caller's account"
            };
            return self.step("service control policies", Finding::NotApplicable, why, &[]);
        };
        let silent = levels.iter().position(|level| self.finding(level).is_none());
        if let Some(level) = silent {
            let seat = self.question.snapshot.seat(&self.question.caller.account);
            let id = seat
                .and_then(|s| s.scps.get(level))
                .map_or("a level", |(id, _)| id.as_str());
            return self.step(
                "service control policies",
                Finding::Denies,
                format!("none allows it at {id}"),
                &[],
            );
        }
        if levels.iter().all(|level| self.finding(level) == Some(Finding::Allows)) {
            return self.step(
                "service control policies",
                Finding::Allows,
                "leave it at every level",
                &[],
            );
        }
        let from: Vec<&Layer> = levels.iter().collect();
        self.step(
            "service control policies",
            Finding::Depends,
            "leave it under a condition",
            &from,
        )
    }

    fn denies(&self) -> Step {
        let layers = self.layers;
        let from = [
            &layers.key_deny,
            &layers.identity_deny,
            &layers.boundary_deny,
            &layers.scp_deny,
            &layers.rcp_deny,
        ];
        let findings: Vec<Finding> = from.iter().filter_map(|layer| self.finding(layer)).collect();
        let (finding, sentence) = if findings.contains(&Finding::Allows) {
            (Finding::Denies, "a statement denies it, whatever allows it")
        } else if findings.contains(&Finding::Open) {
            (Finding::Open, "whether something denies it is left open")
        } else if findings.is_empty() {
            (Finding::Silent, "nothing denies it")
        } else {
            (Finding::Depends, "a statement denies it under a condition")
        };
        self.step("explicit denies", finding, sentence, &from)
    }
}

impl Display for Explanation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} by {}\n  on {}\n", self.action, self.principal, self.resource)?;
        for step in &self.steps {
            writeln!(f, "  {} {}: {}", mark(step.finding), step.layer, step.sentence)?;
            for statement in &step.statements {
                writeln!(f, "      {statement}")?;
            }
        }
        write!(f, "\n  = {}", self.answer.verdict.as_str())?;
        match (self.answer.verdict, &self.answer.condition, self.answer.condition_kind) {
            (Verdict::Conditional, Some(condition), Some(kind)) => writeln!(f, " ({}): {condition}", kind.as_str()),
            _ => writeln!(f, ": {}", self.answer.reason),
        }
    }
}

fn mark(finding: Finding) -> char {
    match finding {
        Finding::Allows | Finding::Delegates => '+',
        Finding::Depends => '~',
        Finding::Silent => '.',
        Finding::Denies => '-',
        Finding::NotApplicable => ' ',
        Finding::Open => '?',
    }
}
