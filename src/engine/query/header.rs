//! The header of a query file: comment lines, each a key and a value.
//!
//! ```text
//! -- title: Uses of keys
//! -- question: Which keys were used, by whom, and how often?
//! -- needs: snapshot
//! -- param window duration = 90d: how far back from as_of
//! -- param key text: the key's ARN
//! -- param actions text = core: which actions
//! -- choice actions: core, full
//! -- with unexercised-admin-rights: what it builds on
//! -- column key_arn: the key
//! ```
//!
//! `with NAME` lets the SQL read the answer of a query of the pack, under its name with underscores for hyphens; its
//! parameters must be parameters of this query too.
//! A query that needs a snapshot is refused where the lake holds none at or before `as_of`.
//! A parameter without a default must be given; `null` is no value, and `latest` (of an instant) the latest instant
//! the lake can vouch for. The header ends at the first line that is no comment.

use super::{Column, Default, Kind, NamedQuery, Parameter, Value, parse_value};
use crate::engine::{Error, Result};

pub(super) fn begins(text: &str) -> bool {
    text.trim_start().starts_with("-- title:")
}

pub(super) fn parse(name: &str, text: &str) -> Result<NamedQuery> {
    let mut query = NamedQuery {
        name: name.to_owned(),
        title: String::new(),
        question: String::new(),
        needs_snapshot: false,
        parameters: Vec::new(),
        columns: Vec::new(),
        builds_on: Vec::new(),
        sql: text.to_owned(),
    };
    for (index, line) in text.lines().enumerate() {
        let Some(comment) = line.strip_prefix("--") else { break };
        let fail = |reason: String| Error::Header {
            name: name.to_owned(),
            line: index + 1,
            reason,
        };
        let Some((key, meaning)) = comment
            .split_once(':')
            .map(|(key, meaning)| (key.trim(), meaning.trim()))
        else {
            return Err(fail("there is no `:`".to_owned()));
        };
        let mut words = key.split_whitespace();
        match words.next() {
            Some("title") => set(&mut query.title, meaning).map_err(fail)?,
            Some("question") => set(&mut query.question, meaning).map_err(fail)?,
            Some("param") => {
                let parameter = parameter(words.collect(), meaning).map_err(fail)?;
                if query.parameters.iter().any(|known| known.name == parameter.name) {
                    return Err(fail(format!("parameter `{}` is there twice", parameter.name)));
                }
                query.parameters.push(parameter);
            }
            Some("choice") => {
                let name = words.next().unwrap_or_default();
                let Some(parameter) = query.parameters.iter_mut().find(|parameter| parameter.name == name) else {
                    return Err(fail(format!("there is no parameter `{name}` before this line")));
                };
                parameter.choices = meaning.split(',').map(|choice| choice.trim().to_owned()).collect();
            }
            Some("column") => {
                let name = words
                    .next()
                    .ok_or_else(|| fail("the column has no name".to_owned()))?
                    .to_owned();
                query.columns.push(Column {
                    name,
                    meaning: meaning.to_owned(),
                });
            }
            Some("with") => {
                let name = words.next().unwrap_or_default();
                if super::names().all(|known| known != name) {
                    return Err(fail(format!("there is no query `{name}`")));
                }
                query.builds_on.push(name.to_owned());
            }
            Some("needs") if meaning == "snapshot" => query.needs_snapshot = true,
            Some("needs") => {
                return Err(fail(format!(
                    "`{meaning}` is nothing a query can need (there is: snapshot)"
                )));
            }
            _ => {
                return Err(fail(format!(
                    "`{key}` is none of title, question, needs, with, param, choice, column"
                )));
            }
        }
    }
    for (what, text) in [("title", &query.title), ("question", &query.question)] {
        if text.is_empty() {
            return Err(Error::Header {
                name: name.to_owned(),
                line: 1,
                reason: format!("there is no {what}"),
            });
        }
    }
    for below in &query.builds_on {
        let parameters = super::named(below)?.map(|below| below.parameters).unwrap_or_default();
        if let Some(missing) = parameters
            .iter()
            .find(|parameter| query.parameters.iter().all(|known| known.name != parameter.name))
        {
            return Err(Error::Header {
                name: name.to_owned(),
                line: 1,
                reason: format!("parameter `{}` of `{below}` is not declared", missing.name),
            });
        }
    }
    Ok(query)
}

/// The text below the header.
pub(super) fn body(text: &str) -> &str {
    let header = text.lines().take_while(|line| line.starts_with("--"));
    let length: usize = header.map(|line| line.len() + 1).sum();
    text.get(length..).unwrap_or_default().trim_start()
}

fn set(target: &mut String, value: &str) -> std::result::Result<(), String> {
    if !target.is_empty() {
        return Err("is there twice".to_owned());
    }
    value.clone_into(target);
    Ok(())
}

