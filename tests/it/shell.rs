//! The shell, as a person at a terminal has it and as a script has it.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::support::lake::sample_lake;
use crate::support::program::keytrail;
use crate::support::python;

#[test]
fn a_person_at_a_terminal_is_helped() {
    let Some(python) = python::interpreter() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(python);
    command
        .arg(python::script("shell_session.py"))
        .arg(env!("CARGO_BIN_EXE_keytrail"));
    let done = command.arg(sample_lake()).arg(folder.path()).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(
        done.status.success(),
        "{}\n{said}",
        String::from_utf8_lossy(&done.stdout)
    );
}

fn script(text: &str) -> (Option<i32>, String, String) {
    let mut command = keytrail();
    command
        .arg("--lake")
        .arg(sample_lake())
        .args(["shell", "--history", ""]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let done = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (done.status.code(), text(done.stdout), text(done.stderr))
}

#[test]
fn a_script_is_answered_and_says_whether_all_of_it_ran() {
    let (code, rows, said) = script(".mode csv\nSELECT 1 AS a;\nSELECT\n2 AS b; SELECT 3 AS c");
    assert_eq!((code, rows.as_str()), (Some(0), "a\n1\nb\n2\nc\n3\n"), "{said}");
    let (code, rows, said) = script(".mode csv\nSELECT nothing FROM cloudtrail;\nSELECT 1 AS a;\n.nonsense\n");
    assert_eq!((code, rows.as_str()), (Some(2), "a\n1\n"), "{said}");
    assert!(said.contains("there is no column `nothing`") && said.contains("there is no command `.nonsense`"));
    let (code, rows, _) = script(".quit\nSELECT 1 AS a;\n");
    assert_eq!((code, rows.as_str()), (Some(0), ""));
}
