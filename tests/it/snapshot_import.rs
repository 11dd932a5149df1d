//! Files somebody saved from AWS, as snapshots.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use keytrail::lake::Location;
use keytrail::lake::snapshots::files::{Found, find};
use keytrail::lake::snapshots::{self, Stamp};
use keytrail::snapshot::bundle::{self, Purpose};
use keytrail::snapshot::{rows, scope};
use serde_json::{Value, json};

const KEY: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";
const ARN: &str = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const OTHER: &str = "0987dcba-09fe-87dc-65ba-ab0987654321";

fn put(folder: &Path, name: &str, value: &Value) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, serde_json::to_string_pretty(value).unwrap()).unwrap();
}

fn one(path: &Path) -> Found {
    let mut found = find(&[path.to_owned()], None).unwrap();
    assert_eq!(found.len(), 1);
    found.remove(0)
}

/// A folder of CLI answers with names that say nothing, where they need not.
fn cli_folder(folder: &Path) {
    let other_arn = ARN.replace(KEY, OTHER);
    put(
        folder,
        "a1.json",
        &json!({"Keys": [{"KeyId": KEY, "KeyArn": ARN}, {"KeyId": OTHER, "KeyArn": other_arn}]}),
    );
    put(
        folder,
        "a2.json",
        &json!({"KeyMetadata": {"AWSAccountId": "111122223333", "KeyId": KEY, "Arn": ARN, "KeyState": "Enabled", "KeyManager": "CUSTOMER"}}),
    );
    put(
        folder,
        "a3.json",
        &json!({"KeyMetadata": {"AWSAccountId": "111122223333", "KeyId": OTHER, "Arn": other_arn, "KeyState": "Disabled", "KeyManager": "CUSTOMER"}}),
    );
    put(
        folder,
        &format!("policies/{KEY}.json"),
        &json!({"Policy": "{\n  \"Version\" : \"2012-10-17\",\n  \"Statement\" : [ ]\n}", "PolicyName": "default"}),
    );
    fs::write(
        folder.join(format!("policies/{OTHER}.txt")),
        "{\n  \"Version\" : \"2008-10-17\",\n  \"Statement\" : [ ]\n}\n",
    )
    .unwrap();
    put(
        folder,
        "a4.json",
        &json!({"Grants": [{"KeyId": ARN, "GrantId": "g1", "GranteePrincipal": "arn:aws:iam::111122223333:role/r", "Operations": ["Decrypt"]}]}),
    );
    put(folder, &format!("grants-{OTHER}.json"), &json!({"Grants": []}));
    put(
        folder,
        "a5.json",
        &json!({"Aliases": [{"AliasName": "alias/x", "AliasArn": "arn:aws:kms:eu-west-1:111122223333:alias/x", "TargetKeyId": KEY},
        {"AliasName": "alias/aws/ebs", "AliasArn": "arn:aws:kms:eu-west-1:111122223333:alias/aws/ebs"}]}),
    );
    put(
        folder,
        &format!("{KEY}/tags.json"),
        &json!({"Tags": [{"TagKey": "a", "TagValue": "b"}]}),
    );
    put(folder, &format!("{OTHER}/tags.json"), &json!({"Tags": []}));
    put(
        folder,
        "a6.json",
        &json!({"KeyId": ARN, "KeyLastUsage": {"Operation": "Decrypt", "Timestamp": "2026-05-01T00:00:00+00:00", "CloudTrailEventId": "e"}, "TrackingStartDate": "2026-04-23T00:00:00+00:00"}),
    );
    put(
        folder,
        "a7.json",
        &json!({"UserDetailList": [], "GroupDetailList": [], "Policies": [],
        "RoleDetailList": [{"RoleName": "r", "RoleId": "AROAEXAMPLE", "Path": "/", "Arn": "arn:aws:iam::111122223333:role/r",
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": {"Effect": "Allow"}}, "AttachedManagedPolicies": []}]}),
    );
    put(
        folder,
        "a8.json",
        &json!({"Organization": {"Id": "o-exampleorgid", "MasterAccountId": "999988887777"}}),
    );
    put(
        folder,
        "a9.json",
        &json!({"Roots": [{"Id": "r-ab12", "Arn": "arn:aws:organizations::999988887777:root/o-exampleorgid/r-ab12"}]}),
    );
    put(
        folder,
        "ous-r-ab12.json",
        &json!({"OrganizationalUnits": [{"Id": "ou-ab12-11111111", "Name": "prod"}]}),
    );
    put(
        folder,
        "accounts-ou-ab12-11111111.json",
        &json!({"Accounts": [{"Id": "111122223333", "Name": "one", "Status": "ACTIVE"}]}),
    );
    put(
        folder,
        "b1.json",
        &json!({"Policies": [{"Id": "p-examplescp1", "Arn": "arn:aws:organizations::999988887777:policy/o-exampleorgid/service_control_policy/p-examplescp1", "Name": "guard", "Type": "SERVICE_CONTROL_POLICY", "AwsManaged": false}]}),
    );
    put(
        folder,
        "b2.json",
        &json!({"Policy": {"PolicySummary": {"Id": "p-examplescp1", "Name": "guard", "Type": "SERVICE_CONTROL_POLICY", "AwsManaged": false}, "Content": "{ \"Version\": \"2012-10-17\", \"Statement\": [] }"}}),
    );
    put(
        folder,
        "targets-p-examplescp1.json",
        &json!({"Targets": [{"TargetId": "ou-ab12-11111111", "Type": "ORGANIZATIONAL_UNIT"}]}),
    );
    put(
        folder,
        "b3.json",
        &json!({"trailList": [{"Name": "main", "TrailARN": "arn:aws:cloudtrail:eu-west-1:111122223333:trail/main", "HomeRegion": "eu-west-1", "IsMultiRegionTrail": true}]}),
    );
    put(
        folder,
        "b4.json",
        &json!({"TrailARN": "arn:aws:cloudtrail:eu-west-1:111122223333:trail/main", "EventSelectors": [{"ReadWriteType": "WriteOnly", "IncludeManagementEvents": true}]}),
    );
    put(
        folder,
        "b5.json",
        &json!({"IsLogging": true, "StartLoggingTime": 1_700_000_000.5}),
    );
    put(
        folder,
        "b6.json",
        &json!({"UserId": "AIDAEXAMPLE", "Account": "111122223333", "Arn": "arn:aws:iam::111122223333:user/ana"}),
    );
}

#[test]
fn a_folder_of_cli_answers_is_one_snapshot() {
    let folder = tempfile::tempdir().unwrap();
    cli_folder(folder.path());
    let found = one(folder.path());
    let bundle = found.bundle;
    assert!(found.unrecognised.is_empty(), "{:?}", found.unrecognised);
    let broken: Vec<_> = bundle.failures.iter().filter(|failure| !failure.skipped).collect();
    assert!(broken.is_empty(), "{broken:#?}");
    assert_eq!(bundle.keys.len(), 2);
    let (other, key) = (&bundle.keys[0], &bundle.keys[1]);
    assert_eq!((key.arn.as_str(), other.key_id.as_str()), (ARN, OTHER));
    let policy = &key.policies.as_ref().unwrap()["default"];
    assert_eq!(
        policy.text,
        "{\n  \"Version\" : \"2012-10-17\",\n  \"Statement\" : [ ]\n}"
    );
    assert!(policy.verbatim);
    let text = &other.policies.as_ref().unwrap()["default"];
    assert!(
        text.verbatim && text.text.ends_with('}'),
        "the line end of the CLI is not part of the policy"
    );
    assert_eq!(key.grants.as_ref().unwrap().len(), 1);
    assert_eq!(other.grants.as_deref(), Some(&[][..]));
    assert_eq!(key.tags.as_ref().unwrap().len(), 1);
    assert!(key.last_usage.is_some());
    assert_eq!(bundle.aliases.len(), 2);
    let role = &bundle.iam["111122223333"].principals[0];
    assert!(
        !role.trust.as_ref().unwrap().verbatim,
        "the CLI prints parsed documents"
    );
    let organization = bundle.organization.as_ref().unwrap();
    assert_eq!(organization.accounts[0]["Path"], json!(["r-ab12", "ou-ab12-11111111"]));
    assert_eq!(
        organization.policies[0].targets.as_deref(),
        Some(&["ou-ab12-11111111".to_owned()][..])
    );
    assert_eq!(
        organization.policies[0].content.as_ref().unwrap().text,
        "{ \"Version\": \"2012-10-17\", \"Statement\": [] }"
    );
    assert_eq!(bundle.trails[0].raw["Status"]["IsLogging"], true);
    assert_eq!(
        bundle.collected_by.as_deref(),
        Some("arn:aws:iam::111122223333:user/ana")
    );
    assert!(
        bundle.notes.iter().any(|note| note.contains("time of the file")),
        "{:?}",
        bundle.notes
    );
    let kms = bundle.scope.iter().find(|scope| scope.service == "kms").unwrap();
    assert_eq!(kms.state, scope::State::Complete);
}

#[test]
fn recorded_answers_are_read_through_their_envelope() {
    let folder = tempfile::tempdir().unwrap();
    let date = json!({"__class__": "datetime", "year": 2024, "month": 5, "day": 6, "hour": 7, "minute": 8, "second": 9, "microsecond": 0});
    put(
        folder.path(),
        "kms.ListKeys_1.json",
        &json!({"status_code": 200, "data": {"Keys": [{"KeyId": KEY, "KeyArn": ARN}], "Truncated": false}}),
    );
    put(
        folder.path(),
        "kms.DescribeKey_1.json",
        &json!({"status_code": 200, "data": {"KeyMetadata": {"Arn": ARN, "KeyId": KEY, "CreationDate": date}}}),
    );
    put(
        folder.path(),
        "kms.GetKeyPolicy_1.json",
        &json!({"status_code": 200, "data": {"Policy": "{\"Version\":\"2012-10-17\"}"}}),
    );
    put(
        folder.path(),
        "kms.ListGrants_1.json",
        &json!({"status_code": 400, "data": {"Error": {"Code": "AccessDeniedException",
        "Message": format!("User: arn:aws:iam::111122223333:user/x is not authorized to perform: kms:ListGrants on resource: {ARN}")}}}),
    );
    let bundle = one(folder.path()).bundle;
    assert_eq!(bundle.keys.len(), 1);
    assert_eq!(
        bundle.keys[0].metadata.as_ref().unwrap()["CreationDate"],
        "2024-05-06T07:08:09Z"
    );
    assert!(bundle.keys[0].policies.is_some(), "the only key there is");
    let failure = bundle
        .failures
        .iter()
        .find(|failure| failure.code == "AccessDeniedException")
        .unwrap();
    assert_eq!(
        (failure.operation.as_str(), failure.resource.as_deref()),
        ("ListGrants", Some(ARN))
    );
    let rows = rows::of(&bundle);
    let unreadable = keytrail::snapshot::tables::KMS_KEYS
        .cell(&rows.tables["kms_keys"][0], "unreadable")
        .clone();
    assert_eq!(
        unreadable,
        keytrail::snapshot::tables::Cell::Texts(vec!["ListGrants: AccessDeniedException".to_owned()])
    );
}

#[test]
fn aws_config_files_say_that_they_hold_no_grants() {
    use std::io::Write;
    let folder = tempfile::tempdir().unwrap();
    let item = |at: &str, state: &str| {
        json!({"resourceType": "AWS::KMS::Key", "resourceId": KEY, "ARN": ARN, "awsAccountId": "111122223333", "awsRegion": "eu-west-1",
            "configurationItemCaptureTime": at, "configurationItemStatus": "ResourceDiscovered", "tags": {"team": "a"},
            "configuration": {"keyId": KEY, "arn": ARN, "awsaccountId": "111122223333", "keyState": state, "creationDate": 1_700_000_000_000_u64, "keyManager": "CUSTOMER"},
            "supplementaryConfiguration": {"Policy": "\"{\\\"Version\\\":\\\"2012-10-17\\\",\\\"Statement\\\":[]}\"", "KeyRotationStatus": "true"}})
    };
    let role = json!({"resourceType": "AWS::IAM::Role", "ARN": "arn:aws:iam::111122223333:role/r", "awsAccountId": "111122223333", "awsRegion": "global",
        "configurationItemCaptureTime": "2026-05-02T00:00:00Z", "configurationItemStatus": "OK",
        "configuration": json!({"roleName": "r", "roleId": "AROAEXAMPLE", "arn": "arn:aws:iam::111122223333:role/r", "path": "/",
            "assumeRolePolicyDocument": "%7B%22Version%22%3A%222012-10-17%22%7D",
            "rolePolicyList": [{"policyName": "i", "policyDocument": "%7B%22Version%22%3A%222012-10-17%22%7D"}],
            "attachedManagedPolicies": [{"policyName": "p", "policyArn": "arn:aws:iam::aws:policy/p"}]}).to_string()});
    let gone = json!({"resourceType": "AWS::KMS::Key", "resourceId": OTHER, "ARN": ARN.replace(KEY, OTHER), "awsAccountId": "111122223333",
        "configurationItemCaptureTime": "2026-05-02T00:00:00Z", "configurationItemStatus": "ResourceDeleted"});
    let file = json!({"fileVersion": "1.0", "configurationItems": [item("2026-05-01T00:00:00Z", "Enabled"), item("2026-05-03T00:00:00Z", "Disabled"), role, gone]});
    let path = folder
        .path()
        .join("111122223333_Config_eu-west-1_ConfigSnapshot_20260503T000000Z_x.json.gz");
    let mut gzip = flate2::write::GzEncoder::new(fs::File::create(path).unwrap(), flate2::Compression::fast());
    gzip.write_all(file.to_string().as_bytes()).unwrap();
    gzip.finish().unwrap();
    let bundle = one(folder.path()).bundle;
    assert_eq!(
        bundle.collected_at,
        keytrail::snapshot::instant::parse("2026-05-03T00:00:00Z")
    );
    assert_eq!(bundle.keys.len(), 1);
    let key = &bundle.keys[0];
    assert_eq!(
        key.metadata.as_ref().unwrap()["KeyState"],
        "Disabled",
        "the newest item counts"
    );
    assert_eq!(key.metadata.as_ref().unwrap()["AWSAccountId"], "111122223333");
    assert_eq!(
        key.policies.as_ref().unwrap()["default"].text,
        r#"{"Version":"2012-10-17","Statement":[]}"#
    );
    assert_eq!(key.rotation_status, Some(json!({"KeyRotationEnabled": true})));
    assert_eq!(key.tags, Some(vec![json!({"TagKey": "team", "TagValue": "a"})]));
    assert!(key.grants.is_none());
    assert!(
        bundle.notes.iter().any(|note| note.contains("no grants")),
        "{:?}",
        bundle.notes
    );
    let role = &bundle.iam["111122223333"].principals[0];
    assert_eq!(role.trust.as_ref().unwrap().text, r#"{"Version":"2012-10-17"}"#);
    assert_eq!(role.inline.len(), 1);
    assert_eq!(
        role.raw["AttachedManagedPolicies"][0]["PolicyArn"],
        "arn:aws:iam::aws:policy/p"
    );
}

#[test]
fn an_iam_collect_folder_is_one_snapshot() {
    let folder = tempfile::tempdir().unwrap();
    let base = "iam-data/aws/aws/accounts/111122223333";
    let put = |name: &str, value: Value| put(folder.path(), name, &value);
    put(
        &format!("{base}/kms/eu-west-1/key/{KEY}/metadata.json"),
        json!({"id": KEY, "arn": ARN}),
    );
    put(
        &format!("{base}/kms/eu-west-1/key/{KEY}/policy.json"),
        json!({"Version": "2012-10-17", "Statement": []}),
    );
    put(
        &format!("{base}/kms/eu-west-1/key/{KEY}/tags.json"),
        json!({"team": "a"}),
    );
    put(
        &format!("{base}/iam/role/x/metadata.json"),
        json!({"arn": "arn:aws:iam::111122223333:role/X", "name": "X", "id": "AROAEXAMPLE", "path": "/", "created": "2024-01-01T00:00:00Z", "permissionBoundary": "arn:aws:iam::111122223333:policy/b"}),
    );
    put(
        &format!("{base}/iam/role/x/trust-policy.json"),
        json!({"Version": "2012-10-17", "Statement": []}),
    );
    put(
        &format!("{base}/iam/role/x/inline-policies.json"),
        json!([{"PolicyName": "i", "PolicyDocument": {"Version": "2012-10-17", "Statement": []}}]),
    );
    put(
        &format!("{base}/iam/role/x/managed-policies.json"),
        json!(["arn:aws:iam::aws:policy/ReadOnlyAccess"]),
    );
    put(
        &format!("{base}/iam/aws/policy/readonlyaccess/metadata.json"),
        json!({"arn": "arn:aws:iam::aws:policy/ReadOnlyAccess", "name": "ReadOnlyAccess", "id": "ANPAEXAMPLE", "defaultVersionId": "v3"}),
    );
    put(
        &format!("{base}/iam/aws/policy/readonlyaccess/current-policy.json"),
        json!({"Version": "2012-10-17", "Statement": []}),
    );
    let org = "iam-data/aws/aws/organizations/o-exampleorgid";
    put(
        &format!("{org}/metadata.json"),
        json!({"id": "o-exampleorgid", "arn": "a", "rootOu": "r-ab12", "rootAccountId": "999988887777"}),
    );
    put(
        &format!("{org}/ous.json"),
        json!({"r-ab12": {"scps": ["arn:aws:organizations::aws:policy/service_control_policy/p-FullAWSAccess"], "rcps": []}, "ou-ab12-11111111": {"parent": "r-ab12", "scps": [], "rcps": []}}),
    );
    put(
        &format!("{org}/accounts.json"),
        json!({"111122223333": {"ou": "ou-ab12-11111111", "scps": [], "rcps": []}}),
    );
    put(
        &format!("{org}/scps/p-fullawsaccess/metadata.json"),
        json!({"arn": "arn:aws:organizations::aws:policy/service_control_policy/p-FullAWSAccess", "name": "FullAWSAccess", "awsManaged": true}),
    );
    put(
        &format!("{org}/scps/p-fullawsaccess/policy.json"),
        json!({"Version": "2012-10-17", "Statement": []}),
    );
    let bundle = one(folder.path()).bundle;
    assert_eq!(bundle.keys.len(), 1);
    assert!(!bundle.keys[0].policies.as_ref().unwrap()["default"].verbatim);
    assert!(bundle.keys[0].grants.is_none());
    let iam = &bundle.iam["111122223333"];
    assert_eq!(iam.principals[0].raw["RoleId"], "AROAEXAMPLE");
    assert_eq!(
        iam.principals[0].raw["PermissionsBoundary"]["PermissionsBoundaryArn"],
        "arn:aws:iam::111122223333:policy/b"
    );
    assert_eq!(iam.policies[0].versions.len(), 1);
    let organization = bundle.organization.as_ref().unwrap();
    assert_eq!(organization.accounts[0]["Path"], json!(["r-ab12", "ou-ab12-11111111"]));
    assert_eq!(organization.policies[0].summary["Id"], "p-FullAWSAccess");
    assert_eq!(
        organization.policies[0].targets.as_deref(),
        Some(&["r-ab12".to_owned()][..])
    );
    assert!(
        bundle
            .failures
            .iter()
            .any(|failure| failure.operation == "ListGrants" && failure.skipped)
    );
}

#[test]
fn bad_input_is_an_error_or_a_row_and_never_a_lost_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("half.json");
    fs::write(&path, r#"{"kms": {"keys": [{"KeyMetadata": {"Arn": "arn:aws:kms"#).unwrap();
    let error = find(&[path], None).unwrap_err().to_string();
    assert!(
        error.contains("half.json") && error.contains("not JSON") && error.contains("line 1"),
        "{error}"
    );
    let key = |arn: &str, policy: Value| json!({"KeyMetadata": {"Arn": arn, "KeyState": "Sleeping", "KeySpec": "ML_FUTURE_9"}, "Policy": policy, "Grants": []});
    let zero = "arn:aws:kms:eu-west-1:000000000012:key/a";
    let value = json!({"collected_at": "2026-05-01T00:00:00Z", "kms": {"keys": [
        key(ARN, json!("{not json")), key(ARN, json!("{}")), key(zero, json!({"Statement": {"Effect": "Allow"}})),
        {"KeyMetadata": {"KeyId": "lonely"}}, {"KeyMetadata": {"Arn": "arn:aws:kms:eu-west-1:000000000012:key/b"}, "Grants": "none"}, 7]}});
    let bundle = bundle::read(&value).unwrap();
    let rows = rows::of(&bundle);
    assert_eq!(rows.tables["kms_keys"].len(), 5, "one of six is the same key again");
    let codes: Vec<&str> = bundle.failures.iter().map(|failure| failure.code.as_str()).collect();
    for code in ["MalformedPolicy", "DuplicateKey", "NoKeyArn", "Malformed"] {
        assert!(codes.contains(&code), "{code} in {codes:?}");
    }
    assert!(bundle.keys.iter().any(|key| key.account_id == "000000000012"));
    let texts: Vec<&String> = rows.texts.values().collect();
    assert!(
        texts.iter().any(|text| *text == "{not json"),
        "kept as it came: {texts:?}"
    );
    for wrong in [
        json!([]),
        json!({"kms": []}),
        json!({"kms": {"keys": {}}}),
        json!({"kms": {"keys": []}, "collected_at": "soon"}),
    ] {
        assert!(bundle::read(&wrong).is_err(), "{wrong}");
    }
    let path = folder.path().join("other.json");
    fs::write(&path, r#"{"Reservations": []}"#).unwrap();
    assert!(find(&[path], None).unwrap_err().to_string().contains("nothing in it"));
}

#[test]
fn a_broken_file_in_a_folder_does_not_stop_the_others() {
    let folder = tempfile::tempdir().unwrap();
    cli_folder(folder.path());
    fs::write(folder.path().join("zz.json"), r#"{"Keys": [{"KeyId""#).unwrap();
    let bundle = one(folder.path()).bundle;
    assert_eq!(bundle.keys.len(), 2);
    assert!(
        bundle
            .failures
            .iter()
            .any(|failure| failure.code == "NotJson" && !failure.skipped)
    );
}

fn shared(path: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared").join(path);
    path.exists().then_some(path)
}

#[test]
fn recorded_kms_answers_of_the_shared_folder() {
    let Some(root) = shared("data/policies_custodian_placebo_kms/files") else {
        return;
    };
    let mut answers = 0;
    let mut keys = 0;
    for entry in fs::read_dir(root).unwrap() {
        let folder = entry.unwrap().path();
        let listed: Vec<String> = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .inspect(|_| answers += 1)
            .filter_map(|path| serde_json::from_str::<Value>(&fs::read_to_string(path).unwrap()).ok())
            .flat_map(|value| value["data"]["Keys"].as_array().cloned().unwrap_or_default())
            .filter_map(|key| key["KeyArn"].as_str().map(str::to_owned))
            .collect();
        let Ok(mut found) = find(std::slice::from_ref(&folder), None) else {
            assert!(listed.is_empty(), "{}", folder.display());
            continue;
        };
        let bundle = found.remove(0).bundle;
        for arn in &listed {
            assert!(
                bundle.keys.iter().any(|key| key.arn == *arn),
                "{arn} of {}",
                folder.display()
            );
        }
        keys += bundle.keys.len();
        let back = bundle::read(&bundle::write(&bundle, Purpose::HandOver)).unwrap();
        assert_eq!(
            rows::of(&back).tables.get("kms_keys"),
            rows::of(&bundle).tables.get("kms_keys"),
            "{}",
            folder.display()
        );
    }
    assert_eq!(answers, 287);
    assert!(keys > 90, "{keys}");
}

#[test]
fn authorization_details_of_the_shared_folder() {
    let Some(root) = shared("data/policies_cloudsplaining/files/test/files") else {
        return;
    };
    for name in [
        "example-authz-details.json",
        "example_authz_v2.json",
        "example_authz_details_for_overrides_complete.json",
    ] {
        let path = root.join(name);
        let value: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let bundle = one(&path).bundle;
        let iam = &bundle.iam["012345678901"];
        let count = |list: &str| value[list].as_array().map_or(0, Vec::len);
        let principals = count("UserDetailList") + count("GroupDetailList") + count("RoleDetailList");
        assert_eq!(iam.principals.len(), principals, "{name}");
        assert_eq!(iam.policies.len(), count("Policies"), "{name}");
        let back = rows::bundle(&rows::of(&bundle));
        assert_eq!(rows::of(&back), rows::of(&bundle));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn worlds_of_the_shared_folder_go_through_a_lake() {
    use std::io::BufRead;
    let Some(path) = shared("policy-cases/worlds-dev.jsonl.gz") else {
        return;
    };
    let file = std::io::BufReader::new(flate2::read::GzDecoder::new(fs::File::open(path).unwrap()));
    for line in file.lines().take(3) {
        let world: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let mut snapshot = world["snapshot"].clone();
        snapshot["collected_at"] = world["as_of"].clone();
        let folder = tempfile::tempdir().unwrap();
        let lake = Location::parse(&folder.path().display().to_string(), HashMap::new()).unwrap();
        let bundle = bundle::read(&snapshot).unwrap();
        let stamp = Stamp {
            collected_at: 0,
            source: "test".to_owned(),
            kept_at: 1,
        };
        snapshots::keep(&lake, &bundle, &stamp).await.unwrap();
        let loaded = snapshots::load_bundle(&lake, None).await.unwrap().unwrap().bundle;
        let by = |list: &Value, id: fn(&Value) -> String| -> std::collections::BTreeMap<String, Value> {
            list.as_array()
                .unwrap()
                .iter()
                .map(|item| (id(item), item.clone()))
                .collect()
        };
        let arn = |item: &Value| item["KeyMetadata"]["Arn"].as_str().unwrap().to_owned();
        let (given, back) = (by(&snapshot["kms"]["keys"], arn), by(&loaded["kms"]["keys"], arn));
        assert_eq!(given.len(), back.len());
        for (arn, key) in &given {
            for part in ["KeyMetadata", "Policy"] {
                assert_eq!(key[part], back[arn][part], "{arn} {part}");
            }
            for part in ["Grants", "Tags", "Aliases"] {
                let sorted = |value: &Value| {
                    let mut all: Vec<String> = value.as_array().unwrap().iter().map(Value::to_string).collect();
                    all.sort();
                    all
                };
                assert_eq!(sorted(&key[part]), sorted(&back[arn][part]), "{arn} {part}");
            }
        }
        for (account, iam) in snapshot["iam"].as_object().unwrap() {
            for list in ["UserDetailList", "GroupDetailList", "RoleDetailList", "Policies"] {
                let arn = |item: &Value| item["Arn"].as_str().unwrap().to_owned();
                let (given, back) = (by(&iam[list], arn), by(&loaded["iam"][account][list], arn));
                assert_eq!(given.len(), back.len(), "{account} {list}");
                for (arn, element) in &given {
                    for (name, member) in element.as_object().unwrap() {
                        // The order of versions and inline policies says nothing, nor does an empty list.
                        let plain = |value: &Value| match value.as_array() {
                            Some(list) => {
                                let mut all: Vec<String> = list.iter().map(sorted_members).collect();
                                all.sort();
                                all
                            }
                            None if value.is_null() => Vec::new(),
                            None => vec![value.to_string()],
                        };
                        assert_eq!(plain(member), plain(&back[arn][name]), "{arn} {name}");
                    }
                }
            }
        }
    }
}

/// JSON text with members in alphabetical order.
fn sorted_members(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let mut all: Vec<String> = map
                .iter()
                .map(|(name, member)| format!("{name}:{}", sorted_members(member)))
                .collect();
            all.sort();
            format!("{{{}}}", all.join(","))
        }
        other => other.to_string(),
    }
}

mod properties {
    use keytrail::snapshot::dump;
    use proptest::prelude::*;

    use super::*;

    fn any_json() -> impl Strategy<Value = Value> {
        let names = prop::sample::select(vec![
            "kms",
            "iam",
            "keys",
            "Keys",
            "KeyId",
            "KeyArn",
            "KeyMetadata",
            "Arn",
            "Policy",
            "Policies",
            "Statement",
            "Version",
            "Grants",
            "Aliases",
            "AliasName",
            "AliasArn",
            "Tags",
            "TagKey",
            "Rotations",
            "KeyLastUsage",
            "UserDetailList",
            "RoleDetailList",
            "PolicyVersionList",
            "Document",
            "Organization",
            "Accounts",
            "Id",
            "Type",
            "Targets",
            "Roots",
            "Paths",
            "Parents",
            "trailList",
            "TrailARN",
            "EventSelectors",
            "IsLogging",
            "configurationItems",
            "resourceType",
            "configuration",
            "supplementaryConfiguration",
            "status_code",
            "data",
            "Error",
            "Code",
            "__class__",
            "collected_at",
            "Scope",
            "Errors",
            "trails",
            "Trail",
            "FieldSelectors",
            "PolicyTexts",
            "CustomKeyStores",
            "111122223333",
        ]);
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "\\PC{0,12}".prop_map(Value::from),
            prop::sample::select(vec![
                ARN,
                KEY,
                "AWS::KMS::Key",
                "AWS::IAM::Role",
                "datetime",
                "r-ab12",
                "111122223333",
                "arn:aws:iam::1:role/x"
            ])
            .prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 64, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::vec((names.clone(), inner), 0..6).prop_map(|members| Value::Object(
                    members
                        .into_iter()
                        .map(|(name, value)| (name.to_owned(), value))
                        .collect()
                )),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn no_json_makes_the_importer_panic(values in prop::collection::vec(any_json(), 1..4), path in "\\PC{0,30}") {
            let entries = values.iter().map(|value| dump::Entry { path: path.clone(), value: value.clone(), text: None }).collect();
            let taken = dump::take(entries, Vec::new());
            for (_, bundle) in taken.bundles.iter() {
                let rows = rows::of(bundle);
                let again = rows::of(&rows::bundle(&rows));
                prop_assert_eq!(again.tables.get("kms_keys"), rows.tables.get("kms_keys"));
            }
            if let Some(bundle) = &taken.assembled {
                let _ = rows::of(bundle);
                let _ = bundle::write(bundle, Purpose::HandOver);
            }
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = dump::documents("x.json", &bytes);
        }

        #[test]
        fn every_listed_key_is_kept(ids in prop::collection::btree_set("[a-f0-9]{8}", 1..20)) {
            let keys: Vec<Value> = ids.iter().map(|id| json!({"KeyMetadata": {"Arn": format!("arn:aws:kms:eu-west-1:000000000001:key/{id}")}})).collect();
            let bundle = bundle::read(&json!({"kms": {"keys": keys}})).unwrap();
            prop_assert_eq!(rows::of(&bundle).tables["kms_keys"].len(), ids.len());
        }
    }
}
