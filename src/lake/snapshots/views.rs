//! The tables of snapshots that people query, as SQL over the stored ones. Plain enough for DataFusion and DuckDB.

use arrow::datatypes::Field;

use super::schema::{CHUNK, INDEX, POLICY_TEXTS, stored_name};
use super::{column, index};
use crate::lake::Location;
use crate::snapshot::tables::{self, Kind, Table};

/// A view: its name, its columns and the SQL that makes them.
pub(super) struct View {
    pub(super) name: &'static str,
    columns: Vec<(String, Kind)>,
    sql: String,
}

impl View {
    pub(super) fn fields(&self) -> Vec<Field> {
        self.columns.iter().map(|(name, kind)| column(name, *kind)).collect()
    }
}

/// The views, by name, with the text of each: names of other views stand after the ones they use.
pub fn views() -> Vec<(&'static str, String)> {
    all().into_iter().map(|view| (view.name, view.sql)).collect()
}

/// A script that makes the views in DuckDB, over the Delta tables of a lake (`delta` extension loaded).
pub fn duckdb(lake: &Location) -> String {
    let root = lake
        .folder()
        .map_or_else(|| lake.root().to_string(), |folder| folder.display().to_string());
    let root = root.trim_end_matches('/').replace('\'', "''");
    let mut script = String::new();
    for (name, _) in super::stored() {
        script.push_str(&format!(
            "CREATE OR REPLACE VIEW {name} AS SELECT * FROM delta_scan('{root}/{name}');\n"
        ));
    }
    for (name, sql) in views() {
        script.push_str(&format!("CREATE OR REPLACE VIEW {name} AS {sql};\n"));
    }
    script
}

pub(super) fn all() -> Vec<View> {
    let mut all = vec![snapshots()];
    for table in tables::ALL {
        // The volatile halves first, because the tables they belong to join them.
        if table.name == tables::KMS_LAST_USAGE.name || table.name == tables::IAM_LAST_USED.name {
            all.push(of_table(table, None));
        }
    }
    for table in tables::ALL {
        match table.name {
            "kms_last_usage" | "iam_last_used" => {}
            "kms_keys" => all.push(of_table(table, Some((&tables::KMS_LAST_USAGE, "key_arn")))),
            "iam_principals" => all.push(of_table(table, Some((&tables::IAM_LAST_USED, "principal_arn")))),
            _ => all.push(of_table(table, None)),
        }
    }
    all.push(newest());
    all
}

/// One row per snapshot.
fn snapshots() -> View {
    let hidden = ["table_name", "chunk", "account_id", "region", "row_count"];
    let held = INDEX.columns.iter().filter(|(name, _)| !hidden.contains(name));
    let columns: Vec<(String, Kind)> = held.map(|(name, kind)| ((*name).to_owned(), *kind)).collect();
    let list: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
    let sql = format!(
        "SELECT {} FROM {} WHERE table_name = '{}'",
        list.join(", "),
        INDEX.name,
        index::HEADER
    );
    View {
        name: "snapshots",
        columns,
        sql,
    }
}

/// A table's rows beside the snapshots they belong to, with policy texts, and joined to its volatile half.
fn of_table(table: &'static Table, joined: Option<(&'static Table, &'static str)>) -> View {
    let mut columns: Vec<(String, Kind)> = vec![
        ("snapshot_id".to_owned(), Kind::Text),
        ("collected_at".to_owned(), Kind::Instant),
    ];
    let mut list = vec!["i.snapshot_id".to_owned(), "i.collected_at".to_owned()];
    for (name, kind) in table.columns {
        columns.push(((*name).to_owned(), *kind));
        list.push(format!("r.{name}"));
        if let Some((address, text)) = table.text
            && address == *name
        {
            columns.push((text.to_owned(), Kind::Text));
            list.push(format!("t.text AS {text}"));
        }
    }
    let mut sql_joins = format!(
        "FROM {} r JOIN {} i ON i.{CHUNK} = r.{CHUNK} AND i.table_name = '{}'",
        stored_name(table),
        INDEX.name,
        table.name
    );
    if let Some((address, _)) = table.text {
        sql_joins.push_str(&format!(" LEFT JOIN {} t ON t.sha256 = r.{address}", POLICY_TEXTS.name));
    }
    if let Some((other, key)) = joined {
        for (name, kind) in other.columns.iter().skip(other.key_columns) {
            columns.push(((*name).to_owned(), *kind));
            list.push(format!("u.{name}"));
        }
        sql_joins.push_str(&format!(
            " LEFT JOIN {} u ON u.snapshot_id = i.snapshot_id AND u.{key} = r.{key}",
            other.name
        ));
    }
    if table.name == tables::KMS_KEYS.name {
        // An answer may be as old as the beginning of the collection.
        columns.push(("last_usage_as_of".to_owned(), Kind::Instant));
        list.push(
            "CASE WHEN u.last_usage IS NOT NULL THEN coalesce(i.started_at, i.collected_at) END AS last_usage_as_of"
                .to_owned(),
        );
    }
    View {
        name: table.name,
        columns,
        sql: format!("SELECT {} {sql_joins}", list.join(", ")),
    }
}

/// Which snapshot the newest state of each account, Region and service stands in. See `snapshot_scope` for other instants.
fn newest() -> View {
    let columns: Vec<(String, Kind)> = [
        ("service", Kind::Text),
        ("account_id", Kind::Text),
        ("region", Kind::Text),
        ("organization_id", Kind::Text),
        ("snapshot_id", Kind::Text),
        ("collected_at", Kind::Instant),
        ("state", Kind::Text),
    ]
    .iter()
    .map(|(name, kind)| ((*name).to_owned(), *kind))
    .collect();
    let sql = "SELECT service, account_id, region, organization_id, snapshot_id, collected_at, state FROM (\
               SELECT service, account_id, region, organization_id, snapshot_id, collected_at, state, \
               row_number() OVER (PARTITION BY service, \
               CASE WHEN service = 'organizations' THEN coalesce(organization_id, account_id) ELSE account_id END, \
               CASE WHEN service = 'kms' THEN region END \
               ORDER BY collected_at DESC, snapshot_id DESC) AS place \
               FROM snapshot_scope WHERE operation IS NULL AND state IN ('complete', 'partial')) ranked WHERE place = 1"
        .to_owned();
    View {
        name: "snapshot_newest",
        columns,
        sql,
    }
}
