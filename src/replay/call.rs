//! A call as its record tells it. Holds texts; judges nothing.

/// What AWS did with the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Observed {
    /// It was let through; so was a dry run that ends in `DryRunOperationException`
    /// (<https://docs.aws.amazon.com/kms/latest/developerguide/testing-permissions.html>).
    Allowed,
    /// It was refused for want of permission.
    Denied,
}

impl Observed {
    /// The word used in results.
    pub fn word(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Denied => "denied",
        }
    }
}

/// One record and one key it names.
#[derive(Debug, Clone, Copy, Default)]
#[expect(
    missing_docs,
    reason = "each field is the member of that name in AWS's documentation, or the column of that name"
)]
pub struct Call<'a> {
    /// When, in microseconds.
    pub at: i64,
    pub operation: &'a str,
    pub region: &'a str,
    pub event_type: Option<&'a str>,
    pub identity_type: Option<&'a str>,
    pub identity_arn: Option<&'a str>,
    pub identity_account: Option<&'a str>,
    pub principal_id: Option<&'a str>,
    pub invoked_by: Option<&'a str>,
    pub session_created: Option<&'a str>,
    pub session_mfa: Option<&'a str>,
    pub source_identity: Option<&'a str>,
    pub federated_provider: Option<&'a str>,
    pub assumed_root: Option<&'a str>,
    pub access_key: Option<&'a str>,
    pub parameters: Option<&'a str>,
    pub source_ip: Option<&'a str>,
    pub vpc_endpoint: Option<&'a str>,
    pub outcome: &'a str,
    pub error_message: Option<&'a str>,
    pub key_ref: Option<&'a str>,
    pub key_arn: Option<&'a str>,
}

/// By which way a call came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way<'a> {
    /// The principal made it.
    Direct,
    /// A service made it, with the principal's credentials or its own.
    Service(&'a str),
    /// The record does not say.
    Unclear,
}

impl<'a> Call<'a> {
    /// What AWS did, as far as the outcome is about permission.
    pub fn observed(&self) -> Option<Observed> {
        match self.outcome {
            "success" | "dry_run" => Some(Observed::Allowed),
            "denied" => Some(Observed::Denied),
            _ => None,
        }
    }

    /// By which way it came: `invokedBy` names a service, and a direct call has an address.
    pub fn way(&self) -> Way<'a> {
        match (self.invoked_by, self.source_ip) {
            (Some(service), _) if is_service(service) => Way::Service(service),
            (None, Some(ip)) if ip.parse::<std::net::IpAddr>().is_ok() => Way::Direct,
            _ => Way::Unclear,
        }
    }

    /// Whether temporary credentials signed it; nothing where the record does not say.
    pub fn is_temporary(&self) -> Option<bool> {
        if self.session_created.is_some() || self.access_key.is_some_and(|key| key.starts_with("ASIA")) {
            return Some(true);
        }
        // Long-term keys begin with AKIA (IAM User Guide, "IAM identifiers").
        self.access_key
            .is_some_and(|key| key.starts_with("AKIA"))
            .then_some(false)
    }
}

fn is_service(name: &str) -> bool {
    let host = name.strip_suffix(".cn").unwrap_or(name);
    host.strip_suffix(".amazonaws.com").is_some_and(|label| {
        !label.is_empty()
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
    })
}
