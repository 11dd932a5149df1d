//! The commands, one file each: its arguments, and a function that runs it.

pub(super) mod access;
pub(super) mod compact;
pub(super) mod coverage;
pub(super) mod demo;
pub(super) mod export;
pub(super) mod ingest;
pub(super) mod lint;
pub(super) mod queries;
pub(super) mod query;
pub(super) mod report;
mod rows;
pub(super) mod serve;
pub(super) mod shell;
pub(super) mod snapshot;
pub(super) mod trace;

use super::args::{Cli, Command};
use super::exit::Exit;
use super::printer::Printer;

/// Runs the command that was typed.
pub(super) async fn run(cli: &Cli, printer: &Printer) -> anyhow::Result<Exit> {
    match &cli.command {
        Command::Ingest(args) => ingest::run(args, &cli.globals, printer).await,
        Command::Export(args) => export::run(args, &cli.globals).await,
        Command::WhoCan(args) => access::who_can(args, &cli.globals, printer).await,
        Command::Can(args) => access::can(args, &cli.globals, printer).await,
        Command::Simulate(args) => access::simulate(args),
        Command::Demo(args) => demo::run(args, printer).await,
        Command::Compact(args) => compact::run(args, &cli.globals, printer).await,
        Command::Snapshot(args) => snapshot::run(args, &cli.globals, printer).await,
        Command::Trace(args) => trace::run(args, &cli.globals, printer).await,
        Command::Report(args) => report::run(args, &cli.globals, printer).await,
        Command::Query(args) => query::run(args, &cli.globals, printer).await,
        Command::Coverage(args) => coverage::run(args, &cli.globals, printer).await,
        Command::Queries(args) => queries::run(args),
        Command::Shell(args) => shell::run(args, &cli.globals, printer).await,
        Command::Lint(args) => lint::run(args),
        Command::Serve(args) => serve::run(args, &cli.globals, printer).await,
    }
}
