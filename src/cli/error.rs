//! Errors as words for people: `error: ...`, then `hint: ...` where there is something to do about it.

use std::fmt;

use super::exit::Exit;
use super::printer::Printer;

/// An error with advice.
#[derive(Debug)]
pub(super) struct Hinted {
    message: String,
    hint: String,
}

impl fmt::Display for Hinted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Hinted {}

/// An error with advice, as an `anyhow` error.
pub(super) fn hinted(message: impl fmt::Display, hint: impl fmt::Display) -> anyhow::Error {
    anyhow::Error::new(Hinted {
        message: message.to_string(),
        hint: hint.to_string(),
    })
}

/// Prints why the program could not run.
pub(super) fn report(printer: &Printer, error: &anyhow::Error) -> Exit {
    if error.chain().any(is_closed_pipe) {
        return Exit::Done;
    }
    printer.error(&chain(error));
    if let Some(hint) = hint(error) {
        printer.hint(&hint);
    }
    Exit::CouldNotRun
}

/// Whether the reader of our output left, as `head` does: that is no failure.
fn is_closed_pipe(cause: &(dyn std::error::Error + 'static)) -> bool {
    let io = cause.downcast_ref::<std::io::Error>();
    let written = match cause.downcast_ref::<crate::report::Error>() {
        Some(crate::report::Error::Write(error)) => Some(error),
        _ => None,
    };
    io.or(written)
        .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

/// The message with its causes, on one line, each said once.
fn chain(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain() {
        let message = cause.to_string();
        if text.contains(&message) {
            continue;
        }
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&message);
    }
    text
}

fn hint(error: &anyhow::Error) -> Option<String> {
    error.chain().find_map(|cause| {
        if let Some(hinted) = cause.downcast_ref::<Hinted>() {
            return Some(hinted.hint.clone());
        }
        match cause.downcast_ref::<crate::engine::Error>()? {
            crate::engine::Error::NoLake(..) => Some(
                "name the lake with --lake or KEYTRAIL_LAKE; `keytrail ingest SOURCE` makes one from CloudTrail logs"
                    .to_owned(),
            ),
            crate::engine::Error::NoSnapshot { first: Some(first), .. } => Some(format!(
                "ask as of a later instant (`-p as_of={first}`), and ingest again so that the log reaches it"
            )),
            crate::engine::Error::NoSnapshot { first: None, .. } => {
                Some("`keytrail snapshot collect` makes one, `keytrail snapshot import` takes a dump".to_owned())
            }
            crate::engine::Error::Memory(_) => {
                Some("raise --memory-limit, or ask for a shorter time or fewer columns".to_owned())
            }
            crate::engine::Error::Broken { hint, .. } => Some(hint.clone()),
            crate::engine::Error::Unknown {
                what: "table", nearest, ..
            } => Some(match nearest {
                Some(near) => format!("did you mean `{near}`? `SHOW TABLES` lists all"),
                None => "`SHOW TABLES` lists all".to_owned(),
            }),
            crate::engine::Error::Unknown {
                nearest: Some(near), ..
            } => Some(format!("did you mean `{near}`?")),
            crate::engine::Error::Parameter { reason, .. } if reason == "has no value" => {
                Some("give it one with `-p name=value`, or `-p name:instant=value` for a typed one".to_owned())
            }
            _ => None,
        }
    })
}
