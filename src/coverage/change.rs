//! Records that change what a trail delivers, read into what is known of the trail after and before them.

use serde_json::{Map, Value};

use super::timeline::{Attribute, Known, Moment};
use crate::model::{Instant, arn};
use crate::snapshot::trails;

/// The operations that change a trail.
///
/// <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_Operations.html>
pub const OPERATIONS: [&str; 6] = [
    "CreateTrail",
    "UpdateTrail",
    "DeleteTrail",
    "StartLogging",
    "StopLogging",
    "PutEventSelectors",
];

/// A successful change of a trail.
#[derive(Debug, Clone)]
pub struct Change {
    /// When.
    pub at: i64,
    /// The record.
    pub event_id: String,
    /// The operation.
    pub operation: String,
    /// The Region of the call.
    pub region: String,
    /// The account in whose log it stands.
    pub account_id: String,
    /// Who did it.
    pub principal: Option<String>,
    /// `requestParameters` as JSON text.
    pub request: Option<String>,
    /// `responseElements` as JSON text.
    pub response: Option<String>,
}

impl Change {
    /// The trail, and what the record says about it; nothing where it names none.
    pub(super) fn moment(&self) -> Option<(String, Moment)> {
        let object = |text: &Option<String>| -> Map<String, Value> {
            let value = text.as_deref().and_then(|text| serde_json::from_str(text).ok());
            if let Some(Value::Object(map)) = value {
                map
            } else {
                Map::new()
            }
        };
        let (request, response) = (object(&self.request), object(&self.response));
        let trail_arn = self.trail_arn(&request, &response)?;
        let mut moment = Moment::new(self.at, self.label());
        match self.operation.as_str() {
            "StartLogging" => moment.turns(Attribute::Logging, true),
            "StopLogging" => moment.turns(Attribute::Logging, false),
            "DeleteTrail" => {
                moment.turns(Attribute::Exists, false);
                moment.after(Attribute::Logging, Known::Flag(false));
            }
            "CreateTrail" => {
                moment.turns(Attribute::Exists, true);
                // A new trail is off, and set to all management events, until it is told otherwise.
                moment.after(Attribute::Logging, Known::Flag(false));
                moment.after(Attribute::Read, Known::Flag(true));
                moment.after(Attribute::Write, Known::Flag(true));
                settings(&mut moment, &request, &response, true);
            }
            "UpdateTrail" => settings(&mut moment, &request, &response, false),
            "PutEventSelectors" => {
                let said = Value::Object(
                    request
                        .iter()
                        .map(|(name, value)| (title(name), titled(value)))
                        .collect(),
                );
                let delivery = trails::delivery(&said);
                let known = |flag: Option<bool>| flag.map_or(Known::Unknown, Known::Flag);
                moment.replaces(Attribute::Read, known(delivery.map(|delivery| delivery.read)));
                moment.replaces(Attribute::Write, known(delivery.map(|delivery| delivery.write)));
            }
            _ => return None,
        }
        Some((trail_arn, moment))
    }

    fn label(&self) -> String {
        let by = self
            .principal
            .as_deref()
            .map(|who| format!(" by {who}"))
            .unwrap_or_default();
        format!(
            "{} at {}{by}, event {}",
            self.operation,
            Instant(self.at),
            self.event_id
        )
    }

    fn trail_arn(&self, request: &Map<String, Value>, response: &Map<String, Value>) -> Option<String> {
        let text = |map: &Map<String, Value>, name: &str| map.get(name).and_then(Value::as_str).map(str::to_owned);
        if let Some(arn) = text(response, "trailARN").filter(|arn| arn.starts_with("arn:")) {
            return Some(arn);
        }
        let name = text(request, "name").or_else(|| text(request, "trailName"))?;
        if name.starts_with("arn:") {
            return Some(name);
        }
        // By its name a trail can be changed only by its own account, in its home Region.
        let partition = arn::partition_of(&self.region);
        Some(format!(
            "arn:{partition}:cloudtrail:{}:{}:trail/{name}",
            self.region, self.account_id
        ))
    }
}

/// What `CreateTrail` and `UpdateTrail` set. A value that the request of an update does not name stays as it was.
fn settings(moment: &mut Moment, request: &Map<String, Value>, response: &Map<String, Value>, is_new: bool) {
    let told = |name: &str| response.get(name).or_else(|| request.get(name));
    let flags = [
        ("isMultiRegionTrail", Attribute::MultiRegion),
        ("isOrganizationTrail", Attribute::Organization),
    ];
    for (name, attribute) in flags {
        if is_new {
            let flag = told(name).and_then(Value::as_bool).unwrap_or(false);
            moment.after(attribute, Known::Flag(flag));
        } else if request.contains_key(name) {
            let known = told(name).and_then(Value::as_bool).map_or(Known::Unknown, Known::Flag);
            moment.replaces(attribute, known);
        }
    }
    for (name, attribute) in [("s3BucketName", Attribute::Bucket), ("s3KeyPrefix", Attribute::Prefix)] {
        let text = told(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        if is_new {
            moment.after(attribute, Known::Text(text));
        } else if request.contains_key(name) {
            moment.replaces(attribute, Known::Text(text));
        }
    }
}

/// Member names as the API writes them: records begin them with a small letter.
fn titled(value: &Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(map.iter().map(|(name, value)| (title(name), titled(value))).collect()),
        Value::Array(list) => Value::Array(list.iter().map(titled).collect()),
        other => other.clone(),
    }
}

fn title(name: &str) -> String {
    let mut letters = name.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().collect::<String>() + letters.as_str())
        .unwrap_or_default()
}
