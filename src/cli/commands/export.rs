//! `export`: records back as CloudTrail JSON.

use std::io::Write;
use std::path::PathBuf;
use std::pin::pin;

use clap::{Args, ValueEnum};
use futures::StreamExt;

use crate::cli::args::Globals;
use crate::cli::exit::Exit;
use crate::cli::printer::Output;
use crate::cli::settings;
use crate::lake::export::{self, Filter};
use crate::model::Instant;

/// Arguments of `export`.
#[derive(Debug, Args)]
pub(in crate::cli) struct ExportArgs {
    /// Not before this event time
    #[arg(long, value_name = "TIME", value_parser = settings::instant)]
    since: Option<Instant>,
    /// Before this event time
    #[arg(long, value_name = "TIME", value_parser = settings::instant)]
    until: Option<Instant>,
    /// Only records that this source object delivered
    #[arg(long, value_name = "KEY")]
    source_object: Option<String>,
    /// Only records of this service (kms.amazonaws.com)
    #[arg(long, value_name = "EVENT_SOURCE")]
    event_source: Option<String>,
    /// One `{"Records":[...]}` as delivered by a trail, or one record a line
    #[arg(long, value_enum, default_value_t = Form::Json)]
    format: Form,
    /// Write to this file instead of stdout
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum, PartialEq, Eq)]
enum Form {
    /// The envelope of trail files
    Json,
    /// One record a line
    Jsonl,
}

/// Runs `export`.
pub(in crate::cli) async fn run(args: &ExportArgs, globals: &Globals) -> anyhow::Result<Exit> {
    let lake = settings::existing_lake(globals).await?;
    let filter = Filter {
        since: args.since,
        until: args.until,
        source_object: args.source_object.clone(),
        event_source: args.event_source.clone(),
    };
    let records = export::records(&lake, filter).await?;
    let mut records = pin!(records);
    let mut out = Output::open(args.output.as_deref())?;
    if args.format == Form::Json {
        out.write_all(b"{\"Records\":[")?;
    }
    let mut separator: &[u8] = b"";
    while let Some(some) = records.next().await {
        for exported in some? {
            out.write_all(separator)?;
            out.write_all(exported.record.as_bytes())?;
            separator = if args.format == Form::Json { b",\n" } else { b"\n" };
        }
    }
    out.write_all(if args.format == Form::Json { b"]}\n" } else { separator })?;
    out.finish()?;
    Ok(Exit::Done)
}
