//! `who-can`, `can`, `simulate`: what the newest snapshot allows, and why.

use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use arrow::array::{ArrayRef, ListBuilder, RecordBatch, StringArray, StringBuilder};
use arrow::datatypes::{Field, Schema};
use clap::{Args, ValueEnum};

use super::rows;
use crate::cli::args::{Globals, RowsArgs};
use crate::cli::error::hinted;
use crate::cli::exit::Exit;
use crate::cli::printer::{Output, Printer};
use crate::cli::settings;
use crate::lake::snapshots;
use crate::model::Instant;
use crate::model::nearest::nearest;
use crate::policy::answer::{self, Open, Question, Verdict};
use crate::policy::bundle::Key;
use crate::policy::explain::explain;
use crate::policy::naming;
use crate::policy::population::{self, Principal};
use crate::policy::scene::Context;
use crate::policy::{self, Snapshot, kms};

/// Which snapshot to ask.
#[derive(Debug, Args)]
struct SnapshotChoice {
    /// The newest snapshot at or before this instant (now)
    #[arg(long, value_name = "TIME", value_parser = settings::instant)]
    as_of: Option<Instant>,
    /// Ask a snapshot bundle instead of the lake
    #[arg(long, value_name = "FILE")]
    bundle: Option<PathBuf>,
}

/// An answer to expect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Expected {
    /// In every request context
    Allowed,
    /// In some request context
    Conditional,
    /// In none
    Denied,
    /// The snapshot or AWS's documentation leaves it open
    Undetermined,
}

impl Expected {
    fn is(self, verdict: Verdict) -> bool {
        verdict.as_str()
            == self
                .to_possible_value()
                .map_or(String::new(), |value| value.get_name().to_owned())
    }
}

/// Arguments of `who-can`.
#[derive(Debug, Args)]
pub(in crate::cli) struct WhoCanArgs {
    /// A KMS action (`kms:Decrypt` or `Decrypt`)
    action: String,
    /// The key: id, ARN, alias or alias ARN
    key: String,
    /// Argue each answer layer by layer
    #[arg(long)]
    explain: bool,
    /// Exit with 1 unless this is the widest answer anyone gets (`denied`: nobody can)
    #[arg(long, value_enum)]
    expect: Option<Expected>,
    #[command(flatten)]
    snapshot: SnapshotChoice,
    #[command(flatten)]
    rows: RowsArgs,
}

/// Arguments of `can`.
#[derive(Debug, Args)]
pub(in crate::cli) struct CanArgs {
    /// The principal's ARN, or a service (`logs.us-east-1.amazonaws.com`)
    principal: String,
    /// A KMS action (`kms:Decrypt` or `Decrypt`)
    action: String,
    /// The key: id, ARN, alias or alias ARN
    key: String,
    /// Argue the answer layer by layer
    #[arg(long)]
    explain: bool,
    /// Exit with 1 unless this is the answer
    #[arg(long, value_enum)]
    expect: Option<Expected>,
    #[command(flatten)]
    snapshot: SnapshotChoice,
    #[command(flatten)]
    rows: RowsArgs,
}

