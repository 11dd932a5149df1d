//! The interactive shell: lines in, answers out, until it is left. An interrupt ends a query and not the shell.

mod assistant;
mod page;
mod statement;
mod words;

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use futures::TryStreamExt;
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{CompletionType, Config, Editor};
use tokio::task::block_in_place;

use super::error;
use super::exit::Exit;
use super::printer::Printer;
use crate::engine::query::{self, Bindings, NamedQuery};
use crate::engine::{Error, Reading, Rows, Session};
use crate::report::{Format, Writer, value_text};
use assistant::Assistant;
use words::{COMMANDS, Words};

/// Rows that are shown on a terminal; a file takes all.
const SHOWN_MAX: usize = 10_000;

/// Statements that are remembered.
const HISTORY_MAX: usize = 10_000;

/// The statements of a text, the last one with or without its semicolon.
pub(super) fn statements(text: &str) -> Vec<String> {
    let (mut statements, rest) = statement::cut(text);
    if !rest.trim().is_empty() {
        statements.push(rest.trim().to_owned());
    }
    statements
}

/// A shell on a lake.
pub(super) struct Shell<'a> {
    session: Arc<Session>,
    printer: &'a Printer,
    words: Arc<RwLock<Words>>,
    mode: Format,
    timer: bool,
    output: Option<PathBuf>,
    params: Vec<(String, String)>,
    /// Whether somebody sits there.
    terminal: bool,
    rows_of_screen: Option<usize>,
    failed: bool,
    interrupted: bool,
}

/// What comes after a line.
enum Next {
    More,
    Leave,
}

