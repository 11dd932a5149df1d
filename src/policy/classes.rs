//! Principals and keys that no policy of the snapshot can tell apart. What decides about one of a class decides about all of it.

use super::bundle::{Key, Snapshot};
use super::caller::{Caller, Kind};
use super::condition::{Condition, Fact};
use super::document::{Document, Principals};
use super::operator::Operand;
use super::pattern::Pattern;
use super::population::Reach;
use super::scene::{Context, Scene, Target};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt::Write;
use std::sync::Arc;

/// A partition: the class of each member, and the members of each class.
#[derive(Debug, Clone, Default)]
pub struct Partition {
    /// Members by class, the first of which stands for it.
    pub members: Vec<Vec<u32>>,
}

impl Partition {
    fn new(signatures: impl Iterator<Item = String>) -> Self {
        let mut classes: HashMap<String, usize> = HashMap::new();
        let mut members: Vec<Vec<u32>> = Vec::new();
        for (member, signature) in signatures.enumerate() {
            let class = *classes.entry(signature).or_insert_with(|| {
                members.push(Vec::new());
                members.len() - 1
            });
            members[class].push(u32::try_from(member).unwrap_or(u32::MAX));
        }
        Self { members }
    }
}

/// What some documents can tell apart.
#[derive(Debug, Default)]
struct Lens<'s> {
    /// Conditions by what they say.
    conditions: BTreeMap<String, &'s Condition>,
    /// Keys whose very value matters, because a variable holds them.
    values: BTreeSet<String>,
    /// Wildcard patterns of resources.
    patterns: Vec<&'s Pattern>,
    /// Resources named in full.
    literals: HashSet<&'s str>,
    has_resource_variables: bool,
    seen: HashSet<usize>,
}

impl<'s> Lens<'s> {
    fn add(&mut self, document: &'s Arc<Document>) {
        if !self.seen.insert(Arc::as_ptr(document).addr()) {
            return;
        }
        for statement in &document.statements {
            for condition in &statement.conditions {
                let variables = condition.operands.iter().filter_map(|operand| match operand {
                    Operand::Template(template) => Some(template.keys().map(str::to_owned)),
                    _ => None,
                });
                let before = self.values.len();
                self.values.extend(variables.flatten());
                if condition.has_variables() || self.values.len() != before {
                    self.values.insert(condition.key.clone());
                } else {
                    let id = format!("{:?} {} {:?}", condition.operator, condition.key, condition.values);
                    self.conditions.entry(id).or_insert(condition);
                }
            }
            for pattern in &statement.resources.fixed {
                match pattern.literal() {
                    Some(arn) => {
                        self.literals.insert(arn);
                    }
                    None if pattern.is_any() || self.patterns.contains(&pattern) => {}
                    None => self.patterns.push(pattern),
                }
            }
            for template in &statement.resources.templates {
                self.has_resource_variables = true;
                self.values.extend(template.keys().map(str::to_owned));
            }
        }
    }

    /// What the conditions make of the facts that `about` is concerned with.
    fn see(&self, scene: &Scene, about: impl Fn(&str) -> bool, signature: &mut String) {
        for condition in self.conditions.values().filter(|c| about(&c.key)) {
            let fact = scene.fact(&condition.key);
            let seen = match &fact {
                Fact::Unknown if scene.gap(&condition.key).is_some() => 'g',
                Fact::Unknown => 'u',
                Fact::Many(_) if condition.holds(&fact) => 'M',
                Fact::Many(_) => 'm',
                Fact::Absent if condition.holds(&fact) => 'A',
                Fact::Absent => 'a',
                Fact::One(_) if condition.holds(&fact) => 'T',
                Fact::One(_) => 'f',
            };
            signature.push(seen);
        }
        for key in self.values.iter().filter(|key| about(key)) {
            _ = write!(signature, "|{key}={:?}", scene.fact(key));
        }
    }
}

/// Whether a condition key is about the caller.
fn is_about_caller(key: &str) -> bool {
    key.starts_with("aws:principal") || matches!(key, "aws:username" | "aws:userid" | "kms:calleraccount")
}

/// The documents that can bear on a caller of each account besides its own policies, ready to be looked through.
pub struct Lenses<'s> {
    snapshot: &'s Snapshot,
    context: &'s Context,
    /// Names in key policies and grants.
    names: HashSet<&'s str>,
    session_roles: HashSet<String>,
    by_account: HashMap<String, Lens<'s>>,
    elsewhere: Lens<'s>,
    all: Lens<'s>,
    shared: Vec<&'s Arc<Document>>,
}

