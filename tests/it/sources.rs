//! Sources against real folders, a real S3 server, and a stand-in for S3 where it must fail: what is listed, in which order, what is
//! not read and why, and that bytes arrive once and whole.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::Path;

use chrono::NaiveDate;
use futures::StreamExt;
use keytrail::source::{self, Dates, Error, Fault, Listed, Object, Options, Skip, Skipped, Source};
use keytrail::trail::object_key::Kind;

use crate::support::moto::{self, Bucket, Moto};
use crate::support::s3_double::{Act, S3Double};

/// A listing taken apart.
#[derive(Debug, Default)]
struct Found {
    objects: Vec<Object>,
    skipped: Vec<Skipped>,
    faults: Vec<Fault>,
    note: Option<String>,
}

impl Found {
    fn keys(&self) -> Vec<&str> {
        self.objects.iter().map(|object| object.key.as_str()).collect()
    }

    fn skips(&self) -> Vec<(&str, Skip)> {
        self.skipped
            .iter()
            .map(|skipped| (skipped.key.as_str(), skipped.why))
            .collect()
    }
}

async fn found(word: impl AsRef<OsStr>, options: &Options) -> Result<Found, Error> {
    let mut listing = source::list(&Source::parse(word.as_ref()).unwrap(), options).await?;
    let mut found = Found {
        note: listing.note.clone(),
        ..Found::default()
    };
    while let Some(item) = listing.next().await {
        match item {
            Listed::Object(object) => found.objects.push(object),
            Listed::Skipped(skipped) => found.skipped.push(skipped),
            Listed::Fault(fault) => found.faults.push(fault),
        }
    }
    Ok(found)
}

async fn read(object: &Object) -> Result<(Vec<u8>, source::Finished), Error> {
    let mut body = object.open();
    let mut bytes = Vec::new();
    while let Some(piece) = body.next().await {
        bytes.extend_from_slice(&piece?);
    }
    Ok((bytes, body.finished().unwrap().clone()))
}

fn on(server: &Moto) -> Options {
    Options {
        aws: Some(server.config()),
        ..Options::default()
    }
}

