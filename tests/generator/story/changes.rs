//! The lives of keys on single days: replica, alias swap, rotation, policy, deletion, creation.

use super::caller::{Caller, nobody};
use super::cast::*;
use super::entry::{CLI, key_admin, security};
use super::event::Event;
use super::scene::Scene;
use super::{collector, people, policies, refusals};
use crate::generator::instant::{at, text};
use crate::generator::rng::Rng;
use serde_json::{Value, json};

/// Plays every planned change.
pub fn play(scene: &mut Scene) {
    replica(scene);
    deletion_carried_out(scene);
    people::custodian(scene);
    ledger_key(scene);
    rotations(scene);
    documents_policy(scene);
    people::trail_stopped(scene);
    people::grants(scene);
    people::sign_ins(scene);
    refusals::probes(scene);
    refusals::denied(scene);
    pilot_keys(scene);
    backup_key(scene);
    collector::collectors(scene);
}

/// When `alias/payments-ledger` moved to the new key.
pub fn alias_swap() -> i64 {
    at("2026-08-03T09:12:37Z")
}

/// `keyMetadata` of a key being created.
fn metadata(key: &Key, state: &str) -> Value {
    json!({
        "aWSAccountId": key.account, "keyId": key.id(), "arn": key.arn(), "creationDate": text(at(key.created)),
        "enabled": state == "Enabled", "description": key.description, "keyUsage": key.usage, "keyState": state,
        "origin": "AWS_KMS", "keyManager": "CUSTOMER", "customerMasterKeySpec": key.spec, "keySpec": key.spec,
        "encryptionAlgorithms": ["SYMMETRIC_DEFAULT"], "multiRegion": key.multi_region(),
    })
}

fn create(scene: &mut Scene, key: &'static Key, who: &Caller) {
    let request = json!({
        "policy": policies::key(key), "description": key.description, "keyUsage": key.usage,
        "customerMasterKeySpec": key.spec, "keySpec": key.spec, "origin": "AWS_KMS", "multiRegion": false,
        "bypassPolicyLockoutSafetyCheck": false,
        "tags": [{"tagKey": "owner", "tagValue": key.owner}],
    });
    let answer = json!({"keyMetadata": metadata(key, "Enabled")});
    scene.admin_answering(at(key.created), "CreateKey", key, who, request, answer);
}

/// The order of `resources` differs: key first on creation, alias first when it moves or goes.
fn alias(scene: &mut Scene, t: i64, op: &'static str, alias: &str, key: &'static Key, who: &Caller) {
    let mut rng = Rng::named(&format!("alias {t} {op} {alias}"));
    let request = match op {
        "DeleteAlias" => json!({"aliasName": alias}),
        _ => json!({"aliasName": alias, "targetKeyId": key.id()}),
    };
    let event = Event::new(t, key.account, key.region, ("kms", op), who, &mut rng)
        .request(request)
        .response(json!({"keyId": key.arn()}))
        .mutating();
    let arn = key.alias_arn(alias);
    let event = match op {
        "CreateAlias" => event.on(key).resource(&arn, key.account, "AWS::KMS::Key"),
        _ => event.resource(&arn, key.account, "AWS::KMS::Key").on(key),
    };
    scene.play(event, &[key]);
}

fn service_event(scene: &mut Scene, t: i64, op: &'static str, key: &'static Key, details: Value) {
    let mut rng = Rng::named(&format!("service {t} {op} {}", key.name));
    let event = Event::new(t, key.account, key.region, ("kms", op), &nobody(key.account), &mut rng)
        .response(json!({"keyId": key.arn()}))
        .service_event(details)
        .on(key);
    scene.play(event, &[key]);
}

