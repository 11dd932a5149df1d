//! The top-level fields of a CloudTrail record, eventVersion 1.0 to 1.11.
//!
//! Source: AWS CloudTrail User Guide, "CloudTrail record contents for management, data, and network activity events",
//! and "CloudTrail record contents for Insights events".

/// One top-level field, in the order in which records are written back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
#[expect(
    missing_docs,
    reason = "each variant is the field of that name in AWS's documentation"
)]
pub enum Field {
    EventVersion,
    UserIdentity,
    EventTime,
    EventSource,
    EventName,
    AwsRegion,
    SourceIpAddress,
    UserAgent,
    ErrorCode,
    ErrorMessage,
    RequestParameters,
    ResponseElements,
    AdditionalEventData,
    RequestId,
    EventId,
    ReadOnly,
    Resources,
    EventType,
    ApiVersion,
    ManagementEvent,
    RecipientAccountId,
    ServiceEventDetails,
    SharedEventId,
    VpcEndpointId,
    VpcEndpointAccountId,
    EventCategory,
    Addendum,
    SessionCredentialFromConsole,
    EdgeDeviceDetails,
    TlsDetails,
    EventContext,
    InsightDetails,
}

/// How many fields there are.
pub const COUNT: usize = 32;

/// What a column can hold of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A JSON string.
    Text,
    /// `true` or `false`.
    Flag,
    /// Any JSON value, kept as text.
    Json,
    /// `eventTime`.
    Time,
    /// An object or list with columns of its own.
    Nested,
}

/// Every field with its name as delivered and what its column holds.
pub const FIELDS: [(Field, &str, Kind); COUNT] = [
    (Field::EventVersion, "eventVersion", Kind::Text),
    (Field::UserIdentity, "userIdentity", Kind::Nested),
    (Field::EventTime, "eventTime", Kind::Time),
    (Field::EventSource, "eventSource", Kind::Text),
    (Field::EventName, "eventName", Kind::Text),
    (Field::AwsRegion, "awsRegion", Kind::Text),
    (Field::SourceIpAddress, "sourceIPAddress", Kind::Text),
    (Field::UserAgent, "userAgent", Kind::Text),
    (Field::ErrorCode, "errorCode", Kind::Text),
    (Field::ErrorMessage, "errorMessage", Kind::Text),
    (Field::RequestParameters, "requestParameters", Kind::Json),
    (Field::ResponseElements, "responseElements", Kind::Json),
    (Field::AdditionalEventData, "additionalEventData", Kind::Json),
    (Field::RequestId, "requestID", Kind::Text),
    (Field::EventId, "eventID", Kind::Text),
    (Field::ReadOnly, "readOnly", Kind::Flag),
    (Field::Resources, "resources", Kind::Nested),
    (Field::EventType, "eventType", Kind::Text),
    (Field::ApiVersion, "apiVersion", Kind::Text),
    (Field::ManagementEvent, "managementEvent", Kind::Flag),
    (Field::RecipientAccountId, "recipientAccountId", Kind::Text),
    (Field::ServiceEventDetails, "serviceEventDetails", Kind::Json),
    (Field::SharedEventId, "sharedEventID", Kind::Text),
    (Field::VpcEndpointId, "vpcEndpointId", Kind::Text),
    (Field::VpcEndpointAccountId, "vpcEndpointAccountId", Kind::Text),
    (Field::EventCategory, "eventCategory", Kind::Text),
    (Field::Addendum, "addendum", Kind::Json),
    (
        Field::SessionCredentialFromConsole,
        "sessionCredentialFromConsole",
        Kind::Text,
    ),
    (Field::EdgeDeviceDetails, "edgeDeviceDetails", Kind::Json),
    (Field::TlsDetails, "tlsDetails", Kind::Nested),
    (Field::EventContext, "eventContext", Kind::Json),
    (Field::InsightDetails, "insightDetails", Kind::Json),
];

impl Field {
    /// The field's place in arrays indexed by field.
    pub fn at(self) -> usize {
        self as usize
    }

    /// The field's bit in a set of fields.
    pub fn bit(self) -> i64 {
        1 << (self as u8)
    }

    /// The field with exactly this name.
    pub fn named(name: &str) -> Option<Field> {
        use Field::*;
        Some(match name {
            "eventVersion" => EventVersion,
            "userIdentity" => UserIdentity,
            "eventTime" => EventTime,
            "eventSource" => EventSource,
            "eventName" => EventName,
            "awsRegion" => AwsRegion,
            "sourceIPAddress" => SourceIpAddress,
            "userAgent" => UserAgent,
            "errorCode" => ErrorCode,
            "errorMessage" => ErrorMessage,
            "requestParameters" => RequestParameters,
            "responseElements" => ResponseElements,
            "additionalEventData" => AdditionalEventData,
            "requestID" => RequestId,
            "eventID" => EventId,
            "readOnly" => ReadOnly,
            "resources" => Resources,
            "eventType" => EventType,
            "apiVersion" => ApiVersion,
            "managementEvent" => ManagementEvent,
            "recipientAccountId" => RecipientAccountId,
            "serviceEventDetails" => ServiceEventDetails,
            "sharedEventID" => SharedEventId,
            "vpcEndpointId" => VpcEndpointId,
            "vpcEndpointAccountId" => VpcEndpointAccountId,
            "eventCategory" => EventCategory,
            "addendum" => Addendum,
            "sessionCredentialFromConsole" => SessionCredentialFromConsole,
            "edgeDeviceDetails" => EdgeDeviceDetails,
            "tlsDetails" => TlsDetails,
            "eventContext" => EventContext,
            "insightDetails" => InsightDetails,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_places_and_bits_agree() {
        for (place, (field, name, _)) in FIELDS.iter().enumerate() {
            assert_eq!((field.at(), Field::named(name)), (place, Some(*field)));
        }
    }
}
