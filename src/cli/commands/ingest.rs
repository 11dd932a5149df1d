//! `ingest`: logs into the lake.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::DateTime;
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::args::Globals;
use crate::cli::error::hinted;
use crate::cli::exit::Exit;
use crate::cli::printer::Printer;
use crate::cli::settings;
use crate::ingest::{self, Progress, Report, Settings};
use crate::model::Instant;
use crate::source::{self, Dates, Source};
use crate::trail::Limits;

/// Arguments of `ingest`.
#[derive(Debug, Args)]
pub(in crate::cli) struct IngestArgs {
    /// `s3://bucket/prefix`, a folder, a file, or `-` for stdin
    #[arg(value_name = "SOURCE", required = true)]
    sources: Vec<OsString>,
    /// Only objects that may hold events from this day on (2026-01-31)
    #[arg(long, value_name = "DATE", value_parser = settings::instant)]
    from: Option<Instant>,
    /// Only objects that may hold events up to this day
    #[arg(long, value_name = "DATE", value_parser = settings::instant)]
    to: Option<Instant>,
    /// Days after --to that late deliveries are looked for
    #[arg(long, value_name = "DAYS", default_value_t = 2)]
    late_days: u64,
    /// The trail that delivered the objects, for copies on disk
    #[arg(long, value_name = "ARN")]
    trail: Option<String>,
    /// List the whole prefix, also where it was listed whole before
    #[arg(long)]
    full: bool,
    /// Keep STS session tokens as delivered instead of blanking them
    #[arg(long)]
    keep_session_tokens: bool,
    /// Pay for requests to the bucket
    #[arg(long)]
    request_payer: bool,
    /// Bytes one object may inflate to
    #[arg(long, value_name = "SIZE", default_value = "16GiB", value_parser = settings::bytes)]
    max_object_size: usize,
    /// Bytes one record may have
    #[arg(long, value_name = "SIZE", default_value = "16MiB", value_parser = settings::bytes)]
    max_record_size: usize,
    /// Objects read ahead at once
    #[arg(long, value_name = "N", default_value_t = 16)]
    concurrency: usize,
}

/// Runs `ingest`.
pub(in crate::cli) async fn run(args: &IngestArgs, globals: &Globals, printer: &Printer) -> anyhow::Result<Exit> {
    let sources: Vec<Source> = args
        .sources
        .iter()
        .map(|word| Source::parse(word))
        .collect::<Result<_, _>>()
        .map_err(said)?;
    let aws = if sources.iter().any(Source::is_s3) {
        Some(settings::aws(&globals.aws).await)
    } else {
        None
    };
    let day = |instant: Option<Instant>| {
        instant
            .and_then(|instant| DateTime::from_timestamp_micros(instant.0))
            .map(|time| time.date_naive())
    };
    if let (Some(from), Some(to)) = (args.from, args.to)
        && to < from
    {
        return Err(hinted("--to lies before --from", "give the earlier day as --from"));
    }
    let lake = settings::writable_lake(globals).await?;
    let settings = Settings {
        limits: Limits {
            object_bytes: args.max_object_size as u64,
            record_bytes: args.max_record_size,
            ..Limits::default()
        },
        keep_session_tokens: args.keep_session_tokens,
        trail_arn: args.trail.clone(),
        batch_rows: ingest::BATCH.0,
        batch_bytes: ingest::BATCH.1,
        ahead: args.concurrency.clamp(1, 256),
        full: args.full,
        since: args.from,
        until: args.to,
        source: source::Options {
            dates: Dates::of_events(day(args.from), day(args.to), args.late_days),
            request_payer: args.request_payer,
            aws,
        },
        clock: settings::now,
    };
    let progress = Arc::new(Progress::default());
    let bar = bar(printer, progress.clone());
    let report = ingest::run(&lake, &sources, &settings, progress).await;
    bar.abort();
    let report = report.map_err(|error| match error {
        ingest::Error::Source(error) => said(error),
        other => anyhow::Error::new(other),
    })?;
    summary(&report, globals, printer);
    let totals = &report.totals;
    if totals.kept + totals.duplicate + totals.faulted != totals.records_read {
        anyhow::bail!(
            "the accounts do not add up: read {} but kept {} + duplicate {} + faulted {}",
            totals.records_read,
            totals.kept,
            totals.duplicate,
            totals.faulted
        );
    }
    Ok(if report.is_incomplete() {
        Exit::Incomplete
    } else {
        Exit::Done
    })
}

fn said(error: source::Error) -> anyhow::Error {
    match error.hint() {
        Some(hint) => hinted(&error, hint),
        None => anyhow::Error::new(error),
    }
}

/// Draws the progress on a terminal until it is aborted.
fn bar(printer: &Printer, progress: Arc<Progress>) -> tokio::task::JoinHandle<()> {
    let is_shown = !printer.is_quiet() && std::io::stderr().is_terminal();
    tokio::spawn(async move {
        if !is_shown {
            return;
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {msg}") {
            bar.set_style(style);
        }
        let began = std::time::Instant::now();
        loop {
            let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
            let megabytes = count(&progress.bytes_read) as f64 / 1e6;
            bar.set_message(format!(
                "objects {} listed, {} read, {} known; records {}; {:.0} MB/s of JSON; faults {}",
                count(&progress.objects_listed),
                count(&progress.objects_read),
                count(&progress.objects_known),
                count(&progress.records),
                megabytes / began.elapsed().as_secs_f64().max(0.001),
                count(&progress.faults),
            ));
            bar.tick();
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    })
}

fn summary(report: &Report, globals: &Globals, printer: &Printer) {
    let totals = &report.totals;
    for note in &report.notes {
        printer.note(note);
    }
    for (place, reason) in &report.faults {
        printer.warning(&format!("{place}: {reason}"));
    }
    for (place, reason) in &report.unlisted {
        printer.warning(&format!("{place}: {reason}"));
    }
    let shown = report.faults.len() as i64;
    if totals.faulted + totals.objects_with_error > shown {
        printer.warning(&format!(
            "{} more faults: `keytrail query \"select * from ingest_faults\"`",
            totals.faulted + totals.objects_with_error - shown
        ));
    }
    let skipped: Vec<String> = report
        .skipped
        .iter()
        .map(|(reason, count)| format!("{count} {reason}"))
        .collect();
    let mut objects = format!("objects: {} read, {} known already", totals.objects, report.known);
    if totals.objects_with_error > 0 {
        objects.push_str(&format!(", {} not to the end", totals.objects_with_error));
    }
    if !skipped.is_empty() {
        objects.push_str(&format!("; not decoded: {}", skipped.join(", ")));
    }
    printer.say(&objects);
    printer.say(&format!(
        "records: read {} = kept {} + duplicate {} + faulted {}",
        totals.records_read, totals.kept, totals.duplicate, totals.faulted
    ));
    if let (Some(first), Some(last)) = (totals.first_event_at, totals.last_event_at) {
        let list = |set: &std::collections::HashSet<String>| {
            let mut all: Vec<&str> = set.iter().map(String::as_str).collect();
            all.sort_unstable();
            let more = all.len().saturating_sub(8);
            all.truncate(8);
            let shown = all.join(" ");
            if more > 0 {
                format!("{shown} and {more} more")
            } else {
                shown
            }
        };
        printer.say(&format!("events: {first} to {last}"));
        printer.say(&format!("accounts: {}", list(&totals.accounts)));
        printer.say(&format!("regions: {}", list(&totals.regions)));
    }
    printer.say(&format!(
        "next: keytrail --lake {} query key-usage",
        settings::shell_word(&globals.lake)
    ));
}
