//! The permissions of AWS KMS: where each is checked, who may use it across accounts, what a grant can give, and which requests carry
//! which condition key. Facts only, from the AWS KMS API reference ("Cross-account use"), the developer guide ("AWS KMS permissions",
//! "Grants", "AWS KMS condition keys") and the Service Authorization Reference.

/// A set of KMS permissions, one bit each, in the order of [`ACTIONS`].
pub type ActionSet = u64;

/// The bit of a permission that is not in [`ACTIONS`]: another service's, or one newer than this table.
pub const OTHER: usize = 63;

/// Every action, the unlisted one included.
pub const EVERY_ACTION: ActionSet = (1 << OTHER) | ((1 << ACTIONS.len()) - 1);

/// What a permission is checked against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The key: its policy, IAM policies it delegates to, its grants.
    Key,
    /// The alias and the key, separately; the alias half is IAM only.
    AliasAndKey,
    /// No key at all: IAM only, `Resource` must be `*`.
    Account,
    /// The grant: key policies and RCPs have no effect.
    Grant,
}

/// What a permission is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// A cryptographic operation.
    Use,
    /// A change of a key, its policy, its grants or its names.
    Admin,
    /// Metadata only.
    Read,
}

/// One permission.
#[derive(Debug)]
pub struct Spec {
    /// The permission's name without the `kms:` prefix.
    pub name: &'static str,
    /// What it is for.
    pub class: Class,
    /// What it is checked against.
    pub scope: Scope,
    /// Whether it works on another account's key.
    pub cross_account: bool,
    /// Whether a grant can give it.
    pub grantable: bool,
}

const fn spec(name: &'static str, class: Class, scope: Scope, cross_account: bool, grantable: bool) -> Spec {
    Spec {
        name,
        class,
        scope,
        cross_account,
        grantable,
    }
}

/// Every KMS permission, in alphabetical order.
pub const ACTIONS: [Spec; 58] = {
    use Class::{Admin, Read, Use};
    use Scope::{Account, AliasAndKey, Grant, Key};
    [
        spec("CancelKeyDeletion", Admin, Key, false, false),
        spec("ConnectCustomKeyStore", Admin, Account, false, false),
        spec("CreateAlias", Admin, AliasAndKey, false, false),
        spec("CreateCustomKeyStore", Admin, Account, false, false),
        spec("CreateGrant", Admin, Key, true, true),
        spec("CreateKey", Admin, Account, false, false),
        spec("Decapsulate", Use, Key, true, true),
        spec("Decrypt", Use, Key, true, true),
        spec("DeleteAlias", Admin, AliasAndKey, false, false),
        spec("DeleteCustomKeyStore", Admin, Account, false, false),
        spec("DeleteImportedKeyMaterial", Admin, Key, false, false),
        spec("DeriveSharedSecret", Use, Key, true, true),
        spec("DescribeCustomKeyStores", Read, Account, false, false),
        spec("DescribeKey", Read, Key, true, true),
        spec("DisableKey", Admin, Key, false, false),
        spec("DisableKeyRotation", Admin, Key, false, false),
        spec("DisconnectCustomKeyStore", Admin, Account, false, false),
        spec("EnableKey", Admin, Key, false, false),
        spec("EnableKeyRotation", Admin, Key, false, false),
        spec("Encapsulate", Use, Key, true, true),
        spec("Encrypt", Use, Key, true, true),
        spec("GenerateDataKey", Use, Key, true, true),
        spec("GenerateDataKeyPair", Use, Key, true, true),
        spec("GenerateDataKeyPairWithoutPlaintext", Use, Key, true, true),
        spec("GenerateDataKeyWithoutPlaintext", Use, Key, true, true),
        spec("GenerateMac", Use, Key, true, true),
        spec("GenerateRandom", Use, Account, false, false),
        spec("GetKeyLastUsage", Read, Key, false, false),
        spec("GetKeyPolicy", Read, Key, false, false),
        spec("GetKeyRotationStatus", Read, Key, true, false),
        spec("GetParametersForImport", Read, Key, false, false),
        spec("GetPublicKey", Read, Key, true, true),
        spec("ImportKeyMaterial", Admin, Key, false, false),
        spec("ListAliases", Read, Account, false, false),
        spec("ListGrants", Read, Key, true, false),
        spec("ListKeyPolicies", Read, Key, false, false),
        spec("ListKeyRotations", Read, Key, false, false),
        spec("ListKeys", Read, Account, false, false),
        spec("ListResourceTags", Read, Key, false, false),
        spec("ListRetirableGrants", Read, Account, false, false),
        spec("PutKeyPolicy", Admin, Key, false, false),
        spec("ReEncryptFrom", Use, Key, true, true),
        spec("ReEncryptTo", Use, Key, true, true),
        spec("ReplicateKey", Admin, Key, false, false),
        spec("RetireGrant", Admin, Grant, true, true),
        spec("RevokeGrant", Admin, Key, true, false),
        spec("RotateKeyOnDemand", Admin, Key, false, false),
        spec("ScheduleKeyDeletion", Admin, Key, false, false),
        spec("Sign", Use, Key, true, true),
        spec("SynchronizeMultiRegionKey", Admin, Key, false, false),
        spec("TagResource", Admin, Key, false, false),
        spec("UntagResource", Admin, Key, false, false),
        spec("UpdateAlias", Admin, AliasAndKey, false, false),
        spec("UpdateCustomKeyStore", Admin, Account, false, false),
        spec("UpdateKeyDescription", Admin, Key, false, false),
        spec("UpdatePrimaryRegion", Admin, Key, false, false),
        spec("Verify", Use, Key, true, true),
        spec("VerifyMac", Use, Key, true, true),
    ]
};

