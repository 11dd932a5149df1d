//! The planner's errors in words for people: what is wrong, where, and the nearest name.

use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;

use super::memory::Refused;
use super::{Error, dialect, functions};
use crate::model::nearest::nearest;

/// The error as ours.
pub(super) fn explain(error: &DataFusionError) -> Error {
    let root = error.find_root();
    if let DataFusionError::SchemaError(schema, _) = root
        && let Some(unknown) = unknown_column(schema)
    {
        return unknown;
    }
    let message = root.strip_backtrace();
    let prefixes = [
        "Error during planning: ",
        "SQL error: ",
        "Execution error: ",
        "Schema error: ",
        "External error: ",
        "Arrow error: ",
        "This feature is not implemented: ",
        "ParserError(\"",
    ];
    let mut plain = message.as_str();
    for prefix in prefixes {
        plain = plain.strip_prefix(prefix).unwrap_or(plain);
    }
    let plain = plain.lines().next().unwrap_or_default().trim_end_matches("\")");
    if let Some(unknown) = unknown_table(plain)
        .or_else(|| unknown_function(plain))
        .or_else(|| unknown_field(plain))
    {
        return unknown;
    }
    let plain = known(plain).unwrap_or(plain);
    match root {
        DataFusionError::ResourcesExhausted(_) => {
            Error::Memory(plain.strip_prefix("Resources exhausted: ").unwrap_or(plain).to_owned())
        }
        DataFusionError::External(other) if other.is::<Refused>() => Error::Memory(plain.to_owned()),
        DataFusionError::SQL(..) => Error::Sql(place_first(plain)),
        DataFusionError::Plan(_)
        | DataFusionError::SchemaError(..)
        | DataFusionError::NotImplemented(_)
        | DataFusionError::Diagnostic(..)
        | DataFusionError::Collection(_) => Error::Sql(plain.to_owned()),
        _ => Error::Run(plain.to_owned()),
    }
}

/// What the engine says in its own terms, in the reader's.
fn known(message: &str) -> Option<&'static str> {
    let messages = [
        (
            "Unsupported ast node in sqltorel: Lambda(",
            "a lambda is not taken here",
        ),
        (
            "Physical plan does not support logical expression OuterReferenceColumn",
            "a subquery in FROM reads a column of the query around it: only UNNEST can",
        ),
        (
            "Physical plan does not support logical expression Exists",
            "EXISTS with a column of the query around it is answered in WHERE only",
        ),
        (
            "Physical plan does not support logical expression InSubquery",
            "IN (SELECT ...) with a column of the query around it is answered in WHERE only",
        ),
    ];
    let found = messages.iter().find(|(start, _)| message.starts_with(start));
    found.map(|(_, said)| *said)
}

fn unknown_column(error: &SchemaError) -> Option<Error> {
    let SchemaError::FieldNotFound { field, valid_fields } = error else {
        return None;
    };
    let near = nearest(&field.name, valid_fields.iter().map(|valid| valid.name.as_str()));
    Some(Error::Unknown {
        what: "column",
        name: field.flat_name(),
        nearest: near.map(str::to_owned),
    })
}

fn unknown_table(message: &str) -> Option<Error> {
    let name = message.strip_prefix("table '")?.strip_suffix("' not found")?;
    let name = name.rsplit('.').next().unwrap_or(name);
    let tables = super::catalog::names();
    let near = nearest(name, tables.iter().map(String::as_str));
    Some(Error::Unknown {
        what: "table",
        name: name.to_owned(),
        nearest: near.map(str::to_owned),
    })
}

fn unknown_function(message: &str) -> Option<Error> {
    let name = message.strip_prefix("Invalid function '")?.split('\'').next()?;
    let ours: Vec<String> = functions::all().map(|function| function.name().to_owned()).collect();
    let near = nearest(name, ours.iter().map(String::as_str));
    Some(Error::Unknown {
        what: "function",
        name: name.to_owned(),
        nearest: near.map(str::to_owned),
    })
}

fn unknown_field(message: &str) -> Option<Error> {
    let name = message.strip_prefix("Field ")?.strip_suffix(" not found in struct")?;
    let near = nearest(name, dialect::column_names());
    Some(Error::Unknown {
        what: "field",
        name: name.to_owned(),
        nearest: near.map(str::to_owned),
    })
}

/// `Expected: x, found: y at Line: 1, Column: 10` becomes `line 1, column 10: expected x, found y`.
fn place_first(message: &str) -> String {
    let lower = |text: &str| {
        let mut letters = text.chars();
        letters.next().map_or_else(String::new, |first| {
            first.to_lowercase().collect::<String>() + letters.as_str()
        })
    };
    match message.rsplit_once(" at Line: ") {
        Some((what, place)) => {
            let place = place.replace("Column: ", "column ");
            let what = what
                .trim_start_matches("sql parser error: ")
                .replace("Expected: ", "expected ");
            format!("line {place}: {}", lower(&what.replace("found: ", "found ")))
        }
        None => lower(message),
    }
}
