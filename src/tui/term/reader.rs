//! The threads at a tty: one reads keys, one watches for the terminal to go.

use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, Read};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::sync::Notify;
use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;

use super::event::TermEvent;
use super::parser::Parser;

/// How long an escape sequence may take to arrive before it was the Esc key.
/// Slow lines split sequences; nobody waits for Esc this short a time.
const ESCAPE: Duration = Duration::from_millis(40);
/// How long the reader waits before it offers an event again that the console had
/// no room for.
const CROWDED: Duration = Duration::from_millis(5);

/// A thread that ends when it is told to, or dropped.
#[derive(Debug)]
pub(super) struct Worker {
    stop: Option<PipeWriter>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    fn spawn(name: &str, work: impl FnOnce(PipeReader) + Send + 'static) -> io::Result<Self> {
        let (stopped, stop) = io::pipe()?;
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || work(stopped))?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }

    /// Ends the thread and waits until it has ended: it reads nothing after this.
    pub(super) fn stop(&mut self) {
        // Closing the pipe wakes the thread's poll.
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop();
    }
}

/// What a wait ended with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Woken {
    Ready,
    Gone,
    Stopped,
    Late,
}

fn wait(tty: &File, wanted: PollFlags, stopped: &PipeReader, limit: Option<Duration>) -> Woken {
    let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
    loop {
        let mut fds = [PollFd::new(tty, wanted), PollFd::new(stopped, PollFlags::IN)];
        match poll(&mut fds, limit.as_ref()) {
            Ok(0) => return Woken::Late,
            Ok(_) if !fds[1].revents().is_empty() => return Woken::Stopped,
            Ok(_) if fds[0].revents().intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) => {
                return Woken::Gone;
            }
            Ok(_) => return Woken::Ready,
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return Woken::Gone,
        }
    }
}

/// Reads the tty until it is stopped or the tty is gone.
pub(super) fn read_keys(tty: File, events: Sender<TermEvent>) -> io::Result<Worker> {
    Worker::spawn("herald-keys", move |stopped| {
        let mut parser = Parser::default();
        let mut bytes = [0; 4096];
        let mut out = Vec::new();
        loop {
            let limit = parser.is_waiting().then_some(ESCAPE);
            match wait(&tty, PollFlags::IN, &stopped, limit) {
                Woken::Ready => match (&tty).read(&mut bytes) {
                    // A tty that is gone reads as nothing, for ever.
                    Ok(0) => return,
                    Ok(n) => parser.feed(&bytes[..n], &mut out),
                    Err(error)
                        if matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock) => {
                    }
                    Err(_) => return,
                },
                Woken::Late => parser.give_up(&mut out),
                Woken::Gone | Woken::Stopped => return,
            }
            for event in out.drain(..) {
                if !offer(&events, event, &tty, &stopped) {
                    return;
                }
            }
        }
    })
}

/// Hands an event over, waiting for room; false when it is time to stop.
fn offer(events: &Sender<TermEvent>, event: TermEvent, tty: &File, stopped: &PipeReader) -> bool {
    let mut event = event;
    loop {
        match events.try_send(event) {
            Ok(()) => return true,
            Err(TrySendError::Closed(_)) => return false,
            Err(TrySendError::Full(back)) => event = back,
        }
        if wait(tty, PollFlags::empty(), stopped, Some(CROWDED)) != Woken::Late {
            return false;
        }
    }
}

/// Tells when the terminal goes: also when the hang-up signal is ignored, and
/// when nobody reads keys.
pub(super) fn watch(tty: File, gone: Arc<Notify>) -> io::Result<Worker> {
    Worker::spawn("herald-watch", move |stopped| {
        // No events are asked for: hang-ups and errors are told unasked.
        if wait(&tty, PollFlags::empty(), &stopped, None) == Woken::Gone {
            gone.notify_one();
        }
    })
}