impl<'a> Shell<'a> {
    /// A shell that has not been told anything yet.
    pub(super) fn new(session: Session, printer: &'a Printer) -> Shell<'a> {
        let session = Arc::new(session);
        let words = Arc::new(RwLock::new(Words::known(&session)));
        let terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
        Shell {
            session,
            printer,
            words,
            mode: Format::Table,
            timer: terminal,
            output: None,
            params: Vec::new(),
            terminal,
            rows_of_screen: None,
            failed: false,
            interrupted: false,
        }
    }

    /// Reads and answers until the end.
    ///
    /// # Errors
    /// The terminal cannot be read.
    pub(super) async fn run(&mut self, history: Option<&Path>) -> anyhow::Result<Exit> {
        let config = Config::builder()
            .max_history_size(HISTORY_MAX)?
            .history_ignore_space(true)
            .completion_type(CompletionType::List)
            .bracketed_paste(true)
            .build();
        let mut editor: Editor<Assistant, FileHistory> = Editor::with_config(config)?;
        editor.set_helper(Some(Assistant::new(self.words.clone())));
        if let Some(history) = history {
            // The first shell finds none.
            let _ = editor.load_history(history);
        }
        if self.terminal {
            self.learn();
            self.printer
                .say("`.help` lists the commands, Tab completes, a statement ends with `;`");
        }
        let mut typed = String::new();
        while !self.interrupted {
            let prompt = match typed.is_empty() {
                true => "keytrail> ",
                false => "     ...> ",
            };
            let line = match block_in_place(|| editor.readline(prompt)) {
                Ok(line) => line,
                Err(ReadlineError::Interrupted) => {
                    typed.clear();
                    continue;
                }
                Err(ReadlineError::Eof) => break,
                Err(failed) => return Err(failed.into()),
            };
            self.rows_of_screen = editor.dimensions().map(|(_, rows)| usize::from(rows));
            if typed.is_empty() && line.trim().is_empty() {
                continue;
            }
            if typed.is_empty() && self.is_whole(&line) {
                remember(&mut editor, history, &line);
                if matches!(self.command(line.trim()).await, Next::Leave) {
                    return Ok(self.exit());
                }
                continue;
            }
            typed.push_str(&line);
            typed.push('\n');
            let (statements, rest) = statement::cut(&typed);
            if !statements.is_empty() {
                remember(&mut editor, history, typed.trim());
            }
            for statement in statements {
                if !self.interrupted {
                    self.statement(&statement).await;
                }
            }
            typed = if rest.trim().is_empty() { String::new() } else { rest };
        }
        if !typed.trim().is_empty() && !self.interrupted {
            self.statement(typed.trim()).await;
        }
        Ok(self.exit())
    }

    /// A shell that ran a script says whether all of it ran.
    fn exit(&self) -> Exit {
        match (self.interrupted, self.failed && !self.terminal) {
            (true, _) => Exit::Interrupted,
            (_, true) => Exit::CouldNotRun,
            _ => Exit::Done,
        }
    }

    /// Learns the columns of every relation, beside what is typed.
    fn learn(&self) {
        let (session, words) = (self.session.clone(), self.words.clone());
        tokio::spawn(async move {
            let queries: Vec<String> = query::names().map(|name| name.replace('-', "_")).collect();
            for name in session.relations().into_iter().filter(|name| !queries.contains(name)) {
                if let Ok(Some(columns)) = session.columns(&name).await {
                    let mut words = words.write().unwrap_or_else(PoisonError::into_inner);
                    words.learn(&name, columns.fields());
                }
            }
        });
    }

    /// Whether a line is all there is: a command of the shell, or a named query with its values.
    fn is_whole(&self, line: &str) -> bool {
        line.trim_start().starts_with('.') || named(line.trim()).is_some()
    }

    async fn command(&mut self, line: &str) -> Next {
        let (command, argument) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let argument = argument.trim().trim_end_matches(';').trim_end();
        let done = match command.trim_end_matches(';') {
            ".exit" | ".quit" => return Next::Leave,
            ".clear" => Ok(()),
            ".help" => self.help(),
            ".tables" => self.tables(),
            ".schema" => self.schema(argument).await,
            ".queries" => self.queries(argument),
            ".params" => self.set_params(argument),
            ".mode" => self.set_mode(argument),
            ".timer" => self.set_timer(argument),
            ".output" => {
                self.output = (!argument.is_empty()).then(|| PathBuf::from(argument));
                Ok(())
            }
            ".read" => self.read(argument).await,
            ".explain" => self.explain(argument).await,
            _ if named(line).is_some() => {
                self.statement(line).await;
                Ok(())
            }
            other => {
                let names = COMMANDS.iter().map(|(name, _)| *name);
                Err(match crate::model::nearest::nearest(other, names) {
                    Some(near) => error::hinted(
                        format!("there is no command `{other}`"),
                        format!("did you mean `{near}`?"),
                    ),
                    None => error::hinted(format!("there is no command `{other}`"), "`.help` lists all"),
                })
            }
        };
        self.report(done);
        Next::More
    }

    fn report(&mut self, done: anyhow::Result<()>) {
        if let Err(failed) = done {
            self.failed = true;
            error::report(self.printer, &failed);
        }
    }

    /// Runs a statement, which an interrupt ends.
    async fn statement(&mut self, text: &str) {
        let started = Instant::now();
        let done = tokio::select! {
            done = self.answer(text) => done,
            _ = tokio::signal::ctrl_c() => {
                self.printer.say("cancelled");
                // Nobody sits at a script to go on.
                self.interrupted = !self.terminal;
                return;
            }
        };
        match done {
            Ok((rows, reading)) if self.timer => self.printer.say(&format!(
                "{rows} {}, {:.3} s; read {}",
                if rows == 1 { "row" } else { "rows" },
                started.elapsed().as_secs_f64(),
                reading
            )),
            Ok(_) => {}
            Err(failed) => self.report(Err(failed)),
        }
    }

    async fn answer(&self, text: &str) -> anyhow::Result<(usize, Reading)> {
        let rows = match named(text) {
            Some((query, mut given)) => {
                let of_query = |name: &str| query.parameters.iter().any(|parameter| parameter.name == name);
                for (name, value) in &self.params {
                    if of_query(name) && !given.iter().any(|(known, _)| known == name) {
                        given.push((name.clone(), value.clone()));
                    }
                }
                let latest = match query.needs_latest(&given) {
                    true => self.session.horizon().await?.map(|horizon| horizon.at),
                    false => None,
                };
                self.session.ask(&query, &query.bind(&given, latest)?).await?
            }
            None => self.session.pasted(text, &self.bindings(text)?).await?,
        };
        self.deliver(rows).await
    }

    /// The values a statement names.
    fn bindings(&self, text: &str) -> anyhow::Result<Bindings> {
        let mut bindings = Bindings::new();
        for (name, value) in &self.params {
            let plain = name.split(':').next().unwrap_or_default();
            if text.contains(&format!("${plain}")) {
                let fail = |reason| anyhow::anyhow!("parameter `{name}`: {reason}");
                let (name, value) = query::parse_binding(name, value).map_err(fail)?;
                bindings.insert(name, value);
            }
        }
        Ok(bindings)
    }

    async fn deliver(&self, rows: Rows) -> anyhow::Result<(usize, Reading)> {
        let meter = rows.meter();
        if let Some(path) = &self.output {
            let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
            let file = file.map_err(|failed| anyhow::anyhow!("`{}`: {failed}", path.display()))?;
            let (count, _) = write(rows, self.mode, file, usize::MAX).await?;
            return Ok((count, meter.reading()));
        }
        if !self.terminal {
            let (count, _) = write(rows, self.mode, std::io::stdout(), usize::MAX).await?;
            return Ok((count, meter.reading()));
        }
        let (count, text) = write(rows, self.mode, Vec::new(), SHOWN_MAX).await?;
        let reading = meter.reading();
        block_in_place(|| page::show(&text, self.rows_of_screen))?;
        if count >= SHOWN_MAX {
            self.printer.say(&format!(
                "these are the first {SHOWN_MAX} rows; `.output FILE` takes all"
            ));
        }
        Ok((count, reading))
    }

    fn help(&self) -> anyhow::Result<()> {
        let mut text = String::new();
        for (name, meaning) in COMMANDS {
            text.push_str(&format!("{name:<10}{meaning}\n"));
        }
        text.push_str("NAME [PARAM=VALUE ...] answers a named query; SQL ends with `;`.\n");
        text.push_str("Ctrl-C ends a query or forgets what was typed, Ctrl-D leaves.\n");
        print(&text)
    }

    fn tables(&self) -> anyhow::Result<()> {
        let words = self.words.read().unwrap_or_else(PoisonError::into_inner);
        let names: Vec<&str> = words.relations().collect();
        print(&(names.join("\n") + "\n"))
    }

    async fn schema(&self, table: &str) -> anyhow::Result<()> {
        if table.is_empty() {
            anyhow::bail!("`.schema` takes a table");
        }
        let Some(columns) = self.session.columns(&table.to_lowercase()).await? else {
            let names = self.session.relations();
            let message = format!("there is no table `{table}`");
            return Err(
                match crate::model::nearest::nearest(table, names.iter().map(String::as_str)) {
                    Some(near) => error::hinted(message, format!("did you mean `{near}`?")),
                    None => error::hinted(message, "`.tables` lists all"),
                },
            );
        };
        let mut text = String::new();
        fields(columns.fields(), 0, &mut text);
        print(&text)
    }

    fn queries(&self, name: &str) -> anyhow::Result<()> {
        let names: Vec<&str> = match name {
            "" => query::names().collect(),
            name => vec![name],
        };
        let mut text = String::new();
        for name in &names {
            let query = super::commands::query::named(name)?;
            text.push_str(&format!("{:<26}{}\n", query.name, query.title));
            if names.len() == 1 {
                text.push_str(&format!("    {}\n", query.question));
                for parameter in &query.parameters {
                    let (name, kind) = (&parameter.name, parameter.kind.name());
                    text.push_str(&format!("    {name}=<{kind}>  {}\n", parameter.meaning));
                }
            }
        }
        print(&text)
    }

    fn set_params(&mut self, argument: &str) -> anyhow::Result<()> {
        if argument.is_empty() {
            let lines = self.params.iter().map(|(name, value)| format!("{name}={value}\n"));
            return print(&lines.collect::<String>());
        }
        for (name, value) in assignments(argument).ok_or_else(|| anyhow::anyhow!("a parameter is `NAME=VALUE`"))? {
            self.params.retain(|(known, _)| *known != name);
            if !value.is_empty() {
                self.params.push((name, value));
            }
        }
        let names = self
            .params
            .iter()
            .map(|(name, _)| name.split(':').next().unwrap_or_default().to_owned());
        self.words.write().unwrap_or_else(PoisonError::into_inner).params = names.collect();
        Ok(())
    }

    fn set_mode(&mut self, argument: &str) -> anyhow::Result<()> {
        self.mode = match argument {
            "table" => Format::Table,
            "csv" => Format::Csv,
            "json" => Format::Json,
            "jsonl" => Format::Jsonl,
            "markdown" => Format::Markdown,
            _ => anyhow::bail!("a mode is one of table, csv, json, jsonl, markdown"),
        };
        Ok(())
    }

    fn set_timer(&mut self, argument: &str) -> anyhow::Result<()> {
        self.timer = match argument {
            "on" => true,
            "off" => false,
            _ => anyhow::bail!("`.timer` is `on` or `off`"),
        };
        Ok(())
    }

    async fn read(&mut self, path: &str) -> anyhow::Result<()> {
        let text = std::fs::read_to_string(path).map_err(|failed| anyhow::anyhow!("`{path}`: {failed}"))?;
        for statement in statements(&text) {
            if !self.interrupted {
                self.statement(&statement).await;
            }
        }
        Ok(())
    }

    async fn explain(&self, sql: &str) -> anyhow::Result<()> {
        if sql.is_empty() {
            anyhow::bail!("`.explain` takes a query");
        }
        let rows = self
            .session
            .pasted(&format!("EXPLAIN {sql}"), &self.bindings(sql)?)
            .await?;
        let batches: Vec<_> = rows.stream.try_collect().await.map_err(Error::from)?;
        let mut text = String::new();
        for batch in &batches {
            for row in 0..batch.num_rows() {
                for column in batch.columns() {
                    text.push_str(&value_text(column.as_ref(), row)?.unwrap_or_default());
                    text.push('\n');
                }
            }
        }
        block_in_place(|| page::show(text.as_bytes(), self.rows_of_screen.filter(|_| self.terminal)))?;
        Ok(())
    }
}

fn remember(editor: &mut Editor<Assistant, FileHistory>, history: Option<&Path>, typed: &str) {
    let _ = editor.add_history_entry(typed);
    if let Some(history) = history {
        // A history that cannot be kept keeps nobody from asking.
        let _ = editor.append_history(history);
    }
}

/// The named query a line calls, with what it gives it.
fn named(line: &str) -> Option<(NamedQuery, Vec<(String, String)>)> {
    let line = line.trim_end_matches(';').trim_end();
    let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let query = query::named(name).ok().flatten()?;
    Some((query, assignments(rest)?))
}

/// `a=b c='d e'`
fn assignments(text: &str) -> Option<Vec<(String, String)>> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=')?;
        if name.is_empty() || name.contains(char::is_whitespace) {
            return None;
        }
        let quote = after.chars().next().filter(|letter| matches!(letter, '\'' | '"'));
        let (value, remaining) = match quote {
            Some(quote) => after.strip_prefix(quote)?.split_once(quote)?,
            None => after.split_once(char::is_whitespace).unwrap_or((after, "")),
        };
        found.push((name.to_owned(), value.to_owned()));
        rest = remaining.trim_start();
    }
    Some(found)
}

