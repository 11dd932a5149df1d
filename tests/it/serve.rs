//! The lake for PostgreSQL's clients: `psql`, psycopg, what a JDBC driver sends, many at once, hostile ones.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::support::lake::sample_lake;
use crate::support::program::{keytrail, on};
use crate::support::python;

/// A server that runs until it is dropped.
struct Server {
    child: Child,
    port: String,
}

impl Server {
    fn start(lake: &Path, arguments: &[&str]) -> Server {
        let mut command = keytrail();
        command
            .arg("--lake")
            .arg(lake)
            .args(["serve", "--postgres", "127.0.0.1:0"]);
        let mut child = command.args(arguments).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        let port = line.trim().rsplit_once(':').unwrap_or_else(|| panic!("{line}")).1;
        let port = port.to_owned();
        std::thread::spawn(move || lines.read_to_end(&mut Vec::new()));
        Server { child, port }
    }

    /// What the script of clients says of it.
    fn clients(&self, parts: &str, more: &[&str]) {
        let Some(python) = python::interpreter() else { return };
        let mut command = Command::new(python);
        command.arg(python::script("pg_clients.py")).arg(&self.port).args(more);
        let done = command.env("ONLY", parts).env("QUERY_SECONDS", "5").output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{said}");
        let held = String::from_utf8_lossy(&done.stdout).lines().count();
        assert_eq!(held, parts.split_whitespace().count().max(1), "{said}");
    }

    fn psql(&self, arguments: &[&str]) -> Option<(bool, String)> {
        static THERE: OnceLock<bool> = OnceLock::new();
        if !THERE.get_or_init(|| Command::new("psql").arg("--version").output().is_ok()) {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "there is no psql");
            return None;
        }
        let mut command = Command::new("psql");
        command.args([
            "-X",
            "-h",
            "127.0.0.1",
            "-p",
            &self.port,
            "-U",
            "tester",
            "-d",
            "keytrail",
        ]);
        let done = command.args(arguments).output().unwrap();
        let said = [done.stdout, done.stderr].concat();
        Some((done.status.success(), String::from_utf8(said).unwrap()))
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args(["-s", name, &self.child.id().to_string()])
            .status();
        assert!(sent.unwrap().success());
    }

    fn code(&mut self) -> Option<i32> {
        let until = Instant::now() + Duration::from_secs(20);
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        None
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The sample lake with its permission snapshot.
fn whole_lake() -> &'static Path {
    static LAKE: OnceLock<std::path::PathBuf> = OnceLock::new();
    LAKE.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("served-lake");
        let _ = std::fs::remove_dir_all(&folder);
        let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-logs");
        for (command, what) in [(vec!["ingest"], "AWSLogs"), (vec!["snapshot", "import"], "snapshot")] {
            let what = samples.join(what).display().to_string();
            let done = on(&folder, &[command, vec![what.as_str()]].concat());
            // The sample's collector was refused two things, which the import says.
            assert!(matches!(done.code, 0 | 3), "{}", done.stderr);
        }
        folder
    })
}

#[test]
fn drivers_and_dashboards_are_answered() {
    let server = Server::start(whole_lake(), &[]);
    server.clients(
        "parameters_of_every_kind types_arrive_as_themselves pasted_queries_run \
         named_queries_are_views_and_functions transactions_and_settings_of_drivers \
         catalogue_queries_of_tools a_prepared_statement_as_jdbc_has_it",
        &[],
    );
}

#[test]
fn no_client_can_change_reach_or_exhaust_anything() {
    let limits = [
        "--query-time",
        "5s",
        "--query-memory",
        "64MiB",
        "--memory-limit",
        "256MiB",
        "--max-rows",
        "100000",
    ];
    let server = Server::start(sample_lake(), &limits);
    server.clients(
        "hostile_statements_are_refused endless_queries_are_cut_off a_client_can_cancel_its_query",
        &[],
    );
}

#[test]
fn endless_queries_starve_nobody() {
    // Unoptimised code beside other tests: what counts is that all are answered.
    let server = Server::start(sample_lake(), &["--query-time", "60s"]);
    server.clients("fifty_clients_at_once", &[]);
}

