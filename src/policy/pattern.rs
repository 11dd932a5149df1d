//! Wildcard patterns of IAM (`*`, `?`), matched in time linear in the text. Knows nothing of ARNs, actions or case.

/// One element of a pattern before it is split at its stars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Token {
    /// Exactly this character.
    Char(char),
    /// `?`: any one character.
    One,
    /// `*`: any characters, or none.
    Many,
}

/// The tokens of `text`. With `escapes`, `${*}`, `${?}` and `${$}` are literal characters
/// (IAM User Guide, "IAM policy elements: variables and tags", special characters).
pub fn tokens(text: &str, escapes: bool) -> Vec<Token> {
    let mut found = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if escapes && let Some((literal, after)) = escape(rest) {
            found.push(Token::Char(literal));
            rest = after;
            continue;
        }
        found.push(match c {
            '*' => Token::Many,
            '?' => Token::One,
            other => Token::Char(other),
        });
        rest = &rest[c.len_utf8()..];
    }
    found
}

/// The character that an escape at the start of `text` stands for, and what follows it.
pub(super) fn escape(text: &str) -> Option<(char, &str)> {
    let body = text.strip_prefix("${")?;
    let literal = body.chars().next().filter(|c| matches!(c, '*' | '?' | '$'))?;
    Some((literal, body[1..].strip_prefix('}')?))
}

/// The stretch between two stars.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Stretch {
    Text(String),
    Holes(Vec<Option<char>>),
}

/// A compiled pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    stretches: Vec<Stretch>,
}

impl Pattern {
    /// Compiles plain pattern text, where every `*` and `?` is a wildcard.
    pub fn new(text: &str) -> Self {
        Self::from_tokens(&tokens(text, false))
    }

    /// Compiles tokens, which may hold literal stars and question marks.
    pub fn from_tokens(tokens: &[Token]) -> Self {
        let mut stretches = Vec::new();
        for part in tokens.split(|t| *t == Token::Many) {
            if part.contains(&Token::One) {
                stretches.push(Stretch::Holes(
                    part.iter()
                        .map(|t| match t {
                            Token::Char(c) => Some(*c),
                            Token::One | Token::Many => None,
                        })
                        .collect(),
                ));
            } else {
                let text = part
                    .iter()
                    .filter_map(|t| if let Token::Char(c) = t { Some(*c) } else { None });
                stretches.push(Stretch::Text(text.collect()));
            }
        }
        Self { stretches }
    }

    /// Whether the pattern is a lone `*` (or several).
    pub fn is_any(&self) -> bool {
        self.stretches.len() > 1
            && self
                .stretches
                .iter()
                .all(|s| matches!(s, Stretch::Text(t) if t.is_empty()))
    }

