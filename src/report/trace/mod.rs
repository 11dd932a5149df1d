//! A story as bytes: for a terminal, for programs, for a browser. Everything in it came from a log, so nothing is trusted.

mod drawing;
mod html;
mod json;
mod text;

pub use html::html;
pub use json::json;
pub use text::text;
