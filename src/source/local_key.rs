//! The identity of a local file: what its key would be in S3 as far as the path tells, and never where this machine keeps it.
//! So the same logs, copied to another folder or machine, are recognised as taken.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::{Component, Path, PathBuf};

/// Where CloudTrail's own part of a key begins.
const LOGS: &str = "AWSLogs";

/// How the files of one folder are named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Naming {
    lead: String,
}

impl Naming {
    /// Keys below a folder: from the folder's own `AWSLogs` component if it lies below one, else from its name.
    pub(super) fn of_folder(folder: &Path) -> Naming {
        let components = components(&whole(folder));
        let begin = components
            .iter()
            .rposition(|component| component == LOGS)
            .unwrap_or(components.len().saturating_sub(1));
        let mut lead = components.get(begin..).unwrap_or_default().join("/");
        if !lead.is_empty() {
            lead.push('/');
        }
        Naming { lead }
    }

    /// The key of a file, by its path below the folder. A path that holds `AWSLogs/` itself is a whole key already.
    pub(super) fn key(&self, relative: &Path) -> String {
        let components = components(relative);
        let folders = components.len().saturating_sub(1);
        let path = components.join("/");
        if components.iter().take(folders).any(|component| component == LOGS) {
            path
        } else {
            self.lead.clone() + &path
        }
    }
}

/// The key of a file named on its own: from its `AWSLogs` component, else the file's name.
pub(super) fn of_file(file: &Path) -> String {
    let components = components(&whole(file));
    let last = components.len().saturating_sub(1);
    let begin = components
        .iter()
        .take(last)
        .rposition(|component| component == LOGS)
        .unwrap_or(last);
    components.get(begin..).unwrap_or_default().join("/")
}

/// One component as text. What is not UTF-8 is percent-encoded, so that no two names become one.
pub(super) fn component(name: &OsStr) -> String {
    if let Some(text) = name.to_str() {
        return text.to_owned();
    }
    let mut encoded = String::new();
    for chunk in name.as_encoded_bytes().utf8_chunks() {
        encoded.push_str(&chunk.valid().replace('%', "%25"));
        for byte in chunk.invalid() {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// The path from the root, without `.` and `..`: names the user did not type, such as that of `.`, are looked up.
fn whole(path: &Path) -> PathBuf {
    let is_plain = path.file_name().is_some() && !path.components().any(|part| part == Component::ParentDir);
    let found = if is_plain {
        std::path::absolute(path)
    } else {
        std::fs::canonicalize(path)
    };
    found.unwrap_or_else(|_| path.to_owned())
}

fn components(path: &Path) -> Vec<String> {
    path.components()
        .filter_map(|part| {
            if let Component::Normal(name) = part {
                Some(component(name))
            } else {
                None
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(folder: &str, relative: &str) -> String {
        Naming::of_folder(Path::new(folder)).key(Path::new(relative))
    }

    #[test]
    fn a_folders_name_leads_unless_the_layout_does() {
        assert_eq!(key("/srv/me/logs", "a/x.json"), "logs/a/x.json");
        assert_eq!(
            key("/srv/me/logs/", "AWSLogs/111122223333/x.json"),
            "AWSLogs/111122223333/x.json"
        );
        assert_eq!(
            key("/srv/me/logs", "mine/AWSLogs/111122223333/x.json"),
            "mine/AWSLogs/111122223333/x.json"
        );
        assert_eq!(key("logs", "AWSLogs"), "logs/AWSLogs");
        assert_eq!(key("/", "x.json"), "x.json");
    }

    #[test]
    fn a_folder_inside_the_layout_gives_the_same_keys_as_the_whole() {
        let whole = key("/mirror", "AWSLogs/111122223333/CloudTrail/us-east-1/x.json");
        assert_eq!(
            key("/mirror/AWSLogs", "111122223333/CloudTrail/us-east-1/x.json"),
            whole
        );
        assert_eq!(
            key("/mirror/AWSLogs/111122223333/CloudTrail", "us-east-1/x.json"),
            whole
        );
        assert_eq!(
            of_file(Path::new("/mirror/AWSLogs/111122223333/CloudTrail/us-east-1/x.json")),
            whole
        );
    }

    #[test]
    fn a_lone_file_goes_by_its_name() {
        assert_eq!(of_file(Path::new("/srv/me/x.json")), "x.json");
        assert_eq!(of_file(Path::new("x.json")), "x.json");
        assert_eq!(of_file(Path::new("/srv/me/AWSLogs")), "AWSLogs");
    }

    #[test]
    fn the_name_of_the_current_folder_is_looked_up() {
        let here = std::env::current_dir().unwrap();
        let name = here.file_name().unwrap().to_str().unwrap();
        assert_eq!(key(".", "x.json"), format!("{name}/x.json"));
        assert_eq!(key("src/..", "x.json"), format!("{name}/x.json"));
    }

    #[cfg(unix)]
    #[test]
    fn names_that_are_not_utf8_stay_apart() {
        use std::os::unix::ffi::OsStrExt;
        assert_eq!(component(OsStr::from_bytes(b"a\xff%b")), "a%FF%25b");
        assert_ne!(
            component(OsStr::from_bytes(b"a\xff")),
            component(OsStr::from_bytes(b"a\xfe"))
        );
    }
}