/// The session key gets a replica in Europe, which nobody uses.
fn replica(scene: &mut Scene) {
    let t = at(SESSIONS_REPLICA.created);
    let who = key_admin(scene, t);
    let request = json!({"keyId": SESSIONS.id(), "replicaRegion": EU, "bypassPolicyLockoutSafetyCheck": false,
        "description": SESSIONS_REPLICA.description});
    let mut replica = metadata(&SESSIONS_REPLICA, "Creating");
    replica["multiRegionConfiguration"] = json!({
        "multiRegionKeyType": "REPLICA",
        "primaryKey": {"arn": SESSIONS.arn(), "region": US},
        "replicaKeys": [{"arn": SESSIONS_REPLICA.arn(), "region": EU}],
    });
    let answer = json!({"replicaKeyMetadata": replica, "replicaPolicy": policies::key(&SESSIONS_REPLICA)});
    scene.admin_answering(t, "ReplicateKey", &SESSIONS, &who, request, answer);
    let made = json!({"keyMetadata": metadata(&SESSIONS_REPLICA, "Creating")});
    let request = json!({"policy": policies::key(&SESSIONS_REPLICA), "description": SESSIONS_REPLICA.description,
        "keyUsage": "ENCRYPT_DECRYPT", "keySpec": "SYMMETRIC_DEFAULT", "origin": "AWS_KMS", "multiRegion": true,
        "bypassPolicyLockoutSafetyCheck": false});
    scene.admin_answering(t + 1, "CreateKey", &SESSIONS_REPLICA, &who, request, made);
    alias(scene, t + 80, "CreateAlias", "alias/sessions", &SESSIONS_REPLICA, &who);
    let mut rng = Rng::named("synchronize");
    let event = Event::new(
        t + 4,
        PAY,
        US,
        ("kms", "SynchronizeMultiRegionKey"),
        &nobody(PAY),
        &mut rng,
    )
    .response(json!({"keyId": SESSIONS.arn()}))
    .mutating()
    .on(&SESSIONS);
    scene.play(event, &[&SESSIONS]);
}

/// A key is scheduled, not wanted by anyone, and deleted by KMS a week later.
fn deletion_carried_out(scene: &mut Scene) {
    let t = at("2026-07-14T09:30:12Z");
    let who = key_admin(scene, t);
    alias(
        scene,
        t - 20,
        "DeleteAlias",
        "alias/legacy-tokens",
        &LEGACY_TOKENS,
        &who,
    );
    schedule(scene, t, &LEGACY_TOKENS, &who, 7);
    service_event(
        scene,
        at("2026-07-21T20:14:48Z"),
        "DeleteKey",
        &LEGACY_TOKENS,
        json!({"keyId": LEGACY_TOKENS.id()}),
    );
}

/// `ScheduleKeyDeletion`.
pub fn schedule(scene: &mut Scene, t: i64, key: &'static Key, who: &Caller, days: i64) {
    let request = json!({"keyId": key.id(), "pendingWindowInDays": days});
    let answer = json!({"keyId": key.arn(), "keyState": "PendingDeletion", "deletionDate": text(t + days * 86_400),
        "pendingWindowInDays": days});
    scene.admin_answering(t, "ScheduleKeyDeletion", key, who, request, answer);
}

/// A new ledger key: the alias moves to it, and what the old key protects is encrypted again under both.
fn ledger_key(scene: &mut Scene) {
    let t = at(LEDGER_2026.created);
    let who = key_admin(scene, t);
    create(scene, &LEDGER_2026, &who);
    scene.admin(
        t + 95,
        "EnableKeyRotation",
        &LEDGER_2026,
        &who,
        json!({"keyId": LEDGER_2026.id(), "rotationPeriodInDays": 365}),
    );
    alias(
        scene,
        alias_swap(),
        "UpdateAlias",
        "alias/payments-ledger",
        &LEDGER_2026,
        &who,
    );
    for (day, calls) in [("2026-08-04T03:30:10Z", 6), ("2026-08-05T03:30:10Z", 5)] {
        for n in 0..calls {
            let t = at(day) + n * 7;
            let session = scene.workload(&LEDGER_WORKER, at(day) - 5, "ecs-tasks.amazonaws.com", US);
            let who = session.from("198.51.100.37", "aws-sdk-java/2.31.9 ledger-migration/1.4");
            let mut rng = Rng::named(&format!("reencrypt {t}"));
            let event = Event::new(t, PAY, US, ("kms", "ReEncrypt"), &who, &mut rng)
                .request(json!({
                    "sourceEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
                    "sourceEncryptionContext": {"ledger": "general"},
                    "destinationKeyId": "alias/payments-ledger",
                    "destinationEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
                    "destinationEncryptionContext": {"ledger": "general"},
                }))
                .on(&LEDGER_2025)
                .on(&LEDGER_2026);
            scene.play(event, &[&LEDGER_2025, &LEDGER_2026]);
        }
    }
    // Denied by alias alone: which key was meant depends on the day.
    for day in ["2026-07-30T15:20:41Z", "2026-08-07T15:22:09Z"] {
        let session = scene.workload(&REPORT_INTERN, at(day) - 20, "lambda.amazonaws.com", US);
        let who = session.from("198.51.100.58", CLI);
        let mut rng = Rng::named(&format!("by alias {day}"));
        let message = format!(
            "User: {} is not authorized to perform: kms:Encrypt on this resource because the resource does \
            not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access",
            session.arn()
        );
        let event = Event::new(at(day), PAY, US, ("kms", "Encrypt"), &who, &mut rng)
            .request(json!({"keyId": "alias/payments-ledger", "encryptionAlgorithm": "SYMMETRIC_DEFAULT"}))
            .fails("AccessDenied", &message);
        let key = if at(day) < alias_swap() {
            &LEDGER_2025
        } else {
            &LEDGER_2026
        };
        scene.play(event, &[key]);
    }
}

