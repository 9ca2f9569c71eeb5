//! The tty itself: its modes before, and back again.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{OptionalActions, QueueSelector, Termios, tcflush, tcgetattr, tcgetwinsize, tcsetattr};

use super::modes::Modes;
use super::probe::{AS_BEFORE, TELL_KEYS_APART};

/// How long restoring waits for a terminal that does not take bytes.
const PATIENCE: Duration = Duration::from_millis(250);

/// A tty in the hands of a console. Dropping it restores what was.
#[derive(Debug)]
pub struct Screen {
    tty: File,
    original: Termios,
    modes: Modes,
    entered: AtomicBool,
    gone: AtomicBool,
    /// It speaks the kitty keyboard protocol, which was switched on.
    keyboard: AtomicBool,
}

impl Screen {
    /// Remembers how the tty is set, without changing it.
    pub(super) fn new(tty: File, modes: Modes) -> io::Result<Self> {
        let original = tcgetattr(&tty)?;
        Ok(Self {
            tty,
            original,
            modes,
            entered: AtomicBool::new(false),
            gone: AtomicBool::new(false),
            keyboard: AtomicBool::new(false),
        })
    }

    pub(super) fn tty(&self) -> &File {
        &self.tty
    }

    /// The columns and rows of the tty; 80×24 if it does not know.
    pub(super) fn size(&self) -> (u16, u16) {
        match tcgetwinsize(&self.tty) {
            Ok(size) if size.ws_col > 0 || size.ws_row > 0 => (size.ws_col, size.ws_row),
            _ => (80, 24),
        }
    }

    /// Raw mode, then the modes of the terminal.
    pub(super) fn enter(&self) -> io::Result<()> {
        let mut raw = self.original.clone();
        raw.make_raw();
        tcsetattr(&self.tty, OptionalActions::Now, &raw)?;
        self.entered.store(true, Ordering::SeqCst);
        self.write(&self.modes.enter())?;
        if self.keyboard.load(Ordering::SeqCst) {
            self.write(TELL_KEYS_APART)?;
        }
        Ok(())
    }

    /// Says that the keyboard protocol was switched on, so that leaving ends it. True
    /// the first time.
    pub(super) fn tells_keys_apart(&self) -> bool {
        !self.keyboard.swap(true, Ordering::SeqCst)
    }

    /// Everything as it was, in reverse order. May be called more than once, and
    /// from a panic; never blocks for long.
    pub(super) fn leave(&self) {
        if !self.entered.swap(false, Ordering::SeqCst) || self.gone.load(Ordering::SeqCst) {
            return;
        }
        if self.keyboard.load(Ordering::SeqCst) {
            let _ = self.write(AS_BEFORE);
        }
        let _ = self.write(&self.modes.leave());
        let _ = tcsetattr(&self.tty, OptionalActions::Now, &self.original);
    }

    /// The terminal is gone: nothing is written to it any more.
    pub(super) fn abandon(&self) {
        self.gone.store(true, Ordering::SeqCst);
    }

    pub(super) fn is_entered(&self) -> bool {
        self.entered.load(Ordering::SeqCst)
    }

    /// Drops what was typed and not read.
    pub(super) fn drop_input(&self) {
        let _ = tcflush(&self.tty, QueueSelector::IFlush);
    }

    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let until = Instant::now() + PATIENCE;
        let mut rest = bytes;
        while !rest.is_empty() {
            if !is_writable(&self.tty, until.saturating_duration_since(Instant::now()))? {
                return Err(io::ErrorKind::TimedOut.into());
            }
            match (&self.tty).write(rest) {
                Ok(n) => rest = &rest[n..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.leave();
    }
}

fn is_writable(tty: impl AsFd, limit: Duration) -> io::Result<bool> {
    let mut fds = [PollFd::new(&tty, PollFlags::OUT)];
    let limit = Timespec::try_from(limit).unwrap_or(Timespec { tv_sec: 0, tv_nsec: 0 });
    match poll(&mut fds, Some(&limit)) {
        Ok(n) => Ok(n > 0 && !fds[0].revents().intersects(PollFlags::HUP | PollFlags::ERR)),
        Err(rustix::io::Errno::INTR) => Ok(true),
        Err(error) => Err(error.into()),
    }
}
