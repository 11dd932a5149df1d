//! Trails as one account sees them in one Region, with their status and selectors.

use std::sync::Arc;

use aws_sdk_cloudtrail::Client;
use serde_json::Value;

use super::ask::{Pace, Refusal, ask};
use super::{Place, failure};
use crate::snapshot::bundle::{Bundle, Trail};
use crate::snapshot::json;
use crate::snapshot::scope::CLOUDTRAIL;

/// Requests a second.
/// <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/WhatIsCloudTrail-Limits.html>
pub(super) const QUOTAS: &[(&str, u32)] = &[
    ("DescribeTrails", 10),
    ("GetTrailStatus", 10),
    ("GetEventSelectors", 10),
];

/// Trails of one account.
pub(super) struct Trails<'c> {
    /// A client of a Region, with the credentials of the account.
    pub(super) client: &'c (dyn Fn(&str) -> Client + Send + Sync),
    /// How fast to ask.
    pub(super) pace: Arc<Pace>,
    /// The account and Region.
    pub(super) place: &'c Place,
}

/// Whether a trail was asked about, and not only seen.
pub(super) fn is_read(trail: &Trail) -> bool {
    ["Status", "EventSelectors", "AdvancedEventSelectors"]
        .iter()
        .any(|part| trail.raw.get(part).is_some())
}

/// Where a trail is at home.
pub(super) fn home(trail: &Value) -> Option<String> {
    json::text(trail, "HomeRegion")
}

impl Trails<'_> {
    /// The trails that deliver for the account from here: those at home here with status and selectors, the others by name.
    ///
    /// A trail for all Regions, or of the organization, is seen in each Region as a shadow of the one in its home Region,
    /// which alone is sure to know the trail's status and selectors.
    pub(super) async fn read(&self) -> Result<Bundle, Refusal> {
        let here = (self.client)(&self.place.region);
        let (_, raw) = ask!(
            self.pace,
            "DescribeTrails",
            here.describe_trails().include_shadow_trails(true)
        )
        .await?;
        let mut bundle = Bundle::default();
        for trail in json::list(&raw, "trailList") {
            let Some(arn) = json::text(trail, "TrailARN") else {
                continue;
            };
            if home(trail).is_none_or(|home| home == self.place.region) {
                self.one(&here, trail, &arn, &mut bundle).await;
            } else {
                bundle.trails.push(Trail {
                    account_id: self.place.account_id.clone(),
                    raw: json::object([("Trail", Some(trail.clone()))]),
                });
            }
        }
        Ok(bundle)
    }

    /// Trails that were seen and are at home where nobody looked.
    pub(super) async fn shadows(&self, seen: &[(String, Value)]) -> Bundle {
        let mut bundle = Bundle::default();
        for (arn, trail) in seen {
            let home = home(trail).unwrap_or_default();
            self.one(&(self.client)(&home), trail, arn, &mut bundle).await;
        }
        bundle
    }

    async fn one(&self, cloudtrail: &Client, trail: &Value, arn: &str, bundle: &mut Bundle) {
        let status = ask!(self.pace, "GetTrailStatus", cloudtrail.get_trail_status().name(arn)).await;
        let selectors = ask!(
            self.pace,
            "GetEventSelectors",
            cloudtrail.get_event_selectors().trail_name(arn)
        )
        .await;
        let mut failed = |operation: &str, refusal: Refusal| {
            bundle
                .failures
                .push(failure(self.place, CLOUDTRAIL, operation, Some(arn), refusal));
            None
        };
        let status = status
            .map(|(_, raw)| Some(raw))
            .unwrap_or_else(|refusal| failed("GetTrailStatus", refusal));
        let selectors = selectors
            .map(|(_, raw)| Some(raw))
            .unwrap_or_else(|refusal| failed("GetEventSelectors", refusal));
        let part = |name: &str| {
            selectors
                .as_ref()
                .and_then(|raw| raw.get(name))
                .filter(|part| !part.is_null())
                .cloned()
        };
        let raw = json::object([
            ("Trail", Some(trail.clone())),
            ("Status", status),
            ("EventSelectors", part("EventSelectors")),
            ("AdvancedEventSelectors", part("AdvancedEventSelectors")),
        ]);
        bundle.trails.push(Trail {
            account_id: self.place.account_id.clone(),
            raw,
        });
    }
}
