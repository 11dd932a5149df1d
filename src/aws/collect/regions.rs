//! The Regions to ask: those the account has enabled, as it lists them; where it may not list them, all that are known are
//! tried one by one.

use std::sync::Arc;

use aws_sdk_account::Client;
use aws_sdk_account::types::RegionOptStatus;
use serde_json::Value;

use super::ask::{Pace, Refusal, ask};
use crate::snapshot::json;

/// Requests a second.
/// <https://docs.aws.amazon.com/accounts/latest/reference/quotas.html>
pub(super) const QUOTAS: &[(&str, u32)] = &[("ListRegions", 5)];

/// No partition has so many Regions; a list that goes on is a circle in the answers.
const PAGES_MAX: usize = 100;

/// Regions by partition.
/// <https://docs.aws.amazon.com/general/latest/gr/kms.html>
const REGIONS: [(&str, &[&str]); 3] = [
    (
        "aws",
        &[
            "us-east-1",
            "us-east-2",
            "us-west-1",
            "us-west-2",
            "af-south-1",
            "ap-east-1",
            "ap-east-2",
            "ap-northeast-1",
            "ap-northeast-2",
            "ap-northeast-3",
            "ap-south-1",
            "ap-south-2",
            "ap-southeast-1",
            "ap-southeast-2",
            "ap-southeast-3",
            "ap-southeast-4",
            "ap-southeast-5",
            "ap-southeast-6",
            "ap-southeast-7",
            "ca-central-1",
            "ca-west-1",
            "eu-central-1",
            "eu-central-2",
            "eu-north-1",
            "eu-south-1",
            "eu-south-2",
            "eu-west-1",
            "eu-west-2",
            "eu-west-3",
            "il-central-1",
            "me-central-1",
            "me-south-1",
            "mx-central-1",
            "sa-east-1",
        ],
    ),
    ("aws-cn", &["cn-north-1", "cn-northwest-1"]),
    ("aws-us-gov", &["us-gov-east-1", "us-gov-west-1"]),
];

/// The Regions that the account behind the client has enabled.
/// <https://docs.aws.amazon.com/accounts/latest/reference/API_ListRegions.html>
pub(super) async fn enabled(account: &Client, pace: &Arc<Pace>) -> Result<Vec<String>, Refusal> {
    let mut all: Vec<Value> = Vec::new();
    let mut token: Option<String> = None;
    for _ in 0..PAGES_MAX {
        let (page, raw) = ask!(
            pace,
            "ListRegions",
            account
                .list_regions()
                .max_results(50)
                .region_opt_status_contains(RegionOptStatus::Enabled)
                .region_opt_status_contains(RegionOptStatus::EnabledByDefault)
                // One on its way out still answers, and its keys are still there.
                .region_opt_status_contains(RegionOptStatus::Disabling)
                .set_next_token(token.clone())
        )
        .await?;
        all.extend(json::list(&raw, "Regions").iter().cloned());
        token = page.next_token;
        if token.is_none() {
            break;
        }
    }
    Ok(all
        .iter()
        .filter_map(|region| json::text(region, "RegionName"))
        .collect())
}

/// The Regions of a partition; at least the one the caller is in.
pub(super) fn of(partition: &str, caller: &str) -> Vec<String> {
    let known = REGIONS
        .iter()
        .find(|(name, _)| *name == partition)
        .map_or(&[][..], |(_, regions)| *regions);
    let mut all: Vec<String> = known.iter().map(|region| (*region).to_owned()).collect();
    if !all.iter().any(|region| region == caller) {
        all.push(caller.to_owned());
    }
    all
}

/// The error codes with which a Region answers that an account has not enabled.
pub(super) const NOT_ENABLED: [&str; 5] = [
    "UnrecognizedClientException",
    "InvalidClientTokenId",
    "OptInRequired",
    "AuthFailure",
    "InvalidSignatureException",
];
