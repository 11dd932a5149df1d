//! `soundex(text)`: how it sounds in English, a letter and three digits.
//!
//! Trino's (<https://trino.io/docs/current/functions/string.html>): only letters count, whatever stands between them; letters
//! of one sound in a row are one, an H or a W between them too; a letter that is none of English's is an error, and of no
//! letters the answer is the empty text. NULL of a NULL.

use arrow::array::ArrayRef;
use datafusion::error::Result;

use super::scalar::{Read, Scalar, returns_text, text, texts};

pub(super) fn function() -> Scalar {
    Scalar::new("soundex", &[Read::Text], 1, returns_text, rows)
}

fn rows(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let [values] = arguments else {
        return datafusion::common::internal_err!("soundex takes one argument");
    };
    texts(values.len(), |row| text(values, row).map(sound).transpose())
}

/// The digit of a letter's sound; 0 for one that has none.
fn digit(letter: char) -> Result<char> {
    Ok(match letter {
        'B' | 'F' | 'P' | 'V' => '1',
        'C' | 'G' | 'J' | 'K' | 'Q' | 'S' | 'X' | 'Z' => '2',
        'D' | 'T' => '3',
        'L' => '4',
        'M' | 'N' => '5',
        'R' => '6',
        'A'..='Z' => '0',
        other => return datafusion::common::exec_err!("soundex: `{other}` is no English letter"),
    })
}

fn sound(value: &str) -> Result<String> {
    let mut letters = value
        .chars()
        .filter(|letter| letter.is_alphabetic())
        .flat_map(char::to_uppercase);
    let Some(first) = letters.next() else {
        return Ok(String::new());
    };
    let (mut sound, mut before) = (String::from(first), digit(first)?);
    for letter in letters {
        if sound.len() >= 4 {
            break;
        }
        if matches!(letter, 'H' | 'W') {
            continue;
        }
        let next = digit(letter)?;
        if next != '0' && next != before {
            sound.push(next);
        }
        before = next;
    }
    while sound.len() < 4 {
        sound.push('0');
    }
    Ok(sound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sound_as_in_the_usual_examples() {
        for (name, wanted) in [
            ("Robert", "R163"),
            ("Rupert", "R163"),
            ("Ashcraft", "A261"),
            ("Tymczak", "T522"),
            ("Pfister", "P236"),
            ("Honeyman", "H555"),
            ("O'Hara", "O600"),
            ("42", ""),
        ] {
            assert_eq!(sound(name).unwrap(), wanted, "{name}");
        }
        assert!(sound("\u{436}\u{443}\u{43a}").is_err());
    }
}
