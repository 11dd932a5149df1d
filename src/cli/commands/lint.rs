//! `lint`: what is wrong with SQL, before it is run.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::cli::exit::Exit;
use crate::cli::printer::Output;
use crate::cli::settings;
use crate::cli::shell::statements;
use crate::engine::lint::{Finding, Severity, lint};
use crate::engine::query::NamedQuery;

/// Arguments of `lint`.
#[derive(Debug, Args)]
pub(in crate::cli) struct LintArgs {
    /// SQL files, `-` for stdin; statements are separated by semicolons
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// One JSON object a finding
    #[arg(long)]
    json: bool,
}

/// Runs `lint`: 1 where something would not run or not answer what was asked, notes aside.
pub(in crate::cli) fn run(args: &LintArgs) -> anyhow::Result<Exit> {
    let mut text = String::new();
    let mut worst = None;
    for path in &args.files {
        let sql = settings::sql_file(path)?;
        let file = path.display().to_string();
        for (line, statement) in parts(&sql) {
            for finding in lint(&statement) {
                worst = worst.max(Some(finding.severity));
                text.push_str(&said(&file, line, &finding, args.json));
            }
        }
    }
    let mut output = Output::open(None)?;
    std::io::Write::write_all(&mut output, text.as_bytes())?;
    output.finish()?;
    Ok(match worst {
        Some(Severity::Warning | Severity::Error) => Exit::Found,
        Some(Severity::Note) | None => Exit::Done,
    })
}

/// The statements of a file, each with the number of lines before it.
fn parts(sql: &str) -> Vec<(usize, String)> {
    // A named query is one statement, and says so by its header.
    if NamedQuery::has_header(sql) {
        return vec![(0, sql.to_owned())];
    }
    let mut parts = Vec::new();
    let mut from = 0;
    for statement in statements(sql) {
        let at = sql
            .get(from..)
            .and_then(|rest| rest.find(statement.as_str()))
            .map_or(from, |at| from + at);
        let before = sql.get(..at).unwrap_or_default().matches('\n').count();
        from = at + statement.len();
        parts.push((before, statement));
    }
    parts
}

fn said(file: &str, lines_before: usize, finding: &Finding, as_json: bool) -> String {
    let line = match finding.line {
        0 => lines_before as u64 + 1,
        line => lines_before as u64 + line,
    };
    let column = finding.column.max(1);
    if as_json {
        let object = json!({
            "file": file, "line": line, "column": column, "severity": finding.severity.name(),
            "code": finding.code, "message": finding.message, "hint": finding.hint,
        });
        return format!("{object}\n");
    }
    let hint = finding
        .hint
        .as_deref()
        .map(|hint| format!("\n    hint: {hint}"))
        .unwrap_or_default();
    let (severity, code) = (finding.severity.name(), finding.code);
    format!(
        "{file}:{line}:{column}: {severity}: {} [{code}]{hint}\n",
        finding.message
    )
}
