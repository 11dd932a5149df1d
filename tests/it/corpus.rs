//! Queries as people paste them, in Athena's and CloudTrail Lake's dialect, each with a golden answer on the sample lake.
//!
//! A file of `tests/corpus` holds queries led by a comment that names them and ended by a semicolon.

use std::path::Path;
use std::sync::OnceLock;

use serde_json::Value;

use crate::support::lake::{answers, sample_lake};

/// The files of `tests/corpus`.
pub const FILES: [&str; 8] = [
    "names.sql",
    "types.sql",
    "json.sql",
    "arrays.sql",
    "dates.sql",
    "playbooks.sql",
    "packs.sql",
    "broken.sql",
];

/// The queries of a file, each with its name.
fn queries(file: &str) -> Vec<(String, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(file);
    let text = std::fs::read_to_string(path).unwrap();
    let mut queries = Vec::new();
    for part in text.split(";\n").map(str::trim).filter(|part| !part.is_empty()) {
        let (name, sql) = part.strip_prefix("-- ").and_then(|part| part.split_once('\n')).unwrap();
        queries.push((name.to_owned(), sql.to_owned()));
    }
    queries
}

/// A query of the corpus and its answer on the sample lake.
pub struct Answered {
    pub name: String,
    pub sql: String,
    pub answer: Result<Vec<Value>, String>,
}

/// The queries of a file with their answers, asked once for all tests.
pub fn answered(file: &str) -> &'static [Answered] {
    static ALL: [OnceLock<Vec<Answered>>; FILES.len()] = [const { OnceLock::new() }; FILES.len()];
    let place = FILES.iter().position(|held| *held == file).unwrap();
    ALL[place].get_or_init(|| {
        let queries = queries(file);
        let texts: Vec<&str> = queries.iter().map(|(_, sql)| sql.as_str()).collect();
        let answers = answers(sample_lake(), &texts);
        let all = queries.into_iter().zip(answers);
        all.map(|((name, sql), answer)| Answered { name, sql, answer })
            .collect()
    })
}

fn check(file: &str) {
    let mut golden = String::new();
    for Answered { name, sql, answer } in answered(file) {
        golden.push_str(&format!("# {name}\n{sql}\n"));
        match answer {
            Ok(rows) if rows.is_empty() => golden.push_str("= no rows\n"),
            Ok(rows) => rows.iter().for_each(|row| golden.push_str(&format!("= {row}\n"))),
            Err(error) => golden.push_str(&format!("! {error}\n")),
        }
        golden.push('\n');
    }
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("golden/corpus");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(file.trim_end_matches(".sql"), golden));
}

#[test]
fn names_of_tables_and_columns() {
    check("names.sql");
}

#[test]
fn types_as_athena_and_as_lake_have_them() {
    check("types.sql");
}

#[test]
fn json_as_text_as_a_map_and_as_fields() {
    check("json.sql");
}

#[test]
fn arrays_and_unnest() {
    check("arrays.sql");
}

#[test]
fn dates() {
    check("dates.sql");
}

#[test]
fn questions_of_responders() {
    check("playbooks.sql");
}

#[test]
fn patterns_of_published_packs() {
    check("packs.sql");
}

#[test]
fn slips() {
    check("broken.sql");
}

/// What `WITH` calls all columns of the table is the table: every question of it alone has the same answer.
#[test]
fn the_same_through_a_name_for_all_columns() {
    const TABLE: &str = " FROM cloudtrail_logs ";
    let (mut through, mut wanted) = (Vec::new(), Vec::new());
    for file in FILES {
        for Answered { name, sql, answer } in answered(file) {
            let words = sql.split_once(TABLE);
            if let (Ok(answer), Some((select, rest))) = (answer, words)
                && select.starts_with("SELECT ")
                && ["WHERE", "GROUP", "ORDER", "LIMIT", "CROSS"]
                    .iter()
                    .any(|word| rest.starts_with(word))
                && !sql.contains("cloudtrail_logs.")
                && !rest.contains(TABLE)
            {
                through.push(format!(
                    "WITH everything AS (SELECT *{TABLE}) {select} FROM everything {rest}"
                ));
                wanted.push((name, answer));
            }
        }
    }
    assert!(through.len() > 150, "{}", through.len());
    let texts: Vec<&str> = through.iter().map(String::as_str).collect();
    for ((name, wanted), (sql, answer)) in wanted.iter().zip(texts.iter().zip(answers(sample_lake(), &texts))) {
        assert_eq!(answer.as_ref(), Ok(*wanted), "{name}: {sql}");
    }
}

#[test]
fn the_corpus_is_large_and_its_names_are_distinct() {
    let held = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus"))
        .unwrap()
        .count();
    assert_eq!(held, FILES.len(), "a file of the corpus is not run");
    let mut all = 0;
    for file in FILES {
        let mut names: Vec<String> = queries(file).into_iter().map(|(name, _)| name).collect();
        all += names.len();
        names.sort();
        let before = names.len();
        names.dedup();
        assert_eq!(names.len(), before, "{file}: two queries have one name");
    }
    assert!(all >= 290, "{all}");
}
