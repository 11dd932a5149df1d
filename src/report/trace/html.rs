//! A story for a browser, in one file.

use crate::report::Result;
use crate::trace::story::Story;

/// The story as one page that needs nothing else.
///
/// # Errors
/// The page cannot be made.
pub fn html(story: &Story) -> Result<String> {
    super::json(story)
}