fn on_double(server: &S3Double) -> Options {
    Options {
        aws: Some(moto::config(&server.endpoint)),
        ..Options::default()
    }
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// A trail's key of one account, Region and day.
fn trail_key(account: &str, kind: &str, region: &str, day: &str, suffix: &str) -> String {
    let (path, stamp) = (day.replace('-', "/"), day.replace('-', ""));
    format!(
        "AWSLogs/{account}/{kind}/{region}/{path}/{}_{kind}_{region}_{stamp}T0005Z_{suffix}.json.gz",
        &account[account.len() - 12..]
    )
}

// --- S3 ---

#[tokio::test(flavor = "multi_thread")]
async fn a_prefix_of_several_pages_is_listed_whole_and_in_order() {
    let Some(server) = Moto::shared() else { return };
    let bucket = server.bucket().await;
    let mut keys: Vec<String> = (0..1_100)
        .map(|number| {
            trail_key(
                "111122223333",
                "CloudTrail",
                "us-east-1",
                "2024-01-02",
                &format!("{:016}", number * 7_919 % 1_100),
            )
        })
        .collect();
    bucket.put_all(&keys, |key| key.as_bytes().to_vec()).await;
    keys.sort();
    let found = found(format!("s3://{}", bucket.name), &on(server)).await.unwrap();
    let expected: Vec<String> = keys.iter().map(|key| format!("s3://{}/{key}", bucket.name)).collect();
    assert_eq!(found.keys(), expected);
    assert!(found.faults.is_empty() && found.skipped.is_empty() && found.note.is_none());
    let object = &found.objects[1_050];
    assert_eq!(object.size, keys[1_050].len() as u64);
    let (bytes, finished) = read(object).await.unwrap();
    assert_eq!(bytes, keys[1_050].as_bytes());
    assert_eq!(Some(&finished.etag), object.etag.as_ref());
    assert_eq!(finished.bytes, object.size);
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_come_in_the_order_of_the_listing_although_they_overlap() {
    let Some(server) = Moto::shared() else { return };
    let bucket = server.bucket().await;
    let keys: Vec<String> = (0..120).map(|number| format!("{number:03}.json")).collect();
    // The first are large, so that later ones are there before them.
    bucket
        .put_all(&keys, |key| {
            vec![key.as_bytes()[2]; if key < "004" { 6 << 20 } else { 10 }]
        })
        .await;
    let listing = source::list(
        &Source::parse(OsStr::new(&format!("s3://{}", bucket.name))).unwrap(),
        &on(server),
    )
    .await
    .unwrap();
    let objects = listing.filter_map(|item| async {
        if let Listed::Object(object) = item {
            Some(object)
        } else {
            None
        }
    });
    let mut bodies = Box::pin(source::read_ahead(objects, 16));
    let mut seen = Vec::new();
    while let Some((object, body)) = bodies.next().await {
        let mut reader = body.into_reader();
        let (length, first) = tokio::task::spawn_blocking(move || {
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut reader, &mut bytes).unwrap();
            assert_eq!(reader.finished().unwrap().bytes, bytes.len() as u64);
            (bytes.len() as u64, bytes[0])
        })
        .await
        .unwrap();
        assert_eq!(
            (length, first),
            (object.size, object.key.as_bytes()[object.key.len() - 6])
        );
        seen.push(object.key.rsplit('/').next().unwrap().to_owned());
    }
    assert_eq!(seen, keys);
}

/// A bucket with every layout: an account trail, an organization trail below a prefix that itself holds the word, other kinds, other
/// services, copies without layout, markers.
async fn many_layouts(bucket: &Bucket) -> Vec<String> {
    let mut keys = Vec::new();
    let days = [
        "2022-12-31",
        "2023-12-30",
        "2023-12-31",
        "2024-01-01",
        "2024-01-30",
        "2024-02-01",
        "2024-02-29",
        "2024-03-01",
        "2025-01-01",
    ];
    for day in days {
        for account in ["111122223333", "444455556666"] {
            for region in ["eu-west-1", "us-east-1"] {
                keys.push(trail_key(account, "CloudTrail", region, day, "AAAAAAAAAAAAAAAA"));
                keys.push(
                    "central/AWSLogs-old/".to_owned()
                        + &trail_key(
                            &format!("o-exampleorg/{account}"),
                            "CloudTrail",
                            region,
                            day,
                            "BBBBBBBBBBBBBBBB",
                        ),
                );
            }
        }
        keys.push(trail_key(
            "111122223333",
            "CloudTrail-Insight",
            "us-east-1",
            day,
            "CCCCCCCCCCCCCCCC",
        ));
        keys.push(trail_key(
            "111122223333",
            "vpcflowlogs",
            "us-east-1",
            day,
            "DDDDDDDDDDDDDDDD",
        ));
        let (path, stamp) = (day.replace('-', "/"), day.replace('-', ""));
        keys.push(format!("AWSLogs/111122223333/CloudTrail-Digest/us-east-1/{path}/111122223333_CloudTrail-Digest_us-east-1_my_trail_us-east-1_{stamp}T010203Z.json.gz"));
        keys.push(format!(
            "copies/{}",
            trail_key("111122223333", "CloudTrail", "us-east-1", day, "EEEEEEEEEEEEEEEE")
                .rsplit('/')
                .next()
                .unwrap()
        ));
    }
    keys.push("AWSLogs/111122223333/CloudTrail/us-east-1/notes/undated.json".to_owned());
    keys.push("copies/undated.json".to_owned());
    keys.push("AWSLogs/".to_owned());
    keys.push("AWSLogs/111122223333/CloudTrail/".to_owned());
    keys.push("copies/README.md".to_owned());
    keys.push(".hidden/x.json".to_owned());
    keys.push("table/_delta_log/00000000000000000000.json".to_owned());
    bucket
        .put_all(&keys, |key| {
            if key.ends_with('/') {
                Vec::new()
            } else {
                key.as_bytes().to_vec()
            }
        })
        .await;
    keys.sort();
    keys
}

#[tokio::test(flavor = "multi_thread")]
async fn every_layout_is_recognised_and_nothing_goes_uncounted() {
    let Some(server) = Moto::shared() else { return };
    let bucket = server.bucket().await;
    let keys = many_layouts(&bucket).await;
    let found = found(format!("s3://{}/", bucket.name), &on(server)).await.unwrap();
    let met: BTreeSet<String> = found
        .objects
        .iter()
        .map(|object| object.key.clone())
        .chain(found.skipped.iter().map(|skipped| skipped.key.clone()))
        .collect();
    assert_eq!(
        met,
        keys.iter().map(|key| format!("s3://{}/{key}", bucket.name)).collect()
    );
    let count = |kind| found.objects.iter().filter(|object| object.parts.kind == kind).count();
    assert_eq!(
        (count(Kind::CloudTrail), count(Kind::Digest), count(Kind::Unknown)),
        (9 * 9 + 1, 9, 1)
    );
    let skips = |why| found.skipped.iter().filter(|skipped| skipped.why == why).count();
    assert_eq!(skips(Skip::Kind(Kind::Insight)), 9);
    assert_eq!(skips(Skip::Kind(Kind::OtherService)), 9);
    assert_eq!(skips(Skip::Kind(Kind::Directory)), 2);
    assert_eq!((skips(Skip::Name), skips(Skip::Hidden)), (1, 2));
    let organization = found
        .objects
        .iter()
        .find(|object| object.key.contains("/o-exampleorg/"))
        .unwrap();
    assert_eq!(organization.parts.prefix.as_deref(), Some("central/AWSLogs-old/"));
}

#[tokio::test(flavor = "multi_thread")]
async fn pruning_by_date_finds_what_a_whole_listing_holds_of_those_days() {
    let Some(server) = Moto::shared() else { return };
    let bucket = server.bucket().await;
    many_layouts(&bucket).await;
    let ranges = [
        Dates::of_events(Some(day("2023-12-31")), Some(day("2023-12-31")), 0),
        Dates::of_events(Some(day("2023-12-31")), Some(day("2024-01-28")), 2),
        Dates::of_events(None, Some(day("2023-12-29")), 1),
        Dates::of_events(Some(day("2024-01-31")), Some(day("2024-02-28")), 2),
        Dates::of_events(Some(day("2030-01-01")), None, 2),
        Dates::since(day("2024-02-29")),
    ];
    for prefix in [
        "",
        "AWSLogs",
        "AWSLogs/111122223333/",
        "AWSLogs/111122223333/CloudTrail/us-east-1",
        "central",
        "copies",
    ] {
        let word = format!("s3://{}/{prefix}", bucket.name);
        let whole = found(&word, &on(server)).await.unwrap();
        for dates in ranges {
            let pruned = found(&word, &Options { dates, ..on(server) }).await.unwrap();
            let expected: Vec<&str> = whole
                .objects
                .iter()
                .filter(|object| dates.hold(object.parts.date()))
                .map(|object| object.key.as_str())
                .collect();
            assert_eq!(pruned.keys(), expected, "{word} {dates:?}");
            assert!(pruned.faults.is_empty());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_keys_are_read_by_the_names_they_have() {
    let Some(server) = Moto::shared() else { return };
    let bucket = server.bucket().await;
    let keys: Vec<String> = [
        "a b.json",
        "a+b.json",
        "a%2Bb.json",
        "a%b.json",
        "a&b<c>\"'.json",
        "a=b;c?d#e.json",
        "\u{e9}\u{1f511}.json",
        "x//y.json",
        "a\\b.json",
    ]
    .map(|name| format!("odd keys+/{name}"))
    .to_vec();
    bucket.put_all(&keys, |key| key.as_bytes().to_vec()).await;
    let found = found(format!("s3://{}/odd keys+", bucket.name), &on(server))
        .await
        .unwrap();
    let expected: BTreeSet<String> = keys.iter().map(|key| format!("s3://{}/{key}", bucket.name)).collect();
    assert_eq!(
        found
            .objects
            .iter()
            .map(|object| object.key.clone())
            .collect::<BTreeSet<_>>(),
        expected
    );
    for object in &found.objects {
        let (bytes, _) = read(object).await.unwrap();
        assert_eq!(
            format!("s3://{}/{}", bucket.name, String::from_utf8(bytes).unwrap()),
            object.key
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prefix_is_a_folder_an_object_or_with_a_star_a_beginning() {
    let Some(server) = Moto::shared() else { return };
    let bucket = server.bucket().await;
    for key in ["logs/a.json", "logs2/b.json", "logs", "lone.txt", "lone.txt2"] {
        bucket.put(key, "{}").await;
    }
    let at = |prefix: &str| format!("s3://{}/{prefix}", bucket.name);
    for (prefix, expected) in [
        ("logs", vec!["logs", "logs/a.json"]),
        ("logs/", vec!["logs/a.json"]),
        ("logs*", vec!["logs", "logs/a.json", "logs2/b.json"]),
        ("lone.txt", vec!["lone.txt"]),
        ("logs/a.json", vec!["logs/a.json"]),
    ] {
        let found = found(at(prefix), &on(server)).await.unwrap();
        assert_eq!(
            found.keys(),
            expected.into_iter().map(at).collect::<Vec<_>>(),
            "{prefix}"
        );
        assert_eq!(found.note, None, "{prefix}");
    }
    let guessed = found(at("log"), &on(server)).await.unwrap();
    assert_eq!(guessed.objects.len(), 3);
    assert!(guessed.note.unwrap().contains("there is no folder"));
    let nothing = found(at("none"), &on(server)).await.unwrap();
    assert!(nothing.objects.is_empty() && nothing.note.unwrap().contains("no objects"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_bucket_is_known_before_anything_is_read() {
    let Some(server) = Moto::shared() else { return };
    let error = found("s3://no-such-bucket-here/AWSLogs", &on(server))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "source `s3://no-such-bucket-here/AWSLogs`: the bucket does not exist"
    );
    assert!(error.hint().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_deleted_or_written_anew_after_the_listing() {
    let Some(server) = Moto::shared() else { return };
    let bucket = server.bucket().await;
    bucket.put("gone.json", "1").await;
    bucket.put("new.json", "1").await;
    let found = found(format!("s3://{}", bucket.name), &on(server)).await.unwrap();
    bucket.delete("gone.json").await;
    bucket.put("new.json", "22").await;
    let error = read(&found.objects[0]).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("object `s3://{}/gone.json`: the object no longer exists", bucket.name)
    );
    let (bytes, finished) = read(&found.objects[1]).await.unwrap();
    assert_eq!(bytes, b"22");
    assert_ne!(Some(finished.etag), found.objects[1].etag);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_denied_object_does_not_stop_the_others() {
    let server = S3Double::start(&[("a.json", b"a"), ("b.json", b"b"), ("c.json", b"c")]).await;
    server.always("b.json", Act::Fail(403, "AccessDenied"));
    let found = found("s3://logs", &on_double(&server)).await.unwrap();
    assert_eq!(read(&found.objects[0]).await.unwrap().0, b"a");
    let error = read(&found.objects[1]).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "object `s3://logs/b.json`: access denied: AccessDenied (403): as told"
    );
    assert!(error.hint().unwrap().contains("kms:Decrypt"));
    assert_eq!(read(&found.objects[2]).await.unwrap().0, b"c");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_open_objects_are_few_requests_and_large_ones_do_not_lock_each_other_out() {
    let large = vec![b'x'; 5 << 20];
    let names: Vec<String> = (0..300).map(|number| format!("{number:03}.json")).collect();
    let objects: Vec<(&str, &[u8])> = names
        .iter()
        .map(|name| {
            (
                name.as_str(),
                if name < &"250".to_owned() {
                    b"x".as_slice()
                } else {
                    &large
                },
            )
        })
        .collect();
    let server = S3Double::start(&objects).await;
    let found = found("s3://logs", &on_double(&server)).await.unwrap();
    let bodies: Vec<_> = found.objects.iter().rev().map(Object::open).collect();
    for (mut body, object) in bodies.into_iter().zip(found.objects.iter().rev()) {
        let mut bytes = 0;
        while let Some(piece) = body.next().await {
            bytes += piece.unwrap().len() as u64;
        }
        assert_eq!(bytes, object.size);
    }
    assert!((8..=32).contains(&server.most_active()), "{}", server.most_active());
}

#[tokio::test(flavor = "multi_thread")]
async fn throttling_is_waited_out() {
    let server = S3Double::start(&[("a.json", b"a")]).await;
    server.then("", &[Act::Fail(503, "SlowDown"), Act::Fail(500, "InternalError")]);
    server.then("a.json", &[Act::Fail(503, "SlowDown"), Act::Fail(503, "SlowDown")]);
    let found = found("s3://logs", &on_double(&server)).await.unwrap();
    assert_eq!(read(&found.objects[0]).await.unwrap().0, b"a");
    server.always("a.json", Act::Fail(503, "SlowDown"));
    let error = read(&found.objects[0]).await.unwrap_err();
    assert!(
        error.to_string().contains("still throttled after every retry"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_connection_goes_on_where_it_stopped() {
    let whole: Vec<u8> = (0..3_000_000_u32).map(|number| (number % 251) as u8).collect();
    let server = S3Double::start(&[("a.json.gz", &whole)]).await;
    server.then(
        "a.json.gz",
        &[Act::Break(1_000_000), Act::Break(0), Act::Break(1_999_999)],
    );
    let found = found("s3://logs", &on_double(&server)).await.unwrap();
    let (bytes, finished) = read(&found.objects[0]).await.unwrap();
    assert!(bytes == whole, "{} bytes of {}", bytes.len(), whole.len());
    assert_eq!(finished.bytes, whole.len() as u64);
    let ranged = server
        .asked()
        .into_iter()
        .filter(|asked| asked.headers.contains_key("range"));
    assert!(ranged.clone().count() >= 3);
    for asked in ranged {
        assert!(
            asked.headers.contains_key("if-match"),
            "a range of whichever version is there"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_always_breaks_is_given_up() {
    let server = S3Double::start(&[("a.json", b"abcdef")]).await;
    server.always("a.json", Act::Break(0));
    let found = found("s3://logs", &on_double(&server)).await.unwrap();
    let error = read(&found.objects[0]).await.unwrap_err();
    assert!(error.to_string().contains("the connection failed"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_versions_of_an_object_are_never_mixed() {
    let server = S3Double::start(&[("a.json", &[b'a'; 1_000])]).await;
    server.then("a.json", &[Act::Break(500), Act::Replace(vec![b'b'; 1_000])]);
    let found = found("s3://logs", &on_double(&server)).await.unwrap();
    let error = read(&found.objects[0]).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "object `s3://logs/a.json`: the object has changed since it was listed"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_requester_pays_only_when_told() {
    for pays in [false, true] {
        let server = S3Double::start(&[("a.json", b"a")]).await;
        let options = Options {
            request_payer: pays,
            ..on_double(&server)
        };
        let found = found("s3://logs", &options).await.unwrap();
        read(&found.objects[0]).await.unwrap();
        let asked = server.asked();
        assert!(asked.len() >= 2);
        for asked in asked {
            let header = asked
                .headers
                .get("x-amz-request-payer")
                .map(|value| value.to_str().unwrap().to_owned());
            assert_eq!(header.as_deref(), pays.then_some("requester"), "{asked:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_read_but_not_list_can_name_the_object() {
    let server = S3Double::start(&[("a/b.json", b"a")]).await;
    server.always("", Act::Fail(403, "AccessDenied"));
    let named = found("s3://logs/a/b.json", &on_double(&server)).await.unwrap();
    assert_eq!(read(&named.objects[0]).await.unwrap().0, b"a");
    let error = found("s3://logs/a/", &on_double(&server)).await.unwrap_err();
    assert!(
        error.to_string().starts_with("source `s3://logs/a/`: access denied"),
        "{error}"
    );
    assert!(error.hint().unwrap().contains("--request-payer"));
}

#[tokio::test]
async fn s3_without_a_configuration_is_an_error() {
    assert!(
        found("s3://logs", &Options::default())
            .await
            .unwrap_err()
            .hint()
            .is_some()
    );
}

// --- folders and files ---

fn write(folder: &Path, name: impl AsRef<Path>, body: &str) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, body).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_listed_in_key_order_and_what_is_no_log_is_counted() {
    let root = tempfile::tempdir().unwrap();
    let logs = root.path().join("logs");
    for name in [
        "a/z.json",
        "a-b/x.json",
        "a.json",
        "b/SOURCE.txt",
        "b/c/d.json.gz",
        ".git/x.json",
        "b/.DS_Store",
        "t/_delta_log/0.json",
        "x.parquet",
    ] {
        write(&logs, name, name);
    }
    write(
        &logs,
        "AWSLogs/111122223333/CloudTrail/us-east-1/2024/01/02/x.json.gz",
        "",
    );
    let found = found(&logs, &Options::default()).await.unwrap();
    assert_eq!(
        found.keys(),
        [
            "AWSLogs/111122223333/CloudTrail/us-east-1/2024/01/02/x.json.gz",
            "logs/a-b/x.json",
            "logs/a.json",
            "logs/a/z.json",
            "logs/b/c/d.json.gz"
        ]
    );
    assert_eq!(
        found.skips(),
        [
            ("logs/.git/", Skip::Hidden),
            ("logs/b/.DS_Store", Skip::Hidden),
            ("logs/b/SOURCE.txt", Skip::Name),
            ("logs/t/_delta_log/", Skip::Hidden),
            ("logs/x.parquet", Skip::Name)
        ]
    );
    assert!(found.faults.is_empty());
    let (bytes, finished) = read(&found.objects[1]).await.unwrap();
    assert_eq!(bytes, b"a-b/x.json");
    assert_eq!(finished.etag, found.objects[1].etag().await.unwrap());
    assert!(finished.etag.starts_with("sha256:") && finished.etag.len() == 7 + 64);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn links_are_followed_once_and_loops_end() {
    use std::os::unix::fs::symlink;
    let root = tempfile::tempdir().unwrap();
    let (logs, other) = (root.path().join("logs"), root.path().join("other"));
    write(&logs, "real/x.json", "1");
    write(&other, "deep/y.json", "2");
    symlink(&logs, logs.join("real/loop")).unwrap();
    symlink("real", logs.join("again")).unwrap();
    symlink(&other, logs.join("out")).unwrap();
    symlink(root.path(), other.join("up")).unwrap();
    symlink("self.json", logs.join("self.json")).unwrap();
    symlink("nowhere", logs.join("dangling.json")).unwrap();
    symlink(other.join("deep/y.json"), logs.join("file.json")).unwrap();
    let found = found(&logs, &Options::default()).await.unwrap();
    assert_eq!(
        found.keys(),
        ["logs/file.json", "logs/out/deep/y.json", "logs/real/x.json"]
    );
    let faults: Vec<&str> = found.faults.iter().map(|fault| fault.place.as_str()).collect();
    assert_eq!(faults, ["logs/dangling.json", "logs/self.json"]);
    assert!(found.skips().contains(&("logs/real/loop/", Skip::Link)));
    assert!(found.skips().contains(&("logs/again/", Skip::Link)));
    assert!(
        found.skips().contains(&("logs/out/up/logs/", Skip::Link)),
        "{:?}",
        found.skips()
    );
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn names_that_are_not_utf8_are_read() {
    use std::os::unix::ffi::OsStrExt;
    let root = tempfile::tempdir().unwrap();
    let logs = root.path().join("logs");
    let (one, other) = (OsStr::from_bytes(b"x\xff.json"), OsStr::from_bytes(b"x\xfe.json"));
    write(&logs, one, "1");
    write(&logs, other, "2");
    let found = found(&logs, &Options::default()).await.unwrap();
    assert_eq!(found.keys(), ["logs/x%FE.json", "logs/x%FF.json"]);
    assert_eq!(read(&found.objects[0]).await.unwrap().0, b"2");
    let lone = self::found(logs.join(one), &Options::default()).await.unwrap();
    assert_eq!(lone.keys(), ["x%FF.json"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_named_is_taken_whatever_its_name() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "records.txt", "{}");
    let found = found(root.path().join("records.txt"), &Options::default())
        .await
        .unwrap();
    assert_eq!(found.keys(), ["records.txt"]);
    assert_eq!(found.objects[0].size, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_folder_is_an_error_a_vanished_file_a_broken_body() {
    let root = tempfile::tempdir().unwrap();
    let error = found(root.path().join("none"), &Options::default()).await.unwrap_err();
    assert!(
        error.to_string().ends_with("/none`: it does not exist") && error.hint().is_some(),
        "{error}"
    );
    write(root.path(), "x.json", "1");
    let found = found(root.path(), &Options::default()).await.unwrap();
    std::fs::remove_file(root.path().join("x.json")).unwrap();
    let error = read(&found.objects[0]).await.unwrap_err();
    assert!(error.to_string().ends_with("x.json`: it does not exist"), "{error}");
    assert_eq!(found.objects[0].etag().await.unwrap_err(), error);
}

#[tokio::test(flavor = "multi_thread")]
async fn dates_prune_folders_too() {
    let root = tempfile::tempdir().unwrap();
    for day in ["2024-01-01", "2024-01-05", "2024-01-08"] {
        write(
            root.path(),
            trail_key("111122223333", "CloudTrail", "us-east-1", day, "A"),
            "",
        );
    }
    write(root.path(), "x.json", "");
    let dates = Dates::of_events(Some(day("2024-01-02")), Some(day("2024-01-05")), 2);
    let found = found(
        root.path(),
        &Options {
            dates,
            ..Options::default()
        },
    )
    .await
    .unwrap();
    assert_eq!(found.objects.len(), 2);
    assert_eq!(
        found.skipped.iter().filter(|skipped| skipped.why == Skip::Date).count(),
        2
    );
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_large_file_passes_through_little_memory() {
    let root = tempfile::tempdir().unwrap();
    let file = std::fs::File::create(root.path().join("big.json")).unwrap();
    file.set_len(600 << 20).unwrap();
    let resident = || {
        let text = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = text.lines().find(|line| line.starts_with("VmRSS")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() >> 10
    };
    let found = found(root.path(), &Options::default()).await.unwrap();
    let before = resident();
    let mut body = found.objects[0].open();
    // A reader that is slow to begin must not make the rest pile up.
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let waiting = resident();
    let mut bytes = 0;
    while let Some(piece) = body.next().await {
        bytes += piece.unwrap().len() as u64;
    }
    assert_eq!(bytes, 600 << 20);
    // Other tests of this process run beside it, so the bound is loose.
    assert!(waiting.saturating_sub(before) < 200, "{before} -> {waiting} MiB");
}
