//! The `keytrail` program: parse, run, exit code.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `mi_option_purge_delay` of mimalloc 2, which its bindings do not name: milliseconds before freed memory goes back.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;

fn main() -> keytrail::cli::Exit {
    // At once: batches come and go, and with the default delay a run holds a third more than it uses.
    #[expect(
        unsafe_code,
        reason = "the allocator's settings are behind a C function; it stores a number"
    )]
    unsafe {
        libmimalloc_sys::mi_option_set(PURGE_DELAY, 0);
    }
    keytrail::cli::run()
}
