//! Generated incidents whose truth is known by construction: chains of any depth, across accounts, with hops missing,
//! deletions cancelled and repeated, actors interleaved, seconds shared.

use serde_json::{Value, json};

use super::{story, text};
use crate::generator::rng::Rng;
use crate::support::lake::{ACCOUNT, Event, TestLake, event, key_arn};
use crate::support::program::ask;

const OTHER: &str = "444455556666";

/// Who calls, as records show them.
#[derive(Clone)]
struct Caller {
    identity: Value,
    principal_arn: String,
    principal_id: String,
    access_key: Option<String>,
    account: String,
    ip: String,
}

/// What must come out for one event.
#[derive(Debug, Clone, PartialEq)]
struct Truth {
    eventid: String,
    operation: String,
    origin_arn: Option<String>,
    origin_name: Option<String>,
    origin_kind: Option<String>,
    complete: bool,
    attributed: Option<String>,
}

/// The first identity of a chain.
#[derive(Debug, Clone, PartialEq)]
struct Origin {
    arn: String,
    name: String,
    kind: &'static str,
}

struct World {
    rng: Rng,
    events: Vec<Event>,
    truths: Vec<(String, Truth)>,
    serial: usize,
}

fn at(seconds: i64) -> String {
    // Second 0 is the first of March 2026.
    keytrail::model::Instant((1_772_323_200 + seconds) * 1_000_000).to_string()
}

impl World {
    fn next(&mut self) -> usize {
        self.serial += 1;
        self.serial
    }

    fn pick(&mut self, below: usize) -> usize {
        usize::try_from(self.rng.below(below as u64)).unwrap()
    }

    fn user(&mut self, account: &str) -> (Caller, Origin) {
        let n = self.next();
        let arn = format!("arn:aws:iam::{account}:user/team/u{n}");
        let key = format!("AKIAEXAMPLE{n:05}");
        let identity = json!({ "type": "IAMUser", "principalid": format!("AIDAU{n}"), "arn": arn, "accountid": account, "accesskeyid": key, "username": format!("u{n}") });
        let origin = Origin {
            arn: arn.clone(),
            name: format!("u{n}"),
            kind: "user",
        };
        (
            self.caller(identity, arn, format!("AIDAU{n}"), Some(key), account),
            origin,
        )
    }

    fn root(&mut self, account: &str) -> (Caller, Origin) {
        let n = self.next();
        let arn = format!("arn:aws:iam::{account}:root");
        let key = format!("ASIAROOT{n:05}");
        let identity =
            json!({ "type": "Root", "principalid": account, "arn": arn, "accountid": account, "accesskeyid": key });
        let origin = Origin {
            arn: arn.clone(),
            name: "root".to_owned(),
            kind: "root",
        };
        (
            self.caller(identity, arn, account.to_owned(), Some(key), account),
            origin,
        )
    }

    fn caller(
        &mut self,
        identity: Value,
        principal_arn: String,
        principal_id: String,
        access_key: Option<String>,
        account: &str,
    ) -> Caller {
        let ip = format!("192.0.2.{}", 1 + self.serial % 250);
        Caller {
            identity,
            principal_arn,
            principal_id,
            access_key,
            account: account.to_owned(),
            ip,
        }
    }

    fn said(&self, event: Event, caller: &Caller) -> Event {
        event
            .by(&caller.principal_arn, &caller.principal_id, caller.identity.clone())
            .with("accesskeyid", caller.access_key.clone())
            .with("sourceipaddress", caller.ip.clone())
            .with("recipientaccountid", caller.account.clone())
    }

