//! Reports as a user gets them: the sample organization's, the office's as golden files, and one whose names are hostile.

mod admin_rights;
mod browser;
mod evidence;
mod hostile;
mod unused_keys;

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use crate::support::program::{Run, on, run};

/// The instant the sample's story ends at.
pub const AS_OF: &str = "2026-10-09T06:00:00Z";

/// The sample organization with its snapshot, made once.
pub fn sample() -> &'static Path {
    static LAKE: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
        let folder = tempfile::tempdir().unwrap();
        let lake = folder.path().display().to_string();
        let part = |name: &str| sample_logs().join(name).display().to_string();
        let taken = run(&["--lake", &lake, "ingest", &part("AWSLogs")]);
        assert_eq!(taken.code, 0, "{}", taken.stderr);
        let imported = run(&["--lake", &lake, "snapshot", "import", &part("snapshot/bundle.json")]);
        // The story's collector was refused two answers.
        assert_eq!(imported.code, 3, "{}", imported.stderr);
        folder
    });
    LAKE.path()
}

pub fn sample_logs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-logs")
}

/// Runs `report` on a lake.
pub fn report(lake: &(impl AsRef<Path> + ?Sized), arguments: &[&str]) -> Run {
    let mut all = vec!["report"];
    all.extend(arguments);
    on(lake, &all)
}

/// Compares with a golden file; a missing one is a failure, never written by the way.
pub fn golden(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("golden");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}
