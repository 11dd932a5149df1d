//! Patterns against texts: the linear matcher says what a table of all prefixes says, and never runs away.
#![no_main]

use keytrail_fuzz::policy::pattern::{Pattern, Token, common, tokens};
use libfuzzer_sys::fuzz_target;

/// The textbook table: row by row, whether the pattern so far matches the text so far.
fn table(pattern: &[Token], text: &[char]) -> bool {
    let mut row: Vec<bool> = std::iter::once(true).chain(text.iter().map(|_| false)).collect();
    for token in pattern {
        let mut next = vec![false; row.len()];
        for at in 0..row.len() {
            next[at] = match token {
                Token::Many => row[at] || (at > 0 && next[at - 1]),
                Token::One => at > 0 && row[at - 1],
                Token::Char(wanted) => at > 0 && row[at - 1] && text[at - 1] == *wanted,
            };
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

fuzz_target!(|parts: (&str, &str, bool)| {
    let (pattern, text, escapes) = parts;
    if pattern.len() > 2_000 || text.len() > 2_000 {
        return;
    }
    let read = tokens(pattern, escapes);
    let chars: Vec<char> = text.chars().collect();
    let compiled = Pattern::from_tokens(&read);
    assert_eq!(compiled.matches(text), table(&read, &chars), "`{pattern}` on `{text}`");
    if let Some(literal) = compiled.literal() {
        assert!(compiled.matches(literal));
    }
    // A text said to match both must match both.
    let other = tokens(text, escapes);
    if let Some(both) = common(&read, &other) {
        assert!(compiled.matches(&both), "`{both}` on `{pattern}`");
        assert!(Pattern::from_tokens(&other).matches(&both), "`{both}` on `{text}`");
    }
});