    /// A session of a role that `caller` opens at this second; none of its records where it is `lost`.
    fn assume(
        &mut self,
        caller: &Caller,
        operation: &str,
        role: &str,
        account: &str,
        second: i64,
        lost: bool,
    ) -> Caller {
        let n = self.next();
        let key = format!("ASIAEXAMPLE{n:05}");
        let (role_arn, session) = (format!("arn:aws:iam::{account}:role/deep/{role}"), format!("s{n}"));
        let session_arn = format!("arn:aws:sts::{account}:assumed-role/{role}/{session}");
        let opened = |event: Event| {
            event
                .with("eventsource", "sts.amazonaws.com")
                .with("kms", Value::Null)
                .with("requestparameters", json!({ "roleArn": role_arn, "roleSessionName": session }).to_string())
                .with("responseelements", json!({ "credentials": { "accessKeyId": key }, "assumedRoleUser": { "arn": session_arn, "assumedRoleId": format!("AROA{role}:{session}") } }).to_string())
        };
        let time = at(second);
        if !lost {
            let own = opened(self.said(event(&format!("sts-{n}"), &time, operation), caller));
            if caller.account == account {
                self.events.push(own);
            } else {
                // Both accounts log it: the caller's in full, the role's with no more than the caller's id.
                let stranger =
                    json!({ "type": "AWSAccount", "principalid": caller.principal_id, "accountid": caller.account });
                let copy = opened(event(&format!("sts-{n}-owner"), &time, operation))
                    .by(
                        &format!("{}@{}", caller.principal_id, caller.account),
                        &caller.principal_id,
                        stranger,
                    )
                    .with("accesskeyid", Value::Null)
                    .with("recipientaccountid", account)
                    .with("sharedeventid", format!("shared-{n}"));
                self.events.push(own.with("sharedeventid", format!("shared-{n}")));
                self.events.push(copy);
            }
        }
        let identity = json!({
            "type": "AssumedRole", "principalid": format!("AROA{role}:{session}"), "arn": session_arn, "accountid": account, "accesskeyid": key,
            "sessioncontext": { "sessionissuer": { "type": "Role", "arn": role_arn, "accountid": account, "principalid": format!("AROA{role}") }, "attributes": { "mfaauthenticated": "false" } },
        });
        self.caller(identity, role_arn, format!("AROA{role}:{session}"), Some(key), account)
    }

    /// A federated subject, or a service, that enters through a role.
    fn entered(&mut self, kind: &'static str, second: i64) -> (Caller, Origin) {
        let n = self.next();
        let subject = format!("subject{n}@example.com");
        let (identity, operation, role) = match kind {
            "web_identity" => (
                json!({ "type": "WebIdentityUser", "principalid": format!("arn:aws:iam::{ACCOUNT}:oidc-provider/x:aud:{subject}"), "username": subject }),
                "AssumeRoleWithWebIdentity",
                format!("Deploy{n}"),
            ),
            "service" => (
                json!({ "type": "AWSService", "invokedby": "lambda.amazonaws.com" }),
                "AssumeRole",
                format!("Function{n}"),
            ),
            "identity_center" => (
                json!({ "type": "SAMLUser", "principalid": format!("q=:{subject}"), "username": subject }),
                "AssumeRoleWithSAML",
                format!("AWSReservedSSO_Admin{n}_0123456789abcdef"),
            ),
            _ => (
                json!({ "type": "SAMLUser", "principalid": format!("q=:{subject}"), "username": subject }),
                "AssumeRoleWithSAML",
                format!("Federated{n}"),
            ),
        };
        let subject_caller = Caller {
            identity,
            principal_arn: subject.clone(),
            principal_id: subject.clone(),
            access_key: None,
            account: ACCOUNT.to_owned(),
            ip: "198.51.100.9".to_owned(),
        };
        let session = self.assume(&subject_caller, operation, &role, ACCOUNT, second, false);
        // The session's name is the last the counter gave.
        let name = match kind {
            "identity_center" | "service" => format!("s{}", self.serial),
            _ => subject,
        };
        let arn = format!("arn:aws:iam::{ACCOUNT}:role/deep/{role}");
        (session, Origin { arn, name, kind })
    }

