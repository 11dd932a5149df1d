//! `report unused-keys`: asks, has it drawn up, writes it, and ends as `--fail-on` says.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;

use super::lake::Lake;
use super::{DocumentArgs, DocumentFormat, PeriodArgs};
use crate::cli::args::Globals;
use crate::cli::error::hinted;
use crate::cli::exit::Exit;
use crate::cli::printer::Printer;
use crate::cli::settings;
use crate::model::Instant;
use crate::report::unused_keys::{
    Facts, Grant, Inventory, Key, Previous, Protected, UseDay, UseOverTime, VERDICTS, csv, draw_up, html, json,
    markdown,
};

/// An earlier report larger than this is none of ours.
const PREVIOUS_BYTES_MAX: u64 = 1 << 30;

/// Arguments of `report unused-keys`.
#[derive(Debug, Args)]
pub(super) struct UnusedKeysArgs {
    #[command(flatten)]
    period: PeriodArgs,
    /// Say what changed since an earlier report (its JSON form)
    #[arg(long, value_name = "FILE")]
    since_report: Option<PathBuf>,
    /// Say what changed since an earlier instant, by what the lake held for it
    #[arg(long, value_name = "INSTANT", value_parser = settings::instant, conflicts_with = "since_report")]
    compare_to: Option<Instant>,
    /// Exit with 1 where a key has one of these verdicts (`any`: unused, inconclusive, held_by_grant, attempted)
    #[arg(long, value_name = "VERDICT", value_delimiter = ',', value_parser = verdict)]
    fail_on: Vec<String>,
    #[command(flatten)]
    document: DocumentArgs,
}

fn verdict(text: &str) -> Result<String, String> {
    super::verdict(text, VERDICTS.iter().map(|(verdict, ..)| *verdict))
}

/// Runs `report unused-keys`.
pub(super) async fn run(args: &UnusedKeysArgs, globals: &Globals, printer: &Printer) -> anyhow::Result<Exit> {
    let given = args.since_report.as_deref().map(previous).transpose()?;
    let lake = Lake::open(&args.period, globals, printer).await?;
    let previous = match (given, args.compare_to) {
        (Some(given), _) => Some(given),
        (None, Some(at)) => {
            let keys = lake.rows_with("unused-keys", &[("as_of", at.to_string())]).await?;
            Some(Previous::of_rows(at, lake.period.days(), keys))
        }
        (None, None) => None,
    };
    if let Some(previous) = previous
        .as_ref()
        .filter(|previous| previous.as_of.0 >= lake.period.until)
    {
        return Err(hinted(
            format!(
                "the earlier report is as of {}, not before {}",
                previous.as_of, lake.period.until
            ),
            "name a report on an earlier instant, or a later one with --as-of",
        ));
    }
    let report = draw_up(facts(&lake, previous).await?);
    let text = match args.document.format() {
        DocumentFormat::Html => html(&report)?,
        DocumentFormat::Json => json(&report)?,
        DocumentFormat::Csv => csv(&report),
        DocumentFormat::Markdown => markdown(&report),
    };
    args.document.write(&text)?;
    let found = args.fail_on.iter().any(|verdict| report.has(verdict));
    Ok(super::exit(found, report.is_too_thin(), printer))
}

async fn facts(lake: &Lake, previous: Option<Previous>) -> anyhow::Result<Facts> {
    let keys: Vec<Key> = lake.rows("unused-keys").await?;
    let mut uses: BTreeMap<String, UseOverTime> = BTreeMap::new();
    for key in &keys {
        uses.insert(key.key_arn.clone(), UseOverTime::new(lake.period));
    }
    lake.each("key-use-per-day", &[], |day: UseDay| {
        if let Some(held) = uses.get_mut(&day.key_arn) {
            held.add(&day);
        }
    })
    .await?;
    let mut inventory = BTreeMap::new();
    lake.each("key-inventory", &[], |row: Inventory| {
        inventory.insert(row.key_arn.clone(), row);
    })
    .await?;
    let mut grants: BTreeMap<String, Vec<Grant>> = BTreeMap::new();
    lake.each("key-grants", &[], |row: Grant| {
        grants.entry(row.key_arn.clone()).or_default().push(row)
    })
    .await?;
    let mut protects: BTreeMap<String, Vec<Protected>> = BTreeMap::new();
    lake.each("protected-resources", &[], |row: Protected| {
        protects.entry(row.key_arn.clone()).or_default().push(row)
    })
    .await?;
    Ok(Facts {
        period: lake.period,
        keys,
        coverage: lake.rows("coverage-in-window").await?,
        snapshots: lake.rows("snapshots-in-force").await?,
        inventory,
        grants,
        protects,
        uses,
        previous,
        assumed: lake.assumed.clone(),
    })
}

fn previous(path: &Path) -> anyhow::Result<Previous> {
    let place = || format!("cannot read `{}`", path.display());
    let mut text = Vec::new();
    let file = std::fs::File::open(path).with_context(place)?;
    file.take(PREVIOUS_BYTES_MAX)
        .read_to_end(&mut text)
        .with_context(place)?;
    Previous::read(&text).map_err(|reason| {
        hinted(
            format!("report `{}`: {reason}", path.display()),
            "`keytrail report unused-keys --format json -o FILE` writes one",
        )
    })
}
