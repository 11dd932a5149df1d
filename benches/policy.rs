//! Times the policy evaluator: single decisions, the sweep of a whole organization, and how it grows.
//!
//! `cargo bench --bench policy` runs everything; a word after `--` (`single`, `sweep`, `organization`, `growth`, `worst`) runs one part.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints its figures and has no caller to tell"
)]

use keytrail::policy::answer::{Question, concrete, open};
use keytrail::policy::scene::Context;
use keytrail::policy::{Access, Snapshot, kms};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// A synthetic organization.
#[derive(Clone, Copy)]
struct Shape {
    keys: usize,
    principals: usize,
    accounts: usize,
    /// Of a hundred keys and roles, how many have a policy of their own.
    own_policies: usize,
}

/// Numbers without a generator: the same organization every time.
fn pick(seed: usize, of: usize) -> usize {
    let mixed = (seed as u64)
        .wrapping_add(0x9e37_79b9_7f4a_7c15)
        .wrapping_mul(0xbf58_476d_1ce4_e5b9);
    ((mixed ^ (mixed >> 29)) % of as u64) as usize
}

fn account(n: usize, shape: Shape) -> String {
    format!("{:012}", 111_111_111_111 + n % shape.accounts)
}

fn key_arn(n: usize, shape: Shape) -> String {
    let region = ["us-east-1", "eu-west-1", "eu-central-1"][pick(n, 3)];
    format!(
        "arn:aws:kms:{region}:{}:key/{n:08x}-0000-4000-8000-000000000000",
        account(n, shape)
    )
}

const TEAMS: [&str; 4] = ["payments", "platform", "security", "data"];
const USE: [&str; 5] = [
    "kms:Encrypt",
    "kms:Decrypt",
    "kms:ReEncrypt*",
    "kms:GenerateDataKey*",
    "kms:DescribeKey",
];
const ADMINISTER: [&str; 12] = [
    "kms:Create*",
    "kms:Describe*",
    "kms:Enable*",
    "kms:List*",
    "kms:Put*",
    "kms:Update*",
    "kms:Revoke*",
    "kms:Disable*",
    "kms:Get*",
    "kms:Delete*",
    "kms:ScheduleKeyDeletion",
    "kms:CancelKeyDeletion",
];

fn policy(statements: Vec<Value>) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

