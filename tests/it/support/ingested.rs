//! Lakes as the program makes them, in a folder or on an S3 server, and what they hold in a form that can be compared.

use std::collections::HashMap;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use super::moto::{Bucket, Moto};
use super::program::{self, Run};

/// A lake that only the program writes.
pub struct Lake {
    folder: TempDir,
    /// What `--lake` is given.
    pub address: String,
    environment: Vec<(&'static str, String)>,
    s3: Option<String>,
}

impl Lake {
    /// A new lake in a folder that is not there yet.
    pub fn in_folder() -> Lake {
        let folder = tempfile::tempdir().unwrap();
        let address = folder.path().join("lake").display().to_string();
        Lake {
            folder,
            address,
            environment: Vec::new(),
            s3: None,
        }
    }

    /// A new lake in a folder, for logs on an S3 server.
    pub fn beside(server: &Moto) -> Lake {
        Lake {
            environment: server.environment(),
            ..Lake::in_folder()
        }
    }

    /// A new lake on an S3 server.
    pub fn on(server: &Moto, bucket: &Bucket) -> Lake {
        let address = format!("s3://{}/a lake", bucket.name);
        Lake {
            address,
            s3: Some(server.endpoint.clone()),
            ..Lake::beside(server)
        }
    }

    /// A run of the program on this lake, to be started by the caller.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program::keytrail();
        command.arg("--lake").arg(&self.address).args(arguments);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.current_dir(self.folder.path());
        command
    }

    /// A run to its end.
    pub fn run(&self, arguments: &[&str]) -> Run {
        let output = self.command(arguments).output().unwrap();
        Run {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// An ingest that must succeed.
    pub fn ingest(&self, sources: &[&str]) -> Run {
        let run = self.run(&[&["ingest"], sources].concat());
        assert_eq!(run.code, 0, "{sources:?}: {}", run.stderr);
        run
    }

    /// The rows SQL answers with.
    pub fn ask(&self, sql: &str) -> Vec<Value> {
        let run = self.run(&["query", "--format", "jsonl", sql]);
        assert_eq!(run.code, 0, "{sql}: {}", run.stderr);
        run.stdout
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// One number.
    pub fn count(&self, sql: &str) -> i64 {
        let rows = self.ask(sql);
        rows[0].as_object().unwrap().values().next().unwrap().as_i64().unwrap()
    }

    /// Everything the lake says of the logs, in an order of its own: equal states mean equal rows.
    pub fn state(&self) -> Vec<String> {
        let mut state = Vec::new();
        for sql in [
            "SELECT * FROM cloudtrail",
            "SELECT * FROM kms_events",
            "SELECT source_object, etag, bytes, records_read, faulted, error FROM ingest_objects",
            "SELECT source_object, source_index, byte_offset, reason, excerpt FROM ingest_faults",
        ] {
            let run = self.run(&["query", "--format", "jsonl", sql]);
            assert_eq!(run.code, 0, "{sql}: {}", run.stderr);
            let mut rows: Vec<String> = run.stdout.lines().map(str::to_owned).collect();
            rows.sort();
            state.extend(rows);
        }
        state
    }

    /// Checks what must hold of a lake between runs: accounts that add up for each object, each row's object known with as many
    /// rows as it is said to have, no row twice.
    pub fn check(&self) {
        self.check_rows();
        let differing = self.ask(
            "SELECT o.source_object, o.kept, c.rows FROM ingest_objects o \
             FULL OUTER JOIN (SELECT source_object, count(*) AS rows FROM cloudtrail GROUP BY source_object) c \
             ON o.source_object = c.source_object WHERE coalesce(o.kept, 0) <> coalesce(c.rows, 0)",
        );
        assert!(differing.is_empty(), "records and ledger differ: {differing:?}");
    }

    /// Checks what must hold of each table on its own, also while a run is under way.
    pub fn check_rows(&self) {
        let unbalanced = self.ask("SELECT * FROM ingest_objects WHERE records_read <> kept + duplicate + faulted");
        assert!(unbalanced.is_empty(), "{unbalanced:?}");
        let twice =
            self.ask("SELECT source_object, source_index, count(*) FROM cloudtrail GROUP BY 1, 2 HAVING count(*) > 1");
        assert!(twice.is_empty(), "{twice:?}");
    }

    /// The tables, as other engines are told of them.
    pub fn tables(&self, names: &[&str]) -> HashMap<String, String> {
        names
            .iter()
            .map(|name| ((*name).to_owned(), format!("{}/{name}", self.address)))
            .collect()
    }

    /// The endpoint of a lake on a server.
    pub fn endpoint(&self) -> Option<&str> {
        self.s3.as_deref()
    }
}
