//! `query`: SQL, a named query, or a file of either, with parameters.

use std::path::PathBuf;

use clap::Args;

use super::rows;
use crate::cli::args::{Globals, RowsArgs};
use crate::cli::error::hinted;
use crate::cli::exit::Exit;
use crate::cli::printer::Printer;
use crate::cli::settings;
use crate::coverage::Assumption;
use crate::engine::query::{self, Bindings, NamedQuery};
use crate::engine::{self, Session, SessionSettings};
use crate::model::nearest::nearest;

/// Arguments of `query`.
#[derive(Debug, Args)]
pub(in crate::cli) struct QueryArgs {
    /// SQL, or the name of a query (`keytrail queries` lists them)
    #[arg(value_name = "SQL|NAME", required_unless_present = "file", conflicts_with = "file")]
    sql: Option<String>,
    /// Read the SQL from a file, `-` for stdin
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// A parameter's value; for `$name` in SQL without a header, `name:type=value` where it is not text
    #[arg(short, long = "param", value_name = "NAME=VALUE", value_parser = settings::assignment)]
    params: Vec<(String, String)>,
    /// Memory the query may use before it spills to disk (512MiB, 2GB)
    #[arg(long, value_name = "SIZE", value_parser = settings::bytes)]
    memory_limit: Option<usize>,
    /// Vouch for the log in a span, for some accounts and Regions or all: `SINCE..UNTIL[,ACCOUNT|REGION]...`
    #[arg(long, value_name = "SPAN", value_parser = Assumption::parse)]
    assume_coverage: Vec<Assumption>,
    #[command(flatten)]
    rows: RowsArgs,
}

enum Asked {
    Named(NamedQuery),
    Sql(String),
}

/// Runs `query`.
pub(in crate::cli) async fn run(args: &QueryArgs, globals: &Globals, printer: &Printer) -> anyhow::Result<Exit> {
    let asked = asked(args)?;
    if let Asked::Sql(_) = asked {
        adhoc(&args.params)?;
    }
    let about = SessionSettings {
        memory_bytes: args.memory_limit,
        assumed: args.assume_coverage.clone(),
        records_alone: matches!(&asked, Asked::Sql(sql) if engine::names_records_alone(sql)),
    };
    let session = settings::session_with(globals, &about).await?;
    let answer = match asked {
        Asked::Named(named) => {
            let bindings = bind(&named, &args.params, &session, printer).await?;
            session.ask(&named, &bindings).await?
        }
        Asked::Sql(sql) => session.pasted(&sql, &adhoc(&args.params)?).await?,
    };
    let meter = answer.meter();
    rows::deliver(answer, &args.rows).await?;
    if printer.is_verbose() {
        let (read, files) = (meter.reading(), session.lake_files().await?);
        printer.say(&format!("read {read}; the records are in {files} files"));
    }
    session.leave();
    Ok(Exit::Done)
}

fn asked(args: &QueryArgs) -> anyhow::Result<Asked> {
    if let Some(path) = &args.file {
        let text = settings::sql_file(path)?;
        let name = path
            .file_stem()
            .map(|stem| stem.to_string_lossy().into_owned())
            .unwrap_or_default();
        return Ok(match NamedQuery::has_header(&text) {
            true => Asked::Named(NamedQuery::parse(&name, &text)?),
            false => Asked::Sql(text),
        });
    }
    let typed = args.sql.as_deref().unwrap_or_default();
    // No statement is one word of letters and hyphens.
    let is_name = !typed.is_empty()
        && typed
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    if is_name {
        Ok(Asked::Named(named(typed)?))
    } else {
        Ok(Asked::Sql(typed.to_owned()))
    }
}

/// The query of this name.
pub(in crate::cli) fn named(name: &str) -> anyhow::Result<NamedQuery> {
    if let Some(found) = query::named(name)? {
        return Ok(found);
    }
    let message = format!("there is no query `{name}`");
    Err(match nearest(name, query::names()) {
        Some(near) => hinted(message, format!("did you mean `{near}`? `keytrail queries` lists all")),
        None => hinted(message, "`keytrail queries` lists all"),
    })
}

async fn bind(
    named: &NamedQuery,
    given: &[(String, String)],
    session: &Session,
    printer: &Printer,
) -> anyhow::Result<Bindings> {
    let mut latest = None;
    if named.needs_latest(given)
        && let Some(horizon) = session.horizon().await?
    {
        printer.note(&format!("as of {}: {}", horizon.at, horizon.basis));
        latest = Some(horizon.at);
    }
    Ok(named.bind(given, latest)?)
}

fn adhoc(given: &[(String, String)]) -> anyhow::Result<Bindings> {
    let mut bindings = Bindings::new();
    for (name, text) in given {
        let (name, value) =
            query::parse_binding(name, text).map_err(|reason| anyhow::anyhow!("parameter `{name}`: {reason}"))?;
        if bindings.insert(name.clone(), value).is_some() {
            anyhow::bail!("parameter `{name}`: is given twice");
        }
    }
    Ok(bindings)
}
