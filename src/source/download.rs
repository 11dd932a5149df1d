//! Reading an object from S3 to its end although connections break: it goes on at the byte where it stopped, and only in
//! the same version of the object, so that no byte is lost, doubled or mixed with another's.

use std::time::Duration;

use super::Error;
use super::body::{Feed, Finished};
use crate::aws::s3::{self, Bucket};

/// Connections that may break in a row without a byte in between.
const BREAKS: u32 = 5;

/// Reads an object into a body.
pub(super) async fn stream(place: String, bucket: &Bucket, key: &str, etag: Option<String>, feed: Feed) {
    let mut reading = Reading {
        bucket,
        key,
        feed: &feed,
        etag,
        offset: 0,
    };
    let end = match reading.read_all().await {
        Ok(true) => Ok(Finished {
            etag: reading.etag.unwrap_or_default(),
            bytes: reading.offset,
        }),
        Ok(false) => return,
        Err(error) => Err(Error::Unread {
            place,
            why: error.to_string(),
            hint: error.hint(),
        }),
    };
    feed.finish(end);
}

struct Reading<'a> {
    bucket: &'a Bucket,
    key: &'a str,
    feed: &'a Feed,
    etag: Option<String>,
    offset: u64,
}

impl Reading<'_> {
    /// `false` where nobody wants the bytes any more.
    async fn read_all(&mut self) -> Result<bool, s3::Error> {
        let mut breaks = 0;
        loop {
            let mut download = match self.bucket.get(self.key, self.offset, self.etag.as_deref()).await {
                Ok(download) => download,
                // Written anew between listing and reading: what is there now is as good, and its own tag is recorded.
                Err(s3::Error::Changed) if self.offset == 0 && self.etag.is_some() => {
                    self.etag = None;
                    continue;
                }
                Err(error) => return Err(error),
            };
            self.etag = download.etag.clone().or(self.etag.take());
            let begin = self.offset;
            let error = loop {
                match download.next().await {
                    None => return Ok(true),
                    Some(Err(error)) => break error,
                    Some(Ok(bytes)) => {
                        let length = bytes.len() as u64;
                        if self.feed.send(bytes).await.is_err() {
                            return Ok(false);
                        }
                        self.offset += length;
                    }
                }
            };
            breaks = if self.offset > begin { 1 } else { breaks + 1 };
            // Every byte has come and yet something is wrong (a checksum): asking for more cannot help.
            if breaks > BREAKS || download.is_complete() {
                return Err(error);
            }
            tokio::time::sleep(Duration::from_millis(100 << breaks)).await;
        }
    }
}
