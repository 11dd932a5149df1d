//! Any text as a policy document: never a panic, the same reading twice, and no right from what is not an object.
#![no_main]

use keytrail_fuzz::policy::document::{Document, Effect, Place};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|text: &str| {
    // As KMS hands it out: text within text; and decoded, as other tools print it.
    let mut ways = vec![Value::String(text.to_owned())];
    ways.extend(serde_json::from_str::<Value>(text));
    for value in ways {
        for place in [Place::Key, Place::Identity, Place::Boundary, Place::Scp, Place::Rcp] {
            let read = Document::parse(&value, place);
            let again = Document::parse(&value, place);
            assert_eq!(read.statements.len(), again.statements.len());
            assert_eq!(read.faults.len(), again.faults.len());
            // Text may be trimmed and percent-decoded, as IAM hands it out; a value is what it is.
            let may_be_policy = value.is_string() || value.is_object();
            let allows = read
                .statements
                .iter()
                .any(|statement| statement.effect == Effect::Allow);
            assert!(may_be_policy || !allows, "a right from what is no policy");
        }
    }
});
