//! Names, tags and principals that would run script, a formula or Markdown, or reorder text: shown, and nothing more.

use serde_json::{Value, json};

use super::report;
use crate::support::lake::{ACCOUNT, TestLake, event, key_arn};
use crate::support::permissions::{bundle, guarded_office, keep};

/// What an attacker would write into a tag, a description or a session's name.
pub const SCRIPTS: [&str; 6] = [
    "<script>document.title='owned'</script>",
    "\"><img src=x onerror=\"document.title='owned'\">",
    "'};document.title='owned';//",
    "</title></style></script><svg onload=\"document.title='owned'\">",
    "{{ 7 * 7 }}{% raw %}",
    "javascript:document.title='owned'",
];

pub const FORMULAS: [&str; 5] = [
    "=HYPERLINK(\"https://example.com\")",
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    " \t=1+1",
];

/// The office with hostile names wherever AWS lets a user choose them.
pub fn hostile_office() -> TestLake {
    let lake = guarded_office();
    let mut bundle = bundle();
    bundle["collected_at"] = json!("2026-01-07T00:00:00.5Z");
    let texts: Vec<&str> = SCRIPTS.into_iter().chain(FORMULAS).collect();
    for (at, key) in bundle["kms"]["keys"].as_array_mut().unwrap().iter_mut().enumerate() {
        let id = key["KeyMetadata"]["KeyId"].as_str().unwrap().to_owned();
        let of = |shift: usize| texts[(at * 3 + shift) % texts.len()];
        key["KeyMetadata"]["Description"] = json!(format!("{} \u{202e}drowssap\u{2066}\u{7}", of(0)));
        let tags: Vec<Value> = texts
            .iter()
            .enumerate()
            .map(|(number, text)| json!({"TagKey": format!("{text}{number}"), "TagValue": text}))
            .chain([json!({"TagKey": "owner", "TagValue": of(1)})])
            .collect();
        key["Tags"] = json!(tags);
        key["Aliases"] = json!([{"AliasName": format!("alias/{}", of(2)), "AliasArn": format!("arn:aws:kms:us-east-1:{ACCOUNT}:alias/{}", of(2)), "TargetKeyId": id}]);
        key["Grants"] = json!([{"KeyId": key_arn(&id), "GrantId": format!("grant-{id}"), "Name": of(0), "CreationDate": "2025-06-01T00:00:00Z",
            "GranteePrincipal": format!("arn:aws:iam::{ACCOUNT}:user/{}", of(0)), "IssuingAccount": of(1), "Operations": ["Decrypt"],
            "Constraints": {"EncryptionContextSubset": {of(2): of(1)}}}]);
        let sid = json!({"Version": "2012-10-17", "Id": of(1), "Statement": [
            {"Sid": of(2), "Effect": "Allow", "Principal": {"AWS": format!("arn:aws:iam::{ACCOUNT}:root")}, "Action": "kms:*", "Resource": "*"}]});
        key["Policy"] = json!(sid.to_string());
    }
    bundle["iam"][ACCOUNT]["UserDetailList"][0]["UserPolicyList"][0]["PolicyName"] = json!(SCRIPTS[0]);
    keep(&lake, &bundle);
    for (at, text) in texts.iter().enumerate() {
        let arn = format!("arn:aws:sts::{ACCOUNT}:assumed-role/Worker/{text}");
        let identity = json!({"type": "AssumedRole", "arn": arn, "accountid": ACCOUNT, "principalid": format!("AROAEXAMPLE:{text}")});
        lake.events([
            event(&format!("hostile-{at}"), "2026-01-06T12:00:00Z", "Decrypt")
                .keys(&["orders"])
                .by(
                    &format!("arn:aws:iam::{ACCOUNT}:role/{text}"),
                    "AROAEXAMPLE",
                    identity.clone(),
                )
                .with("useragent", *text)
                .with("sourceipaddress", *text),
            event(&format!("hostile-admin-{at}"), "2026-01-06T12:10:00Z", "TagResource")
                .keys(&["orders"])
                .by(&format!("arn:aws:iam::{ACCOUNT}:role/{text}"), "AROAEXAMPLE", identity)
                .with("errorcode", *text),
        ]);
    }
    lake
}

