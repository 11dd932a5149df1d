//! Rows to where they were asked for, as they come.

use std::io::IsTerminal;
use std::path::Path;

use futures::TryStreamExt;

use crate::cli::args::{FormatArg, RowsArgs};
use crate::cli::error::hinted;
use crate::cli::printer::Output;
use crate::engine::{Error, Rows};
use crate::report::{Format, Writer};

/// Writes every row and returns their number.
///
/// # Errors
/// The query fails on the way, or the output cannot be written.
pub(super) async fn deliver(rows: Rows, args: &RowsArgs) -> anyhow::Result<usize> {
    let format = format(args);
    let to_stdout = args.output.as_deref().is_none_or(|path| path == Path::new("-"));
    if format == Format::Parquet && to_stdout && std::io::stdout().is_terminal() {
        return Err(hinted("a terminal cannot show Parquet", "write it to a file with -o"));
    }
    let output = Output::open(args.output.as_deref())?;
    let mut writer = Writer::new(format, &rows.schema, output)?;
    let mut stream = rows.stream;
    while let Some(batch) = stream.try_next().await.map_err(Error::from)? {
        writer.write(&batch)?;
        writer.flush()?;
    }
    let (count, output) = writer.finish()?;
    output.finish()?;
    Ok(count)
}

/// What was asked for; else what the file's name says; else a table.
fn format(args: &RowsArgs) -> Format {
    if let Some(format) = args.format {
        return format.into();
    }
    let extension = args
        .output
        .as_deref()
        .and_then(Path::extension)
        .and_then(|extension| extension.to_str());
    match extension {
        Some("csv") => FormatArg::Csv,
        Some("json") => FormatArg::Json,
        Some("jsonl" | "ndjson") => FormatArg::Jsonl,
        Some("md") => FormatArg::Markdown,
        Some("parquet") => FormatArg::Parquet,
        _ => FormatArg::Table,
    }
    .into()
}

/// Writes rows that are there already.
///
/// # Errors
/// The output cannot be written.
pub(super) fn deliver_batch(batch: arrow::array::RecordBatch, args: &RowsArgs) -> anyhow::Result<()> {
    let mut writer = Writer::new(format(args), &batch.schema(), Output::open(args.output.as_deref())?)?;
    writer.write(&batch)?;
    let (_, output) = writer.finish()?;
    output.finish()
}
