//! `trace` and its queries: the sample story, generated incidents whose truth is known, and what a user may get wrong.

mod documentation;
mod incidents;
mod sample;
mod states;
mod usage;

use std::path::Path;

use serde_json::Value;

use crate::support::program::on;

/// The story of a key, as JSON.
fn story(lake: &(impl AsRef<Path> + ?Sized), arguments: &[&str]) -> Value {
    let mut all = vec!["trace"];
    all.extend(arguments);
    all.extend(["--format", "json"]);
    let told = on(lake, &all);
    assert_eq!(told.code, 0, "{arguments:?}: {}", told.stderr);
    serde_json::from_str(&told.stdout).unwrap()
}

/// A member as text, empty where there is none.
fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}
