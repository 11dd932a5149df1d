//! Reads one statement of a policy. What it does not understand it notes, and keeps the statement from giving anything.

use super::condition::{Condition, shorten};
use super::document::{Actions, Effect, LIST_MAX, Names, Place, Principals, Resources, Statement, account_principal};
use super::operator::Operator;
use super::pattern::Pattern;
use super::template::Template;
use serde_json::{Map, Value};

/// Reads a statement and notes what is wrong with it.
pub(super) struct Reader {
    pub(super) place: Place,
    pub(super) variables: bool,
    pub(super) faults: Vec<(String, String)>,
    pub(super) malformed: Option<String>,
}

impl Reader {
    /// Notes that an element could not be understood.
    pub(super) fn doubt(&mut self, element: &str, message: String) {
        self.malformed.get_or_insert_with(|| format!("{element}: {message}"));
        self.faults.push((element.to_owned(), message));
    }

    /// `None` for a statement that AWS stores but that has no effect; an error for one whose effect cannot be known.
    pub(super) fn statement(&mut self, statement: &Value, label: String) -> Result<Option<Statement>, String> {
        let Value::Object(statement) = statement else {
            return Err("the statement is not an object".to_owned());
        };
        let effect = match statement.get("Effect").and_then(Value::as_str) {
            Some("Allow") => Effect::Allow,
            Some("Deny") => Effect::Deny,
            Some(other) => return Err(format!("effect `{}` is neither Allow nor Deny", shorten(other))),
            None => return Err("no Effect".to_owned()),
        };
        if let Some(unknown) = statement.keys().find(|k| !ELEMENTS.contains(&k.as_str())) {
            self.doubt("", format!("unknown element `{}`", shorten(unknown)));
        }
        let Some(actions) = self.either(statement, "Action", "NotAction") else {
            return Ok(self.without("Action", effect, label));
        };
        let Some(resources) = self.either(statement, "Resource", "NotResource") else {
            return Ok(self.without("Resource", effect, label));
        };
        let Some(principals) = self.principals(statement) else {
            return Ok(None);
        };
        let conditions = statement
            .get("Condition")
            .map(|c| self.conditions(c))
            .unwrap_or_default();
        let mut fixed = Vec::new();
        let mut templates = Vec::new();
        for text in &resources.1 {
            let template = Template::new(text, self.variables);
            match template.fixed() {
                Some(tokens) => fixed.push(Pattern::from_tokens(tokens)),
                None => templates.push(template),
            }
        }
        Ok(Some(Statement {
            label,
            effect,
            principals,
            actions: Actions::new(actions.0, &actions.1),
            resources: Resources {
                all_but: resources.0,
                fixed,
                templates,
            },
            conditions,
            malformed: self.malformed.take(),
        }))
    }

    /// A key policy statement without `Resource` or `Action` is stored but has no effect (AWS KMS API reference, PutKeyPolicy).
    /// Other policies cannot be stored that way, so a Deny there is kept at its widest.
    pub(super) fn without(&mut self, element: &str, effect: Effect, label: String) -> Option<Statement> {
        if self.place == Place::Key || effect == Effect::Allow {
            self.faults
                .push((element.to_owned(), "missing, so the statement has no effect".to_owned()));
            return None;
        }
        self.doubt(element, "missing".to_owned());
        Some(Statement {
            label,
            effect,
            principals: Principals::Unnamed,
            actions: Actions::new(false, &["*".to_owned()]),
            resources: Resources {
                all_but: false,
                fixed: vec![Pattern::new("*")],
                templates: Vec::new(),
            },
            conditions: Vec::new(),
            malformed: self.malformed.take(),
        })
    }

    /// The values of an element or of its `Not` twin, and which of the two it was.
    pub(super) fn either(
        &mut self,
        statement: &Map<String, Value>,
        plain: &str,
        not: &str,
    ) -> Option<(bool, Vec<String>)> {
        let (all_but, name, value) = match (statement.get(plain), statement.get(not)) {
            (Some(value), None) => (false, plain, value),
            (None, Some(value)) => (true, not, value),
            (Some(value), Some(_)) => {
                self.doubt(plain, format!("stands beside {not}"));
                (false, plain, value)
            }
            (None, None) => return None,
        };
        Some((all_but, self.strings(name, value)))
    }

