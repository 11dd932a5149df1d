//! The layers of a decision, each as what its statements say about every action asked for. Combining them is `decide.rs`.

use super::bundle::{Grant, Policy};
use super::caller::{Caller, Kind};
use super::condition::{CONTEXT_PREFIX, Condition, Fact, Outcome, Test};
use super::document::{Effect, Names, Principals, Resources, Statement};
use super::formula::Formula;
use super::kms::{self, ActionSet};
use super::operator::Operator;
use super::scene::{Scene, Target};
use super::template::{Filled, Template, pattern};
use std::collections::HashSet;
use std::sync::Arc;

/// Where a part of a layer comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    /// A key policy, by its index among the key's policies.
    KeyPolicy(usize),
    /// An identity policy, by its index among the caller's policies.
    Identity(usize),
    /// The permissions boundary.
    Boundary,
    /// A service control policy: level, index.
    Scp(usize, usize),
    /// A resource control policy: level, index.
    Rcp(usize, usize),
    /// A grant, by its index among the key's grants.
    Grant(usize),
    /// The root user's own rights.
    RootUser,
    /// Nothing: a gap.
    Gap,
}

/// A statement (or grant) and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin {
    /// The policy.
    pub source: Source,
    /// The index of the statement in the compiled document.
    pub statement: usize,
}

/// What one statement says about some actions.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Part {
    /// The actions.
    pub actions: ActionSet,
    /// When it says so.
    pub when: Formula,
    /// Which statement it is.
    pub origin: Origin,
}

/// Statements of the same effect in the same place.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Layer {
    /// What they say.
    pub parts: Vec<Part>,
}

impl Layer {
    fn push(&mut self, actions: ActionSet, when: Formula, origin: Origin) {
        if actions != 0 && when != Formula::FALSE {
            self.parts.push(Part { actions, when, origin });
        }
    }

    fn gap(&mut self, what: &str, reason: &str) {
        let test = Test::gap(reason, what, false);
        self.push(
            kms::EVERY_ACTION,
            Formula::Leaf(Arc::new(test)),
            Origin {
                source: Source::Gap,
                statement: 0,
            },
        );
    }

    /// When the layer speaks about one action.
    pub fn about(&self, action: usize) -> Formula {
        Formula::any(
            self.parts
                .iter()
                .filter(|p| p.actions >> action & 1 == 1)
                .map(|p| p.when.clone()),
        )
    }
}

/// Everything that bears on a question.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Layers {
    /// Key policy Allows that no implicit deny limits: to a user, a session, a service, or everyone with a condition on the principal.
    pub direct: Layer,
    /// Key policy Allows to a role, which its boundary limits.
    pub direct_role: Layer,
    /// Key policy Allows to everyone; whether a boundary limits them is not documented.
    pub direct_anyone: Layer,
    /// Key policy Allows to the caller's account, which let its IAM policies count.
    pub delegated: Layer,
    /// Key policy Denies.
    pub key_deny: Layer,
    /// Identity policy Allows.
    pub identity: Layer,
    /// Identity policy Denies.
    pub identity_deny: Layer,
    /// Allows of the permissions boundary, if there is one.
    pub boundary: Option<Layer>,
    /// Denies of the permissions boundary.
    pub boundary_deny: Layer,
    /// Allows of each level of SCPs, if SCPs reach the caller.
    pub scps: Option<Vec<Layer>>,
    /// Denies of SCPs.
    pub scp_deny: Layer,
    /// Denies of RCPs.
    pub rcp_deny: Layer,
    /// Grants to the caller itself.
    pub grants: Layer,
    /// Grants to the caller's account.
    pub account_grants: Layer,
    /// The right to retire a grant of the key by IAM policy, as an account concerned.
    pub retiring_account: bool,
}

/// How a statement of a resource policy names the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Itself,
    Role,
    Anyone,
    Account,
}

