//! How the program ends: a closed list of outcomes, each with its exit code.

use std::process::{ExitCode, Termination};

/// An outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done, and nothing named by `--fail-on` is present.
    Done,
    /// A verdict named by `--fail-on` is present, or `--expect` is not met.
    Found,
    /// Could not run: bad usage, an unreadable lake, no credentials.
    CouldNotRun,
    /// Ran, but something is incomplete.
    Incomplete,
    /// Interrupted from the keyboard.
    Interrupted,
}

impl Exit {
    /// The process's exit code.
    pub fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Found => 1,
            Exit::CouldNotRun => 2,
            Exit::Incomplete => 3,
            Exit::Interrupted => 130,
        }
    }
}

impl Termination for Exit {
    fn report(self) -> ExitCode {
        ExitCode::from(self.code())
    }
}