async fn write<W: Write + Send + 'static>(
    rows: Rows,
    mode: Format,
    out: W,
    rows_max: usize,
) -> anyhow::Result<(usize, W)> {
    let mut writer = Writer::new(mode, &rows.schema, out)?;
    let mut stream = rows.stream;
    let mut taken = 0;
    while taken < rows_max
        && let Some(batch) = stream.try_next().await.map_err(Error::from)?
    {
        let batch = batch.slice(0, batch.num_rows().min(rows_max - taken));
        taken += batch.num_rows();
        writer.write(&batch)?;
    }
    Ok(writer.finish()?)
}

fn fields(columns: &arrow::datatypes::Fields, depth: usize, text: &mut String) {
    use arrow::datatypes::DataType;
    for field in columns {
        let (kind, inner) = match field.data_type() {
            DataType::Struct(inner) => ("struct".to_owned(), Some(inner)),
            DataType::List(element) => match element.data_type() {
                DataType::Struct(inner) => ("list of struct".to_owned(), Some(inner)),
                element => (format!("list of {}", plain(element)), None),
            },
            kind => (plain(kind), None),
        };
        let indent = "  ".repeat(depth);
        let width = 32_usize.saturating_sub(indent.len());
        text.push_str(&format!("{indent}{:<width$}{kind}\n", field.name()));
        if let Some(inner) = inner {
            fields(inner, depth + 1, text);
        }
    }
}

fn plain(kind: &arrow::datatypes::DataType) -> String {
    use arrow::datatypes::DataType;
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "text".to_owned(),
        DataType::Timestamp(..) => "timestamp".to_owned(),
        DataType::Date32 => "date".to_owned(),
        DataType::Boolean => "boolean".to_owned(),
        DataType::Dictionary(_, values) => plain(values),
        kind if kind.is_integer() => "bigint".to_owned(),
        kind if kind.is_floating() => "double".to_owned(),
        kind => kind.to_string().to_lowercase(),
    }
}

fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}
