//! What a trail's selectors mean for KMS management events.

use serde_json::Value;

use super::json;

/// Whether a trail, while it logs, delivers KMS management events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivery {
    /// Read-only ones: every cryptographic use of a key.
    pub read: bool,
    /// The others: administration.
    pub write: bool,
}

const KMS: &str = "kms.amazonaws.com";

/// What the `EventSelectors` or `AdvancedEventSelectors` beside a trail deliver; nothing where there are none.
///
/// <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-management-events-with-cloudtrail.html>
pub fn delivery(trail: &Value) -> Option<Delivery> {
    let advanced = trail.get("AdvancedEventSelectors").and_then(Value::as_array);
    let basic = trail.get("EventSelectors").and_then(Value::as_array);
    match (advanced, basic) {
        (Some(selectors), _) if !selectors.is_empty() => Some(union(selectors.iter().map(of_advanced))),
        (_, Some(selectors)) => Some(union(selectors.iter().map(of_basic))),
        (Some(_), None) => Some(Delivery {
            read: false,
            write: false,
        }),
        (None, None) => None,
    }
}

fn union(parts: impl Iterator<Item = Delivery>) -> Delivery {
    let none = Delivery {
        read: false,
        write: false,
    };
    parts.fold(none, |all, part| Delivery {
        read: all.read || part.read,
        write: all.write || part.write,
    })
}

fn of_basic(selector: &Value) -> Delivery {
    // Both members have defaults: `IncludeManagementEvents` true, `ReadWriteType` All.
    let management = json::flag(selector, "IncludeManagementEvents").unwrap_or(true);
    let excluded = json::texts(selector, "ExcludeManagementEventSources")
        .iter()
        .any(|source| source == KMS);
    let kind = json::str(selector, "ReadWriteType").unwrap_or("All");
    let delivers = management && !excluded;
    Delivery {
        read: delivers && kind != "WriteOnly",
        write: delivers && kind != "ReadOnly",
    }
}

fn of_advanced(selector: &Value) -> Delivery {
    let mut delivery = Delivery {
        read: true,
        write: true,
    };
    let mut management = false;
    for field in json::list(selector, "FieldSelectors") {
        let admits = |value: &str| admits(field, value);
        match json::str(field, "Field").unwrap_or_default() {
            "eventCategory" => management = admits("Management"),
            "readOnly" => {
                delivery.read &= admits("true");
                delivery.write &= admits("false");
            }
            "eventSource" if !admits(KMS) => {
                delivery = Delivery {
                    read: false,
                    write: false,
                }
            }
            "eventSource" => {}
            // Another restriction (event names, session types, callers) lets only some KMS events pass.
            _ => {
                delivery = Delivery {
                    read: false,
                    write: false,
                }
            }
        }
    }
    if management {
        delivery
    } else {
        Delivery {
            read: false,
            write: false,
        }
    }
}

/// Whether a field selector lets a value pass: every operator it has must agree, any value of an operator will do.
fn admits(field: &Value, value: &str) -> bool {
    let any = |operator: &str, test: &dyn Fn(&str) -> bool| {
        let values = json::texts(field, operator);
        if values.is_empty() {
            None
        } else {
            Some(values.iter().any(|wanted| test(wanted)))
        }
    };
    let positive = [
        any("Equals", &|wanted| value == wanted),
        any("StartsWith", &|wanted| value.starts_with(wanted)),
        any("EndsWith", &|wanted| value.ends_with(wanted)),
    ];
    let negative = [
        any("NotEquals", &|wanted| value == wanted),
        any("NotStartsWith", &|wanted| value.starts_with(wanted)),
        any("NotEndsWith", &|wanted| value.ends_with(wanted)),
    ];
    positive.iter().flatten().all(|matched| *matched) && !negative.iter().flatten().any(|matched| *matched)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn both(read: bool, write: bool) -> Option<Delivery> {
        Some(Delivery { read, write })
    }

    #[test]
    fn basic_selectors() {
        let of = |selector: Value| delivery(&json!({"EventSelectors": [selector]}));
        assert_eq!(
            of(json!({"ReadWriteType": "All", "IncludeManagementEvents": true})),
            both(true, true)
        );
        assert_eq!(of(json!({"ReadWriteType": "WriteOnly"})), both(false, true));
        assert_eq!(of(json!({"ReadWriteType": "ReadOnly"})), both(true, false));
        assert_eq!(of(json!({"IncludeManagementEvents": false})), both(false, false));
        assert_eq!(
            of(json!({"ExcludeManagementEventSources": ["kms.amazonaws.com"]})),
            both(false, false)
        );
        assert_eq!(
            of(json!({"ExcludeManagementEventSources": ["rdsdata.amazonaws.com"]})),
            both(true, true)
        );
        assert_eq!(delivery(&json!({})), None);
        assert_eq!(delivery(&json!({"EventSelectors": []})), both(false, false));
    }

    #[test]
    fn advanced_selectors() {
        let of = |fields: Value| delivery(&json!({"AdvancedEventSelectors": [{"FieldSelectors": fields}]}));
        let management = json!({"Field": "eventCategory", "Equals": ["Management"]});
        assert_eq!(of(json!([management])), both(true, true));
        assert_eq!(
            of(json!([management, {"Field": "readOnly", "Equals": ["false"]}])),
            both(false, true)
        );
        let excludes = json!({"Field": "eventSource", "NotEquals": ["rdsdata.amazonaws.com", "kms.amazonaws.com"]});
        assert_eq!(of(json!([management, excludes])), both(false, false));
        let other = json!({"Field": "eventSource", "NotEquals": ["rdsdata.amazonaws.com"]});
        assert_eq!(of(json!([other, management])), both(true, true));
        assert_eq!(
            of(json!([{"Field": "eventCategory", "Equals": ["Data"]}])),
            both(false, false)
        );
    }

    #[test]
    fn selectors_add_up() {
        let trail = json!({"EventSelectors": [{"ReadWriteType": "ReadOnly"}, {"ReadWriteType": "WriteOnly"}]});
        assert_eq!(delivery(&trail), both(true, true));
    }
}
