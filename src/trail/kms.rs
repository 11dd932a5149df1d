//! Which keys a KMS record names: from the record alone, without alias history.
//!
//! Sources: AWS KMS Developer Guide, "Logging AWS KMS API calls with AWS CloudTrail" (which element holds the key, and
//! since when), "Key identifiers (KeyId)".

use std::borrow::Cow;

use super::field::Field;
use super::json;
use super::record::{Record, elements, members};
use crate::model::Arn;
use crate::model::arn::partition_of;

/// `eventSource` of KMS.
pub const KMS: &str = "kms.amazonaws.com";

/// A key as a record names it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct KeyName {
    /// As typed by the caller: key id, key ARN, alias or alias ARN.
    pub key_ref: Option<String>,
    /// The key's ARN where the record says it or its id gives it.
    pub key_arn: Option<String>,
    /// The alias ARN the caller named, where no key ARN is known: to be resolved by the alias's history.
    pub alias_arn: Option<String>,
}

/// The keys a record of KMS names, in its own order, each once; one empty name where it names none.
///
/// The first of these that says anything: `resources`, `responseElements.keyId`, the ARN in the metadata answered, the
/// request's key identifiers, `serviceEventDetails.keyId`.
pub fn keys(record: &Record<'_>) -> Vec<KeyName> {
    let request = Params::of(record.raw(Field::RequestParameters));
    let mut refs = request.references();
    let answer = Params::of(record.raw(Field::ResponseElements));
    let mut arns = resource_keys(record.raw(Field::Resources));
    if arns.is_empty() {
        arns.extend(answer.text("keyId").filter(|id| is_key_arn(id)));
    }
    if arns.is_empty() {
        for metadata in ["keyMetadata", "replicaKeyMetadata"] {
            arns.extend(answer.inner(metadata).text("arn").filter(|arn| is_key_arn(arn)));
        }
    }
    let place = Place::of(record);
    if !arns.is_empty() {
        arns.dedup();
        // A reference belongs to its key by position only where both say the same number (ReEncrypt: source,
        // destination); with one of each it is that key's.
        let paired = refs.len() == arns.len();
        let names = arns.into_iter().enumerate().map(|(at, arn)| KeyName {
            key_ref: if paired {
                refs.get_mut(at).map(std::mem::take)
            } else {
                None
            },
            key_arn: Some(arn),
            alias_arn: None,
        });
        return distinct(names);
    }
    if refs.is_empty() {
        refs.extend(Params::of(record.raw(Field::ServiceEventDetails)).text("keyId"));
    }
    if refs.is_empty() {
        return vec![KeyName::default()];
    }
    distinct(refs.into_iter().map(|reference| place.name(reference)))
}

fn distinct(names: impl Iterator<Item = KeyName>) -> Vec<KeyName> {
    let mut all: Vec<KeyName> = Vec::new();
    for name in names {
        let known = all.iter().any(|other| match (&other.key_arn, &name.key_arn) {
            (Some(one), Some(two)) => one == two,
            (None, None) => other.alias_arn == name.alias_arn,
            _ => false,
        });
        if !known {
            all.push(name);
        }
    }
    all
}

fn is_key_arn(text: &str) -> bool {
    Arn::parse(text).is_some_and(|arn| arn.kms_key_id().is_some())
}

/// The key ARNs among `resources`: it may hold aliases too, typed as keys, before or after the key; and be an object, a
/// list of texts, or spell `arn` in lower case.
fn resource_keys(raw: Option<&str>) -> Vec<String> {
    let Some(raw) = raw else { return Vec::new() };
    let one = [raw];
    let many = elements(raw);
    let mut arns = Vec::new();
    for element in many.as_deref().unwrap_or(&one) {
        let arn = match json::string(element) {
            Some(text) => Some(text.into_owned()),
            None => Params::of(Some(element)).text_of(&["ARN", "arn", "Arn"]),
        };
        if let Some(arn) = arn.filter(|arn| is_key_arn(arn))
            && !arns.contains(&arn)
        {
            arns.push(arn);
        }
    }
    arns
}

