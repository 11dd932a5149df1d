//! `shell`: SQL, line by line.

use std::path::PathBuf;

use clap::Args;
use clap::builder::TypedValueParser as _;

use crate::cli::args::Globals;
use crate::cli::exit::Exit;
use crate::cli::printer::Printer;
use crate::cli::settings;
use crate::cli::shell::Shell;
use crate::coverage::Assumption;

/// Arguments of `shell`.
#[derive(Debug, Args)]
pub(in crate::cli) struct ShellArgs {
    /// Where statements are remembered; an empty name remembers none
    #[arg(long, value_parser = clap::builder::OsStringValueParser::new().map(PathBuf::from), value_name = "FILE", env = "KEYTRAIL_HISTORY")]
    history: Option<PathBuf>,
    /// Memory a query may use before it spills to disk (512MiB, 2GB)
    #[arg(long, value_name = "SIZE", value_parser = settings::bytes)]
    memory_limit: Option<usize>,
    /// Vouch for the log in a span, for some accounts and Regions or all: `SINCE..UNTIL[,ACCOUNT|REGION]...`
    #[arg(long, value_name = "SPAN", value_parser = Assumption::parse)]
    assume_coverage: Vec<Assumption>,
}

/// Runs `shell`.
pub(in crate::cli) async fn run(args: &ShellArgs, globals: &Globals, printer: &Printer) -> anyhow::Result<Exit> {
    let session = settings::session_assuming(globals, args.memory_limit, &args.assume_coverage).await?;
    let history = args.history.clone().or_else(default_history);
    let history = history.filter(|path| !path.as_os_str().is_empty());
    Shell::new(session, printer).run(history.as_deref()).await
}

/// `$XDG_STATE_HOME/keytrail/history`, made where it is missing.
fn default_history() -> Option<PathBuf> {
    let named = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let state = named("XDG_STATE_HOME").or_else(|| Some(named("HOME")?.join(".local/state")))?;
    let folder = state.join("keytrail");
    std::fs::create_dir_all(&folder).ok()?;
    Some(folder.join("history"))
}
