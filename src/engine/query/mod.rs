//! Named queries: SQL files with a typed header, and the values users give their parameters.

mod header;
mod pack;
mod value;

pub use super::binding::{Bindings, Kind, Value};
pub use pack::{named, names};
pub use value::{parse_binding, parse_value};

use super::{Error, Result};
use crate::model::Instant;

/// A query with a header.
#[derive(Debug, Clone)]
pub struct NamedQuery {
    /// The name users type.
    pub name: String,
    /// What it shows, in a few words.
    pub title: String,
    /// The question it answers.
    pub question: String,
    /// Whether it is about a permission snapshot, without which it has no answer.
    pub needs_snapshot: bool,
    /// What it can be told.
    pub parameters: Vec<Parameter>,
    /// What it answers with.
    pub columns: Vec<Column>,
    /// Queries of the pack whose answers it reads.
    pub builds_on: Vec<String>,
    /// The whole file.
    pub sql: String,
}

/// A parameter of a named query.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Its name, without the dollar sign.
    pub name: String,
    /// Its type.
    pub kind: Kind,
    /// Its value when none is given.
    pub default: Default,
    /// The texts it may be; any where empty.
    pub choices: Vec<String>,
    /// What it does.
    pub meaning: String,
}

/// What stands for a parameter that was not given.
#[derive(Debug, Clone, PartialEq)]
pub enum Default {
    /// Nothing: it must be given.
    Required,
    /// This value.
    Value(Value),
    /// The latest instant the lake can vouch for.
    Latest,
}

/// A column of a named query's answer.
#[derive(Debug, Clone)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What it means.
    pub meaning: String,
}

impl NamedQuery {
    /// Reads a query file.
    ///
    /// # Errors
    /// The header is not one, or says something twice.
    pub fn parse(name: &str, text: &str) -> Result<NamedQuery> {
        header::parse(name, text)
    }

    /// Whether the text begins with a header.
    pub fn has_header(text: &str) -> bool {
        header::begins(text)
    }

    /// The SQL to run: the file's, with the queries it builds on before it.
    ///
    /// # Errors
    /// The header of one of them cannot be read.
    pub fn statement(&self) -> Result<String> {
        if self.builds_on.is_empty() {
            return Ok(self.sql.clone());
        }
        let mut relations = Vec::new();
        for name in &self.builds_on {
            let below = named(name)?.map_or_else(|| Ok(String::new()), |below| below.statement())?;
            relations.push(format!("{} AS (\n{below}\n)", name.replace('-', "_")));
        }
        let (relations, body) = (relations.join(",\n"), header::body(&self.sql));
        Ok(match body.strip_prefix("WITH ") {
            Some(rest) => format!("WITH {relations}\n, {rest}"),
            None => format!("WITH {relations}\n{body}"),
        })
    }

    /// Whether an answer to these values needs to know the latest instant the lake can vouch for.
    pub fn needs_latest(&self, given: &[(String, String)]) -> bool {
        self.parameters.iter().any(|parameter| {
            parameter.default == Default::Latest && !given.iter().any(|(name, _)| *name == parameter.name)
        })
    }

    /// The values of all parameters: those given as text, and the defaults of the others.
    ///
    /// # Errors
    /// A value is not of its parameter's type, is given twice or to no parameter, or a required one is missing.
    pub fn bind(&self, given: &[(String, String)], latest: Option<Instant>) -> Result<Bindings> {
        let fail = |name: &str, reason: String| Error::Parameter {
            name: name.to_owned(),
            reason,
        };
        let mut bindings = Bindings::new();
        for (name, text) in given {
            let Some(parameter) = self.parameters.iter().find(|parameter| parameter.name == *name) else {
                let known: Vec<&str> = self
                    .parameters
                    .iter()
                    .map(|parameter| parameter.name.as_str())
                    .collect();
                let known = if known.is_empty() {
                    "none".to_owned()
                } else {
                    known.join(", ")
                };
                return Err(fail(
                    name,
                    format!("is not one of query `{}` (it has: {known})", self.name),
                ));
            };
            let value = parse_value(parameter.kind, text).map_err(|reason| fail(name, reason))?;
            let chosen = match &value {
                Value::List(elements) => elements.clone(),
                _ => vec![text.clone()],
            };
            if let Some(other) = chosen.iter().find(|chosen| !parameter.choices.contains(chosen))
                && !parameter.choices.is_empty()
            {
                return Err(fail(
                    name,
                    format!("`{other}` is none of {}", parameter.choices.join(", ")),
                ));
            }
            if bindings.insert(name.clone(), value).is_some() {
                return Err(fail(name, "is given twice".to_owned()));
            }
        }
        for parameter in &self.parameters {
            if bindings.contains_key(&parameter.name) {
                continue;
            }
            let value = match (&parameter.default, latest) {
                (Default::Value(value), _) => value.clone(),
                (Default::Latest, Some(latest)) => Value::Instant(latest),
                (Default::Latest, None) => {
                    let reason = "has no default, because the lake holds no finished listing and no event";
                    return Err(fail(&parameter.name, reason.to_owned()));
                }
                (Default::Required, _) => return Err(fail(&parameter.name, "must be given".to_owned())),
            };
            bindings.insert(parameter.name.clone(), value);
        }
        Ok(bindings)
    }
}
