//! Bounds of a whole run: its time, its threads, its stack.

use std::num::NonZero;
use std::time::Duration;

use super::ExitCode;
use super::output::say;
use crate::report::Shown;

/// Stack of the thread that does the work. Input is bounded in depth; this is what those bounds take
/// in a build that is not optimised, whatever `ulimit -s` says.
const STACK: usize = 64 << 20;
/// The same for the threads of the pool.
const POOL_STACK: usize = 16 << 20;
/// More threads help nobody.
const MOST_THREADS: usize = 1024;

/// Does the work of a run: on a stack of its own, with as many threads as there are processors,
/// and not for longer than the limit.
pub(super) fn within(limit: Duration, work: impl FnOnce() -> ExitCode + Send) -> ExitCode {
    watch(limit);
    threads();
    let mut work = Some(work);
    let done = std::thread::scope(|scope| {
        let run = || work.take().map(|work| work());
        let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, run);
        thread.ok().map(|thread| thread.join())
    });
    match done {
        Some(Ok(Some(code))) => code,
        // the panic has said what it is
        Some(_) => ExitCode::Failed,
        // no thread is to be had: the stack is what the system gives
        None => work.take().map_or(ExitCode::Failed, |work| work()),
    }
}

/// Ends the process when its time is over. What it was writing is the old tree or the new one
/// (`tree/disk`), as when it is killed.
fn watch(limit: Duration) {
    let watchdog = move || {
        std::thread::sleep(limit);
        let seconds = limit.as_secs();
        let text = format!(
            "error: not done after {seconds} seconds\nhelp: give it more time with `--timeout`, or less input\n"
        );
        say(&Shown::text(&text));
        std::process::exit(ExitCode::Failed as i32);
    };
    // without a thread there is no limit, and the work may still end
    let _ = std::thread::Builder::new().name("watchdog".into()).spawn(watchdog);
}

/// A pool of so many threads.
pub(super) fn pool(threads: usize) -> Result<rayon::ThreadPool, rayon::ThreadPoolBuildError> {
    rayon::ThreadPoolBuilder::new().stack_size(POOL_STACK).num_threads(threads).build()
}

/// Makes the pool of threads. `RAYON_NUM_THREADS` is heard as far as it is a number that makes
/// sense; where threads are not to be had, the work is done without them.
fn threads() {
    let asked = std::env::var("RAYON_NUM_THREADS").ok().and_then(|text| text.parse().ok());
    let threads = asked
        .filter(|n| (1..=MOST_THREADS).contains(n))
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, NonZero::get));
    let pool = || rayon::ThreadPoolBuilder::new().stack_size(POOL_STACK);
    if pool().num_threads(threads).build_global().is_err() {
        let _ = pool().num_threads(1).use_current_thread().build_global();
    }
}
