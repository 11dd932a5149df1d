//! `queries`: the named queries with their parameters, or the text of one.

use std::fmt::Write as _;
use std::io::Write as _;

use clap::Args;

use super::query::named;
use crate::cli::exit::Exit;
use crate::cli::printer::Output;
use crate::engine::query::{Default, NamedQuery, Parameter, Value, names};
use crate::model::duration;

/// Arguments of `queries`.
#[derive(Debug, Args)]
pub(in crate::cli) struct QueriesArgs {
    /// Show the text of this one
    name: Option<String>,
}

/// Runs `queries`.
pub(in crate::cli) fn run(args: &QueriesArgs) -> anyhow::Result<Exit> {
    let mut text = String::new();
    match &args.name {
        Some(name) => text.push_str(&named(name)?.sql),
        None => {
            for name in names() {
                list(&named(name)?, &mut text)?;
            }
        }
    }
    let mut output = Output::open(None)?;
    output.write_all(text.as_bytes())?;
    output.finish()?;
    Ok(Exit::Done)
}

fn list(query: &NamedQuery, text: &mut String) -> std::fmt::Result {
    writeln!(text, "{}\n    {}", query.name, query.question)?;
    for parameter in &query.parameters {
        let default = default(parameter);
        writeln!(
            text,
            "    -p {}=<{}>  {}{default}",
            parameter.name,
            parameter.kind.name(),
            parameter.meaning
        )?;
    }
    writeln!(text)
}

fn default(parameter: &Parameter) -> String {
    let value = match &parameter.default {
        Default::Required => return " (required)".to_owned(),
        Default::Latest => "the latest instant the lake can vouch for".to_owned(),
        Default::Value(Value::Null(_)) => return String::new(),
        Default::Value(Value::Text(text)) => text.clone(),
        Default::Value(Value::Integer(number)) => number.to_string(),
        Default::Value(Value::Boolean(flag)) => flag.to_string(),
        Default::Value(Value::Instant(instant)) => instant.to_string(),
        Default::Value(Value::List(texts)) => texts.join(","),
        Default::Value(Value::Duration(length)) => duration::format(*length),
    };
    format!(" (default {value})")
}