/// Whatever a page's text holds, its tags are the templates' own: no other element, no handler, nothing loaded.
pub fn assert_harmless_page(page: &str) {
    const KNOWN: &str = "!doctype html head meta title style body a main footer script h1 h2 h3 p b br code pre ul ol li section div \
        span table caption thead tbody tr th td label input select option details summary dl dt dd svg rect path circle text line sup";
    let known: Vec<&str> = KNOWN.split_whitespace().collect();
    let script = page
        .split_once("<script>")
        .unwrap()
        .1
        .split_once("</script>")
        .unwrap()
        .0;
    let style = page.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
    let plain = page.replace(script, "").replace(style, "");
    let mut tags = 0;
    for part in plain.split('<').skip(1) {
        let tag = part
            .split_once('>')
            .unwrap_or_else(|| panic!("a tag is open: {part}"))
            .0;
        let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap();
        assert!(known.contains(&name), "`<{tag}>` is none of the templates' elements");
        // Values are quoted, and a quote within one is escaped: between them stand names only.
        let names: String = tag.split('"').step_by(2).collect();
        for way in [" src", " on", "srcdoc", "href=javascript"] {
            assert!(!names.contains(way), "`<{tag}>` has `{way}`");
        }
        assert!(
            !tag.contains("href=\"javascript") && !tag.contains("href=\"http"),
            "`<{tag}>` leads away"
        );
        tags += 1;
    }
    assert!(tags > 100);
    assert_eq!(page.matches("<script").count(), 1, "only the page's own script");
    assert!(!page.contains(['\u{202e}', '\u{2066}', '\u{7}']));
}

/// Whether no cell of a CSV would be taken for a formula, by an independent reader of RFC 4180.
pub fn assert_harmless_cells(text: &str) {
    let mut cells = 0;
    let mut reader = Reader { rest: text };
    while let Some(cell) = reader.cell() {
        cells += 1;
        let first = cell
            .trim_start_matches(|letter: char| letter.is_whitespace() || letter.is_control())
            .chars()
            .next();
        let is_number = cell.parse::<f64>().is_ok();
        assert!(
            is_number || !matches!(first, Some('=' | '+' | '-' | '@')),
            "`{cell}` is a formula"
        );
    }
    assert!(cells > 10);
}

struct Reader<'t> {
    rest: &'t str,
}

impl Reader<'_> {
    fn cell(&mut self) -> Option<String> {
        if self.rest.is_empty() {
            return None;
        }
        let mut cell = String::new();
        let mut letters = self.rest.char_indices().peekable();
        let quoted = self.rest.starts_with('"');
        if quoted {
            letters.next();
        }
        let mut open = quoted;
        while let Some((at, letter)) = letters.next() {
            if open && letter == '"' {
                if letters.peek().is_some_and(|(_, next)| *next == '"') {
                    letters.next();
                    cell.push('"');
                } else {
                    open = false;
                }
            } else if !open && matches!(letter, ',' | '\n') {
                self.rest = &self.rest[at + 1..];
                return Some(cell);
            } else {
                cell.push(letter);
            }
        }
        assert!(!open, "a quote is not closed");
        self.rest = "";
        Some(cell)
    }
}

#[test]
fn hostile_names_are_only_shown() {
    let lake = hostile_office();
    let of = |format: &str| {
        let done = report(
            &lake,
            &[
                "unused-keys",
                "--as-of",
                "2026-01-08",
                "--window",
                "5d",
                "--format",
                format,
            ],
        );
        assert!([0, 3].contains(&done.code), "{}", done.stderr);
        done.stdout
    };
    let page = of("html");
    assert_harmless_page(&page);
    assert!(
        page.contains("&lt;script&gt;document.title"),
        "it is shown, not dropped"
    );
    assert_harmless_cells(&of("csv"));
    let markdown = of("markdown");
    for way in ["<script", "<img", "](", "\u{202e}"] {
        assert!(!markdown.contains(way), "`{way}` is in the Markdown");
    }
    let told: Value = serde_json::from_str(&of("json")).unwrap();
    let orders = told["keys"]
        .as_array()
        .unwrap()
        .iter()
        .find(|key| key["key_id"] == "orders")
        .unwrap();
    let held = SCRIPTS.into_iter().chain(FORMULAS);
    for text in held {
        assert!(
            orders["tag_list"].to_string().contains(&json!(text).to_string()[1..6]),
            "{text}"
        );
    }
}