impl Layers {
    fn every(&self) -> impl Iterator<Item = &Layer> {
        let named = [
            &self.direct,
            &self.direct_role,
            &self.direct_anyone,
            &self.delegated,
            &self.key_deny,
            &self.identity,
            &self.identity_deny,
            &self.boundary_deny,
            &self.scp_deny,
            &self.rcp_deny,
            &self.grants,
            &self.account_grants,
        ];
        named
            .into_iter()
            .chain(&self.boundary)
            .chain(self.scps.iter().flatten())
    }

    /// Whether a test in them reads the key.
    pub fn read(&self, key: &str) -> bool {
        self.every()
            .flat_map(|layer| &layer.parts)
            .any(|part| part.when.reads(key))
    }

    /// Divides actions into sets that nothing in the layers tells apart.
    pub fn groups(&self, actions: ActionSet) -> Vec<ActionSet> {
        let mut groups = vec![actions];
        let of_table = [kms::RETIRE_GRANT, kms::ACROSS_ACCOUNTS];
        let mut seen = HashSet::new();
        for mask in self
            .every()
            .flat_map(|layer| &layer.parts)
            .map(|part| part.actions)
            .chain(of_table)
        {
            if seen.insert(mask & actions) {
                groups = groups
                    .iter()
                    .flat_map(|group| [group & mask, group & !mask])
                    .filter(|g| *g != 0)
                    .collect();
            }
        }
        groups
    }

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

struct Reader<'r, 's> {
    scene: &'r Scene<'s>,
    actions: ActionSet,
    other: Option<&'r str>,
}

impl Reader<'_, '_> {
    fn caller(&self) -> &Caller<'_> {
        self.scene.caller
    }

