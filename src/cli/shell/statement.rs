//! What was typed so far: whole statements, and the rest of one that goes on.

/// The statements that are whole, without their semicolons, and what is left.
pub(super) fn cut(text: &str) -> (Vec<String>, String) {
    let mut statements = Vec::new();
    let mut start = 0;
    let mut letters = text.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\'' | '"' => {
                // A doubled quote ends one text and begins the next, which comes to the same.
                letters.by_ref().find(|(_, next)| *next == letter);
            }
            '-' if letters.peek().is_some_and(|(_, next)| *next == '-') => {
                letters.by_ref().find(|(_, next)| *next == '\n');
            }
            '/' if letters.peek().is_some_and(|(_, next)| *next == '*') => {
                let mut before = ' ';
                letters.by_ref().skip(1).find(|(_, next)| {
                    let ends = before == '*' && *next == '/';
                    before = *next;
                    ends
                });
            }
            ';' => {
                let statement = text.get(start..at).unwrap_or_default().trim();
                if !statement.is_empty() {
                    statements.push(statement.to_owned());
                }
                start = at + 1;
            }
            _ => {}
        }
    }
    (statements, text.get(start..).unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn statements_end_at_semicolons_that_are_not_within_something() {
        let cases: [(&str, &[&str], &str); 7] = [
            ("SELECT 1;", &["SELECT 1"], ""),
            ("SELECT ';", &[], "SELECT ';"),
            ("SELECT ';' AS \";\"; SELECT", &["SELECT ';' AS \";\""], " SELECT"),
            ("SELECT 'it''s;'; ", &["SELECT 'it''s;'"], " "),
            ("SELECT 1 -- a;\n, 2;", &["SELECT 1 -- a;\n, 2"], ""),
            ("SELECT /* ; */ 1;;", &["SELECT /* ; */ 1"], ""),
            ("a; b; c", &["a", "b"], " c"),
        ];
        for (text, whole, rest) in cases {
            let (statements, left) = cut(text);
            assert_eq!(
                (statements.as_slice(), left.as_str()),
                (whole.map_owned().as_slice(), rest),
                "{text}"
            );
        }
    }

    trait Owned {
        fn map_owned(&self) -> Vec<String>;
    }

    impl Owned for &[&str] {
        fn map_owned(&self) -> Vec<String> {
            self.iter().map(|text| (*text).to_owned()).collect()
        }
    }
}
