//! A story as JSON: its own shape, indented; characters a terminal may obey are escaped.

use crate::report::Result;
use crate::report::value::is_unsafe;
use crate::trace::story::Story;

/// The story as one JSON object.
///
/// # Errors
/// A part of it has no form in JSON.
pub fn json(story: &Story) -> Result<String> {
    let plain = serde_json::to_string_pretty(story).map_err(std::io::Error::other)?;
    let mut out = String::with_capacity(plain.len() + 1);
    for letter in plain.chars() {
        // Outside of strings there is nothing but ASCII and line ends.
        if letter != '\n' && is_unsafe(letter) {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(letter);
        }
    }
    out.push('\n');
    Ok(out)
}
