//! One object as large as CloudTrail allows, written while it is made.

use super::record::Pen;
use super::truth::Truth;
use super::world::World;
use super::{Corpus, plan};
use crate::generator::objects;
use crate::generator::rng::Rng;
use std::io::{self, Write};

/// Counts what passes.
struct Counted<W> {
    to: W,
    bytes: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.to.write(bytes)?;
        self.bytes += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Writes one object of about `gz_bytes` and returns its key and truth. It inflates to more than twenty times its size, as an
/// object does whose records hold long policies; 50 MB become more than 1 GB.
pub fn object(corpus: &Corpus, gz_bytes: u64, to: impl Write) -> io::Result<(String, Truth)> {
    let world = World::new(corpus);
    let mut pen = Pen::new(corpus, &world);
    let mut out = objects::gzip(Counted { to, bytes: 0 }, corpus.level);
    let statement = "{\\\"Sid\\\":\\\"AllowUseOfTheKey\\\",\\\"Effect\\\":\\\"Allow\\\",\\\"Principal\\\":{\\\"AWS\\\":\\\"arn:aws:iam::111122223333:root\\\"},\\\"Action\\\":[\\\"kms:Encrypt\\\",\\\"kms:Decrypt\\\",\\\"kms:ReEncrypt*\\\",\\\"kms:GenerateDataKey*\\\",\\\"kms:DescribeKey\\\"],\\\"Resource\\\":\\\"*\\\"},";
    let padding = format!(",\"annotation\":\"{}\"", statement.repeat(28));
    let (mut raw, mut count) = (14u64, 0u64);
    out.write_all(b"{\"Records\":[")?;
    let stamp = corpus.start + 12 * 3600;
    while out.get_ref().bytes < gz_bytes {
        let file = plan::File {
            number: count,
            account: 0,
            region: 0,
            stamp,
            records: 100,
        };
        for (_, records) in pen.write(&file).into_iter().take(1) {
            for record in records {
                if count > 0 {
                    out.write_all(b",")?;
                    raw += 1;
                }
                // Into the record, before its closing brace.
                let open = record.split_last().map_or(&record[..], |(_, open)| open);
                out.write_all(open)?;
                out.write_all(padding.as_bytes())?;
                out.write_all(b"}")?;
                raw += (record.len() + padding.len()) as u64;
                count += 1;
            }
        }
    }
    out.write_all(b"]}")?;
    let mut counted = out.finish()?;
    counted.flush()?;
    pen.note_object(count as usize, raw as usize, counted.bytes as usize);
    let account = &world.accounts[0].id;
    let key = corpus.key(
        corpus.faults.organization,
        account,
        world.regions[0],
        stamp,
        &mut Rng::seeded(corpus.seed),
    );
    Ok((key, pen.truth(&world)))
}
