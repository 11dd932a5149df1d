//! Pages in a headless Chromium: hostile names run nothing, the page's own script works. Skips aloud without a browser.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::hostile::hostile_office;
use super::report;

/// The browser, wherever this machine has it.
fn chromium() -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    let names = [
        "chromium",
        "chromium-browser",
        "google-chrome",
        "google-chrome-stable",
        "chrome",
    ];
    let held = std::env::split_paths(&folders).flat_map(|folder| names.map(|name| folder.join(name)));
    held.into_iter().find(|path| path.is_file())
}

/// The page as it is after its script ran, with what this adds to it at the end.
pub fn rendered(page: &str, probe: &str) -> Option<String> {
    let Some(chromium) = chromium() else {
        // Straight to standard error: the test harness would swallow a print of a test that passes.
        let _ = writeln!(std::io::stderr(), "SKIPPED: there is no chromium on this machine");
        return None;
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("page.html");
    std::fs::write(&path, page).unwrap();
    Some(dump(&chromium, &path, folder.path(), probe))
}

fn dump(chromium: &Path, page: &Path, folder: &Path, size: &str) -> String {
    let done = Command::new(chromium)
        .args([
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--virtual-time-budget=2000",
        ])
        .arg(format!("--window-size={size}"))
        .arg(format!("--user-data-dir={}", folder.join("profile").display()))
        .arg("--dump-dom")
        .arg(format!("file://{}", page.display()))
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

#[test]
fn nothing_hostile_runs_and_the_page_s_own_script_does() {
    let lake = hostile_office();
    let page = report(
        &lake,
        &[
            "unused-keys",
            "--as-of",
            "2026-01-08",
            "--window",
            "5d",
            "--format",
            "html",
        ],
    );
    let Some(shown) = rendered(&page.stdout, "1280,900") else {
        return;
    };
    assert!(
        shown.contains("<title>Unused KMS keys as of 2026-01-08T00:00:00Z</title>"),
        "the title was changed"
    );
    assert!(shown.contains("5 of 5 shown"), "the page's own script did not run");
    assert!(
        shown.contains("<button type=\"button\">Key</button>"),
        "headings are no buttons"
    );
    // On a phone nothing is wider than the screen.
    let probe = "<script>addEventListener('load', () => document.body.dataset.wide = document.documentElement.scrollWidth > innerWidth + 1)</script></body>";
    let open = page
        .stdout
        .replace("Content-Security-Policy", "x-not-a-policy")
        .replace("</body>", probe);
    let shown = rendered(&open, "500,900").unwrap();
    assert!(shown.contains("data-wide=\"false\""), "the page is wider than a phone");
    // The same page, had escaping failed: the policy of the page still refuses what is not its own.
    let broken = page.stdout.replacen(
        "<h1>",
        "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\"><h1>",
        1,
    );
    let shown = rendered(&broken, "1280,900").unwrap();
    assert!(shown.contains("<title>Unused KMS keys"), "a foreign script ran");
    assert!(shown.contains("5 of 5 shown"));
}