    fn key_policies(&self, layers: &mut Layers) {
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

    fn identity(&self, layers: &mut Layers) {
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
    fn organization(&self, layers: &mut Layers) {
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
    fn policy(&self, policy: &Policy, source: Source, allow: &mut Layer, deny: &mut Layer) {
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
    fn holds(&self, statement: &Statement, actions: ActionSet) -> Vec<(ActionSet, Formula)> {
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

    fn narrowed(&self, groups: Vec<(ActionSet, Formula)>, condition: &Condition) -> Vec<(ActionSet, Formula)> {
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

    fn condition<'f>(&self, condition: &Condition, facts: impl Fn(&str) -> Fact<'f>) -> Formula {
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

    fn resource(&self, resources: &Resources) -> Formula {
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

    fn resource_template(&self, template: &Template, arn: &str) -> Formula {
        match template.fill(|key| self.scene.fact(key).substitute()) {
            Filled::Tokens(tokens) => Formula::Const(pattern(&tokens).matches(arn)),
            Filled::Missing => Formula::FALSE,
            Filled::Unknown(rest) => Formula::Leaf(Arc::new(Test::resource(rest, arn))),
        }
    }

    /// The ways in which a statement of a resource policy names the caller.
    fn named(&self, statement: &Statement) -> Vec<(How, Formula)> {
        match &statement.principals {
            Principals::Unnamed => Vec::new(),
            Principals::Named(names) => self.named_in(names, statement),
            Principals::AllBut(names) => self.not_exempt(names, statement.effect),
        }
    }

    fn named_in(&self, names: &Names, statement: &Statement) -> Vec<(How, Formula)> {
        let caller = self.caller();
        let mut found = Vec::new();
        if names.anyone {
            // A wildcard narrowed by aws:PrincipalArn is not limited by boundaries (IAM User Guide, "AWS JSON policy elements: Principal").
            let narrowed = caller.kind == Kind::Service || statement.conditions.iter().any(Condition::names_principals);
            found.push((if narrowed { How::Itself } else { How::Anyone }, Formula::TRUE));
        }
        if caller.kind == Kind::Service {
            if names.services.contains(&caller.name) {
                found.push((How::Itself, Formula::TRUE));
            }
            return found;
        }
        if names.accounts.contains(&caller.account) {
            found.push((How::Account, Formula::TRUE));
        }
        match caller.kind {
            Kind::User | Kind::Federated if names.arns.contains(&caller.arn) => {
                found.push((How::Itself, Formula::TRUE))
            }
            Kind::Role | Kind::Session => {
                if names.arns.contains(&caller.principal_arn) {
                    found.push((How::Role, Formula::TRUE));
                }
                let sessions = names.arns.iter().map(|name| self.session(name));
                found.extend(
                    sessions
                        .filter(|who| *who != Formula::FALSE)
                        .map(|who| (How::Itself, who)),
                );
            }
            _ => {}
        }
        found
    }

    /// Whether an assumed-role ARN is the caller.
    fn session(&self, name: &str) -> Formula {
        let caller = self.caller();
        if !name.contains(":assumed-role/") {
            return Formula::FALSE;
        }
        match caller.kind {
            Kind::Session => Formula::Const(caller.arn == name),
            Kind::Role => match caller
                .session_prefix()
                .and_then(|prefix| name.strip_prefix(prefix.as_str()).map(str::to_owned))
            {
                Some(session) if !self.scene.closed => Formula::Leaf(Arc::new(Test::session(&session))),
                _ => Formula::FALSE,
            },
            _ => Formula::FALSE,
        }
    }

    /// Whether a statement with NotPrincipal reaches the caller (IAM User Guide, "AWS JSON policy elements: NotPrincipal").
    fn not_exempt(&self, names: &Names, effect: Effect) -> Vec<(How, Formula)> {
        let caller = self.caller();
        let account = names.anyone || names.accounts.contains(&caller.account);
        let sessions = caller.session_prefix().map(|prefix| {
            names.arns.iter().any(|name| {
                if caller.kind == Kind::Session {
                    *name == caller.arn
                } else {
                    name.starts_with(&prefix)
                }
            })
        });
        let itself = match caller.kind {
            Kind::Service => names.anyone || names.services.contains(&caller.name),
            Kind::Root => account,
            _ => names.anyone || names.arns.contains(&caller.principal_arn),
        };
        if effect == Effect::Allow {
            let listed = itself || account || sessions == Some(true);
            return if listed {
                Vec::new()
            } else {
                vec![(How::Anyone, Formula::TRUE)]
            };
        }
        if caller.entity.is_some_and(|e| e.boundary.is_some()) && !names.anyone {
            // Such a Deny always reaches a user or role with a permissions boundary.
            return vec![(How::Itself, Formula::TRUE)];
        }
        let complete = match caller.kind {
            Kind::Service | Kind::Root => itself,
            Kind::User | Kind::Federated => itself && account,
            Kind::Role | Kind::Session => itself && account && (sessions == Some(true) || names.anyone),
        };
        if complete {
            return Vec::new();
        }
        // AWS's example denies the account's other principals although the account is listed, and warns that a list without session or
        // account "might" deny; evaluators read both otherwise. Only the first is assumed not to deny, and both are left open.
        let others = account && !itself && sessions != Some(true) && caller.kind != Kind::Service;
        let who = if itself || others || sessions == Some(true) {
            let reason = "a Deny with NotPrincipal lists only a part of the caller, its session and its account";
            Formula::Leaf(Arc::new(Test::gap(reason, "", !others)))
        } else {
            Formula::TRUE
        };
        vec![(How::Itself, who)]
    }

    /// Grants need no policy (AWS KMS developer guide, "Grants in AWS KMS").
    fn grants(&self, layers: &mut Layers) {
        let Target::Key(key) = self.scene.target else { return };
        if let Some(reason) = &key.grants_gap {
            let gap = Formula::Leaf(Arc::new(Test::gap(reason.as_str(), "grant", false)));
            layers.grants.push(
                kms::GRANTABLE,
                gap,
                Origin {
                    source: Source::Gap,
                    statement: 0,
                },
            );
        }
        if key.grants.is_empty() {
            return;
        }
        let caller = self.caller();
        let retire = kms::RETIRE_GRANT;
        for (name, who) in self.grantee_names(key) {
            for index in key.grants_naming.get(&name).into_iter().flatten() {
                let grant = &key.grants[*index];
                let origin = Origin {
                    source: Source::Grant(*index),
                    statement: 0,
                };
                if grant.grantee == name {
                    self.grant(grant, &who, origin, &mut layers.grants);
                }
                if grant.retiring.as_deref() == Some(&name) {
                    layers.grants.push(retire & self.actions, who.clone(), origin);
                }
            }
        }
        let roots = [
            format!("arn:{}:iam::{}:root", partition(&key.arn), caller.account),
            caller.account.clone(),
        ];
        for index in roots.iter().filter_map(|root| key.grants_naming.get(root)).flatten() {
            let grant = &key.grants[*index];
            let origin = Origin {
                source: Source::Grant(*index),
                statement: 0,
            };
            self.grant(grant, &Formula::TRUE, origin, &mut layers.account_grants);
            layers.retiring_account |= grant.retiring.as_ref().is_some_and(|r| roots.contains(r));
        }
        layers.retiring_account |= caller.kind != Kind::Service
            && (caller.account == key.account
                || key
                    .grants
                    .iter()
                    .any(|g| g.issuing_account.as_ref() == Some(&caller.account)));
    }

    /// The names under which a grant may know the caller.
    fn grantee_names(&self, key: &super::bundle::Key) -> Vec<(String, Formula)> {
        let caller = self.caller();
        let mut names = vec![(caller.principal_arn.clone(), Formula::TRUE)];
        match caller.kind {
            Kind::Session => names.push((caller.arn.clone(), Formula::TRUE)),
            Kind::Role if !self.scene.closed => {
                let known = key.grants_naming.keys().filter(|name| name.contains(":assumed-role/"));
                names.extend(
                    known
                        .map(|name| (name.clone(), self.session(name)))
                        .filter(|(_, who)| *who != Formula::FALSE),
                );
            }
            // An account's root ARN as grantee is the account, not its root user alone.
            Kind::Root => names.clear(),
            _ => {}
        }
        names
    }

    fn grant(&self, grant: &Grant, who: &Formula, origin: Origin, layer: &mut Layer) {
        let operations = grant.operations & self.actions;
        let constrained = operations & !kms::WITHOUT_CONTEXT & kms::requests_that_carry("kms:encryptioncontextkeys");
        let source = match &grant.source_arn {
            Some(arn) => self.text("aws:SourceArn", arn, "ArnLike"),
            None => Formula::TRUE,
        };
        let retire = operations & kms::RETIRE_GRANT;
        let plain = Formula::all([who.clone(), source.clone()]);
        layer.push(operations & !constrained & !retire, plain.clone(), origin);
        layer.push(retire, who.clone(), origin);
        if constrained != 0 {
            let pairs = grant.context_equals.iter().chain(&grant.context_subset).flatten();
            let pairs =
                pairs.map(|(key, value)| self.text(&format!("kms:EncryptionContext:{key}"), value, "StringEquals"));
            let pairs: Vec<Formula> = pairs.collect();
            let exact = grant
                .context_equals
                .as_ref()
                .map_or(Formula::TRUE, |only| self.no_other_context(only.keys()));
            layer.push(
                constrained,
                Formula::all(pairs.into_iter().chain([plain, exact])),
                origin,
            );
        }
    }

    /// A condition that no policy wrote.
    fn text(&self, key: &str, value: &str, operator: &str) -> Formula {
        let condition = Operator::parse(operator).map(|o| Condition::parse(o, key, vec![value.to_owned()], false));
        match condition {
            Some(Ok(condition)) => self.condition(&condition, |key| self.scene.fact(key)),
            _ => Formula::FALSE,
        }
    }

    fn no_other_context<'k>(&self, names: impl Iterator<Item = &'k String>) -> Formula {
        let names: Vec<String> = names
            .map(|name| format!("{CONTEXT_PREFIX}{}", name.to_ascii_lowercase()))
            .collect();
        if self.scene.closed {
            let mut given = self.scene.context.keys().filter(|key| key.starts_with(CONTEXT_PREFIX));
            return Formula::Const(given.all(|key| names.contains(key)));
        }
        Formula::Leaf(Arc::new(Test::no_other_context(names)))
    }
}

fn partition(arn: &str) -> &str {
    arn.split(':').nth(1).unwrap_or("aws")
}
