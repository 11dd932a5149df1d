//! What tools must find in the story, computed from the ledger and never from the records.

use super::cast::*;
use super::ledger::Entry;
use super::scene::Scene;
use super::snapshot;
use crate::generator::instant::{at, iso};
use crate::generator::story;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The nine actions of the preset `core`.
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

/// What is true of one key of the snapshot.
pub struct KeyTruth {
    /// Its name in the story.
    pub name: &'static str,
    /// Its ARN.
    pub arn: String,
    /// The verdict of `unused-keys`.
    pub verdict: &'static str,
    /// What proves it, where it is `unused`: `log`, `last_usage`, or both.
    pub proof: Vec<&'static str>,
    /// Successful uses in the window by people and workloads, as delivered; a cross-account use counts once.
    pub uses: usize,
    /// Successful uses in the window by AWS services for themselves.
    pub service_uses: usize,
    /// Failed uses in the window; dry runs are not among them.
    pub failed_uses: usize,
    /// The last successful use anybody can know of.
    pub last_used_at: Option<i64>,
    /// Who made it, where the log tells.
    pub last_used_by: Option<String>,
    /// Grants listed in the snapshot.
    pub live_grants: usize,
    /// Why, in a sentence.
    pub why: &'static str,
}

/// What is true of one right.
pub struct RightTruth {
    /// Who holds it.
    pub principal: String,
    /// On which key.
    pub key_arn: String,
    /// The name of that key in the story.
    pub key: &'static str,
    /// `kms:...`.
    pub action: String,
    /// `allowed` or `conditional`.
    pub decision: &'static str,
    /// The verdict of `unexercised-admin-rights`.
    pub verdict: &'static str,
    /// Successful calls in the window.
    pub exercised: usize,
}

/// What is true of the whole story.
pub struct Truth {
    /// Objects delivered.
    pub objects: usize,
    /// Records delivered.
    pub records: usize,
    /// Records delivered, by event source and name.
    pub events: BTreeMap<String, usize>,
    /// Records delivered, by account and Region.
    pub places: BTreeMap<String, usize>,
    /// The keys of the snapshot.
    pub keys: Vec<KeyTruth>,
    /// The rights the story singles out; there are others.
    pub rights: Vec<RightTruth>,
}

impl Truth {
    /// The truth of a scene that was played to its end.
    pub fn of(scene: &Scene, objects: usize) -> Self {
        let delivered = scene.delivered();
        let (mut events, mut places) = (BTreeMap::new(), BTreeMap::new());
        for event in &delivered {
            *events
                .entry(format!("{}.amazonaws.com:{}", event.service, event.name))
                .or_default() += 1;
            *places.entry(format!("{} {}", event.account, event.region)).or_default() += 1;
        }
        Self {
            objects,
            records: delivered.len(),
            events,
            places,
            keys: KEYS
                .iter()
                .filter(|k| k.state != "gone")
                .map(|k| key(scene, k))
                .collect(),
            rights: rights(scene),
        }
    }

    /// The truth as JSON.
    pub fn json(&self) -> Value {
        let keys: Vec<Value> = self.keys.iter().map(|k| json!({
            "name": k.name, "key_arn": k.arn, "verdict": k.verdict, "proof": k.proof, "uses": k.uses,
            "service_uses": k.service_uses, "failed_uses": k.failed_uses, "last_used_at": k.last_used_at.map(iso),
            "last_used_by": k.last_used_by, "live_grants": k.live_grants, "why": k.why,
        })).collect();
        let rights: Vec<Value> = self
            .rights
            .iter()
            .map(|r| {
                json!({
                    "principal_arn": r.principal, "key_arn": r.key_arn, "action": r.action, "decision": r.decision,
                    "verdict": r.verdict, "exercised": r.exercised,
                })
            })
            .collect();
        json!({
            "as_of": iso(story::as_of()),
            "window_days": story::WINDOW / 86_400,
            "log": {"since": iso(story::begins()), "objects": self.objects, "records": self.records,
                "silence": {"account": DATA, "since": iso(story::silence().0), "until": iso(story::silence().1)},
                "records_by_event": self.events, "records_by_place": self.places},
            "keys": keys,
            "rights": rights,
        })
    }
}

