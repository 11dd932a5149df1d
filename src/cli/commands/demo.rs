//! `demo`: a tour on the sample organization, which is in the binary. Nothing to configure, nothing leaves the machine.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, Parser};
use include_dir::{Dir, include_dir};

use crate::cli::args::Cli;
use crate::cli::error::hinted;
use crate::cli::exit::Exit;
use crate::cli::printer::Printer;

static SAMPLE: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/sample-logs");

/// Arguments of `demo`.
#[derive(Debug, Args)]
pub(in crate::cli) struct DemoArgs {
    /// Where to write the logs, the lake and the reports; must be new or empty
    #[arg(value_name = "DIR", default_value = "./keytrail-demo")]
    folder: PathBuf,
}

/// The instant the story ends at: verdicts of the sample are as of it.
const AS_OF: &str = "2026-10-09T06:00:00Z";

/// What is shown, as a user would type it, and why. `{dir}` is the folder.
const TOUR: [(&str, &str); 10] = [
    (
        "Take in a hundred days of two accounts' CloudTrail",
        "ingest {dir}/sample-logs/AWSLogs",
    ),
    (
        "Take in who was allowed what on the last morning",
        "snapshot import {dir}/sample-logs/snapshot",
    ),
    ("Who used which key?", "query key-usage"),
    (
        "Who could delete the key of the payments orders?",
        "who-can kms:ScheduleKeyDeletion alias/payments-orders --as-of {as_of}",
    ),
    (
        "Which keys are unused, and what does each answer rest on?",
        "query unused-keys -p as_of={as_of}",
    ),
    (
        "Which administrative rights has nobody exercised?",
        "query unexercised-admin-rights -p as_of={as_of}",
    ),
    (
        "Who disabled the key of the payments orders, from where, and what broke?",
        "trace alias/payments-orders --as-of {as_of}",
    ),
    (
        "For the owners of keys: what is unused, on what proof, what it costs, how to retire it",
        "report unused-keys --as-of {as_of} -o {dir}/unused-keys.html",
    ),
    (
        "For a review of rights: who may administer what, and who ever did",
        "report admin-rights --as-of {as_of} -o {dir}/admin-rights.html",
    ),
    (
        "For an auditor: the evidence of every key, to be checked with `sha256sum -c SHA256SUMS`",
        "report evidence --as-of {as_of} -o {dir}/evidence",
    ),
];

/// Runs `demo`.
pub(in crate::cli) async fn run(args: &DemoArgs, printer: &Printer) -> anyhow::Result<Exit> {
    let folder = &args.folder;
    if folder.read_dir().is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(hinted(
            format!("folder `{}`: is not empty", folder.display()),
            "name a new one: keytrail demo DIR",
        ));
    }
    let logs = folder.join("sample-logs");
    write(&SAMPLE, &logs).with_context(|| format!("cannot write `{}`", logs.display()))?;
    let dir = folder.display().to_string();
    for (title, line) in TOUR {
        let words: Vec<String> = line
            .split(' ')
            .map(|word| word.replace("{dir}", &dir).replace("{as_of}", AS_OF))
            .collect();
        let mut command = vec!["keytrail".to_owned(), "--lake".to_owned(), format!("{dir}/lake")];
        command.extend(words);
        {
            let mut stdout = std::io::stdout().lock();
            writeln!(stdout, "\n# {title}\n$ {}", command.join(" "))?;
        }
        let cli = Cli::try_parse_from(&command)?;
        // The sample's collector was refused two answers, so its import is incomplete on purpose.
        match Box::pin(super::run(&cli, printer)).await? {
            Exit::Done | Exit::Incomplete | Exit::Found => {}
            other => return Ok(other),
        }
    }
    printer.note(&format!(
        "open `{dir}/unused-keys.html`, `{dir}/admin-rights.html` and `{dir}/evidence/index.html` in a browser; the story behind \
         them: `{dir}/sample-logs/README.md`"
    ));
    Ok(Exit::Done)
}

fn write(from: &Dir<'_>, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in from.entries() {
        let name = entry.path().file_name().unwrap_or_default();
        match entry {
            include_dir::DirEntry::Dir(folder) => write(folder, &to.join(name))?,
            include_dir::DirEntry::File(file) => std::fs::write(to.join(name), file.contents())?,
        }
    }
    Ok(())
}
