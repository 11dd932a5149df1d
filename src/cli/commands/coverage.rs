//! `coverage`: what the lake can vouch for: a map of days on a terminal, rows everywhere else.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};

use clap::{Args, ValueEnum};
use futures::TryStreamExt;

use super::rows;
use crate::cli::args::{Globals, RowsArgs};
use crate::cli::exit::Exit;
use crate::cli::printer::{Output, Printer};
use crate::cli::settings;
use crate::coverage::Assumption;
use crate::engine::query::{Bindings, Kind, Value};
use crate::engine::{Error, Session};
use crate::model::Instant;
use crate::model::instant::DAY;

/// Arguments of `coverage`.
#[derive(Debug, Args)]
pub(in crate::cli) struct CoverageArgs {
    /// Vouch for the log in a span, for some accounts and Regions or all: `SINCE..UNTIL[,ACCOUNT|REGION]...`
    #[arg(long, value_name = "SPAN", value_parser = Assumption::parse)]
    assume_coverage: Vec<Assumption>,
    /// Only from this instant on
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    since: Option<Instant>,
    /// Only before this instant
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    until: Option<Instant>,
    /// Exit with 1 where a stretch is in one of these states
    #[arg(long, value_name = "STATE", value_delimiter = ',')]
    fail_on: Vec<FailOn>,
    /// Draw the map of days, also where the output is no terminal
    #[arg(long, conflicts_with_all = ["format", "output"])]
    map: bool,
    #[command(flatten)]
    rows: RowsArgs,
}

/// A state that fails the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FailOn {
    /// Something that was delivered, or should have been, is not in the lake
    Gap,
    /// No trail was set to deliver it
    Excluded,
    /// Not to be said
    Unknown,
    /// Any of them
    Any,
}

impl FailOn {
    fn is(self, state: &str) -> bool {
        match self {
            FailOn::Gap => state == "gap",
            FailOn::Excluded => state == "excluded",
            FailOn::Unknown => state == "unknown",
            FailOn::Any => state != "covered",
        }
    }
}

fn instant(text: &str) -> Result<Instant, String> {
    Instant::parse(text).ok_or_else(|| format!("`{text}` is neither an RFC 3339 instant nor a date"))
}

/// The stretches within the span asked for.
const STRETCHES: &str = "\
    SELECT account_id, region, kind, \
    CASE WHEN since < $since THEN $since ELSE since END AS since, \
    CASE WHEN until > $until THEN $until ELSE until END AS until, \
    state, basis, trail_arn, cause FROM coverage \
    WHERE ($since IS NULL OR until > $since) AND ($until IS NULL OR since < $until) \
    ORDER BY account_id, region, kind DESC, since";

/// Runs `coverage`.
pub(in crate::cli) async fn run(args: &CoverageArgs, globals: &Globals, printer: &Printer) -> anyhow::Result<Exit> {
    let session = settings::session_assuming(globals, None, &args.assume_coverage).await?;
    let bound = |given: Option<Instant>| given.map_or(Value::Null(Kind::Instant), Value::Instant);
    let bindings = Bindings::from([
        ("since".to_owned(), bound(args.since)),
        ("until".to_owned(), bound(args.until)),
    ]);
    let stretches = read(&session, &bindings).await?;
    let to_terminal = args.rows.format.is_none() && args.rows.output.is_none() && std::io::stdout().is_terminal();
    if args.map || to_terminal {
        let mut output = Output::open(None)?;
        draw(&stretches, &mut output)?;
        output.finish()?;
    } else {
        rows::deliver(session.query(STRETCHES, &bindings).await?, &args.rows).await?;
    }
    if stretches
        .iter()
        .any(|stretch| args.fail_on.iter().any(|state| state.is(&stretch.state)))
    {
        return Ok(Exit::Found);
    }
    if !stretches.iter().any(|stretch| stretch.state == "covered") {
        printer.warning("nothing is covered: no absence of use can be concluded from this lake");
        return Ok(Exit::Incomplete);
    }
    Ok(Exit::Done)
}

struct Stretch {
    place: (String, String, String),
    since: i64,
    until: i64,
    state: String,
    cause: Option<String>,
}

async fn read(session: &Session, bindings: &Bindings) -> anyhow::Result<Vec<Stretch>> {
    let answer = session.query(STRETCHES, bindings).await?;
    let mut stretches = Vec::new();
    for batch in answer.stream.try_collect::<Vec<_>>().await.map_err(Error::from)? {
        let cells = Cells::of(&batch)?;
        for row in 0..batch.num_rows() {
            let text = |column: usize| cells.text(column, row).unwrap_or_default();
            stretches.push(Stretch {
                place: (text(0), text(1), text(2)),
                since: cells.instant(3, row),
                until: cells.instant(4, row),
                state: text(5),
                cause: cells.text(8, row),
            });
        }
    }
    Ok(stretches)
}

