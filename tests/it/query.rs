//! `query` with SQL: parameters, what is refused, formats, limits.

use std::collections::HashMap;

use keytrail::engine::query::Bindings;
use keytrail::engine::{Session, SessionSettings, names_records_alone};
use keytrail::lake::Location;
use serde_json::{Value, json};

use crate::support::lake::{TestLake, answers, answers_after, event, run, sample_lake};
use crate::support::office::office;
use crate::support::program::{ask, keytrail, on};

#[test]
fn parameters_are_bound_and_never_spliced() {
    let lake = office();
    let count = |arguments: &[&str]| ask(&lake, arguments)[0]["n"].clone();
    let by_name = "SELECT count(*) AS n FROM cloudtrail WHERE eventname = $name";
    assert_eq!(count(&[by_name, "-p", "name=ConsoleLogin"]), json!(1));
    assert_eq!(count(&[by_name, "-p", "name=x' OR '1'='1"]), json!(0));
    assert_eq!(count(&[by_name, "-p", "name='; DROP TABLE cloudtrail; --"]), json!(0));
    let listed = "SELECT count(*) AS n FROM cloudtrail WHERE eventname IN ($names)";
    assert_eq!(count(&[listed, "-p", "names:list=ConsoleLogin, DescribeKey"]), json!(2));
    assert_eq!(count(&[listed, "-p", "names:list="]), json!(0));
    let inside = "SELECT count(*) AS n FROM cloudtrail WHERE array_has($names, eventname)";
    assert_eq!(count(&[inside, "-p", "names:list=ConsoleLogin,DescribeKey"]), json!(2));
    let window = "SELECT count(*) AS n FROM cloudtrail WHERE eventtime >= $until - $window AND eventtime < $until";
    assert_eq!(
        count(&[window, "-p", "until:instant=2026-01-06", "-p", "window:duration=1d"]),
        json!(6)
    );
    let limited = "SELECT count(*) AS n FROM (SELECT * FROM cloudtrail LIMIT $rows)";
    assert_eq!(count(&[limited, "-p", "rows:integer=3"]), json!(3));
    let shown = ask(
        &lake,
        &[
            "SELECT $a AS a, $b AS b, $c AS c, -$d AS d",
            "-p",
            "a=it's",
            "-p",
            "b:integer=-7",
            "-p",
            "c:boolean=true",
            "-p",
            "d:integer=-1",
        ],
    );
    assert_eq!(shown, [json!({ "a": "it's", "b": -7, "c": true, "d": 1 })]);
}

#[test]
fn a_parameter_without_value_or_place_is_refused() {
    let lake = office();
    let refused = on(&lake, &["query", "SELECT $x"]);
    assert_eq!((refused.code, refused.stdout.as_str()), (2, ""));
    assert!(
        refused.stderr.starts_with("error: parameter `x`: has no value\nhint: "),
        "{}",
        refused.stderr
    );
    let refused = on(&lake, &["query", "SELECT 1", "-p", "x=1"]);
    assert_eq!(refused.code, 2);
    assert!(
        refused.stderr.contains("parameter `x`: is not in the query"),
        "{}",
        refused.stderr
    );
    assert_eq!(on(&lake, &["query", "SELECT $x", "-p", "x:number=1"]).code, 2);
}

