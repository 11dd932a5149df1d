//! Which names look like logs. Generous: what is skipped is counted and named, and a file that is named on the command
//! line is taken whatever it is called.

/// Endings that carry logs, once an ending of rotation (`.1`, `.20240102`) is off.
const LOGS: [&str; 10] = [
    "json",
    "jsonl",
    "ndjson",
    "log",
    "logs",
    "gz",
    "gzip",
    "cloudtrail",
    "events",
    "records",
];

/// Endings that carry something else, also below a `.gz`.
const OTHERS: [&str; 26] = [
    "asc", "avro", "bak", "crc", "csv", "html", "md", "md5", "orc", "parquet", "part", "pdf", "py", "sha256", "sig",
    "sql", "swp", "tar", "tmp", "toml", "tsv", "txt", "xml", "yaml", "yml", "zip",
];

/// Names without an ending that are no logs.
const PAPERS: [&str; 9] = [
    "CHANGELOG",
    "CONTRIBUTING",
    "LICENSE",
    "MANIFEST",
    "Makefile",
    "NOTICE",
    "README",
    "SHA256SUMS",
    "_SUCCESS",
];

/// Whether an object of this name, met in a folder or under a prefix, is read.
pub fn looks_like_log(name: &str) -> bool {
    if is_hidden(name) || name.ends_with('~') || PAPERS.contains(&name) {
        return false;
    }
    let mut endings = name.split('.').skip(1).map(str::to_ascii_lowercase).collect::<Vec<_>>();
    while endings
        .last()
        .is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-'))
    {
        endings.pop();
    }
    match endings.pop() {
        None => true,
        Some(last) if OTHERS.contains(&last.as_str()) => false,
        Some(last) if last == "gz" || last == "gzip" => {
            endings.last().is_none_or(|inner| !OTHERS.contains(&inner.as_str()))
        }
        Some(last) => LOGS.contains(&last.as_str()) || endings.iter().any(|ending| ending == "json"),
    }
}

/// Whether a file or folder is hidden, or holds a table's own log rather than a trail's.
pub(super) fn is_hidden(name: &str) -> bool {
    name.starts_with('.') || name == "_delta_log" || name == "__MACOSX"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_are_told_from_papers() {
        for name in [
            "x.json",
            "x.json.gz",
            "x.gz",
            "x.JSONL",
            "x.ndjson",
            "cloudtrail.log",
            "x.json.cloudtrail",
            "records",
            "x.log.1",
            "x.log.2024-01-02.gz",
            "111122223333_CloudTrail_us-east-1_20240102T0304Z_Aa.json.gz",
            "a.b.c.gz",
            "my.account.json",
        ] {
            assert!(looks_like_log(name), "{name}");
        }
        for name in [
            "SOURCE.txt",
            "README.md",
            "README",
            ".DS_Store",
            ".x.json",
            "x.parquet",
            "x.sql",
            "x.csv",
            "x.csv.gz",
            "x.tar.gz",
            "x.json~",
            "x.json.swp",
            "x.json.tmp",
            "x.png",
            "_SUCCESS",
            "_delta_log",
            "x.txt.gz",
        ] {
            assert!(!looks_like_log(name), "{name}");
        }
    }
}
