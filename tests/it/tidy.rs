//! Rules about the source itself: layers, purity, documentation, ASCII, nothing of one machine.

use std::path::{Path, PathBuf};

/// Rooms in the order in which data meets them: a room names only those before it.
const ROOMS: [&str; 15] = [
    "model", "trail", "policy", "replay", "snapshot", "coverage", "aws", "source", "lake", "ingest", "engine", "trace",
    "report", "serve", "cli",
];

/// Rooms that know no disk, network, clock, SDK or query engine, and what would betray them.
const PURE: [&str; 8] = [
    "model", "trail", "policy", "replay", "snapshot", "coverage", "trace", "report",
];
const IMPURE: [&str; 12] = [
    "std::fs",
    "TcpStream",
    "UdpSocket",
    "std::env",
    "std::process",
    "SystemTime",
    "Instant::now",
    "Utc::now",
    "tokio::",
    "datafusion::",
    "deltalake::",
    "aws_sdk_",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files_under(folder: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else {
        return found;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if name.starts_with('.') || name == "target" {
            continue;
        }
        if path.is_dir() {
            found.extend(files_under(&path, extensions));
        } else if extensions.iter().any(|extension| name.ends_with(extension)) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn sources() -> Vec<(PathBuf, String)> {
    let mut files = files_under(&root().join("src"), &[".rs"]);
    files.extend(files_under(&root().join("tests"), &[".rs"]));
    files.extend(files_under(&root().join("benches"), &[".rs"]));
    files
        .into_iter()
        .map(|path| {
            (
                path.strip_prefix(root()).unwrap().to_owned(),
                std::fs::read_to_string(&path).unwrap(),
            )
        })
        .collect()
}

fn room_of(path: &Path) -> Option<&str> {
    let mut parts = path.iter().filter_map(|part| part.to_str());
    if parts.next() != Some("src") {
        return None;
    }
    parts.next().map(|room| room.trim_end_matches(".rs"))
}

/// The code of a file: without comments, and without its tests.
fn code(text: &str) -> String {
    let production = text.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = production.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_room_names_only_the_rooms_below_it() {
    for (path, text) in sources() {
        let Some(room) = room_of(&path) else { continue };
        let Some(height) = ROOMS.iter().position(|known| *known == room) else {
            assert!(
                ["lib", "main"].contains(&room),
                "{}: `{room}` is not a room",
                path.display()
            );
            continue;
        };
        for above in &ROOMS[height + 1..] {
            for way in [format!("crate::{above}"), format!("keytrail::{above}")] {
                assert!(
                    !code(&text).contains(&way),
                    "{}: {room} must not name {above}",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn pure_rooms_reach_for_nothing() {
    for (path, text) in sources() {
        if path.file_name().is_some_and(|name| name == "tests.rs")
            || !room_of(&path).is_some_and(|room| PURE.contains(&room))
        {
            continue;
        }
        for betrayal in IMPURE {
            assert!(
                !code(&text).contains(betrayal),
                "{}: names `{betrayal}`",
                path.display()
            );
        }
    }
}

#[test]
fn libraries_stay_in_their_rooms() {
    let homes: [(&str, &[&str]); 4] = [
        ("datafusion", &["lake", "engine", "serve"]),
        ("aws_sdk_", &["aws"]),
        ("clap", &["cli"]),
        ("anyhow", &["cli"]),
    ];
    for (path, text) in sources() {
        let Some(room) = room_of(&path) else { continue };
        for (library, rooms) in homes {
            let named = code(&text).contains(&format!("{library}::"))
                || (library.ends_with('_') && code(&text).contains(library));
            assert!(!named || rooms.contains(&room), "{}: names `{library}`", path.display());
        }
    }
}

#[test]
fn every_file_says_what_it_is() {
    for (path, text) in sources() {
        assert!(
            text.starts_with("//! "),
            "{}: does not begin with a `//!` line",
            path.display()
        );
    }
}

#[test]
fn source_is_ascii_without_trailing_space() {
    for (path, text) in sources() {
        for (number, line) in text.lines().enumerate() {
            assert!(line.is_ascii(), "{}: line {} is not ASCII", path.display(), number + 1);
            assert!(
                line.trim_end() == line,
                "{}: line {} ends in space",
                path.display(),
                number + 1
            );
        }
    }
}

#[test]
fn nothing_belongs_to_one_machine() {
    let mut files = files_under(root(), &[".rs", ".md", ".sql", ".toml", ".py", ".sh", ".txt"]);
    files.retain(|path| !path.ends_with("tests/it/tidy.rs"));
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        for home in ["/Users/", "/root/", "/work/"] {
            assert!(
                !text.contains(home),
                "{}: names a path of one machine (`{home}`)",
                path.display()
            );
        }
    }
}

#[test]
fn the_code_map_names_every_room() {
    let map = std::fs::read_to_string(root().join("src/lib.rs")).unwrap();
    for room in ROOMS {
        if root().join("src").join(room).join("mod.rs").exists() && map.contains(&format!("pub mod {room};")) {
            assert!(
                map.contains(&format!("//! - [`{room}`]:")),
                "`{room}` is not in the code map"
            );
        }
    }
}
