//! A policy document as configured: its exact text, or what is left of it where only an object arrived.

use percent_encoding::percent_decode_str;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// A policy text, and whether it is byte for byte what is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The text.
    pub text: String,
    /// False where a tool had already parsed the document and only the object arrived.
    pub verbatim: bool,
}

impl Document {
    /// A text as AWS holds it.
    pub fn verbatim(text: impl Into<String>) -> Document {
        Document {
            text: text.into(),
            verbatim: true,
        }
    }

    /// A document from an answer: a string is the text (percent-decoded where it is encoded, RFC 3986, as IAM does),
    /// an object or a list is written out compactly and marked.
    pub fn read(value: &Value) -> Option<Document> {
        match value {
            Value::Null => None,
            Value::String(text) => Some(Document::verbatim(decode(text))),
            other => Some(Document {
                text: other.to_string(),
                verbatim: false,
            }),
        }
    }

    /// The SHA-256 of the text, in lower-case hexadecimal.
    pub fn sha256(&self) -> String {
        sha256(self.text.as_bytes())
    }

    /// The document as JSON.
    ///
    /// # Errors
    /// Why the text is not a JSON object.
    pub fn parse(&self) -> Result<Value, String> {
        match serde_json::from_str::<Value>(&self.text) {
            Ok(value) if value.is_object() => Ok(value),
            Ok(_) => Err("the policy is JSON, but not an object".to_owned()),
            Err(error) => Err(format!("the policy is not JSON: {error}")),
        }
    }
}

/// The SHA-256 of some bytes, in lower-case hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Decodes a percent-encoded document. Text that starts as JSON does is left alone, so that a `%` in a policy survives.
fn decode(text: &str) -> String {
    let start = text.trim_start();
    if start.starts_with('{') || start.starts_with('[') || !start.contains('%') {
        return text.to_owned();
    }
    match percent_decode_str(text).decode_utf8() {
        Ok(decoded) if decoded.trim_start().starts_with(['{', '[']) => decoded.into_owned(),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn strings_are_kept_to_the_byte() {
        let text = "{\n  \"Version\" : \"2012-10-17\", \"Id\": \"50%25 off\" }\n";
        let document = Document::read(&json!(text)).unwrap();
        assert_eq!(document, Document::verbatim(text));
    }

    #[test]
    fn percent_encoded_documents_are_decoded() {
        let document = Document::read(&json!("%7B%22Version%22%3A%222012-10-17%22%2C%22Id%22%3A%22a+b%22%7D")).unwrap();
        assert_eq!(document.text, r#"{"Version":"2012-10-17","Id":"a+b"}"#);
        assert!(document.verbatim);
    }

    #[test]
    fn objects_are_marked() {
        let document = Document::read(&json!({"Statement": {"Effect": "Allow"}, "Version": "x"})).unwrap();
        assert_eq!(document.text, r#"{"Statement":{"Effect":"Allow"},"Version":"x"}"#);
        assert!(!document.verbatim);
        assert!(Document::read(&Value::Null).is_none());
    }

    #[test]
    fn texts_that_are_no_policy_say_so() {
        assert!(
            Document::verbatim("{\"Version\":")
                .parse()
                .unwrap_err()
                .contains("not JSON")
        );
        assert!(Document::verbatim("[1]").parse().unwrap_err().contains("not an object"));
    }
}
