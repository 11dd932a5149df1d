//! `snapshot import`: snapshots from files.

use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;

use super::{say, say_failures};
use crate::cli::args::Globals;
use crate::cli::error::hinted;
use crate::cli::exit::Exit;
use crate::cli::printer::{Output, Printer};
use crate::cli::settings;
use crate::lake::snapshots::{self, Stamp, files};
use crate::model::Instant;
use crate::snapshot::Error;

/// Arguments of `snapshot import`.
#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// Bundles, folders of `aws ...` output, iam-collect folders, AWS Config files; each folder is one snapshot
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// When it was collected, where the files do not say (2026-01-31T12:00:00Z)
    #[arg(long, value_name = "INSTANT", value_parser = settings::instant)]
    collected_at: Option<Instant>,
}

/// Runs `snapshot import`.
pub(super) async fn run(args: &ImportArgs, globals: &Globals, printer: &Printer) -> anyhow::Result<Exit> {
    let found = files::find(&args.paths, args.collected_at.map(|instant| instant.0)).map_err(|error| match error {
        Error::Nothing(_) => hinted(
            &error,
            "give a bundle, or save answers such as `aws kms list-keys` and `aws kms get-key-policy` into a folder",
        ),
        other => anyhow::Error::new(other),
    })?;
    let lake = settings::writable_lake(globals).await?;
    let mut ids = String::new();
    let mut incomplete = false;
    for snapshot in found {
        let stamp = Stamp {
            collected_at: snapshot.modified_at,
            source: snapshot.path.clone(),
            kept_at: settings::now().0,
        };
        let kept = snapshots::keep(&lake, &snapshot.bundle, &stamp).await?;
        say(&kept, &snapshot.path, printer);
        say_failures(&snapshot.bundle, printer);
        if !snapshot.unrecognised.is_empty() {
            let count = snapshot.unrecognised.len();
            let first = snapshot.unrecognised.first().map(String::as_str).unwrap_or_default();
            printer.note(&format!(
                "{count} files say nothing about permissions and were passed over, such as `{first}`"
            ));
        }
        incomplete |= kept.failures > 0;
        ids.push_str(&kept.snapshot_id);
        ids.push('\n');
    }
    let mut output = Output::open(None)?;
    output.write_all(ids.as_bytes())?;
    output.finish()?;
    Ok(if incomplete { Exit::Incomplete } else { Exit::Done })
}
