//! What an answer is about, from the path it was saved under, where the answer itself does not say.

use std::sync::LazyLock;

use regex::Regex;

#[expect(clippy::unwrap_used, reason = "the patterns are constants, compiled by the tests")]
static KEY_ID: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?:mrk-[0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})").unwrap()
});
#[expect(clippy::unwrap_used, reason = "the patterns are constants, compiled by the tests")]
static ACCOUNT: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(?:^|[^0-9])([0-9]{12})(?:[^0-9]|$)").unwrap());
#[expect(clippy::unwrap_used, reason = "the patterns are constants, compiled by the tests")]
static REGION: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?:^|[^a-z0-9-])([a-z]{2}(?:-[a-z]+){1,3}-[0-9]{1,2})(?:[^0-9]|$)").unwrap());

/// Key ids in a path, the last part first.
pub(super) fn key_ids(path: &str) -> Vec<String> {
    let mut ids = Vec::new();
    for part in path.rsplit('/') {
        for found in KEY_ID.find_iter(part) {
            if !ids.iter().any(|held| held == found.as_str()) {
                ids.push(found.as_str().to_owned());
            }
        }
    }
    ids
}

/// The account in a path: twelve digits on their own, the last such.
pub(super) fn account(path: &str) -> Option<String> {
    // Key ids may end in twelve digits.
    let path = KEY_ID.replace_all(path, "");
    path.rsplit('/')
        .find_map(|part| Some(ACCOUNT.captures(part)?.get(1)?.as_str().to_owned()))
}

/// The Region in a path, the last such.
pub(super) fn region(path: &str) -> Option<String> {
    path.rsplit('/')
        .find_map(|part| Some(REGION.captures(part)?.get(1)?.as_str().to_owned()))
}

/// The organization root, unit, account or policy a path names: the last part that names one.
pub(super) fn organization_ids(path: &str) -> Vec<String> {
    #[expect(clippy::unwrap_used, reason = "the pattern is a constant, compiled by the tests")]
    static ID: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?:ou-[0-9a-z]{4,32}-[a-z0-9]{8,32}|r-[0-9a-z]{4,32}|p-[0-9a-zA-Z]{8,128}|[0-9]{12})").unwrap()
    });
    let mut ids = Vec::new();
    for part in path.rsplit('/') {
        for found in ID.find_iter(part) {
            let before = part.get(..found.start()).and_then(|text| text.chars().last());
            if before.is_none_or(|char| !char.is_ascii_alphanumeric()) {
                ids.push(found.as_str().to_owned());
            }
        }
    }
    ids
}

/// The first ARN in a text that contains a marker.
pub(super) fn arn_within(text: &str, marker: &str) -> Option<String> {
    let end = |char: char| char.is_whitespace() || matches!(char, '"' | '\'' | ',' | ';' | ')' | ']' | '`');
    text.split(end).find_map(|word| {
        let word = word.trim_end_matches('.');
        (word.starts_with("arn:") && word.contains(marker)).then(|| word.to_owned())
    })
}

/// The operation in a recorded answer's name, as in `kms.DescribeKey_1.json`.
pub(super) fn operation(path: &str) -> Option<String> {
    let name = path.rsplit('/').next()?.strip_prefix("kms.")?;
    let operation = name.split(['_', '.']).next()?;
    (!operation.is_empty()).then(|| operation.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_keys_accounts_and_regions() {
        let path = "dump/123456789012/eu-central-1/1234abcd-12ab-34cd-56ef-123456789012/policy.json";
        assert_eq!(key_ids(path), ["1234abcd-12ab-34cd-56ef-123456789012"]);
        assert_eq!(account(path).as_deref(), Some("123456789012"));
        assert_eq!(region(path).as_deref(), Some("eu-central-1"));
        assert_eq!(region("x/us-gov-west-1_keys.json").as_deref(), Some("us-gov-west-1"));
        assert_eq!(region("x/policy-2.json"), None);
        let multi = "grants_mrk-1234abcd12ab34cd56ef1234567890ab.json";
        assert_eq!(key_ids(multi), ["mrk-1234abcd12ab34cd56ef1234567890ab"]);
    }

    #[test]
    fn paths_name_parts_of_the_organization() {
        assert_eq!(
            organization_ids("org/accounts_ou-ab12-11111111.json"),
            ["ou-ab12-11111111"]
        );
        assert_eq!(organization_ids("targets-p-FullAWSAccess.json"), ["p-FullAWSAccess"]);
        assert_eq!(organization_ids("org/for-r-ab12.json"), ["r-ab12"]);
    }

    #[test]
    fn messages_name_their_key() {
        let message = "User: arn:aws:iam::123456789012:user/x is not authorized to perform: kms:DescribeKey on resource: \
                       arn:aws:kms:us-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-123456789012 because no policy allows";
        let arn = "arn:aws:kms:us-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-123456789012";
        assert_eq!(arn_within(message, ":key/").as_deref(), Some(arn));
    }
}