    /// A chain of `depth` roles from an origin; the last is of the key's account. Tells what must be found at its end.
    fn chain(&mut self, depth: usize, second: i64) -> (Caller, Origin, bool) {
        let kinds = ["user", "root", "identity_center", "saml", "web_identity", "service"];
        let kind = kinds[self.pick(kinds.len())];
        let start = second - 60 * depth as i64 - 60;
        let (mut caller, mut origin) = match kind {
            "user" => self.user(ACCOUNT),
            "root" => self.root(ACCOUNT),
            kind => self.entered(kind, start),
        };
        let lost_at = (self.pick(3) == 0 && depth > 0).then(|| self.pick(depth));
        let mut complete = true;
        for hop in 0..depth {
            // The way may lead through another account, but ends in the key's.
            let account = if hop + 1 < depth && self.pick(2) == 0 {
                OTHER
            } else {
                ACCOUNT
            };
            // Roles come back: A, B, A is a chain, not a circle.
            let role = ["Alpha", "Beta"][hop % 2].to_owned();
            let lost = lost_at == Some(hop);
            caller = self.assume(
                &caller,
                "AssumeRole",
                &role,
                account,
                start + 60 * (hop as i64 + 1),
                lost,
            );
            if lost {
                complete = false;
                origin = Origin {
                    arn: caller.principal_arn.clone(),
                    name: format!("s{}", self.serial),
                    kind: "role",
                };
            }
        }
        (caller, origin, complete)
    }

    fn act(
        &mut self,
        key: &str,
        operation: &str,
        second: i64,
        who: &(Caller, Origin, bool),
        error: Option<&str>,
    ) -> String {
        let id = format!("{key}-{:05}", 99_999 - self.next());
        let (caller, origin, complete) = who;
        let mut done = self.said(event(&id, &at(second), operation).keys(&[key]), caller);
        if let Some(error) = error {
            done = done.failed(error);
        }
        self.events.push(done);
        self.expect(key, &id, operation, Some(origin), *complete, None);
        id
    }

    fn deleted(&mut self, key: &str, second: i64, cause: Option<(&str, &(Caller, Origin, bool))>) {
        let id = format!("{key}-gone-{}", self.next());
        let itself = json!({ "accountid": ACCOUNT, "invokedby": "AWS Internal" });
        let gone = event(&id, &at(second), "DeleteKey")
            .keys(&[key])
            .by("AWS Internal", "", itself);
        self.events.push(
            gone.with("eventtype", "AwsServiceEvent")
                .with("accesskeyid", Value::Null),
        );
        let origin = cause.map(|(_, who)| &who.1);
        self.expect(
            key,
            &id,
            "DeleteKey",
            origin,
            cause.is_some_and(|(_, who)| who.2),
            cause.map(|(id, _)| id.to_owned()),
        );
    }

    fn expect(
        &mut self,
        key: &str,
        id: &str,
        operation: &str,
        origin: Option<&Origin>,
        complete: bool,
        attributed: Option<String>,
    ) {
        let truth = Truth {
            eventid: id.to_owned(),
            operation: operation.to_owned(),
            origin_arn: origin.map(|origin| origin.arn.clone()),
            origin_name: origin.map(|origin| origin.name.clone()),
            origin_kind: origin.map(|origin| origin.kind.to_owned()),
            complete,
            attributed,
        };
        self.truths.push((key.to_owned(), truth));
    }

    /// One key's incident, of one of several shapes; actors of other keys act in the same minutes.
    fn incident(&mut self, number: usize) {
        let key = format!("k{number}");
        let day = 86_400 * (5 + self.pick(3) as i64);
        let depth = number % 6;
        let one = self.chain(depth, day);
        let other_depth = self.pick(3);
        let other = self.chain(other_depth, day + 3_600);
        self.act(&key, "DisableKey", day, &one, None);
        match number % 5 {
            // Scheduled by one, refused to another, gone days later.
            0 => {
                let asked = self.act(&key, "ScheduleKeyDeletion", day + 10, &one, None);
                self.act(&key, "CancelKeyDeletion", day + 20, &other, Some("AccessDenied"));
                self.act(
                    &key,
                    "ScheduleKeyDeletion",
                    day + 30,
                    &other,
                    Some("KMSInvalidStateException"),
                );
                self.deleted(&key, day + 7 * 86_400 + 3_000, Some((&asked, &one)));
            }
            // Cancelled, scheduled again by another.
            1 => {
                self.act(&key, "ScheduleKeyDeletion", day + 10, &one, None);
                self.act(&key, "CancelKeyDeletion", day + 4_000, &other, None);
                let again = self.act(&key, "ScheduleKeyDeletion", day + 5_000, &other, None);
                self.deleted(&key, day + 8 * 86_400, Some((&again, &other)));
            }
            // Cancelled and scheduled again within one second.
            2 => {
                self.act(&key, "ScheduleKeyDeletion", day + 10, &one, None);
                let again = self.act(&key, "ScheduleKeyDeletion", day + 4_000, &other, None);
                self.act(&key, "CancelKeyDeletion", day + 4_000, &other, None);
                self.deleted(&key, day + 9 * 86_400, Some((&again, &other)));
            }
            // Disabled, scheduled and cancelled within one second; the log lacks what came after.
            3 => {
                self.act(&key, "CancelKeyDeletion", day, &one, None);
                self.act(&key, "ScheduleKeyDeletion", day, &one, None);
                self.deleted(&key, day + 9 * 86_400, None);
            }
            // Only attempts.
            _ => {
                self.act(&key, "ScheduleKeyDeletion", day + 10, &one, Some("AccessDenied"));
                self.act(&key, "DisableKey", day + 11, &other, Some("AccessDenied"));
            }
        }
    }
}

