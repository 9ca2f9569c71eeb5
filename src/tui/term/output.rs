//! Where frames go: a slot for one frame, emptied by whoever writes it.
//!
//! A slow line must neither hold up the console nor fill a queue with frames that
//! are out of date before they are sent. So there is room for one frame: while it
//! is being written the console does not draw, it only remembers that it should.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// The most bytes that wait for the line; more is refused.
const MAX_WAITING: usize = 16 << 20;

#[derive(Debug, Default)]
struct Slot {
    waiting: Vec<u8>,
    writing: bool,
    closed: bool,
    broken: bool,
    drain: Duration,
}

#[derive(Debug, Default)]
struct Shared {
    slot: Mutex<Slot>,
    changed: Condvar,
    /// The slot became free, or broke.
    freed: Notify,
    /// There is something to write, or nothing will ever be.
    wanted: Notify,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Slot> {
        // A slot is never left half changed.
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn written(&self, took: Duration, ok: bool) {
        let mut slot = self.lock();
        slot.writing = false;
        slot.drain = took;
        slot.broken |= !ok;
        drop(slot);
        self.changed.notify_all();
        self.freed.notify_one();
    }
}

/// The console's end of a seat's output.
#[derive(Debug, Clone)]
pub struct Output(Arc<Shared>);

/// The line's end: whoever sends the frames on.
#[derive(Debug)]
pub struct Frames {
    shared: Arc<Shared>,
    began: Option<Instant>,
}

impl Output {
    /// An output whose frames are taken by [`Frames::next`], such as by the task
    /// of a network channel.
    pub fn frames() -> (Self, Frames) {
        let shared = Arc::new(Shared::default());
        (Self(Arc::clone(&shared)), Frames { shared, began: None })
    }

    /// An output that a thread of its own writes to `line`, each frame in one
    /// `write_all`. The thread ends when the output is closed or the line breaks.
    pub fn thread(mut line: impl Write + Send + 'static) -> io::Result<Self> {
        let (output, mut frames) = Self::frames();
        std::thread::Builder::new().name("herald-frames".to_owned()).spawn(move || {
            while let Some(frame) = frames.next_blocking() {
                if line.write_all(&frame).and_then(|()| line.flush()).is_err() {
                    frames.fail();
                    break;
                }
            }
        })?;
        Ok(output)
    }

    /// Whether a frame handed over now would not wait behind another.
    pub fn is_free(&self) -> bool {
        let slot = self.0.lock();
        slot.waiting.is_empty() && !slot.writing
    }

    /// Whether the line broke: nothing that is written arrives any more.
    pub fn is_broken(&self) -> bool {
        self.0.lock().broken
    }

    /// Waits until the slot is free or the line is broken.
    pub async fn freed(&self) {
        while !self.is_free() && !self.is_broken() {
            self.0.freed.notified().await;
        }
    }

    /// How long the last frame took to be written: what a slow line shows by.
    pub fn drain_time(&self) -> Duration {
        self.0.lock().drain
    }

    /// Waits at most this long until everything is written; blocks the thread.
    pub fn drain(&self, limit: Duration) -> bool {
        let (slot, _) = self
            .0
            .changed
            .wait_timeout_while(self.0.lock(), limit, |slot| {
                (!slot.waiting.is_empty() || slot.writing) && !slot.broken
            })
            .unwrap_or_else(PoisonError::into_inner);
        slot.waiting.is_empty() && !slot.writing && !slot.broken
    }

    /// Nothing more will be written. What waits is still sent, unless `discard`.
    pub fn close(&self, discard: bool) {
        let mut slot = self.0.lock();
        slot.closed = true;
        if discard {
            slot.waiting.clear();
        }
        drop(slot);
        self.0.changed.notify_all();
        self.0.wanted.notify_one();
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut slot = self.0.lock();
        if slot.broken || slot.closed {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        if slot.waiting.len() + bytes.len() > MAX_WAITING {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        slot.waiting.extend_from_slice(bytes);
        drop(slot);
        self.0.changed.notify_all();
        self.0.wanted.notify_one();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Frames {
    fn finish(&mut self, ok: bool) {
        if let Some(began) = self.began.take() {
            self.shared.written(began.elapsed(), ok);
        } else if !ok {
            self.shared.written(Duration::ZERO, false);
        }
    }

    fn take(&mut self, slot: &mut Slot) -> Option<Vec<u8>> {
        if slot.waiting.is_empty() {
            return None;
        }
        slot.writing = true;
        self.began = Some(Instant::now());
        Some(std::mem::take(&mut slot.waiting))
    }

    /// The next frame; the one before counts as written. Nothing when the output
    /// is closed.
    pub async fn next(&mut self) -> Option<Vec<u8>> {
        self.finish(true);
        loop {
            let shared = Arc::clone(&self.shared);
            {
                let mut slot = shared.lock();
                if let Some(frame) = self.take(&mut slot) {
                    return Some(frame);
                }
                if slot.closed {
                    return None;
                }
            }
            shared.wanted.notified().await;
        }
    }

    /// As [`Frames::next`], blocking the thread.
    pub fn next_blocking(&mut self) -> Option<Vec<u8>> {
        self.finish(true);
        let shared = Arc::clone(&self.shared);
        let mut slot = shared
            .changed
            .wait_while(shared.lock(), |slot| slot.waiting.is_empty() && !slot.closed)
            .unwrap_or_else(PoisonError::into_inner);
        self.take(&mut slot)
    }

    /// The line broke: the frame taken last did not arrive, nor will another.
    pub fn fail(&mut self) {
        self.finish(false);
    }
}

impl Drop for Frames {
    fn drop(&mut self) {
        // Nobody empties the slot any more; a closed output is not a broken one.
        if !self.shared.lock().closed {
            self.fail();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Line(std::sync::mpsc::Sender<Vec<u8>>);
    impl Write for Line {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.0.send(bytes.to_vec());
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Dead;
    impl Write for Dead {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn one_frame_waits_and_the_next_is_drawn_when_it_is_gone() {
        let (mut output, mut frames) = Output::frames();
        assert!(output.is_free());
        output.write_all(b"one").unwrap();
        assert!(!output.is_free());
        assert_eq!(frames.next().await.as_deref(), Some(&b"one"[..]));
        assert!(!output.is_free(), "it is still being written");
        let next = tokio::spawn(async move { (frames.next().await, frames) });
        output.freed().await;
        output.write_all(b"two").unwrap();
        let (frame, frames) = next.await.unwrap();
        assert_eq!(frame.as_deref(), Some(&b"two"[..]));
        drop(frames);
        assert!(output.is_broken());
        assert!(output.write_all(b"three").is_err());
        output.freed().await;
    }

    #[test]
    fn a_thread_writes_what_waits_before_it_ends() {
        let (sink, seen) = std::sync::mpsc::channel();
        let mut output = Output::thread(Line(sink)).unwrap();
        output.write_all(b"frame").unwrap();
        assert!(output.drain(Duration::from_secs(5)));
        output.close(false);
        assert_eq!(seen.recv().unwrap(), b"frame");
        assert!(seen.recv().is_err(), "the thread has ended");
    }

    #[test]
    fn a_line_that_breaks_is_told() {
        let mut output = Output::thread(Dead).unwrap();
        output.write_all(b"frame").unwrap();
        assert!(!output.drain(Duration::from_secs(5)));
        assert!(output.is_broken());
    }
}