/// A batch's columns as text, whatever their types are in memory.
struct Cells(Vec<arrow::array::StringArray>, Vec<Option<arrow::array::Int64Array>>);

impl Cells {
    fn of(batch: &arrow::array::RecordBatch) -> anyhow::Result<Cells> {
        use arrow::array::AsArray;
        use arrow::datatypes::{DataType, Int64Type};
        let mut texts = Vec::new();
        let mut wholes = Vec::new();
        for column in batch.columns() {
            texts.push(
                arrow::compute::cast(column, &DataType::Utf8)?
                    .as_string::<i32>()
                    .clone(),
            );
            let is_instant = matches!(column.data_type(), DataType::Timestamp(..));
            wholes.push(if is_instant {
                Some(
                    arrow::compute::cast(column, &DataType::Int64)?
                        .as_primitive::<Int64Type>()
                        .clone(),
                )
            } else {
                None
            });
        }
        Ok(Cells(texts, wholes))
    }

    fn text(&self, column: usize, row: usize) -> Option<String> {
        use arrow::array::Array;
        let column = self.0.get(column)?;
        column.is_valid(row).then(|| column.value(row).to_owned())
    }

    fn instant(&self, column: usize, row: usize) -> i64 {
        self.1
            .get(column)
            .and_then(Option::as_ref)
            .map_or(0, |column| column.value(row))
    }
}

/// Days in one line of the map.
const DAYS: i64 = 92;

const LEGEND: &str = "# covered   + partly   . gap   x excluded   ? unknown";

/// A line per account, Region and kind with a letter per UTC day, then what is not covered and why.
fn draw(stretches: &[Stretch], out: &mut Output) -> anyhow::Result<()> {
    let first = stretches.iter().map(|stretch| stretch.since.div_euclid(DAY)).min();
    let last = stretches
        .iter()
        .map(|stretch| (stretch.until - 1).div_euclid(DAY))
        .max();
    let (Some(first), Some(last)) = (first, last) else {
        writeln!(
            out,
            "no stretch of time is known: nothing was ingested, or no complete listing"
        )?;
        return Ok(());
    };
    let mut by_place: BTreeMap<&(String, String, String), Vec<&Stretch>> = BTreeMap::new();
    for stretch in stretches {
        by_place.entry(&stretch.place).or_default().push(stretch);
    }
    writeln!(out, "{LEGEND}")?;
    let mut since = first;
    while since <= last {
        let until = (since + DAYS - 1).min(last);
        writeln!(out, "\n{:<33} {} to {}, a day a letter", "", date(since), date(until))?;
        for (place, stretches) in &by_place {
            let (account, region, kind) = place;
            let days: String = (since..=until).map(|day| letter(stretches, day)).collect();
            writeln!(out, "{account:<12} {region:<14} {kind:<5} {days}")?;
        }
        since = until + 1;
    }
    let mut is_first = true;
    for stretch in stretches.iter().filter(|stretch| stretch.state != "covered") {
        if std::mem::take(&mut is_first) {
            writeln!(out, "\nnot covered")?;
        }
        let (account, region, kind) = &stretch.place;
        let cause: String = stretch
            .cause
            .iter()
            .flat_map(|cause| cause.chars())
            .filter(|letter| !letter.is_control())
            .collect();
        writeln!(
            out,
            "{account:<12} {region:<14} {kind:<5} {} to {}: {}: {cause}",
            Instant(stretch.since),
            Instant(stretch.until),
            stretch.state
        )?;
    }
    Ok(())
}

fn date(day: i64) -> String {
    Instant(day * DAY).date()
}

fn letter(stretches: &[&Stretch], day: i64) -> char {
    let touching = stretches
        .iter()
        .filter(|stretch| stretch.since < (day + 1) * DAY && stretch.until > day * DAY);
    let mut states: Vec<&str> = touching.map(|stretch| stretch.state.as_str()).collect();
    states.sort_unstable();
    states.dedup();
    match states.as_slice() {
        [] => ' ',
        ["covered"] => '#',
        ["gap"] => '.',
        ["excluded"] => 'x',
        ["unknown"] => '?',
        several if several.contains(&"covered") => '+',
        several if several.contains(&"gap") => '.',
        _ => '?',
    }
}
