//! Questions of a report to the lake: named queries over its period, their rows as the report's facts.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use futures::TryStreamExt;
use serde::de::DeserializeOwned;

use super::PeriodArgs;
use crate::cli::args::Globals;
use crate::cli::commands::query::named;
use crate::cli::error::hinted;
use crate::cli::printer::Printer;
use crate::cli::settings;
use crate::coverage::Assumption;
use crate::engine::query::NamedQuery;
use crate::engine::{Error, Rows, Session};
use crate::model::{Instant, duration};
use crate::report::grounds::Period;
use crate::report::{Format, Writer};

/// A question that was asked.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) name: String,
    pub(super) sql: String,
    pub(super) parameters: BTreeMap<String, String>,
}

/// A lake, open for the questions of one report.
pub(super) struct Lake {
    session: Session,
    pub(super) period: Period,
    window: String,
    /// What the user vouched for, as typed.
    pub(super) assumed: Vec<String>,
    asked: Mutex<BTreeMap<String, Asked>>,
}

impl Lake {
    /// Opens the lake and settles the period.
    pub(super) async fn open(args: &PeriodArgs, globals: &Globals, printer: &Printer) -> anyhow::Result<Lake> {
        Lake::with_memory(args, args.memory_limit, globals, printer).await
    }

    /// The same, with less memory than the queries would take by themselves, unless the user says otherwise.
    pub(super) async fn open_within(
        args: &PeriodArgs,
        memory_bytes: usize,
        globals: &Globals,
        printer: &Printer,
    ) -> anyhow::Result<Lake> {
        Lake::with_memory(args, args.memory_limit.or(Some(memory_bytes)), globals, printer).await
    }

    async fn with_memory(
        args: &PeriodArgs,
        memory_bytes: Option<usize>,
        globals: &Globals,
        printer: &Printer,
    ) -> anyhow::Result<Lake> {
        let assumptions: Vec<Assumption> = args.assume_coverage.iter().map(|(_, held)| held.clone()).collect();
        let session = settings::session_assuming(globals, memory_bytes, &assumptions).await?;
        let until = match args.as_of {
            Some(as_of) => as_of,
            None => {
                let horizon = session.horizon().await?.ok_or_else(|| {
                    hinted(
                        "the lake holds no finished listing and no event",
                        "name the instant of the verdicts with --as-of",
                    )
                })?;
                printer.note(&format!("as of {}: {}", horizon.at, horizon.basis));
                horizon.at
            }
        };
        let length = args.window.num_microseconds().unwrap_or(i64::MAX);
        Ok(Lake {
            session,
            period: Period {
                since: Instant(until.0.saturating_sub(length)),
                until,
            },
            window: duration::format(args.window),
            assumed: args.assume_coverage.iter().map(|(typed, _)| typed.clone()).collect(),
            asked: Mutex::default(),
        })
    }

    /// What was asked so far, by name.
    pub(super) fn asked(&self) -> Vec<Asked> {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.values().cloned().collect()
    }

    /// The rows of a named query in the order of its keys, then of `order`; `without` names parameters left to their
    /// defaults.
    pub(super) async fn by_key(&self, name: &str, order: &str, without: &[&str]) -> anyhow::Result<Rows> {
        let mut named = named(name)?;
        named.sql = format!(
            "-- The rows of `{name}`, in the order of the keys.\nSELECT * FROM (\n{}\n) AS answer\nORDER BY key_arn, {order}\n",
            named.sql
        );
        self.ask(&named, &[], without).await
    }

    /// The administrative rights in the order of the keys.
    pub(super) async fn rights_by_key(&self, actions: &str) -> anyhow::Result<Rows> {
        self.ask(&named("held-admin-rights")?, &[("actions", actions.to_owned())], &[])
            .await
    }

    /// The rows of a named query over the period.
    pub(super) async fn rows<T: DeserializeOwned>(&self, name: &str) -> anyhow::Result<Vec<T>> {
        self.rows_with(name, &[]).await
    }

    /// The same, with other values for some parameters.
    pub(super) async fn rows_with<T: DeserializeOwned>(
        &self,
        name: &str,
        given: &[(&str, String)],
    ) -> anyhow::Result<Vec<T>> {
        let mut all = Vec::new();
        self.each(name, given, |row| all.push(row)).await?;
        Ok(all)
    }

    /// Every row of a named query, as it comes.
    pub(super) async fn each<T: DeserializeOwned>(
        &self,
        name: &str,
        given: &[(&str, String)],
        mut take: impl FnMut(T),
    ) -> anyhow::Result<()> {
        let Rows { schema, mut stream, .. } = self.ask(&named(name)?, given, &[]).await?;
        while let Some(batch) = stream.try_next().await.map_err(Error::from)? {
            for row in typed(&schema, &batch)? {
                take(row);
            }
        }
        Ok(())
    }

    fn note(&self, asked: Asked) {
        let mut held = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        held.entry(asked.name.clone()).or_insert(asked);
    }

    /// Binds what the query knows: the period in whichever form it takes it, and what else is given.
    async fn ask(&self, named: &NamedQuery, given: &[(&str, String)], without: &[&str]) -> anyhow::Result<Rows> {
        let mut values: Vec<(String, String)> = given
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect();
        for (name, value) in [
            ("as_of", self.period.until.to_string()),
            ("window", self.window.clone()),
            ("since", self.period.since.to_string()),
            ("until", self.period.until.to_string()),
        ] {
            let is_taken = named.parameters.iter().any(|parameter| parameter.name == name);
            if is_taken && !without.contains(&name) && !values.iter().any(|(held, _)| held == name) {
                values.push((name.to_owned(), value));
            }
        }
        let bindings = named.bind(&values, None)?;
        let asked = Asked {
            name: named.name.clone(),
            sql: named.sql.clone(),
            parameters: values.into_iter().collect(),
        };
        self.note(asked);
        Ok(self.session.ask(named, &bindings).await?)
    }
}

/// The rows of a batch as values.
fn typed<T: DeserializeOwned>(schema: &SchemaRef, batch: &RecordBatch) -> anyhow::Result<Vec<T>> {
    let mut writer = Writer::new(Format::Jsonl, schema, Vec::new())?;
    writer.write(batch)?;
    let (_, bytes) = writer.finish()?;
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    Ok(lines.map(serde_json::from_slice).collect::<Result<_, _>>()?)
}