fn world(seed: &str, incidents: usize) -> World {
    let mut world = World {
        rng: Rng::named(seed),
        events: Vec::new(),
        truths: Vec::new(),
        serial: 0,
    };
    for number in 0..incidents {
        world.incident(number);
    }
    world
}

fn lake(events: &[Event]) -> TestLake {
    let lake = TestLake::new();
    let mut events = events.iter().cloned();
    // Several files, so that their order can matter.
    loop {
        let some: Vec<Event> = events.by_ref().take(40).collect();
        if some.is_empty() {
            return lake;
        }
        lake.events(some);
    }
}

fn said(row: &Value) -> Truth {
    let own = |name: &str| row[name].as_str().map(str::to_owned);
    Truth {
        eventid: text(row, "eventid").to_owned(),
        operation: text(row, "operation").to_owned(),
        origin_arn: own("origin_arn"),
        origin_name: own("origin_name"),
        origin_kind: own("origin_kind"),
        complete: row["chain_complete"] == true,
        attributed: own("attributed_eventid"),
    }
}

/// The same of a story's timeline: the second way to the answer.
fn told(story: &Value) -> Vec<Truth> {
    let entries = story["timeline"].as_array().unwrap();
    entries
        .iter()
        .map(|entry| {
            let actor = entry["actor"].as_u64().map(|place| &story["actors"][place as usize]);
            let of = |name: &str| {
                actor
                    .and_then(|actor| actor["origin"][name].as_str())
                    .map(str::to_owned)
            };
            Truth {
                eventid: text(entry, "eventid").to_owned(),
                operation: text(entry, "operation").to_owned(),
                origin_arn: of("arn"),
                origin_name: of("name"),
                origin_kind: of("kind"),
                complete: actor.is_some_and(|actor| actor["complete"] == true),
                attributed: entry["attributed_eventid"].as_str().map(str::to_owned),
            }
        })
        .collect()
}

fn by_id(mut truths: Vec<Truth>) -> Vec<Truth> {
    truths.sort_by(|a, b| a.eventid.cmp(&b.eventid));
    truths
}

#[test]
fn every_origin_and_attribution_is_found_by_the_query_and_by_the_story() {
    let world = world("incidents", 60);
    let lake = lake(&world.events);
    let rows = ask(&lake, &["key-destruction"]);
    for row in &rows {
        assert_eq!(row["chain_complete"] == true, row["chain_missing"].is_null(), "{row}");
    }
    let expected = by_id(world.truths.iter().map(|(_, truth)| truth.clone()).collect());
    let found = by_id(rows.iter().map(said).collect());
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.len(), expected.len());
    // Depths and shapes of every kind, by both ways.
    for number in 0..12 {
        let key = format!("k{number}");
        let story = story(&lake, &[&key, "--as-of", "2026-06-01T00:00:00Z"]);
        let expected: Vec<Truth> = world
            .truths
            .iter()
            .filter(|(of, _)| *of == key)
            .map(|(_, truth)| truth.clone())
            .collect();
        assert_eq!(by_id(told(&story)), by_id(expected), "{key}");
    }
}

