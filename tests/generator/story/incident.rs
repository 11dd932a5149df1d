//! The night of 15 September 2026: from a person to the deletion of the key behind every order, and back.

use super::caller::Session;
use super::cast::*;
use super::changes::schedule;
use super::entry::{BROWSER, CLI, chain, sso};
use super::event::Event;
use super::scene::{Scene, access_key, assume};
use crate::generator::instant::at;
use crate::generator::rng::Rng;
use serde_json::{Value, json};

/// The command line of whoever used the stolen session.
const STRANGER: &str =
    "aws-cli/2.17.9 md/awscrt#0.20.11 ua/2.0 os/linux#6.6.9-amd64 md/arch#x86_64 lang/python#3.11.8 md/pyimpl#CPython";
const ADDRESS: &str = "192.0.2.77";

/// When the key was disabled.
pub fn disabled() -> i64 {
    at("2026-09-15T02:31:07Z")
}

/// When it was scheduled for deletion.
pub fn scheduled() -> i64 {
    at("2026-09-15T02:33:52Z")
}

/// When its deletion was cancelled; it was enabled 41 seconds later.
pub fn cancelled() -> i64 {
    at("2026-09-15T06:52:20Z")
}

/// Plays the night.
pub fn play(scene: &mut Scene) {
    let maintenance = way_in(scene);
    let who = maintenance.from(ADDRESS, STRANGER);
    look_around(scene, &maintenance);
    blind_the_trail(scene, &maintenance);
    scene.admin(disabled(), "DisableKey", &ORDERS, &who, json!({"keyId": ORDERS.id()}));
    schedule(scene, scheduled(), &ORDERS, &who, 7);
    what_broke(scene);
    way_back(scene);
}

/// Identity Center, then automation, then maintenance in the other account: three credentials, one person.
fn way_in(scene: &mut Scene) -> Session {
    // The person's own day: from the office, in a browser. The night's session comes from elsewhere.
    sso(
        scene,
        at("2026-09-14T09:12:08Z"),
        &DATA_PLATFORM,
        "rroe@example.com",
        "203.0.113.31",
        BROWSER,
    );
    let t = at("2026-09-15T02:14:26Z");
    let person = sso(scene, t, &DATA_PLATFORM, "rroe@example.com", ADDRESS, STRANGER);
    let caller = person.from(ADDRESS, STRANGER);
    let mut rng = Rng::named("way in");
    scene.tell(Event::new(
        t + 21,
        DATA,
        US,
        ("sts", "GetCallerIdentity"),
        &caller,
        &mut rng,
    ));
    let automation = chain(scene, t + 160, &caller, &BUILD_AUTOMATION, "build-8842");
    let caller = automation.from(ADDRESS, STRANGER);

    let session = Session {
        role: &KEY_MAINTENANCE,
        name: "nightly-rotation".to_owned(),
        key: access_key(&mut rng),
        since: t + 402,
        instance: false,
    };
    let shared = rng.uuid();
    let owner = assume(t + 402, PAY, US, &automation.abroad(&caller), &session, 3600, &mut rng).shared(&shared);
    let copy = owner.copy_for(DATA, &caller, &mut rng);
    scene.tell(owner);
    scene.tell(copy);
    session
}

fn look_around(scene: &mut Scene, session: &Session) {
    let who = session.from(ADDRESS, STRANGER);
    let mut rng = Rng::named("look around");
    let t = session.since + 120;
    scene.tell(Event::new(t, PAY, US, ("sts", "GetCallerIdentity"), &who, &mut rng));
    scene.tell(Event::new(t + 14, PAY, US, ("kms", "ListAliases"), &who, &mut rng).request(json!({"limit": 100})));
    scene.tell(
        Event::new(t + 40, PAY, US, ("cloudtrail", "DescribeTrails"), &who, &mut rng)
            .request(json!({"trailNameList": [], "includeShadowTrails": true})),
    );
    let event = Event::new(t + 71, PAY, US, ("kms", "DescribeKey"), &who, &mut rng);
    scene.play(
        event.request(json!({"keyId": "alias/payments-orders"})).on(&ORDERS),
        &[&ORDERS],
    );
}