fn parameter(words: Vec<&str>, meaning: &str) -> std::result::Result<Parameter, String> {
    let (name, kind, default) = match words.as_slice() {
        [name, kind] => (name, kind, None),
        [name, kind, "=", default @ ..] => (name, kind, Some(default.join(" "))),
        _ => return Err("a parameter is `param NAME TYPE` or `param NAME TYPE = DEFAULT`".to_owned()),
    };
    let kind = Kind::named(kind).ok_or_else(|| format!("`{kind}` is no type"))?;
    let default = match default.as_deref() {
        None => Default::Required,
        Some("null") => Default::Value(Value::Null(kind)),
        Some("latest") if kind == Kind::Instant => Default::Latest,
        Some(text) => Default::Value(parse_value(kind, text)?),
    };
    Ok(Parameter {
        name: (*name).to_owned(),
        kind,
        default,
        choices: Vec::new(),
        meaning: meaning.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "-- title: T\n-- question: Q: really?\n-- param a text: first\n\
        -- param b list = x, y: second\n-- param c instant = latest: third\n-- column d: fourth\nSELECT 1 -- e: f\n";

    #[test]
    fn a_header_names_parameters_and_columns() {
        let query = parse("q", GOOD).unwrap();
        assert_eq!((query.title.as_str(), query.question.as_str()), ("T", "Q: really?"));
        let defaults: Vec<_> = query
            .parameters
            .iter()
            .map(|parameter| parameter.default.clone())
            .collect();
        let list = Value::List(vec!["x".to_owned(), "y".to_owned()]);
        assert_eq!(defaults, [Default::Required, Default::Value(list), Default::Latest]);
        assert_eq!(
            query.columns.first().map(|column| column.meaning.as_str()),
            Some("fourth")
        );
    }

    #[test]
    fn what_a_header_does_not_know_is_refused_with_its_line() {
        for (text, line) in [
            ("-- title: T\nSELECT 1", 1),
            ("-- title: T\n-- question: Q\n-- colour: red\nSELECT 1", 3),
            ("-- title: T\n-- title: U\n-- question: Q\nSELECT 1", 2),
            ("-- title: T\n-- question: Q\n-- param a number: x\nSELECT 1", 3),
            ("-- title: T\n-- question: Q\n-- param a integer = many: x\nSELECT 1", 3),
            ("-- title: T\n-- question: Q\n-- with no-such-query: x\nSELECT 1", 3),
            ("-- title: T\n-- question: Q\n-- with key-usage: x\nSELECT 1", 1),
            (
                "-- title: T\n-- question: Q\n-- param a text: x\n-- param a text: y\nSELECT 1",
                4,
            ),
        ] {
            match parse("q", text) {
                Err(Error::Header { line: found, .. }) => assert_eq!(found, line, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_query_reads_the_answer_of_the_one_it_builds_on() {
        let below = super::super::named("top-kms-callers").unwrap().unwrap();
        let declared: Vec<&str> = below.sql.lines().filter(|line| line.starts_with("-- param ")).collect();
        for (body, joint) in [
            ("WITH a AS (SELECT 1) SELECT 2", ")\n, a AS"),
            ("SELECT 2", ")\nSELECT 2"),
        ] {
            let header = format!(
                "-- title: T\n-- question: Q\n-- with top-kms-callers: x\n{}",
                declared.join("\n")
            );
            let statement = parse("q", &format!("{header}\n{body}")).unwrap().statement().unwrap();
            assert!(statement.starts_with("WITH top_kms_callers AS ("), "{statement}");
            assert!(statement.contains(joint), "{statement}");
        }
    }

    #[test]
    fn values_are_bound_by_type_and_defaults_fill_the_rest() {
        let query = parse("q", GOOD).unwrap();
        let given = |name: &str, text: &str| vec![(name.to_owned(), text.to_owned())];
        assert!(query.needs_latest(&given("a", "1")));
        assert!(!query.needs_latest(&given("c", "2026-01-01")));
        let bound = query
            .bind(&[("a".into(), "it's".into()), ("c".into(), "2026-01-01".into())], None)
            .unwrap();
        assert_eq!(bound.get("a"), Some(&Value::Text("it's".to_owned())));
        assert!(query.bind(&given("c", "2026-01-01"), None).is_err(), "a is required");
        assert!(query.bind(&given("a", "1"), None).is_err(), "no latest");
        assert!(
            query
                .bind(&[("a".into(), "1".into()), ("z".into(), "1".into())], None)
                .is_err(),
            "z is unknown"
        );
        assert!(
            query
                .bind(&[("a".into(), "1".into()), ("c".into(), "soon".into())], None)
                .is_err(),
            "not an instant"
        );
    }
}
