//! The `keytrail` program: parse, run, exit code.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> keytrail::cli::Exit {
    keytrail::cli::run()
}
