//! The stage: records played so far, sessions at hand, and the ways in which keys are used in the story.

use super::caller::{Caller, Session, service};
use super::cast::{Key, Role};
use super::event::Event;
use super::ledger::{Entry, Ledger};
use crate::generator::rng::Rng;
use crate::generator::{instant, story};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Records and the ledger about them.
pub struct Scene {
    /// Every record, delivered or lost.
    pub events: Vec<Event>,
    /// What was done with which key.
    pub ledger: Ledger,
    issued: BTreeMap<(&'static str, String), Vec<Session>>,
}

impl Scene {
    /// An empty stage.
    pub fn new() -> Self {
        Self {
            events: Vec::new(),
            ledger: Ledger::default(),
            issued: BTreeMap::new(),
        }
    }

    /// What trails delivered, in order of time.
    pub fn delivered(&self) -> Vec<Event> {
        let (stop, start) = story::silence();
        let lost = |e: &Event| e.account == super::cast::DATA && e.time > stop && e.time < start;
        let mut events: Vec<Event> = self.events.iter().filter(|e| !lost(e)).cloned().collect();
        events.sort_by(|a, b| (a.time, &a.id).cmp(&(b.time, &b.id)));
        events
    }

    /// Takes a record, and the ledger's note of it for each key it names.
    pub fn play(&mut self, event: Event, keys: &[&'static Key]) {
        for key in keys {
            self.ledger.note(Entry {
                key,
                time: event.time,
                operation: event.name,
                principal: event.principal().to_owned(),
                error: event.error_code().to_owned(),
                id: event.id.clone(),
                request_id: event.request_id.clone(),
                shared: event.shared.clone(),
            });
        }
        self.events.push(event);
    }

    /// Takes a record that names no key of the story.
    pub fn tell(&mut self, event: Event) {
        self.events.push(event);
    }

    /// The session a service issued to a workload: the same key for half a day, its `AssumeRole` record played once.
    pub fn workload(&mut self, role: &'static Role, t: i64, by: &'static str, region: &'static str) -> Session {
        let half_day = t / (12 * 3600);
        let at_hand = self
            .issued
            .entry((role.name, format!("{half_day} {region}")))
            .or_default();
        if let Some(session) = at_hand.iter().find(|session| session.since <= t) {
            return session.clone();
        }
        let mut rng = Rng::named(&format!(
            "session {} {} {region} {half_day} {}",
            role.account,
            role.name,
            at_hand.len()
        ));
        let name = match by {
            "ec2.amazonaws.com" => format!("i-0{}", Rng::named(&format!("instance {} {region}", role.name)).hex(16)),
            "lambda.amazonaws.com" => role.name.to_owned(),
            _ => format!("{}-{}", role.name, rng.hex(8)),
        };
        let session = Session {
            role,
            name,
            key: access_key(&mut rng),
            since: t,
            instance: by == "ec2.amazonaws.com",
        };
        at_hand.push(session.clone());
        let shared = rng.uuid();
        let who = service(by);
        let record = assume(t, role.account, region, &who, &session, 12 * 3600, &mut rng).shared(&shared);
        self.tell(record);
        session
    }

    /// One cryptographic call. `key_ref` is how the caller names the key where the operation asks for it.
    pub fn crypto(&mut self, t: i64, op: &'static str, key: &'static Key, who: &Caller, key_ref: &str, context: Value) {
        let mut rng = Rng::named(&format!("use {t} {op} {} {}", key.name, who.principal));
        let mut event = Event::new(t, key.account, key.region, ("kms", op), who, &mut rng)
            .request(parameters(op, key_ref, context))
            .on(key);
        if who.identity["type"] == "AWSService" {
            event = event.shared(&rng.uuid());
        }
        self.play(event, &[key]);
    }

    /// One cryptographic call that fails.
    pub fn refused(
        &mut self,
        t: i64,
        op: &'static str,
        key: &'static Key,
        who: &Caller,
        error: (&str, &str),
        context: Value,
    ) {
        let mut rng = Rng::named(&format!("refused {t} {op} {} {}", key.name, who.principal));
        let event = Event::new(t, key.account, key.region, ("kms", op), who, &mut rng)
            .request(parameters(op, &key.arn(), context))
            .on(key)
            .fails(error.0, error.1);
        self.play(event, &[key]);
    }

    /// One administrative call on one key that answers with the key's ARN, as most do.
    pub fn admin(&mut self, t: i64, op: &'static str, key: &'static Key, who: &Caller, request: Value) {
        let answer = json!({"keyId": key.arn()});
        self.admin_answering(t, op, key, who, request, answer);
    }

    /// One administrative call on one key with its own answer.
    pub fn admin_answering(
        &mut self,
        t: i64,
        op: &'static str,
        key: &'static Key,
        who: &Caller,
        request: Value,
        answer: Value,
    ) {
        let mut rng = Rng::named(&format!("admin {t} {op} {} {}", key.name, who.principal));
        let event = Event::new(t, key.account, key.region, ("kms", op), who, &mut rng)
            .request(request)
            .response(answer)
            .mutating()
            .on(key);
        self.play(event, &[key]);
    }
}

/// `requestParameters` of a cryptographic operation.
fn parameters(op: &str, key_ref: &str, context: Value) -> Value {
    let mut out = match op {
        "Decrypt" => json!({"encryptionAlgorithm": "SYMMETRIC_DEFAULT"}),
        "Encrypt" => json!({"keyId": key_ref, "encryptionAlgorithm": "SYMMETRIC_DEFAULT"}),
        "GenerateDataKeyWithoutPlaintext" => json!({"numberOfBytes": 64, "keyId": key_ref}),
        "Sign" | "Verify" => {
            json!({"keyId": key_ref, "messageType": "DIGEST", "signingAlgorithm": "RSASSA_PKCS1_V1_5_SHA_256"})
        }
        "GenerateMac" | "VerifyMac" => json!({"keyId": key_ref, "macAlgorithm": "HMAC_SHA_256"}),
        _ => json!({"keyId": key_ref, "keySpec": "AES_256"}),
    };
    if !context.is_null() {
        out["encryptionContext"] = context;
    }
    out
}

/// `ASIA...`, of a temporary credential.
pub fn access_key(rng: &mut Rng) -> String {
    format!("ASIA{}EXAMPLE", rng.text(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 9))
}

/// `AssumeRole` as one account's log has it.
pub fn assume(
    t: i64,
    account: &'static str,
    region: &'static str,
    who: &Caller,
    session: &Session,
    seconds: i64,
    rng: &mut Rng,
) -> Event {
    let role = session.role;
    Event::new(t, account, region, ("sts", "AssumeRole"), who, rng)
        .request(json!({"roleArn": role.arn(), "roleSessionName": session.name, "durationSeconds": seconds}))
        .response(issued(t, session, seconds, rng))
        .resource(&role.arn(), role.account, "AWS::IAM::Role")
}

/// `responseElements` of every `AssumeRole*`.
pub fn issued(t: i64, session: &Session, seconds: i64, rng: &mut Rng) -> Value {
    json!({
        "credentials": {
            "accessKeyId": session.key,
            "sessionToken": format!("IQoJb3JpZ2luX2VjEXAMPLETOKEN{}", rng.hex(8)),
            "expiration": instant::text(t + seconds),
        },
        "assumedRoleUser": {
            "assumedRoleId": format!("{}:{}", session.role.id(), session.name),
            "arn": session.arn(),
        },
    })
}