#[test]
fn only_statements_that_read_are_run() {
    let lake = office();
    let outside = tempfile::tempdir().unwrap();
    let file = outside.path().join("x.csv");
    std::fs::write(&file, "a\n1\n").unwrap();
    let path = file.display();
    for sql in [
        "DROP TABLE cloudtrail".to_owned(),
        "CREATE TABLE t AS SELECT 1".to_owned(),
        "CREATE VIEW v AS SELECT 1".to_owned(),
        "INSERT INTO cloudtrail SELECT * FROM cloudtrail".to_owned(),
        "DELETE FROM cloudtrail".to_owned(),
        "UPDATE cloudtrail SET eventname = 'x'".to_owned(),
        "TRUNCATE TABLE cloudtrail".to_owned(),
        "SET datafusion.execution.batch_size = 1".to_owned(),
        "RESET datafusion.execution.batch_size".to_owned(),
        format!("COPY cloudtrail TO '{path}.out'"),
        format!("EXPLAIN ANALYZE COPY cloudtrail TO '{path}.out'"),
        "EXPLAIN ANALYZE INSERT INTO cloudtrail SELECT * FROM cloudtrail".to_owned(),
        "SELECT 1 INTO t".to_owned(),
        "WITH x AS (DELETE FROM cloudtrail RETURNING *) SELECT * FROM x".to_owned(),
        format!("CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '{path}'"),
        format!("SELECT * FROM '{path}'"),
        format!("SELECT * FROM read_csv('{path}')"),
        "PREPARE p AS SELECT 1".to_owned(),
        "START TRANSACTION".to_owned(),
        "CREATE FUNCTION f() RETURNS INT RETURN 1".to_owned(),
        "SELECT 1; SELECT 2".to_owned(),
        "SELECT 1; DROP TABLE cloudtrail".to_owned(),
        " ".to_owned(),
    ] {
        let refused = on(&lake, &["query", &sql]);
        assert_eq!(
            (refused.code, refused.stdout.as_str()),
            (2, ""),
            "{sql}: {}",
            refused.stderr
        );
        assert!(refused.stderr.starts_with("error: "), "{sql}: {}", refused.stderr);
    }
    assert_eq!(ask(&lake, &["SELECT count(*) AS n FROM cloudtrail"])[0]["n"], 21);
    assert_eq!(
        std::fs::read_dir(outside.path()).unwrap().count(),
        1,
        "nothing was written"
    );
    for sql in [
        "EXPLAIN SELECT 1",
        "DESCRIBE cloudtrail",
        "SHOW TABLES",
        "SELECT 1;",
        "-- said\nSELECT 1",
        "VALUES (1)",
    ] {
        assert_eq!(on(&lake, &["query", sql]).code, 0, "{sql}");
    }
}

#[test]
fn deep_nesting_is_refused_and_does_not_crash() {
    let lake = TestLake::new();
    let deep = format!("SELECT {}1{}", "(".repeat(20_000), ")".repeat(20_000));
    assert_eq!(on(&lake, &["query", &deep]).code, 2);
    let chain = |length: usize| format!("SELECT {}1 AS n", "1+".repeat(length));
    assert_eq!(ask(&lake, &[&chain(200)])[0]["n"], 201);
    let refused = on(&lake, &["query", &chain(50_000)]);
    assert_eq!(refused.code, 2, "{}", refused.stderr);
    assert!(refused.stderr.contains("50000 operators"), "{}", refused.stderr);
}

#[test]
fn tables_that_are_not_there_yet_are_empty_and_have_their_columns() {
    let lake = TestLake::new();
    for table in [
        "cloudtrail",
        "kms_events",
        "ingest_objects",
        "ingest_faults",
        "digests",
        "ingest_listings",
    ] {
        assert_eq!(ask(&lake, &[&format!("SELECT * FROM {table}")]), Vec::<Value>::new());
        let columns = ask(
            &lake,
            &[&format!(
                "SELECT * FROM information_schema.columns WHERE table_name = '{table}'"
            )],
        );
        assert!(columns.len() > 5, "{table}");
    }
}

#[test]
fn columns_keep_their_plain_types() {
    let lake = office();
    let rows = ask(
        &lake,
        &[
            "SELECT arrow_typeof(event_date) AS d, arrow_typeof(eventtime) AS t, eventtime, event_date FROM cloudtrail \
           ORDER BY eventtime LIMIT 1",
        ],
    );
    assert_eq!(
        rows,
        [
            json!({ "d": "Date32", "t": "Timestamp(\u{b5}s, \"UTC\")", "eventtime": "2026-01-01T00:00:00Z", "event_date": "2026-01-01" })
        ]
    );
}

