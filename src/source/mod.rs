//! Where logs come from: S3 prefixes, folders, files and standard input, all as one stream of [`Object`]s whose bytes can
//! be read while they arrive. It remembers nothing between runs, inflates nothing and decodes nothing.
//!
//! ```text
//! word -> Source::parse -> list -> Listing (objects, skipped, faults) -> Object::open / read_ahead -> Body (chunks)
//! ```

mod address;
mod body;
mod bucket;
mod dates;
mod download;
mod file;
mod folder;
mod layers;
mod local_key;
mod name;
mod object;
mod spool;

pub use address::Source;
pub use body::{Body, BodyReader, Finished};
pub use dates::Dates;
pub use name::looks_like_log;
pub use object::{Fault, Listed, Listing, Object, Skip, Skipped, list, read_ahead};

use crate::aws::s3::SdkConfig;

/// What the command line says about all sources.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Days of delivery to take; everything by default.
    pub dates: Dates,
    /// The caller pays for requests to the bucket.
    pub request_payer: bool,
    /// Credentials, Region and endpoint. Needed where [`Source::is_s3`] holds, and only there.
    pub aws: Option<SdkConfig>,
}

/// Why a source, or one object of it, could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The word names no source.
    #[error("source `{word}`: {why}")]
    Address {
        /// What was typed.
        word: String,
        /// What is wrong with it.
        why: String,
        /// What to do instead.
        hint: Option<&'static str>,
    },
    /// The source as a whole cannot be listed.
    #[error("source `{place}`: {why}")]
    Unlisted {
        /// The bucket and prefix, or the path.
        place: String,
        /// What was in the way.
        why: String,
        /// What to do about it.
        hint: Option<&'static str>,
    },
    /// One object cannot be read, or not to its end.
    #[error("object `{place}`: {why}")]
    Unread {
        /// The object's key.
        place: String,
        /// What was in the way.
        why: String,
        /// What to do about it.
        hint: Option<&'static str>,
    },
}

impl Error {
    /// What the user may do about it, to be shown apart from the message.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Error::Address { hint, .. } | Error::Unlisted { hint, .. } | Error::Unread { hint, .. } => *hint,
        }
    }

    /// The reason without the place.
    pub fn why(&self) -> &str {
        match self {
            Error::Address { why, .. } | Error::Unlisted { why, .. } | Error::Unread { why, .. } => why,
        }
    }
}

/// An I/O error in the words of this program: lower case, without the number of the operating system.
fn io_reason(error: &std::io::Error) -> String {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::NotFound => "it does not exist".to_owned(),
        ErrorKind::PermissionDenied => "permission denied".to_owned(),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "no space left on the disk".to_owned(),
        _ => {
            let text = error.to_string();
            let text = text.split(" (os error").next().unwrap_or(&text);
            text.chars()
                .next()
                .map(|first| first.to_lowercase().collect::<String>())
                .unwrap_or_default()
                + text
                    .get(text.chars().next().map_or(0, char::len_utf8)..)
                    .unwrap_or_default()
        }
    }
}
