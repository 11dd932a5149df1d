//! Files somebody saved from AWS as a bundle: CLI answers, recorded answers, `iam-collect` folders, AWS Config files.
//!
//! Files are recognised by what they hold, whatever their names; names matter only where an answer does not say what
//! it is about (`get-key-policy` names no key). What cannot be recognised or placed becomes a failure.

mod cloudtrail;
mod config;
mod content;
mod iam;
mod iam_collect;
mod kms;
mod organization;
mod subject;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::bundle::{self, Bundle};
use super::json;
use super::scope::{self, Failure};

pub use content::{SIZE_MAX, documents};

/// One JSON value of a file.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The path as given or found, with `/` between parts.
    pub path: String,
    /// The value, recorded dates made plain.
    pub value: Value,
    /// The text of the file, where the value is all of it and may be a policy that must be kept to the byte.
    pub text: Option<String>,
}

/// What a set of files holds.
#[derive(Debug, Default)]
pub struct Taken {
    /// Whole bundles with the path of each.
    pub bundles: Vec<(String, Bundle)>,
    /// Everything else, put together.
    pub assembled: Option<Bundle>,
    /// Paths that say nothing about permissions.
    pub unrecognised: Vec<String>,
}

/// What an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Kms(kms::Answer),
    AuthorizationDetails,
    Organizations(organization::Answer),
    Trails(cloudtrail::Answer),
    CallerIdentity,
    Denied,
    Policy,
    Config,
}

/// Whether a value is a bundle and not a single answer.
pub fn is_bundle(value: &Value) -> bool {
    let nested = |name: &str, inner: &str| value.get(name).is_some_and(|part| part.get(inner).is_some());
    let accounts = value.get("iam").and_then(Value::as_object);
    let iam = accounts.is_some_and(|accounts| accounts.keys().all(|id| json::account(id).is_some()));
    nested("kms", "keys") || iam || (value.get("collected_at").is_some() && value.get("kms").is_some())
}

fn shape_of(value: &Value) -> Option<Shape> {
    if value.get("configurationItems").is_some_and(Value::is_array) {
        return Some(Shape::Config);
    }
    if ["UserDetailList", "RoleDetailList", "GroupDetailList"]
        .iter()
        .any(|name| value.get(name).is_some())
    {
        return Some(Shape::AuthorizationDetails);
    }
    if let Some(answer) = kms::recognise(value) {
        return Some(Shape::Kms(answer));
    }
    if let Some(answer) = organization::recognise(value) {
        return Some(Shape::Organizations(answer));
    }
    if let Some(answer) = cloudtrail::recognise(value) {
        return Some(Shape::Trails(answer));
    }
    if value.get("UserId").is_some() && value.get("Account").is_some() && value.get("Arn").is_some() {
        return Some(Shape::CallerIdentity);
    }
    if value.get("Error").is_some_and(|error| error.get("Code").is_some()) {
        return Some(Shape::Denied);
    }
    // `get-account-authorization-details --filter LocalManagedPolicy` has policies only.
    let managed = json::list(value, "Policies")
        .first()
        .is_some_and(|policy| policy.get("PolicyVersionList").is_some());
    if managed {
        return Some(Shape::AuthorizationDetails);
    }
    (value.get("Statement").is_some() && value.get("Version").is_some_and(Value::is_string)).then_some(Shape::Policy)
}

/// The answer inside a recorded one (`{"status_code": 200, "data": {...}}`, as botocore's recorder placebo writes it).
fn unwrap(value: Value) -> Value {
    let Value::Object(mut members) = value else {
        return value;
    };
    if members.contains_key("status_code") && members.get("data").is_some_and(Value::is_object) {
        return members.remove("data").unwrap_or_default();
    }
    Value::Object(members)
}

/// Sorts out what some files hold. `broken` are files that could not be read as JSON.
pub fn take(entries: Vec<Entry>, broken: Vec<Failure>) -> Taken {
    let mut taken = Taken::default();
    let mut rest = Vec::new();
    for mut entry in entries {
        if is_bundle(&entry.value) {
            match bundle::read(&entry.value) {
                Ok(read) => taken.bundles.push((entry.path, read)),
                Err(error) => rest.push((entry, Some(error.to_string()))),
            }
        } else {
            entry.value = unwrap(entry.value);
            json::plain_dates(&mut entry.value);
            rest.push((entry, None));
        }
    }
    let mut assembly = Assembly::default();
    assembly.bundle.failures = broken;
    let mut collected = Vec::new();
    let mut plain = Vec::new();
    for (entry, refused) in rest {
        if let Some(why) = refused {
            assembly
                .bundle
                .failures
                .push(Failure::of_input("", entry.path, "MalformedBundle", why));
        } else if iam_collect::place(&entry.path).is_some() {
            collected.push(entry);
        } else {
            plain.push(entry);
        }
    }
    let mut any = !collected.is_empty();
    iam_collect::take(collected, &mut assembly);
    let mut shaped = Vec::new();
    for entry in plain {
        match shape_of(&entry.value) {
            Some(shape) => shaped.push((shape, entry)),
            None => taken.unrecognised.push(entry.path),
        }
    }
    any |= !shaped.is_empty();
    assembly.take(shaped);
    let failed = !assembly.bundle.failures.is_empty();
    if any || (failed && taken.bundles.is_empty()) {
        for path in &taken.unrecognised {
            let mut failure = Failure::of_input("", path.clone(), "NotRecognised", "says nothing about permissions");
            failure.skipped = true;
            assembly.bundle.failures.push(failure);
        }
        taken.assembled = Some(assembly.finish());
    }
    taken
}

