//! Collecting from a double of AWS: every page, every refusal, interruptions, and nothing that writes.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use keytrail::aws::collect::{self, Accounts, Event, Request, guard};
use keytrail::aws::role::Role;
use keytrail::snapshot::bundle::{self, Bundle, Purpose};
use keytrail::snapshot::scope::State;
use keytrail::snapshot::{rows, scope};

use crate::support::aws_double::{self, Double, World, key_id};

async fn config(double: &Double) -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .endpoint_url(&double.url)
        .region(Region::new("eu-west-1"))
        .credentials_provider(Credentials::new("AKIAEXAMPLE", "EXAMPLE", None, None, "test"))
        .load()
        .await
}

fn role() -> Option<Role> {
    Some(Role {
        name: "keytrail".to_owned(),
        external_id: Some("outside".to_owned()),
        session_name: "keytrail".to_owned(),
        source_identity: Some("ana".to_owned()),
    })
}

fn everything() -> Request {
    Request {
        accounts: Accounts::Organization,
        role: role(),
        ..Request::default()
    }
}

async fn collect(double: &Double, request: &Request) -> Bundle {
    let now = || 1_780_000_000_000_000;
    collect::collect(&config(double).await, request, &now, &|_| {})
        .await
        .unwrap()
        .bundle
}

