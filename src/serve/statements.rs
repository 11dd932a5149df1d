//! A text into its statements, and each statement's kind: a command for the connection, or a question.

use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

/// The statements of a text, without the semicolons between them.
pub(super) fn split(text: &str) -> Vec<String> {
    let Ok(tokens) = Tokenizer::new(&PostgreSqlDialect {}, text).tokenize_with_location() else {
        // What is no token is the parser's to explain.
        return vec![text.to_owned()];
    };
    // The text itself is cut, because a token does not always print as it was written.
    let mut lines = vec![0];
    lines.extend(text.match_indices('\n').map(|(at, _)| at + 1));
    let mut statements = Vec::new();
    let mut start = 0;
    for token in &tokens {
        if token.token != Token::SemiColon {
            continue;
        }
        let line = usize::try_from(token.span.start.line).unwrap_or_default();
        let column = usize::try_from(token.span.start.column).unwrap_or_default();
        let Some(line) = line.checked_sub(1).and_then(|line| lines.get(line)) else {
            continue;
        };
        let rest = text.get(*line..).unwrap_or_default();
        let Some((offset, _)) = rest.char_indices().nth(column.saturating_sub(1)) else {
            continue;
        };
        statements.push(text.get(start..line + offset).unwrap_or_default().to_owned());
        start = line + offset + 1;
    }
    statements.push(text.get(start..).unwrap_or_default().to_owned());
    statements.retain(|statement| has_words(statement));
    statements
}

fn has_words(statement: &str) -> bool {
    match Tokenizer::new(&PostgreSqlDialect {}, statement).tokenize() {
        Ok(tokens) => tokens.iter().any(|token| !matches!(token, Token::Whitespace(_))),
        Err(_) => true,
    }
}

/// The words a statement begins with, in capitals.
pub(super) fn first_words(statement: &str) -> Vec<String> {
    let Ok(tokens) = Tokenizer::new(&PostgreSqlDialect {}, statement).tokenize() else {
        return Vec::new();
    };
    let solid = tokens.iter().filter(|token| !matches!(token, Token::Whitespace(_)));
    solid
        .map_while(|token| match token {
            Token::Word(word) => Some(word.value.to_ascii_uppercase()),
            _ => None,
        })
        .take(3)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_at_semicolons_that_end_statements() {
        assert_eq!(split("SELECT 1; SELECT ';' ;\n-- x;\n;"), ["SELECT 1", " SELECT ';' "]);
        assert_eq!(
            split("SELECT '\u{e9};\n' AS a; \u{20}SELECT 2"),
            ["SELECT '\u{e9};\n' AS a", "  SELECT 2"]
        );
        assert_eq!(split(" ; "), Vec::<String>::new());
        assert_eq!(split("SELECT 'open"), ["SELECT 'open"]);
    }

    #[test]
    fn first_words_are_found_behind_comments() {
        assert_eq!(first_words("/* a */ set local x = 1"), ["SET", "LOCAL", "X"]);
        assert_eq!(first_words("(SELECT 1)"), Vec::<String>::new());
    }
}
