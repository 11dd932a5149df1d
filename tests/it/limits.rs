//! Which boundary, SCP, RCP or Deny limits whose right, from the tables to the page of the evidence pack.

use serde_json::{Value, json};

use crate::support::lake::TestLake;
use crate::support::permissions::keep;
use crate::support::program::{ask, on};

const ACCOUNT: &str = "111122223333";
const AS_OF: &str = "2026-01-08T00:00:00Z";

fn arn(of: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:{of}")
}

fn document(statements: Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

fn control(id: &str, kind: &str, statements: Value) -> Value {
    json!({"PolicySummary": {"Id": id, "Name": id.trim_start_matches("p-"), "Type": kind, "AwsManaged": false},
        "Content": document(statements).to_string()})
}

/// One key, three roles that are given everything, and what an organization puts in their way.
fn guarded() -> TestLake {
    let key = format!("arn:aws:kms:eu-west-1:{ACCOUNT}:key/ledger");
    let all = document(json!([{"Sid": "All", "Effect": "Allow", "Action": "kms:*", "Resource": "*"}]));
    let role = |name: &str, more: Value| {
        let mut role = json!({"Arn": arn(&format!("role/{name}")), "RoleName": name, "RoleId": format!("AROAEXAMPLE{name}"), "Path": "/",
            "CreateDate": "2023-01-01T00:00:00Z", "AssumeRolePolicyDocument": document(json!([])),
            "RolePolicyList": [{"PolicyName": "all", "PolicyDocument": all}]});
        role.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        role
    };
    let boundary = arn("policy/Fence");
    let fence = document(json!([
        {"Sid": "Enable", "Effect": "Allow", "Action": "kms:EnableKey", "Resource": "*"},
        {"Sid": "Inside", "Effect": "Allow", "Action": "kms:DisableKey", "Resource": "*", "Condition": {"StringEquals": {"aws:SourceVpc": "vpc-1"}}}]));
    let scp = "SERVICE_CONTROL_POLICY";
    let full = json!([{"Effect": "Allow", "Action": "*", "Resource": "*"}]);
    let (root, unit) = ("r-ab12", "ou-ab12-11111111");
    let bundle = json!({
        "collected_at": "2026-01-07T00:00:00Z",
        "iam": {ACCOUNT: {
            "RoleDetailList": [
                role("Admin", json!({})), role("BreakGlass", json!({})),
                role("Limited", json!({"PermissionsBoundary": {"PermissionsBoundaryArn": boundary, "PermissionsBoundaryType": "Policy"}})),
            ],
            "Policies": [{"PolicyName": "Fence", "Arn": boundary, "DefaultVersionId": "v1",
                "PolicyVersionList": [{"VersionId": "v1", "IsDefaultVersion": true, "Document": fence}]}]}},
        "kms": {"keys": [{
            "KeyMetadata": {"AWSAccountId": ACCOUNT, "KeyId": "ledger", "Arn": key, "CreationDate": "2024-01-01T00:00:00Z",
                "Enabled": true, "KeyState": "Enabled", "KeyManager": "CUSTOMER", "KeySpec": "SYMMETRIC_DEFAULT", "MultiRegion": false},
            "Policy": document(json!([
                {"Sid": "Delegate", "Effect": "Allow", "Principal": {"AWS": arn("root")}, "Action": "kms:*", "Resource": "*"},
                {"Sid": "NoShortWindow", "Effect": "Deny", "Principal": "*", "Action": "kms:ScheduleKeyDeletion", "Resource": "*",
                 "Condition": {"NumericLessThan": {"kms:ScheduleKeyDeletionPendingWindowInDays": "30"}}}])).to_string(),
            "PolicyName": "default", "Grants": [], "Aliases": [], "Tags": []}]},
        "organization": {"Organization": {"Id": "o-exampleorgid", "MasterAccountId": "999988887777"}, "Roots": [{"Id": root}],
            "OrganizationalUnits": [{"Id": unit, "ParentId": root}],
            "Accounts": [{"Id": "999988887777", "Path": [root]}, {"Id": ACCOUNT, "Path": [root, unit]}],
            "Policies": [
                control("p-FullAWSAccess", scp, full.clone()),
                control("p-KeepKeys", scp, json!([{"Sid": "Keep", "Effect": "Deny", "Action": "kms:ScheduleKeyDeletion", "Resource": "*",
                    "Condition": {"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/BreakGlass"}}}])),
                control("p-SecondFactor", scp, json!([{"Sid": "Mfa", "Effect": "Deny", "Action": "kms:PutKeyPolicy", "Resource": "*",
                    "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}}])),
                control("p-Network", "RESOURCE_CONTROL_POLICY", json!([{"Sid": "Inside", "Effect": "Deny", "Principal": "*", "Action": "kms:DisableKey",
                    "Resource": "*", "Condition": {"NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"}}}])),
            ],
            "Targets": {"p-FullAWSAccess": [root, unit, ACCOUNT], "p-KeepKeys": [unit], "p-SecondFactor": [ACCOUNT], "p-Network": [ACCOUNT]}}
    });
    let lake = TestLake::new();
    keep(&lake, &bundle);
    lake
}

/// The limits of one right.
fn limits(rows: &[Value], role: &str, action: &str) -> Option<Vec<String>> {
    let (principal, action) = (arn(role), format!("kms:{action}"));
    let row = rows
        .iter()
        .find(|row| row["principal_arn"] == principal && row["action"] == action)?;
    let texts = row["limits"].as_array().unwrap().iter();
    Some(texts.map(|text| text.as_str().unwrap().to_owned()).collect())
}

#[test]
fn each_right_names_what_narrows_it_and_what_is_withheld_is_listed_apart() {
    let lake = guarded();
    let held = ask(
        &lake,
        &["SELECT principal_arn, action, decision, limits FROM effective_access"],
    );
    let of = |role: &str, action: &str| limits(&held, role, action);
    let network = "rcp p-Network: Inside denies it where aws:SourceIp not in 192.0.2.0/24";
    assert_eq!(of("role/Admin", "EnableKey").unwrap(), [""; 0]);
    assert_eq!(of("role/Admin", "DisableKey").unwrap(), [network]);
    assert_eq!(
        of("role/Admin", "PutKeyPolicy").unwrap(),
        [
            "scp p-SecondFactor: Mfa denies it where aws:MultiFactorAuthPresent = false or aws:MultiFactorAuthPresent is absent"
        ]
    );
    // A request may leave the window out, which is thirty days then.
    let window = of("role/BreakGlass", "ScheduleKeyDeletion").unwrap();
    let begins = "key policy default: NoShortWindow denies it where kms:ScheduleKeyDeletionPendingWindowInDays";
    assert!(window.len() == 1 && window[0].starts_with(begins), "{window:?}");
    assert_eq!(of("role/Limited", "EnableKey").unwrap(), [""; 0]);
    let fence = arn("policy/Fence");
    let limited = of("role/Limited", "DisableKey").unwrap();
    let begins = format!("permissions boundary {fence} allows it only where aws:SourceVpc");
    assert!(
        limited.len() == 2 && limited[0] == network && limited[1].starts_with(&begins),
        "{limited:?}"
    );
    assert_eq!(of("role/Admin", "ScheduleKeyDeletion"), None, "withheld, not held");
    let withheld = ask(
        &lake,
        &[&format!(
            "SELECT principal_arn, unnest(actions) AS action, decision, paths, limits FROM withheld_rights_at(TIMESTAMP '{AS_OF}', 'full')"
        )],
    );
    let of = |role: &str, action: &str| limits(&withheld, role, action);
    let keep = "scp p-KeepKeys: Keep denies it";
    for role in ["role/Admin", "root"] {
        let found = of(role, "ScheduleKeyDeletion").unwrap();
        assert!(found.iter().any(|limit| limit == keep), "{role}: {found:?}");
    }
    assert_eq!(of("role/BreakGlass", "ScheduleKeyDeletion"), None);
    assert_eq!(
        of("role/Limited", "CreateGrant").unwrap(),
        [format!("permissions boundary {fence} does not allow it")]
    );
    assert_eq!(of("role/Admin", "CreateGrant"), None);
    for row in &withheld {
        assert_eq!(row["decision"], "denied");
        let paths = row["paths"].to_string();
        assert!(paths.contains("Delegate"), "{row}");
    }
}

#[test]
fn the_evidence_pack_shows_limits_beside_each_right_and_what_they_withhold() {
    let lake = guarded();
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("pack");
    let target = folder.display().to_string();
    let arguments = ["report", "evidence", "--as-of", AS_OF, "--window", "5d", "-o", &target];
    let done = on(
        &lake,
        &[&arguments[..], &["--format", "html,json,csv,markdown"]].concat(),
    );
    assert!([0, 3].contains(&done.code), "{}", done.stderr);
    let name = format!("keys/{ACCOUNT}.eu-west-1.ledger");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let sheet: Value = serde_json::from_str(&read(&format!("{name}.json"))).unwrap();
    let admin = sheet["administrators"].as_array().unwrap().iter();
    let mut admin = admin.filter(|holder| holder["principal_arn"] == arn("role/Admin"));
    let rights = admin.next().unwrap()["rights"].as_array().unwrap().clone();
    let of = |action: &str| {
        let action = json!(format!("kms:{action}"));
        let found = rights
            .iter()
            .find(|right| right["actions"].as_array().unwrap().contains(&action));
        found.unwrap()["limits"].to_string()
    };
    assert!(of("DisableKey").contains("rcp p-Network") && of("PutKeyPolicy").contains("scp p-SecondFactor"));
    assert_eq!(of("EnableKey"), "[]");
    let withheld = sheet["withheld"].to_string();
    assert!(withheld.contains("scp p-KeepKeys: Keep denies it") && withheld.contains("policy/Fence does not allow it"));
    let page = read(&format!("{name}.html"));
    for said in [
        "Limited by",
        "rcp p-Network: Inside denies it where",
        "Withheld by",
        "scp p-KeepKeys: Keep denies it",
    ] {
        assert!(page.contains(said), "`{said}` is not on the page");
    }
    let text = read(&format!("{name}.md"));
    assert!(
        text.contains("withheld by") && text.contains("scp p-KeepKeys: Keep denies it"),
        "{text}"
    );
    let table = read("data/withheld-rights.csv");
    let schedule = table
        .lines()
        .filter(|line| line.contains("ScheduleKeyDeletion") && line.contains("KeepKeys"));
    assert_eq!(schedule.count(), 3, "root, Admin and Limited: {table}");
    assert!(read("data/administrators.csv").contains("rcp p-Network: Inside denies it where"));
}
