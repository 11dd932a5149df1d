//! Two key policies side by side: statements given, taken and changed, in words a tired person can read.
//!
//! Statements are matched by `Sid`, else by content; their members are compared as sets, because IAM reads them so.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

use super::wording::plain;

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// `+` given, `-` taken, `~` in which statement.
    pub sign: char,
    /// What.
    pub text: String,
}

/// A diff and what it means for whoever wants the key back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Diff {
    /// The differences.
    pub lines: Vec<Line>,
    /// What to look at first.
    pub alarms: Vec<String>,
}

/// Members that matter, in the order in which people read them.
const MEMBERS: [&str; 8] = [
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
];

/// Lines shown at most; a policy has at most 32 KiB, a hostile one that many differences.
const LINES_MAX: usize = 200;

/// Compares the policy before, where it is known, with the one put in its place.
pub fn compare(before: Option<&str>, after: &str, account: &str) -> Diff {
    let mut diff = Diff::default();
    let Some(new) = statements(after) else {
        diff.lines.push(line('~', "the new policy is not JSON".to_owned()));
        return diff;
    };
    alarms(&new, account, &mut diff);
    let Some(old) = before.and_then(statements) else {
        diff.lines
            .push(line('~', "the policy before is not in the log".to_owned()));
        for (at, statement) in new.iter().enumerate() {
            whole('+', at, statement, &mut diff);
        }
        diff.lines.truncate(LINES_MAX);
        return diff;
    };
    let mut taken: Vec<Option<&Value>> = old.iter().map(Some).collect();
    // Equal statements first, so that a Sid used twice cannot pair strangers.
    let mut left: Vec<(usize, &Value)> = Vec::new();
    for (at, statement) in new.iter().enumerate() {
        match taken.iter_mut().find(|other| **other == Some(statement)) {
            Some(same) => *same = None,
            None => left.push((at, statement)),
        }
    }
    for (at, statement) in left {
        let sid = statement.get("Sid").and_then(Value::as_str);
        let twin = taken
            .iter_mut()
            .find(|other| sid.is_some() && other.is_some_and(|other| other.get("Sid").and_then(Value::as_str) == sid));
        match twin.and_then(Option::take) {
            Some(twin) => changed(at, twin, statement, &mut diff),
            None => whole('+', at, statement, &mut diff),
        }
    }
    for (at, statement) in taken.iter().enumerate() {
        if let Some(statement) = statement {
            whole('-', at, statement, &mut diff);
        }
    }
    if names_account(&old, account) && !names_account(&new, account) {
        diff.alarms.push(format!(
            "account {account} itself is no longer allowed in: only the principals named still are"
        ));
    }
    diff.lines.truncate(LINES_MAX);
    diff
}

fn line(sign: char, text: String) -> Line {
    Line { sign, text }
}

fn statements(text: &str) -> Option<Vec<Value>> {
    let policy: Value = serde_json::from_str(text).ok()?;
    Some(match policy.get("Statement")? {
        Value::Array(all) => all.clone(),
        one => vec![one.clone()],
    })
}

fn label(at: usize, statement: &Value) -> String {
    match statement
        .get("Sid")
        .and_then(Value::as_str)
        .filter(|sid| !sid.is_empty())
    {
        Some(sid) => format!("statement `{sid}`"),
        None => format!("statement {}", at + 1),
    }
}

fn whole(sign: char, at: usize, statement: &Value, diff: &mut Diff) {
    let parts: Vec<String> = MEMBERS
        .iter()
        .filter_map(|member| Some(format!("{member} {}", statement.get(member).map(flat)?)))
        .collect();
    diff.lines
        .push(line(sign, format!("{}: {}", label(at, statement), parts.join("; "))));
}

fn changed(at: usize, before: &Value, after: &Value, diff: &mut Diff) {
    diff.lines.push(line('~', label(at, after)));
    for member in MEMBERS {
        let (old, new) = (items(before.get(member)), items(after.get(member)));
        for gone in old.difference(&new) {
            diff.lines.push(line('-', format!("{member} {gone}")));
        }
        for come in new.difference(&old) {
            diff.lines.push(line('+', format!("{member} {come}")));
        }
    }
}

/// A member as a set of texts: one for each action, principal or condition.
fn items(value: Option<&Value>) -> BTreeSet<String> {
    match value {
        None => BTreeSet::new(),
        Some(Value::Array(all)) => all.iter().map(plain).collect(),
        Some(Value::Object(members)) => members
            .iter()
            .flat_map(|(name, inner)| {
                let inner = match inner {
                    Value::Array(all) => all.iter().map(plain).collect(),
                    one => vec![plain(one)],
                };
                inner.into_iter().map(move |text| format!("{name} {text}"))
            })
            .collect(),
        Some(one) => BTreeSet::from([plain(one)]),
    }
}

fn flat(value: &Value) -> String {
    items(Some(value)).into_iter().collect::<Vec<_>>().join(", ")
}

fn is_allow(statement: &Value) -> bool {
    statement.get("Effect").and_then(Value::as_str) == Some("Allow")
}

fn principals(statement: &Value) -> BTreeSet<String> {
    match statement.get("Principal") {
        Some(Value::Object(members)) => members.values().flat_map(|inner| items(Some(inner))).collect(),
        other => items(other),
    }
}

fn names_account(statements: &[Value], account: &str) -> bool {
    let root = format!("::{account}:root");
    let is_account = |name: &String| name.ends_with(&root) || name == account;
    statements
        .iter()
        .any(|statement| is_allow(statement) && principals(statement).iter().any(is_account))
}

/// Strangers and everyone, who may now do something with the key.
fn alarms(statements: &[Value], account: &str, diff: &mut Diff) {
    let mut strangers = BTreeSet::new();
    for statement in statements.iter().filter(|statement| is_allow(statement)) {
        for name in principals(statement) {
            let owner = match crate::model::Arn::parse(&name) {
                Some(arn) => arn.account.to_owned(),
                None => name.clone(),
            };
            if name == "*" {
                let conditioned = statement.get("Condition").is_some();
                let under = if conditioned { ", under a condition" } else { "" };
                diff.alarms.push(format!("everyone (`*`) is allowed in{under}"));
            } else if owner.len() == 12 && owner.bytes().all(|byte| byte.is_ascii_digit()) && owner != account {
                strangers.insert(owner);
            }
        }
    }
    for stranger in strangers {
        diff.alarms.push(format!("account {stranger} is allowed in"));
    }
}
