//! Small, iterative work on JSON text that must come out as it went in: reading strings, dropping white space, blanking
//! a member, measuring depth. Never builds a tree, so numbers of any size survive.

use std::borrow::Cow;

/// The text of a JSON string literal; `None` where `raw` is another kind of value or holds a lone surrogate.
pub fn string(raw: &str) -> Option<Cow<'_, str>> {
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    if !inner.as_bytes().contains(&b'\\') {
        return Some(Cow::Borrowed(inner));
    }
    serde_json::from_str::<String>(raw).ok().map(Cow::Owned)
}

/// The text without white space between its tokens; borrowed where there is none.
pub fn compact(raw: &str) -> Cow<'_, str> {
    // Delivered objects are compact; hand-made ones carry newlines or a blank after `:` and `,`.
    let bytes = raw.as_bytes();
    let mut in_string = false;
    let mut escaped = false;
    let first = bytes.iter().position(|&byte| {
        if in_string {
            if escaped {
                escaped = false;
            } else if byte == b'\\' {
                escaped = true;
            } else if byte == b'"' {
                in_string = false;
            }
            false
        } else {
            in_string = byte == b'"';
            matches!(byte, b' ' | b'\n' | b'\r' | b'\t')
        }
    });
    let Some(first) = first else { return Cow::Borrowed(raw) };
    let mut out = Vec::with_capacity(raw.len());
    out.extend_from_slice(&bytes[..first]);
    let (mut in_string, mut escaped) = (false, false);
    for &byte in &bytes[first..] {
        if in_string {
            out.push(byte);
            if escaped {
                escaped = false;
            } else if byte == b'\\' {
                escaped = true;
            } else if byte == b'"' {
                in_string = false;
            }
        } else if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
            in_string = byte == b'"';
            out.push(byte);
        }
    }
    String::from_utf8(out).map_or(Cow::Borrowed(raw), Cow::Owned)
}

/// Whether arrays and objects nest deeper than `limit`.
pub fn nests_deeper(raw: &[u8], limit: usize) -> bool {
    // Opening brackets bound the depth from above, and counting them is much cheaper than following strings.
    if raw.iter().filter(|&&byte| byte == b'{' || byte == b'[').count() <= limit {
        return false;
    }
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for &byte in raw {
        if in_string {
            if escaped {
                escaped = false;
            } else if byte == b'\\' {
                escaped = true;
            } else if byte == b'"' {
                in_string = false;
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => {
                depth += 1;
                if depth > limit {
                    return true;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

/// The text with the string value of every member called `name` replaced; borrowed where there is none.
pub fn blank_member<'a>(raw: &'a str, name: &str, replacement: &str) -> Cow<'a, str> {
    let needle = format!("\"{name}\"");
    if !raw.contains(&needle) {
        return Cow::Borrowed(raw);
    }
    let bytes = raw.as_bytes();
    let mut out = String::with_capacity(raw.len());
    let (mut copied, mut at) = (0, 0);
    while at < bytes.len() {
        if bytes[at] != b'"' {
            at += 1;
            continue;
        }
        let end = string_end(bytes, at);
        let is_key = &raw[at..end] == needle.as_str();
        at = end;
        if !is_key {
            continue;
        }
        let colon = skip_blank(bytes, at);
        if bytes.get(colon) != Some(&b':') {
            continue;
        }
        let value = skip_blank(bytes, colon + 1);
        if bytes.get(value) != Some(&b'"') {
            continue;
        }
        let value_end = string_end(bytes, value);
        out.push_str(&raw[copied..value]);
        out.push('"');
        out.push_str(replacement);
        out.push('"');
        copied = value_end;
        at = value_end;
    }
    if copied == 0 {
        return Cow::Borrowed(raw);
    }
    out.push_str(&raw[copied..]);
    Cow::Owned(out)
}

/// Where the string literal that begins at `at` ends: the place after its closing quote.
fn string_end(bytes: &[u8], at: usize) -> usize {
    let mut end = at + 1;
    while end < bytes.len() {
        match bytes[end] {
            b'\\' => end += 2,
            b'"' => return end + 1,
            _ => end += 1,
        }
    }
    bytes.len()
}

fn skip_blank(bytes: &[u8], mut at: usize) -> usize {
    while matches!(bytes.get(at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
        at += 1;
    }
    at
}

/// Writes a text as a JSON string literal.
pub fn push_string(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if (control as u32) < 0x20 => out.push_str(&format!("\\u{:04x}", control as u32)),
            other => out.push(other),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_read_and_other_values_are_not() {
        assert_eq!(string(r#""a""#).unwrap(), "a");
        assert_eq!(string(r#""a\u0041\n""#).unwrap(), "aA\n");
        for raw in ["1", "null", "{}", r#""\ud800""#, "\""] {
            assert_eq!(string(raw), None, "{raw}");
        }
    }

    #[test]
    fn white_space_goes_only_between_tokens() {
        assert_eq!(
            compact("{ \"a b\" : [ 1 , \"c \\\" d\" ] }\n"),
            r#"{"a b":[1,"c \" d"]}"#
        );
        assert!(matches!(compact(r#"{"a b":1}"#), Cow::Borrowed(_)));
    }

    #[test]
    fn depth_counts_brackets_outside_strings() {
        assert!(!nests_deeper(br#"{"a":"[[[[[["}"#, 2));
        assert!(nests_deeper(b"[[[1]]]", 2));
        assert!(!nests_deeper(b"[[],[],[],[]]", 2));
    }

    #[test]
    fn members_are_blanked_wherever_they_are() {
        let raw = r#"{"credentials":{"sessionToken" : "a\"b","x":["sessionToken"]},"n":12345678901234567890123}"#;
        let expected = r#"{"credentials":{"sessionToken" : "***","x":["sessionToken"]},"n":12345678901234567890123}"#;
        assert_eq!(blank_member(raw, "sessionToken", "***"), expected);
        assert!(matches!(
            blank_member(r#"{"sessionToken":null}"#, "sessionToken", "x"),
            Cow::Borrowed(_)
        ));
    }

    #[test]
    fn written_strings_read_back() {
        let mut out = String::new();
        push_string(&mut out, "a\"\\\n\u{1}\u{1F600}");
        assert_eq!(string(&out).unwrap(), "a\"\\\n\u{1}\u{1F600}");
    }
}
