//! What people and AWS did to keys on single days: creation, alias swap, grants, rotation, policies, deletion, probes, and
//! the trail that was stopped.

use super::caller::{Caller, Session, break_glass, nobody, saml};
use super::cast::*;
use super::event::Event;
use super::policies;
use super::scene::{Scene, access_key, assume, issued};
use crate::generator::instant::{at, text};
use crate::generator::rng::Rng;
use crate::generator::story;
use serde_json::{Value, json};

/// The browser of people in the office.
pub const BROWSER: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
/// The command line of people in the office.
pub const CLI: &str = "aws-cli/2.31.2 md/awscrt#0.27.6 ua/2.1 os/macos#24.6.0 md/arch#arm64 lang/python#3.13.7 md/pyimpl#CPython cfg/retry-mode#standard";
/// The qualifier Identity Center's SAML assertions carry.
pub const QUALIFIER: &str = "ExampleQualifier0L1jEvs=";

/// When `alias/payments-ledger` moved to the new key.
pub fn alias_swap() -> i64 {
    at("2026-08-03T09:12:37Z")
}

/// The grant id of something, fixed by its name.
pub fn grant_id(name: &str) -> String {
    Rng::named(&format!("grant {name}")).hex(64)
}

/// A person signs in through Identity Center and takes a role of an account.
pub fn sso(scene: &mut Scene, t: i64, role: &'static Role, person: &str, ip: &str, agent: &str) -> Session {
    let mut rng = Rng::named(&format!("sso {t} {} {person}", role.name));
    let session = Session {
        role,
        name: person.to_owned(),
        key: access_key(&mut rng),
        since: t,
        instance: false,
    };
    let provider = format!(
        "arn:aws:iam::{}:saml-provider/AWSSSO_0123456789abcdef_DO_NOT_DELETE",
        role.account
    );
    let mut answer = issued(t, &session, 3600, &mut rng);
    for (name, value) in [
        ("subject", person),
        ("subjectType", "persistent"),
        ("issuer", "https://identity.example.com/saml/assertion"),
        ("audience", "https://signin.aws.amazon.com/saml"),
        ("nameQualifier", QUALIFIER),
    ] {
        answer[name] = json!(value);
    }
    let who = saml(person, QUALIFIER, ip, agent);
    let event = Event::new(t, role.account, US, ("sts", "AssumeRoleWithSAML"), &who, &mut rng)
        .request(json!({
            "sAMLAssertionID": format!("_{}", rng.uuid()),
            "roleSessionName": person,
            "durationSeconds": 3600,
            "roleArn": role.arn(),
            "principalArn": provider,
        }))
        .response(answer)
        .resource(&role.arn(), role.account, "AWS::IAM::Role")
        .resource(&provider, role.account, "AWS::IAM::SAMLProvider");
    scene.tell(event);
    session
}

/// A session takes another role of the same account.
pub fn chain(scene: &mut Scene, t: i64, from: &Caller, role: &'static Role, name: &str) -> Session {
    let mut rng = Rng::named(&format!("chain {t} {} {name}", role.name));
    let session = Session {
        role,
        name: name.to_owned(),
        key: access_key(&mut rng),
        since: t,
        instance: false,
    };
    scene.tell(assume(t, role.account, US, from, &session, 3600, &mut rng));
    session
}

/// Plays every planned change.
pub fn play(scene: &mut Scene) {
    replica(scene);
    deletion_carried_out(scene);
    custodian(scene);
    ledger_key(scene);
    rotations(scene);
    documents_policy(scene);
    trail_stopped(scene);
    grants(scene);
    sign_ins(scene);
    probes(scene);
    denied(scene);
    pilot_keys(scene);
    backup_key(scene);
    collectors(scene);
}

/// The key administrator at work: a session taken from the security role of the payments account.
fn key_admin(scene: &mut Scene, t: i64) -> Caller {
    let person = sso(
        scene,
        t - 90,
        &PAY_SECURITY,
        "mmajor@example.com",
        "203.0.113.24",
        BROWSER,
    );
    chain(scene, t - 30, &person.from("203.0.113.24", CLI), &KEY_ADMIN, "mmajor").from("203.0.113.24", CLI)
}

