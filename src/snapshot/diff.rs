//! What differs between two snapshots: keys, policies line by line, grants, principals, organization, trails.
//!
//! Only what both looked at is compared: an account that one of them did not ask for has not lost its keys.

use std::collections::{BTreeMap, BTreeSet};

use super::rows::Rows;
use super::rows::scope::scope_of;
use super::scope::{CLOUDTRAIL, IAM, KMS, ORGANIZATIONS, State};
use super::tables::{self, Cell, Row, Table};

/// Texts with more lines than this on both sides are shown as replaced whole.
const LINES_MAX: usize = 4_000;

/// What happened to a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// Only in the later snapshot.
    Added,
    /// Only in the earlier snapshot.
    Removed,
    /// In both, differently.
    Changed,
    /// Looked at by one of the two only.
    NotCompared,
}

impl What {
    /// The word shown for it.
    pub fn word(self) -> &'static str {
        match self {
            What::Added => "added",
            What::Removed => "removed",
            What::Changed => "changed",
            What::NotCompared => "not_compared",
        }
    }
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The table it is in.
    pub table: &'static str,
    /// What happened.
    pub what: What,
    /// The account.
    pub account_id: Option<String>,
    /// The Region.
    pub region: Option<String>,
    /// The thing: its ARN, or the parts of its name.
    pub subject: String,
    /// The columns that differ: name, before, after.
    pub fields: Vec<(String, String, String)>,
    /// For policies: the lines that differ, `-` before and `+` after, with the lines around them.
    pub lines: Option<String>,
}

/// The differences between an earlier and a later snapshot, in the order of tables and subjects.
pub fn between(before: &Rows, after: &Rows) -> Vec<Change> {
    let (looked_before, looked_after) = (looked_at(before), looked_at(after));
    let mut changes = Vec::new();
    for (place, what) in looked_before
        .difference(&looked_after)
        .map(|place| (place, "looked at before only"))
        .chain(
            looked_after
                .difference(&looked_before)
                .map(|place| (place, "looked at after only")),
        )
    {
        let (service, account, region) = place;
        changes.push(Change {
            table: tables::SNAPSHOT_SCOPE.name,
            what: What::NotCompared,
            account_id: Some(account.clone()),
            region: Some(region.clone()).filter(|region| !region.is_empty()),
            subject: format!("{service}: {what}"),
            fields: Vec::new(),
            lines: None,
        });
    }
    let both: BTreeSet<_> = looked_before.intersection(&looked_after).cloned().collect();
    for table in tables::ALL {
        let volatile = [
            tables::KMS_LAST_USAGE.name,
            tables::IAM_LAST_USED.name,
            tables::SNAPSHOT_SCOPE.name,
        ];
        if !volatile.contains(&table.name) {
            of_table(table, before, after, &both, &mut changes);
        }
    }
    changes
}

type Place = (String, String, String);

fn looked_at(rows: &Rows) -> BTreeSet<Place> {
    let scopes = rows.of(&tables::SNAPSHOT_SCOPE).iter().filter_map(scope_of);
    let usable = scopes.filter(|scope| matches!(scope.state, State::Complete | State::Partial));
    usable
        .map(|scope| {
            let region = if scope.service == KMS {
                scope.region
            } else {
                String::new()
            };
            let account = if scope.service == ORGANIZATIONS {
                String::new()
            } else {
                scope.account_id
            };
            (scope.service, account, region)
        })
        .collect()
}

fn place_of(table: &Table, row: &Row) -> Place {
    let text = |column: &str| table.text_of(row, column).unwrap_or_default().to_owned();
    match table.name.split('_').next() {
        Some("kms") => (KMS.to_owned(), text("account_id"), text("region")),
        Some("iam") => (IAM.to_owned(), text("account_id"), String::new()),
        Some("trails") => (CLOUDTRAIL.to_owned(), text("account_id"), String::new()),
        _ => (ORGANIZATIONS.to_owned(), String::new(), String::new()),
    }
}

