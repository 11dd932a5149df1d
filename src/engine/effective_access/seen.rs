//! When rights of one state were seen in others: by principal, unique id, key and action.

use std::collections::HashMap;
use std::sync::Arc;

use super::state::Decided;
use crate::policy::kms::ActionSet;

/// Other states, each with its principals and keys found by those of the state that asks.
#[derive(Debug)]
pub(super) struct Seen {
    states: Vec<Other>,
}

#[derive(Debug)]
struct Other {
    collected_at: i64,
    /// By index of the asking state: the class here.
    principals: Vec<Option<u32>>,
    keys: Vec<Option<u32>>,
    actions: HashMap<(u32, u32), ActionSet>,
}

impl Seen {
    /// The other states, as seen from `state`. Itself among them tells nothing that its own rows do not.
    pub(super) fn of(state: &Decided, others: &[Arc<Decided>]) -> Seen {
        let others = others.iter().filter(|other| !std::ptr::eq(other.as_ref(), state));
        Seen {
            states: others.map(|other| Other::of(state, other)).collect(),
        }
    }

    /// The first and the last time a right was seen, in other states.
    pub(super) fn when(&self, principal: u32, key: u32, action: usize) -> Option<(i64, i64)> {
        let at = |index: u32, classes: &[Option<u32>]| classes.get(index as usize).copied().flatten();
        let seen = self.states.iter().filter(|other| {
            let pair = at(principal, &other.principals).zip(at(key, &other.keys));
            pair.and_then(|pair| other.actions.get(&pair))
                .is_some_and(|actions| actions >> action & 1 == 1)
        });
        seen.map(|other| other.collected_at).fold(None, |span, at| match span {
            None => Some((at, at)),
            Some((first, last)) => Some((at.min(first), at.max(last))),
        })
    }
}

impl Other {
    fn of(state: &Decided, other: &Decided) -> Other {
        let mut principal_classes = HashMap::new();
        for (class, members) in (0..).zip(&other.principal_classes.members) {
            for principal in members.iter().filter_map(|at| other.principals.get(*at as usize)) {
                principal_classes.insert((principal.arn.as_str(), principal.id.as_deref()), class);
            }
        }
        let mut key_classes = HashMap::new();
        for (class, members) in (0..).zip(&other.key_classes.members) {
            for key in members.iter().filter_map(|at| other.snapshot.keys.get(*at as usize)) {
                key_classes.insert(key.arn.as_str(), class);
            }
        }
        let found = |principal: &crate::policy::population::Principal| {
            principal_classes
                .get(&(principal.arn.as_str(), principal.id.as_deref()))
                .copied()
        };
        let mut actions: HashMap<(u32, u32), ActionSet> = HashMap::new();
        for cell in &other.cells {
            let outcomes = other.outcomes.get(cell.outcomes as usize).into_iter().flatten();
            let held = outcomes.fold(0, |held, outcome| held | outcome.actions);
            *actions.entry((cell.principals, cell.keys)).or_default() |= held;
        }
        Other {
            collected_at: other.collected_at(),
            principals: state.principals.iter().map(found).collect(),
            keys: state
                .snapshot
                .keys
                .iter()
                .map(|key| key_classes.get(key.arn.as_str()).copied())
                .collect(),
            actions,
        }
    }
}
