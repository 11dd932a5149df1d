//! KMS records of a corpus: mostly decryption for services, some direct use, a little administration.

use super::identity::Who;
use super::record::Pen;
use super::world::Key;

/// What a record does with a key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Use,
    Admin,
    Read,
    Event,
}

/// Operations with their odds in a thousand; the shares of decryption, encryption and data keys are those measured.
const OPERATIONS: [(&str, u64, Class); 20] = [
    ("Decrypt", 690, Class::Use),
    ("Encrypt", 110, Class::Use),
    ("GenerateDataKey", 90, Class::Use),
    ("GenerateDataKeyWithoutPlaintext", 16, Class::Use),
    ("Sign", 20, Class::Use),
    ("Verify", 6, Class::Use),
    ("GenerateMac", 6, Class::Use),
    ("ReEncrypt", 10, Class::Use),
    ("DescribeKey", 20, Class::Read),
    ("GetKeyPolicy", 5, Class::Read),
    ("ListGrants", 5, Class::Read),
    ("GetKeyRotationStatus", 4, Class::Read),
    ("CreateGrant", 6, Class::Admin),
    ("RetireGrant", 3, Class::Admin),
    ("TagResource", 2, Class::Admin),
    ("EnableKeyRotation", 1, Class::Admin),
    ("DisableKey", 1, Class::Admin),
    ("EnableKey", 1, Class::Admin),
    ("PutKeyPolicy", 1, Class::Admin),
    ("RotateKey", 3, Class::Event),
];

/// Writes one record, and its copy for another account where it crosses accounts.
pub fn record(pen: &mut Pen) {
    let mut roll = pen.rng.below(1000);
    let operation = OPERATIONS.iter().find(|(_, odds, _)| {
        let hit = roll < *odds;
        roll = roll.saturating_sub(*odds);
        hit
    });
    let (name, _, class) = operation.copied().unwrap_or(OPERATIONS[0]);
    let (key, other) = (choose(pen), choose(pen));
    let who = caller(pen, name, class);
    let error = (class != Class::Event && pen.rng.chance(pen.corpus.error_share * 0.25)).then(|| failure(pen));
    let column = match class {
        Class::Use if error.is_some() => Some(1),
        Class::Use => Some(0),
        Class::Admin | Class::Event if error.is_none() => Some(2),
        _ => None,
    };
    if let Some(column) = column {
        pen.by_key[key][column] += 1;
        // The same key twice is one use of it.
        if name == "ReEncrypt" && other != key {
            pen.by_key[other][column] += 1;
        }
    }
    let accounts = pen.world.accounts.len();
    let crosses = class == Class::Use && error.is_none() && accounts > 1 && who.outside();
    if crosses && name != "ReEncrypt" && pen.rng.chance(pen.corpus.faults.cross_account_share) {
        return both_sides(pen, name, key);
    }
    body(pen, name, class, who, error, (key, other), None);
}

/// A key of the object's account and Region; the first ones are used far more often.
fn choose(pen: &mut Pen) -> usize {
    let keys = &pen.world.accounts[pen.account].keys[pen.region];
    let end = pen.rng.below(keys.len() as u64) + 1;
    keys[pen.rng.below(end) as usize]
}

fn caller<'a>(pen: &mut Pen<'a>, name: &str, class: Class) -> Who<'a> {
    match (class, pen.rng.below(100)) {
        (Class::Event, _) => Who::Nobody,
        (Class::Use, 0..=41) if name == "Decrypt" || name == "Encrypt" => Who::Via(pen.principal(), "AWS Internal"),
        (Class::Use, 42..=66) if name != "Sign" => Who::Via(pen.principal(), "secretsmanager.amazonaws.com"),
        (Class::Use, 67..=76) if name != "Sign" => Who::Service("sqs.amazonaws.com"),
        _ => Who::Direct(pen.principal()),
    }
}

fn failure(pen: &mut Pen) -> (&'static str, &'static str) {
    *pen.rng.pick(&[
        ("AccessDenied", "User: arn:aws:sts::~a:assumed-role/~o/~i is not authorized to perform this action on the resource because no resource-based policy allows it"),
        ("AccessDeniedException", ""),
        ("DisabledException", "The key is disabled."),
        ("KMSInvalidStateException", "The key is pending deletion."),
        ("ThrottlingException", "Rate exceeded"),
    ])
}

