//! Lakes of generated records, kept between runs, and an interpreter with the engines to compare with.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::generator::corpus::Corpus;

/// What the environment says of a setting, or else its default.
pub fn setting(name: &str, default: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| default.to_owned())
}

/// The program on a lake.
pub fn keytrail(lake: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keytrail"));
    command.arg("--lake").arg(lake);
    command
}

fn run(command: &mut Command) {
    assert!(
        command.arg("-q").stdout(Stdio::null()).status().unwrap().success(),
        "{command:?}"
    );
}

/// The compacted lake of a corpus, with its snapshot or without, made where it is not there yet.
pub fn made(name: &str, corpus: &Corpus, with_snapshot: bool) -> PathBuf {
    let records = corpus.records;
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{records}"));
    let lake = folder.join("lake");
    if folder.join("ready").exists() {
        return lake;
    }
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    eprintln!("writing {records} records to {}", folder.display());
    let logs = folder.join("logs");
    corpus.write_to(&logs).unwrap();
    run(keytrail(&lake).arg("ingest").arg(&logs));
    if with_snapshot {
        let bundle = folder.join("bundle.json");
        std::fs::write(&bundle, corpus.bundle().to_string()).unwrap();
        run(keytrail(&lake).args(["snapshot", "import"]).arg(&bundle));
    }
    run(keytrail(&lake).arg("compact"));
    std::fs::remove_dir_all(&logs).unwrap();
    std::fs::write(folder.join("ready"), "").unwrap();
    lake
}

/// An interpreter with `tests/python/requirements.txt`, where Python can have it.
pub fn python() -> Option<PathBuf> {
    let venv = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("bench-venv");
    let python = venv.join("bin/python");
    if !venv.join("ready").exists() {
        let made = Command::new("python3").args(["-m", "venv"]).arg(&venv).status().ok()?;
        let requirements = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/requirements.txt");
        let mut install = Command::new(&python);
        install.args(["-m", "pip", "install", "-q", "-r"]).arg(requirements);
        if !made.success() || !install.status().ok()?.success() {
            return None;
        }
        std::fs::write(venv.join("ready"), "").ok()?;
    }
    Some(python)
}
