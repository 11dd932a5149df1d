//! What people do beside keys' lives: custody, the trail that is stopped, grants, sign-ins.

use super::caller::break_glass;
use super::cast::*;
use super::entry::{BROWSER, CLI, chain, security, sso};
use super::event::Event;
use super::policies;
use super::scene::{Scene, access_key};
use crate::generator::instant::{at, text};
use crate::generator::rng::Rng;
use crate::generator::story;
use serde_json::{Value, json};

/// A custodian tags a key and turns rotation on; then the role is deleted, and one of the same name is created.
pub fn custodian(scene: &mut Scene) {
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

/// The trail of the analytics account is stopped for its bucket to be moved, and started again a day and a half later.
pub fn trail_stopped(scene: &mut Scene) {
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
pub fn grants(scene: &mut Scene) {
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

/// The grant id of something, fixed by its name.
pub fn grant_id(name: &str) -> String {
    Rng::named(&format!("grant {name}")).hex(64)
}

/// The emergency user signs in: once with a wrong password, once with the right one.
pub fn sign_ins(scene: &mut Scene) {
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
