//! `report admin-rights`: asks, has it drawn up, writes it, and ends as `--fail-on` says.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::lake::Lake;
use super::{DocumentArgs, DocumentFormat, PeriodArgs};
use crate::cli::args::Globals;
use crate::cli::exit::Exit;
use crate::cli::printer::Printer;
use crate::report::admin_rights::{CORE, FURTHER, Facts, Proposal, VERDICTS, csv, draw_up, html, json, markdown};
use crate::report::evidence::{Key, Right};

/// Arguments of `report admin-rights`.
#[derive(Debug, Args)]
pub(super) struct AdminRightsArgs {
    #[command(flatten)]
    period: PeriodArgs,
    /// The actions of the matrix
    #[arg(long, value_enum, default_value = "core")]
    actions: Actions,
    /// Write each proposed policy to a file in this folder
    #[arg(long, value_name = "DIR")]
    policies: Option<PathBuf>,
    /// Exit with 1 where a right has one of these verdicts (`any`: unexercised, unobservable, unexplained)
    #[arg(long, value_name = "VERDICT", value_delimiter = ',', value_parser = verdict)]
    fail_on: Vec<String>,
    #[command(flatten)]
    document: DocumentArgs,
}

/// Which actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Actions {
    /// The nine that matter most
    Core,
    /// All administrative actions on single keys
    Full,
}

fn verdict(text: &str) -> Result<String, String> {
    super::verdict(text, VERDICTS)
}

/// Runs `report admin-rights`.
pub(super) async fn run(args: &AdminRightsArgs, globals: &Globals, printer: &Printer) -> anyhow::Result<Exit> {
    let lake = Lake::open(&args.period, globals, printer).await?;
    let mut actions = CORE.to_vec();
    if args.actions == Actions::Full {
        actions.extend(FURTHER);
    }
    let rights: Vec<Right> = lake
        .rows_with("held-admin-rights", &[("actions", "full".to_owned())])
        .await?;
    let keys: Vec<Key> = lake.rows("key-inventory").await?;
    let names = keys.into_iter().map(|key| {
        let aliases = key.aliases.filter(|aliases| !aliases.is_empty());
        (key.key_arn, aliases.map_or(key.key_id, |aliases| aliases.join(", ")))
    });
    let report = draw_up(Facts {
        period: lake.period,
        actions,
        rights,
        unexplained: lake.rows("unexplained-admin-use").await?,
        duties: lake.rows("separation-of-duties").await?,
        proposals: proposals(&lake, args.actions).await?,
        coverage: lake.rows("coverage-in-window").await?,
        snapshots: lake.rows("snapshots-in-force").await?,
        names: names.collect(),
        assumed: lake.assumed.clone(),
    });
    if let Some(folder) = &args.policies {
        write_policies(&report.proposals, folder)?;
    }
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

async fn proposals(lake: &Lake, actions: Actions) -> anyhow::Result<Vec<Proposal>> {
    let actions = match actions {
        Actions::Core => "core",
        Actions::Full => "full",
    };
    lake.rows_with("reduced-admin-policies", &[("actions", actions.to_owned())])
        .await
}

fn write_policies(proposals: &[Proposal], folder: &std::path::Path) -> anyhow::Result<()> {
    for proposal in proposals.iter().filter(|proposal| proposal.removed > 0) {
        if let Some(policy) = &proposal.policy {
            super::folder::write(
                folder,
                &crate::report::admin_rights::policy_file(proposal),
                policy.as_bytes(),
            )?;
        }
    }
    Ok(())
}