/// The security engineer of an account, without a further role.
fn security(scene: &mut Scene, t: i64, role: &'static Role) -> Caller {
    sso(scene, t - 45, role, "mmajor@example.com", "203.0.113.24", BROWSER).from("203.0.113.24", CLI)
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

/// A custodian tags a key and turns rotation on; then the role is deleted, and one of the same name is created.
fn custodian(scene: &mut Scene) {
    let t = at("2026-07-20T10:04:00Z");
    let person = sso(
        scene,
        t - 120,
        &PAY_SECURITY,
        "rroe@example.com",
        "203.0.113.31",
        BROWSER,
    );
    let old = chain(
        scene,
        t - 60,
        &person.from("203.0.113.31", CLI),
        &KEY_CUSTODIAN_OLD,
        "rroe",
    );
    let who = old.from("203.0.113.31", CLI);
    let tags = json!({"keyId": FEATURE_FLAGS.id(), "tags": [{"tagKey": "owner", "tagValue": "web"}]});
    scene.admin(t, "TagResource", &FEATURE_FLAGS, &who, tags);
    scene.admin(
        t + 40,
        "EnableKeyRotation",
        &VENDOR_EXCHANGE,
        &who,
        json!({"keyId": VENDOR_EXCHANGE.id(), "rotationPeriodInDays": 365}),
    );

    let t = at("2026-08-10T13:02:05Z");
    let who = security(scene, t, &PAY_SECURITY);
    let mut rng = Rng::named("custodian");
    let name = KEY_CUSTODIAN.name;
    let steps = [
        (
            0,
            "DeleteRolePolicy",
            json!({"roleName": name, "policyName": "custody"}),
            Value::Null,
        ),
        (9, "DeleteRole", json!({"roleName": name}), Value::Null),
        (
            156,
            "CreateRole",
            json!({"roleName": name, "path": "/", "maxSessionDuration": 3600,
                "assumeRolePolicyDocument": policies::text(&policies::trust_account(PAY))}),
            json!({"role": {"path": "/", "roleName": name, "roleId": KEY_CUSTODIAN.id(), "arn": KEY_CUSTODIAN.arn(),
                "createDate": text(at(KEY_CUSTODIAN.created))}}),
        ),
        (
            170,
            "PutRolePolicy",
            json!({"roleName": name, "policyName": "custody", "policyDocument": policies::text(&policies::custody())}),
            Value::Null,
        ),
    ];
    for (after, call, request, answer) in steps {
        let event = Event::new(t + after, PAY, US, ("iam", call), &who, &mut rng);
        scene.tell(event.request(request).response(answer).mutating());
    }
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

/// The trail of the analytics account is stopped for its bucket to be moved, and started again a day and a half later.
fn trail_stopped(scene: &mut Scene) {
    let (stop, start) = story::silence();
    let arn = format!("arn:aws:cloudtrail:{US}:{DATA}:trail/analytics-trail");
    for (t, call) in [(stop, "StopLogging"), (start, "StartLogging")] {
        let person = sso(
            scene,
            t - 70,
            &DATA_PLATFORM,
            "jdoe@example.com",
            "203.0.113.40",
            BROWSER,
        );
        let who =
            chain(scene, t - 25, &person.from("203.0.113.40", CLI), &TRAIL_ADMIN, "jdoe").from("203.0.113.40", CLI);
        let mut rng = Rng::named(call);
        let event = Event::new(t, DATA, US, ("cloudtrail", call), &who, &mut rng);
        scene.tell(event.request(json!({"name": arn})).mutating());
    }
    // What nobody could read in the log afterwards: the quarter is closed while the trail is silent.
    let t = at("2026-08-19T14:02:33Z");
    let who = scene
        .workload(&REPORT_READER, t - 5, "lambda.amazonaws.com", US)
        .from("198.51.100.41", CLI);
    for n in 0..3 {
        scene.crypto(
            t + n * 11,
            "Decrypt",
            &QUARTERLY_CLOSE,
            &who,
            "",
            json!({"quarter": "2026-2"}),
        );
    }
}

/// Grants given and taken.
fn grants(scene: &mut Scene) {
    // A batch may decrypt for one night, and gives the right back itself: no parameters, only an id beside them.
    let t = at("2026-08-22T20:10:02Z");
    let who = scene
        .workload(&ORDERS_API, t - 9, "ec2.amazonaws.com", US)
        .from("198.51.100.22", CLI);
    let id = grant_id("settlement");
    let request = json!({"keyId": ORDERS.arn(), "granteePrincipal": SETTLEMENT_BATCH.arn(),
        "retiringPrincipal": SETTLEMENT_BATCH.arn(), "operations": ["Decrypt", "RetireGrant"],
        "constraints": {"encryptionContextSubset": {"service": "orders"}}});
    scene.admin_answering(
        t,
        "CreateGrant",
        &ORDERS,
        &who,
        request,
        json!({"grantId": id, "keyId": ORDERS.arn()}),
    );
    let batch = scene
        .workload(&SETTLEMENT_BATCH, t + 90, "ecs-tasks.amazonaws.com", US)
        .from("198.51.100.63", CLI);
    scene.crypto(
        t + 120,
        "Decrypt",
        &ORDERS,
        &batch,
        "",
        json!({"service": "orders", "table": "orders-2026"}),
    );
    let mut rng = Rng::named("retire");
    let event = Event::new(t + 190, PAY, US, ("kms", "RetireGrant"), &batch, &mut rng)
        .response(json!({"keyId": ORDERS.arn()}))
        .additional(json!({"grantId": id}))
        .mutating()
        .on(&ORDERS);
    scene.play(event, &[&ORDERS]);

    // DynamoDB takes a grant for a table which then is never opened.
    let t = at("2026-08-25T11:15:46Z");
    let session = scene.workload(&WAREHOUSE_ETL, t - 12, "glue.amazonaws.com", US);
    let service = "dynamodb.us-east-1.amazonaws.com";
    let request = json!({"keyId": TABLES.arn(), "granteePrincipal": service, "retiringPrincipal": service,
        "operations": policies::TABLE_OPERATIONS, "constraints": {"encryptionContextSubset": {
            "aws:dynamodb:tableName": "experiments", "aws:dynamodb:subscriberId": DATA}}});
    let answer = json!({"grantId": grant_id("tables"), "keyId": TABLES.arn()});
    scene.admin_answering(
        t,
        "CreateGrant",
        &TABLES,
        &session.via("dynamodb.amazonaws.com"),
        request,
        answer,
    );
}

/// The emergency user signs in: once with a wrong password, once with the right one.
fn sign_ins(scene: &mut Scene) {
    let t = at("2026-09-02T07:55:30Z");
    let mut rng = Rng::named("sign-in");
    let who = break_glass("203.0.113.24", BROWSER);
    let beside = json!({"LoginTo": "https://console.aws.amazon.com/console/home", "MobileVersion": "No", "MFAUsed": "Yes",
        "MFAIdentifier": format!("arn:aws:iam::{PAY}:mfa/break-glass")});
    let mut failed = who.clone();
    failed.identity["accessKeyId"] = json!("");
    let event = Event::new(t, PAY, US, ("signin", "ConsoleLogin"), &failed, &mut rng)
        .fails("", "Failed authentication")
        .response(json!({"ConsoleLogin": "Failure"}))
        .additional(
            json!({"LoginTo": "https://console.aws.amazon.com/console/home", "MobileVersion": "No", "MFAUsed": "No"}),
        );
    scene.tell(event.sign_in());
    let event = Event::new(t + 31, PAY, US, ("signin", "ConsoleLogin"), &who, &mut rng)
        .response(json!({"ConsoleLogin": "Success"}))
        .additional(beside);
    scene.tell(event.sign_in());
    let mut console = who;
    console.console = true;
    console.identity["accessKeyId"] = json!(access_key(&mut rng));
    console.identity["sessionContext"] =
        json!({"attributes": {"creationDate": "2026-09-02T07:56:01Z", "mfaAuthenticated": "true"}});
    let event = Event::new(t + 58, PAY, US, ("kms", "ListAliases"), &console, &mut rng);
    scene.tell(event.request(json!({"limit": 100})));
    let event = Event::new(t + 63, PAY, US, ("kms", "DescribeKey"), &console, &mut rng);
    scene.play(
        event.request(json!({"keyId": FEATURE_FLAGS.id()})).on(&FEATURE_FLAGS),
        &[&FEATURE_FLAGS],
    );
}

/// Dry runs: they fail when they would have succeeded, and are neither use nor exercise of a right.
fn probes(scene: &mut Scene) {
    let t = at("2026-09-10T10:31:00Z");
    let who = security(scene, t, &PAY_SECURITY);
    let says = (
        "DryRunOperationException",
        "The request would have succeeded, but the DryRun option is set.",
    );
    scene.refused(t, "Encrypt", &FEATURE_FLAGS, &who, says, Value::Null);
    scene.refused(t + 6, "Decrypt", &FEATURE_FLAGS, &who, says, Value::Null);
    let mut rng = Rng::named("dry grant");
    let event = Event::new(t + 12, PAY, US, ("kms", "CreateGrant"), &who, &mut rng)
        .request(json!({"keyId": FEATURE_FLAGS.arn(), "granteePrincipal": ORDERS_API.arn(), "operations": ["Decrypt"], "dryRun": true}))
        .mutating()
        .on(&FEATURE_FLAGS)
        .fails(says.0, says.1);
    scene.play(event, &[&FEATURE_FLAGS]);
}

/// Attempts that were refused.
fn denied(scene: &mut Scene) {
    let denial = |session: &Session, action: &str, key: &Key| {
        format!(
            "User: {} is not authorized to perform: {action} on resource: {} because no resource-based policy allows the {action} action",
            session.arn(),
            key.arn()
        )
    };
    for day in ["2026-07-22T13:40:05Z", "2026-08-27T13:41:17Z", "2026-09-24T13:39:52Z"] {
        let t = at(day);
        let session = scene.workload(&REPORT_INTERN, t - 20, "lambda.amazonaws.com", US);
        let who = session.from("198.51.100.58", CLI);
        let message = denial(&session, "kms:Decrypt", &HR_ARCHIVE);
        scene.refused(t, "Decrypt", &HR_ARCHIVE, &who, ("AccessDenied", &message), Value::Null);
    }
    let t = at("2026-09-24T13:40:31Z");
    let session = scene.workload(&REPORT_INTERN, t - 60, "lambda.amazonaws.com", US);
    let mut rng = Rng::named("denied policy");
    let event = Event::new(
        t,
        PAY,
        US,
        ("kms", "PutKeyPolicy"),
        &session.from("198.51.100.58", CLI),
        &mut rng,
    )
    .request(json!({"keyId": HR_ARCHIVE.id(), "policyName": "default"}))
    .mutating()
    .on(&HR_ARCHIVE)
    .fails("AccessDenied", &denial(&session, "kms:PutKeyPolicy", &HR_ARCHIVE));
    scene.play(event, &[&HR_ARCHIVE]);

    // Refused across accounts: only the caller's log has it, and it names no resource.
    let t = at("2026-09-08T16:05:12Z");
    let session = scene.workload(&NOTEBOOK_USER, t - 30, "ec2.amazonaws.com", US);
    let message = format!(
        "User: {} is not authorized to perform: kms:Decrypt on this resource because the resource does not exist in \
        this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access",
        session.arn()
    );
    let mut rng = Rng::named("denied abroad");
    let event = Event::new(
        t,
        DATA,
        US,
        ("kms", "Decrypt"),
        &session.from("198.51.100.29", CLI),
        &mut rng,
    )
    .fails("AccessDenied", &message);
    scene.tell(event);
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

/// The collector reads the keys on the last morning; reading is no use. One key does not let it ask for its last use.
fn collectors(scene: &mut Scene) {
    let agent = "keytrail/0.1.0 aws-sdk-rust/1.3.9 os/linux lang/rust/1.95.0";
    for (role, from) in [
        (&PAY_COLLECTOR, story::as_of() - 1180),
        (&DATA_COLLECTOR, story::as_of() - 880),
    ] {
        let mut rng = Rng::named(&format!("collector {}", role.account));
        let session = Session {
            role,
            name: "keytrail".to_owned(),
            key: access_key(&mut rng),
            since: from,
            instance: false,
        };
        let home = Session {
            role: &ORG_COLLECTOR,
            name: "keytrail".to_owned(),
            key: access_key(&mut rng),
            since: from,
            instance: false,
        };
        let who = home.from("203.0.113.90", agent);
        let shared = rng.uuid();
        scene.tell(assume(from, role.account, US, &home.abroad(&who), &session, 3600, &mut rng).shared(&shared));
        let who = session.from("203.0.113.90", agent);
        let mut t = from;
        for region in [US, EU] {
            let event = Event::new(t + 2, role.account, region, ("kms", "ListKeys"), &who, &mut rng);
            scene.tell(event.request(json!({"limit": 1000})));
            let event = Event::new(t + 2, role.account, region, ("kms", "ListAliases"), &who, &mut rng);
            scene.tell(event.request(json!({"limit": 100})));
            for key in KEYS
                .iter()
                .filter(|k| k.account == role.account && k.region == region && k.state != "gone")
            {
                t += 3;
                for call in ["DescribeKey", "GetKeyPolicy", "ListGrants", "GetKeyLastUsage"] {
                    if key.aws_managed() && call == "GetKeyLastUsage" {
                        continue;
                    }
                    let event = Event::new(t, role.account, region, ("kms", call), &who, &mut rng)
                        .request(match call {
                            "GetKeyPolicy" => json!({"keyId": key.id(), "policyName": "default"}),
                            _ => json!({"keyId": key.id()}),
                        })
                        .on(key);
                    let event = if call == "GetKeyLastUsage" && key.name == LEGACY_ARCHIVE.name {
                        event.fails(
                            "AccessDenied",
                            &format!(
                                "User: {} is not authorized to perform: kms:GetKeyLastUsage on resource: {} \
                            because no resource-based policy allows the kms:GetKeyLastUsage action",
                                session.arn(),
                                key.arn()
                            ),
                        )
                    } else {
                        event
                    };
                    scene.play(event, &[key]);
                }
            }
        }
    }
    // A few records after the snapshot, so that the log reaches past it.
    for (account, role) in [(PAY, &ORDERS_API), (DATA, &WAREHOUSE_ETL)] {
        for region in [US, EU] {
            let t = story::as_of() + 371;
            let who = scene
                .workload(role, t - 8, "ec2.amazonaws.com", region)
                .from("198.51.100.22", CLI);
            let mut rng = Rng::named(&format!("after {account} {region}"));
            scene.tell(Event::new(
                t,
                account,
                region,
                ("sts", "GetCallerIdentity"),
                &who,
                &mut rng,
            ));
        }
    }
}
