//! Places at which a test ends this process, to see what a kill there leaves behind.

/// Ends the process as `kill -9` would, when `HERALD_TEST_KILL_AT` names this
/// place. Only in builds with debug assertions.
pub fn point(name: &str) {
    if cfg!(debug_assertions) && std::env::var("HERALD_TEST_KILL_AT").is_ok_and(|at| at == name) {
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    }
}