/// Arguments of `simulate`.
#[derive(Debug, Args)]
pub(in crate::cli) struct SimulateArgs {
    /// JSON lines of `{id, snapshot, request}`, `-` for stdin
    #[arg(value_name = "FILE")]
    cases: PathBuf,
    /// Write to this file instead of stdout
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// A snapshot to ask, and the clock the answers assume.
struct Asked {
    snapshot: Snapshot,
    context: Context,
}

/// Runs `who-can`.
pub(in crate::cli) async fn who_can(args: &WhoCanArgs, globals: &Globals, printer: &Printer) -> anyhow::Result<Exit> {
    let asked = load(&args.snapshot, globals, printer).await?;
    let key = key_named(&asked.snapshot, &args.key)?;
    let action = action_named(&args.action)?;
    let mut answers: Vec<(Principal, Open, Vec<String>)> = Vec::new();
    let mut explanations = String::new();
    for principal in population::everyone(&asked.snapshot) {
        let Ok(question) = Question::new(&asked.snapshot, &principal.arn, &action, &key.arn) else {
            continue;
        };
        let open = answer::open(&question, &asked.context);
        if open.verdict == Verdict::Denied {
            continue;
        }
        if args.explain {
            explanations.push_str(&format!("{}\n", explain(&question, &asked.context)));
        }
        let paths = naming::names(&asked.snapshot, &question.caller, &question.target, &open.paths);
        answers.push((principal, open, paths));
    }
    answers.sort_by(|one, two| {
        rank(one.1.verdict)
            .cmp(&rank(two.1.verdict))
            .then_with(|| one.0.arn.cmp(&two.0.arn))
    });
    let count = |verdict: Verdict| answers.iter().filter(|answer| answer.1.verdict == verdict).count();
    printer.note(&format!(
        "{action} on {}: {} allowed, {} under a condition, {} undetermined",
        key.arn,
        count(Verdict::Allowed),
        count(Verdict::Conditional),
        count(Verdict::Undetermined)
    ));
    let widest = answers
        .iter()
        .map(|answer| answer.1.verdict)
        .min_by_key(|verdict| rank(*verdict))
        .unwrap_or(Verdict::Denied);
    if args.explain {
        let mut out = Output::open(args.rows.output.as_deref())?;
        out.write_all(explanations.as_bytes())?;
        out.finish()?;
    } else {
        rows::deliver_batch(batch(&answers)?, &args.rows)?;
    }
    Ok(judged(args.expect, widest))
}

/// Runs `can`.
pub(in crate::cli) async fn can(args: &CanArgs, globals: &Globals, printer: &Printer) -> anyhow::Result<Exit> {
    let asked = load(&args.snapshot, globals, printer).await?;
    let key = key_named(&asked.snapshot, &args.key)?;
    let action = action_named(&args.action)?;
    let question = Question::new(&asked.snapshot, &args.principal, &action, &key.arn).map_err(|reason| {
        hinted(
            format!("principal `{}`: {reason}", args.principal),
            "name a principal by its ARN, or a service by its host name",
        )
    })?;
    let open = answer::open(&question, &asked.context);
    let verdict = open.verdict;
    if args.explain {
        let mut out = Output::open(args.rows.output.as_deref())?;
        out.write_all(explain(&question, &asked.context).to_string().as_bytes())?;
        out.finish()?;
    } else {
        let known = population::everyone(&asked.snapshot)
            .into_iter()
            .find(|known| known.arn == args.principal);
        let principal = known.unwrap_or(Principal {
            arn: args.principal.clone(),
            kind: "external",
            id: None,
        });
        let paths = naming::names(&asked.snapshot, &question.caller, &question.target, &open.paths);
        rows::deliver_batch(batch(&[(principal, open, paths)])?, &args.rows)?;
    }
    Ok(judged(args.expect, verdict))
}

/// Runs `simulate`.
pub(in crate::cli) fn simulate(args: &SimulateArgs) -> anyhow::Result<Exit> {
    let input: Box<dyn BufRead> = if args.cases == std::path::Path::new("-") {
        Box::new(std::io::stdin().lock())
    } else {
        let file =
            std::fs::File::open(&args.cases).with_context(|| format!("cannot read `{}`", args.cases.display()))?;
        Box::new(std::io::BufReader::new(file))
    };
    let mut out = Output::open(args.output.as_deref())?;
    let mut is_incomplete = false;
    for line in input.split(b'\n') {
        let line = line.with_context(|| format!("cannot read `{}`", args.cases.display()))?;
        let line = String::from_utf8_lossy(&line);
        if line.trim().is_empty() {
            continue;
        }
        let answer = policy::simulate(&line);
        // An answer that is an error stands in its line's place, so that lines keep their order.
        is_incomplete |= answer.contains("\"error\":");
        out.write_all(answer.as_bytes())?;
        out.write_all(b"\n")?;
    }
    out.finish()?;
    Ok(if is_incomplete { Exit::Incomplete } else { Exit::Done })
}

fn rank(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Allowed => 0,
        Verdict::Conditional => 1,
        Verdict::Undetermined => 2,
        Verdict::Denied => 3,
    }
}

fn judged(expected: Option<Expected>, verdict: Verdict) -> Exit {
    match expected {
        Some(expected) if !expected.is(verdict) => Exit::Found,
        _ => Exit::Done,
    }
}

async fn load(choice: &SnapshotChoice, globals: &Globals, printer: &Printer) -> anyhow::Result<Asked> {
    let as_of = choice.as_of.unwrap_or_else(settings::now);
    let bundle = match &choice.bundle {
        Some(path) => {
            let text = std::fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))?;
            serde_json::from_slice(&text).with_context(|| format!("`{}` is not a snapshot bundle", path.display()))?
        }
        None => {
            let lake = settings::location(globals).await?;
            let loaded = snapshots::load_bundle(&lake, Some(as_of.0)).await?.ok_or_else(|| {
                hinted(
                    format!("lake `{}`: holds no permission snapshot at or before {as_of}", globals.lake),
                    "take one in with `keytrail snapshot import` or `keytrail snapshot collect`, or name a bundle with --bundle",
                )
            })?;
            if let (Some(oldest), Some(newest)) = (loaded.oldest(), loaded.newest()) {
                let span = if oldest == newest {
                    format!("{}", Instant(newest))
                } else {
                    format!("{} to {}", Instant(oldest), Instant(newest))
                };
                printer.note(&format!("as of the snapshot of {span}"));
            }
            loaded.bundle
        }
    };
    let (snapshot, faults) = Snapshot::from_bundle(&bundle);
    for fault in faults.iter().take(10) {
        printer.warning(&fault.to_string());
    }
    if faults.len() > 10 {
        printer.warning(&format!("{} more faults in the snapshot's policies", faults.len() - 10));
    }
    let clock = serde_json::json!({ "aws:CurrentTime": as_of.to_string() });
    let context = policy::simulate::context(&clock).map_err(anyhow::Error::msg)?;
    Ok(Asked { snapshot, context })
}

