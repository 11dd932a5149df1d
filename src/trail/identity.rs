//! Who acted: `userIdentity` read into its parts, and the canonical principal behind it.
//!
//! Source: AWS CloudTrail User Guide, "CloudTrail userIdentity element".

use std::borrow::Cow;

use super::json;
use super::record::members;

/// A text member, or that it was not one.
type Text<'a> = Option<Cow<'a, str>>;

/// `userIdentity` by its documented members. `exact` is false where something did not fit (an unknown member, a null,
/// a number for a text), so that the raw text must be kept to write the record back.
#[derive(Debug, Default, Clone, PartialEq)]
#[expect(
    missing_docs,
    reason = "each field is the member of that name in AWS's documentation"
)]
pub struct Identity<'a> {
    pub kind: Text<'a>,
    pub principal_id: Text<'a>,
    pub arn: Text<'a>,
    pub account_id: Text<'a>,
    pub access_key_id: Text<'a>,
    pub user_name: Text<'a>,
    pub invoked_by: Text<'a>,
    pub identity_provider: Text<'a>,
    pub credential_id: Text<'a>,
    /// `userId`, `identityStoreArn`
    pub on_behalf_of: Option<[Text<'a>; 2]>,
    /// `sourceArn`, `sourceAccount`, `issuerType`, `credentialsIssuedTo`
    pub in_scope_of: Option<[Text<'a>; 4]>,
    /// `accountId`
    pub invoked_by_delegate: Option<[Text<'a>; 1]>,
    pub session: Option<Session<'a>>,
    /// Whether the parts say everything that was delivered.
    pub exact: bool,
}

/// `sessionContext`.
#[derive(Debug, Default, Clone, PartialEq)]
#[expect(
    missing_docs,
    reason = "each field is the member of that name in AWS's documentation"
)]
pub struct Session<'a> {
    /// `type`, `principalId`, `arn`, `accountId`, `userName`
    pub issuer: Option<[Text<'a>; 5]>,
    /// `federatedProvider`, and `attributes` as JSON text
    pub web_id: Option<[Text<'a>; 2]>,
    /// `creationDate`, `mfaAuthenticated`
    pub attributes: Option<[Text<'a>; 2]>,
    pub source_identity: Text<'a>,
    pub ec2_role_delivery: Text<'a>,
    pub ec2_issued_in_vpc: Text<'a>,
    pub assumed_root: Text<'a>,
}

/// Names of the members of `sessionIssuer`, as delivered.
pub const ISSUER: [&str; 5] = ["type", "principalId", "arn", "accountId", "userName"];
/// Names of the members of `sessionContext.attributes`, as delivered.
pub const ATTRIBUTES: [&str; 2] = ["creationDate", "mfaAuthenticated"];
/// Names of the members of `onBehalfOf`, as delivered.
pub const ON_BEHALF_OF: [&str; 2] = ["userId", "identityStoreArn"];
/// Names of the members of `inScopeOf`, as delivered.
pub const IN_SCOPE_OF: [&str; 4] = ["sourceArn", "sourceAccount", "issuerType", "credentialsIssuedTo"];
/// Names of the members of `invokedByDelegate`, as delivered.
pub const INVOKED_BY_DELEGATE: [&str; 1] = ["accountId"];

/// Reads a scalar as text; other than strings it is not exact.
fn text<'a>(raw: &'a str, exact: &mut bool) -> Text<'a> {
    if let Some(text) = json::string(raw) {
        return Some(text);
    }
    *exact = false;
    matches!(raw.as_bytes().first(), Some(b't' | b'f' | b'0'..=b'9' | b'-')).then_some(Cow::Borrowed(raw))
}

/// Reads an object whose members are all texts.
pub fn texts<'a, const N: usize>(raw: &'a str, names: [&str; N], exact: &mut bool) -> Option<[Text<'a>; N]> {
    let Some(members) = members(raw) else {
        *exact = false;
        return None;
    };
    let mut values = [const { None }; N];
    for (name, raw) in members {
        match names.iter().position(|known| *known == name) {
            Some(place) => values[place] = text(raw, exact),
            None => *exact = false,
        }
    }
    Some(values)
}

