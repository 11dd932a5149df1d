//! What limits a right: the Denies, the permissions boundary and the control policies that narrow it or withhold it, each by the
//! statement that does. Refuses to decide: the decision is `decide.rs`'s, and this says what it met.

use super::decide::{Combined, origins};
use super::formula::Formula;
use super::layers::{Layer, Layers, Origin, Source};
use super::scene::Scene;
use super::solve::{Solver, Truth};
use super::worlds::Known;
use std::sync::Arc;

/// One thing that limits a right.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Limit {
    /// A statement denies it.
    Denies(Origin, When),
    /// The permissions boundary allows it only so far.
    Boundary(When),
    /// The service control policies at one level of the organization, by its number from the root, allow it only so far.
    ScpLevel(usize, When),
}

/// In which requests a statement denies, or the statements of a layer allow.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum When {
    /// In every one.
    Always,
    /// In none.
    Never,
    /// Where a condition holds.
    Where(Arc<str>),
    /// Not to be said, and why.
    Open(Arc<str>),
}

/// What limits the right to an action, whatever the request holds. What has no effect in any request is left out.
pub fn of(layers: &Layers, action: usize, known: &Known, solver: &mut Solver) -> Vec<Limit> {
    let mut found = Vec::new();
    for (origin, formula) in origins(layers, action, true) {
        let when = when(&formula, known, solver);
        // A gap is no statement; that it leaves the answer open is said by the decision.
        if when != When::Never && origin.source != Source::Gap {
            found.push(Limit::Denies(origin, when));
        }
    }
    // A key policy that names a user or a session allows it whatever its boundary does not
    // (IAM User Guide, "Permissions boundaries for IAM entities").
    let is_beyond_boundary = layers.direct.about(action) == Formula::TRUE;
    if let Some(boundary) = layers.boundary.as_ref().filter(|_| !is_beyond_boundary) {
        match when(&boundary.about(action), known, solver) {
            When::Always => {}
            limited => found.push(Limit::Boundary(limited)),
        }
    }
    for (number, level) in layers.scps.iter().flatten().enumerate() {
        match when(&level.about(action), known, solver) {
            When::Always => {}
            limited => found.push(Limit::ScpLevel(number, limited)),
        }
    }
    found
}

/// What policies and grants alone would make of an action: no Deny, no boundary, no control policy.
pub fn given(scene: &Scene, layers: &Layers, action: usize) -> (Combined, Layers) {
    let bare = Layers {
        boundary: None,
        scps: None,
        key_deny: Layer::default(),
        identity_deny: Layer::default(),
        boundary_deny: Layer::default(),
        scp_deny: Layer::default(),
        rcp_deny: Layer::default(),
        ..layers.clone()
    };
    (Combined::new(scene, &bare, action), bare)
}

fn when(formula: &Formula, known: &Known, solver: &mut Solver) -> When {
    let settled = solver.settle(formula, known);
    match &settled.truth {
        Truth::Always(_) => When::Always,
        Truth::Never(_) => When::Never,
        Truth::Open(reasons) => When::Open(solver.text(&reasons.join("; "))),
        Truth::Sometimes(_) => settled.text.clone().map_or(When::Always, When::Where),
    }
}
