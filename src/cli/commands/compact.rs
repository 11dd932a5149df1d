//! `compact`: fewer, larger, sorted files.

use clap::Args;

use crate::cli::args::Globals;
use crate::cli::exit::Exit;
use crate::cli::printer::Printer;
use crate::cli::settings;
use crate::lake::compact;
use crate::model::Instant;

/// Arguments of `compact`.
#[derive(Debug, Args)]
pub(in crate::cli) struct CompactArgs {
    /// How long superseded files stay for readers of older versions (and files of running ingests stay untouched)
    #[arg(long, value_name = "DURATION", default_value = "7d", value_parser = settings::duration)]
    retention: i64,
}

/// Runs `compact`.
pub(in crate::cli) async fn run(args: &CompactArgs, globals: &Globals, printer: &Printer) -> anyhow::Result<Exit> {
    let lake = settings::lake_of_any(globals).await?;
    let now = settings::now();
    let done = compact::compact(&lake, Instant(now.0 - args.retention), now).await?;
    printer.say(&format!(
        "merged {} files ({} bytes) into {} ({} bytes); deleted {} superseded files",
        done.files_before, done.bytes_before, done.files_after, done.bytes_after, done.deleted
    ));
    Ok(Exit::Done)
}