impl<'a> Identity<'a> {
    /// Reads `userIdentity`'s JSON text. Never fails: what does not fit is left out and `exact` is false.
    pub fn parse(raw: &'a str) -> Identity<'a> {
        let mut identity = Identity {
            exact: true,
            ..Identity::default()
        };
        let Some(members) = members(raw) else {
            identity.exact = false;
            return identity;
        };
        let mut exact = true;
        for (name, raw) in members {
            let exact = &mut exact;
            match &*name {
                "type" => identity.kind = text(raw, exact),
                "principalId" => identity.principal_id = text(raw, exact),
                "arn" => identity.arn = text(raw, exact),
                "accountId" => identity.account_id = text(raw, exact),
                "accessKeyId" => identity.access_key_id = text(raw, exact),
                "userName" => identity.user_name = text(raw, exact),
                "invokedBy" => identity.invoked_by = text(raw, exact),
                "identityProvider" => identity.identity_provider = text(raw, exact),
                "credentialId" => identity.credential_id = text(raw, exact),
                "onBehalfOf" => identity.on_behalf_of = texts(raw, ON_BEHALF_OF, exact),
                "inScopeOf" => identity.in_scope_of = texts(raw, IN_SCOPE_OF, exact),
                "invokedByDelegate" => identity.invoked_by_delegate = texts(raw, INVOKED_BY_DELEGATE, exact),
                "sessionContext" => identity.session = session(raw, exact),
                _ => *exact = false,
            }
        }
        identity.exact = exact;
        identity
    }

    /// The canonical principal: the role (with its path) behind a session, else the user, root or federated user, else
    /// an external principal as `id@account`, else the service.
    pub fn principal_arn(&self) -> Option<Cow<'_, str>> {
        if let Some([kind, _, Some(arn), ..]) = self.session.as_ref().and_then(|session| session.issuer.as_ref())
            && !arn.is_empty()
            && (kind.as_deref() == Some("Role") || arn.contains(":role/"))
        {
            return Some(Cow::Borrowed(arn));
        }
        if let Some(arn) = filled(&self.arn) {
            return Some(role_of_session(arn).map_or(Cow::Borrowed(arn), Cow::Owned));
        }
        if let Some(id) = filled(&self.principal_id) {
            let id = id.split(':').next().filter(|_| is_unique_id(id)).unwrap_or(id);
            return Some(match filled(&self.account_id) {
                Some(account) => Cow::Owned(format!("{id}@{account}")),
                None => Cow::Borrowed(id),
            });
        }
        if let Some([Some(user), _]) = self.on_behalf_of.as_ref() {
            return Some(match filled(&self.account_id) {
                Some(account) => Cow::Owned(format!("{user}@{account}")),
                None => Cow::Borrowed(user),
            });
        }
        filled(&self.invoked_by).map(Cow::Borrowed)
    }

    /// The unique id of the canonical principal (`AROA...`, `AIDA...`, an account for root), which tells a re-created
    /// role or user from its predecessor.
    pub fn canonical_id(&self) -> Option<&str> {
        if let Some([kind, Some(id), ..]) = self.session.as_ref().and_then(|session| session.issuer.as_ref())
            && !id.is_empty()
            && (kind.as_deref() == Some("Role") || id.starts_with("AROA"))
        {
            return Some(id);
        }
        let id =
            filled(&self.principal_id).or_else(|| self.on_behalf_of.as_ref().and_then(|[user, _]| filled(user)))?;
        Some(if is_unique_id(id) {
            id.split(':').next().unwrap_or(id)
        } else {
            id
        })
    }
}

fn filled<'t>(text: &'t Text<'_>) -> Option<&'t str> {
    text.as_deref().filter(|text| !text.is_empty())
}

/// `AROAEXAMPLE:session` carries a session name after the id; an OIDC subject's colons are part of it.
///
/// Source: IAM User Guide, "IAM identifiers", unique ID prefixes.
fn is_unique_id(id: &str) -> bool {
    id.len() > 4 && ["AROA", "AIDA"].iter().any(|prefix| id.starts_with(prefix))
        || id
            .split(':')
            .next()
            .is_some_and(|account| account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit()))
}

/// The role of an assumed-role session's ARN. The path is not in it and stays unknown.
fn role_of_session(arn: &str) -> Option<String> {
    let parsed = crate::model::Arn::parse(arn)?;
    let rest = parsed
        .resource
        .strip_prefix("assumed-role/")
        .filter(|_| parsed.service == "sts")?;
    let role = rest.rsplit_once('/').map_or(rest, |(role, _)| role);
    Some(format!("arn:{}:iam::{}:role/{role}", parsed.partition, parsed.account))
}

