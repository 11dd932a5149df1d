//! Slips that many published queries have, told from the tokens where the parser could only say what it expected.

use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer};

use super::grammar::Trino;

/// What was probably meant by a statement that cannot be parsed: the place and the advice.
pub(super) fn advice(sql: &str) -> Option<String> {
    let tokens = Tokenizer::new(&Trino { lambdas: true }, sql)
        .tokenize_with_location()
        .ok()?;
    let solid: Vec<&TokenWithSpan> = tokens
        .iter()
        .filter(|token| !matches!(token.token, Token::Whitespace(_)))
        .collect();
    missing_comma(&solid)
        .or_else(|| glued(&solid))
        .or_else(|| missing_where(&solid))
}

fn at(place: Location) -> String {
    format!("line {}, column {}", place.line, place.column)
}

/// `IN ('a' 'b')`
fn missing_comma(tokens: &[&TokenWithSpan]) -> Option<String> {
    tokens.windows(2).find_map(|pair| match pair {
        [left, right] => match (&left.token, &right.token) {
            (Token::SingleQuotedString(one), Token::SingleQuotedString(two)) => Some(format!(
                "{}: a comma is missing between `'{one}'` and `'{two}'`",
                at(right.span.start)
            )),
            _ => None,
        },
        _ => None,
    })
}

/// `GROUP BY eventNameORDER BY`
fn glued(tokens: &[&TokenWithSpan]) -> Option<String> {
    tokens.windows(2).find_map(|pair| {
        let [word, next] = pair else { return None };
        let (Token::Word(word_text), place) = (&word.token, word.span.start) else {
            return None;
        };
        let followed_by_by = matches!(&next.token, Token::Word(next) if next.keyword == Keyword::BY);
        let endings: &[&str] = if followed_by_by {
            &["ORDER", "GROUP", "PARTITION"]
        } else {
            &["WHERE", "FROM", "LIMIT"]
        };
        if word_text.quote_style.is_some() || word_text.keyword != Keyword::NoKeyword {
            return None;
        }
        endings.iter().find_map(|ending| {
            // Only in capitals: many a name ends in "from" or "order".
            let start = word_text.value.strip_suffix(ending).filter(|start| !start.is_empty())?;
            Some(format!(
                "{}: `{start}{ending}` looks like `{start} {ending}`",
                at(place)
            ))
        })
    })
}

/// `FROM cloudtrail eventname = 'x'`: the name is taken for an alias, and then there is an operator.
fn missing_where(tokens: &[&TokenWithSpan]) -> Option<String> {
    if tokens
        .iter()
        .any(|token| matches!(&token.token, Token::Word(word) if word.keyword == Keyword::WHERE))
    {
        return None;
    }
    let from = tokens
        .iter()
        .position(|token| matches!(&token.token, Token::Word(word) if word.keyword == Keyword::FROM))?;
    tokens.iter().enumerate().skip(from + 2).find_map(|(index, token)| {
        let compares = match &token.token {
            Token::Eq | Token::Neq | Token::Gt | Token::Lt | Token::GtEq | Token::LtEq => true,
            Token::Word(word) => matches!(
                word.keyword,
                Keyword::LIKE | Keyword::IN | Keyword::IS | Keyword::BETWEEN
            ),
            _ => false,
        };
        let name = tokens.get(index - 1)?;
        (compares && matches!(name.token, Token::Word(_)))
            .then(|| format!("{}: a WHERE is missing before `{}`", at(name.span.start), name.token))
    })
}

#[cfg(test)]
mod tests {
    use super::advice;

    #[test]
    fn slips_are_named_with_their_place() {
        for (sql, expected) in [
            (
                "SELECT a FROM t WHERE b IN ('x' 'y')",
                "line 1, column 33: a comma is missing between `'x'` and `'y'`",
            ),
            (
                "SELECT a FROM t\nGROUP BY eventNameORDER BY 1",
                "line 2, column 10: `eventNameORDER` looks like `eventName ORDER`",
            ),
            (
                "SELECT a FROM t eventname = 'x'",
                "line 1, column 17: a WHERE is missing before `eventname`",
            ),
            (
                "SELECT a FROM t AND eventname LIKE 'x'",
                "line 1, column 21: a WHERE is missing before `eventname`",
            ),
        ] {
            assert_eq!(advice(sql).as_deref(), Some(expected));
        }
        assert_eq!(advice("SELECT FROM WHERE"), None);
    }
}
