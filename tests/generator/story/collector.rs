//! The last morning: the snapshot is collected, and the log goes on a little longer.

use super::caller::Session;
use super::cast::*;
use super::entry::CLI;
use super::event::Event;
use super::scene::{Scene, access_key, assume};
use crate::generator::rng::Rng;
use crate::generator::story;
use serde_json::json;

/// The collector reads the keys on the last morning; reading is no use. One key does not let it ask for its last use.
pub fn collectors(scene: &mut Scene) {
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
