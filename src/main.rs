//! The `keytrail` program: parse, run, exit code.

fn main() -> keytrail::cli::Exit {
    keytrail::cli::run()
}
