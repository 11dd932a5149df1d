//! Any bytes as an object: inflated under a bound, decoded whole and in pieces to the same records and faults, each record read.
#![no_main]

use std::io::Read;

use keytrail_fuzz::trail::decoder::Decoder;
use keytrail_fuzz::trail::field::Field;
use keytrail_fuzz::trail::identity::Identity;
use keytrail_fuzz::trail::inflate::Inflate;
use keytrail_fuzz::trail::record::Record;
use keytrail_fuzz::trail::{Fault, Limits, Sink, digest, kms};
use libfuzzer_sys::fuzz_target;

const LIMITS: Limits = Limits {
    object_bytes: 1 << 20,
    record_bytes: 1 << 16,
    depth: 64,
};

#[derive(Default, PartialEq, Debug)]
struct Seen {
    records: Vec<(u64, Option<String>, usize)>,
    faults: Vec<(u64, String)>,
}

impl Sink for Seen {
    fn record(&mut self, index: u64, record: &Record<'_>) {
        if let Some(raw) = record.raw(Field::UserIdentity) {
            let identity = Identity::parse(raw);
            let _ = (identity.principal_arn(), identity.canonical_id());
        }
        let keys = kms::keys(record);
        assert!(!keys.is_empty(), "a record names a key or says that it names none");
        let name = record.text(Field::EventName).map(|name| name.into_owned());
        self.records.push((index, name, keys.len()));
    }

    fn fault(&mut self, fault: Fault) {
        self.faults.push((fault.index, fault.reason));
    }
}

fn decode(bytes: &[u8], piece: usize) -> (Seen, Result<(), String>) {
    let mut seen = Seen::default();
    let mut decoder = Decoder::new(LIMITS);
    for part in bytes.chunks(piece.max(1)) {
        let fed = decoder.feed::<()>(&mut seen, |buffer| {
            buffer.extend_from_slice(part);
            Ok(part.len())
        });
        assert_eq!(fed, Ok(part.len()));
    }
    let end = decoder.finish(&mut seen);
    assert_eq!(
        decoder.count(),
        (seen.records.len() + seen.faults.len()) as u64,
        "nothing disappears"
    );
    (seen, end)
}

fuzz_target!(|bytes: &[u8]| {
    let mut inflated = Vec::new();
    let mut inflate = Inflate::new(bytes, LIMITS.object_bytes);
    // Damaged or endless gzip is an error after what came before it.
    let _ = inflate.read_to_end(&mut inflated);
    assert!(inflated.len() as u64 <= LIMITS.object_bytes + (1 << 16));
    for text in [bytes, inflated.as_slice()] {
        let whole = decode(text, text.len());
        for piece in [1, 7, 61] {
            assert_eq!(decode(text, piece), whole, "pieces of {piece}");
        }
        let _ = digest::Digest::parse(text);
    }
});