/// The action as IAM spells it.
fn action_named(typed: &str) -> anyhow::Result<String> {
    let name = match typed.split_once(':') {
        Some((service, name)) if service.eq_ignore_ascii_case("kms") => name,
        Some(_) => {
            return Err(hinted(
                format!("action `{typed}`: not an action of KMS"),
                "write kms:Decrypt, for example",
            ));
        }
        None => typed,
    };
    if let Some(action) = kms::find(&name.to_ascii_lowercase()).or_else(|| kms::find(name)) {
        return Ok(kms::full_name(action));
    }
    let known: Vec<String> = (0..kms::ACTIONS.len()).map(kms::full_name).collect();
    let typed_name = format!("kms:{name}");
    Err(match nearest(&typed_name, known.iter().map(String::as_str)) {
        Some(near) => hinted(format!("action `{typed}`: unknown"), format!("did you mean `{near}`?")),
        None => hinted(format!("action `{typed}`: unknown"), "write kms:Decrypt, for example"),
    })
}

/// The key a user means by an id, an ARN, an alias or an alias ARN.
fn key_named<'s>(snapshot: &'s Snapshot, typed: &str) -> anyhow::Result<&'s Key> {
    let is_meant = |key: &&Key| {
        let is_id = key.arn.rsplit_once("key/").is_some_and(|(_, id)| id == typed);
        let alias = match crate::model::Arn::parse(typed) {
            Some(arn) if arn.account == key.account && arn.region == key.region => arn.kms_alias(),
            Some(_) => None,
            None => Some(typed).filter(|typed| typed.starts_with("alias/")),
        };
        key.arn == typed || is_id || alias.is_some_and(|alias| key.aliases.iter().flatten().any(|name| name == alias))
    };
    let found: Vec<&Key> = snapshot.keys.iter().filter(is_meant).collect();
    match found.as_slice() {
        [key] => Ok(key),
        [] => {
            let names = snapshot.keys.iter().flat_map(|key| {
                let id = key.arn.rsplit_once("key/").map(|(_, id)| id);
                key.aliases
                    .iter()
                    .flatten()
                    .map(String::as_str)
                    .chain(id)
                    .chain([key.arn.as_str()])
            });
            let near = nearest(typed, names).map(|near| format!("did you mean `{near}`?"));
            Err(hinted(
                format!(
                    "key `{typed}`: the snapshot holds no such key among its {}",
                    snapshot.keys.len()
                ),
                near.unwrap_or_else(|| "`keytrail query \"select key_arn from kms_keys\"` lists them".to_owned()),
            ))
        }
        several => {
            let arns: Vec<&str> = several.iter().map(|key| key.arn.as_str()).collect();
            Err(hinted(
                format!("key `{typed}`: means several keys"),
                format!("name one of {}", arns.join(", ")),
            ))
        }
    }
}

fn batch(answers: &[(Principal, Open, Vec<String>)]) -> anyhow::Result<RecordBatch> {
    fn texts<'a>(values: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
        Arc::new(values.collect::<StringArray>())
    }
    let each = || answers.iter();
    let mut paths = ListBuilder::new(StringBuilder::new());
    for (_, _, names) in answers {
        for name in names {
            paths.values().append_value(name);
        }
        paths.append(true);
    }
    let paths: ArrayRef = Arc::new(paths.finish());
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("principal_arn", texts(each().map(|answer| Some(answer.0.arn.as_str())))),
        ("principal_type", texts(each().map(|answer| Some(answer.0.kind)))),
        ("decision", texts(each().map(|answer| Some(answer.1.verdict.as_str())))),
        ("condition", texts(each().map(|answer| answer.1.condition.as_deref()))),
        (
            "condition_kind",
            texts(each().map(|answer| answer.1.condition_kind.map(|kind| kind.as_str()))),
        ),
        ("paths", paths),
        ("reason", texts(each().map(|answer| Some(answer.1.reason.as_str())))),
        ("principal_id", texts(each().map(|answer| answer.0.id.as_deref()))),
    ];
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, column)| Field::new(*name, column.data_type().clone(), true))
        .collect();
    let columns = columns.into_iter().map(|(_, column)| column).collect();
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
}
