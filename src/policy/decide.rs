//! Combines the layers into a decision and its reason, as AWS's flow does (IAM User Guide, "Policy evaluation logic"; AWS KMS developer
//! guide, "Troubleshooting AWS KMS permissions"). The same combination serves known and unknown contexts.

use super::caller::Kind;
use super::formula::Formula;
use super::kms::{self, Scope};
use super::layers::{Layer, Layers, Origin};
use super::scene::{Scene, Target};
use super::unknown::Test;
use std::sync::Arc;

/// The answer to a concrete request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Decision {
    /// Something allows it and nothing denies it.
    Allow,
    /// Nothing allows it.
    ImplicitDeny,
    /// Some policy denies it.
    ExplicitDeny,
}

impl Decision {
    /// The word used in results.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::ImplicitDeny => "implicit_deny",
            Self::ExplicitDeny => "explicit_deny",
        }
    }
}

/// The layers of one action, combined.
#[derive(Debug, Clone)]
pub struct Combined {
    /// Denies by layer, in the order in which reasons name them.
    pub denies: [(&'static str, Formula); 5],
    /// The key policy allows the caller itself, whatever a boundary says.
    pub direct: Formula,
    /// The same, as far as no boundary is in the way.
    pub direct_in_effect: Formula,
    /// The key policy lets the account's IAM policies count.
    pub delegated: Formula,
    /// The identity policies allow.
    pub identity: Formula,
    /// The boundary allows, or there is none.
    pub boundary: Formula,
    /// Every level of SCPs allows, or none applies.
    pub scps: Formula,
    /// A grant allows.
    pub grant: Formula,
    /// Everything together.
    pub allowed: Formula,
    flow: Flow,
    is_supported: bool,
}

/// Which way a request takes through AWS's flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    SameAccount,
    CrossAccount,
    Service,
    /// No key: IAM alone.
    IdentityOnly,
    /// kms:RetireGrant.
    Retire,
}

const GRANT_AND_BOUNDARY: &str = "whether a permissions boundary limits a grant is not documented";
const GRANT_ACROSS_ACCOUNTS: &str =
    "whether a grant across accounts needs an identity policy as well is not documented";
const GRANT_TO_ACCOUNT: &str = "what a grant to a whole account gives its principals is not documented";
const BOUNDARY_AND_ANYONE: &str =
    "whether a permissions boundary limits a key policy that names everyone without aws:PrincipalArn is not documented";

fn gap(reason: &str, assumed: bool) -> Formula {
    Formula::Leaf(Arc::new(Test::gap(reason, "", assumed)))
}

impl Combined {
    /// Combines the layers for one action.
    pub fn new(scene: &Scene, layers: &Layers, action: usize) -> Self {
        let about = |layer: &Layer| layer.about(action);
        let spec = kms::ACTIONS.get(action);
        let flow = match (scene.target, spec.map(|s| s.scope)) {
            (Target::Account | Target::Alias(_), _) => Flow::IdentityOnly,
            (_, Some(Scope::Grant)) => Flow::Retire,
            _ if scene.caller.kind == Kind::Service => Flow::Service,
            _ if scene.is_cross_account() => Flow::CrossAccount,
            _ => Flow::SameAccount,
        };
        let is_supported = !scene.is_cross_account() || spec.is_none_or(|s| s.cross_account);
        let boundary = layers.boundary.as_ref().map_or(Formula::TRUE, about);
        let (role, anyone) = (about(&layers.direct_role), about(&layers.direct_anyone));
        let unlimited = about(&layers.direct);
        let direct = Formula::any([unlimited.clone(), role.clone(), anyone.clone()]);
        let open_boundary = if boundary == Formula::TRUE {
            Formula::TRUE
        } else {
            Formula::any([boundary.clone(), gap(BOUNDARY_AND_ANYONE, true)])
        };
        let direct_in_effect = Formula::any([
            unlimited,
            Formula::all([role, boundary.clone()]),
            Formula::all([anyone, open_boundary]),
        ]);
        let delegated = about(&layers.delegated);
        let identity = about(&layers.identity);
        let scps = layers
            .scps
            .as_ref()
            .map_or(Formula::TRUE, |levels| Formula::all(levels.iter().map(about)));
        let denies = [
            ("key_policy", about(&layers.key_deny)),
            ("identity", about(&layers.identity_deny)),
            ("boundary", about(&layers.boundary_deny)),
            ("scp", about(&layers.scp_deny)),
            ("rcp", about(&layers.rcp_deny)),
        ];
        let mine = Formula::all([identity.clone(), boundary.clone()]);
        let grants = about(&layers.grants);
        let grant = match flow {
            Flow::IdentityOnly => Formula::FALSE,
            Flow::Retire => Formula::any([
                Formula::all([grants, limited_grant(&boundary)]),
                Formula::all([Formula::Const(layers.retiring_account), mine.clone()]),
            ]),
            Flow::CrossAccount => Formula::all([
                Formula::any([grants, about(&layers.account_grants)]),
                Formula::any([mine.clone(), gap(GRANT_ACROSS_ACCOUNTS, false)]),
            ]),
            Flow::SameAccount | Flow::Service => {
                let to_account = about(&layers.account_grants);
                let to_account = Formula::all([to_account, mine.clone(), gap(GRANT_TO_ACCOUNT, true)]);
                Formula::any([Formula::all([grants, limited_grant(&boundary)]), to_account])
            }
        };
        let policies = match flow {
            Flow::SameAccount => Formula::any([
                direct_in_effect.clone(),
                Formula::all([delegated.clone(), mine.clone()]),
            ]),
            Flow::CrossAccount => Formula::all([Formula::any([direct.clone(), delegated.clone()]), mine.clone()]),
            Flow::Service => direct_in_effect.clone(),
            Flow::IdentityOnly => mine.clone(),
            Flow::Retire => Formula::FALSE,
        };
        let allowed = Formula::all([
            Formula::Const(is_supported),
            Formula::any([policies, grant.clone()]),
            scps.clone(),
            Formula::all(denies.iter().map(|(_, deny)| deny.negate())),
        ]);
        Self {
            denies,
            direct,
            direct_in_effect,
            delegated,
            identity,
            boundary,
            scps,
            grant,
            allowed,
            flow,
            is_supported,
        }
    }

