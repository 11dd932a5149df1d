//! `report`: documents from verdicts, for people who sign them and people who act on them.

mod admin_rights;
mod evidence;
mod folder;
mod keyed;
mod lake;
mod unused_keys;

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use chrono::TimeDelta;
use clap::{Args, Subcommand, ValueEnum};

use crate::cli::args::Globals;
use crate::cli::exit::Exit;
use crate::cli::printer::{Output, Printer};
use crate::cli::settings;
use crate::coverage::Assumption;
use crate::model::{Instant, duration};

/// Arguments of `report`.
#[derive(Debug, Args)]
pub(in crate::cli) struct ReportArgs {
    #[command(subcommand)]
    report: Report,
}

#[derive(Debug, Subcommand)]
enum Report {
    /// Keys nobody uses, what each verdict rests on, what they cost, how to retire them
    UnusedKeys(Box<unused_keys::UnusedKeysArgs>),
    /// Who may administer which key, who did, who both administers and uses it, what could be taken away
    AdminRights(Box<admin_rights::AdminRightsArgs>),
    /// A folder an auditor can check: per key who may, who did, its policies and life; population, method, hashes
    Evidence(Box<evidence::EvidenceArgs>),
}

/// The span a report is about, and what it may lean on.
#[derive(Debug, Args)]
struct PeriodArgs {
    /// The instant the verdicts are as of; the latest the lake can vouch for when not given
    #[arg(long, value_name = "INSTANT", value_parser = settings::instant)]
    as_of: Option<Instant>,
    /// How far back from there
    #[arg(long, value_name = "DURATION", default_value = "90d", value_parser = window)]
    window: TimeDelta,
    /// Vouch for the log in a span, for some accounts and Regions or all: `SINCE..UNTIL[,ACCOUNT|REGION]...`
    #[arg(long, value_name = "SPAN", value_parser = assumption)]
    assume_coverage: Vec<(String, Assumption)>,
    /// Memory the queries may use before they spill to disk (512MiB, 2GB)
    #[arg(long, value_name = "SIZE", value_parser = settings::bytes)]
    memory_limit: Option<usize>,
}

/// Where a document goes, and in which form.
#[derive(Debug, Args)]
struct DocumentArgs {
    /// The form; by the file's name when not given, else Markdown on a terminal and HTML elsewhere
    #[arg(long, value_enum)]
    format: Option<DocumentFormat>,
    /// Write to this file instead of stdout
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// A form of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum DocumentFormat {
    /// One page for a browser or a printer, that needs nothing else
    Html,
    /// One object, for programs
    Json,
    /// A table, safe to open in a spreadsheet
    Csv,
    /// Text for a ticket or a wiki
    Markdown,
}

/// Runs `report`.
pub(in crate::cli) async fn run(args: &ReportArgs, globals: &Globals, printer: &Printer) -> anyhow::Result<Exit> {
    match &args.report {
        Report::UnusedKeys(args) => unused_keys::run(args, globals, printer).await,
        Report::AdminRights(args) => admin_rights::run(args, globals, printer).await,
        Report::Evidence(args) => evidence::run(args, globals, printer).await,
    }
}

impl DocumentArgs {
    fn format(&self) -> DocumentFormat {
        let extension = self
            .output
            .as_deref()
            .and_then(Path::extension)
            .and_then(|name| name.to_str());
        self.format.unwrap_or_else(|| match extension {
            Some("json") => DocumentFormat::Json,
            Some("csv") => DocumentFormat::Csv,
            Some("md" | "markdown") => DocumentFormat::Markdown,
            Some("html" | "htm") => DocumentFormat::Html,
            _ if self.output.is_none() && std::io::stdout().is_terminal() => DocumentFormat::Markdown,
            _ => DocumentFormat::Html,
        })
    }

    fn write(&self, text: &str) -> anyhow::Result<()> {
        let mut output = Output::open(self.output.as_deref())?;
        output.write_all(text.as_bytes())?;
        output.finish()
    }
}

fn window(text: &str) -> Result<TimeDelta, String> {
    let length = duration::parse(text)?;
    if length.is_zero() {
        return Err(format!("`{text}` is no time at all"));
    }
    Ok(length)
}

fn assumption(text: &str) -> Result<(String, Assumption), String> {
    Ok((text.to_owned(), Assumption::parse(text)?))
}

/// Reads a verdict of a list, or `any`.
fn verdict<'v>(text: &str, known: impl IntoIterator<Item = &'v str>) -> Result<String, String> {
    let named = text.trim().replace('-', "_");
    let known: Vec<&str> = known.into_iter().chain(["any"]).collect();
    if known.contains(&named.as_str()) {
        Ok(named)
    } else {
        Err(format!("`{text}` is no verdict (there are: {})", known.join(", ")))
    }
}

/// How a report ends: a verdict that fails the run comes before one too thin to conclude from.
fn exit(found: bool, is_too_thin: bool, printer: &Printer) -> Exit {
    if is_too_thin {
        printer.warning(
            "too thin to conclude from: nothing in it could be proved absent; see what the report says is missing",
        );
    }
    match (found, is_too_thin) {
        (true, _) => Exit::Found,
        (false, true) => Exit::Incomplete,
        (false, false) => Exit::Done,
    }
}
