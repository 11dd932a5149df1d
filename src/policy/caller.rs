//! Who asks: a principal's ARN or service name, resolved against a snapshot.

use super::bundle::{Entity, Snapshot};

/// What kind of principal asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A role: some session of it, whose name nobody knows.
    Role,
    /// One named session of a role.
    Session,
    /// An IAM user.
    User,
    /// The root user of an account.
    Root,
    /// An AWS service acting for itself.
    Service,
    /// A session from GetFederationToken.
    Federated,
}

/// A resolved principal.
#[derive(Debug, Clone)]
pub struct Caller<'s> {
    /// What kind it is.
    pub kind: Kind,
    /// The principal as asked for.
    pub arn: String,
    /// Its account; empty for a service.
    pub account: String,
    /// The role's or user's name without path, the session's role name.
    pub name: String,
    /// The session name, when known.
    pub session: Option<String>,
    /// `aws:PrincipalArn`: the role with its path behind a session.
    pub principal_arn: String,
    /// The user or role in the snapshot.
    pub entity: Option<&'s Entity>,
    /// Why its identity policies are not wholly known.
    pub gap: Option<String>,
}

/// The principal that stands for everyone outside: what a policy that names `*` lets any AWS account do.
pub const ANYONE: &str = "*";

/// An account that no AWS customer has.
const NO_ACCOUNT: &str = "000000000000";

impl<'s> Caller<'s> {
    /// Resolves a principal. The error says what is wrong with its name.
    pub fn resolve(snapshot: &'s Snapshot, principal: &str) -> Result<Self, String> {
        let caller = |kind, account: &str, name: &str| Self {
            kind,
            arn: principal.to_owned(),
            account: account.to_owned(),
            name: name.to_owned(),
            session: None,
            principal_arn: principal.to_owned(),
            entity: None,
            gap: None,
        };
        if principal == ANYONE {
            let root = format!("arn:aws:iam::{NO_ACCOUNT}:root");
            return Ok(Self {
                principal_arn: root,
                ..caller(Kind::Root, NO_ACCOUNT, "")
            });
        }
        if !principal.starts_with("arn:") {
            return if principal.contains('.') && !principal.contains([' ', ':', '/']) {
                Ok(caller(Kind::Service, "", principal))
            } else {
                Err(format!("`{principal}` is neither an ARN nor a service principal"))
            };
        }
        let unknown = || format!("`{principal}` is not the ARN of a user, role, session or root user");
        let parts: Vec<&str> = principal.splitn(6, ':').collect();
        let &[_, partition, service, _, account, resource] = parts.as_slice() else {
            return Err(unknown());
        };
        let (kind, path) = resource.split_once('/').unwrap_or((resource, ""));
        let name = path.rsplit('/').next().unwrap_or_default();
        let mut found = match (service, kind) {
            ("iam", "root") if path.is_empty() => return Ok(caller(Kind::Root, account, "")),
            ("iam", "user") if !name.is_empty() => Self {
                entity: snapshot.entity(principal),
                ..caller(Kind::User, account, name)
            },
            ("iam", "role") if !name.is_empty() => Self {
                entity: snapshot.entity(principal),
                ..caller(Kind::Role, account, name)
            },
            ("sts", "assumed-role") => {
                let (role, session) = path.split_once('/').ok_or_else(unknown)?;
                let entity = snapshot.role(account, role);
                let role_arn = entity.map_or_else(
                    || format!("arn:{partition}:iam::{account}:role/{role}"),
                    |e| e.arn.clone(),
                );
                Self {
                    session: Some(session.to_owned()),
                    principal_arn: role_arn,
                    entity,
                    ..caller(Kind::Session, account, role)
                }
            }
            ("sts", "federated-user") if !name.is_empty() => Self {
                gap: Some("the policies of a federated user's session are not part of a snapshot".to_owned()),
                ..caller(Kind::Federated, account, name)
            },
            _ => return Err(unknown()),
        };
        if found.gap.is_none() && !snapshot.accounts.contains(account) {
            found.gap = Some(format!("the IAM of account {account} was not collected"));
        } else if let Some(gap) = found.entity.and_then(|e| e.gap.clone()) {
            found.gap = Some(gap);
        }
        Ok(found)
    }

    /// Whether the caller acts with a role's credentials.
    pub fn is_role(&self) -> bool {
        matches!(self.kind, Kind::Role | Kind::Session)
    }

    /// Whether the caller is a service-linked role, which SCPs and RCPs do not reach.
    pub fn is_service_linked(&self) -> bool {
        self.is_role() && self.principal_arn.contains(":role/aws-service-role/")
    }

    /// The start of the ARN of every session of the role.
    pub fn session_prefix(&self) -> Option<String> {
        let partition = self.arn.split(':').nth(1)?;
        self.is_role()
            .then(|| format!("arn:{partition}:sts::{}:assumed-role/{}/", self.account, self.name))
    }
}
