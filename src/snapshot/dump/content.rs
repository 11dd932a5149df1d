//! The bytes of a file as JSON values: plain or gzipped, one value or several after each other.

use std::io::Read;

use flate2::read::MultiGzDecoder;
use serde_json::Value;

use super::Entry;
use crate::snapshot::scope::Failure;

/// No file may inflate to more.
pub const SIZE_MAX: u64 = 2 << 30;
/// A policy with its white space is never larger than this; larger files are not kept as text.
const POLICY_SIZE_MAX: usize = 256 << 10;

/// The JSON values of a file, and a failure where it stops being JSON.
pub fn documents(path: &str, bytes: &[u8]) -> (Vec<Entry>, Option<Failure>) {
    let fail = |code: &str, why: String| Some(Failure::of_input("", path, code, why));
    let text = match text(bytes) {
        Ok(text) => text,
        Err(why) => return (Vec::new(), fail("Unreadable", why)),
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let mut entries = Vec::new();
    for value in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
        match value {
            Ok(value) => entries.push(Entry {
                path: path.to_owned(),
                value,
                text: None,
            }),
            Err(error) => return (entries, fail("NotJson", format!("not JSON: {error}"))),
        }
    }
    if let [only] = entries.as_mut_slice()
        && text.len() <= POLICY_SIZE_MAX
    {
        only.text = Some(text.to_owned());
    }
    if entries.is_empty() {
        (entries, fail("NotJson", "not JSON: the file is empty".to_owned()))
    } else {
        (entries, None)
    }
}

fn text(bytes: &[u8]) -> Result<String, String> {
    let raw = if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut inflated = Vec::new();
        let mut limited = MultiGzDecoder::new(bytes).take(SIZE_MAX + 1);
        limited
            .read_to_end(&mut inflated)
            .map_err(|error| format!("gzip: {error}"))?;
        inflated
    } else {
        bytes.to_vec()
    };
    if raw.len() as u64 > SIZE_MAX {
        return Err(format!("larger than {SIZE_MAX} bytes"));
    }
    String::from_utf8(raw).map_err(|error| format!("not UTF-8: {error}"))
}