/// The core administrative actions.
pub const CORE: [&str; 9] = [
    "PutKeyPolicy",
    "ScheduleKeyDeletion",
    "CancelKeyDeletion",
    "EnableKey",
    "DisableKey",
    "CreateGrant",
    "RevokeGrant",
    "EnableKeyRotation",
    "DisableKeyRotation",
];

/// Every administrative action on one key.
pub const FULL: [&str; 21] = [
    "PutKeyPolicy",
    "ScheduleKeyDeletion",
    "CancelKeyDeletion",
    "EnableKey",
    "DisableKey",
    "CreateGrant",
    "RevokeGrant",
    "EnableKeyRotation",
    "DisableKeyRotation",
    "CreateAlias",
    "DeleteAlias",
    "UpdateAlias",
    "DeleteImportedKeyMaterial",
    "ImportKeyMaterial",
    "ReplicateKey",
    "RetireGrant",
    "RotateKeyOnDemand",
    "TagResource",
    "UntagResource",
    "UpdateKeyDescription",
    "UpdatePrimaryRegion",
];

/// The one permission that its grant decides.
pub const RETIRE_GRANT: ActionSet = bit("RetireGrant");
/// What a grant's encryption context constraint does not touch.
pub const WITHOUT_CONTEXT: ActionSet =
    bit("DescribeKey") | bit("RetireGrant") | bit("GetPublicKey") | bit("CreateGrant");
/// What a grant can give.
pub const GRANTABLE: ActionSet = {
    let (mut all, mut i) = (0, 0);
    while i < ACTIONS.len() {
        if ACTIONS[i].grantable {
            all |= 1 << i;
        }
        i += 1;
    }
    all
};
/// What works on another account's key.
pub const ACROSS_ACCOUNTS: ActionSet = {
    let (mut all, mut i) = (0, 0);
    while i < ACTIONS.len() {
        if ACTIONS[i].cross_account {
            all |= 1 << i;
        }
        i += 1;
    }
    all
};

/// The set of one permission, spelled exactly.
const fn bit(name: &str) -> ActionSet {
    let (wanted, mut i) = (name.as_bytes(), 0);
    while i < ACTIONS.len() {
        let own = ACTIONS[i].name.as_bytes();
        let mut j = 0;
        while j < own.len() && j < wanted.len() && own[j] == wanted[j] {
            j += 1;
        }
        if j == own.len() && j == wanted.len() {
            return 1 << i;
        }
        i += 1;
    }
    0
}

/// The set of the named permissions; names that do not exist add nothing.
pub fn set(names: &[&str]) -> ActionSet {
    names
        .iter()
        .filter_map(|name| find(name))
        .fold(0, |all, i| all | 1 << i)
}

/// Every cryptographic operation on one key.
pub fn cryptographic() -> ActionSet {
    (0..ACTIONS.len())
        .filter(|i| ACTIONS[*i].class == Class::Use && ACTIONS[*i].scope == Scope::Key)
        .fold(0, |all, i| all | 1 << i)
}

/// The index of a permission given with or without its `kms:` prefix, in any case.
pub fn find(name: &str) -> Option<usize> {
    let bare = match name.get(..4) {
        Some(prefix) if prefix.eq_ignore_ascii_case("kms:") => &name[4..],
        _ => name,
    };
    ACTIONS.iter().position(|spec| spec.name.eq_ignore_ascii_case(bare))
}

/// `kms:Name` of a permission.
pub fn full_name(action: usize) -> String {
    ACTIONS
        .get(action)
        .map_or_else(|| "an unknown action".to_owned(), |spec| format!("kms:{}", spec.name))
}

