//! One record: what differs from call to call, and the fields of CloudTrail in AWS's order around it.
//!
//! <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html>

use super::caller::Caller;
use super::cast::Key;
use crate::generator::instant;
use crate::generator::rng::Rng;
use serde_json::{Map, Value, json};

/// One record before it is written.
#[derive(Clone)]
pub struct Event {
    /// `eventTime`.
    pub time: i64,
    /// `recipientAccountId`: in whose log it is.
    pub account: &'static str,
    /// `awsRegion`.
    pub region: &'static str,
    /// `eventSource` without `.amazonaws.com`.
    pub service: &'static str,
    /// `eventName`.
    pub name: &'static str,
    /// `eventID`.
    pub id: String,
    /// `requestID`.
    pub request_id: String,
    /// `sharedEventID`.
    pub shared: Option<String>,
    /// Seconds by which the object that holds it came later than usual.
    pub late: i64,
    kind: &'static str,
    who: Caller,
    error: Option<(String, String)>,
    request: Value,
    response: Value,
    additional: Value,
    details: Value,
    read_only: bool,
    resources: Vec<Value>,
    endpoint: Option<String>,
}

impl Event {
    /// A read-only call with neither parameters nor resources.
    pub fn new(
        t: i64,
        account: &'static str,
        region: &'static str,
        call: (&'static str, &'static str),
        who: &Caller,
        rng: &mut Rng,
    ) -> Self {
        // S3 and EC2 number their requests in their own ways; everyone else uses a UUID.
        let request_id = if call.0 == "s3" {
            rng.text(b"ABCDEFGHJKMNPQRSTVWXYZ0123456789", 16)
        } else {
            rng.uuid()
        };
        Self {
            time: t,
            account,
            region,
            service: call.0,
            name: call.1,
            id: rng.uuid(),
            request_id,
            shared: None,
            late: 0,
            kind: "AwsApiCall",
            who: who.clone(),
            error: None,
            request: Value::Null,
            response: Value::Null,
            additional: Value::Null,
            details: Value::Null,
            read_only: true,
            resources: Vec::new(),
            endpoint: None,
        }
    }

    /// Sets `requestParameters`.
    pub fn request(mut self, value: Value) -> Self {
        self.request = value;
        self
    }

    /// Sets `responseElements`.
    pub fn response(mut self, value: Value) -> Self {
        self.response = value;
        self
    }

    /// Sets `additionalEventData`.
    pub fn additional(mut self, value: Value) -> Self {
        self.additional = value;
        self
    }

    /// Makes it a call that changes something.
    pub fn mutating(mut self) -> Self {
        self.read_only = false;
        self
    }

    /// Makes it a service event: no request id, and details of its own.
    pub fn service_event(mut self, details: Value) -> Self {
        (self.kind, self.read_only, self.request_id, self.details) = ("AwsServiceEvent", false, String::new(), details);
        self
    }

    /// Makes it a sign-in to the console.
    pub fn sign_in(mut self) -> Self {
        (self.kind, self.read_only, self.request_id) = ("AwsConsoleSignIn", false, String::new());
        self
    }

    /// Makes it fail. A denied call tells neither parameters nor answer.
    pub fn fails(mut self, code: &str, message: &str) -> Self {
        self.error = Some((code.to_owned(), message.to_owned()));
        self.response = Value::Null;
        self
    }

    /// Adds a key to `resources`.
    pub fn on(self, key: &Key) -> Self {
        self.resource(&key.arn(), key.account, "AWS::KMS::Key")
    }

    /// Adds an entry to `resources`.
    pub fn resource(mut self, arn: &str, account: &str, kind: &str) -> Self {
        self.resources
            .push(json!({"accountId": account, "type": kind, "ARN": arn}));
        self
    }

    /// Sets `sharedEventID`.
    pub fn shared(mut self, id: &str) -> Self {
        self.shared = Some(id.to_owned());
        self
    }

    /// Sets `vpcEndpointId`.
    pub fn endpoint(mut self, id: &str) -> Self {
        self.endpoint = Some(id.to_owned());
        self
    }

    /// The same action as another account's log has it.
    pub fn copy_for(&self, account: &'static str, who: &Caller, rng: &mut Rng) -> Self {
        Self {
            account,
            who: who.clone(),
            id: rng.uuid(),
            ..self.clone()
        }
    }

    /// `errorCode`; empty when the call succeeded.
    pub fn error_code(&self) -> &str {
        self.error.as_ref().map_or("", |(code, _)| code)
    }

    /// The canonical actor.
    pub fn principal(&self) -> &str {
        &self.who.principal
    }

    /// The record as a JSON object.
    pub fn record(&self) -> Map<String, Value> {
        let mut record = Map::new();
        let mut put = |name: &str, value: Value| drop(record.insert(name.to_owned(), value));
        put("eventVersion", json!(version(self)));
        put("userIdentity", self.who.identity.clone());
        put("eventTime", json!(instant::iso(self.time)));
        put("eventSource", json!(format!("{}.amazonaws.com", self.service)));
        put("eventName", json!(self.name));
        put("awsRegion", json!(self.region));
        put("sourceIPAddress", json!(self.who.ip));
        put("userAgent", json!(self.who.agent));
        if let Some((code, message)) = &self.error {
            // A failed sign-in has a message and no code.
            if !code.is_empty() {
                put("errorCode", json!(code));
            }
            if !message.is_empty() {
                put("errorMessage", json!(message));
            }
        }
        put("requestParameters", self.request.clone());
        put("responseElements", self.response.clone());
        if !self.additional.is_null() {
            put("additionalEventData", self.additional.clone());
        }
        if !self.request_id.is_empty() {
            put("requestID", json!(self.request_id));
        }
        put("eventID", json!(self.id));
        put("readOnly", json!(self.read_only));
        if !self.resources.is_empty() {
            put("resources", json!(self.resources));
        }
        put("eventType", json!(self.kind));
        put("managementEvent", json!(true));
        put("recipientAccountId", json!(self.account));
        if let Some(shared) = &self.shared {
            put("sharedEventID", json!(shared));
        }
        if let Some(endpoint) = &self.endpoint {
            put("vpcEndpointId", json!(endpoint));
        }
        if !self.details.is_null() {
            put("serviceEventDetails", self.details.clone());
        }
        put("eventCategory", json!("Management"));
        if self.who.direct && self.kind != "AwsServiceEvent" {
            put("tlsDetails", tls(self));
        }
        if self.who.console {
            put("sessionCredentialFromConsole", json!("true"));
        }
        record
    }
}

/// Services do not move to a new version together.
fn version(event: &Event) -> &'static str {
    match (event.service, event.kind) {
        (_, "AwsServiceEvent") | ("signin" | "ssm", _) => "1.08",
        ("s3" | "secretsmanager" | "cloudtrail", _) => "1.09",
        ("ec2" | "rds", _) => "1.10",
        _ => "1.11",
    }
}

fn tls(event: &Event) -> Value {
    let host = match event.service {
        "iam" => "iam.amazonaws.com".to_owned(),
        "signin" => format!("{}.signin.aws.amazon.com", event.region),
        service => format!("{service}.{}.amazonaws.com", event.region),
    };
    let mut tls = json!({
        "tlsVersion": "TLSv1.3",
        "cipherSuite": "TLS_AES_128_GCM_SHA256",
        "clientProvidedHostHeader": host,
    });
    if event.service == "kms" {
        tls["keyExchange"] = json!("X25519MLKEM768");
    }
    tls
}