fn window() -> (i64, i64) {
    (story::as_of() - story::WINDOW, story::as_of())
}

fn key(scene: &Scene, key: &'static Key) -> KeyTruth {
    let (since, until) = window();
    let (known, last) = (snapshot::last_usage_known(key), scene.ledger.last_use(key, until));
    let calls: Vec<&Entry> = scene.ledger.uses(key, since, until).filter(|e| e.delivered()).collect();
    let count = |test: &dyn Fn(&Entry) -> bool| calls.iter().filter(|e| test(e)).count();
    let service_uses = count(&|e| e.succeeded() && e.by_service());
    let uses = count(&|e| e.succeeded() && !e.by_service());
    let failed_uses = count(&|e| e.refused());
    let seen = last.filter(|e| e.delivered() && e.time >= story::begins());
    let abroad = (key == &ORG_ARTIFACTS).then(snapshot::org_artifacts_used);
    let last_used_at = abroad.or(if known {
        last.map(|e| e.time)
    } else {
        seen.map(|e| e.time)
    });
    let live_grants = match key.name {
        "ebs-data" | "tables" | "warehouse" => 1,
        _ => 0,
    };
    let covered = key.account == PAY;
    let mut proof = Vec::new();
    let verdict = if key.aws_managed() || matches!(key.state, "PendingDeletion" | "PendingImport") {
        "not_applicable"
    } else if last_used_at.is_some_and(|t| t >= since) {
        "in_use"
    } else if failed_uses > 0 {
        "attempted"
    } else if live_grants > 0 {
        "held_by_grant"
    } else if at(key.created) >= since {
        "too_new"
    } else if covered || known {
        proof = [(covered, "log"), (known, "last_usage")]
            .iter()
            .filter(|(is, _)| *is)
            .map(|(_, name)| *name)
            .collect();
        "unused"
    } else {
        "inconclusive"
    };
    KeyTruth {
        name: key.name,
        arn: key.arn(),
        verdict,
        proof,
        uses,
        service_uses,
        failed_uses,
        last_used_at,
        last_used_by: seen.map(|e| e.principal.clone()),
        live_grants,
        why: why(key),
    }
}

/// The reason for each verdict, in the words of the story.
fn why(key: &Key) -> &'static str {
    match (key.account, key.name) {
        (_, name) if name.starts_with("aws/") => "AWS managed, although busy",
        (_, "payments-orders") => "busy; disabled, scheduled for deletion, cancelled and enabled in one night",
        (_, "ledger-2025") => {
            "its alias moved away on 3 August, but old entries are still decrypted and were encrypted again from it"
        }
        (_, "ledger-2026") => "created in the window and used: use comes before youth",
        (_, "shared-exports") => "written by payments, read by analytics: those reads are in both logs and count once",
        (_, "trail-logs") => "only CloudTrail uses it, for itself",
        (_, "sessions") => "busy; named by id, by ARN, never by alias",
        (_, "sessions-replica") => "replicated before the window, never used in its Region; the primary is in use",
        (_, "code-signing") => "asymmetric; signs and verifies once a week",
        (_, "documents-eu") => "used through S3 and directly; its policy was replaced on 12 August",
        (_, "hr-archive") => "three attempts by report-intern, all denied",
        (_, "ebs-data") => "no call in the window, but the grant of an attached volume",
        (_, "feature-flags") => "rotation, reads, tags, dry runs: none of them is a use",
        (_, "vendor-exchange") => "nothing but EnableKeyRotation; its last use could not be read, the log suffices",
        (_, "reports-2024") => "disabled since spring, and nobody noticed",
        (_, "loyalty-pilot" | "lab-notebook") => "created in the window, not used yet",
        (_, "old-backup") => "pending deletion until 28 October, and a nightly job still asks for it",
        (_, "partner-import") => "pending import: there is no key material",
        (_, "warehouse" | "warehouse-eu") => "used through S3",
        (_, "tokens-hmac") => "HMAC; generates and verifies codes",
        (_, "tables") => "DynamoDB holds a grant given in the window and never used it",
        (_, "quarterly-close") => "used only while the trail was stopped: the log is silent, GetKeyLastUsage is not",
        (_, "legacy-archive") => "the log has a gap, and the key policy does not let anyone ask GetKeyLastUsage",
        (_, "sandbox") => "the log has a gap, but GetKeyLastUsage has tracked it since before the window",
        (_, "org-artifacts") => "its account keeps no log; GetKeyLastUsage names a use",
        (_, "org-recovery") => "its account keeps no log; GetKeyLastUsage names no use since before the window",
        _ => "",
    }
}

