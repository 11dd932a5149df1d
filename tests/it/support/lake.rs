//! A lake built from rows: each a JSON object in the columns of the table, everything left out null.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use arrow::array::RecordBatch;
use futures::TryStreamExt;
use keytrail::engine::query::Bindings;
use keytrail::engine::{Session, SessionSettings};
use keytrail::lake::snapshots::{self, Stamp};
use keytrail::lake::{Location, schema, table};
use keytrail::report::{Format, Writer};
use serde_json::{Map, Value, json};

use super::program;

/// A lake in a temporary folder.
pub struct TestLake {
    folder: tempfile::TempDir,
}

impl AsRef<Path> for TestLake {
    fn as_ref(&self) -> &Path {
        self.path()
    }
}

impl TestLake {
    /// A lake with an empty `cloudtrail`.
    pub fn new() -> TestLake {
        let lake = TestLake {
            folder: tempfile::tempdir().unwrap(),
        };
        lake.add(schema::CLOUDTRAIL, &[]);
        lake
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn location(&self) -> Location {
        Location::parse(&self.path().display().to_string(), HashMap::new()).unwrap()
    }

    /// Adds rows to a table, in one commit.
    pub fn add(&self, name: &str, rows: &[Value]) {
        let columns = schema::by_name(name).unwrap();
        let partitions: &[&str] = if name == schema::CLOUDTRAIL {
            &[schema::EVENT_DATE]
        } else {
            &[]
        };
        let location = self.location();
        run(async {
            let table = table::open_or_create(&location, name, &columns, partitions, &["eventtime"])
                .await
                .unwrap();
            if !rows.is_empty() {
                table.write(vec![batch(&columns, rows)]).await.unwrap();
            }
        });
    }

    /// Keeps a permission snapshot.
    pub fn snapshot(&self, bundle: &Value) {
        let bundle = keytrail::snapshot::bundle::read(bundle).unwrap();
        let stamp = Stamp {
            collected_at: 0,
            source: "test".to_owned(),
            kept_at: 1,
        };
        let location = self.location();
        run(async { snapshots::keep(&location, &bundle, &stamp).await.unwrap() });
    }

    /// Adds records of events.
    pub fn events(&self, events: impl IntoIterator<Item = Event>) {
        let rows: Vec<Value> = events.into_iter().map(|event| Value::Object(event.row)).collect();
        self.add(schema::CLOUDTRAIL, &rows);
    }
}

/// Answers to queries on a lake, each as its rows in JSON or its error.
pub fn answers(folder: &Path, queries: &[&str]) -> Vec<Result<Vec<Value>, String>> {
    answers_after(folder, queries, || ())
}

/// The same, of a session that was opened before a change.
pub fn answers_after(folder: &Path, queries: &[&str], change: impl FnOnce()) -> Vec<Result<Vec<Value>, String>> {
    let location = Location::parse(&folder.display().to_string(), HashMap::new()).unwrap();
    let session = run(async { Session::open(&location, &SessionSettings::default()).await.unwrap() });
    change();
    run(async {
        let mut answers = Vec::with_capacity(queries.len());
        for query in queries {
            answers.push(answer(&session, query).await);
        }
        answers
    })
}

async fn answer(session: &Session, query: &str) -> Result<Vec<Value>, String> {
    let rows = session
        .pasted(query, &Bindings::new())
        .await
        .map_err(|error| error.to_string())?;
    let mut writer = Writer::new(Format::Jsonl, &rows.schema, Vec::new()).unwrap();
    let batches: Vec<RecordBatch> = rows.stream.try_collect().await.map_err(|error| error.to_string())?;
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    let text = String::from_utf8(writer.finish().unwrap().1).unwrap();
    Ok(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

/// The lake of `sample-logs/`, with its snapshot, made once for all tests.
pub fn sample_lake() -> &'static Path {
    static LAKE: OnceLock<PathBuf> = OnceLock::new();
    LAKE.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sample-lake");
        let _ = std::fs::remove_dir_all(&folder);
        let lake = folder.display().to_string();
        let logs = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("sample-logs/AWSLogs")
            .display()
            .to_string();
        let ingested = program::run(&["--lake", &lake, "ingest", &logs]);
        assert_eq!(ingested.code, 0, "{}", ingested.stderr);
        folder
    })
}