fn counts(bundle: &Bundle) -> (usize, usize, usize, usize, usize) {
    let grants = bundle
        .keys
        .iter()
        .filter_map(|key| key.grants.as_ref())
        .map(Vec::len)
        .sum();
    let roles = bundle.iam.values().map(|iam| iam.principals.len()).sum();
    let policies = bundle.iam.values().map(|iam| iam.policies.len()).sum();
    (bundle.keys.len(), grants, bundle.aliases.len(), roles, policies)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_of_every_list_is_read() {
    let double = aws_double::start(World::default()).await;
    let events: Mutex<Vec<Event>> = Mutex::default();
    let now = || 1_780_000_000_000_000;
    let say = |event: Event| events.lock().unwrap().push(event);
    let collected = collect::collect(&config(&double).await, &everything(), &now, &say)
        .await
        .unwrap();
    let bundle = collected.bundle;
    // 2 accounts, 2 Regions, 12 keys each; pages of 5.
    assert_eq!(counts(&bundle), (48, 144, 48, 18, 6));
    let broken: Vec<_> = bundle.failures.iter().filter(|failure| !failure.skipped).collect();
    assert!(broken.is_empty(), "{broken:#?}");
    let key = bundle.keys.iter().find(|key| key.key_id == key_id(0)).unwrap();
    let policies = key.policies.as_ref().unwrap();
    assert_eq!(policies.keys().collect::<Vec<_>>(), ["AWS_RAM", "default"]);
    assert!(policies["default"].verbatim && policies["default"].text.starts_with("{\n  \"Version\" : "));
    assert_eq!(key.tags.as_ref().unwrap().len(), 7);
    assert_eq!(key.rotations.as_ref().unwrap().len(), 6);
    let metadata = key.metadata.as_ref().unwrap();
    assert_eq!(metadata["CreationDate"], "2020-09-13T12:26:40.123Z");
    assert_eq!(
        metadata["SomethingNew"]["Kept"], true,
        "members the SDK does not know survive"
    );
    assert_eq!(
        key.last_usage.as_ref().unwrap()["KeyLastUsage"]["CloudTrailEventId"],
        "event-0"
    );
    let signing = bundle.keys.iter().find(|key| key.key_id == key_id(3)).unwrap();
    assert!(signing.rotation_status.is_none() && signing.metadata.as_ref().unwrap()["KeySpec"] == "ECC_NEXT_999");
    let role = &bundle.iam["444455556666"].principals[0];
    assert_eq!(
        role.trust.as_ref().unwrap().text,
        "{\n \"Version\": \"2012-10-17\", \"Statement\": [ ] }"
    );
    assert_eq!(role.raw["Tags"][0]["Value"], "a&b");
    let organization = bundle.organization.as_ref().unwrap();
    assert_eq!(
        (
            organization.units.len(),
            organization.accounts.len(),
            organization.policies.len()
        ),
        (7, 2, 12)
    );
    assert_eq!(
        organization.accounts[1]["Path"],
        serde_json::json!(["r-ab12", "ou-ab12-00000006"])
    );
    assert!(
        organization
            .policies
            .iter()
            .all(|policy| policy.targets.as_ref().unwrap().len() == 6 && policy.content.is_some())
    );
    // Two local trails and the organization's, in each account.
    assert_eq!(bundle.trails.len(), 6);
    let regions: BTreeSet<&str> = bundle.scope.iter().map(|scope| scope.region.as_str()).collect();
    assert_eq!(
        regions,
        BTreeSet::from(["", "eu-west-1", "us-east-1"]),
        "the enabled Regions, and no other"
    );
    assert_eq!(
        bundle.collected_by.as_deref(),
        Some("arn:aws:iam::111122223333:user/ana")
    );
    let text = bundle::write(&bundle, Purpose::HandOver).to_string();
    let again = bundle::read(&serde_json::from_str(&text).unwrap()).unwrap();
    assert_eq!(rows::of(&again), rows::of(&bundle));
    assert!(
        events
            .lock()
            .unwrap()
            .iter()
            .filter(|event| **event == Event::Key)
            .count()
            == 48
    );
    // The wire carried nothing but what the printed policy allows, and the two calls of STS.
    let actions = guard::policy().to_string();
    for operation in double.asked.operations() {
        let listed = actions.contains(&format!(":{operation}\""));
        assert!(
            listed || ["AssumeRole", "GetCallerIdentity"].contains(&operation.as_str()),
            "{operation}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_leave_to_list_regions_all_are_tried() {
    let double = aws_double::start(World {
        lists_regions: false,
        ..World::default()
    })
    .await;
    let bundle = collect(&double, &everything()).await;
    assert_eq!(counts(&bundle), (48, 144, 48, 18, 6));
    let skipped = bundle.scope.iter().filter(|scope| scope.state == State::Skipped);
    assert!(skipped.count() > 20, "Regions that are not enabled are said to be so");
    let refused = |failure: &&scope::Failure| failure.operation == "ListRegions" && failure.skipped;
    assert_eq!(bundle.failures.iter().filter(refused).count(), 2, "one row an account");
    assert!(bundle.failures.iter().all(|failure| failure.skipped));
}

#[tokio::test(flavor = "multi_thread")]
async fn throttled_calls_are_tried_again_until_all_is_there() {
    let double = aws_double::start(World {
        throttle_every: 4,
        accounts: vec!["111122223333"],
        ..World::default()
    })
    .await;
    let request = Request {
        regions: vec!["eu-west-1".to_owned()],
        ..Request::default()
    };
    let bundle = collect(&double, &request).await;
    assert_eq!(counts(&bundle), (12, 36, 12, 9, 3));
    assert!(
        bundle.failures.iter().all(|failure| failure.skipped),
        "{:?}",
        bundle.failures
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_becomes_a_row_and_the_key_stays() {
    let world = World {
        denied: Some(2),
        gone: Some(4),
        ..World::default()
    };
    let double = aws_double::start(world).await;
    let regions = vec!["eu-west-1".to_owned(), "me-south-1".to_owned()];
    let accounts = Accounts::Listed(vec!["111122223333".to_owned(), "999988887777".to_owned()]);
    let bundle = collect(
        &double,
        &Request {
            accounts,
            role: role(),
            regions,
            ..Request::default()
        },
    )
    .await;
    assert_eq!(bundle.keys.len(), 12);
    let codes = |operation: &str| -> Vec<(&str, bool)> {
        let of = bundle.failures.iter().filter(|failure| failure.operation == operation);
        of.map(|failure| (failure.code.as_str(), failure.skipped)).collect()
    };
    assert_eq!(
        codes("ListGrants"),
        [("AccessDeniedException", false), ("NotFoundException", false)]
    );
    assert_eq!(
        codes("ListKeys"),
        [("UnrecognizedClientException", false)],
        "a Region asked for by name"
    );
    assert_eq!(codes("AssumeRole"), [("AccessDenied", false)]);
    let denied = bundle.keys.iter().find(|key| key.key_id == key_id(2)).unwrap();
    assert!(denied.policies.is_none() && denied.grants.is_none() && denied.metadata.is_some());
    let state = |account: &str, region: &str, service: &str| {
        let found = bundle
            .scope
            .iter()
            .find(|scope| scope.account_id == account && scope.region == region && scope.service == service);
        found.map(|scope| scope.state)
    };
    assert_eq!(state("111122223333", "eu-west-1", scope::KMS), Some(State::Partial));
    assert_eq!(state("111122223333", "me-south-1", scope::KMS), Some(State::Failed));
    assert_eq!(state("999988887777", "eu-west-1", scope::KMS), Some(State::Failed));
    assert_eq!(state("999988887777", "", scope::IAM), Some(State::Failed));
    let kept = rows::of(&bundle);
    let policies = &kept.tables["kms_key_policies"];
    let unread = policies
        .iter()
        .filter(|row| keytrail::snapshot::tables::KMS_KEY_POLICIES.text_of(row, "error") == Some("not read"));
    assert_eq!(unread.count(), 2);
}

/// So many keys that some are done and some are not when the double stops answering.
fn many() -> World {
    World {
        keys: 40,
        ..World::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_collection_is_continued_to_the_same_result() {
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("collect.jsonl");
    let whole = { collect(&aws_double::start(many()).await, &everything()).await };
    let first = aws_double::start(many()).await;
    // Both doubles stand at the same address in the journal, as AWS would.
    let request = |resume| Request {
        journal: Some(journal.clone()),
        resume,
        ..everything()
    };
    let config_first = config(&first).await;
    let begun = request(false);
    let interrupted = collect::collect(&config_first, &begun, &|| 1, &|_| {});
    let half_way = async {
        while std::fs::read_to_string(&journal).map_or(0, |text| text.lines().count()) < 60 {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    };
    tokio::select! {
        _ = interrupted => panic!("it was faster than the interruption"),
        () = half_way => {}
    }
    let noted = std::fs::read_to_string(&journal).unwrap();
    // A kill can come in the middle of a line.
    let cut: String = noted.chars().take(noted.len() - 40).collect();
    let second = aws_double::start(many()).await;
    std::fs::write(&journal, cut.replace(&first.url, &second.url)).unwrap();
    let resumed = collect(&second, &request(true)).await;
    assert!(
        second.asked.of("DescribeKey") < 160,
        "{}",
        second.asked.of("DescribeKey")
    );
    assert_eq!(rows::of(&resumed), rows::of(&whole));
    assert_eq!(resumed.started_at, Some(1));
    let other = Request {
        regions: vec!["eu-west-1".to_owned()],
        ..request(true)
    };
    let refused = collect::collect(&config(&second).await, &other, &|| 1, &|_| {})
        .await
        .unwrap_err()
        .to_string();
    assert!(refused.contains("other arguments"), "{refused}");
}

#[test]
fn the_collector_names_no_operation_that_writes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/aws");
    let mut sources = String::new();
    for name in ["collect", "."] {
        for entry in std::fs::read_dir(folder.join(name)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() && !path.ends_with("s3.rs") {
                sources.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
    }
    let dense: String = sources.split_whitespace().collect();
    let calls =
        regex::Regex::new(r"(?:kms|iam|organizations|cloudtrail|client|Client::new\([^)]*\))\.([a-z_]+)\(\)").unwrap();
    let allowed: Vec<String> = guard::OPERATIONS
        .iter()
        .flat_map(|(_, names)| names.iter())
        .map(|name| name.to_ascii_lowercase())
        .collect();
    let mut found = 0;
    for call in calls.captures_iter(&dense) {
        let name = call[1].replace('_', "");
        if ["list", "region", "describe", "accounts", "notoffered", "build"].contains(&name.as_str()) {
            continue;
        }
        found += 1;
        assert!(allowed.contains(&name) || name == "assumerole", "{}", &call[1]);
    }
    assert!(found >= 22, "{found}");
    let writes = regex::Regex::new(
        r"\.(?:put|create|delete|update|schedule|cancel|disable|enable|revoke|retire|attach|detach|tag|untag|import|replicate|start|stop|rotate|connect_custom|disconnect|remove|encrypt|decrypt|sign|generate)_[a-z_]+\(",
    )
    .unwrap();
    let getters = ["create_date", "update_date", "attached", "tag_key"];
    let found: Vec<&str> = writes.find_iter(&dense).map(|found| found.as_str()).collect();
    let found: Vec<&&str> = found
        .iter()
        .filter(|name| !getters.iter().any(|getter| name.contains(getter)))
        .collect();
    assert!(found.is_empty(), "{found:?}");
}
