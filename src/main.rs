//! The `keytrail` program: the allocator's settings, then parse, run, exit code.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `mi_option_purge_delay` of mimalloc 3, which its bindings do not name: milliseconds before freed memory goes back.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;
/// `mi_option_generic_collect`: slow allocations of a thread between two looks at what other threads have freed of its.
const GENERIC_COLLECT: libmimalloc_sys::mi_option_t = 34;

fn main() -> keytrail::cli::Exit {
    give_memory_back();
    keytrail::cli::run(keep_memory_a_moment)
}

/// Batches come and go, decoded by one thread and freed by another. An ingest of a million records has 70 MiB in use at
/// most; by default the process held 500 to 600 MiB for it, with these settings 220 to 290, in the same time.
fn give_memory_back() {
    set(PURGE_DELAY, 0);
    set(GENERIC_COLLECT, 100);
    // A huge page stays as long as anything in it is in use. Where this fails nothing but memory is lost.
    #[cfg(target_os = "linux")]
    #[expect(unsafe_code, reason = "a flag of the process; no memory is touched")]
    unsafe {
        libc::prctl(libc::PR_SET_THP_DISABLE, 1, 0, 0, 0);
    }
}

/// A question frees what it takes again at once: the system spent a quarter of `unused-keys` giving the same pages anew. By
/// measurement on ten million records, an eighth less time for a quarter more memory.
fn keep_memory_a_moment() {
    set(PURGE_DELAY, 100);
}

fn set(option: libmimalloc_sys::mi_option_t, value: std::ffi::c_long) {
    #[expect(
        unsafe_code,
        reason = "the allocator's settings are behind a C function; it stores a number"
    )]
    unsafe {
        libmimalloc_sys::mi_option_set(option, value);
    }
}
