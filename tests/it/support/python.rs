//! A Python of the tests' own: a virtual environment below the build folder, made once from `tests/python/requirements.txt`.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The interpreter, or `None` (said aloud) where this machine has no Python 3 or cannot reach the package index. In CI that is a failure.
pub fn interpreter() -> Option<&'static Path> {
    static FOUND: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    match FOUND.get_or_init(make) {
        Ok(python) => Some(python),
        Err(why) => {
            let name = std::thread::current().name().unwrap_or("a test").to_owned();
            assert!(
                std::env::var("CI").as_deref() != Ok("true"),
                "{name} needs Python: {why}"
            );
            // Straight to standard error: the test harness would swallow a print of a test that passes.
            let _ = writeln!(std::io::stderr(), "SKIPPED: {name}: {why}");
            None
        }
    }
}

/// A script of `tests/python`.
pub fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python").join(name)
}

fn make() -> Result<PathBuf, String> {
    let requirements = fs::read(script("requirements.txt")).unwrap();
    // A changed list makes a new environment, and an old one stays usable for other checkouts.
    let hash = requirements.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
    });
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("python-{hash:016x}"));
    fs::create_dir_all(&home).unwrap();
    // Test processes may run side by side; the first makes it, the others wait.
    let lock = fs::File::create(home.join("lock")).unwrap();
    lock.lock().unwrap();
    let (venv, ready) = (home.join("venv"), home.join("ready"));
    let python = venv.join("bin/python");
    if ready.exists() {
        return Ok(python);
    }
    if venv.exists() {
        fs::remove_dir_all(&venv).unwrap();
    }
    run(Command::new("python3").args(["-m", "venv"]).arg(&venv), |_| true)?;
    let mut install = Command::new(&python);
    install.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--retries",
        "2",
        "-r",
    ]);
    // Only a missing network is a reason to skip; a requirement that does not resolve is a fault of the list.
    let is_network = |said: &str| {
        ["Connection", "Timeout", "timed out", "ProxyError", "resolve"]
            .iter()
            .any(|word| said.contains(word))
    };
    run(install.arg(script("requirements.txt")), is_network)?;
    fs::write(ready, "").unwrap();
    Ok(python)
}

fn run(command: &mut Command, may_skip: impl Fn(&str) -> bool) -> Result<(), String> {
    match command.stdin(Stdio::null()).output() {
        Err(error) => Err(format!("{command:?}: {error}")),
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(may_skip(&said), "{command:?}: {said}");
            Err(format!("{command:?}: {said}"))
        }
    }
}