/// Runs a future to its end, away from any runtime of the test.
pub fn run<T: Send>(future: impl Future<Output = T> + Send) -> T {
    std::thread::scope(|scope| {
        let worker = scope.spawn(|| {
            tokio::runtime::Builder::new_multi_thread()
                .thread_stack_size(32 << 20)
                .worker_threads(2)
                .enable_all()
                .build()
                .unwrap()
                .block_on(future)
        });
        worker.join().unwrap()
    })
}

fn batch(columns: &arrow::datatypes::SchemaRef, rows: &[Value]) -> RecordBatch {
    let mut decoder = arrow::json::ReaderBuilder::new(Arc::clone(columns))
        .build_decoder()
        .unwrap();
    decoder.serialize(rows).unwrap();
    decoder.flush().unwrap().unwrap()
}

pub const ACCOUNT: &str = "111122223333";
pub const REGION: &str = "us-east-1";

/// The ARN of a key of the tests' account.
pub fn key_arn(id: &str) -> String {
    format!("arn:aws:kms:{REGION}:{ACCOUNT}:key/{id}")
}

/// The ARN of an alias of the tests' account.
pub fn alias_arn(name: &str) -> String {
    format!("arn:aws:kms:{REGION}:{ACCOUNT}:alias/{name}")
}

/// A record as `cloudtrail` holds it.
#[derive(Clone)]
pub struct Event {
    pub row: Map<String, Value>,
}

/// A KMS record that names no key, by a role.
pub fn event(id: &str, time: &str, operation: &str) -> Event {
    let nothing = json!([{ "key_ref": null }]);
    let role = "arn:aws:iam::111122223333:role/app/Worker";
    let row = json!({
        "event_date": time.get(..10).unwrap(),
        "eventtime": time,
        "eventsource": "kms.amazonaws.com",
        "eventname": operation,
        "eventid": id,
        "eventtype": "AwsApiCall",
        "awsregion": REGION,
        "recipientaccountid": ACCOUNT,
        "sourceipaddress": "192.0.2.10",
        "principal_arn": role,
        "principal_id": "AROAEXAMPLEWORKER",
        "accesskeyid": "ASIAEXAMPLEWORKER",
        "source_object": format!("AWSLogs/{id}.json.gz"),
        "source_index": 0,
        "kms": nothing,
        "useridentity": {
            "type": "AssumedRole",
            "principalid": "AROAEXAMPLEWORKER:one",
            "arn": "arn:aws:sts::111122223333:assumed-role/Worker/one",
            "accountid": ACCOUNT,
            "accesskeyid": "ASIAEXAMPLEWORKER",
            "sessioncontext": {
                "sessionissuer": { "type": "Role", "arn": role, "accountid": ACCOUNT, "principalid": "AROAEXAMPLEWORKER" },
                "attributes": { "mfaauthenticated": "false" },
            },
        },
    });
    match row {
        Value::Object(row) => Event { row },
        _ => unreachable!(),
    }
}

impl Event {
    /// The same with another value in a column.
    pub fn with(mut self, column: &str, value: impl Into<Value>) -> Event {
        self.row.insert(column.to_owned(), value.into());
        self
    }

    /// The same, naming these keys by their ids.
    pub fn keys(self, ids: &[&str]) -> Event {
        let keys: Vec<Value> = ids
            .iter()
            .map(|id| {
                let arn = key_arn(id);
                json!({ "key_ref": arn, "key_arn": arn, "key_id": id, "account_id": ACCOUNT, "region": REGION })
            })
            .collect();
        self.with("kms", keys)
    }

    /// The same, naming an alias only.
    pub fn alias(self, name: &str) -> Event {
        let alias = json!({
            "key_ref": format!("alias/{name}"), "alias_arn": alias_arn(name), "account_id": ACCOUNT, "region": REGION
        });
        self.with("kms", vec![alias])
    }

    /// The same as a change of an alias, with the resources newer records have.
    pub fn changes_alias(self, name: &str, key: &str) -> Event {
        let resources = json!([{ "arn": key_arn(key) }, { "arn": alias_arn(name) }]);
        let parameters = json!({ "aliasName": format!("alias/{name}"), "targetKeyId": key });
        self.keys(&[key])
            .with("resources", resources)
            .with("requestparameters", parameters.to_string())
    }

    /// The same by another actor.
    pub fn by(self, principal_arn: &str, principal_id: &str, identity: Value) -> Event {
        self.with("principal_arn", principal_arn)
            .with("principal_id", principal_id)
            .with("useridentity", identity)
    }

    /// The same, failed.
    pub fn failed(self, code: &str) -> Event {
        self.with("errorcode", code)
    }
}
