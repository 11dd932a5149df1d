//! Who can do what with every key: every principal, every key, every action, decided per class of equals and read as rows.

use super::answer::{self, Verdict};
use super::bundle::{Key, Snapshot};
use super::caller::{Caller, Kind};
use super::classes::{Lenses, Partition};
use super::decide::Combined;
use super::describe::ConditionKind;
use super::kms::{self, ActionSet};
use super::layers::{Layers, Origin};
use super::limits::{self, Limit};
use super::naming;
use super::population::{Principal, Reach, everyone};
use super::scene::{Context, Scene, Target};
use super::solve::{Solver, Truth};
use super::worlds::Known;
use rayon::prelude::*;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

/// One answer for some actions.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Outcome {
    /// The actions.
    pub actions: ActionSet,
    /// Never [`Verdict::Denied`], but of rights that are withheld.
    pub verdict: Verdict,
    /// The reason class, or what is left open.
    pub reason: Arc<str>,
    /// The condition of a conditional right.
    pub condition: Option<Arc<str>>,
    /// What kind of condition.
    pub condition_kind: Option<ConditionKind>,
    /// Statements and grants, by their place in the caller's and key's policies.
    pub paths: Arc<[Origin]>,
    /// What narrows it, or withholds it.
    pub limits: Arc<[Limit]>,
}

/// Which rights a view is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rights {
    /// Those that are not denied.
    Held,
    /// Those that policies and grants give, and a Deny, a boundary or a control policy takes away in every request.
    Withheld,
}

/// What one class of principals may do with one class of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// The class of principals.
    pub principals: u32,
    /// The class of keys.
    pub keys: u32,
    /// The index of the list of outcomes.
    pub outcomes: u32,
}

/// Effective access of a whole snapshot.
#[derive(Debug)]
pub struct Access<'s> {
    snapshot: &'s Snapshot,
    /// Everyone concerned.
    pub principals: Vec<Principal>,
    /// Principals by class, as indices into `principals`.
    pub principal_classes: Partition,
    /// Keys by class, as indices into the snapshot's keys.
    pub key_classes: Partition,
    /// Lists of outcomes, each once.
    pub outcomes: Vec<Vec<Outcome>>,
    /// What is not denied.
    pub cells: Vec<Cell>,
}

/// One row of `effective_access`.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    access: &'a Access<'a>,
    /// Who.
    pub principal: &'a Principal,
    /// On which key.
    pub key: &'a Key,
    /// The index of the action.
    pub action: usize,
    /// The answer.
    pub outcome: &'a Outcome,
}

impl Row<'_> {
    /// The statements and grants that allow it, or may.
    pub fn paths(&self) -> Vec<String> {
        match Caller::resolve(self.access.snapshot, &self.principal.arn) {
            Ok(caller) => naming::names(
                self.access.snapshot,
                &caller,
                &Target::Key(self.key),
                &self.outcome.paths,
            ),
            Err(_) => Vec::new(),
        }
    }

    /// What narrows it, or withholds it, in words.
    pub fn limits(&self) -> Vec<String> {
        match Caller::resolve(self.access.snapshot, &self.principal.arn) {
            Ok(caller) => naming::limits(
                self.access.snapshot,
                &caller,
                &Target::Key(self.key),
                &self.outcome.limits,
            ),
            Err(_) => Vec::new(),
        }
    }
}

/// The actions of the whole-organization view: every administrative and cryptographic one on a single key.
pub fn single_key_actions() -> ActionSet {
    kms::set(&kms::FULL) | kms::cryptographic()
}

impl<'s> Access<'s> {
    /// Decides for everyone, every key of the snapshot, and `actions`.
    pub fn of(snapshot: &'s Snapshot, actions: ActionSet) -> Self {
        Self::with(snapshot, actions, Rights::Held)
    }

    /// The rights that would be there but for a Deny, a permissions boundary or a control policy; each with what withholds it.
    pub fn withheld(snapshot: &'s Snapshot, actions: ActionSet) -> Self {
        Self::with(snapshot, actions, Rights::Withheld)
    }