/// An object's members, if it is one.
struct Params<'a>(Vec<(Cow<'a, str>, &'a str)>);

impl<'a> Params<'a> {
    fn of(raw: Option<&'a str>) -> Params<'a> {
        Params(raw.and_then(members).unwrap_or_default())
    }

    fn raw(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, raw)| *raw)
    }

    fn text(&self, name: &str) -> Option<String> {
        self.raw(name)
            .and_then(json::string)
            .map(Cow::into_owned)
            .filter(|text| !text.is_empty())
    }

    fn text_of(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| self.text(name))
    }

    fn inner(&self, name: &str) -> Params<'a> {
        Params::of(self.raw(name))
    }

    /// The key identifiers of a request. `aliasName` names a key only where nothing else does: the calls that manage
    /// aliases carry the key in `targetKeyId`, and DeleteAlias carries the alias alone.
    fn references(&self) -> Vec<String> {
        if let (Some(source), Some(destination)) = (self.text("sourceKeyId"), self.text("destinationKeyId")) {
            return vec![source, destination];
        }
        ["keyId", "targetKeyId", "destinationKeyId", "sourceKeyId", "aliasName"]
            .iter()
            .find_map(|name| self.text(name))
            .into_iter()
            .collect()
    }
}

/// Where a bare key id or alias belongs: the caller's account and the Region of the call.
struct Place {
    account: Option<String>,
    region: Option<String>,
}

impl Place {
    fn of(record: &Record<'_>) -> Place {
        let identity = Params::of(record.raw(Field::UserIdentity));
        // An id without an account is looked for in the caller's account; a service event has no caller.
        let account = identity.text("accountId").or_else(|| {
            record
                .text(Field::RecipientAccountId)
                .map(Cow::into_owned)
                .filter(|text| !text.is_empty())
        });
        Place {
            account,
            region: record
                .text(Field::AwsRegion)
                .map(Cow::into_owned)
                .filter(|text| !text.is_empty()),
        }
    }

    fn name(&self, reference: String) -> KeyName {
        if let Some(arn) = Arn::parse(&reference) {
            let (key, alias) = (arn.kms_key_id().is_some(), arn.kms_alias().is_some());
            return KeyName {
                key_arn: key.then(|| reference.clone()),
                alias_arn: alias.then(|| reference.clone()),
                key_ref: Some(reference),
            };
        }
        let resource = match reference.strip_prefix("alias/") {
            Some(name) => (!name.is_empty()).then(|| reference.clone()),
            // What is neither an id nor an alias (a made-up name in a failed call) names no key.
            None => is_key_id(&reference).then(|| format!("key/{reference}")),
        };
        let arn = match (&self.account, &self.region, resource) {
            (Some(account), Some(region), Some(resource)) => Some(format!(
                "arn:{}:kms:{region}:{account}:{resource}",
                partition_of(region)
            )),
            _ => None,
        };
        let is_alias = reference.starts_with("alias/");
        let (key_arn, alias_arn) = if is_alias { (None, arn) } else { (arn, None) };
        KeyName {
            key_ref: Some(reference),
            key_arn,
            alias_arn,
        }
    }
}

/// A UUID, or a multi-Region key's `mrk-` and 32 hexadecimal digits.
fn is_key_id(text: &str) -> bool {
    let is_hex = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    match text.strip_prefix("mrk-") {
        Some(rest) => is_hex(rest),
        None => {
            let parts: Vec<&str> = text.split('-').collect();
            parts.len() == 5
                && parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12])
                && parts.iter().all(|part| is_hex(part) || is_example(part))
        }
    }
}

