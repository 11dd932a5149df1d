//! The layers of a decision, each as what its statements say about every action asked for. Combining them is `decide.rs`.

use super::formula::Formula;
use super::kms::{self, ActionSet};
use super::unknown::Test;
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
    pub(super) fn push(&mut self, actions: ActionSet, when: Formula, origin: Origin) {
        if actions != 0 && when != Formula::FALSE {
            self.parts.push(Part { actions, when, origin });
        }
    }

    pub(super) fn gap(&mut self, what: &str, reason: &str) {
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
}
