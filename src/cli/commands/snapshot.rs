//! `snapshot`: permission snapshots collected, imported, listed and compared.

mod collect;
mod diff;
mod import;

use clap::{Args, Subcommand};

use super::rows;
use crate::cli::args::{Globals, RowsArgs};
use crate::cli::exit::Exit;
use crate::cli::printer::Printer;
use crate::cli::settings;
use crate::engine::query::Bindings;
use crate::lake::snapshots::Kept;

/// Arguments of `snapshot`.
#[derive(Debug, Args)]
pub(in crate::cli) struct SnapshotArgs {
    #[command(subcommand)]
    command: SnapshotCommand,
}

/// What to do with snapshots.
#[derive(Debug, Subcommand)]
enum SnapshotCommand {
    /// Read keys, policies, grants, principals and trails from AWS; changes nothing there
    Collect(collect::CollectArgs),
    /// Take bundles, folders of AWS CLI output, iam-collect folders or AWS Config files
    Import(import::ImportArgs),
    /// List the snapshots the lake holds
    List(ListArgs),
    /// Show what differs between two snapshots
    Diff(diff::DiffArgs),
}

/// Arguments of `snapshot list`.
#[derive(Debug, Args)]
struct ListArgs {
    #[command(flatten)]
    rows: RowsArgs,
}

/// One row per snapshot with what it tried; the counts come from the index, not from the rows themselves.
const LIST: &str = "SELECT s.snapshot_id, s.collected_at, s.source, s.collected_by, s.complete, \
     array_to_string(s.accounts, ' ') AS accounts, c.regions, c.keys, c.grants, c.principals, c.trails, s.content_hash, \
     array_to_string(s.notes, '; ') AS notes \
     FROM snapshots s LEFT JOIN (SELECT snapshot_id, \
     count(DISTINCT CASE WHEN table_name = 'kms_keys' THEN account_id || '/' || region END) AS regions, \
     coalesce(sum(CASE WHEN table_name = 'kms_keys' THEN row_count END), 0) AS keys, \
     coalesce(sum(CASE WHEN table_name = 'kms_grants' THEN row_count END), 0) AS grants, \
     coalesce(sum(CASE WHEN table_name = 'iam_principals' THEN row_count END), 0) AS principals, \
     coalesce(sum(CASE WHEN table_name = 'trails' THEN row_count END), 0) AS trails \
     FROM snapshot_chunks GROUP BY snapshot_id) c ON c.snapshot_id = s.snapshot_id \
     ORDER BY s.collected_at, s.snapshot_id";

/// Runs `snapshot`.
pub(in crate::cli) async fn run(args: &SnapshotArgs, globals: &Globals, printer: &Printer) -> anyhow::Result<Exit> {
    match &args.command {
        SnapshotCommand::Collect(args) => collect::run(args, globals, printer).await,
        SnapshotCommand::Import(args) => import::run(args, globals, printer).await,
        SnapshotCommand::List(args) => list(args, globals).await,
        SnapshotCommand::Diff(args) => diff::run(args, globals, printer).await,
    }
}

async fn list(args: &ListArgs, globals: &Globals) -> anyhow::Result<Exit> {
    let session = settings::session(globals, None).await?;
    rows::deliver(session.query(LIST, &Bindings::new()).await?, &args.rows).await?;
    Ok(Exit::Done)
}

/// Says what keeping a snapshot did.
fn say(kept: &Kept, from: &str, printer: &Printer) {
    let count = |table: &str| kept.rows.get(table).copied().unwrap_or(0);
    if kept.was_there {
        printer.note(&format!(
            "`{from}`: the lake holds this snapshot already: {}",
            kept.snapshot_id
        ));
        return;
    }
    printer.note(&format!(
        "`{from}`: kept snapshot {}: {} keys, {} key policies, {} grants, {} aliases, {} principals, {} IAM policies, {} trails; {} of {} rows were new",
        kept.snapshot_id,
        count("kms_keys"),
        count("kms_key_policies"),
        count("kms_grants"),
        count("kms_aliases"),
        count("iam_principals"),
        count("iam_policies"),
        count("trails"),
        kept.rows_written,
        kept.rows.values().sum::<usize>(),
    ));
}

/// Says what could not be read, most frequent first, and in which table it stands.
fn say_failures(bundle: &crate::snapshot::Bundle, printer: &Printer) {
    let mut counts: std::collections::BTreeMap<(&str, &str), (usize, &str)> = std::collections::BTreeMap::new();
    for failure in bundle.failures.iter().filter(|failure| !failure.skipped) {
        let entry = counts
            .entry((&failure.operation, &failure.code))
            .or_insert((0, &failure.message));
        entry.0 += 1;
    }
    for ((operation, code), (count, message)) in &counts {
        printer.note(&format!(
            "could not be read: {operation}: {code} ({count} times), for example: {message}"
        ));
    }
    if !counts.is_empty() {
        printer.hint("each is a row of `snapshot_scope`: SELECT * FROM snapshot_scope WHERE state = 'failed'");
    }
    for note in &bundle.notes {
        printer.note(note);
    }
}
