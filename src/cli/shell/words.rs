//! The words that can be completed: relations, columns, nested fields, functions, named queries and their parameters.

use std::collections::{BTreeMap, BTreeSet};

use arrow::datatypes::{DataType, Fields};

use crate::engine::Session;
use crate::engine::query;

/// Words of SQL that begin a clause or stand in one.
const KEYWORDS: [&str; 33] = [
    "SELECT", "FROM", "WHERE", "GROUP", "ORDER", "BY", "HAVING", "LIMIT", "JOIN", "LEFT", "CROSS", "UNNEST", "WITH",
    "AS", "AND", "OR", "NOT", "IN", "LIKE", "BETWEEN", "IS", "NULL", "DISTINCT", "CASE", "WHEN", "THEN", "ELSE", "END",
    "COUNT", "DESC", "UNION", "ALL", "CAST",
];

/// Commands of the shell.
pub(super) const COMMANDS: [(&str, &str); 13] = [
    (".tables", "list the tables and views"),
    (".schema", "TABLE: its columns and their types"),
    (".queries", "[NAME]: the named queries, or one with its parameters"),
    (
        ".params",
        "[NAME=VALUE ...]: values for $NAME in SQL and for named queries; `NAME=` forgets one",
    ),
    (".mode", "table|csv|json|jsonl|markdown: how rows are shown"),
    (".timer", "on|off: time and bytes read after each query"),
    (
        ".output",
        "[FILE]: write the rows of the queries that follow there; alone, show them again",
    ),
    (".read", "FILE: run the statements of a file"),
    (".explain", "[analyze] SQL: how a query is answered"),
    (".help", "this list"),
    (".exit", "leave, as does Ctrl-D"),
    (".quit", "the same"),
    (".clear", "forget the lines of an unfinished statement"),
];

/// All words.
#[derive(Debug, Default)]
pub(super) struct Words {
    /// Relations with their columns.
    relations: BTreeMap<String, Vec<String>>,
    /// Fields of what has fields, by its path.
    fields: BTreeMap<String, Vec<String>>,
    functions: Vec<String>,
    /// Named queries with their parameters.
    queries: BTreeMap<String, Vec<String>>,
    /// Names that have a value.
    pub(super) params: BTreeSet<String>,
}

impl Words {
    /// What is known without opening anything.
    pub(super) fn known(session: &Session) -> Words {
        let mut words = Words {
            functions: session.functions(),
            ..Words::default()
        };
        for name in session.relations() {
            words.relations.entry(name).or_default();
        }
        for query in query::names().filter_map(|name| query::named(name).ok().flatten()) {
            let columns = query.columns.iter().map(|column| column.name.clone()).collect();
            words.relations.insert(query.name.replace('-', "_"), columns);
            let parameters = query.parameters.iter().map(|parameter| parameter.name.clone());
            words.queries.insert(query.name.clone(), parameters.collect());
        }
        words
    }

    /// Adds a relation's columns, and what is in them.
    pub(super) fn learn(&mut self, relation: &str, columns: &Fields) {
        let names = columns.iter().map(|field| field.name().clone()).collect();
        self.relations.insert(relation.to_owned(), names);
        self.learn_fields("", columns);
    }

    fn learn_fields(&mut self, path: &str, columns: &Fields) {
        for column in columns {
            let inner = match column.data_type() {
                DataType::Struct(inner) => inner,
                DataType::List(element) => match element.data_type() {
                    DataType::Struct(inner) => inner,
                    _ => continue,
                },
                _ => continue,
            };
            let path = match path {
                "" => column.name().clone(),
                path => format!("{path}.{}", column.name()),
            };
            let names = inner.iter().map(|field| field.name().clone()).collect();
            self.fields.insert(path.clone(), names);
            self.learn_fields(&path, inner);
        }
    }

    /// The relations.
    pub(super) fn relations(&self) -> impl Iterator<Item = &str> {
        self.relations.keys().map(String::as_str)
    }

