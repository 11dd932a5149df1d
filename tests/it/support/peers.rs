//! Other engines over the same tables: what they read must be what keytrail says.

use std::collections::HashMap;
use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::python;

/// An engine that is not keytrail.
#[derive(Debug, Clone, Copy)]
pub enum Peer {
    /// DuckDB with its `delta` extension.
    DuckDb,
    /// The `deltalake` package of Python.
    DeltaPython,
}

impl Peer {
    /// Runs SQL over Delta tables (a path or `s3://` address each) and returns the rows; `None` where there is no Python.
    pub fn query(self, tables: &HashMap<String, String>, sql: &str, s3_endpoint: Option<&str>) -> Option<Vec<Value>> {
        let name = match self {
            Peer::DuckDb => "duckdb_query.py",
            Peer::DeltaPython => "delta_query.py",
        };
        let answer = run(name, &json!({"tables": tables, "sql": sql, "s3": s3_endpoint}))?;
        Some(answer.as_array().unwrap().clone())
    }
}

/// Runs a script with JSON on its standard input and returns the JSON of its standard output.
pub fn run(script: &str, input: &Value) -> Option<Value> {
    let python = python::interpreter()?;
    let mut child = Command::new(python)
        .arg(python::script(script))
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.to_string().as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{script}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some(serde_json::from_slice(&output.stdout).unwrap())
}
