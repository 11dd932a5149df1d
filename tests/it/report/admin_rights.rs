//! `report admin-rights`: what the matrix, the duties and the destroyers say of the sample, its forms and its end.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::hostile::{assert_harmless_cells, assert_harmless_page, hostile_office};
use super::{AS_OF, golden, report, sample, sample_logs};
use crate::support::permissions::guarded_office;

#[test]
fn the_matrix_marks_every_right_of_the_sample_as_its_truth_says() {
    let done = report(sample(), &["admin-rights", "--as-of", AS_OF, "--format", "json"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    let told: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(
        (&told["schema"], &told["version"]),
        (&json!("keytrail.admin-rights"), &json!(1))
    );
    let mut marks: BTreeMap<(String, String, String), (String, bool)> = BTreeMap::new();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    for row in told["matrix"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| !row["principal_type"].is_null())
    {
        for cell in row["cells"].as_array().unwrap() {
            let at = (
                text(&row["principal_arn"]),
                text(&row["key_arn"]),
                format!("kms:{}", cell["action"].as_str().unwrap()),
            );
            marks.insert(at, (text(&cell["mark"]), cell["is_conditional"] == true));
        }
    }
    let truth: Value =
        serde_json::from_str(&std::fs::read_to_string(sample_logs().join("truth.json")).unwrap()).unwrap();
    let mut checked = 0;
    for expected in truth["rights"].as_array().unwrap() {
        let at = (
            text(&expected["principal_arn"]),
            text(&expected["key_arn"]),
            text(&expected["action"]),
        );
        let mark = match expected["verdict"].as_str().unwrap() {
            "exercised" => " ",
            "unexercised" => "-",
            "unobservable" => "?",
            "too_new" => "n",
            other => panic!("the truth has a verdict `{other}`"),
        };
        let (found, conditional) = marks
            .get(&at)
            .unwrap_or_else(|| panic!("{expected} is not in the matrix"));
        assert_eq!(found, mark, "{expected}");
        if let Some(decision) = expected["decision"].as_str() {
            assert_eq!(*conditional, decision != "allowed", "{expected}");
        }
        checked += 1;
    }
    assert!(checked > 100, "{checked} rights");
    // What the deleted custodian did is explained by no snapshot.
    let flags = "arn:aws:kms:us-east-1:111122223333:key/4e8ab201-9c17-4321-88f7-4c05798c42af";
    assert!(
        told["unexplained"]
            .to_string()
            .contains("911a0bbf-0eec-4275-905e-ad02e88a81a6")
    );
    assert!(told["separation_of_duties"].as_array().unwrap().iter().any(|duty| {
        duty["verdict"] == "exercised" && duty["principal_arn"] == "arn:aws:iam::111122223333:role/service/orders-api"
    }));
    let destroyer = |arn: &str| {
        let found = told["destroyers"]
            .as_array()
            .unwrap()
            .iter()
            .find(|one| one["principal_arn"] == arn)
            .cloned();
        found.unwrap_or_else(|| panic!("{arn} is no destroyer"))
    };
    assert_eq!(
        destroyer("arn:aws:iam::111122223333:role/security/KeyMaintenance")["exercised"],
        2
    );
    let glass = destroyer("arn:aws:iam::111122223333:user/break-glass");
    assert_eq!(
        (&glass["exercised"], &glass["is_conditional"]),
        (&json!(0), &json!(true))
    );
    let full = report(
        sample(),
        &[
            "admin-rights",
            "--as-of",
            AS_OF,
            "--actions",
            "full",
            "--format",
            "csv",
            "--fail-on",
            "unexercised",
        ],
    );
    assert_eq!(full.code, 1, "{}", full.stderr);
    let unexplained = full
        .stdout
        .lines()
        .find(|line| line.contains(flags) && line.contains(",TagResource,") && line.contains("KeyCustodian,,"));
    assert!(unexplained.is_some_and(|line| line.contains("'+")), "{unexplained:?}");
}

#[test]
fn every_form_has_its_golden_file_and_the_exit_code_tells() {
    let lake = guarded_office();
    let folder = tempfile::tempdir().unwrap();
    for name in ["admin-rights.html", "admin-rights.csv", "admin-rights.md"] {
        let path = folder.path().join(name);
        let place = path.display().to_string();
        let done = report(
            &lake,
            &[
                "admin-rights",
                "--as-of",
                "2026-01-07",
                "--window",
                "5d",
                "-o",
                &place,
                "--fail-on",
                "unexplained",
            ],
        );
        assert!([0, 3].contains(&done.code), "{}", done.stderr);
        golden(name, &std::fs::read_to_string(&path).unwrap());
    }
    assert_eq!(report(&lake, &["admin-rights", "--fail-on", "idle"]).code, 2);
}

#[test]
fn hostile_names_are_only_shown_in_the_matrix() {
    let lake = hostile_office();
    let of = |format: &str| {
        report(
            &lake,
            &[
                "admin-rights",
                "--as-of",
                "2026-01-08",
                "--window",
                "5d",
                "--format",
                format,
            ],
        )
        .stdout
    };
    let page = of("html");
    assert_harmless_page(&page);
    assert_harmless_cells(&of("csv"));
    if let Some(shown) = super::browser::rendered(&page, "420,900") {
        assert!(shown.contains("<title>Administrative rights"), "a hostile name ran");
    }
}