    /// The decision and its reason class when every test has a value.
    pub fn decision(&self, test: &impl Fn(&Test) -> bool) -> (Decision, String) {
        let is = |formula: &Formula| formula.value(test);
        let denying: Vec<&str> = self
            .denies
            .iter()
            .filter(|(_, deny)| is(deny))
            .map(|(layer, _)| *layer)
            .collect();
        if !denying.is_empty() {
            return (Decision::ExplicitDeny, denying.join("+"));
        }
        if is(&self.allowed) {
            return (Decision::Allow, self.allow_reason(&is).to_owned());
        }
        (Decision::ImplicitDeny, self.deny_reason(&is))
    }

    fn allow_reason(&self, is: &impl Fn(&Formula) -> bool) -> &'static str {
        let (direct, identity) = (is(&self.direct_in_effect), is(&self.identity));
        match self.flow {
            Flow::IdentityOnly => "iam_only",
            Flow::Service if direct => "key_policy:service",
            Flow::CrossAccount if (is(&self.direct) || is(&self.delegated)) && identity && is(&self.boundary) => {
                "cross_account:both"
            }
            Flow::SameAccount if direct && identity => "key_policy+iam",
            Flow::SameAccount if direct => "key_policy:direct",
            Flow::SameAccount if is(&self.delegated) && identity && is(&self.boundary) => "iam_via_key_policy",
            _ => "grant",
        }
    }