    fn with(snapshot: &'s Snapshot, actions: ActionSet, rights: Rights) -> Self {
        let context = Context::new();
        let (mut principals, mut callers) = (Vec::new(), Vec::new());
        for principal in everyone(snapshot) {
            if let Ok(caller) = Caller::resolve(snapshot, &principal.arn) {
                principals.push(principal);
                callers.push(caller);
            }
        }
        let reaches: Vec<Reach> = snapshot.keys.par_iter().map(Reach::of).collect();
        let lenses = Lenses::new(snapshot, &reaches, &context);
        let (principal_classes, key_classes) = rayon::join(|| lenses.callers(&callers), || lenses.keys());
        let sweep = Sweep {
            snapshot,
            context: &context,
            actions,
            rights,
            reaches: &reaches,
            classes: &key_classes,
        };
        let memories: Mutex<Vec<Memory>> = Mutex::default();
        let remembered = || memories.lock().unwrap_or_else(PoisonError::into_inner);
        let line = |members: &Vec<u32>| {
            let mut memory = remembered().pop().unwrap_or_default();
            let line = sweep.line(&callers[members[0] as usize], &mut memory);
            remembered().push(memory);
            line
        };
        let rows: Vec<Line> = principal_classes.members.par_iter().map(line).collect();
        let mut access = Self {
            snapshot,
            principals,
            principal_classes,
            key_classes,
            outcomes: Vec::new(),
            cells: Vec::new(),
        };
        access.take(rows);
        access
    }

    fn take(&mut self, lines: Vec<Line>) {
        let mut known: HashMap<Arc<Vec<Outcome>>, u32> = HashMap::new();
        for (principals, line) in lines.into_iter().enumerate() {
            let ids: Vec<u32> = line
                .outcomes
                .into_iter()
                .map(|list| {
                    *known.entry(list).or_insert_with_key(|list| {
                        self.outcomes.push(list.to_vec());
                        index(self.outcomes.len() - 1)
                    })
                })
                .collect();
            let cells = line.cells.into_iter();
            self.cells.extend(cells.map(|(keys, local)| Cell {
                principals: index(principals),
                keys,
                outcomes: ids[local as usize],
            }));
        }
    }

    /// The number of rows, without making them.
    pub fn len(&self) -> u64 {
        let sizes = self.cells.iter().map(|cell| {
            let actions: u32 = self.outcomes[cell.outcomes as usize]
                .iter()
                .map(|o| o.actions.count_ones())
                .sum();
            let principals = self.principal_classes.members[cell.principals as usize].len() as u64;
            principals * self.key_classes.members[cell.keys as usize].len() as u64 * u64::from(actions)
        });
        sizes.sum()
    }

    /// Whether nobody can do anything.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// Every right that is not denied, as rows.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.cells.iter().flat_map(move |cell| self.rows_of(cell))
    }

    /// The rows of one cell.
    pub fn rows_of<'a>(&'a self, cell: &Cell) -> impl Iterator<Item = Row<'a>> + use<'a, 's> {
        let outcomes = &self.outcomes[cell.outcomes as usize];
        let keys = &self.key_classes.members[cell.keys as usize];
        self.principal_classes.members[cell.principals as usize]
            .iter()
            .flat_map(move |principal| {
                keys.iter().flat_map(move |key| {
                    outcomes.iter().flat_map(move |outcome| {
                        let listed = (0..kms::ACTIONS.len()).filter(|action| outcome.actions >> action & 1 == 1);
                        listed.map(move |action| Row {
                            access: self,
                            principal: &self.principals[*principal as usize],
                            key: &self.snapshot.keys[*key as usize],
                            action,
                            outcome,
                        })
                    })
                })
            })
    }
}

