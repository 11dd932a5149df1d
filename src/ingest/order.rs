//! The order in which a folder's objects are taken: by day of delivery, so that a batch touches few days and its files
//! are large.

use futures::{Stream, StreamExt};

use crate::source::Listed;

/// How many objects are looked at together; bounds memory.
const WINDOW: usize = 65_536;

/// Brings a listing that is cheap to look ahead in (a folder's, not a bucket's) into the order of days, then keys,
/// window by window.
pub(super) fn by_day(listing: impl Stream<Item = Listed>) -> impl Stream<Item = Listed> {
    listing.chunks(WINDOW).flat_map(|mut window| {
        // Stable: objects of one day stay in the order of their keys.
        window.sort_by_key(|listed| match listed {
            Listed::Object(object) => object.parts.date(),
            _ => None,
        });
        futures::stream::iter(window)
    })
}
