//! What the README says other engines can do with the tables, done.

use std::path::Path;
use std::process::Command;

use crate::support::lake::sample_lake;
use crate::support::program::ask;
use crate::support::python;

#[test]
fn the_lines_of_the_readme_give_the_same_number() {
    let Some(python) = python::interpreter() else { return };
    let expected = ask(
        sample_lake(),
        &["SELECT count(*) AS n FROM cloudtrail WHERE eventtime >= '2026-09-01'"],
    );
    let expected = expected[0]["n"].to_string();
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(sample_lake(), folder.path().join("keytrail-lake")).unwrap();
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let lines: Vec<&str> = readme
        .lines()
        .filter(|line| line.contains("'keytrail-lake/cloudtrail'") && line.contains(" -c \""))
        .collect();
    assert_eq!(lines.len(), 3);
    for line in lines {
        let (program, rest) = line.split_once(" -c \"").unwrap();
        let text = rest.trim_end().strip_suffix('"').unwrap();
        let script = match program {
            // The extension comes from the package index here, not from DuckDB's site.
            "duckdb" => format!(
                "import duckdb, duckdb_extensions\nc = duckdb.connect()\n\
                 duckdb_extensions.import_extension('delta', con=c)\nprint(c.sql({:?}).fetchall()[0][0])",
                text.replace("INSTALL delta; ", "")
            ),
            _ => text.to_owned(),
        };
        let done = Command::new(python)
            .args(["-c", &script])
            .current_dir(folder.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&done.stdout).trim().to_owned();
        assert_eq!(said, expected, "{line}\n{}", String::from_utf8_lossy(&done.stderr));
    }
}
