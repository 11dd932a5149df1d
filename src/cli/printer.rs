//! Where words and rows go: data to stdout or a file, everything else to stderr.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;

/// The two output streams and how much to say.
#[derive(Debug, Clone, Copy)]
pub(super) struct Printer {
    quiet: bool,
    verbose: bool,
    color: bool,
}

impl Printer {
    pub(super) fn new(quiet: bool, verbose: bool, no_color: bool) -> Printer {
        // https://no-color.org: any non-empty value asks for none.
        let asked = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Printer {
            quiet,
            verbose: verbose && !quiet,
            color: !no_color && !asked && io::stderr().is_terminal(),
        }
    }

    /// Something worth knowing about a run that goes on.
    pub(super) fn note(&self, text: &str) {
        if !self.quiet {
            self.line("note", "36", text);
        }
    }

    /// A line of a command's account of what it did.
    pub(super) fn say(&self, text: &str) {
        if !self.quiet {
            // Nobody is left to tell when stderr is closed.
            let _ = writeln!(io::stderr().lock(), "{}", plain(text));
        }
    }

    /// Something that went wrong in a run that goes on.
    pub(super) fn warning(&self, text: &str) {
        self.line("warning", "33", text);
    }

    /// Whether more is wanted than a run says by itself.
    pub(super) fn is_verbose(&self) -> bool {
        self.verbose
    }

    /// Whether only errors are wanted.
    pub(super) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Whether colours are wanted, where a terminal shows them.
    pub(super) fn has_color(&self) -> bool {
        self.color
    }

    pub(super) fn error(&self, text: &str) {
        self.line("error", "1;31", text);
    }

    pub(super) fn hint(&self, text: &str) {
        self.line("hint", "1;33", text);
    }

    fn line(&self, label: &str, color: &str, text: &str) {
        let text = plain(text);
        let mut stderr = io::stderr().lock();
        // Nobody is left to tell when stderr is closed.
        let _ = if self.color {
            writeln!(stderr, "\u{1b}[{color}m{label}:\u{1b}[0m {text}")
        } else {
            writeln!(stderr, "{label}: {text}")
        };
    }
}

/// Names and messages may come from a log: nothing in them may steer the terminal.
fn plain(text: &str) -> String {
    text.chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect()
}

/// Where data is written: stdout, a device or pipe, or a file that appears whole or not at all.
pub(super) struct Output {
    writer: BufWriter<Box<dyn Write + Send>>,
    /// The file in the making, and where it is to be.
    appears: Option<(PathBuf, PathBuf)>,
}

impl Output {
    pub(super) fn open(path: Option<&Path>) -> anyhow::Result<Output> {
        let Some(path) = path.filter(|path| *path != Path::new("-")) else {
            return Ok(Output::over(io::stdout(), None));
        };
        let cannot = || format!("cannot write `{}`", path.display());
        // What is there and no file is written to, not replaced: /dev/null would be gone for everyone.
        if path.metadata().is_ok_and(|there| !there.is_file() && !there.is_dir()) {
            let device = File::options().write(true).open(path).with_context(cannot)?;
            return Ok(Output::over(device, None));
        }
        // Behind a link the file is replaced, not the link: /dev/stdout is one.
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let mut partial = path.as_os_str().to_owned();
        partial.push(format!(".{}.partial", std::process::id()));
        let partial = PathBuf::from(partial);
        let file = File::create(&partial).with_context(cannot)?;
        Ok(Output::over(file, Some((partial, path))))
    }

    fn over(to: impl Write + Send + 'static, appears: Option<(PathBuf, PathBuf)>) -> Output {
        Output {
            writer: BufWriter::with_capacity(1 << 16, Box::new(to)),
            appears,
        }
    }

    /// Makes the file appear.
    pub(super) fn finish(mut self) -> anyhow::Result<()> {
        self.flush()?;
        if let Some((partial, path)) = &self.appears {
            std::fs::rename(partial, path).with_context(|| format!("cannot write `{}`", path.display()))?;
        }
        Ok(())
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if let Some((partial, _)) = &self.appears {
            // After a rename it is not there any more.
            let _ = std::fs::remove_file(partial);
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}