fn role(n: usize, shape: Shape) -> Value {
    let arn = format!("arn:aws:iam::{}:role/app-{n}", account(n, shape));
    let mut inline = Vec::new();
    let mut attached = Vec::new();
    if pick(n, 100) < shape.own_policies {
        // Two keys of its own account by name, and every key of its team after MFA.
        let keys = [0, 7].map(|k| key_arn(n % shape.accounts + k * shape.accounts, shape));
        let own = json!({"Sid": "Use", "Effect": "Allow", "Action": USE, "Resource": keys});
        let team = json!({"Sid": "Team", "Effect": "Allow", "Action": "kms:*", "Resource": "*", "Condition": {
            "StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}, "Bool": {"aws:MultiFactorAuthPresent": "true"}}});
        inline.push(json!({"PolicyName": "kms", "PolicyDocument": policy(vec![own, team])}));
    } else {
        let name = [
            "AdministratorAccess",
            "PowerUserAccess",
            "ReadOnlyAccess",
            "ReadOnlyAccess",
        ][pick(n, 4)];
        attached.push(json!({"PolicyName": name, "PolicyArn": format!("arn:aws:iam::aws:policy/{name}")}));
    }
    json!({"Arn": arn, "RoleName": format!("app-{n}"), "RoleId": format!("AROA{n:016}"), "RolePolicyList": inline,
        "AttachedManagedPolicies": attached, "Tags": [{"Key": "team", "Value": TEAMS[pick(n, 4)]}]})
}

fn key(n: usize, shape: Shape) -> Value {
    let owner = account(n, shape);
    let root = format!("arn:aws:iam::{owner}:root");
    let mut statements = vec![
        json!({"Sid": "Enable IAM policies", "Effect": "Allow", "Principal": {"AWS": root}, "Action": "kms:*", "Resource": "*"}),
    ];
    if pick(n, 100) < shape.own_policies {
        let roles = shape.principals / shape.accounts;
        let named = [1, 5].map(|k| n % shape.accounts + pick(n * k, roles.max(1)) * shape.accounts);
        let named = named.map(|r| format!("arn:aws:iam::{owner}:role/app-{r}"));
        statements.push(json!({"Sid": "Admins", "Effect": "Allow", "Principal": {"AWS": named}, "Action": ADMINISTER, "Resource": "*"}));
        statements.push(json!({"Sid": "Deletion", "Effect": "Deny", "Principal": "*", "Action": ["kms:ScheduleKeyDeletion", "kms:DisableKey"],
            "Resource": "*", "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"},
                "ArnNotLike": {"aws:PrincipalArn": format!("arn:aws:iam::{owner}:role/break-{}", pick(n, 100))}}}));
    }
    json!({"KeyMetadata": {"Arn": key_arn(n, shape), "KeyManager": "CUSTOMER", "KeySpec": "SYMMETRIC_DEFAULT", "KeyUsage": "ENCRYPT_DECRYPT",
        "Origin": "AWS_KMS", "MultiRegion": false}, "Policy": policy(statements).to_string(), "PolicyName": "default", "Grants": [],
        "Tags": [{"TagKey": "team", "TagValue": TEAMS[pick(n * 3, 4)]}, {"TagKey": "Name", "TagValue": n.to_string()}],
        "Aliases": [{"AliasName": format!("alias/app-{n}")}]})
}

fn bundle(shape: Shape) -> Value {
    let managed = |name: &str, document: Value| {
        json!({"PolicyName": name, "Arn": format!("arn:aws:iam::aws:policy/{name}"),
            "PolicyVersionList": [{"Document": document, "VersionId": "v1", "IsDefaultVersion": true}]})
    };
    let all = policy(vec![json!({"Effect": "Allow", "Action": "*", "Resource": "*"})]);
    let power = policy(vec![
        json!({"Effect": "Allow", "NotAction": ["iam:*", "organizations:*"], "Resource": "*"}),
    ]);
    let read = policy(vec![
        json!({"Effect": "Allow", "Action": ["kms:Describe*", "kms:Get*", "kms:List*"], "Resource": "*"}),
    ]);
    let policies = json!([
        managed("AdministratorAccess", all.clone()),
        managed("PowerUserAccess", power),
        managed("ReadOnlyAccess", read)
    ]);
    let mut iam = json!({});
    for n in 0..shape.accounts {
        let roles: Vec<Value> = (n..shape.principals)
            .step_by(shape.accounts)
            .map(|r| role(r, shape))
            .collect();
        iam[account(n, shape)] = json!({"RoleDetailList": roles, "Policies": policies});
    }
    let window = policy(vec![
        json!({"Effect": "Deny", "Action": "kms:ScheduleKeyDeletion", "Resource": "*", "Condition": {
        "ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/break*"}, "NumericLessThan": {"kms:ScheduleKeyDeletionPendingWindowInDays": "30"}}}),
    ]);
    let perimeter = policy(vec![
        json!({"Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*", "Condition": {
        "StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-abc"}, "BoolIfExists": {"aws:PrincipalIsAWSService": "false"}}}),
    ]);
    let attached = |id: &str, kind: &str, document: &Value| json!({"PolicySummary": {"Id": id, "Type": kind}, "Content": document.to_string()});
    let accounts: Vec<Value> = (0..shape.accounts)
        .map(|n| json!({"Id": account(n, shape), "Path": ["r-1", format!("ou-{}", n % 4)]}))
        .collect();
    let mut everywhere = vec![json!("r-1"), json!("ou-0"), json!("ou-1"), json!("ou-2"), json!("ou-3")];
    everywhere.extend((0..shape.accounts).map(|n| json!(account(n, shape))));
    json!({"collected_at": "2026-06-01T12:00:00Z", "iam": iam,
        "kms": {"keys": (0..shape.keys).map(|n| key(n, shape)).collect::<Vec<_>>()},
        "organization": {"Organization": {"Id": "o-abc", "MasterAccountId": "999999999999"}, "Accounts": accounts,
            "Policies": [attached("p-all", "SERVICE_CONTROL_POLICY", &all), attached("p-window", "SERVICE_CONTROL_POLICY", &window),
                attached("p-perimeter", "RESOURCE_CONTROL_POLICY", &perimeter)],
            "Targets": {"p-all": everywhere, "p-window": ["r-1"], "p-perimeter": ["r-1"]}}})
}