/// Keys that rotate by themselves: not a use.
fn rotations(scene: &mut Scene) {
    for (key, t) in [
        (&ORDERS, "2026-07-28T04:11:26Z"),
        (&FEATURE_FLAGS, "2026-09-03T01:47:53Z"),
    ] {
        let mut rng = Rng::named(t);
        service_event(
            scene,
            at(t),
            "RotateKey",
            key,
            json!({
                "rotationType": "AUTOMATIC", "keyOrigin": "AWS_KMS", "previousKeyMaterialId": rng.hex(64),
                "currentKeyMaterialId": rng.hex(64), "keyId": key.id(),
            }),
        );
    }
}

/// The policy of the documents key is replaced; the record holds it whole.
fn documents_policy(scene: &mut Scene) {
    let t = at("2026-08-12T08:40:19Z");
    let who = security(scene, t, &PAY_SECURITY);
    let request = json!({"keyId": DOCUMENTS_EU.id(), "policyName": "default", "policy": policies::key(&DOCUMENTS_EU),
        "bypassPolicyLockoutSafetyCheck": false});
    scene.admin_answering(t, "PutKeyPolicy", &DOCUMENTS_EU, &who, request, Value::Null);
}

/// Keys too young to judge.
fn pilot_keys(scene: &mut Scene) {
    let who = key_admin(scene, at(LOYALTY_PILOT.created));
    create(scene, &LOYALTY_PILOT, &who);
    alias(
        scene,
        at(LOYALTY_PILOT.created) + 7,
        "CreateAlias",
        "alias/loyalty-pilot",
        &LOYALTY_PILOT,
        &who,
    );
    let who = security(scene, at(LAB_NOTEBOOK.created), &DATA_SECURITY);
    create(scene, &LAB_NOTEBOOK, &who);
    alias(
        scene,
        at(LAB_NOTEBOOK.created) + 8,
        "CreateAlias",
        "alias/lab-notebook",
        &LAB_NOTEBOOK,
        &who,
    );
}

/// A key scheduled for deletion that a nightly job still wants. One day's object comes two days late.
fn backup_key(scene: &mut Scene) {
    let t = at("2026-09-28T15:02:44Z");
    let who = key_admin(scene, t);
    schedule(scene, t, &OLD_BACKUP, &who, 30);
    for day in ["2026-10-02T02:00:09Z", "2026-10-05T02:00:11Z"] {
        let t = at(day);
        let session = scene.workload(&BACKUP_JOB, t - 6, "lambda.amazonaws.com", US);
        let message = format!("{} is pending deletion.", OLD_BACKUP.arn());
        let context = json!({"backup": "weekly"});
        scene.refused(
            t,
            "Decrypt",
            &OLD_BACKUP,
            &session.from("198.51.100.71", CLI),
            ("KMSInvalidStateException", &message),
            context,
        );
    }
    let (from, to) = (at("2026-10-02T02:00:00Z"), at("2026-10-02T02:05:00Z"));
    for event in scene
        .events
        .iter_mut()
        .filter(|e| e.account == PAY && e.time >= from && e.time < to)
    {
        event.late = 2 * 86_400 + 1500;
    }
}
