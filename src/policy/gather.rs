//! Gathers the layers: which statements of which policies bear on a question, and when.

use super::bundle::Policy;
use super::caller::{Caller, Kind};
use super::condition::{Condition, Fact, Outcome};
use super::document::{Effect, Principals, Resources, Statement};
use super::formula::Formula;
use super::kms::{self, ActionSet};
use super::layers::{Layer, Layers, Origin, Source};
use super::named::How;
use super::scene::{Scene, Target};
use super::template::{Filled, Template, pattern};
use super::unknown::Test;
use std::sync::Arc;

impl Layers {
    /// Gathers what bears on `actions`; `other` is the name, in lower case, that [`kms::OTHER`] stands for.
    pub fn gather(scene: &Scene, actions: ActionSet, other: Option<&str>) -> Self {
        let mut layers = Self::default();
        let reader = Reader { scene, actions, other };
        reader.key_policies(&mut layers);
        reader.identity(&mut layers);
        reader.organization(&mut layers);
        reader.grants(&mut layers);
        layers
    }
}

/// Reads the policies of one question.
pub(super) struct Reader<'r, 's> {
    pub(super) scene: &'r Scene<'s>,
    pub(super) actions: ActionSet,
    pub(super) other: Option<&'r str>,
}

impl Reader<'_, '_> {
    pub(super) fn caller(&self) -> &Caller<'_> {
        self.scene.caller
    }

    pub(super) fn key_policies(&self, layers: &mut Layers) {
        let (policies, gap) = match self.scene.target {
            Target::Key(key) => (key.policies.as_slice(), key.policy_gap.as_deref()),
            Target::Missing(_) => (&[][..], Some("the key is not in the snapshot")),
            Target::Account | Target::Alias(_) => return,
        };
        if let Some(reason) = gap {
            layers.direct.gap("key policy allow", reason);
            layers.key_deny.gap("key policy deny", reason);
        }
        // Key policies neither give nor take kms:RetireGrant.
        let actions = self.actions & !kms::RETIRE_GRANT;
        for (index, policy) in policies.iter().enumerate() {
            if let Some(reason) = &policy.document.unreadable {
                layers.direct.gap("key policy allow", reason);
                layers.key_deny.gap("key policy deny", reason);
            }
            for (statement, found) in policy.document.statements.iter().enumerate() {
                let origin = Origin {
                    source: Source::KeyPolicy(index),
                    statement,
                };
                let named = self.named(found);
                if named.is_empty() {
                    continue;
                }
                for (covered, when) in self.holds(found, actions) {
                    for (how, who) in &named {
                        let when = Formula::all([who.clone(), when.clone()]);
                        let layer = match (found.effect, how) {
                            (Effect::Deny, _) => &mut layers.key_deny,
                            (Effect::Allow, How::Itself) => &mut layers.direct,
                            (Effect::Allow, How::Role) => &mut layers.direct_role,
                            (Effect::Allow, How::Anyone) => &mut layers.direct_anyone,
                            (Effect::Allow, How::Account) => &mut layers.delegated,
                        };
                        layer.push(covered, when, origin);
                    }
                }
            }
        }
    }

    pub(super) fn identity(&self, layers: &mut Layers) {
        let caller = self.caller();
        if caller.kind == Kind::Root {
            layers.identity.push(
                kms::EVERY_ACTION,
                Formula::TRUE,
                Origin {
                    source: Source::RootUser,
                    statement: 0,
                },
            );
            return;
        }
        if let Some(reason) = &caller.gap {
            layers.identity.gap("identity allow", reason);
            layers.identity_deny.gap("identity deny", reason);
        }
        let Some(entity) = caller.entity else { return };
        for (index, policy) in entity.policies.iter().enumerate() {
            let source = Source::Identity(index);
            self.policy(policy, source, &mut layers.identity, &mut layers.identity_deny);
        }
        if let Some(boundary) = &entity.boundary {
            let mut allow = Layer::default();
            self.policy(boundary, Source::Boundary, &mut allow, &mut layers.boundary_deny);
            layers.boundary = Some(allow);
        }
    }

    /// SCPs follow the caller, RCPs the key (AWS Organizations user guide, "Service control policies", "Resource control policies").
    pub(super) fn organization(&self, layers: &mut Layers) {
        let caller = self.caller();
        let snapshot = self.scene.snapshot;
        if caller.is_service_linked() {
            return;
        }
        let governed = match self.scene.target {
            Target::Key(key) => !key.aws_managed && !snapshot.is_management(&key.account),
            _ => false,
        };
        if let Some(reason) = &snapshot.organization_gap {
            if caller.kind != Kind::Service && !snapshot.is_management(&caller.account) {
                layers.scp_deny.gap("scp deny", reason);
            }
            if governed {
                layers.rcp_deny.gap("rcp deny", reason);
            }
        }
        if caller.kind != Kind::Service
            && !snapshot.is_management(&caller.account)
            && snapshot.organization.as_ref().is_some_and(|o| o.has_scps)
            && let Some(seat) = snapshot.seat(&caller.account)
        {
            let mut levels = Vec::with_capacity(seat.scps.len());
            for (level, (_, policies)) in seat.scps.iter().enumerate() {
                let mut allow = Layer::default();
                for (index, policy) in policies.iter().enumerate() {
                    self.policy(policy, Source::Scp(level, index), &mut allow, &mut layers.scp_deny);
                }
                levels.push(allow);
            }
            layers.scps = Some(levels);
        }
        let Target::Key(key) = self.scene.target else { return };
        if !governed {
            return;
        }
        let Some(seat) = snapshot.seat(&key.account) else {
            return;
        };
        let reader = Reader {
            actions: self.actions & !kms::RETIRE_GRANT,
            ..*self
        };
        for (level, (_, policies)) in seat.rcps.iter().enumerate() {
            for (index, policy) in policies.iter().enumerate() {
                // RCPs only deny: RCPFullAWSAccess allows everything and cannot be detached.
                reader.policy(
                    policy,
                    Source::Rcp(level, index),
                    &mut Layer::default(),
                    &mut layers.rcp_deny,
                );
            }
        }
    }

    /// Sorts the statements of one policy into its Allows and its Denies.
    pub(super) fn policy(&self, policy: &Policy, source: Source, allow: &mut Layer, deny: &mut Layer) {
        if let Some(reason) = &policy.document.unreadable {
            let reason = format!("a policy could not be read: {reason}");
            allow.gap("allow", &reason);
            deny.gap("deny", &reason);
        }
        for (statement, found) in policy.document.statements.iter().enumerate() {
            if found.principals != Principals::Unnamed && self.named(found).is_empty() {
                continue;
            }
            let layer = if found.effect == Effect::Allow {
                &mut *allow
            } else {
                &mut *deny
            };
            for (covered, when) in self.holds(found, self.actions) {
                layer.push(covered, when, Origin { source, statement });
            }
        }
    }

    /// When a statement covers which actions, leaving aside whom it names.
    pub(super) fn holds(&self, statement: &Statement, actions: ActionSet) -> Vec<(ActionSet, Formula)> {
        let covered = statement.actions.covered(self.other) & actions;
        if covered == 0 {
            return Vec::new();
        }
        let resource = self.resource(&statement.resources);
        if resource == Formula::FALSE {
            return Vec::new();
        }
        let mut groups = vec![(covered, resource)];
        for condition in &statement.conditions {
            groups = self.narrowed(groups, condition);
        }
        if let Some(reason) = &statement.malformed {
            let reason = format!("statement `{}` could not be understood: {reason}", statement.label);
            let gap = Formula::Leaf(Arc::new(Test::gap(reason, "", statement.effect == Effect::Deny)));
            groups
                .iter_mut()
                .for_each(|(_, when)| *when = Formula::all([when.clone(), gap.clone()]));
        }
        groups
    }

    pub(super) fn narrowed(
        &self,
        groups: Vec<(ActionSet, Formula)>,
        condition: &Condition,
    ) -> Vec<(ActionSet, Formula)> {
        let carried = self.condition(condition, |key| self.scene.fact(key));
        let every = groups.iter().fold(0, |all, (actions, _)| all | actions);
        // A request that cannot carry the key is a request without it.
        let bare = if every & !condition.carriers == 0 {
            Formula::FALSE
        } else {
            self.condition(condition, |key| {
                if key == condition.key {
                    Fact::Absent
                } else {
                    self.scene.fact(key)
                }
            })
        };
        let mut narrowed = Vec::with_capacity(groups.len());
        for (actions, when) in groups {
            for (part, outcome) in [
                (actions & condition.carriers, &carried),
                (actions & !condition.carriers, &bare),
            ] {
                if part != 0 && *outcome != Formula::FALSE {
                    narrowed.push((part, Formula::all([when.clone(), outcome.clone()])));
                }
            }
        }
        narrowed
    }

    pub(super) fn condition<'f>(&self, condition: &Condition, facts: impl Fn(&str) -> Fact<'f>) -> Formula {
        match condition.against(&facts) {
            Outcome::Known(held) => Formula::Const(held),
            Outcome::Contested(held, reason) => {
                let reason = format!("{reason} (`{}`)", condition.written);
                Formula::Leaf(Arc::new(Test::gap(reason, &condition.values.join(" "), held)))
            }
            Outcome::Depends(test) => match test.keys.iter().find_map(|key| self.scene.gap(key)) {
                Some(reason) => Formula::Leaf(Arc::new(Test::gap(reason, test.id(), false))),
                None => Formula::Leaf(test),
            },
        }
    }

    pub(super) fn resource(&self, resources: &Resources) -> Formula {
        let arn = self.scene.target.arn();
        let covered = if resources.fixed.iter().any(|p| p.matches(arn)) {
            Formula::TRUE
        } else {
            Formula::any(
                resources
                    .templates
                    .iter()
                    .map(|template| self.resource_template(template, arn)),
            )
        };
        if resources.all_but { covered.negate() } else { covered }
    }

    pub(super) fn resource_template(&self, template: &Template, arn: &str) -> Formula {
        match template.fill(|key| self.scene.fact(key).substitute()) {
            Filled::Tokens(tokens) => Formula::Const(pattern(&tokens).matches(arn)),
            Filled::Missing => Formula::FALSE,
            Filled::Unknown(rest) => Formula::Leaf(Arc::new(Test::resource(rest, arn))),
        }
    }
}