#[test]
fn psql_lists_describes_and_asks() {
    let server = Server::start(sample_lake(), &[]);
    let Some((_, listed)) = server.psql(&["-c", "\\d"]) else {
        return;
    };
    for line in ["| cloudtrail ", "| kms_events ", "| unused_keys "] {
        assert!(listed.contains(line), "{listed}");
    }
    let said = |arguments: &[&str]| server.psql(arguments).unwrap();
    let (done, described) = said(&["-c", "\\d cloudtrail"]);
    assert!(done && described.contains("eventtime ") && described.contains("timestamp with time zone"));
    for command in ["\\dt", "\\dv", "\\dn", "\\l", "\\d unused_keys", "\\df"] {
        let (_, listed) = said(&["-c", command]);
        assert!(!listed.contains("ERROR"), "{command}: {listed}");
    }
    let asked = "SELECT eventName, count(*) AS n FROM cloudtrail_logs WHERE eventSource = 'kms.amazonaws.com' \
                 GROUP BY eventName ORDER BY n DESC, 1 LIMIT 2; SELECT ';' AS semicolon;";
    let (done, answered) = said(&["-At", "-c", asked]);
    assert!(done, "{answered}");
    assert_eq!(answered, "Decrypt|708\nGenerateDataKey|496\n;\n");
    let (done, refused) = said(&["-c", "DROP TABLE cloudtrail"]);
    assert!(
        !done && refused.contains("is refused: queries only read the lake"),
        "{refused}"
    );
    let (_, near) = said(&["-c", "SELECT eventnam FROM cloudtrail"]);
    assert!(near.contains("did you mean `eventname`?"), "{near}");
}

#[test]
fn beyond_loopback_there_is_a_password_and_tls() {
    let lake = sample_lake().display().to_string();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (certificate, key, password) = (path("cert.pem"), path("key.pem"), path("password"));
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
        ])
        .args([
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-keyout",
            &key,
            "-out",
            &certificate,
        ])
        .output();
    if !made.is_ok_and(|made| made.status.success()) {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "there is no openssl");
        return;
    }
    std::fs::write(&password, "correct horse\n").unwrap();
    let refused = |arguments: &[&str], reason: &str| {
        let run = on(&lake, &[&["serve", "--postgres", "0.0.0.0:0"], arguments].concat());
        assert_eq!(run.code, 2, "{}", run.stderr);
        assert!(run.stderr.contains(reason), "{}", run.stderr);
    };
    refused(&[], "a password is missing");
    refused(&["--password-file", &password], "a certificate is missing");
    refused(
        &["--tls-cert", &certificate, "--tls-key", &key],
        "a password is missing",
    );
    let garbled = ["--password-file", &password, "--tls-cert", &password, "--tls-key", &key];
    refused(&garbled, "no certificate in PEM");
    let guarded = [
        "--password-file",
        &password,
        "--tls-cert",
        &certificate,
        "--tls-key",
        &key,
    ];
    let server = Server::start(Path::new(&lake), &guarded);
    server.clients("", &["correct horse", &certificate]);
}

#[test]
fn it_stops_cleanly_whatever_runs() {
    for signal in ["INT", "TERM"] {
        let mut server = Server::start(sample_lake(), &[]);
        let asking = Command::new("psql")
            .args([
                "-X",
                "-h",
                "127.0.0.1",
                "-p",
                &server.port,
                "-U",
                "tester",
                "-d",
                "keytrail",
                "-c",
            ])
            .arg(
                "SELECT sum(length(a.eventid || b.eventid || c.eventid)) FROM cloudtrail a, cloudtrail b, cloudtrail c",
            )
            .stderr(Stdio::piped())
            .spawn();
        std::thread::sleep(Duration::from_secs(1));
        server.signal(signal);
        assert_eq!(server.code(), Some(0), "{signal}");
        if let Ok(asking) = asking {
            let said = asking.wait_with_output().unwrap();
            assert!(!said.status.success());
        }
    }
}

#[test]
fn what_was_ingested_later_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-logs/AWSLogs/o-exampleorgid");
    let mut days: Vec<std::path::PathBuf> = Vec::new();
    let mut folders = vec![if samples.is_dir() {
        samples
    } else {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-logs/AWSLogs")
    }];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(".json.gz") && path.to_string_lossy().contains("/CloudTrail/") {
                days.push(path);
            }
        }
    }
    days.sort();
    let ingest = |path: &Path| {
        let done = on(folder.path(), &["ingest", &path.display().to_string()]);
        assert_eq!(done.code, 0, "{}", done.stderr);
    };
    ingest(&days[0]);
    let server = Server::start(folder.path(), &["--refresh", "1s"]);
    let Some((_, before)) = server.psql(&["-At", "-c", "SELECT count(*) FROM cloudtrail"]) else {
        return;
    };
    ingest(&days[1]);
    std::thread::sleep(Duration::from_secs(2));
    let after = server
        .psql(&["-At", "-c", "SELECT count(*) FROM cloudtrail"])
        .unwrap()
        .1;
    let number = |text: &str| text.trim().parse::<u64>().unwrap();
    assert!(number(&after) > number(&before), "{before} {after}");
}