/// The owner's record goes into the object at hand, the caller's into an object of another account.
fn both_sides(pen: &mut Pen, name: &'static str, key: usize) {
    let owner = pen.account;
    let caller = (owner + 1 + pen.rng.below(pen.world.accounts.len() as u64 - 1) as usize) % pen.world.accounts.len();
    let world = pen.world;
    pen.account = caller;
    let principal = pen.principal();
    pen.account = owner;
    let shared = pen.rng.uuid();
    // The copy differs in who is named, whose log it is, and the event id; the request is the same.
    let dice = pen.rng.clone();
    let who = Who::Foreign(principal, &world.accounts[caller]);
    body(pen, name, Class::Use, who, None, (key, key), Some((&shared, owner)));
    let record = std::mem::take(&mut pen.out);
    let after = std::mem::replace(&mut pen.rng, dice);
    pen.account = caller;
    body(
        pen,
        name,
        Class::Use,
        Who::Direct(principal),
        None,
        (key, key),
        Some((&shared, owner)),
    );
    pen.account = owner;
    pen.rng = after;
    let copy = std::mem::replace(&mut pen.out, record);
    pen.abroad.entry(caller).or_default().push(copy);
}

fn body(
    pen: &mut Pen,
    name: &'static str,
    class: Class,
    who: Who,
    error: Option<(&'static str, &'static str)>,
    (key, other): (usize, usize),
    shared: Option<(&str, usize)>,
) {
    let world = pen.world;
    let (key, other) = (&world.keys[key], &world.keys[other]);
    pen.tally("kms", name);
    pen.head(who, "kms", name, error);
    pen.put("\"requestParameters\":");
    request(pen, name, who, key, other, shared.is_some());
    pen.put(",\"responseElements\":");
    match (class, name) {
        (Class::Admin, _) if error.is_some() => pen.put("null"),
        (Class::Admin, "CreateGrant") => {
            pen.fill("{\"grantId\":\"~h~h~h~h\",\"keyId\":\"");
            pen.put(&key.arn);
            pen.put("\"}");
        }
        (Class::Admin, "PutKeyPolicy") => pen.put("null"),
        (Class::Admin | Class::Event, _) => {
            pen.put("{\"keyId\":\"");
            pen.put(&key.arn);
            pen.put("\"}");
        }
        _ => pen.put("null"),
    }
    if name == "RetireGrant" {
        pen.fill(",\"additionalEventData\":{\"grantId\":\"~h~h~h~h\"}");
    }
    if class != Class::Event {
        pen.fill(",\"requestID\":\"~u\"");
    }
    if shared.is_some_and(|(_, owner)| owner != pen.account) {
        // The same dice as the owner's record up to here, another event id.
        pen.rng.next();
    }
    pen.fill(",\"eventID\":\"~u\",\"readOnly\":");
    pen.put(if matches!(class, Class::Use | Class::Read) {
        "true"
    } else {
        "false"
    });
    pen.put(",\"resources\":[");
    resource(pen, key);
    if name == "ReEncrypt" {
        pen.put(",");
        resource(pen, other);
    }
    pen.put("],\"eventType\":\"");
    pen.put(if class == Class::Event {
        "AwsServiceEvent"
    } else {
        "AwsApiCall"
    });
    pen.fill("\",\"managementEvent\":true,\"recipientAccountId\":\"~a\"");
    match shared {
        Some((id, _)) => {
            pen.put(",\"sharedEventID\":\"");
            pen.put(id);
            pen.put("\"");
        }
        None if matches!(who, Who::Service(_)) => pen.fill(",\"sharedEventID\":\"~u\""),
        None => {}
    }
    if matches!(who, Who::Via(_, "secretsmanager.amazonaws.com")) {
        pen.put(",\"vpcEndpointId\":\"vpce-0123456789abcdef0\"");
    }
    if class == Class::Event {
        pen.fill(",\"serviceEventDetails\":{\"rotationType\":\"AUTOMATIC\",\"keyOrigin\":\"AWS_KMS\",\"keyId\":\"");
        pen.put(&key.id);
        pen.put("\"}");
    }
    pen.tail(who, "kms");
}

