//! What the decoder finds in every envelope, and what it does with damage, whatever the size of the pieces fed.

use super::super::field::Field;
use super::*;

#[derive(Default, Debug, PartialEq)]
struct Seen {
    records: Vec<(u64, String)>,
    faults: Vec<(u64, String)>,
}

impl Sink for Seen {
    fn record(&mut self, index: u64, record: &Record<'_>) {
        let name = record
            .text(Field::EventName)
            .map_or_else(|| "?".to_owned(), |name| name.into_owned());
        self.records.push((index, name));
    }

    fn fault(&mut self, fault: Fault) {
        self.faults.push((fault.index, fault.reason));
    }
}

fn decode(text: &[u8], piece: usize, limits: Limits) -> (Seen, Result<(), String>) {
    let mut seen = Seen::default();
    let mut decoder = Decoder::new(limits);
    for bytes in text.chunks(piece) {
        decoder
            .feed::<()>(&mut seen, |buffer| {
                buffer.extend_from_slice(bytes);
                Ok(bytes.len())
            })
            .unwrap();
    }
    let end = decoder.finish(&mut seen);
    assert_eq!(decoder.count(), (seen.records.len() + seen.faults.len()) as u64);
    (seen, end)
}

/// Decodes in pieces of several sizes, which must not matter.
fn names(text: &str) -> (Vec<String>, Vec<String>, Result<(), String>) {
    let whole = decode(text.as_bytes(), text.len().max(1), Limits::default());
    for piece in [1, 7, 64] {
        assert_eq!(
            decode(text.as_bytes(), piece, Limits::default()),
            whole,
            "pieces of {piece}: {text}"
        );
    }
    let (seen, end) = whole;
    (
        seen.records.into_iter().map(|(_, name)| name).collect(),
        seen.faults.into_iter().map(|(_, why)| why).collect(),
        end,
    )
}

fn record(name: &str) -> String {
    format!(
        r#"{{"eventVersion":"1.08","userIdentity":{{"type":"Root"}},"eventName":"{name}","eventSource":"kms.amazonaws.com"}}"#
    )
}

fn good(text: &str) -> Vec<String> {
    let (names, faults, end) = names(text);
    assert_eq!((faults, end), (vec![], Ok(())), "{text}");
    names
}

