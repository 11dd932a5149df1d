//! Amazon Resource Names, split but not judged.

/// An ARN's six parts, borrowed from its text.
///
/// Source: IAM User Guide, "Identify AWS resources with Amazon Resource Names (ARNs)".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arn<'a> {
    /// `aws`, `aws-cn`, `aws-us-gov`, ...
    pub partition: &'a str,
    /// `kms`, `iam`, ...
    pub service: &'a str,
    /// Empty for global services.
    pub region: &'a str,
    /// Empty where the resource has no owner in its name, as S3 buckets.
    pub account: &'a str,
    /// Everything after the fifth colon.
    pub resource: &'a str,
}

impl<'a> Arn<'a> {
    /// Splits an ARN; `None` where the text is not one.
    pub fn parse(text: &'a str) -> Option<Arn<'a>> {
        let mut parts = text.splitn(6, ':');
        if parts.next()? != "arn" {
            return None;
        }
        let arn = Arn {
            partition: parts.next()?,
            service: parts.next()?,
            region: parts.next()?,
            account: parts.next()?,
            resource: parts.next()?,
        };
        (!arn.partition.is_empty() && !arn.service.is_empty() && !arn.resource.is_empty()).then_some(arn)
    }

    /// The id of a KMS key ARN (`arn:...:kms:...:key/ID`).
    pub fn kms_key_id(&self) -> Option<&'a str> {
        if self.service != "kms" {
            return None;
        }
        self.resource.strip_prefix("key/").filter(|id| !id.is_empty())
    }

    /// The alias (`alias/name`) of a KMS alias ARN.
    pub fn kms_alias(&self) -> Option<&'a str> {
        (self.service == "kms" && self.resource.len() > 6 && self.resource.starts_with("alias/"))
            .then_some(self.resource)
    }
}

/// The partition a Region belongs to, by its prefix.
///
/// Source: AWS General Reference, Regions of the China, GovCloud and isolated partitions.
pub fn partition_of(region: &str) -> &'static str {
    const PREFIXES: [(&str, &str); 7] = [
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("us-isob-", "aws-iso-b"),
        ("us-isof-", "aws-iso-f"),
        ("us-iso-", "aws-iso"),
        ("eu-isoe-", "aws-iso-e"),
        ("eusc-", "aws-eusc"),
    ];
    PREFIXES
        .iter()
        .find(|(prefix, _)| region.starts_with(prefix))
        .map_or("aws", |(_, partition)| partition)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_aliases_are_told_apart() {
        let key = Arn::parse("arn:aws-cn:kms:cn-north-1:111122223333:key/mrk-1").unwrap();
        assert_eq!(
            (key.kms_key_id(), key.kms_alias(), key.partition),
            (Some("mrk-1"), None, "aws-cn")
        );
        let alias = Arn::parse("arn:aws:kms:us-east-1:111122223333:alias/a/b:c").unwrap();
        assert_eq!((alias.kms_key_id(), alias.kms_alias()), (None, Some("alias/a/b:c")));
        for text in [
            "",
            "arn",
            "arn:aws:kms:x:y",
            "arn::kms:a:b:c",
            "1234abcd",
            "arn:aws:kms:::",
        ] {
            assert_eq!(Arn::parse(text), None, "{text}");
        }
    }

    #[test]
    fn regions_name_their_partition() {
        assert_eq!(partition_of("us-east-1"), "aws");
        assert_eq!(partition_of("us-isob-east-1"), "aws-iso-b");
        assert_eq!(partition_of("us-gov-west-1"), "aws-us-gov");
    }
}
