//! The clauses of SQL's own JSON functions, which the parser does not know, as calls: `json_value(x, p RETURNING t
//! DEFAULT d ON EMPTY)` becomes `coalesce(CAST(json_value(x, p) AS t), d)`, `json_query(x, p WITH ARRAY WRAPPER)`
//! `json_query(x, p, 'with')`. What is to happen to an error is left out: there is none, there is NULL.

use datafusion::sql::sqlparser::tokenizer::{Token, Whitespace};

const FUNCTIONS: [&str; 3] = ["JSON_VALUE", "JSON_QUERY", "JSON_EXISTS"];

/// The tokens with every clause rewritten, or `None` where there is none.
pub(super) fn rewrite(tokens: &[Token]) -> Option<Vec<Token>> {
    let calls = tokens.iter().any(|token| FUNCTIONS.contains(&upper(token).as_str()));
    calls.then(|| rewritten(tokens))
}

fn rewritten(tokens: &[Token]) -> Vec<Token> {
    let mut out = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        match Call::read(tokens, at) {
            Some(call) => {
                let open = tokens.get(at..=call.open).unwrap_or_default();
                let inside = rewritten(tokens.get(call.open + 1..call.path + 1).unwrap_or_default());
                out.extend(call.written(open, &inside));
                at = call.close + 1;
            }
            None => {
                out.push(token.clone());
                at += 1;
            }
        }
    }
    out
}

/// A call with clauses behind its path: where its parentheses and its path stand, and the words of the clauses.
struct Call<'a> {
    function: String,
    open: usize,
    path: usize,
    close: usize,
    clauses: Vec<&'a Token>,
}

impl Call<'_> {
    fn read(tokens: &[Token], at: usize) -> Option<Call<'_>> {
        let function = upper(tokens.get(at)?);
        if !FUNCTIONS.contains(&function.as_str()) {
            return None;
        }
        let open = solid(tokens, at + 1);
        let (mut depth, mut comma, mut close) = (0_usize, None, None);
        for (index, token) in tokens.iter().enumerate().skip(open) {
            match token {
                Token::LParen => depth += 1,
                Token::RParen => depth = depth.checked_sub(1)?,
                Token::Comma if depth == 1 && comma.is_none() => comma = Some(index),
                _ => {}
            }
            if depth == 0 {
                close = Some(index);
                break;
            }
        }
        let (close, path) = (close?, solid(tokens, comma? + 1));
        if !matches!(tokens.get(path)?, Token::SingleQuotedString(_)) {
            return None;
        }
        let behind = tokens.get(path + 1..close)?.iter();
        let clauses: Vec<&Token> = behind.filter(|token| !matches!(token, Token::Whitespace(_))).collect();
        let is_word = matches!(clauses.first()?, Token::Word(_));
        is_word.then_some(Call {
            function,
            open,
            path,
            close,
            clauses,
        })
    }

    /// What stands between one word and another, or the end.
    fn between(&self, first: &str, last: &str) -> Option<Vec<Token>> {
        let start = self.clauses.iter().position(|token| upper(token) == first)? + 1;
        let words = self.clauses.iter().skip(start);
        Some(
            words
                .take_while(|token| upper(token) != last)
                .map(|token| (*token).clone())
                .collect(),
        )
    }

    fn says(&self, words: &[&str]) -> bool {
        self.clauses
            .windows(words.len())
            .any(|window| window.iter().zip(words).all(|(token, word)| upper(token) == *word))
    }

    fn written(&self, open: &[Token], inside: &[Token]) -> Vec<Token> {
        let mut made: Vec<Token> = open.iter().chain(inside).cloned().collect();
        let wrapper = if self.says(&["WITH", "CONDITIONAL"]) {
            Some("conditional")
        } else {
            self.says(&["WITH"]).then_some("with")
        };
        if let Some(wrapper) = wrapper.filter(|_| self.function == "JSON_QUERY") {
            made.extend([Token::Comma, Token::SingleQuotedString(wrapper.to_owned())]);
        }
        made.push(Token::RParen);
        if self.function == "JSON_VALUE" {
            if let Some(kind) = self.kind() {
                made = around("CAST", made, [word("AS")].into_iter().chain(kind));
            }
            if let Some(default) = self.between("DEFAULT", "ON") {
                made = around("coalesce", made, [Token::Comma].into_iter().chain(default));
            }
        }
        made
    }

    /// The type RETURNING names: a word, and what stands in parentheses behind it.
    fn kind(&self) -> Option<Vec<Token>> {
        let words = self.between("RETURNING", "ON")?;
        let mut kind = vec![words.first()?.clone()];
        if words.get(1) == Some(&Token::LParen) {
            let end = words.iter().position(|token| *token == Token::RParen)?;
            kind.extend(words.get(1..=end)?.iter().cloned());
        }
        Some(kind)
    }
}

fn around(function: &str, inner: Vec<Token>, rest: impl Iterator<Item = Token>) -> Vec<Token> {
    let mut made = vec![word(function), Token::LParen];
    made.extend(inner);
    for token in rest {
        made.extend([Token::Whitespace(Whitespace::Space), token]);
    }
    made.push(Token::RParen);
    made
}

fn word(word: &str) -> Token {
    Token::make_word(word, None)
}

fn upper(token: &Token) -> String {
    match token {
        Token::Word(word) if word.quote_style.is_none() => word.value.to_ascii_uppercase(),
        _ => String::new(),
    }
}

fn solid(tokens: &[Token], from: usize) -> usize {
    let spaces = tokens.iter().skip(from);
    from + spaces.take_while(|token| matches!(token, Token::Whitespace(_))).count()
}

#[cfg(test)]
mod tests {
    use super::rewrite;
    use datafusion::sql::sqlparser::dialect::GenericDialect;
    use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

    fn text(sql: &str) -> String {
        let tokens = Tokenizer::new(&GenericDialect, sql).tokenize().unwrap();
        rewrite(&tokens)
            .unwrap_or(tokens)
            .iter()
            .map(Token::to_string)
            .collect()
    }

    #[test]
    fn clauses_become_calls() {
        for (sql, expected) in [
            ("json_value(a, 'lax $.b')", "json_value(a, 'lax $.b')"),
            (
                "json_value(a, '$.b' RETURNING varchar(5))",
                "CAST(json_value(a, '$.b') AS varchar ( 5 ))",
            ),
            (
                "json_value(a, '$.b' DEFAULT 'x' ON EMPTY NULL ON ERROR)",
                "coalesce(json_value(a, '$.b') , 'x')",
            ),
            ("json_query(a, '$.b' WITH ARRAY WRAPPER)", "json_query(a, '$.b','with')"),
            (
                "json_query(a, '$.b' WITHOUT WRAPPER NULL ON ERROR)",
                "json_query(a, '$.b')",
            ),
            (
                "json_exists(json_query(a, '$.b' WITH WRAPPER), '$[0]' FALSE ON ERROR)",
                "json_exists(json_query(a, '$.b','with'), '$[0]')",
            ),
            ("SELECT json_value FROM t", "SELECT json_value FROM t"),
        ] {
            assert_eq!(text(sql), expected);
        }
    }
}