/// AWS's documentation writes ids as `1234abcd-12ab-34cd-56ef-EXAMPLE11111`.
fn is_example(part: &str) -> bool {
    part.starts_with("EXAMPLE") && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    const OTHER: &str = "arn:aws:kms:us-east-1:111122223333:key/0987dcba-09fe-87dc-65ba-ab0987654321";

    fn named(raw: &str) -> Vec<(Option<String>, Option<String>, Option<String>)> {
        let record = Record::parse(raw).unwrap();
        keys(&record)
            .into_iter()
            .map(|name| (name.key_ref, name.key_arn, name.alias_arn))
            .collect()
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn resources_come_first_and_aliases_among_them_are_passed_over() {
        let raw = format!(
            r#"{{"resources":[{{"ARN":"arn:aws:kms:us-east-1:111122223333:alias/a"}},{{"ARN":"{KEY}"}}],"requestParameters":{{"aliasName":"alias/a","targetKeyId":"1234abcd-12ab-34cd-56ef-1234567890ab"}}}}"#
        );
        assert_eq!(
            named(&raw),
            [(some("1234abcd-12ab-34cd-56ef-1234567890ab"), some(KEY), None)]
        );
        for resources in [
            format!(r#"{{"arn":"{KEY}"}}"#),
            format!(r#""{KEY}""#),
            format!(r#"["{KEY}"]"#),
        ] {
            assert_eq!(
                named(&format!(r#"{{"resources":{resources}}}"#)),
                [(None, some(KEY), None)]
            );
        }
    }

    #[test]
    fn reencrypt_names_both_its_keys_once_each() {
        let request = r#""requestParameters":{"sourceKeyId":"alias/s","destinationKeyId":"alias/d"}"#;
        let two = format!(r#"{{"resources":[{{"ARN":"{KEY}"}},{{"ARN":"{OTHER}"}}],{request}}}"#);
        assert_eq!(
            named(&two),
            [(some("alias/s"), some(KEY), None), (some("alias/d"), some(OTHER), None)]
        );
        let same = format!(r#"{{"resources":[{{"ARN":"{KEY}"}},{{"ARN":"{KEY}"}}]}}"#);
        assert_eq!(named(&same).len(), 1);
    }

    #[test]
    fn answers_and_details_name_keys_too() {
        assert_eq!(
            named(&format!(r#"{{"responseElements":{{"keyId":"{KEY}"}}}}"#)),
            [(None, some(KEY), None)]
        );
        assert_eq!(
            named(&format!(
                r#"{{"responseElements":{{"keyMetadata":{{"arn":"{KEY}"}}}}}}"#
            )),
            [(None, some(KEY), None)]
        );
        let service = r#"{"awsRegion":"us-east-1","recipientAccountId":"111122223333","userIdentity":{"invokedBy":"AWS Internal"},"serviceEventDetails":{"keyId":"1234abcd-12ab-34cd-56ef-1234567890ab"}}"#;
        assert_eq!(
            named(service),
            [(some("1234abcd-12ab-34cd-56ef-1234567890ab"), some(KEY), None)]
        );
    }

    #[test]
    fn ids_and_aliases_are_placed_in_the_callers_account_and_region() {
        let with = |id: &str| {
            format!(
                r#"{{"awsRegion":"cn-north-1","userIdentity":{{"accountId":"012345678901"}},"recipientAccountId":"111122223333","requestParameters":{{"keyId":"{id}"}}}}"#
            )
        };
        assert_eq!(
            named(&with("alias/a/b")),
            [(
                some("alias/a/b"),
                None,
                some("arn:aws-cn:kms:cn-north-1:012345678901:alias/a/b")
            )]
        );
        assert_eq!(
            named(&with("mrk-1234abcd12ab34cd56ef1234567890ab"))[0].1,
            some("arn:aws-cn:kms:cn-north-1:012345678901:key/mrk-1234abcd12ab34cd56ef1234567890ab")
        );
        assert_eq!(named(&with(KEY))[0].1, some(KEY));
        assert_eq!(named(&with("no such thing")), [(some("no such thing"), None, None)]);
        assert_eq!(named("{}"), [(None, None, None)]);
    }
}
