//! Pages for a browser: one file each, that loads nothing, light or dark as the reader is, on paper or on a phone.
//!
//! Everything put into a page is escaped, and its policy lets only this program's own script run, by its hash
//! (<https://www.w3.org/TR/CSP3/#script-src>), so that nothing from a log or a tag could run even if it got through.

use std::sync::LazyLock;

use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, UndefinedBehavior, Value};
use serde::Serialize;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use super::Result;
use super::value::is_unsafe;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("table.js");

/// Every template, by the name others know it by. All end in `.html`, so all escape.
const TEMPLATES: [(&str, &str); 7] = [
    ("layout.html", include_str!("layout.html")),
    ("grounds.html", include_str!("grounds.html")),
    ("admin_rights.html", include_str!("../admin_rights/page.html")),
    ("evidence_index.html", include_str!("../evidence/index.html")),
    ("evidence_key.html", include_str!("../evidence/key.html")),
    ("trace.html", include_str!("../trace/story.html")),
    ("unused_keys.html", include_str!("../unused_keys/page.html")),
];

static PAGES: LazyLock<std::result::Result<Environment<'static>, String>> = LazyLock::new(|| {
    let mut pages = Environment::new();
    // A name that is not held is a mistake in the template, not an empty place in a document.
    pages.set_undefined_behavior(UndefinedBehavior::Strict);
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    pages.set_syntax(syntax.map_err(|error| error.to_string())?);
    for (name, text) in TEMPLATES {
        pages.add_template(name, text).map_err(|error| error.to_string())?;
    }
    pages.add_global("style", Value::from_safe_string(STYLE.to_owned()));
    pages.add_global("script", Value::from_safe_string(SCRIPT.to_owned()));
    pages.add_global("script_hash", format!("sha256-{}", base64(&Sha256::digest(SCRIPT))));
    pages.add_global("version", env!("CARGO_PKG_VERSION"));
    Ok(pages)
});

/// Puts what is held into a template.
///
/// # Errors
/// The template names what is not held.
pub(super) fn render(template: &str, held: &impl Serialize) -> Result<String> {
    let pages = PAGES.as_ref().map_err(|error| std::io::Error::other(error.as_str()))?;
    let held = serde_json::to_value(held).map_err(std::io::Error::other)?;
    let page = pages.get_template(template).map_err(std::io::Error::other)?;
    let rendered = page.render(value(held));
    Ok(rendered.map_err(std::io::Error::other)?)
}

/// JSON as the template's values: texts stay texts, so that each is escaped.
fn value(json: Json) -> Value {
    match json {
        Json::Null => Value::from(()),
        Json::Bool(flag) => Value::from(flag),
        Json::Number(number) => match number.as_i64() {
            Some(whole) => Value::from(whole),
            None => Value::from(number.as_f64().unwrap_or_default()),
        },
        Json::String(text) => Value::from(shown(text)),
        Json::Array(all) => Value::from(all.into_iter().map(value).collect::<Vec<Value>>()),
        Json::Object(members) => Value::from_pairs(members.into_iter().map(|(name, member)| (name, value(member)))),
    }
}

/// What would reorder or hide the text around it is shown as an escape; lines and tabs stay.
fn shown(text: String) -> String {
    let acts = |letter: char| is_unsafe(letter) && !matches!(letter, '\n' | '\t');
    if !text.chars().any(acts) {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if acts(letter) {
            out.push_str(&format!("\\u{{{:x}}}", u32::from(letter)));
        } else {
            out.push(letter);
        }
    }
    out
}

/// RFC 4648, with padding.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let of = |at: usize| u32::from(three.get(at).copied().unwrap_or_default());
        let bits = of(0) << 16 | of(1) << 8 | of(2);
        for place in 0..4 {
            let letter = LETTERS.get((bits >> (18 - 6 * place) & 63) as usize);
            text.push(if place > three.len() {
                '='
            } else {
                letter.map_or('=', |letter| char::from(*letter))
            });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_standard() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn text_that_reorders_is_shown_and_lines_are_kept() {
        assert_eq!(shown("a\u{202e}b\n\tc\u{7}".to_owned()), "a\\u{202e}b\n\tc\\u{7}");
    }
}
