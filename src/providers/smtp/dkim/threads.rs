//! The threads that compute RSA signatures: a signature with 2048 bits takes about a millisecond of a
//! core, which everybody else on a thread of the runtime would wait for.

use super::Unsigned;
use std::num::NonZero;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use tokio::sync::{mpsc, oneshot};

/// The most of them, however many cores there are.
const MOST: usize = 8;
/// Signatures that wait for each of them; whoever comes then waits before the queue.
const QUEUE: usize = 16;

struct Job {
    unsigned: Unsigned,
    done: oneshot::Sender<Option<String>>,
}

/// The way to them; `None`: there are none.
static JOBS: LazyLock<Option<mpsc::Sender<Job>>> = LazyLock::new(|| {
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get).min(MOST);
    let (jobs, queue) = mpsc::channel::<Job>(threads * QUEUE);
    let queue = Arc::new(Mutex::new(queue));
    let started = (0..threads).filter(|n| {
        let queue = Arc::clone(&queue);
        let work = move || {
            loop {
                let next = queue.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv();
                let Some(Job { unsigned, done }) = next else { return };
                // Whoever asked may be gone.
                let _ = done.send(unsigned.sign());
            }
        };
        std::thread::Builder::new().name(format!("dkim-{n}")).spawn(work).is_ok()
    });
    (started.count() > 0).then_some(jobs)
});

/// The signed header, computed on one of the threads.
pub(super) async fn sign(unsigned: Unsigned) -> Option<String> {
    // Where no thread could be started, waiting is better than not sending.
    let Some(jobs) = &*JOBS else { return unsigned.sign() };
    let (done, signed) = oneshot::channel();
    jobs.send(Job { unsigned, done }).await.ok()?;
    signed.await.ok()?
}