#[test]
fn every_envelope_gives_its_records() {
    let (a, b) = (record("A"), record("B"));
    for text in [
        format!("{{\"Records\":[{a},{b}]}}"),
        format!("\u{feff} {{ \"Records\" : [ {a} ,\n {b} ] , \"x\": [1,{{\"y\":\"]\"}}], \"z\":\"}}\" }}"),
        format!("[{a},{b}]"),
        format!("{a}\n{b}\n"),
        format!("{a}{b}"),
        format!(
            "{{\"Events\":[{{\"CloudTrailEvent\":{}}},{{\"CloudTrailEvent\":{}}}],\"NextToken\":\"x\"}}",
            quoted(&a),
            quoted(&b)
        ),
        format!("{{\"x\":1,\"Records\":[{a},{b}]}}"),
        format!("[{{\"data\":{{\"Records\":[{a}]}}}},{{\"data\":{{\"Records\":[{b}]}}}}]"),
        format!(
            "{{\"messageType\":\"DATA_MESSAGE\",\"logEvents\":[{{\"message\":{}}},{{\"message\":{}}}]}}",
            quoted(&a),
            quoted(&b)
        ),
        format!("{{\"Records\":[{a}]}}{{\"Records\":[{b}]}}"),
        format!("{{\"Records\":[{a}]}}\n[{b}]"),
        format!("{{\"Records\":[{a}],\"x\":{{\"y\":[{{}}]}},\"Records\":[{b}]}}"),
    ] {
        assert_eq!(good(&text), ["A", "B"], "{text}");
    }
    for text in ["[]", "{\"Records\":[]}", " [ ] ", "{\"Events\":[]}"] {
        assert!(good(text).is_empty());
    }
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

#[test]
fn a_record_without_any_known_field_is_kept_where_the_envelope_says_it_is_one() {
    assert_eq!(good(r#"{"Records":[{"foo":1},{}]}"#), ["?", "?"]);
}

#[test]
fn elements_that_are_no_objects_are_faults_in_their_place() {
    let text = format!("{{\"Records\":[1,{},null,\"x\",[],{}]}}", record("A"), record("B"));
    let (names, faults, end) = names(&text);
    assert_eq!(names, ["A", "B"]);
    assert_eq!(faults.len(), 4, "{faults:?}");
    assert_eq!(end, Ok(()));
}

#[test]
fn damage_costs_the_record_it_hits_and_no_other() {
    let (a, b, c) = (record("A"), record("B"), record("C"));
    for broken in [
        b.replace("\"B\"", "B"),
        b.get(..40).unwrap().to_owned(),
        b.get(..60).unwrap().to_owned(),
        b.replace("eventName\"", "eventName"),
        "{\"eventName\":".to_owned(),
        "}}".to_owned(),
        "@@@".to_owned(),
    ] {
        let text = format!("{{\"Records\":[{a},{broken},{c}]}}");
        let (names, faults, end) = names(&text);
        assert_eq!(
            (names, faults.len(), end),
            (vec!["A".to_owned(), "C".to_owned()], 1, Ok(())),
            "{text}"
        );
    }
}

#[test]
fn lines_survive_a_broken_one() {
    let text = format!(
        "{}\nnot json at all\n{}\n{{\"a\":\n{}\n",
        record("A"),
        record("B"),
        record("C")
    );
    let (names, faults, _) = names(&text);
    assert_eq!(
        (names, faults.len()),
        (vec!["A".to_owned(), "B".to_owned(), "C".to_owned()], 2)
    );
}

#[test]
fn an_object_cut_off_says_so() {
    let text = format!("{{\"Records\":[{},{}", record("A"), record("B").get(..50).unwrap());
    let (names, faults, end) = names(&text);
    assert_eq!((names, faults.len()), (vec!["A".to_owned()], 1));
    assert!(end.is_err());
    let (names, faults, end) = self::names(&format!("{{\"Records\":[{}", record("A")));
    assert_eq!((names, faults.len(), end.is_err()), (vec!["A".to_owned()], 0, true));
    assert!(self::names("").2.is_err());
}

#[test]
fn foreign_objects_are_faults() {
    let (names, faults, end) =
        names(r#"{"detail-type":"EC2 Instance State-change Notification","detail":{"state":"pending"}}"#);
    assert_eq!(
        (names.len(), faults, end),
        (0, vec!["holds no CloudTrail record".to_owned()], Ok(()))
    );
}

#[test]
fn absurd_nesting_and_size_are_faults_and_the_rest_is_read() {
    let deep = format!(
        "{{\"eventName\":\"D\",\"eventSource\":\"x\",\"eventVersion\":\"1\",\"p\":{}{}}}",
        "[".repeat(500),
        "]".repeat(500)
    );
    let (names, faults, end) = names(&format!("{{\"Records\":[{deep},{}]}}", record("A")));
    assert_eq!(
        (names, faults, end),
        (
            vec!["A".to_owned()],
            vec!["nested deeper than 128 levels".to_owned()],
            Ok(())
        )
    );

    let limits = Limits {
        record_bytes: 1000,
        ..Limits::default()
    };
    let large = record("L").replace("Root", &"x".repeat(5000));
    let text = format!("{{\"Records\":[{},{large},{}]}}", record("A"), record("B"));
    for piece in [10, 100, 3000, 100_000] {
        let (seen, end) = decode(text.as_bytes(), piece, limits);
        let names: Vec<_> = seen.records.iter().map(|(_, name)| name.as_str()).collect();
        // A piece that holds the whole record lets it pass: the limit bounds memory.
        assert!(
            names == ["A", "B"] && seen.faults.len() == 1 || names == ["A", "L", "B"],
            "{piece} {seen:?}"
        );
        assert_eq!(end, Ok(()));
    }
}

#[test]
fn invalid_utf8_is_a_fault_of_its_record() {
    let text = format!("{{\"Records\":[{},{},{}]}}", record("A"), record("X"), record("B"));
    let bytes: Vec<u8> = text
        .bytes()
        .map(|byte| if byte == b'X' { 0xff } else { byte })
        .collect();
    let (seen, end) = decode(&bytes, 50, Limits::default());
    assert_eq!((seen.records.len(), seen.faults.len(), end), (2, 1, Ok(())));
}

proptest::proptest! {
    #[test]
    fn arbitrary_bytes_never_panic_and_pieces_do_not_matter(bytes in proptest::collection::vec(proptest::sample::select(b"{}[]\",:\\ aR1\n".to_vec()), 0..200)) {
        let whole = decode(&bytes, 1000, Limits::default());
        proptest::prop_assert_eq!(&decode(&bytes, 1, Limits::default()), &whole);
        proptest::prop_assert_eq!(&decode(&bytes, 13, Limits::default()), &whole);
    }
}

#[test]
fn what_is_said_of_a_stray_text_does_not_hang_on_the_pieces() {
    for length in [1, 60, 61, 62, 63, 64, 65, 200] {
        let text = format!("\"{}\" {}", "x".repeat(length), record("Decrypt"));
        let (found, faults, _) = names(&text);
        assert_eq!((found.len(), faults.len()), (1, 1), "{length}: {faults:?}");
    }
    for stray in ["1.5", "-0.25e3", "tru", "nulls", "1.x"] {
        let _ = names(&format!("{stray} {}", record("Decrypt")));
    }
}

#[test]
fn a_record_cut_inside_a_number_is_whole_when_the_rest_has_come() {
    let number = r#"{"eventVersion":"1.11","eventSource":"kms.amazonaws.com","eventName":"N","eventTime":"2026-01-01T00:00:00Z","eventID":"e","x":[-1.5e-3,-0,2E+7]}"#;
    for envelope in [number.to_owned(), format!(r#"{{"Records":[{number},{number}]}}"#)] {
        let whole = decode(envelope.as_bytes(), envelope.len(), Limits::default());
        assert!(whole.0.faults.is_empty() && !whole.0.records.is_empty());
        for piece in 1..envelope.len() {
            assert_eq!(
                decode(envelope.as_bytes(), piece, Limits::default()),
                whole,
                "pieces of {piece}"
            );
        }
    }
}