    /// What may stand where `line` ends: where the last word begins, and the words.
    pub(super) fn after(&self, line: &str) -> (usize, Vec<String>) {
        let is_part = |letter: char| letter.is_alphanumeric() || "_.$-".contains(letter);
        let start = line
            .char_indices()
            .rev()
            .take_while(|(_, letter)| is_part(*letter))
            .last()
            .map_or(line.len(), |(at, _)| at);
        let (before, word) = line.split_at_checked(start).unwrap_or((line, ""));
        let first = before.split_whitespace().next().unwrap_or_default();
        let mut found: Vec<String> = match first {
            "" if word.starts_with('.') => COMMANDS.iter().map(|(name, _)| (*name).to_owned()).collect(),
            ".schema" => self.relations.keys().cloned().collect(),
            ".queries" => self.queries.keys().cloned().collect(),
            ".mode" => ["table", "csv", "json", "jsonl", "markdown"]
                .map(str::to_owned)
                .to_vec(),
            ".timer" => ["on", "off"].map(str::to_owned).to_vec(),
            ".params" => self.parameters(),
            "" => self.queries.keys().cloned().chain(self.of_sql(word)).collect(),
            query if self.queries.contains_key(query) => self
                .queries
                .get(query)
                .into_iter()
                .flatten()
                .map(|name| format!("{name}="))
                .collect(),
            _ => self.of_sql(word),
        };
        let lower = word.to_lowercase();
        found.retain(|candidate| candidate.to_lowercase().starts_with(&lower));
        found.dedup();
        (start, found)
    }

    fn parameters(&self) -> Vec<String> {
        let all: BTreeSet<&String> = self.queries.values().flatten().chain(&self.params).collect();
        all.into_iter().map(|name| format!("{name}=")).collect()
    }

    fn of_sql(&self, word: &str) -> Vec<String> {
        if word.starts_with('$') {
            return self.params.iter().map(|name| format!("${name}")).collect();
        }
        if let Some((path, _)) = word.rsplit_once('.') {
            let lower = path.to_lowercase();
            // `t.useridentity.` is a field of a column, whatever `t` is called.
            let within = lower.split_once('.').map(|(_, rest)| rest);
            let children = self
                .fields
                .get(&lower)
                .or_else(|| self.relations.get(&lower))
                .or_else(|| self.fields.get(within?));
            return match children {
                Some(children) => children.iter().map(|child| format!("{path}.{child}")).collect(),
                None => Vec::new(),
            };
        }
        let columns: BTreeSet<&String> = self.relations.values().flatten().collect();
        let mut words: Vec<String> = columns.into_iter().cloned().collect();
        words.extend(self.relations.keys().cloned());
        words.extend(self.functions.iter().map(|name| format!("{name}(")));
        words.extend(KEYWORDS.map(str::to_owned));
        words.sort_by_key(|word| word.to_lowercase());
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lake::schema;

    #[test]
    fn every_kind_of_word_is_completed() {
        let mut words = Words::default();
        words.learn("cloudtrail", schema::cloudtrail().fields());
        words.functions.push("json_extract_scalar".to_owned());
        words
            .queries
            .insert("unused-keys".to_owned(), vec!["window".to_owned()]);
        words.params.insert("key".to_owned());
        for (line, expected) in [
            (".tab", ".tables"),
            (".schema clo", "cloudtrail"),
            ("unu", "unused-keys"),
            ("unused-keys win", "window="),
            ("SELECT eventn", "eventname"),
            ("SELECT count(eventN", "eventname"),
            ("SELECT userIdentity.sessionC", "userIdentity.sessioncontext"),
            (
                "SELECT t.useridentity.sessioncontext.sessioni",
                "t.useridentity.sessioncontext.sessionissuer",
            ),
            ("SELECT cloudtrail.eventn", "cloudtrail.eventname"),
            ("SELECT json_ex", "json_extract_scalar("),
            ("SELECT * FROM clo", "cloudtrail"),
            ("SELECT 1 WHERE a = $k", "$key"),
            ("sel", "SELECT"),
        ] {
            let (start, found) = words.after(line);
            assert!(found.iter().any(|word| word == expected), "{line}: {start} {found:?}");
        }
        assert_eq!(words.after("SELECT nothing.x").1, Vec::<String>::new());
    }
}
