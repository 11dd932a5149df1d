//! The command line: what was typed, what it means, what is printed, and with which code it ends.
//!
//! Commands are thin: they resolve settings, make a few calls to the rooms below, and render. Only here is the clock
//! asked, and only here are errors words for people.

mod args;
mod commands;
mod error;
mod exit;
mod printer;
mod settings;
mod shell;

use std::ffi::OsString;
use std::time::Duration;

use clap::Parser;

use args::{Cli, Command};
pub use exit::Exit;
use printer::Printer;
use tokio::task::JoinHandle;

/// Stack of a worker: statements nest, and planning them recurses.
const STACK_BYTES: usize = 64 << 20;

/// Runs the program with the process's arguments. `before_questions` is called before a command that asks the lake and
/// writes nothing to it.
pub fn run(before_questions: fn()) -> Exit {
    let cli = match Cli::try_parse_from(arguments()) {
        Ok(cli) => cli,
        Err(usage) => {
            // Help and version are answers; everything else is a usage error, and clap prints each where it belongs.
            let exit = if usage.use_stderr() {
                Exit::CouldNotRun
            } else {
                Exit::Done
            };
            return if usage.print().is_ok() || exit == Exit::CouldNotRun {
                exit
            } else {
                Exit::Done
            };
        }
    };
    let printer = Printer::new(cli.globals.quiet, cli.globals.verbose, cli.globals.no_color);
    if cli.command.is_question() {
        before_questions();
    }
    let threads = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_stack_size(STACK_BYTES)
        .build();
    let runtime = match threads {
        Ok(runtime) => runtime,
        Err(error) => return error::report(&printer, &anyhow::Error::from(error).context("cannot start threads")),
    };
    // A server and a shell take an interrupt in their own way.
    let minds_interrupts = matches!(cli.command, Command::Serve(_) | Command::Shell(_));
    let work = runtime.spawn(async move { commands::run(&cli, &printer).await });
    let outcome = until_interrupted(work, !minds_interrupts).unwrap_or_else(|error| Err(error.into()));
    // What does not end by itself must not hold up the exit; what does may still clean up.
    runtime.shutdown_timeout(Duration::from_secs(1));
    outcome.unwrap_or_else(|error| error::report(&printer, &error))
}

/// Waits for the work on a thread of its own, so that work busy computing cannot keep an interrupt from being heard.
fn until_interrupted(work: JoinHandle<anyhow::Result<Exit>>, ends_it: bool) -> std::io::Result<anyhow::Result<Exit>> {
    let waiting = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(waiting.block_on(async {
        tokio::select! {
            outcome = work => outcome.map_err(anyhow::Error::from).flatten(),
            _ = tokio::signal::ctrl_c(), if ends_it => Ok(Exit::Interrupted),
        }
    }))
}

/// The process's arguments. SQL may begin with a comment, which must not be taken for an option.
fn arguments() -> impl Iterator<Item = OsString> {
    std::env::args_os().map(|argument| {
        let bytes = argument.as_encoded_bytes();
        let comment = bytes.starts_with(b"--") && bytes.get(2).is_some_and(u8::is_ascii_whitespace);
        if !comment {
            return argument;
        }
        let mut led = OsString::from("\n");
        led.push(argument);
        led
    })
}
