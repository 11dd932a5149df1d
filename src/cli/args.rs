//! What was typed: the arguments every command shares, and the list of commands.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::commands;
use crate::report::Format;

/// Who could, and who did, with every AWS KMS key: CloudTrail logs and permission snapshots, answered in SQL.
#[derive(Debug, Parser)]
#[command(name = "keytrail", version, propagate_version = true, disable_help_subcommand = true)]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) globals: Globals,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// Arguments before or after any command.
#[derive(Debug, Args)]
pub(super) struct Globals {
    /// The lake: a folder or `s3://bucket/prefix`
    #[arg(
        long,
        global = true,
        value_name = "URI",
        env = "KEYTRAIL_LAKE",
        default_value = "./keytrail-lake"
    )]
    pub(super) lake: String,
    /// Say nothing but errors on stderr
    #[arg(short, long, global = true)]
    pub(super) quiet: bool,
    /// Say more on stderr: how much of the lake was read
    #[arg(short, long, global = true)]
    pub(super) verbose: bool,
    /// No colours
    #[arg(long, global = true)]
    pub(super) no_color: bool,
    #[command(flatten)]
    pub(super) aws: AwsArgs,
}

/// How AWS, or a server that speaks like it, is reached.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "AWS")]
pub(super) struct AwsArgs {
    /// The profile whose credentials and Region to use
    #[arg(long, global = true)]
    pub(super) profile: Option<String>,
    /// The Region
    #[arg(long, global = true)]
    pub(super) region: Option<String>,
    /// Another address than AWS's own
    #[arg(long, global = true, value_name = "URL")]
    pub(super) endpoint_url: Option<String>,
}

/// Where rows go, and in which form.
#[derive(Debug, Args)]
pub(super) struct RowsArgs {
    /// The form of the rows; `table` unless the file's name says otherwise
    #[arg(long, value_enum)]
    pub(super) format: Option<FormatArg>,
    /// Write to this file instead of stdout
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
}

/// A form of rows.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum FormatArg {
    /// Aligned columns, for people
    Table,
    /// Comma-separated values, safe to open in a spreadsheet
    Csv,
    /// One array of objects
    Json,
    /// One object a line
    Jsonl,
    /// A Markdown table
    Markdown,
    /// A Parquet file
    Parquet,
}

impl From<FormatArg> for Format {
    fn from(typed: FormatArg) -> Format {
        match typed {
            FormatArg::Table => Format::Table,
            FormatArg::Csv => Format::Csv,
            FormatArg::Json => Format::Json,
            FormatArg::Jsonl => Format::Jsonl,
            FormatArg::Markdown => Format::Markdown,
            FormatArg::Parquet => Format::Parquet,
        }
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// A tour on a sample organization, which is in the binary
    Demo(commands::demo::DemoArgs),
    /// Take CloudTrail logs into the lake
    Ingest(commands::ingest::IngestArgs),
    /// Write records back as CloudTrail JSON
    Export(commands::export::ExportArgs),
    /// Merge small files and drop superseded ones
    Compact(commands::compact::CompactArgs),
    /// Permission snapshots: collect, import, list, compare
    Snapshot(commands::snapshot::SnapshotArgs),
    /// Who is allowed an action on a key, and by which statement or grant
    WhoCan(commands::access::WhoCanArgs),
    /// Whether one principal is allowed an action on a key, and why
    Can(commands::access::CanArgs),
    /// Answer cases of `{id, snapshot, request}`, one JSON line each
    Simulate(commands::access::SimulateArgs),
    /// The story of a key: its changes, who stood behind them, what broke, what to do now
    Trace(commands::trace::TraceArgs),
    /// Documents from verdicts: unused keys, administrative rights, evidence for an audit
    Report(commands::report::ReportArgs),
    /// Ask the lake: SQL, a named query, or a file
    Query(commands::query::QueryArgs),
    /// Show what the lake can vouch for, per account and Region, with gaps and their cause
    Coverage(commands::coverage::CoverageArgs),
    /// List the named queries, or show one
    Queries(commands::queries::QueriesArgs),
    /// Ask line by line: completion, history, paging
    Shell(commands::shell::ShellArgs),
    /// Check SQL for what CloudTrail never records and what no record can meet
    Lint(commands::lint::LintArgs),
    /// Serve the lake to PostgreSQL's clients: psql, drivers, dashboards
    Serve(commands::serve::ServeArgs),
}

impl Command {
    /// Whether it asks the lake with SQL and writes nothing to it.
    pub(super) fn is_question(&self) -> bool {
        use Command::{Coverage, Query, Report, Serve, Shell, Trace};
        matches!(
            self,
            Trace(_) | Report(_) | Query(_) | Coverage(_) | Shell(_) | Serve(_)
        )
    }
}