    fn deny_reason(&self, is: &impl Fn(&Formula) -> bool) -> String {
        let (direct, delegated, identity) = (is(&self.direct), is(&self.delegated), is(&self.identity));
        let granted = match self.flow {
            Flow::SameAccount => direct || (delegated && identity),
            Flow::CrossAccount => (direct || delegated) && identity,
            Flow::Service => direct,
            Flow::IdentityOnly => identity,
            Flow::Retire => false,
        };
        if granted {
            let mut blocked = Vec::new();
            if !is(&self.scps) {
                blocked.push("scp");
            }
            let needs_boundary = !is(&self.direct_in_effect) || self.flow == Flow::CrossAccount;
            if !is(&self.boundary) && needs_boundary {
                blocked.push("pb");
            }
            if !blocked.is_empty() {
                return format!("blocked:{}", blocked.join("+"));
            }
        }
        let reason = match self.flow {
            Flow::Service => "no_key_policy_allow",
            Flow::IdentityOnly => "no_identity_allow",
            Flow::CrossAccount if granted && !self.is_supported => "cross_account:operation_not_supported",
            Flow::CrossAccount if identity => "cross_account:no_key_policy_allow",
            Flow::CrossAccount if direct || delegated => "cross_account:no_identity_allow",
            Flow::CrossAccount => "cross_account:neither",
            Flow::Retire => "no_allow_anywhere",
            Flow::SameAccount if identity => "key_policy_does_not_delegate",
            Flow::SameAccount if delegated => "delegated_but_no_identity_allow",
            Flow::SameAccount => "no_allow_anywhere",
        };
        reason.to_owned()
    }
}

impl Combined {
    /// The statements and grants by which the action is, or may be, allowed; those that count for nothing here are left out.
    pub fn paths(&self, layers: &Layers, action: usize) -> Vec<Origin> {
        let by_boundary = self.boundary != Formula::FALSE;
        let by_identity = by_boundary && self.identity != Formula::FALSE;
        let chosen: Vec<&Layer> = match self.flow {
            Flow::IdentityOnly => vec![&layers.identity],
            Flow::Retire if layers.retiring_account && by_identity => vec![&layers.grants, &layers.identity],
            Flow::Retire => vec![&layers.grants],
            Flow::Service => vec![&layers.direct, &layers.grants],
            Flow::CrossAccount => vec![
                &layers.direct,
                &layers.direct_role,
                &layers.direct_anyone,
                &layers.delegated,
                &layers.identity,
                &layers.grants,
                &layers.account_grants,
            ],
            Flow::SameAccount => {
                let mut chosen = vec![&layers.direct, &layers.direct_anyone, &layers.grants];
                if by_boundary {
                    chosen.push(&layers.direct_role);
                }
                let through_account = self.delegated != Formula::FALSE || !layers.account_grants.parts.is_empty();
                if by_identity && through_account {
                    chosen.extend([&layers.delegated, &layers.account_grants, &layers.identity]);
                }
                chosen
            }
        };
        let parts = chosen
            .into_iter()
            .flat_map(|layer| &layer.parts)
            .filter(|part| part.actions >> action & 1 == 1);
        let mut origins: Vec<Origin> = parts.map(|part| part.origin).collect();
        origins.sort_unstable();
        origins.dedup();
        origins
    }
}

fn limited_grant(boundary: &Formula) -> Formula {
    if *boundary == Formula::TRUE {
        return Formula::TRUE;
    }
    Formula::any([boundary.clone(), gap(GRANT_AND_BOUNDARY, true)])
}

/// Every statement and grant of the layers that allows, or that denies, one action.
pub fn origins(layers: &Layers, action: usize, deny: bool) -> Vec<(Origin, Formula)> {
    let allowing: [&Layer; 7] = [
        &layers.direct,
        &layers.direct_role,
        &layers.direct_anyone,
        &layers.delegated,
        &layers.identity,
        &layers.grants,
        &layers.account_grants,
    ];
    let denying: [&Layer; 5] = [
        &layers.key_deny,
        &layers.identity_deny,
        &layers.boundary_deny,
        &layers.scp_deny,
        &layers.rcp_deny,
    ];
    let chosen: &[&Layer] = if deny { &denying } else { &allowing };
    let parts = chosen
        .iter()
        .flat_map(|layer| &layer.parts)
        .filter(|part| part.actions >> action & 1 == 1);
    let mut found: Vec<(Origin, Formula)> = Vec::new();
    for part in parts {
        match found.iter_mut().find(|(origin, _)| *origin == part.origin) {
            Some((_, when)) => *when = Formula::any([when.clone(), part.when.clone()]),
            None => found.push((part.origin, part.when.clone())),
        }
    }
    found
}
