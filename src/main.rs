//! The `keytrail` program: parse, run, exit code.

fn main() {}
