//! What cannot be parsed is translated before: placeholders for tables, `IPADDRESS` literals, types of `CAST`.

use datafusion::sql::sqlparser::dialect::Dialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer, Whitespace};

use super::grammar::Trino;
use super::json_clauses;
use super::tables::PLACEHOLDER;
use crate::engine::{Error, Result};

/// Operators a statement may have: planning recurses along their chains and takes quadratic time.
const OPERATORS_MAX: usize = 2_000;

/// A statement's text in the parser's grammar, and which grammar that is.
pub(super) fn translate(sql: &str) -> Result<(String, Trino)> {
    let grammar = Trino { lambdas: true };
    // What is no token is the parser's to explain.
    let Ok(tokens) = Tokenizer::new(&grammar, sql).tokenize() else {
        return Ok((sql.to_owned(), grammar));
    };
    count(&tokens)?;
    refuse(&tokens)?;
    let cleared = json_clauses::rewrite(&tokens);
    let changed = cleared.is_some();
    let tokens = cleared.unwrap_or(tokens);
    let lambdas = !tokens
        .iter()
        .enumerate()
        .any(|(at, token)| is_json_arrow(token, &tokens, at));
    let translated = Translator {
        tokens: &tokens,
        at: 0,
        out: Vec::with_capacity(tokens.len()),
        owed: Vec::new(),
    }
    .run();
    let text = match translated {
        Some(tokens) => tokens.iter().map(Token::to_string).collect(),
        None if changed => tokens.iter().map(Token::to_string).collect(),
        None => sql.to_owned(),
    };
    Ok((text, Trino { lambdas }))
}

/// What Trino has and nothing here can be made of.
fn refuse(tokens: &[Token]) -> Result<()> {
    let patterns = tokens.iter().any(|token| {
        matches!(token, Token::Word(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case("MATCH_RECOGNIZE"))
    });
    if patterns {
        return Err(Error::Broken {
            message: "MATCH_RECOGNIZE is not supported".to_owned(),
            hint: "lag(...) and lead(...) OVER (PARTITION BY ... ORDER BY eventtime) compare a row with those before and after it"
                .to_owned(),
        });
    }
    Ok(())
}

/// Refuses a statement with more operators than planning can bear.
pub(in crate::engine) fn bound(sql: &str, grammar: &dyn Dialect) -> Result<()> {
    match Tokenizer::new(grammar, sql).tokenize() {
        Ok(tokens) => count(&tokens),
        // What is no token is the parser's to explain.
        Err(_) => Ok(()),
    }
}

fn count(tokens: &[Token]) -> Result<()> {
    let operators = tokens.iter().filter(|token| is_operator(token)).count();
    if operators > OPERATORS_MAX {
        let limit = format!("the statement has {operators} operators; {OPERATORS_MAX} are the limit");
        return Err(Error::Sql(limit));
    }
    Ok(())
}

fn is_operator(token: &Token) -> bool {
    match token {
        Token::Word(word) => matches!(word.keyword, Keyword::AND | Keyword::OR | Keyword::UNION | Keyword::NOT),
        Token::Plus | Token::Minus | Token::Mul | Token::Div | Token::Mod | Token::StringConcat => true,
        Token::DoubleColon | Token::LBracket | Token::Period | Token::Arrow | Token::LongArrow => true,
        _ => false,
    }
}

fn is_json_arrow(token: &Token, tokens: &[Token], at: usize) -> bool {
    *token == Token::Arrow
        && matches!(
            tokens
                .iter()
                .skip(at + 1)
                .find(|next| !matches!(next, Token::Whitespace(_))),
            Some(Token::SingleQuotedString(_) | Token::Number(..))
        )
}

struct Translator<'a> {
    tokens: &'a [Token],
    at: usize,
    out: Vec<Token>,
    /// Where a parenthesis closes what was opened twice.
    owed: Vec<usize>,
}

