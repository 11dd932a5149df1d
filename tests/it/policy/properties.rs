//! What must hold of any policies: two evaluators agree, a Deny never allows, a narrower condition never widens, and what is said of
//! every request context holds of each.

use super::arbitrary::{ACTIONS, KEY, PRINCIPALS, bundle, context, document, request};
use super::naive;
use keytrail::policy::pattern::Pattern;
use keytrail::policy::{Snapshot, simulate_request};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

fn answer(bundle: &Value, request: &Value) -> Value {
    json!(simulate_request(&Snapshot::from_bundle(bundle).0, request).unwrap())
}

/// How much an answer lets through.
fn openness(answer: &Value) -> u8 {
    match answer["tri"].as_str().unwrap() {
        "denied" => 0,
        "conditional" => 1,
        _ => 2,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn two_evaluators_agree(bundle in bundle(), request in request()) {
        let answer = answer(&bundle, &request);
        if answer.get("contested").is_none() {
            prop_assert_eq!(&answer["decision"], &json!(naive::decide(&bundle, &request)), "{}\n{}", bundle, request);
        }
    }

    #[test]
    fn what_holds_of_every_context_holds_of_each(bundle in bundle(), request in request(), contexts in prop::collection::vec(context(), 6)) {
        let open = answer(&bundle, &request);
        // The session's name is known in a concrete request and unknown in an open one.
        prop_assume!(open.get("contested").is_none() && open["tri"] != "undetermined");
        for context in contexts {
            let mut concrete = request.clone();
            concrete["context"] = context;
            let allowed = naive::decide(&bundle, &concrete) == "allow";
            prop_assert!(!allowed || open["tri"] != "denied", "{}\n{}\n{}", bundle, concrete, open);
            prop_assert!(allowed || open["tri"] != "allowed", "{}\n{}\n{}", bundle, concrete, open);
        }
    }

    #[test]
    fn another_deny_never_allows(bundle in bundle(), request in request(), deny in document(true, &["Deny"])) {
        let mut stricter = bundle.clone();
        let mut policy: Value = serde_json::from_str(bundle["kms"]["keys"][0]["Policy"].as_str().unwrap()).unwrap();
        let more = deny["Statement"].as_array().cloned().unwrap_or_else(|| vec![deny["Statement"].clone()]);
        if !policy["Statement"].is_array() {
            policy["Statement"] = json!([policy["Statement"]]);
        }
        policy["Statement"].as_array_mut().unwrap().extend(more);
        stricter["kms"]["keys"][0]["Policy"] = json!(policy.to_string());
        let (before, after) = (answer(&bundle, &request), answer(&stricter, &request));
        prop_assert!(after["allowed"] == false || before["allowed"] == true);
        prop_assert!(after["tri"] == "undetermined" || before["tri"] == "undetermined" || openness(&after) <= openness(&before));
    }

    #[test]
    fn a_narrower_allow_never_widens(bundle in bundle(), request in request(), index in any::<prop::sample::Index>(), present in any::<bool>()) {
        let mut narrower = bundle.clone();
        let mut policy: Value = serde_json::from_str(bundle["kms"]["keys"][0]["Policy"].as_str().unwrap()).unwrap();
        let Some(statements) = policy["Statement"].as_array_mut() else { return Ok(()) };
        let statement = index.get(statements.as_slice()).clone();
        prop_assume!(statement["Effect"] == "Allow" && statement["Condition"].get("Null").is_none());
        let at = index.index(statements.len());
        statements[at]["Condition"]["Null"] = json!({"aws:SourceVpce": present.to_string()});
        narrower["kms"]["keys"][0]["Policy"] = json!(policy.to_string());
        let (before, after) = (answer(&bundle, &request), answer(&narrower, &request));
        prop_assert!(after["allowed"] == false || before["allowed"] == true);
        prop_assert!(after["tri"] == "undetermined" || before["tri"] == "undetermined" || openness(&after) <= openness(&before));
    }

    #[test]
    fn wildcards_are_regular_expressions(pattern in "[ab*?]{0,9}", text in "[ab\u{e9}]{0,9}") {
        prop_assert_eq!(Pattern::new(&pattern).matches(&text), naive::glob(&pattern, &text));
    }

    #[test]
    fn a_conditional_answer_names_its_condition(bundle in bundle(), principal in select(&PRINCIPALS[..]), action in select(&ACTIONS[..])) {
        let answer = answer(&bundle, &json!({"principal": principal, "action": action, "resource": KEY}));
        let named = answer["condition"].as_str().is_some_and(|c| !c.is_empty()) && answer["condition_kind"].is_string();
        prop_assert_eq!(answer["tri"] == "conditional", named);
        prop_assert_eq!(answer["tri"] == "undetermined", answer["undetermined"].is_array());
    }
}