#[test]
fn formats_agree() {
    let lake = office();
    let sql = "SELECT eventid, eventtime FROM cloudtrail WHERE eventname = 'ReEncrypt'";
    let text = |format: &str| on(&lake, &["query", sql, "--format", format]).stdout;
    assert_eq!(text("csv"), "eventid,eventtime\nuse-4,2026-01-02T23:59:59Z\n");
    assert_eq!(
        text("jsonl"),
        "{\"eventid\":\"use-4\",\"eventtime\":\"2026-01-02T23:59:59Z\"}\n"
    );
    assert_eq!(
        text("json"),
        "[\n{\"eventid\":\"use-4\",\"eventtime\":\"2026-01-02T23:59:59Z\"}\n]\n"
    );
    assert_eq!(
        text("markdown"),
        "| eventid | eventtime |\n| --- | --- |\n| use-4 | 2026-01-02T23:59:59Z |\n"
    );
    assert_eq!(
        text("table"),
        "eventid  eventtime\n-------  --------------------\nuse-4    2026-01-02T23:59:59Z\n"
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rows.parquet");
    let name = file.display().to_string();
    assert_eq!(on(&lake, &["query", sql, "-o", &name]).code, 0);
    assert_eq!(std::fs::read(&file).unwrap().get(..4), Some(b"PAR1".as_slice()));
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        1,
        "no partial file is left"
    );
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_written_to_and_stays_what_it_is() {
    use std::os::unix::fs::FileTypeExt;

    let lake = office();
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(
        std::process::Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || std::fs::read_to_string(pipe).unwrap()
    });
    let name = pipe.display().to_string();
    assert_eq!(
        on(&lake, &["query", "SELECT 1 AS one", "--format", "csv", "-o", &name]).code,
        0
    );
    // Before its reader is waited for: nobody writes to it any more where it was replaced.
    assert!(std::fs::symlink_metadata(&pipe).unwrap().file_type().is_fifo());
    assert_eq!(reader.join().unwrap(), "one\n1\n");
    let (file, link) = (folder.path().join("file"), folder.path().join("link"));
    std::fs::write(&file, "old").unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    let name = link.display().to_string();
    assert_eq!(
        on(&lake, &["query", "SELECT 1 AS one", "--format", "csv", "-o", &name]).code,
        0
    );
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "one\n1\n");
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        3,
        "no partial file is left"
    );
}