    /// The only text the pattern matches, when it holds no wildcard.
    pub fn literal(&self) -> Option<&str> {
        match self.stretches.as_slice() {
            [Stretch::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Whether the whole of `text` matches.
    pub fn matches(&self, text: &str) -> bool {
        match self.stretches.as_slice() {
            [] => text.is_empty(),
            [only] => only.prefix(text).is_some_and(|n| n == text.len()),
            [first, middle @ .., last] => {
                let Some(start) = first.prefix(text) else { return false };
                let Some(length) = last.suffix(&text[start..]) else {
                    return false;
                };
                let mut rest = &text[start..text.len() - length];
                for stretch in middle {
                    match stretch.find(rest) {
                        Some(end) => rest = &rest[end..],
                        None => return false,
                    }
                }
                true
            }
        }
    }
}

impl Stretch {
    /// How many bytes at the start of `text` this stretch takes.
    fn prefix(&self, text: &str) -> Option<usize> {
        match self {
            Self::Text(own) => text.starts_with(own.as_str()).then_some(own.len()),
            Self::Holes(own) => take(own.iter(), text.chars()),
        }
    }

    /// How many bytes at the end of `text` this stretch takes.
    fn suffix(&self, text: &str) -> Option<usize> {
        match self {
            Self::Text(own) => text.ends_with(own.as_str()).then_some(own.len()),
            Self::Holes(own) => take(own.iter().rev(), text.chars().rev()),
        }
    }

    /// Where the first occurrence of this stretch in `text` ends.
    fn find(&self, text: &str) -> Option<usize> {
        match self {
            Self::Text(own) => text.find(own.as_str()).map(|at| at + own.len()),
            Self::Holes(own) => shift_and(own, text),
        }
    }
}

fn take<'a>(own: impl Iterator<Item = &'a Option<char>>, mut text: impl Iterator<Item = char>) -> Option<usize> {
    let mut bytes = 0;
    for wanted in own {
        let c = text.next()?;
        if wanted.is_some_and(|w| w != c) {
            return None;
        }
        bytes += c.len_utf8();
    }
    Some(bytes)
}

/// Bit-parallel search: one machine word stands for 64 positions of the pattern, so no text makes it backtrack.
fn shift_and(own: &[Option<char>], text: &str) -> Option<usize> {
    let words = own.len().div_ceil(64);
    let mut anything = vec![0_u64; words];
    let mut masks = std::collections::HashMap::<char, Vec<u64>>::new();
    for (i, wanted) in own.iter().enumerate() {
        let mask = match wanted {
            Some(c) => masks.entry(*c).or_insert_with(|| vec![0; words]),
            None => &mut anything,
        };
        mask[i / 64] |= 1 << (i % 64);
    }
    let last = own.len().checked_sub(1)?;
    let mut state = vec![0_u64; words];
    for (at, c) in text.char_indices() {
        let mask = masks.get(&c);
        let mut carry = 1;
        for w in 0..words {
            let shifted = (state[w] << 1) | carry;
            carry = state[w] >> 63;
            state[w] = shifted & (anything[w] | mask.map_or(0, |m| m[w]));
        }
        if state[last / 64] >> (last % 64) & 1 == 1 {
            return Some(at + c.len_utf8());
        }
    }
    None
}

/// The longest patterns of which a common text is sought.
const COMMON_MAX: usize = 300;

/// A shortest text that both patterns match, `x` standing for any character; none where there is none, or they are too long.
pub fn common(left: &[Token], right: &[Token]) -> Option<String> {
    if left.len() > COMMON_MAX || right.len() > COMMON_MAX {
        return None;
    }
    let width = right.len() + 1;
    // How a place in both patterns was first reached: from which place, and by which character.
    let mut reached: Vec<Option<(usize, Option<char>)>> = vec![None; (left.len() + 1) * width];
    let mut queue = std::collections::VecDeque::from([0]);
    let goal = reached.len() - 1;
    while let Some(at) = queue.pop_front() {
        let (i, j) = (at / width, at % width);
        let mut go = |i: usize, j: usize, by: Option<char>| {
            let next = i * width + j;
            if next != 0 && reached[next].is_none() {
                reached[next] = Some((at, by));
                queue.push_back(next);
            }
        };
        match (left.get(i), right.get(j)) {
            (Some(Token::Many), _) => {
                go(i + 1, j, None);
                match right.get(j) {
                    Some(Token::Char(c)) => go(i, j + 1, Some(*c)),
                    Some(Token::One) => go(i, j + 1, Some('x')),
                    Some(Token::Many) => go(i, j + 1, None),
                    None => {}
                }
            }
            (_, Some(Token::Many)) => {
                go(i, j + 1, None);
                match left.get(i) {
                    Some(Token::Char(c)) => go(i + 1, j, Some(*c)),
                    Some(_) => go(i + 1, j, Some('x')),
                    None => {}
                }
            }
            (Some(Token::Char(a)), Some(Token::Char(b))) if a == b => go(i + 1, j + 1, Some(*a)),
            (Some(Token::Char(c)), Some(Token::One)) | (Some(Token::One), Some(Token::Char(c))) => {
                go(i + 1, j + 1, Some(*c))
            }
            (Some(Token::One), Some(Token::One)) => go(i + 1, j + 1, Some('x')),
            _ => {}
        }
    }
    let mut text = Vec::new();
    let mut at = goal;
    while at != 0 {
        let (before, by) = reached[at]?;
        text.extend(by);
        at = before;
    }
    Some(text.into_iter().rev().collect())
}

#[cfg(test)]
mod tests {
    use super::{Pattern, common, tokens};

    #[test]
    fn stars_and_holes() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("a*b", "ab", true),
            ("a*a", "a", false),
            ("*a?c*", "xxabcyy", true),
            ("*a?c*", "xxacyy", false),
            ("*?b", "ab", true),
            ("*?b", "b", false),
            ("?", "\u{e9}", true),
            ("*a*b*c", "aXbXbc", true),
        ] {
            assert_eq!(
                Pattern::new(pattern).matches(text),
                expected,
                "`{pattern}` against `{text}`"
            );
        }
    }

    #[test]
    fn common_texts_match_both() {
        for (left, right, expected) in [
            ("s3.*.amazonaws.com", "*.eu-west-1.*", true),
            ("a*", "*b", true),
            ("a?", "?b", true),
            ("a*", "b*", false),
            ("", "*", true),
            ("a", "aa", false),
        ] {
            let found = common(&tokens(left, false), &tokens(right, false));
            assert_eq!(found.is_some(), expected, "`{left}` and `{right}`");
            assert!(found.is_none_or(|t| Pattern::new(left).matches(&t) && Pattern::new(right).matches(&t)));
        }
    }

    #[test]
    fn hostile_patterns_take_linear_time() {
        let text = "a".repeat(2_000);
        assert!(!Pattern::new(&"*a".repeat(16_000)).matches(&text));
        assert!(!Pattern::new(&format!("{}b", "*a?".repeat(10_000))).matches(&text));
        assert!(!Pattern::new(&format!("*{}b*", "?".repeat(1_000))).matches(&text));
    }
}