fn rights(scene: &Scene) -> Vec<RightTruth> {
    let root = |account: &str| format!("arn:aws:iam::{account}:root");
    let held: Vec<(String, &'static Key, &[&'static str], &'static str)> = vec![
        (KEY_ADMIN.arn(), &ORDERS, &CORE, "allowed"),
        (PAY_SECURITY.arn(), &ORDERS, &CORE, "allowed"),
        (
            KEY_MAINTENANCE.arn(),
            &ORDERS,
            &["ScheduleKeyDeletion", "EnableKey", "DisableKey"],
            "allowed",
        ),
        (ORDERS_API.arn(), &ORDERS, &["CreateGrant", "RevokeGrant"], "allowed"),
        (
            KEY_CUSTODIAN.arn(),
            &ORDERS,
            &["EnableKeyRotation", "DisableKeyRotation"],
            "allowed",
        ),
        (break_glass_arn(), &ORDERS, &CORE, "conditional"),
        (root(PAY), &ORDERS, &CORE, "allowed"),
        (KEY_ADMIN.arn(), &HR_ARCHIVE, &CORE, "allowed"),
        (PAY_SECURITY.arn(), &FEATURE_FLAGS, &CORE, "allowed"),
        (PAY_SECURITY.arn(), &DOCUMENTS_EU, &CORE, "allowed"),
        (KEY_ADMIN.arn(), &OLD_BACKUP, &CORE, "allowed"),
        (KEY_ADMIN.arn(), &LOYALTY_PILOT, &CORE, "allowed"),
        (
            KEY_CUSTODIAN.arn(),
            &VENDOR_EXCHANGE,
            &["EnableKeyRotation", "DisableKeyRotation"],
            "allowed",
        ),
        (DATA_SECURITY.arn(), &WAREHOUSE, &CORE, "allowed"),
        (WAREHOUSE_ETL.arn(), &TABLES, &["CreateGrant"], "conditional"),
        (ORG_ADMIN.arn(), &ORG_RECOVERY, &CORE, "allowed"),
    ];
    let (since, until) = window();
    let mut out = Vec::new();
    for (principal, key, actions, decision) in held {
        let custodian = principal == KEY_CUSTODIAN.arn();
        for action in actions {
            // The custodian of today is not the one who acted: same name, another id.
            let exercised = scene.ledger.entries().iter().filter(|e| {
                let is = e.key == key && e.operation == *action && e.principal == principal && !custodian;
                is && e.succeeded() && e.delivered() && e.time >= since && e.time < until
            });
            let exercised = exercised.count();
            let verdict = match exercised {
                0 if custodian || at(key.created) >= since => "too_new",
                0 if key.account != PAY => "unobservable",
                0 => "unexercised",
                _ => "exercised",
            };
            out.push(RightTruth {
                principal: principal.clone(),
                key_arn: key.arn(),
                key: key.name,
                action: format!("kms:{action}"),
                decision,
                verdict,
                exercised,
            });
        }
    }
    out
}
