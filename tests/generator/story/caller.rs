//! Who a record says called: `userIdentity` as AWS writes it, with the address and user agent seen.
//!
//! <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html>

use super::cast::{BREAK_GLASS, PAY, Role, break_glass_arn};
use crate::generator::instant;
use serde_json::{Value, json};

/// One caller, as every record of one session shows it.
#[derive(Clone)]
pub struct Caller {
    /// `userIdentity`.
    pub identity: Value,
    /// The account the caller belongs to; empty for AWS services.
    pub account: String,
    /// The canonical actor: the role behind a session, else the user, else the service.
    pub principal: String,
    /// `sourceIPAddress`.
    pub ip: String,
    /// `userAgent`.
    pub agent: String,
    /// False when an AWS service made the call; such records have no `tlsDetails`.
    pub direct: bool,
    /// True for calls made by the console.
    pub console: bool,
}

/// A session of a role, before it calls anything.
#[derive(Clone)]
pub struct Session {
    /// The role behind it.
    pub role: &'static Role,
    /// The session name.
    pub name: String,
    /// `ASIA...`, issued when the role was assumed.
    pub key: String,
    /// When it was issued.
    pub since: i64,
    /// True for sessions of an EC2 instance profile.
    pub instance: bool,
}

impl Session {
    /// The caller of direct calls from one address.
    pub fn from(&self, ip: &str, agent: &str) -> Caller {
        Caller {
            identity: self.identity(None),
            account: self.role.account.to_owned(),
            principal: self.role.arn(),
            ip: ip.to_owned(),
            agent: agent.to_owned(),
            direct: true,
            console: false,
        }
    }

    /// The caller of what a service does with this session (forward access session).
    pub fn via(&self, service: &str) -> Caller {
        Caller {
            identity: self.identity(Some(service)),
            ip: service.to_owned(),
            agent: service.to_owned(),
            direct: false,
            ..self.from("", "")
        }
    }

    /// The caller as the log of another account shows it: an account and an id, no ARN.
    pub fn abroad(&self, caller: &Caller) -> Caller {
        let principal = format!("{}:{}", self.role.id(), self.name);
        Caller {
            identity: json!({"type": "AWSAccount", "principalId": principal, "accountId": self.role.account}),
            ..caller.clone()
        }
    }

    /// The ARN of the session itself.
    pub fn arn(&self) -> String {
        format!(
            "arn:aws:sts::{}:assumed-role/{}/{}",
            self.role.account, self.role.name, self.name
        )
    }

    fn identity(&self, via: Option<&str>) -> Value {
        let role = self.role;
        let mut identity = json!({
            "type": "AssumedRole",
            "principalId": format!("{}:{}", role.id(), self.name),
            "arn": self.arn(),
            "accountId": role.account,
            "accessKeyId": self.key,
            "sessionContext": {
                "sessionIssuer": {
                    "type": "Role",
                    "principalId": role.id(),
                    "arn": role.arn(),
                    "accountId": role.account,
                    "userName": role.name,
                },
                "attributes": {"creationDate": instant::iso(self.since), "mfaAuthenticated": "false"},
            },
        });
        if self.instance {
            identity["sessionContext"]["ec2RoleDelivery"] = json!("2.0");
        }
        if let Some(service) = via {
            identity["invokedBy"] = json!(service);
        }
        identity
    }
}

/// An AWS service acting for itself.
pub fn service(name: &str) -> Caller {
    Caller {
        identity: json!({"type": "AWSService", "invokedBy": name}),
        account: String::new(),
        principal: name.to_owned(),
        ip: name.to_owned(),
        agent: name.to_owned(),
        direct: false,
        console: false,
    }
}

/// What service events carry in place of a caller: the account, and no type.
pub fn nobody(account: &str) -> Caller {
    Caller {
        identity: json!({"accountId": account, "invokedBy": "AWS Internal"}),
        principal: String::new(),
        ..service("AWS Internal")
    }
}

/// A person entering through Identity Center, as `AssumeRoleWithSAML` shows it.
pub fn saml(subject: &str, qualifier: &str, ip: &str, agent: &str) -> Caller {
    Caller {
        identity: json!({
            "type": "SAMLUser",
            "principalId": format!("{qualifier}:{subject}"),
            "userName": subject,
            "identityProvider": qualifier,
        }),
        ip: ip.to_owned(),
        agent: agent.to_owned(),
        direct: true,
        ..service("")
    }
}

/// The emergency user signing in to the console: no access key yet.
pub fn break_glass(ip: &str, agent: &str) -> Caller {
    Caller {
        identity: json!({
            "type": "IAMUser",
            "principalId": "AIDABREAKGLASSEXAMPLE",
            "arn": break_glass_arn(),
            "accountId": PAY,
            "userName": BREAK_GLASS,
        }),
        account: PAY.to_owned(),
        principal: break_glass_arn(),
        ip: ip.to_owned(),
        agent: agent.to_owned(),
        direct: true,
        console: false,
    }
}