impl<'s> Lenses<'s> {
    /// Looks through every document of the snapshot. `reaches` are those of its keys, in order.
    pub fn new(snapshot: &'s Snapshot, reaches: &[Reach], context: &'s Context) -> Self {
        let seats = snapshot.organization.iter().flat_map(|o| o.seats.values());
        let levels = seats.flat_map(|seat| seat.scps.iter().chain(&seat.rcps));
        let shared: Vec<&Arc<Document>> = levels.flat_map(|(_, policies)| policies).map(|p| &p.document).collect();
        let mut lenses = Self {
            snapshot,
            context,
            names: HashSet::new(),
            session_roles: HashSet::new(),
            by_account: HashMap::new(),
            elsewhere: Lens::default(),
            all: Lens::default(),
            shared,
        };
        lenses.shared.iter().for_each(|document| {
            lenses.elsewhere.add(document);
            lenses.all.add(document);
        });
        for entity in &snapshot.entities {
            for policy in entity.policies.iter().chain(&entity.boundary) {
                lenses.all.add(&policy.document);
            }
        }
        for (key, reach) in snapshot.keys.iter().zip(reaches) {
            lenses.key(key, reach);
        }
        lenses
    }

    fn key(&mut self, key: &'s Key, reach: &Reach) {
        let named = key.grants_naming.keys().map(String::as_str);
        let in_policies = key
            .policies
            .iter()
            .flat_map(|p| &p.document.statements)
            .flat_map(|s| match &s.principals {
                Principals::Named(names) | Principals::AllBut(names) => names.arns.as_slice(),
                Principals::Unnamed => &[],
            });
        for name in named.chain(in_policies.map(String::as_str)) {
            if let Some((role, _)) = name.split_once(":assumed-role/").and_then(|(front, rest)| {
                let role = rest.split('/').next()?;
                Some((format!("{front}:assumed-role/{role}/"), ()))
            }) {
                self.session_roles.insert(role);
            }
            self.names.insert(name);
        }
        for policy in &key.policies {
            self.all.add(&policy.document);
            if reach.anyone {
                self.elsewhere.add(&policy.document);
            }
            for account in reach.accounts.iter().chain([&key.account]) {
                self.by_account
                    .entry(account.clone())
                    .or_default()
                    .add(&policy.document);
            }
        }
    }

    /// Divides callers.
    pub fn callers(&self, callers: &[Caller<'s>]) -> Partition {
        Partition::new(callers.iter().map(|caller| self.caller_signature(caller)))
    }

    /// Divides the snapshot's keys.
    pub fn keys(&self) -> Partition {
        Partition::new(self.snapshot.keys.iter().map(|key| self.key_signature(key)))
    }

    fn caller_signature(&self, caller: &'s Caller<'s>) -> String {
        let mut signature = format!(
            "{:?} {} {} {:?}",
            caller.kind,
            caller.account,
            caller.is_service_linked(),
            caller.gap
        );
        let sessions = caller
            .session_prefix()
            .is_some_and(|prefix| self.session_roles.contains(&prefix));
        let named = self.names.contains(caller.principal_arn.as_str()) || self.names.contains(caller.arn.as_str());
        let is_alone = matches!(
            caller.kind,
            Kind::Service | Kind::Root | Kind::Session | Kind::Federated
        );
        if named || sessions || is_alone {
            signature.push_str(&caller.arn);
        }
        let mut own = Lens::default();
        if let Some(entity) = caller.entity {
            for policy in &entity.policies {
                _ = write!(signature, " {:p}", Arc::as_ptr(&policy.document));
                own.add(&policy.document);
            }
            if let Some(boundary) = &entity.boundary {
                _ = write!(signature, " b{:p}", Arc::as_ptr(&boundary.document));
                own.add(&boundary.document);
            }
        }
        let scene = Scene::new(self.snapshot, caller, Target::Account, self.context, false);
        let lenses = [Some(&own), Some(&self.elsewhere), self.by_account.get(&caller.account)];
        for lens in lenses.into_iter().flatten() {
            lens.see(&scene, is_about_caller, &mut signature);
            let reads_id =
                lens.values.contains("aws:userid") || lens.conditions.values().any(|c| c.key == "aws:userid");
            if reads_id {
                _ = write!(signature, " {:?}", caller.entity.and_then(|e| e.id.as_deref()));
            }
        }
        signature
    }

    fn key_signature(&self, key: &'s Key) -> String {
        let mut signature = format!(
            "{} {} {:?} {:?} {:?}",
            key.account,
            key.aws_managed,
            key.policy_gap,
            key.grants_gap,
            partition(&key.arn),
        );
        for policy in &key.policies {
            _ = write!(signature, " {:p}", Arc::as_ptr(&policy.document));
        }
        for grant in &key.grants {
            let without_id = super::bundle::Grant {
                id: String::new(),
                ..grant.clone()
            };
            _ = write!(signature, " {without_id:?}");
        }
        if self.all.has_resource_variables || self.all.literals.contains(key.arn.as_str()) {
            signature.push_str(&key.arn);
        }
        signature.extend(
            self.all
                .patterns
                .iter()
                .map(|p| if p.matches(&key.arn) { 'T' } else { 'f' }),
        );
        let nobody = Caller {
            kind: Kind::Service,
            arn: String::new(),
            account: String::new(),
            name: String::new(),
            session: None,
            principal_arn: String::new(),
            entity: None,
            gap: None,
        };
        let scene = Scene::new(self.snapshot, &nobody, Target::Key(key), self.context, false);
        self.all.see(&scene, |key| !is_about_caller(key), &mut signature);
        signature
    }
}

fn partition(arn: &str) -> &str {
    arn.split(':').nth(1).unwrap_or_default()
}