fn session<'a>(raw: &'a str, exact: &mut bool) -> Option<Session<'a>> {
    let Some(all) = members(raw) else {
        *exact = false;
        return None;
    };
    let mut session = Session::default();
    for (name, raw) in all {
        match &*name {
            "sessionIssuer" => session.issuer = texts(raw, ISSUER, exact),
            "attributes" => session.attributes = texts(raw, ATTRIBUTES, exact),
            "webIdFederationData" => session.web_id = web_id(raw, exact),
            "sourceIdentity" => session.source_identity = text(raw, exact),
            "ec2RoleDelivery" => session.ec2_role_delivery = text(raw, exact),
            "ec2IssuedInVpc" => session.ec2_issued_in_vpc = text(raw, exact),
            "assumedRoot" => session.assumed_root = text(raw, exact),
            _ => *exact = false,
        }
    }
    Some(session)
}

fn web_id<'a>(raw: &'a str, exact: &mut bool) -> Option<[Text<'a>; 2]> {
    let Some(all) = members(raw) else {
        *exact = false;
        return None;
    };
    let mut values = [None, None];
    for (name, raw) in all {
        match &*name {
            "federatedProvider" => values[0] = text(raw, exact),
            "attributes" => values[1] = Some(json::compact(raw)),
            _ => *exact = false,
        }
    }
    Some(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn principal(raw: &str) -> (Option<String>, Option<String>) {
        let identity = Identity::parse(raw);
        (
            identity.principal_arn().map(Cow::into_owned),
            identity.canonical_id().map(str::to_owned),
        )
    }

    #[test]
    fn the_role_with_its_path_stands_for_its_sessions() {
        let raw = r#"{"type":"AssumedRole","principalId":"AROAEXAMPLE:s","arn":"arn:aws:sts::111122223333:assumed-role/R/s",
            "sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROAEXAMPLE","arn":"arn:aws:iam::111122223333:role/p/R"}}}"#;
        assert_eq!(
            principal(raw),
            (
                Some("arn:aws:iam::111122223333:role/p/R".into()),
                Some("AROAEXAMPLE".into())
            )
        );
        let raw = r#"{"type":"AssumedRole","principalId":"AROAEXAMPLE:s","arn":"arn:aws:sts::111122223333:assumed-role/R/s"}"#;
        assert_eq!(
            principal(raw),
            (
                Some("arn:aws:iam::111122223333:role/R".into()),
                Some("AROAEXAMPLE".into())
            )
        );
    }

    #[test]
    fn users_root_services_and_strangers() {
        let user = r#"{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::111122223333:user/a","sessionContext":{"sessionIssuer":{}}}"#;
        assert_eq!(
            principal(user),
            (
                Some("arn:aws:iam::111122223333:user/a".into()),
                Some("AIDAEXAMPLE".into())
            )
        );
        let stranger = r#"{"type":"AWSAccount","principalId":"AROAEXAMPLE:s","accountId":"444455556666"}"#;
        assert_eq!(
            principal(stranger),
            (Some("AROAEXAMPLE@444455556666".into()), Some("AROAEXAMPLE".into()))
        );
        let service = r#"{"type":"AWSService","invokedBy":"secretsmanager.amazonaws.com"}"#;
        assert_eq!(principal(service), (Some("secretsmanager.amazonaws.com".into()), None));
        let web = r#"{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/x:aud:sub","userName":"sub"}"#;
        assert_eq!(
            principal(web).1.unwrap(),
            "arn:aws:iam::111122223333:oidc-provider/x:aud:sub"
        );
        assert_eq!(principal("null"), (None, None));
    }

    #[test]
    fn only_what_fits_is_exact() {
        assert!(
            Identity::parse(
                r#"{"type":"Root","sessionContext":{"sessionIssuer":{},"attributes":{"mfaAuthenticated":"true"}}}"#
            )
            .exact
        );
        for raw in [
            r#"{"type":null}"#,
            r#"{"new":"x"}"#,
            r#"{"accountId":123}"#,
            r#"{"sessionContext":{"attributes":{"mfaAuthenticated":false}}}"#,
            "[]",
        ] {
            assert!(!Identity::parse(raw).exact, "{raw}");
        }
        assert_eq!(Identity::parse(r#"{"accountId":123}"#).account_id.unwrap(), "123");
    }
}
