//! Objects as a trail delivers them: where they lie, and records packed into one.
//!
//! <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html>

use super::instant;
use super::rng::Rng;
use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};
use std::io::{self, Write};

const NAME: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// The key of a log object delivered at `stamp`, below the prefix. `folder` is the account, or `o-.../<account>`.
pub fn log_key(folder: &str, account: &str, region: &str, stamp: i64, rng: &mut Rng) -> String {
    let (path, minute, name) = (instant::path(stamp), instant::stamp(stamp), rng.text(NAME, 16));
    format!("AWSLogs/{folder}/CloudTrail/{region}/{path}/{account}_CloudTrail_{region}_{minute}_{name}.json.gz")
}

/// A gzip stream that holds no time and no name, so that equal content gives equal bytes.
pub fn gzip<W: Write>(to: W, level: u32) -> GzEncoder<W> {
    GzBuilder::new().mtime(0).write(to, Compression::new(level))
}

/// `{"Records":[...]}`, gzipped.
pub fn pack<R: AsRef<[u8]>>(records: &[R], level: u32) -> io::Result<Vec<u8>> {
    let mut out = gzip(Vec::new(), level);
    out.write_all(b"{\"Records\":[")?;
    for (i, record) in records.iter().enumerate() {
        if i > 0 {
            out.write_all(b",")?;
        }
        out.write_all(record.as_ref())?;
    }
    out.write_all(b"]}")?;
    out.finish()
}