impl Translator<'_> {
    /// The translated tokens, or `None` where nothing had to be.
    fn run(mut self) -> Option<Vec<Token>> {
        let mut changed = false;
        while let Some(token) = self.tokens.get(self.at) {
            if self.owed.pop_if(|place| *place == self.at).is_some() {
                self.out.push(Token::RParen);
            }
            let replaced = match token {
                Token::Word(word) if word.quote_style.is_none() => {
                    let before = self.last_word();
                    match word.value.to_ascii_uppercase().as_str() {
                        "FROM" | "JOIN" if before.as_deref() != Some("DISTINCT") => self.table(),
                        "IPADDRESS" | "IPPREFIX" => self.literal("ipaddress"),
                        "JSON" => self.literal("json_parse"),
                        "ARRAY" | "MAP" | "ROW" if before.as_deref() == Some("AS") => self.complex_type(),
                        "ANY" | "SOME" | "ALL" => self.quantified(),
                        "VALUES" => self.values(),
                        "BOTH" | "LEADING" | "TRAILING" => self.trimmed(),
                        "UUID" => self.literal("as_uuid"),
                        _ => false,
                    }
                }
                Token::UnicodeStringLiteral(text) => {
                    self.out.push(Token::SingleQuotedString(text.replace('\'', "''")));
                    self.at += 1;
                    true
                }
                _ => false,
            };
            changed |= replaced;
            if !replaced {
                self.out.push(token.clone());
                self.at += 1;
            }
        }
        changed.then_some(self.out)
    }

    fn last_word(&self) -> Option<String> {
        match self
            .out
            .iter()
            .rev()
            .find(|token| !matches!(token, Token::Whitespace(_)))?
        {
            Token::Word(word) => Some(word.value.to_ascii_uppercase()),
            _ => None,
        }
    }

    /// The place of the next token that is no space, at or after one.
    fn solid(&self, from: usize) -> usize {
        let spaces = self.tokens.iter().skip(from);
        from + spaces.take_while(|token| matches!(token, Token::Whitespace(_))).count()
    }

    /// `FROM <EDS ID>`, `FROM $EDS_ID`, `FROM ${EDS_ID}`, `FROM 1234abcd-...`: what stands where a table should.
    fn table(&mut self) -> bool {
        let start = self.solid(self.at + 1);
        let Some(end) = self.placeholder(start).or_else(|| self.data_store_id(start)) else {
            return false;
        };
        self.out.extend(self.tokens.iter().take(start).skip(self.at).cloned());
        self.out.push(Token::make_word(PLACEHOLDER, Some('"')));
        self.at = end;
        true
    }

    fn placeholder(&self, start: usize) -> Option<usize> {
        let closed_by = |closing: &Token| {
            let inside = self.tokens.iter().skip(start + 1).take(12);
            let plain = |token: &Token| {
                matches!(
                    token,
                    Token::Word(_) | Token::Whitespace(_) | Token::Minus | Token::Number(..)
                )
            };
            let length = inside.clone().take_while(|token| plain(token)).count();
            (length > 0 && inside.clone().nth(length) == Some(closing)).then_some(start + length + 2)
        };
        match self.tokens.get(start)? {
            Token::Lt => closed_by(&Token::Gt),
            Token::LBrace => closed_by(&Token::RBrace),
            // `$1` is a parameter of a prepared statement.
            Token::Placeholder(name) if name.len() > 1 && !name.bytes().skip(1).all(|byte| byte.is_ascii_digit()) => {
                Some(start + 1)
            }
            Token::Placeholder(_) | Token::Char('$') if self.tokens.get(start + 1) == Some(&Token::LBrace) => {
                let words = self.tokens.iter().skip(start + 2).take(6);
                let length = words
                    .clone()
                    .take_while(|token| matches!(token, Token::Word(_)))
                    .count();
                (words.clone().nth(length) == Some(&Token::RBrace)).then_some(start + length + 3)
            }
            _ => None,
        }
    }

    /// An event data store's id is a UUID, which no tokenizer sees as one.
    fn data_store_id(&self, start: usize) -> Option<usize> {
        let mut text = String::new();
        for (index, token) in self.tokens.iter().enumerate().skip(start) {
            match token {
                Token::Word(_) | Token::Number(..) | Token::Minus => text.push_str(&token.to_string()),
                _ => break,
            }
            if is_uuid(&text) {
                return Some(index + 1);
            }
        }
        None
    }

    /// `IPADDRESS '10.0.0.1'` is a call of `ipaddress`, `JSON '{}'` of `json_parse`.
    fn literal(&mut self, function: &str) -> bool {
        let literal = self.solid(self.at + 1);
        let Some(text @ Token::SingleQuotedString(_)) = self.tokens.get(literal) else {
            return false;
        };
        let call = [
            Token::make_word(function, None),
            Token::LParen,
            text.clone(),
            Token::RParen,
        ];
        self.out.extend(call);
        self.at = literal + 1;
        true
    }

    /// `trim(BOTH FROM x)` is read as `trim(BOTH ' ' FROM x)`: the parser wants to be told what is trimmed.
    fn trimmed(&mut self) -> bool {
        let from = self.solid(self.at + 1);
        let is_from = matches!(self.tokens.get(from), Some(Token::Word(word)) if word.keyword == Keyword::FROM);
        let before = self
            .out
            .iter()
            .rev()
            .find(|token| !matches!(token, Token::Whitespace(_)));
        if !is_from || before != Some(&Token::LParen) {
            return false;
        }
        self.out.extend(self.tokens.get(self.at).cloned());
        let space = Token::Whitespace(Whitespace::Space);
        let blank = Token::SingleQuotedString(" ".to_owned());
        self.out.extend([space.clone(), blank, space]);
        self.at = from;
        true
    }

    /// `= ANY (VALUES 1, 2)` is read as `= ANY ((1, 2))`: the parser takes no VALUES there.
    fn quantified(&mut self) -> bool {
        let compared = self
            .out
            .iter()
            .rev()
            .find(|token| !matches!(token, Token::Whitespace(_)));
        let is_compared = matches!(
            compared,
            Some(Token::Eq | Token::Neq | Token::Lt | Token::LtEq | Token::Gt | Token::GtEq)
        );
        let open = self.solid(self.at + 1);
        let values = self.solid(open + 1);
        let is_values = self.tokens.get(open) == Some(&Token::LParen)
            && matches!(self.tokens.get(values), Some(Token::Word(word)) if word.keyword == Keyword::VALUES);
        let Some(close) = self.closing(open).filter(|_| is_compared && is_values) else {
            return false;
        };
        self.out.extend(self.tokens.iter().take(values).skip(self.at).cloned());
        self.out.push(Token::LParen);
        self.owed.push(close);
        self.at = values + 1;
        true
    }

    /// Where the parenthesis that is opened here is closed.
    fn closing(&self, open: usize) -> Option<usize> {
        let mut depth = 0_usize;
        for (place, token) in self.tokens.iter().enumerate().skip(open) {
            match token {
                Token::LParen => depth += 1,
                Token::RParen => depth = depth.checked_sub(1)?,
                _ => {}
            }
            if depth == 0 {
                return Some(place);
            }
        }
        None
    }

    /// `VALUES 'a', 'b'`: a row of one value needs no parentheses in Trino.
    fn values(&mut self) -> bool {
        let first = self.solid(self.at + 1);
        let literal = |token: &Token| {
            matches!(
                token,
                Token::SingleQuotedString(_) | Token::Number(..) | Token::Minus | Token::Word(_)
            )
        };
        if !self.tokens.get(first).is_some_and(literal) {
            return false;
        }
        self.out.extend(self.tokens.iter().take(first).skip(self.at).cloned());
        self.out.push(Token::LParen);
        self.at = first;
        let mut depth = 0_usize;
        while let Some(token) = self.tokens.get(self.at) {
            match token {
                Token::LParen => depth += 1,
                Token::RParen | Token::SemiColon if depth == 0 => break,
                Token::RParen => depth -= 1,
                Token::Comma if depth == 0 => {
                    let next = self.solid(self.at + 1);
                    self.out.push(Token::RParen);
                    self.out.extend(self.tokens.iter().take(next).skip(self.at).cloned());
                    self.out.push(Token::LParen);
                    self.at = next;
                    continue;
                }
                _ => {}
            }
            self.out.push(token.clone());
            self.at += 1;
        }
        self.out.push(Token::RParen);
        true
    }

    /// `ARRAY(VARCHAR)` after `AS` becomes one quoted name, which the parser takes for a type of the user's.
    fn complex_type(&mut self) -> bool {
        let open = self.solid(self.at + 1);
        if !matches!(self.tokens.get(open), Some(Token::LParen | Token::Lt)) {
            return false;
        }
        let mut depth = 0_usize;
        for (index, token) in self.tokens.iter().enumerate().skip(open) {
            match token {
                Token::LParen | Token::Lt => depth += 1,
                Token::RParen | Token::Gt => depth -= 1,
                // The end of `array<array<varchar>>`.
                Token::ShiftRight if depth >= 2 => depth -= 2,
                Token::Word(_) | Token::Whitespace(_) | Token::Comma | Token::Number(..) => {}
                _ => return false,
            }
            if depth == 0 {
                let name: String = self
                    .tokens
                    .iter()
                    .take(index + 1)
                    .skip(self.at)
                    .map(Token::to_string)
                    .collect();
                let name = name.replace('"', "").replace('<', "(").replace('>', ")");
                self.out.push(Token::make_word(&name, Some('"')));
                self.at = index + 1;
                return true;
            }
        }
        false
    }
}

