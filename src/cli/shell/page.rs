//! Long answers through a pager, short ones as they are.

use std::io::Write;
use std::process::{Command, Stdio};

/// Shows a text on the terminal: through `$PAGER` (else `less`) where it is higher than the screen.
///
/// # Errors
/// The terminal cannot be written to.
pub(super) fn show(text: &[u8], rows_of_screen: Option<usize>) -> std::io::Result<()> {
    let lines = text.iter().filter(|byte| **byte == b'\n').count();
    if rows_of_screen.is_some_and(|rows| lines + 2 > rows) && through_pager(text) {
        return Ok(());
    }
    let mut out = std::io::stdout().lock();
    out.write_all(text)?;
    out.flush()
}

fn through_pager(text: &[u8]) -> bool {
    // Chops long lines, leaves the screen as it was, and ends where all fits.
    let pager = std::env::var("PAGER").ok().filter(|pager| !pager.trim().is_empty());
    let pager = pager.unwrap_or_else(|| "less -SFX".to_owned());
    let mut command = Command::new("sh");
    command.arg("-c").arg(pager);
    let Ok(mut child) = command.stdin(Stdio::piped()).spawn() else {
        return false;
    };
    if let Some(mut pipe) = child.stdin.take() {
        // Who leaves the pager early does not want the rest.
        let _ = pipe.write_all(text);
    }
    child.wait().is_ok()
}