fn of_table(table: &'static Table, before: &Rows, after: &Rows, both: &BTreeSet<Place>, changes: &mut Vec<Change>) {
    let keyed = |rows: &'_ Rows| -> BTreeMap<Vec<Cell>, Row> {
        let comparable = rows.of(table).iter().filter(|row| both.contains(&place_of(table, row)));
        comparable
            .map(|row| (row.iter().take(table.key_columns).cloned().collect(), row.clone()))
            .collect()
    };
    let (old, new) = (keyed(before), keyed(after));
    let keys: BTreeSet<&Vec<Cell>> = old.keys().chain(new.keys()).collect();
    for key in keys {
        let (earlier, later) = (old.get(key), new.get(key));
        if earlier == later {
            continue;
        }
        let what = match (earlier, later) {
            (None, _) => What::Added,
            (_, None) => What::Removed,
            _ => What::Changed,
        };
        let Some(row) = later.or(earlier) else { continue };
        let text = |rows: &Rows, row: Option<&Row>| -> Option<String> {
            let (column, _) = table.text?;
            rows.texts.get(table.text_of(row?, column)?).cloned()
        };
        let (text_before, text_after) = (text(before, earlier), text(after, later));
        let lines = (text_before != text_after).then(|| {
            lines(
                &readable(text_before.as_deref().unwrap_or("")),
                &readable(text_after.as_deref().unwrap_or("")),
            )
        });
        changes.push(Change {
            table: table.name,
            what,
            account_id: table.text_of(row, "account_id").map(str::to_owned),
            region: table.text_of(row, "region").map(str::to_owned),
            subject: subject(table, row),
            fields: earlier
                .zip(later)
                .map(|(earlier, later)| fields(table, earlier, later))
                .unwrap_or_default(),
            lines,
        });
    }
}

/// The key columns without account and Region, which stand beside.
fn subject(table: &Table, row: &Row) -> String {
    let named = table.columns.iter().zip(row).take(table.key_columns);
    let parts: Vec<String> = named
        .filter(|((name, _), _)| !["account_id", "region"].contains(name))
        .map(|(_, cell)| shown(cell))
        .collect();
    let parts: Vec<&str> = parts
        .iter()
        .map(String::as_str)
        .filter(|part| !part.is_empty())
        .collect();
    if parts.is_empty() {
        table.text_of(row, "account_id").unwrap_or_default().to_owned()
    } else {
        parts.join(" ")
    }
}

fn fields(table: &Table, before: &Row, after: &Row) -> Vec<(String, String, String)> {
    let mut fields = Vec::new();
    let mut raw = Vec::new();
    for ((name, _), (before, after)) in table.columns.iter().zip(before.iter().zip(after)) {
        if before != after {
            let field = ((*name).to_owned(), shown(before), shown(after));
            let holds_all = ["raw", "version", "rotation_status", "rotations"].contains(name);
            if holds_all { raw.push(field) } else { fields.push(field) }
        }
    }
    // The whole answer is shown only where no column says what differs in it.
    if fields.is_empty() { raw } else { fields }
}

fn shown(cell: &Cell) -> String {
    match cell {
        Cell::Null => String::new(),
        Cell::Text(text) => text.clone(),
        Cell::Int(number) => number.to_string(),
        Cell::Flag(flag) => flag.to_string(),
        Cell::Instant(micros) => super::instant::format(*micros),
        Cell::Texts(texts) => texts.join(", "),
    }
}

/// A policy with one member a line; text that is no JSON stays as it is.
fn readable(text: &str) -> String {
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(value) => serde_json::to_string_pretty(&value).unwrap_or_else(|_| text.to_owned()),
        Err(_) => text.to_owned(),
    }
}

/// The lines that differ, with up to three equal lines around them.
pub fn lines(before: &str, after: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let script = script(&old, &new);
    let near = |at: usize| {
        let from = at.saturating_sub(3);
        script
            .get(from..(at + 4).min(script.len()))
            .unwrap_or_default()
            .iter()
            .any(|(mark, _)| *mark != ' ')
    };
    let mut text = String::new();
    let mut skipped = false;
    for (at, (mark, line)) in script.iter().enumerate() {
        if near(at) {
            if skipped && !text.is_empty() {
                text.push_str("  ...\n");
            }
            skipped = false;
            text.push(*mark);
            text.push(' ');
            text.push_str(line);
            text.push('\n');
        } else {
            skipped = true;
        }
    }
    text
}