fn index(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// The cells of one class of principals: class of keys, index into its own outcomes.
#[derive(Default)]
struct Line {
    cells: Vec<(u32, u32)>,
    outcomes: Vec<Arc<Vec<Outcome>>>,
}

/// What was decided before. Callers and keys that bring the same statements to bear get the same answer.
#[derive(Default)]
struct Memory {
    solver: Solver,
    pairs: HashMap<Bearing, Arc<Vec<Outcome>>>,
    lists: HashSet<Arc<Vec<Outcome>>>,
}

/// Everything that decides about a pair.
#[derive(PartialEq, Eq, Hash)]
struct Bearing {
    layers: Layers,
    is_cross_account: bool,
    is_service: bool,
    known: Known,
}

/// The most pairs remembered at once.
const PAIRS_MAX: usize = 1 << 16;

struct Sweep<'a, 's> {
    snapshot: &'s Snapshot,
    context: &'a Context,
    actions: ActionSet,
    rights: Rights,
    reaches: &'a [Reach],
    classes: &'a Partition,
}

impl Sweep<'_, '_> {
    fn line(&self, caller: &Caller, memory: &mut Memory) -> Line {
        let mut line = Line::default();
        let mut known: HashMap<usize, u32> = HashMap::new();
        for (class, members) in self.classes.members.iter().enumerate() {
            let representative = members[0] as usize;
            let key = &self.snapshot.keys[representative];
            if !concerns(caller, key, &self.reaches[representative]) {
                continue;
            }
            let outcomes = self.pair(caller, key, memory);
            if outcomes.is_empty() {
                continue;
            }
            let local = *known.entry(Arc::as_ptr(&outcomes).addr()).or_insert_with(|| {
                line.outcomes.push(Arc::clone(&outcomes));
                index(line.outcomes.len() - 1)
            });
            line.cells.push((index(class), local));
        }
        line
    }

    /// What one caller may do with one key: one outcome for each set of actions that nothing tells apart.
    fn pair(&self, caller: &Caller, key: &Key, memory: &mut Memory) -> Arc<Vec<Outcome>> {
        let scene = Scene::new(self.snapshot, caller, Target::Key(key), self.context, false);
        let is_cross_account = scene.is_cross_account();
        let actions = if is_cross_account {
            self.actions & kms::ACROSS_ACCOUNTS
        } else {
            self.actions
        };
        let layers = Layers::gather(&scene, actions, None);
        let known = if layers.read("aws:userid") {
            answer::known(caller)
        } else {
            Known::default()
        };
        let bearing = Bearing {
            layers,
            is_cross_account,
            is_service: caller.kind == Kind::Service,
            known,
        };
        if let Some(outcomes) = memory.pairs.get(&bearing) {
            return Arc::clone(outcomes);
        }
        let outcomes = match self.rights {
            Rights::Held => decide(&scene, &bearing, actions, &mut memory.solver),
            Rights::Withheld => withheld(&scene, &bearing, actions, &mut memory.solver),
        };
        let outcomes = match memory.lists.get(&outcomes) {
            Some(known) => Arc::clone(known),
            None => {
                let list = Arc::new(outcomes);
                memory.lists.insert(Arc::clone(&list));
                list
            }
        };
        if memory.pairs.len() >= PAIRS_MAX {
            memory.pairs.clear();
        }
        memory.pairs.insert(bearing, Arc::clone(&outcomes));
        outcomes
    }
}

fn decide(scene: &Scene, bearing: &Bearing, actions: ActionSet, solver: &mut Solver) -> Vec<Outcome> {
    let layers = &bearing.layers;
    let mut outcomes: Vec<Outcome> = Vec::new();
    for group in layers.groups(actions) {
        let action = group.trailing_zeros() as usize;
        let combined = Combined::new(scene, layers, action);
        let open = answer::judge(&combined, layers, action, &bearing.known, solver);
        if open.verdict == Verdict::Denied {
            continue;
        }
        let outcome = Outcome {
            actions: group,
            verdict: open.verdict,
            reason: solver.text(&open.reason),
            condition: open.condition,
            condition_kind: open.condition_kind,
            paths: open.paths.into(),
            limits: limits::of(layers, action, &bearing.known, solver).into(),
        };
        join(&mut outcomes, outcome);
    }
    outcomes
}

fn withheld(scene: &Scene, bearing: &Bearing, actions: ActionSet, solver: &mut Solver) -> Vec<Outcome> {
    let layers = &bearing.layers;
    let mut outcomes: Vec<Outcome> = Vec::new();
    for group in layers.groups(actions) {
        let action = group.trailing_zeros() as usize;
        let limits = limits::of(layers, action, &bearing.known, solver);
        if limits.is_empty() {
            continue;
        }
        let (given, bare) = limits::given(scene, layers, action);
        if matches!(solver.settle(&given.allowed, &bearing.known).truth, Truth::Never(_)) {
            continue;
        }
        let combined = Combined::new(scene, layers, action);
        let open = answer::judge(&combined, layers, action, &bearing.known, solver);
        if open.verdict != Verdict::Denied {
            continue;
        }
        let outcome = Outcome {
            actions: group,
            verdict: open.verdict,
            reason: solver.text(&open.reason),
            condition: None,
            condition_kind: None,
            paths: given.paths(&bare, action).into(),
            limits: limits.into(),
        };
        join(&mut outcomes, outcome);
    }
    outcomes
}

/// Adds an outcome, to the actions of one that is alike where there is one.
fn join(outcomes: &mut Vec<Outcome>, outcome: Outcome) {
    match outcomes.iter_mut().find(|held| held.is_like(&outcome)) {
        Some(alike) => alike.actions |= outcome.actions,
        None => outcomes.push(outcome),
    }
}

impl Outcome {
    fn is_like(&self, other: &Self) -> bool {
        Self {
            actions: self.actions,
            ..other.clone()
        } == *self
    }
}

/// Whether the key's policies and grants can give the caller anything.
fn concerns(caller: &Caller, key: &Key, reach: &Reach) -> bool {
    match caller.kind {
        Kind::Service => reach.anyone || reach.services.binary_search(&caller.name).is_ok(),
        _ => caller.account == key.account || reach.anyone || reach.accounts.binary_search(&caller.account).is_ok(),
    }
}