/// Whether the text is a UUID.
pub(in crate::engine) fn is_uuid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12])
        && parts
            .iter()
            .all(|part| part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_become_a_table() {
        for table in [
            "<EDS ID>",
            "$EDS_ID",
            "${EDS_ID}",
            "<event_data_store_id>",
            "{EDS}",
            "1234abcd-12ab-34cd-56ef-1234567890ab",
        ] {
            let (text, _) = translate(&format!("SELECT a FROM {table} WHERE b > 1")).unwrap();
            assert_eq!(text, format!("SELECT a FROM \"{PLACEHOLDER}\" WHERE b > 1"), "{table}");
        }
    }

    #[test]
    fn what_is_no_placeholder_stays() {
        for sql in [
            "SELECT 'FROM <EDS ID>' FROM t -- FROM $x",
            "SELECT a IS DISTINCT FROM $x FROM t",
            "SELECT CAST(a AS VARCHAR) FROM t WHERE x < 1 AND y > 2",
            "SELECT \"from\" FROM t",
        ] {
            assert_eq!(translate(sql).unwrap().0, sql);
        }
    }

    #[test]
    fn types_and_addresses_are_translated() {
        let text = |sql: &str| translate(sql).unwrap().0;
        assert_eq!(text("CAST(x AS ARRAY(VARCHAR))"), "CAST(x AS \"ARRAY(VARCHAR)\")");
        assert_eq!(
            text("CAST(x AS MAP(VARCHAR, JSON))"),
            "CAST(x AS \"MAP(VARCHAR, JSON)\")"
        );
        assert_eq!(text("IPADDRESS '10.0.0.1'"), "ipaddress('10.0.0.1')");
        assert_eq!(text("SELECT ARRAY[1]"), "SELECT ARRAY[1]");
        assert_eq!(text("CAST(x AS array<varchar>)"), "CAST(x AS \"array(varchar)\")");
        assert_eq!(text("(VALUES 'a', -1) AS t(x)"), "(VALUES ('a'), (-1)) AS t(x)");
        assert_eq!(text("VALUES (1, 2), (3, 4)"), "VALUES (1, 2), (3, 4)");
        assert_eq!(
            text("(x >= ANY (VALUES 1, 2)) AND y < ALL (VALUES (1))"),
            "(x >= ANY (( 1, 2))) AND y < ALL (( (1)))"
        );
        assert_eq!(text("trim( both FROM x)"), "trim( both ' ' FROM x)");
        assert_eq!(text("SELECT leading FROM x"), "SELECT leading FROM x");
        assert_eq!(
            text("SELECT 1 UNION ALL (VALUES (2))"),
            "SELECT 1 UNION ALL (VALUES (2))"
        );
    }

    #[test]
    fn an_arrow_before_a_literal_is_the_json_operator() {
        assert!(translate("transform(a, x -> x + 1)").unwrap().1.lambdas);
        assert!(!translate("SELECT a -> 'b'").unwrap().1.lambdas);
    }
}