/// The shortest edit between two lists of lines, by the longest common subsequence.
fn script<'l>(old: &[&'l str], new: &[&'l str]) -> Vec<(char, &'l str)> {
    let same_start = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let (head, old) = old.split_at(same_start);
    let new = new.get(same_start..).unwrap_or_default();
    let same_end = old
        .iter()
        .rev()
        .zip(new.iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    let (old, tail) = old.split_at(old.len() - same_end);
    let new = new.get(..new.len() - same_end).unwrap_or_default();
    let mut script: Vec<(char, &str)> = head.iter().map(|line| (' ', *line)).collect();
    if old.len() > LINES_MAX || new.len() > LINES_MAX {
        script.extend(old.iter().map(|line| ('-', *line)));
        script.extend(new.iter().map(|line| ('+', *line)));
    } else {
        middle(old, new, &mut script);
    }
    script.extend(tail.iter().map(|line| (' ', *line)));
    script
}

fn middle<'l>(old: &[&'l str], new: &[&'l str], script: &mut Vec<(char, &'l str)>) {
    let width = new.len() + 1;
    // common[i * width + j]: the longest common subsequence of old[i..] and new[j..].
    let mut common = vec![0_u16; (old.len() + 1) * width];
    let at = |common: &[u16], i: usize, j: usize| common.get(i * width + j).copied().unwrap_or(0);
    for (i, left) in old.iter().enumerate().rev() {
        for (j, right) in new.iter().enumerate().rev() {
            let best = if left == right {
                at(&common, i + 1, j + 1) + 1
            } else {
                at(&common, i + 1, j).max(at(&common, i, j + 1))
            };
            if let Some(slot) = common.get_mut(i * width + j) {
                *slot = best;
            }
        }
    }
    let (mut i, mut j) = (0, 0);
    loop {
        match (old.get(i), new.get(j)) {
            (Some(left), Some(right)) if left == right => {
                script.push((' ', left));
                (i, j) = (i + 1, j + 1);
            }
            (Some(left), right) if right.is_none() || at(&common, i + 1, j) >= at(&common, i, j + 1) => {
                script.push(('-', left));
                i += 1;
            }
            (_, Some(right)) => {
                script.push(('+', right));
                j += 1;
            }
            _ => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::snapshot::{bundle, rows, scope};

    fn rows_of(policy: &str, accounts: &[&str]) -> Rows {
        let keys: Vec<_> = accounts
            .iter()
            .map(|account| {
                json!({"KeyMetadata": {"Arn": format!("arn:aws:kms:eu-west-1:{account}:key/k"), "KeyState": "Enabled"},
                       "Policy": policy, "Grants": [], "Tags": []})
            })
            .collect();
        let mut bundle = bundle::read(&json!({"kms": {"keys": keys}})).unwrap();
        scope::complete(&mut bundle);
        rows::of(&bundle)
    }

    #[test]
    fn a_changed_policy_is_one_change_with_its_lines() {
        let before = rows_of(
            r#"{"Version":"2012-10-17","Statement":[{"Action":"kms:*"}]}"#,
            &["111122223333"],
        );
        let after = rows_of(
            r#"{"Version":"2012-10-17","Statement":[{"Action":"kms:Get*"}]}"#,
            &["111122223333"],
        );
        let changes = between(&before, &after);
        assert_eq!(changes.len(), 1, "{changes:#?}");
        assert_eq!((changes[0].table, changes[0].what), ("kms_key_policies", What::Changed));
        let lines = changes[0].lines.as_deref().unwrap();
        assert!(
            lines.contains("-       \"Action\": \"kms:*\"\n+       \"Action\": \"kms:Get*\"\n"),
            "{lines}"
        );
        assert!(between(&before, &before).is_empty());
    }

    #[test]
    fn accounts_one_did_not_look_at_are_not_compared() {
        let before = rows_of("{}", &["111122223333", "444455556666"]);
        let after = rows_of("{}", &["111122223333"]);
        let changes = between(&before, &after);
        assert_eq!(changes.len(), 1, "{changes:#?}");
        assert_eq!(changes[0].what, What::NotCompared);
        assert_eq!(changes[0].account_id.as_deref(), Some("444455556666"));
    }

    #[test]
    fn line_differences_rebuild_both_texts() {
        let cases = [
            ("", "a\nb"),
            ("a\nb\nc", "a\nc"),
            ("a\nb\nc\nd", "x\nb\ny\nd"),
            ("a", "a"),
            ("a\na\nb", "a\nb\nb"),
        ];
        for (before, after) in cases {
            let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
            let script = script(&old, &new);
            let side = |skip: char| -> Vec<&str> {
                script
                    .iter()
                    .filter(|(mark, _)| *mark != skip)
                    .map(|(_, line)| *line)
                    .collect()
            };
            assert_eq!(side('+'), old);
            assert_eq!(side('-'), new);
        }
    }
}
