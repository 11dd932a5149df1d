//! Trails as one account sees them in one Region, with their status and selectors.

use std::sync::Arc;

use aws_sdk_cloudtrail::Client;

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

/// The trails that deliver for an account from a Region: its own, and those of other Regions and of the organization.
pub(super) async fn read(cloudtrail: &Client, pace: &Arc<Pace>, place: &Place) -> Result<Bundle, Refusal> {
    let (_, raw) = ask!(
        pace,
        "DescribeTrails",
        cloudtrail.describe_trails().include_shadow_trails(true)
    )
    .await?;
    let mut bundle = Bundle::default();
    for trail in json::list(&raw, "trailList") {
        let Some(arn) = json::text(trail, "TrailARN") else {
            continue;
        };
        // A trail of another Region is read where it is at home; the caller drops it here if it was.
        let status = ask!(pace, "GetTrailStatus", cloudtrail.get_trail_status().name(&arn)).await;
        let selectors = ask!(
            pace,
            "GetEventSelectors",
            cloudtrail.get_event_selectors().trail_name(&arn)
        )
        .await;
        let mut failed = |operation: &str, refusal: Refusal| {
            bundle
                .failures
                .push(failure(place, CLOUDTRAIL, operation, Some(&arn), refusal));
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
            account_id: place.account_id.clone(),
            raw,
        });
    }
    Ok(bundle)
}