/// A bundle being put together from answers.
#[derive(Debug, Default)]
struct Assembly {
    bundle: Bundle,
    /// Keys by ARN.
    keys: BTreeMap<String, bundle::Key>,
    /// Key ids to ARNs.
    ids: BTreeMap<String, BTreeSet<String>>,
    /// Accounts and Regions whose key list is whole.
    listed: BTreeSet<(String, String)>,
    /// The account of the caller, where an answer names it.
    caller: Option<String>,
    organization: organization::Parts,
    trails: cloudtrail::Parts,
}

impl Assembly {
    fn take(&mut self, shaped: Vec<(Shape, Entry)>) {
        for (shape, entry) in &shaped {
            if *shape == Shape::CallerIdentity {
                self.caller = json::text(&entry.value, "Account").and_then(|id| json::account(&id));
                self.bundle.collected_by = json::text(&entry.value, "Arn");
            }
        }
        // Answers that name their keys come first, so that the others can be placed by the ids in their paths.
        for (shape, entry) in &shaped {
            match shape {
                Shape::Kms(answer) if answer.names_keys() => kms::take(self, *answer, entry),
                Shape::Config => config::take(self, &entry.value, &entry.path),
                _ => {}
            }
        }
        for (shape, entry) in &shaped {
            match shape {
                Shape::Kms(answer) if !answer.names_keys() => kms::take(self, *answer, entry),
                Shape::Policy => kms::take_document(self, entry),
                Shape::AuthorizationDetails => iam::take(self, &entry.value, &entry.path),
                Shape::Organizations(answer) => self.organization.take(*answer, entry),
                Shape::Trails(answer) => self.trails.take(*answer, entry),
                Shape::Denied => self.denied(entry),
                _ => {}
            }
        }
    }

    /// A recorded error answer.
    fn denied(&mut self, entry: &Entry) {
        let error = entry.value.get("Error").unwrap_or(&Value::Null);
        let message = json::text(error, "Message").unwrap_or_default();
        let code = json::text(error, "Code").unwrap_or_default();
        let arn = subject::arn_within(&message, ":key/");
        let mut failure = Failure::of_input(scope::KMS, entry.path.clone(), &code, message);
        if let Some(arn) = arn {
            self.key(&arn);
            failure.account_id = json::account_of(&arn).unwrap_or_default();
            failure.region = json::region_of(&arn).unwrap_or_default();
            failure.message = format!("{}: {}", entry.path, failure.message);
            failure.resource = Some(arn);
        }
        failure.operation = subject::operation(&entry.path).unwrap_or(failure.operation);
        self.bundle.failures.push(failure);
    }

    /// The key of an ARN, made where it is new.
    fn key(&mut self, arn: &str) -> &mut bundle::Key {
        if let Some(id) = json::key_id_of(arn) {
            self.ids.entry(id.to_owned()).or_default().insert(arn.to_owned());
        }
        self.keys
            .entry(arn.to_owned())
            .or_insert_with(|| bundle::Key::of_arn(arn))
    }

    fn fault(&mut self, service: &str, path: &str, code: &str, message: impl Into<String>) {
        self.bundle
            .failures
            .push(Failure::of_input(service, path, code, message));
    }

    fn finish(mut self) -> Bundle {
        let mut bundle = std::mem::take(&mut self.bundle);
        self.trails.finish(&mut bundle, self.caller.as_deref());
        self.organization.finish(&mut bundle);
        bundle.keys.extend(self.keys.into_values());
        for key in &bundle.keys {
            for (name, document) in key.policies.iter().flatten() {
                if let Err(why) = document.parse() {
                    let why = format!("policy `{name}`: {why}");
                    let failure = Failure::of_input(scope::KMS, key.arn.clone(), "MalformedPolicy", why);
                    bundle.failures.push(failure.within(&key.account_id, &key.region));
                }
            }
        }
        kms::say_what_is_missing(&mut bundle, &self.listed);
        bundle
    }
}
