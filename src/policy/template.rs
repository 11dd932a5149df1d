//! Text of a policy that may hold variables (`${aws:username}`), and what it becomes for one request.

use super::pattern::{Pattern, Token, escape, tokens};

/// A piece of templated text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Part {
    /// Literal characters and wildcards.
    Tokens(Vec<Token>),
    /// A variable: its condition key in lower case, and the text to use when the key has no value.
    Variable {
        /// The key in lower case.
        key: String,
        /// The default after the comma, if any.
        default: Option<String>,
    },
}

/// Text with variables.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Template {
    parts: Vec<Part>,
}

/// What a variable stands for in one request.
pub enum Substitute {
    /// This text, taken literally.
    Text(String),
    /// The request has no such key.
    Missing,
    /// Nobody can know before the request.
    Unknown,
}

/// A template after substitution.
pub enum Filled {
    /// Every variable had a value.
    Tokens(Vec<Token>),
    /// A variable had no value: the text is "effectively null" and equals nothing.
    Missing,
    /// A variable is unknown; the rest is filled in.
    Unknown(Template),
}

impl Template {
    /// Parses text. Variables exist only in version 2012-10-17 (IAM User Guide, "IAM policy elements: variables and tags").
    pub fn new(text: &str, variables: bool) -> Self {
        if !variables {
            return Self {
                parts: vec![Part::Tokens(tokens(text, false))],
            };
        }
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            if let Some((_, after)) = escape(rest) {
                plain.push_str(&rest[..rest.len() - after.len()]);
                rest = after;
            } else if let Some((part, after)) = variable(rest) {
                if !plain.is_empty() {
                    parts.push(Part::Tokens(tokens(&std::mem::take(&mut plain), true)));
                }
                parts.push(part);
                rest = after;
            } else {
                plain.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
        if !plain.is_empty() || parts.is_empty() {
            parts.push(Part::Tokens(tokens(&plain, true)));
        }
        Self { parts }
    }

    /// The tokens, when there is no variable in the text.
    pub fn fixed(&self) -> Option<&[Token]> {
        match self.parts.as_slice() {
            [Part::Tokens(tokens)] => Some(tokens),
            _ => None,
        }
    }

    /// The keys of the variables.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| {
            if let Part::Variable { key, .. } = part {
                Some(key.as_str())
            } else {
                None
            }
        })
    }

    /// The text with `value` in the place of every variable, or of those without a default.
    pub fn with_value(&self, value: &str, defaults: bool) -> String {
        let parts = self.parts.iter().map(|part| match part {
            Part::Tokens(own) => text(own),
            Part::Variable {
                default: Some(default), ..
            } if defaults => default.clone(),
            Part::Variable { .. } => value.to_owned(),
        });
        parts.collect()
    }

    /// What the only variable must be for the text to read as `whole`.
    pub fn value_for(&self, whole: &str) -> Option<String> {
        let at = self.parts.iter().position(|p| matches!(p, Part::Variable { .. }))?;
        let mut ends = [String::new(), String::new()];
        for (i, part) in self.parts.iter().enumerate().filter(|(i, _)| *i != at) {
            let Part::Tokens(own) = part else { return None };
            ends[usize::from(i > at)].push_str(&text(own));
        }
        whole.strip_prefix(&ends[0])?.strip_suffix(&ends[1]).map(str::to_owned)
    }

    /// Puts values in the place of variables; a value is literal text, its stars are no wildcards.
    pub fn fill(&self, value: impl Fn(&str) -> Substitute) -> Filled {
        let mut filled = Vec::new();
        let mut unknown = false;
        let mut parts = Vec::new();
        for part in &self.parts {
            let next = match part {
                Part::Tokens(own) => own.clone(),
                Part::Variable { key, default } => match (value(key), default) {
                    (Substitute::Text(text), _) => literal(&text),
                    (Substitute::Missing, Some(text)) => literal(text),
                    (Substitute::Missing, None) => return Filled::Missing,
                    (Substitute::Unknown, _) => {
                        unknown = true;
                        parts.push(Part::Tokens(std::mem::take(&mut filled)));
                        parts.push(part.clone());
                        continue;
                    }
                },
            };
            filled.extend(next);
        }
        if unknown {
            parts.push(Part::Tokens(filled));
            return Filled::Unknown(Self { parts });
        }
        Filled::Tokens(filled)
    }
}

fn literal(text: &str) -> Vec<Token> {
    text.chars().map(Token::Char).collect()
}

/// A variable at the start of `text`, and what follows it.
fn variable(text: &str) -> Option<(Part, &str)> {
    let body = text.strip_prefix("${")?;
    let (inside, after) = body.split_once('}')?;
    let (key, default) = match inside.split_once(',') {
        Some((key, default)) => (
            key,
            Some(default.trim().strip_prefix('\'')?.strip_suffix('\'')?.to_owned()),
        ),
        None => (inside, None),
    };
    let key = key.trim().to_ascii_lowercase();
    if key.is_empty() || !key.contains(':') {
        return None;
    }
    Some((Part::Variable { key, default }, after))
}

/// Compiles filled tokens.
pub fn pattern(tokens: &[Token]) -> Pattern {
    Pattern::from_tokens(tokens)
}

/// Tokens as plain text; wildcards keep their written form.
pub fn text(tokens: &[Token]) -> String {
    tokens
        .iter()
        .map(|t| match t {
            Token::Char(c) => *c,
            Token::One => '?',
            Token::Many => '*',
        })
        .collect()
}

impl std::fmt::Display for Template {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for part in &self.parts {
            match part {
                Part::Tokens(own) => f.write_str(&text(own))?,
                Part::Variable { key, default: None } => write!(f, "${{{key}}}")?,
                Part::Variable {
                    key,
                    default: Some(default),
                } => write!(f, "${{{key}, '{default}'}}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(text: &str, variables: bool) -> Option<String> {
        match Template::new(text, variables).fill(|key| match key {
            "aws:username" => Substitute::Text("a*b".to_owned()),
            _ => Substitute::Missing,
        }) {
            Filled::Tokens(tokens) => Some(super::text(&tokens)),
            Filled::Missing | Filled::Unknown(_) => None,
        }
    }

    #[test]
    fn variables_defaults_and_escapes() {
        assert_eq!(fill("x/${aws:UserName}/y", true).as_deref(), Some("x/a*b/y"));
        assert_eq!(fill("${aws:PrincipalTag/t, 'v'}", true).as_deref(), Some("v"));
        assert_eq!(fill("${aws:PrincipalTag/t}", true), None);
        assert_eq!(fill("${*}${?}${$}", true).as_deref(), Some("*?$"));
        assert_eq!(fill("${aws:username}", false).as_deref(), Some("${aws:username}"));
        assert_eq!(fill("${unclosed", true).as_deref(), Some("${unclosed"));
    }
}
