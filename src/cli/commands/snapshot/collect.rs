//! `snapshot collect`: a snapshot from AWS.

use std::io::{IsTerminal, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{say, say_failures};
use crate::aws::collect::{self, Accounts, Event, Journal, Request, guard};
use crate::aws::role::Role;
use crate::cli::args::Globals;
use crate::cli::error::hinted;
use crate::cli::exit::Exit;
use crate::cli::printer::{Output, Printer};
use crate::cli::settings;
use crate::lake::Location;
use crate::lake::snapshots::{self, Stamp};
use crate::snapshot::bundle::{self, Purpose};
use crate::snapshot::document::sha256;
use crate::snapshot::json;

/// Arguments of `snapshot collect`.
#[derive(Debug, Args)]
pub(super) struct CollectArgs {
    /// Account ids, or `organization` for every account of it; the caller's own where none is named
    #[arg(long, value_name = "ID,...", value_delimiter = ',')]
    accounts: Vec<String>,
    /// The role to assume in each account
    #[arg(long, value_name = "NAME")]
    role_name: Option<String>,
    /// The external id the role asks for
    #[arg(long, value_name = "ID", requires = "role_name")]
    external_id: Option<String>,
    /// The name of the session
    #[arg(long, value_name = "NAME", default_value = "keytrail-snapshot")]
    session_name: String,
    /// The source identity of the session
    #[arg(long, value_name = "NAME", requires = "role_name")]
    source_identity: Option<String>,
    /// The Regions; every enabled one where none is named
    #[arg(long, value_name = "REGION,...", value_delimiter = ',')]
    regions: Vec<String>,
    /// Continue an interrupted collection
    #[arg(long)]
    resume: bool,
    /// Print the least IAM policy the collection needs, and stop
    #[arg(long)]
    print_policy: bool,
    /// Write the snapshot as a bundle to this file too
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Runs `snapshot collect`.
pub(super) async fn run(args: &CollectArgs, globals: &Globals, printer: &Printer) -> anyhow::Result<Exit> {
    if args.print_policy {
        let mut output = Output::open(args.output.as_deref())?;
        writeln!(output, "{}", serde_json::to_string_pretty(&guard::policy())?)?;
        output.finish()?;
        return Ok(Exit::Done);
    }
    let request = Request {
        accounts: accounts(&args.accounts)?,
        role: args.role_name.clone().map(|name| Role {
            name,
            external_id: args.external_id.clone(),
            session_name: args.session_name.clone(),
            source_identity: args.source_identity.clone(),
        }),
        regions: args
            .regions
            .iter()
            .map(|region| region.trim().to_owned())
            .filter(|region| !region.is_empty())
            .collect(),
        resume: args.resume,
        journal: None,
    };
    let lake = settings::writable_lake(globals).await?;
    let request = Request {
        journal: Some(journal(&lake)),
        ..request
    };
    let config = settings::aws(&globals.aws).await;
    let bar = bar(printer);
    let say_event = |event: Event| show(&bar, &event, printer);
    let collected = collect::collect(&config, &request, &|| settings::now().0, &say_event).await;
    bar.finish_and_clear();
    let collected = collected.map_err(|error| match error {
        crate::aws::Error::Credentials(_) => hinted(
            &error,
            "sign in with `aws configure` or `aws sso login`, or name a profile with --profile",
        ),
        other => anyhow::Error::new(other),
    })?;
    let bundle = collected.bundle;
    let now = settings::now().0;
    let stamp = Stamp {
        collected_at: now,
        source: "aws".to_owned(),
        kept_at: now,
    };
    let kept = snapshots::keep(&lake, &bundle, &stamp).await?;
    if let Some(path) = &args.output {
        let mut output = Output::open(Some(path))?;
        writeln!(output, "{}", bundle::write(&bundle, Purpose::HandOver))?;
        output.finish()?;
    } else {
        let mut output = Output::open(None)?;
        writeln!(output, "{}", kept.snapshot_id)?;
        output.finish()?;
    }
    // Only now is everything safe elsewhere.
    collected.journal.into_iter().for_each(Journal::forget);
    let (requests, throttled, in_flight) = collected.meter.read();
    printer.note(&format!(
        "{requests} requests, {throttled} throttled, at most {in_flight} at once"
    ));
    say(&kept, "aws", printer);
    say_failures(&bundle, printer);
    Ok(if kept.failures > 0 {
        Exit::Incomplete
    } else {
        Exit::Done
    })
}

fn accounts(typed: &[String]) -> anyhow::Result<Accounts> {
    let typed: Vec<&str> = typed
        .iter()
        .map(|word| word.trim())
        .filter(|word| !word.is_empty())
        .collect();
    match typed.as_slice() {
        [] => Ok(Accounts::Caller),
        ["organization" | "org" | "all"] => Ok(Accounts::Organization),
        ids => {
            let one = |id: &&str| {
                let whole = id.len() == 12 && json::account(id).is_some();
                whole.then(|| (*id).to_owned()).ok_or_else(|| {
                    hinted(
                        format!("`{id}` is no account id"),
                        "account ids have twelve digits; `organization` means all of them",
                    )
                })
            };
            Ok(Accounts::Listed(
                ids.iter().map(one).collect::<anyhow::Result<Vec<String>>>()?,
            ))
        }
    }
}

/// Where the collection is noted until it is kept: beside a local lake, else below the user's state folder.
fn journal(lake: &Location) -> PathBuf {
    if let Some(folder) = lake.folder() {
        let mut path = folder.as_os_str().to_string_lossy().trim_end_matches('/').to_owned();
        path.push_str(".collecting.jsonl");
        return PathBuf::from(path);
    }
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state"));
    let state = std::env::var_os("XDG_STATE_HOME")
        .filter(|path| !path.is_empty())
        .map(PathBuf::from)
        .or_else(home);
    let name: String = sha256(lake.root().as_str().as_bytes()).chars().take(16).collect();
    state
        .unwrap_or_else(std::env::temp_dir)
        .join("keytrail")
        .join(format!("{name}.collecting.jsonl"))
}

fn bar(printer: &Printer) -> ProgressBar {
    if printer.is_quiet() || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {bar:24} {pos}/{len} keys, {msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

fn show(bar: &ProgressBar, event: &Event, printer: &Printer) {
    match event {
        Event::Accounts(count) => bar.set_message(format!("{count} accounts")),
        Event::Account(id) => bar.set_message(format!("account {id} done")),
        Event::Region(account, region) => bar.set_message(format!("{account} {region} done")),
        Event::Keys(count) => bar.inc_length(*count as u64),
        Event::Key => bar.inc(1),
        Event::Unnoted => printer.note(
            "another collection into this lake is under way on this machine: this one cannot be resumed if it is interrupted",
        ),
        Event::Resumed(count) => printer.note(&format!("{count} parts were read before the interruption")),
    }
}