    pub(super) fn strings(&mut self, element: &str, value: &Value) -> Vec<String> {
        let list = match value {
            Value::Array(list) => list.as_slice(),
            one => std::slice::from_ref(one),
        };
        if list.len() > LIST_MAX {
            self.doubt(element, format!("more than {LIST_MAX} values"));
        }
        let mut found = Vec::with_capacity(list.len().min(LIST_MAX));
        for value in list.iter().take(LIST_MAX) {
            match value {
                Value::String(text) => found.push(text.clone()),
                other => self.doubt(element, format!("`{}` is not text", shorten(&other.to_string()))),
            }
        }
        found
    }

    pub(super) fn principals(&mut self, statement: &Map<String, Value>) -> Option<Principals> {
        let (principal, not) = (statement.get("Principal"), statement.get("NotPrincipal"));
        if !matches!(self.place, Place::Key | Place::Rcp) {
            if principal.is_some() || not.is_some() {
                self.doubt("Principal", "not allowed in this kind of policy".to_owned());
            }
            return Some(Principals::Unnamed);
        }
        match (principal, not) {
            (Some(named), None) => Some(Principals::Named(self.names("Principal", named))),
            (None, Some(named)) => Some(Principals::AllBut(self.names("NotPrincipal", named))),
            (Some(_), Some(_)) => {
                self.doubt("Principal", "stands beside NotPrincipal".to_owned());
                Some(Principals::Named(Names {
                    anyone: true,
                    ..Names::default()
                }))
            }
            (None, None) => {
                self.faults.push((
                    "Principal".to_owned(),
                    "missing, so the statement names nobody".to_owned(),
                ));
                None
            }
        }
    }

    pub(super) fn names(&mut self, element: &str, value: &Value) -> Names {
        let mut names = Names::default();
        match value {
            Value::String(text) if text == "*" => names.anyone = true,
            Value::Object(map) => {
                for (kind, list) in map {
                    let list = self.strings(element, list);
                    match kind.as_str() {
                        "AWS" => list
                            .into_iter()
                            .for_each(|name| self.aws_name(element, name, &mut names)),
                        "Service" => names.services.extend(list),
                        "Federated" | "CanonicalUser" => {}
                        other => self.doubt(element, format!("unknown kind of principal `{}`", shorten(other))),
                    }
                }
            }
            other => self.doubt(element, format!("`{}` names nobody", shorten(&other.to_string()))),
        }
        names
    }

    pub(super) fn aws_name(&mut self, element: &str, name: String, names: &mut Names) {
        if name == "*" {
            names.anyone = true;
        } else if let Some(account) = account_principal(&name) {
            names.accounts.push(account.to_owned());
        } else {
            if name.contains(['*', '?']) {
                self.faults.push((
                    element.to_owned(),
                    format!("`{}` is no pattern, it names nobody", shorten(&name)),
                ));
            }
            names.arns.push(name);
        }
    }

    pub(super) fn conditions(&mut self, value: &Value) -> Vec<Condition> {
        let Value::Object(blocks) = value else {
            self.doubt("Condition", "not an object".to_owned());
            return Vec::new();
        };
        let mut found = Vec::new();
        for (name, block) in blocks {
            let Some(operator) = Operator::parse(name) else {
                self.doubt("Condition", format!("unknown operator `{}`", shorten(name)));
                continue;
            };
            let Value::Object(block) = block else {
                self.doubt("Condition", format!("`{name}` is not an object"));
                continue;
            };
            for (key, values) in block {
                let parsed = scalars(values).and_then(|values| Condition::parse(operator, key, values, self.variables));
                match parsed {
                    Ok(condition) => found.push(condition),
                    Err(reason) => self.doubt("Condition", format!("`{name}` of `{}`: {reason}", shorten(key))),
                }
            }
        }
        found
    }
}

const ELEMENTS: [&str; 9] = [
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
];

/// Condition values: text, numbers and truth values, alone or in an array.
fn scalars(values: &Value) -> Result<Vec<String>, String> {
    let list = match values {
        Value::Array(list) => list.as_slice(),
        one => std::slice::from_ref(one),
    };
    if list.len() > LIST_MAX {
        return Err(format!("more than {LIST_MAX} values"));
    }
    let texts = list.iter().map(|value| match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(flag) => Ok(flag.to_string()),
        other => Err(format!("`{}` is no value", shorten(&other.to_string()))),
    });
    texts.collect()
}
