//! What AWS says of a refusal in `errorMessage`: who, what, on what, and which layer. Reads the documented grammar; anything else says nothing.
//!
//! Source: IAM User Guide, "Troubleshoot access denied error messages".

/// A layer of policies, as AWS names it in a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layer {
    /// `identity-based policy`
    Identity,
    /// `resource-based policy`: for KMS the key policy
    Key,
    /// `permissions boundary`
    Boundary,
    /// `session policy`
    Session,
    /// `service control policy`
    Scp,
    /// `resource control policy`
    Rcp,
    /// `VPC endpoint policy`
    VpcEndpoint,
}

impl Layer {
    const ALL: [(Layer, &'static str, &'static str); 7] = [
        (Layer::Scp, "service control polic", "scp"),
        (Layer::Rcp, "resource control polic", "rcp"),
        (Layer::VpcEndpoint, "vpc endpoint polic", "vpc_endpoint_policy"),
        (Layer::Boundary, "permissions boundar", "permissions_boundary"),
        (Layer::Session, "session polic", "session_policy"),
        (Layer::Key, "resource-based polic", "key_policy"),
        (Layer::Identity, "identity-based polic", "identity_policy"),
    ];

    /// The word used in results.
    pub fn word(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(layer, ..)| *layer == self)
            .map_or("", |(_, _, word)| word)
    }

    /// Whether no snapshot can hold the policies of this layer.
    pub fn is_unseen(self) -> bool {
        matches!(self, Self::Session | Self::VpcEndpoint)
    }
}

/// A refusal in AWS's words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Refusal<'a> {
    /// The principal refused.
    pub principal: Option<&'a str>,
    /// The action, as `kms:Name`.
    pub action: Option<&'a str>,
    /// The resource.
    pub resource: Option<&'a str>,
    /// The one layer AWS names; others may refuse too.
    pub layer: Option<Layer>,
    /// Whether that layer denies, rather than lacks an Allow.
    pub is_explicit: bool,
    /// Whether AWS leaves open that the key does not exist.
    pub is_vague: bool,
}

impl<'a> Refusal<'a> {
    /// Reads `errorMessage`.
    pub fn read(message: &'a str) -> Refusal<'a> {
        let lower = message.to_ascii_lowercase();
        // Positions hold in both texts: lowering ASCII keeps every byte's place.
        let (why, is_explicit) = match (lower.find("explicit deny"), lower.find("because no ")) {
            (Some(at), _) => (lower.get(at..), true),
            (None, Some(at)) => (lower.get(at..), false),
            (None, None) => (None, false),
        };
        let layer = why.and_then(|why| {
            let named = Layer::ALL
                .iter()
                .filter_map(|(layer, words, _)| Some((why.find(words)?, *layer)));
            named.min_by_key(|(at, _)| *at).map(|(_, layer)| layer)
        });
        let is_vague = why.is_none() && (lower.contains("does not exist") || lower.contains("not allowed to access"))
            || lower.contains("does not exist in this region");
        Refusal {
            principal: word_after(message, &lower, "user: "),
            action: word_after(message, &lower, "authorized to perform: "),
            resource: word_after(message, &lower, "on resource: "),
            layer: layer.filter(|_| !is_vague),
            is_explicit: is_explicit && layer.is_some(),
            is_vague,
        }
    }
}

fn word_after<'a>(message: &'a str, lower: &str, label: &str) -> Option<&'a str> {
    let start = lower.find(label)? + label.len();
    let rest = message.get(start..)?;
    let word = rest.split_whitespace().next()?.trim_end_matches([',', ';']);
    (!word.is_empty()).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_forms() {
        let text = "User: arn:aws:sts::111122223333:assumed-role/R/s is not authorized to perform: kms:Decrypt on resource: \
                    arn:aws:kms:us-east-1:111122223333:key/k because no identity-based policy allows the kms:Decrypt action";
        let refusal = Refusal::read(text);
        assert_eq!(refusal.principal, Some("arn:aws:sts::111122223333:assumed-role/R/s"));
        assert_eq!(refusal.action, Some("kms:Decrypt"));
        assert_eq!(refusal.resource, Some("arn:aws:kms:us-east-1:111122223333:key/k"));
        assert_eq!((refusal.layer, refusal.is_explicit), (Some(Layer::Identity), false));
        for (tail, layer, explicit) in [
            ("with an explicit deny in a resource-based policy", Layer::Key, true),
            (
                "with an explicit deny in an identity-based policy: arn:aws:iam::1:policy/session-policy",
                Layer::Identity,
                true,
            ),
            (
                "with an explicit deny in a service control policy: arn:aws:organizations::1:policy/o/service_control_policy/p",
                Layer::Scp,
                true,
            ),
            (
                "because no permissions boundary allows the kms:Decrypt action",
                Layer::Boundary,
                false,
            ),
            (
                "because no session policy allows the kms:Decrypt action",
                Layer::Session,
                false,
            ),
            (
                "because no VPC endpoint policy allows the kms:Decrypt action",
                Layer::VpcEndpoint,
                false,
            ),
            ("with an explicit deny in a resource control policy", Layer::Rcp, true),
        ] {
            let text = format!("User: u is not authorized to perform: kms:Decrypt on resource: r {tail}");
            let refusal = Refusal::read(&text);
            assert_eq!((refusal.layer, refusal.is_explicit), (Some(layer), explicit), "{tail}");
            assert!(!refusal.is_vague);
        }
    }

    #[test]
    fn vague_and_foreign_forms_name_no_layer() {
        for text in [
            "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.",
            "User: u is not authorized to perform: kms:Encrypt on this resource because the resource does not exist in this Region, \
             no resource-based policies allow access, or a resource-based policy explicitly denies access",
        ] {
            let refusal = Refusal::read(text);
            assert!(refusal.is_vague, "{text}");
            assert_eq!(refusal.layer, None, "{text}");
        }
        assert_eq!(Refusal::read(""), Refusal::default());
        assert_eq!(Refusal::read("User: \u{130}\u{130} on resource: ").resource, None);
    }
}
