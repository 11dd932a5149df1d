//! `LIKE`: a backslash is an escape only where ESCAPE says so, and any character may be one.

use datafusion::sql::sqlparser::ast::{Expr, Value, ValueWithSpan};

/// Writes a literal pattern in the planner's form, whose escape is always the backslash.
pub(super) fn translate(pattern: &mut Expr, escape: &mut Option<ValueWithSpan>) {
    let Expr::Value(held) = pattern else {
        return;
    };
    let Value::SingleQuotedString(written) = &held.value else {
        return;
    };
    let letter = match escape.as_ref().map(|escape| &escape.value) {
        None => None,
        Some(Value::SingleQuotedString(letter)) => match letter.chars().collect::<Vec<_>>().as_slice() {
            [] => None,
            [letter] => Some(*letter),
            _ => return,
        },
        Some(_) => return,
    };
    held.value = Value::SingleQuotedString(rewritten(written, letter));
    *escape = None;
}

fn rewritten(pattern: &str, escape: Option<char>) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        match letter {
            letter if Some(letter) == escape => {
                out.push('\\');
                out.extend(letters.next());
            }
            '\\' => out.push_str("\\\\"),
            letter => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::rewritten;

    #[test]
    fn the_escape_is_the_one_that_is_named() {
        assert_eq!(rewritten(r"a\_b%", None), r"a\\_b%");
        assert_eq!(rewritten(r"a\_b%", Some('\\')), r"a\_b%");
        assert_eq!(rewritten("a#_b##%", Some('#')), r"a\_b\#%");
        assert_eq!(rewritten(r"a#\b", Some('#')), r"a\\b");
    }
}
