//! A bundle as rows of the snapshot tables, and back.
//!
//! Flat columns are for asking; the `raw` columns hold the answers themselves, so that the way back loses nothing.

mod iam;
mod kms;
mod organization;
pub(crate) mod scope;
mod trails;

use std::collections::{BTreeMap, HashMap};

use super::bundle::Bundle;
use super::document::Document;
use super::tables::{self, Cell, Row, Table};

/// Rows by table name, and the distinct policy texts they name by SHA-256.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Rows {
    /// Rows by the name of their table, in the order of the table's key columns.
    pub tables: BTreeMap<&'static str, Vec<Row>>,
    /// Policy texts by SHA-256.
    pub texts: BTreeMap<String, String>,
}

impl Rows {
    /// The rows of a table.
    pub fn of(&self, table: &Table) -> &[Row] {
        self.tables.get(table.name).map_or(&[], Vec::as_slice)
    }

    fn push(&mut self, table: &'static Table, row: Draft) {
        self.tables.entry(table.name).or_default().push(row.row);
    }

    fn keep(&mut self, document: &Document) -> String {
        let address = document.sha256();
        self.texts
            .entry(address.clone())
            .or_insert_with(|| document.text.clone());
        address
    }
}

/// A row being filled by column name.
struct Draft {
    table: &'static Table,
    row: Row,
}

impl Draft {
    fn of(table: &'static Table) -> Draft {
        Draft {
            table,
            row: vec![Cell::Null; table.columns.len()],
        }
    }

    fn set(mut self, column: &str, cell: impl Into<Cell>) -> Draft {
        let at = self.table.position(column);
        debug_assert!(at.is_some(), "{} has no column {column}", self.table.name);
        if let Some(slot) = at.and_then(|at| self.row.get_mut(at)) {
            *slot = cell.into();
        }
        self
    }
}

/// The rows of a bundle, sorted, without repeated ones.
pub fn of(bundle: &Bundle) -> Rows {
    let mut rows = Rows::default();
    kms::write(bundle, &mut rows);
    iam::write(bundle, &mut rows);
    organization::write(bundle, &mut rows);
    trails::write(bundle, &mut rows);
    scope::write(bundle, &mut rows);
    for list in rows.tables.values_mut() {
        list.sort();
        list.dedup();
    }
    rows
}

/// The bundle that has these rows. Texts that are missing leave their policy unread.
pub fn bundle(rows: &Rows) -> Bundle {
    let mut bundle = Bundle::default();
    kms::read(rows, &mut bundle);
    iam::read(rows, &mut bundle);
    organization::read(rows, &mut bundle);
    trails::read(rows, &mut bundle);
    scope::read(rows, &mut bundle);
    // An account that was read and has no principal leaves no other row.
    for scope in bundle
        .scope
        .iter()
        .filter(|scope| scope.service == "iam" && scope.items.is_some())
    {
        bundle.iam.entry(scope.account_id.clone()).or_default();
    }
    bundle
}

/// The document a row's text column names.
fn document(rows: &Rows, table: &Table, row: &Row) -> Option<Document> {
    let (column, _) = table.text?;
    let text = rows.texts.get(table.text_of(row, column)?)?;
    let verbatim = table.cell(row, "verbatim").flag().unwrap_or(true);
    Some(Document {
        text: text.clone(),
        verbatim,
    })
}

/// The texts of a cell.
fn texts(table: &Table, row: &Row, column: &str) -> Vec<String> {
    if let Cell::Texts(texts) = table.cell(row, column) {
        texts.clone()
    } else {
        Vec::new()
    }
}

/// Rows grouped by the text of a column.
fn grouped<'r>(rows: &'r Rows, table: &'static Table, column: &str) -> HashMap<&'r str, Vec<&'r Row>> {
    let mut groups: HashMap<&str, Vec<&Row>> = HashMap::new();
    for row in rows.of(table) {
        groups
            .entry(table.text_of(row, column).unwrap_or_default())
            .or_default()
            .push(row);
    }
    groups
}

/// Text, or nothing where it is empty.
fn filled(text: &str) -> Cell {
    if text.is_empty() {
        Cell::Null
    } else {
        tables::Cell::from(text)
    }
}