fn per(elapsed: Duration, count: u64) -> f64 {
    elapsed.as_secs_f64() * 1e9 / count as f64
}

fn single() {
    let shape = Shape {
        keys: 100,
        principals: 100,
        accounts: 1,
        own_policies: 50,
    };
    let (snapshot, _) = Snapshot::from_bundle(&bundle(shape));
    let (context, rounds) = (Context::new(), 20_000);
    let arns: Vec<String> = (0..100).map(|n| key_arn(n, shape)).collect();
    let ask = |n: usize| {
        let principal = format!("arn:aws:iam::{}:role/app-{}", account(0, shape), pick(n, 100));
        Question::new(&snapshot, &principal, kms::FULL[pick(n, 21)], &arns[pick(n * 3, 100)]).unwrap()
    };
    let started = Instant::now();
    let allowed = (0..rounds)
        .filter(|n| concrete(&ask(*n), &context).decision == keytrail::policy::decide::Decision::Allow)
        .count();
    println!(
        "single concrete decision: {:.0} ns ({allowed} of {rounds} allowed)",
        per(started.elapsed(), rounds as u64)
    );
    let started = Instant::now();
    let denied = (0..rounds)
        .filter(|n| open(&ask(*n), &context).verdict == keytrail::policy::answer::Verdict::Denied)
        .count();
    println!(
        "single three-valued decision: {:.0} ns ({denied} of {rounds} denied)",
        per(started.elapsed(), rounds as u64)
    );
}

fn sweep(what: &str, shape: Shape, actions: kms::ActionSet) {
    let bundle = bundle(shape);
    let started = Instant::now();
    let (snapshot, faults) = Snapshot::from_bundle(&bundle);
    assert!(faults.is_empty());
    let (read, started) = (started.elapsed(), Instant::now());
    drop(bundle);
    let access = Access::of(&snapshot, actions);
    let decided = started.elapsed();
    let pairs = (snapshot.keys.len() * shape.principals) as u64;
    let decisions = pairs * u64::from(actions.count_ones());
    println!(
        "{what}: {} keys x {} principals x {} actions = {:.1} M decisions, {} accounts, {} % own policies: read {:.2} s, decided {:.2} s \
         ({:.2} ns each); {} x {} classes, {} cells, {} rows; peak {} MiB",
        shape.keys,
        shape.principals,
        actions.count_ones(),
        decisions as f64 / 1e6,
        shape.accounts,
        shape.own_policies,
        read.as_secs_f64(),
        decided.as_secs_f64(),
        per(decided, decisions),
        access.principal_classes.members.len(),
        access.key_classes.members.len(),
        access.cells.len(),
        access.len(),
        peak_mib(),
    );
}

/// The most memory the process ever held, where the system says it.
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap_or("0 kB");
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or_default() / 1024
}

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let runs = |part: &str| wanted.is_empty() || wanted.iter().any(|w| w == part);
    let full = kms::set(&kms::FULL);
    if runs("single") {
        single();
    }
    if runs("sweep") {
        let twenty = full & !kms::RETIRE_GRANT;
        let shape = Shape {
            keys: 1_000,
            principals: 500,
            accounts: 1,
            own_policies: 20,
        };
        sweep("sweep, one account", shape, twenty);
        sweep(
            "sweep, every policy different",
            Shape {
                own_policies: 100,
                ..shape
            },
            twenty,
        );
    }
    let organization = Shape {
        keys: 10_000,
        principals: 5_000,
        accounts: 50,
        own_policies: 20,
    };
    if runs("organization") {
        sweep("organization", organization, full);
        sweep(
            "organization, every policy different",
            Shape {
                own_policies: 100,
                ..organization
            },
            full,
        );
    }
    if runs("growth") {
        let base = Shape {
            keys: 1_000,
            principals: 500,
            accounts: 5,
            own_policies: 20,
        };
        sweep("growth, base", base, full);
        sweep("growth, keys doubled", Shape { keys: 2_000, ..base }, full);
        sweep(
            "growth, principals doubled",
            Shape {
                principals: 1_000,
                ..base
            },
            full,
        );
        sweep(
            "growth, own policies doubled",
            Shape {
                own_policies: 40,
                ..base
            },
            full,
        );
    }
    if runs("worst") {
        sweep(
            "worst, one account",
            Shape {
                accounts: 1,
                own_policies: 20,
                ..organization
            },
            full,
        );
    }
}
