//! Calls that do not succeed, and what each of them means.

use super::caller::Session;
use super::cast::*;
use super::entry::{CLI, security};
use super::event::Event;
use super::scene::Scene;
use crate::generator::instant::at;
use crate::generator::rng::Rng;
use serde_json::{Value, json};

/// Dry runs: they fail when they would have succeeded, and are neither use nor exercise of a right.
pub fn probes(scene: &mut Scene) {
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
pub fn denied(scene: &mut Scene) {
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