/// An attempt to leave KMS out of the trail, which the organization forbids.
fn blind_the_trail(scene: &mut Scene, session: &Session) {
    let trail = format!("arn:aws:cloudtrail:{US}:{PAY}:trail/payments-trail");
    let mut rng = Rng::named("blind");
    let message = format!(
        "User: {} is not authorized to perform: cloudtrail:PutEventSelectors on resource: {trail} with an explicit \
        deny in a service control policy",
        session.arn()
    );
    let event = Event::new(disabled() - 198, PAY, US, ("cloudtrail", "PutEventSelectors"), &session.from(ADDRESS, STRANGER), &mut rng)
        .request(json!({"trailName": "payments-trail", "eventSelectors": [{"readWriteType": "All",
            "includeManagementEvents": true, "dataResources": [], "excludeManagementEventSources": ["kms.amazonaws.com"]}]}))
        .mutating()
        .fails("AccessDenied", &message);
    scene.tell(event);
}

/// Orders cannot be read any more: first the key is disabled, then it is pending deletion.
fn what_broke(scene: &mut Scene) {
    let context = json!({"service": "orders", "table": "orders-2026"});
    let arn = ORDERS.arn();
    let disabled_says = format!("{arn} is disabled.");
    let pending_says = format!("{arn} is pending deletion.");
    let start = disabled();
    for after in [38, 71, 139, 166, 1_105, 3_480, 7_260, 11_020, 14_730] {
        let t = start + after;
        let session = scene.workload(&ORDERS_API, t - 1, "ec2.amazonaws.com", US);
        let who = session.from("198.51.100.22", "aws-sdk-java/2.31.9 orders-api/7.2");
        let error = if t < scheduled() {
            ("DisabledException", &disabled_says)
        } else {
            ("KMSInvalidStateException", &pending_says)
        };
        scene.refused(t, "Decrypt", &ORDERS, &who, (error.0, error.1), context.clone());
    }
    let t = start + 5_405;
    let session = scene.workload(&SETTLEMENT_BATCH, t - 4, "ecs-tasks.amazonaws.com", US);
    let who = session.from("198.51.100.63", CLI);
    scene.refused(
        t,
        "GenerateDataKey",
        &ORDERS,
        &who,
        ("KMSInvalidStateException", &pending_says),
        context,
    );
}

/// Somebody else cancels, enables, and orders flow again.
fn way_back(scene: &mut Scene) {
    let t = cancelled();
    let person = sso(
        scene,
        t - 380,
        &PAY_SECURITY,
        "mmajor@example.com",
        "203.0.113.24",
        BROWSER,
    );
    let who = person.from("203.0.113.24", CLI);
    let mut rng = Rng::named("way back");
    let event = Event::new(t - 95, PAY, US, ("kms", "DescribeKey"), &who, &mut rng);
    scene.play(event.request(json!({"keyId": ORDERS.id()})).on(&ORDERS), &[&ORDERS]);
    scene.admin(t, "CancelKeyDeletion", &ORDERS, &who, json!({"keyId": ORDERS.id()}));
    scene.admin(t + 41, "EnableKey", &ORDERS, &who, json!({"keyId": ORDERS.id()}));
    let session = scene.workload(&ORDERS_API, t + 60, "ec2.amazonaws.com", US);
    let orders = session.from("198.51.100.22", "aws-sdk-java/2.31.9 orders-api/7.2");
    for n in 0..3 {
        scene.crypto(
            t + 74 + n * 9,
            "Decrypt",
            &ORDERS,
            &orders,
            "",
            json!({"service": "orders", "table": "orders-2026"}),
        );
    }
    let event = Event::new(t + 600, PAY, US, ("iam", "ListRoles"), &who, &mut rng);
    scene.tell(event.request(Value::Null));
}
