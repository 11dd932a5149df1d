//! Trails as rows.

use serde_json::Value;

use super::{Draft, Rows, filled};
use crate::snapshot::bundle::{Bundle, Trail};
use crate::snapshot::tables::{self, TRAILS};
use crate::snapshot::{json, trails};

pub(super) fn write(bundle: &Bundle, rows: &mut Rows) {
    for held in &bundle.trails {
        let none = Value::Null;
        let trail = held.raw.get("Trail").unwrap_or(&none);
        let status = held.raw.get("Status").unwrap_or(&none);
        let arn = json::any_text(trail, &["TrailARN", "TrailArn"]);
        let delivery = trails::delivery(&held.raw);
        let flag = |name: &str| json::flag(trail, name);
        let home = json::text(trail, "HomeRegion").or_else(|| arn.as_deref().and_then(json::region_of));
        let row = Draft::of(&TRAILS)
            .set("account_id", filled(&held.account_id))
            .set("region", home.clone())
            .set("trail_arn", arn.clone())
            .set("name", json::text(trail, "Name"))
            .set("trail_account_id", arn.as_deref().and_then(json::account_of))
            .set("home_region", home)
            .set("s3_bucket_name", json::text(trail, "S3BucketName"))
            .set("s3_key_prefix", json::text(trail, "S3KeyPrefix"))
            .set("is_multi_region", flag("IsMultiRegionTrail"))
            .set("is_organization_trail", flag("IsOrganizationTrail"))
            .set("log_file_validation_enabled", flag("LogFileValidationEnabled"))
            .set("kms_key_id", json::text(trail, "KmsKeyId"))
            .set("is_logging", json::flag(status, "IsLogging"))
            .set(
                "start_logging_time",
                tables::instant(json::instant(status, "StartLoggingTime")),
            )
            .set(
                "stop_logging_time",
                tables::instant(json::instant(status, "StopLoggingTime")),
            )
            .set(
                "latest_delivery_time",
                tables::instant(json::instant(status, "LatestDeliveryTime")),
            )
            .set("latest_delivery_error", json::text(status, "LatestDeliveryError"))
            .set(
                "latest_digest_delivery_time",
                tables::instant(json::instant(status, "LatestDigestDeliveryTime")),
            )
            .set(
                "latest_digest_delivery_error",
                json::text(status, "LatestDigestDeliveryError"),
            )
            .set("selectors_known", delivery.is_some())
            .set("delivers_kms_read", delivery.map(|delivery| delivery.read))
            .set("delivers_kms_write", delivery.map(|delivery| delivery.write))
            .set("event_selectors", json::raw(&held.raw, "EventSelectors"))
            .set(
                "advanced_event_selectors",
                json::raw(&held.raw, "AdvancedEventSelectors"),
            )
            .set("raw", held.raw.to_string());
        rows.push(&TRAILS, row);
    }
}

pub(super) fn read(rows: &Rows, bundle: &mut Bundle) {
    for row in rows.of(&TRAILS) {
        let account_id = TRAILS.text_of(row, "account_id").unwrap_or_default().to_owned();
        bundle.trails.push(Trail {
            account_id,
            raw: json::parsed(TRAILS.text_of(row, "raw")),
        });
    }
}