/// The permissions whose requests can carry the condition key (given in lower case). A key that is missing here can be in any request.
pub fn requests_that_carry(key: &str) -> ActionSet {
    let all_but = |names: &[&str]| EVERY_ACTION & !set(names);
    let encryption = || {
        cryptographic()
            & !set(&[
                "Sign",
                "Verify",
                "GenerateMac",
                "VerifyMac",
                "DeriveSharedSecret",
                "Encapsulate",
                "Decapsulate",
            ])
    };
    if key.starts_with("kms:encryptioncontext:") || key == "kms:encryptioncontextkeys" {
        return encryption() | set(&["CreateGrant", "RetireGrant"]);
    }
    if key.starts_with("kms:recipientattestation:") {
        return set(&[
            "Decrypt",
            "DeriveSharedSecret",
            "GenerateDataKey",
            "GenerateDataKeyPair",
            "GenerateRandom",
        ]);
    }
    if key.starts_with("aws:requesttag/") {
        return set(&["CreateKey", "ReplicateKey", "TagResource"]) | 1 << OTHER;
    }
    match key {
        "kms:bypasspolicylockoutsafetycheck" => set(&["CreateKey", "PutKeyPolicy"]),
        "kms:calleraccount" => all_but(&[
            "GenerateRandom",
            "ListAliases",
            "ListKeys",
            "ListRetirableGrants",
            "SynchronizeMultiRegionKey",
        ]),
        "kms:viaservice" => all_but(&[
            "ConnectCustomKeyStore",
            "CreateCustomKeyStore",
            "DeleteCustomKeyStore",
            "DescribeCustomKeyStores",
            "DisconnectCustomKeyStore",
            "GenerateRandom",
            "ListAliases",
            "ListKeys",
            "ListRetirableGrants",
            "SynchronizeMultiRegionKey",
            "UpdateCustomKeyStore",
        ]),
        "kms:datakeypairspec" => set(&["GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext"]),
        "kms:encryptionalgorithm" => encryption(),
        "kms:expirationmodel" | "kms:validto" => set(&["ImportKeyMaterial"]),
        "kms:grantconstraintsourcearn"
        | "kms:grantoperations"
        | "kms:granteeprincipal"
        | "kms:granteeserviceprincipal"
        | "kms:retiringprincipal"
        | "kms:retiringserviceprincipal" => set(&["CreateGrant"]),
        "kms:grantconstrainttype" => set(&["CreateGrant", "RetireGrant"]),
        "kms:grantisforawsresource" => set(&["CreateGrant", "ListGrants", "RevokeGrant"]),
        "kms:keyagreementalgorithm" => set(&["DeriveSharedSecret"]),
        "kms:macalgorithm" => set(&["GenerateMac", "VerifyMac"]),
        "kms:messagetype" | "kms:signingalgorithm" => set(&["Sign", "Verify"]),
        "kms:primaryregion" => set(&["UpdatePrimaryRegion"]),
        "kms:reencryptonsamekey" => set(&["ReEncryptFrom", "ReEncryptTo"]),
        "kms:replicaregion" => set(&["ReplicateKey"]),
        "kms:requestalias" => cryptographic() | set(&["DescribeKey", "GetPublicKey"]),
        "kms:rotationperiodindays" => set(&["EnableKeyRotation"]),
        "kms:schedulekeydeletionpendingwindowindays" => set(&["ScheduleKeyDeletion"]),
        "kms:trailingdayswithoutkeyusage" => set(&["DisableKey", "ScheduleKeyDeletion"]),
        "kms:wrappingalgorithm" | "kms:wrappingkeyspec" => set(&["GetParametersForImport"]),
        "aws:tagkeys" => set(&["CreateKey", "ReplicateKey", "TagResource", "UntagResource"]) | 1 << OTHER,
        _ => EVERY_ACTION,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_name_existing_permissions() {
        assert!(ACTIONS.is_sorted_by_key(|spec| spec.name), "in alphabetical order");
        assert_eq!(set(&FULL).count_ones() as usize, FULL.len());
        assert_eq!(set(&CORE) & !set(&FULL), 0);
        assert_eq!(cryptographic().count_ones(), 15);
        assert_eq!(find("KMS:putkeypolicy"), find("PutKeyPolicy"));
        assert_eq!(find("kms:NoSuchThing"), None);
    }

    #[test]
    fn grants_give_no_administration_but_grants() {
        let admin: Vec<_> = ACTIONS
            .iter()
            .filter(|s| s.grantable && s.class == Class::Admin)
            .map(|s| s.name)
            .collect();
        assert_eq!(admin, ["CreateGrant", "RetireGrant"]);
        assert!(!ACTIONS.iter().any(|s| s.cross_account && s.scope == Scope::Account));
    }
}