#[test]
fn a_failed_query_leaves_no_file() {
    let lake = office();
    let folder = tempfile::tempdir().unwrap();
    let name = folder.path().join("rows.csv").display().to_string();
    let failed = on(
        &lake,
        &["query", "SELECT CAST(eventname AS INT) FROM cloudtrail", "-o", &name],
    );
    assert_eq!(failed.code, 2, "{}", failed.stderr);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn sql_comes_from_files_too_and_a_header_types_its_parameters() {
    let lake = office();
    let folder = tempfile::tempdir().unwrap();
    let plain = folder.path().join("plain.sql");
    std::fs::write(&plain, "SELECT count(*) AS n\nFROM cloudtrail;\n").unwrap();
    assert_eq!(ask(&lake, &["-f", &plain.display().to_string()])[0]["n"], 21);
    let typed = folder.path().join("typed.sql");
    std::fs::write(
        &typed,
        "-- title: T\n-- question: Q\n-- param as_of instant = latest: when\nSELECT $as_of AS at\n",
    )
    .unwrap();
    let name = typed.display().to_string();
    let answer = on(&lake, &["query", "-f", &name, "--format", "jsonl"]);
    assert_eq!(answer.stdout, "{\"at\":\"2026-01-07T00:00:00Z\"}\n");
    assert!(
        answer
            .stderr
            .starts_with("note: as of 2026-01-07T00:00:00Z: the last complete listing"),
        "{}",
        answer.stderr
    );
    assert_eq!(
        ask(&lake, &["-f", &name, "-p", "as_of=2025-01-01"])[0]["at"],
        "2025-01-01T00:00:00Z"
    );
    assert_eq!(on(&lake, &["query", "-f", "/nonexistent.sql"]).code, 2);
    assert_eq!(
        on(&TestLake::new(), &["query", "-f", &name]).code,
        2,
        "nothing to stand on for as_of"
    );
}

#[test]
fn a_copy_on_disk_vouches_only_until_it_was_made() {
    let lake = office();
    lake.add(
        "ingest_listings",
        &[json!({ "source": "/logs", "finished_at": "2030-01-01T00:00:00Z", "complete": true })],
    );
    lake.add(
        "ingest_objects",
        &[json!({ "source": "/logs", "delivered_at": "2026-02-01T00:15:00Z" })],
    );
    lake.add(
        "ingest_listings",
        &[json!({ "source": "s3://b/", "finished_at": "2031-01-01T00:00:00Z", "complete": false })],
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("q.sql");
    std::fs::write(
        &file,
        "-- title: T\n-- question: Q\n-- param as_of instant = latest: when\nSELECT $as_of AS at\n",
    )
    .unwrap();
    assert_eq!(
        ask(&lake, &["-f", &file.display().to_string()])[0]["at"],
        "2026-02-01T00:00:00Z"
    );
}

/// A ledger newer than the records would vouch for hours whose records the session does not see: a false `unused`.
#[test]
fn a_session_that_lives_on_learns_of_neither_records_nor_ledger() {
    let lake = office();
    let tables = [
        "cloudtrail",
        "ingest_objects",
        "ingest_listings",
        "digests",
        "ingest_faults",
    ];
    let asked = tables.map(|table| format!("SELECT count(*) AS n FROM {table}"));
    let asked: Vec<&str> = asked.iter().map(String::as_str).collect();
    let before = answers(lake.path(), &asked);
    let held = answers_after(lake.path(), &asked, || {
        let listed = json!({ "source": "s3://b/", "finished_at": "2031-01-01T00:00:00Z", "complete": true });
        lake.add("ingest_listings", &[listed]);
        for name in ["ingest_objects", "ingest_faults", "digests"] {
            lake.add(name, &[json!({ "source_object": "s3://b/new" })]);
        }
        lake.events([event("new", "2026-01-05T00:00:00Z", "Decrypt")]);
    });
    assert_eq!(held, before);
    let now = answers(lake.path(), &asked);
    assert!(now.iter().zip(&before).all(|(now, before)| now != before), "{now:?}");
}

#[test]
fn a_sort_larger_than_the_memory_spills() {
    let lake = TestLake::new();
    let sql = "SELECT count(*) AS n, min(r) AS low FROM (SELECT v, row_number() OVER (ORDER BY v DESC) AS r \
               FROM (SELECT lpad(CAST(value AS VARCHAR), 110, '0') AS v FROM generate_series(1, 300000)))";
    let rows = ask(&lake, &[sql, "--memory-limit", "24MiB"]);
    assert_eq!(rows, [json!({ "n": 300_000, "low": 1 })]);
}

/// A set for each group, of 16 KiB before anything is in it, would take 1.9 GB here.
#[cfg(target_os = "linux")]
#[test]
fn distinct_texts_of_many_groups_take_little_memory() {
    let lake = TestLake::new();
    let sql = "SELECT count(*) AS n, sum(once) AS once, sum(twice) AS twice FROM (SELECT value % 60000 AS g, \
               count(DISTINCT lpad(CAST(value % 60000 AS VARCHAR), 20, '0')) AS once, \
               count(DISTINCT CAST(value AS VARCHAR)) AS twice FROM generate_series(0, 119999) GROUP BY 1)";
    let mut child = keytrail()
        .arg("--lake")
        .arg(lake.as_ref())
        .args(["-q", "query", sql, "--format", "jsonl"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak_mib = 0;
    while child.try_wait().unwrap().is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        peak_mib = peak_mib.max(kib.unwrap_or(0) >> 10);
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let output = child.wait_with_output().unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer, json!({ "n": 60_000, "once": 60_000, "twice": 120_000 }));
    assert!((1..700).contains(&peak_mib), "{peak_mib} MiB");
}

/// Rights are computed while they are read, and many: what they are joined with is held, not they.
#[test]
fn rights_stream_past_what_they_are_joined_with() {
    let lake = office();
    let plan = |joined: &str| {
        let sql = format!("EXPLAIN SELECT a.principal_arn, c.n FROM effective_access AS a {joined}");
        let rows = ask(&lake, &[&sql]);
        let plan = rows.iter().find(|row| row["plan_type"] == "physical_plan").unwrap();
        plan["plan"].as_str().unwrap().to_owned()
    };
    let grouped = "(SELECT key_arn, count(*) AS n FROM kms_events GROUP BY key_arn) AS c ON c.key_arn = a.key_arn";
    for (word, swapped) in [("LEFT", "Right"), ("INNER", "Inner")] {
        let plan = plan(&format!("{word} JOIN {grouped}"));
        assert!(
            plan.contains(&format!("mode=CollectLeft, join_type={swapped},")),
            "{plan}"
        );
        // The second input stands below the first.
        assert!(plan.find("AggregateExec") < plan.find("StreamingTableExec"), "{plan}");
    }
    // Records of the log may be more than the rights; where they are known to be few, the engine holds them by itself.
    let records = plan("INNER JOIN (SELECT key_arn, eventid AS n FROM kms_events) AS c ON c.key_arn = a.key_arn");
    assert!(
        records.find("StreamingTableExec") < records.find("DataSourceExec"),
        "{records}"
    );
}

/// What is held is a few rows of the query's own, or what HAVING left of groups, and never the log beside them.
#[test]
fn the_log_streams_past_a_few_rows_and_past_chosen_groups() {
    let plan = |join: &str| {
        let sql = format!("EXPLAIN SELECT e.eventid, v.n FROM {join}");
        let rows = ask(sample_lake(), &[&sql]);
        let plan = rows.iter().find(|row| row["plan_type"] == "physical_plan").unwrap();
        plan["plan"].as_str().unwrap().to_owned()
    };
    for join in [
        "kms_events AS e CROSS JOIN (VALUES (1), (2)) AS v(n)",
        "kms_events AS e JOIN (VALUES (1), (2)) AS v(n) ON v.n < length(e.eventid)",
    ] {
        let plan = plan(join);
        // What is held stands first below the join.
        let (few, log) = (plan.find("DataSourceExec: partitions"), plan.find("UnionExec"));
        assert!(few.is_some() && few < log, "{plan}");
    }
    let chosen = "(SELECT eventid AS n FROM cloudtrail GROUP BY eventid HAVING count(*) > 1) AS v \
                  RIGHT JOIN kms_events AS e ON e.eventid = v.n";
    assert!(
        plan(chosen).contains("mode=CollectLeft, join_type=Right,"),
        "{}",
        plan(chosen)
    );
}

/// The engine takes thirty-nine days for less than thirty: it compares days with days, and an interval between instants has
/// none, but hours.
#[test]
fn what_lies_between_two_instants_compares_with_an_interval() {
    let lake = TestLake::new();
    lake.events([
        event("a", "2026-01-01T00:00:00Z", "Decrypt"),
        event("b", "2026-02-09T00:00:00Z", "Decrypt"),
    ]);
    let apart = "max(eventtime) - min(eventtime)";
    for (condition, wanted) in [
        (format!("{apart} >= INTERVAL '30' DAY"), true),
        (format!("{apart} >= INTERVAL '30 days'"), true),
        (format!("{apart} > INTERVAL '39' DAY"), false),
        (format!("{apart} = INTERVAL '39' DAY"), true),
        (format!("{apart} > INTERVAL '935' HOUR"), true),
        (format!("{apart} < INTERVAL '40' DAY"), true),
        (format!("INTERVAL '40' DAY > {apart}"), true),
        (format!("INTERVAL '30' DAY > {apart}"), false),
    ] {
        let rows = ask(&lake, &[&format!("SELECT {condition} AS holds FROM cloudtrail")]);
        assert_eq!(rows[0]["holds"], wanted, "{condition}");
    }
}

#[test]
fn what_names_more_than_the_records_has_the_ledger() {
    for alone in [
        "SELECT 1",
        "  with x as (SELECT * FROM cloudtrail_logs) select eventname FROM x",
        "SELECT count(*) FROM cloudtrail WHERE eventname = 'GetObject' AND requestparameters.ingest = 'objects'",
        "SELECT * FROM $EDS_ID",
    ] {
        assert!(names_records_alone(alone), "{alone}");
    }
    for more in [
        "SELECT count(*) FROM Ingest_Objects",
        "SELECT count(*) FROM cloudtrail c JOIN \"ingest_objects\" o ON c.source_object = o.source_object",
        "SELECT * FROM unused_keys(window => '30d')",
        "SELECT eventname FROM cloudtrail WHERE kms_key_arn IN (SELECT key_arn FROM kms_keys)",
        "SELECT * FROM coverage",
        "SELECT table_name FROM information_schema.tables",
        "SHOW TABLES",
        "EXPLAIN SELECT 1",
        "-- cloudtrail\nSELECT 1",
    ] {
        assert!(!names_records_alone(more), "{more}");
    }
    let lake = office();
    let counted = |sql: &str| on(&lake, &["query", "--format", "csv", sql]);
    assert_eq!(counted("SELECT count(*) AS n FROM ingest_objects").code, 0);
    let hidden = counted("SELECT count(*) AS n FROM U&\"ingest\\005fobjects\"");
    assert_eq!((hidden.code, hidden.stdout.as_str()), (2, ""), "{}", hidden.stderr);
    // What the words did not tell would be refused, and not read as it is later than the records.
    let alone = SessionSettings {
        records_alone: true,
        ..SessionSettings::default()
    };
    let place = Location::parse(&lake.path().display().to_string(), HashMap::new()).unwrap();
    let refused = run(async {
        let session = Session::open(&place, &alone).await.unwrap();
        let none = Bindings::new();
        assert!(session.pasted("SELECT count(*) FROM cloudtrail", &none).await.is_ok());
        session.pasted("SELECT count(*) FROM ingest_objects", &none).await.err()
    });
    let refused = refused.unwrap().to_string();
    assert!(refused.contains("records alone"), "{refused}");
}

#[test]
fn what_cannot_spill_ends_with_a_hint() {
    let lake = TestLake::new();
    let all = "SELECT value AS a, lpad(CAST(value AS VARCHAR), 280, '0') AS t, count(*) FROM generate_series(1, 200000) GROUP BY 1, 2";
    let sql = format!("SELECT count(*) FROM ({all}) AS x JOIN ({all}) AS y ON x.a < y.a AND x.t <> y.t");
    let ended = on(&lake, &["query", &sql, "--memory-limit", "8MiB"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{}", ended.stderr);
    assert!(
        ended.stderr.starts_with("error: not enough memory: "),
        "{}",
        ended.stderr
    );
    let sql = "SELECT count(*) FROM (SELECT value AS a, lpad(CAST(value AS VARCHAR), 280, '0') AS t FROM generate_series(1, 500000)) x \
               JOIN (SELECT value AS b, lpad(CAST(value AS VARCHAR), 280, '0') AS u FROM generate_series(1, 500000)) y \
               ON a = b WHERE t <> u || 'x'";
    let ended = on(&lake, &["query", sql, "--memory-limit", "8MiB"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{}", ended.stderr);
    assert!(
        ended.stderr.starts_with("error: not enough memory: "),
        "{}",
        ended.stderr
    );
    assert!(ended.stderr.contains("hint: raise --memory-limit"), "{}", ended.stderr);
}

#[test]
fn a_hostile_record_cannot_steer_the_terminal_or_the_spreadsheet() {
    let lake = TestLake::new();
    lake.events([event("e", "2026-01-01T00:00:00Z", "Decrypt").with("useragent", "=HYPERLINK(\"x\")\u{1b}[2J")]);
    let text = |format: &str| {
        on(
            &lake,
            &["query", "SELECT useragent FROM cloudtrail", "--format", format],
        )
        .stdout
    };
    assert!(!text("table").contains('\u{1b}'));
    assert!(!text("markdown").contains('\u{1b}'));
    assert!(text("csv").contains("\"'=HYPERLINK(\"\"x\"\")"));
}

#[test]
fn what_was_read_is_said_where_it_is_asked_for() {
    let lake = office();
    let sql = "SELECT count(*) FROM cloudtrail_logs WHERE useridentity.accesskeyid = 'AKIANOBODY'";
    let said = on(&lake, &["query", "-v", sql]).stderr;
    assert!(said.contains(" row groups); the records are in "), "{said}");
    assert_eq!(on(&lake, &["query", sql]).stderr, "");
}
