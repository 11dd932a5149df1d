//! Policy documents in every shape AWS accepts, compiled. What cannot be understood becomes a fault with its place, and never a right.

use super::condition::{Condition, shorten};
use super::kms::{self, ActionSet};
use super::pattern::Pattern;
use super::statement::Reader;
use super::template::Template;
use serde_json::Value;

/// The longest policy text that is read, in bytes; the largest AWS allows is 32 KiB.
const TEXT_BYTES_MAX: usize = 1 << 20;
/// The most statements, and values in one element, that are read.
pub(super) const LIST_MAX: usize = 20_000;
/// The most nested elements that are read.
const DEPTH_MAX: usize = 64;

/// Where a policy is attached, which decides what it may contain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// A key policy.
    Key,
    /// An identity policy.
    Identity,
    /// A permissions boundary.
    Boundary,
    /// A service control policy.
    Scp,
    /// A resource control policy.
    Rcp,
}

/// An input that could not be understood, with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The policy or part of the snapshot, and the element within it.
    pub place: String,
    /// What is wrong, and what was made of it.
    pub message: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

/// `Allow` or `Deny`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the words of the policy language")]
pub enum Effect {
    Allow,
    Deny,
}

/// Who a statement names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// `*` stands among them.
    pub anyone: bool,
    /// Twelve-digit accounts, from account numbers and `:root` ARNs.
    pub accounts: Vec<String>,
    /// Other AWS principals, as written.
    pub arns: Vec<String>,
    /// Service principals.
    pub services: Vec<String>,
}

/// The `Principal` or `NotPrincipal` element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principals {
    /// Neither, as in identity policies.
    Unnamed,
    /// `Principal`.
    Named(Names),
    /// `NotPrincipal`.
    AllBut(Names),
}

/// The `Action` or `NotAction` element.
#[derive(Debug, Clone)]
pub struct Actions {
    all_but: bool,
    patterns: Vec<Pattern>,
    /// The KMS permissions it covers, with [`kms::OTHER`] left open.
    listed: ActionSet,
}

impl Actions {
    pub(super) fn new(all_but: bool, names: &[String]) -> Self {
        let patterns: Vec<Pattern> = names.iter().map(|n| Pattern::new(&n.to_ascii_lowercase())).collect();
        let mut actions = Self {
            all_but,
            patterns,
            listed: 0,
        };
        for (i, spec) in kms::ACTIONS.iter().enumerate() {
            if actions.covers_name(&format!("kms:{}", spec.name.to_ascii_lowercase())) {
                actions.listed |= 1 << i;
            }
        }
        actions
    }

    fn covers_name(&self, lower: &str) -> bool {
        self.patterns.iter().any(|p| p.matches(lower)) != self.all_but
    }

    /// The actions covered; `other` is the name, in lower case, that [`kms::OTHER`] stands for in this request.
    pub fn covered(&self, other: Option<&str>) -> ActionSet {
        match other {
            Some(name) if self.covers_name(name) => self.listed | 1 << kms::OTHER,
            _ => self.listed,
        }
    }
}

/// The `Resource` or `NotResource` element.
#[derive(Debug, Clone)]
pub struct Resources {
    /// Whether it is `NotResource`.
    pub all_but: bool,
    /// The patterns that hold no variable.
    pub fixed: Vec<Pattern>,
    /// The patterns that do.
    pub templates: Vec<Template>,
}

/// One statement.
#[derive(Debug, Clone)]
pub struct Statement {
    /// `Sid`, or `#` and the statement's index.
    pub label: String,
    /// `Allow` or `Deny`.
    pub effect: Effect,
    /// Who.
    pub principals: Principals,
    /// What.
    pub actions: Actions,
    /// On which resources.
    pub resources: Resources,
    /// Under which conditions, all of which must hold.
    pub conditions: Vec<Condition>,
    /// Why a part of it could not be understood. Such an Allow gives nothing, such a Deny takes what it may take.
    pub malformed: Option<String>,
}

/// A compiled policy.
#[derive(Debug, Clone, Default)]
pub struct Document {
    /// The statements that have an effect.
    pub statements: Vec<Statement>,
    /// Why the policy, or a statement of it, could not be read at all.
    pub unreadable: Option<String>,
    /// What was wrong, by element.
    pub faults: Vec<Fault>,
}

impl Document {
    /// Compiles a document that is an object, JSON text, or percent-encoded JSON text.
    pub fn parse(document: &Value, place: Place) -> Self {
        let mut compiled = Self::default();
        match decode(document) {
            Ok(decoded) => compiled.read(&decoded, place),
            Err(reason) => compiled.give_up(String::new(), reason),
        }
        compiled
    }