fn resource(pen: &mut Pen, key: &Key) {
    pen.put("{\"accountId\":\"");
    let owner = &pen.world.accounts[key.account].id;
    pen.put(owner);
    pen.put("\",\"type\":\"AWS::KMS::Key\",\"ARN\":\"");
    pen.put(&key.arn);
    pen.put("\"}");
}

/// `requestParameters`: no key for decryption, and any of its names otherwise. Across accounts only the ARN will do.
fn request(pen: &mut Pen, name: &str, who: Who, key: &Key, other: &Key, abroad: bool) {
    match name {
        "RetireGrant" | "RotateKey" => return pen.put("null"),
        "Decrypt" => pen.put("{\"encryptionAlgorithm\":\"SYMMETRIC_DEFAULT\""),
        "ReEncrypt" => {
            pen.put("{\"sourceEncryptionAlgorithm\":\"SYMMETRIC_DEFAULT\",\"destinationEncryptionAlgorithm\":\"SYMMETRIC_DEFAULT\",\"destinationKeyId\":\"");
            pen.put(&other.arn);
            return pen.put("\"}");
        }
        _ => {
            pen.put("{\"keyId\":\"");
            // Via a service the alias is what the service was told; others write what they like.
            match (abroad, pen.rng.below(4)) {
                (true, _) | (false, 0 | 1) => pen.put(&key.arn),
                (false, 2) if !matches!(name, "CreateGrant" | "RetireGrant" | "PutKeyPolicy" | "TagResource") => {
                    pen.put(&key.alias)
                }
                _ => pen.put(&key.id),
            }
            pen.put("\"");
        }
    }
    pen.put(match name {
        "Encrypt" => ",\"encryptionAlgorithm\":\"SYMMETRIC_DEFAULT\"",
        "GenerateDataKey" => ",\"keySpec\":\"AES_256\"",
        "GenerateDataKeyWithoutPlaintext" => ",\"numberOfBytes\":64",
        "Sign" | "Verify" => ",\"messageType\":\"DIGEST\",\"signingAlgorithm\":\"RSASSA_PKCS1_V1_5_SHA_256\"",
        "GenerateMac" => ",\"macAlgorithm\":\"HMAC_SHA_256\"",
        "CreateGrant" => ",\"operations\":[\"Decrypt\",\"GenerateDataKey\",\"DescribeKey\"],\"granteePrincipal\":\"ec2.amazonaws.com\"",
        "GetKeyPolicy" => ",\"policyName\":\"default\"",
        "PutKeyPolicy" => ",\"policyName\":\"default\",\"policy\":\"{\\n  \\\"Version\\\" : \\\"2012-10-17\\\",\\n  \\\"Statement\\\" : [ {\\n    \\\"Effect\\\" : \\\"Allow\\\",\\n    \\\"Principal\\\" : {\\n      \\\"AWS\\\" : \\\"*\\\"\\n    },\\n    \\\"Action\\\" : \\\"kms:*\\\",\\n    \\\"Resource\\\" : \\\"*\\\"\\n  } ]\\n}\",\"bypassPolicyLockoutSafetyCheck\":false",
        "TagResource" => ",\"tags\":[{\"tagKey\":\"owner\",\"tagValue\":\"team\"}]",
        _ => "",
    });
    if matches!(
        name,
        "Decrypt" | "Encrypt" | "GenerateDataKey" | "GenerateDataKeyWithoutPlaintext"
    ) {
        match who {
            Who::Via(_, "AWS Internal") => {
                pen.fill(",\"encryptionContext\":{\"PARAMETER_ARN\":\"arn:aws:ssm:~r:~a:parameter~p\"}")
            }
            Who::Via(..) => {
                pen.fill(",\"encryptionContext\":{\"SecretARN\":\"arn:aws:secretsmanager:~r:~a:secret:~s\",\"SecretVersionId\":\"~U\"}");
            }
            Who::Service(_) => pen.fill(",\"encryptionContext\":{\"aws:sqs:arn\":\"arn:aws:sqs:~r:~a:events\"}"),
            _ => pen.put(",\"encryptionContext\":{\"purpose\":\"application\"}"),
        }
    }
    pen.put("}");
}
