//! `snapshot diff`: what differs between two snapshots, for people or as rows.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use clap::Args;

use super::rows;
use crate::cli::args::{Globals, RowsArgs};
use crate::cli::error::hinted;
use crate::cli::exit::Exit;
use crate::cli::printer::{Output, Printer};
use crate::cli::settings;
use crate::lake::Location;
use crate::lake::snapshots;
use crate::snapshot::diff::{Change, between};
use crate::snapshot::rows::Rows;

/// Arguments of `snapshot diff`.
#[derive(Debug, Args)]
pub(super) struct DiffArgs {
    /// The earlier snapshot: its id or the start of it
    before: String,
    /// The later snapshot
    after: String,
    #[command(flatten)]
    rows: RowsArgs,
}

/// Runs `snapshot diff`.
pub(super) async fn run(args: &DiffArgs, globals: &Globals, printer: &Printer) -> anyhow::Result<Exit> {
    let lake = settings::location(globals).await?;
    let (before, after) = (held(&lake, &args.before).await?, held(&lake, &args.after).await?);
    let changes = between(&before, &after);
    if args.rows.format.is_some() {
        rows::deliver_batch(batch(&changes)?, &args.rows)?;
    } else {
        let mut output = Output::open(args.rows.output.as_deref())?;
        output.write_all(text(&changes)?.as_bytes())?;
        output.finish()?;
    }
    if changes.is_empty() {
        printer.note("the snapshots do not differ");
    }
    Ok(Exit::Done)
}

async fn held(lake: &Location, id: &str) -> anyhow::Result<Rows> {
    let found = snapshots::load_rows(lake, id).await?;
    let missing = || {
        hinted(
            format!("there is no snapshot `{id}`, or several begin so"),
            "`keytrail snapshot list` shows them",
        )
    };
    found.map(|(_, rows)| rows).ok_or_else(missing)
}

/// One paragraph per change: what and where, the columns that differ, the lines of a policy.
fn text(changes: &[Change]) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    for change in changes {
        let place = [change.account_id.as_deref(), change.region.as_deref()];
        let place: Vec<&str> = place.into_iter().flatten().collect();
        writeln!(
            text,
            "{} {}: {} ({})",
            change.what.word(),
            change.table,
            plain(&change.subject),
            place.join(" ")
        )?;
        for (name, before, after) in &change.fields {
            writeln!(text, "    {name}: {} -> {}", plain(before), plain(after))?;
        }
        for line in change.lines.iter().flat_map(|lines| lines.lines()) {
            writeln!(text, "    {}", plain(line))?;
        }
    }
    Ok(text)
}

/// Names and policies come from others: nothing in them may steer the terminal.
fn plain(text: &str) -> String {
    text.chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect()
}

fn batch(changes: &[Change]) -> anyhow::Result<RecordBatch> {
    let column = |cell: &dyn Fn(&Change) -> Option<String>| -> ArrayRef {
        Arc::new(changes.iter().map(cell).collect::<StringArray>())
    };
    let fields = |change: &Change| {
        let member = |(name, before, after): &(String, String, String)| {
            (name.clone(), serde_json::json!({"before": before, "after": after}))
        };
        let all: serde_json::Map<String, serde_json::Value> = change.fields.iter().map(member).collect();
        (!all.is_empty()).then(|| serde_json::Value::Object(all).to_string())
    };
    let columns: [(&str, ArrayRef); 7] = [
        ("table_name", column(&|change| Some(change.table.to_owned()))),
        ("change", column(&|change| Some(change.what.word().to_owned()))),
        ("account_id", column(&|change| change.account_id.clone())),
        ("region", column(&|change| change.region.clone())),
        ("subject", column(&|change| Some(change.subject.clone()))),
        ("fields", column(&fields)),
        ("lines", column(&|change| change.lines.clone())),
    ];
    let schema = columns
        .iter()
        .map(|(name, _)| Field::new(*name, DataType::Utf8, true))
        .collect::<Vec<Field>>();
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    Ok(RecordBatch::try_new(Arc::new(Schema::new(schema)), arrays)?)
}