#[test]
fn shuffled_files_and_records_tell_the_same() {
    let mut world = world("shuffled", 10);
    let one = lake(&world.events);
    let mut events = std::mem::take(&mut world.events);
    for place in (1..events.len()).rev() {
        let other = world.pick(place + 1);
        events.swap(place, other);
    }
    let events: Vec<Event> = events
        .into_iter()
        .enumerate()
        .map(|(place, event)| {
            event
                .with("source_object", format!("shuffled/{}", 1_000 - place))
                .with("source_index", place)
        })
        .collect();
    let two = lake(&events);
    assert_eq!(ask(&one, &["key-destruction"]), ask(&two, &["key-destruction"]));
    for key in ["k0", "k2", "k3"] {
        let now = ["--as-of", "2026-06-01T00:00:00Z"];
        assert_eq!(
            story(&one, &[key, now[0], now[1]]),
            story(&two, &[key, now[0], now[1]]),
            "{key}"
        );
    }
}

#[test]
fn a_chain_that_returns_to_itself_ends_and_says_so() {
    let mut world = world("circle", 0);
    let (user, _) = world.user(ACCOUNT);
    let first = world.assume(&user, "AssumeRole", "Alpha", ACCOUNT, 0, true);
    let second = world.assume(&first, "AssumeRole", "Beta", ACCOUNT, 0, false);
    // A record that claims the second issued the first: no log holds it, a forged one may.
    let forged = json!({ "credentials": { "accessKeyId": first.access_key } }).to_string();
    let circle = world.said(event("forged", &at(0), "AssumeRole"), &second);
    world.events.push(
        circle
            .with("eventsource", "sts.amazonaws.com")
            .with("kms", Value::Null)
            .with("responseelements", forged),
    );
    let off = world.said(event("off", &at(5), "DisableKey").keys(&["k1"]), &second);
    world.events.push(off);
    let lake = lake(&world.events);
    let rows = ask(&lake, &["key-destruction"]);
    assert_eq!(rows.len(), 1);
    assert!(
        text(&rows[0], "chain_missing").starts_with("the chain returns to access key ASIA"),
        "{}",
        rows[0]
    );
    let told = story(&lake, &["k1"]);
    assert_eq!(told["actors"][0]["missing"], rows[0]["chain_missing"]);
    let hops = ask(
        &lake,
        &[
            "session-chain",
            "-p",
            &format!("access_key={}", second.access_key.unwrap()),
        ],
    );
    assert_eq!(hops.len(), 2);
    assert_eq!(hops[1]["returns"], true);
}

#[test]
fn what_is_missing_is_named() {
    let mut world = world("missing", 0);
    let (user, _) = world.user(OTHER);
    let session = world.assume(&user, "AssumeRole", "Alpha", ACCOUNT, 0, false);
    // The other account's log is not in the lake.
    world.events.retain(|event| event.row["recipientaccountid"] == ACCOUNT);
    let mut blank = session.clone();
    blank.access_key = None;
    for (id, key, caller) in [("a", "k1", &session), ("b", "k2", &blank)] {
        let off = world.said(event(id, &at(5), "DisableKey").keys(&[key]), caller);
        world.events.push(off);
    }
    let lake = lake(&world.events);
    let rows = ask(&lake, &["key-destruction"]);
    assert_eq!(
        text(&rows[0], "chain_missing"),
        format!("the log of account {OTHER} is absent: the caller is known by its id only")
    );
    assert_eq!(
        (text(&rows[0], "origin_kind"), rows[0]["chain_complete"] == true),
        ("account", false)
    );
    assert!(text(&rows[1], "chain_missing").contains("no access key"), "{}", rows[1]);
    assert_eq!(
        text(&rows[1], "origin_arn"),
        format!("arn:aws:iam::{ACCOUNT}:role/deep/Alpha")
    );
    let told = story(&lake, &["k1"]);
    assert_eq!(told["actors"][0]["missing"], rows[0]["chain_missing"]);
    assert!(
        told["unknown"]
            .to_string()
            .contains(&format!("the lake holds no log of account {OTHER}")),
        "{}",
        told["unknown"]
    );
    assert_eq!(told["key"]["arn"], json!(key_arn("k1")));
}