    fn give_up(&mut self, place: String, reason: String) {
        self.unreadable.get_or_insert_with(|| reason.clone());
        self.faults.push(Fault { place, message: reason });
    }

    fn read(&mut self, document: &Value, place: Place) {
        let Value::Object(document) = document else {
            return self.give_up(String::new(), "the policy is not a JSON object".to_owned());
        };
        let variables = match document.get("Version") {
            Some(Value::String(version)) if version == "2012-10-17" => true,
            Some(Value::String(version)) if version == "2008-10-17" => false,
            None => false,
            Some(other) => {
                let message = format!(
                    "version `{}` does not exist; read as 2008-10-17",
                    shorten(&other.to_string())
                );
                self.faults.push(Fault {
                    place: "Version".to_owned(),
                    message,
                });
                false
            }
        };
        let statements = match document.get("Statement") {
            Some(Value::Array(list)) => list.as_slice(),
            Some(one @ Value::Object(_)) => std::slice::from_ref(one),
            Some(_) => return self.give_up("Statement".to_owned(), "neither an object nor an array".to_owned()),
            None => return self.give_up("Statement".to_owned(), "missing".to_owned()),
        };
        if statements.len() > LIST_MAX {
            return self.give_up("Statement".to_owned(), format!("more than {LIST_MAX} statements"));
        }
        for (index, statement) in statements.iter().enumerate() {
            let label = match statement.get("Sid").and_then(Value::as_str) {
                Some(sid) if !sid.is_empty() => shorten(sid),
                _ => format!("#{index}"),
            };
            let at = format!("statement {index} (`{label}`)");
            let mut reader = Reader {
                place,
                variables,
                faults: Vec::new(),
                malformed: None,
            };
            let read = reader.statement(statement, label);
            self.faults
                .extend(reader.faults.into_iter().map(|(element, message)| Fault {
                    place: if element.is_empty() {
                        at.clone()
                    } else {
                        format!("{at}, {element}")
                    },
                    message,
                }));
            match read {
                Ok(Some(statement)) => self.statements.push(statement),
                Ok(None) => {}
                Err(reason) => self.give_up(at, reason),
            }
        }
    }
}

fn decode(document: &Value) -> Result<std::borrow::Cow<'_, Value>, String> {
    let Value::String(text) = document else {
        return if depth(document, 0) > DEPTH_MAX {
            Err(format!("nested more than {DEPTH_MAX} deep"))
        } else {
            Ok(std::borrow::Cow::Borrowed(document))
        };
    };
    if text.len() > TEXT_BYTES_MAX {
        return Err(format!("longer than {TEXT_BYTES_MAX} bytes"));
    }
    let trimmed = text.trim_start_matches('\u{feff}').trim();
    let decoded = if trimmed.starts_with('%') {
        percent_decode(trimmed)?
    } else {
        trimmed.to_owned()
    };
    let value: Value = serde_json::from_str(&decoded).map_err(|e| format!("not JSON: {e}"))?;
    match value {
        Value::String(_) => Err("the policy is not a JSON object".to_owned()),
        _ if depth(&value, 0) > DEPTH_MAX => Err(format!("nested more than {DEPTH_MAX} deep")),
        _ => Ok(std::borrow::Cow::Owned(value)),
    }
}

/// How deep a value nests; looks no deeper than the bound.
fn depth(value: &Value, above: usize) -> usize {
    if above > DEPTH_MAX {
        return above;
    }
    match value {
        Value::Array(list) => list.iter().map(|v| depth(v, above + 1)).max().unwrap_or(above + 1),
        Value::Object(map) => map.values().map(|v| depth(v, above + 1)).max().unwrap_or(above + 1),
        _ => above,
    }
}

fn percent_decode(text: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digits = tail
            .get(..2)
            .and_then(|d| std::str::from_utf8(d).ok())
            .and_then(|d| u8::from_str_radix(d, 16).ok());
        bytes.push(digits.ok_or("broken percent-encoding")?);
        rest = &tail[2..];
    }
    String::from_utf8(bytes).map_err(|_| "percent-encoded text is not UTF-8".to_owned())
}

/// The account that an account principal names: twelve digits, or the ARN of its root.
pub fn account_principal(name: &str) -> Option<&str> {
    let digits = match name.strip_suffix(":root") {
        Some(front) => {
            let mut parts = front.splitn(5, ':');
            let (arn, partition, service, region, account) = (
                parts.next()?,
                parts.next()?,
                parts.next()?,
                parts.next()?,
                parts.next()?,
            );
            if arn != "arn" || partition.is_empty() || service != "iam" || !region.is_empty() {
                return None;
            }
            account
        }
        None => name,
    };
    (digits.len() == 12 && digits.bytes().all(|b| b.is_ascii_digit())).then_some(digits)
}
