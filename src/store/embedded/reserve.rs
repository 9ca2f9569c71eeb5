//! Space kept for recording what has happened when the disk is full.

use crate::store::disk::Files;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The file's name.
const NAME: &str = "reserve";
/// Bytes written at once.
const PIECE: usize = 64 << 10;

/// The reserve, and whether it is given up.
#[derive(Debug)]
pub(super) struct Reserve {
    files: Option<Arc<dyn Files>>,
    bytes: u64,
    /// Why it is given up, while it is.
    tight: Mutex<Option<String>>,
}

impl Reserve {
    /// A reserve of so many bytes among these files; none where there are no files.
    pub(super) fn new(files: Option<Arc<dyn Files>>, bytes: u64) -> Self {
        Self { files: files.filter(|_| bytes > 0), bytes, tight: Mutex::new(None) }
    }

    fn tight(&self) -> MutexGuard<'_, Option<String>> {
        self.tight.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why it is given up, while it is.
    pub(super) fn cause(&self) -> Option<String> {
        self.tight().clone()
    }

    /// Gives it up, so that what must be recorded finds space.
    pub(super) fn give_up(&self, cause: &str) {
        let Some(files) = &self.files else { return };
        let mut tight = self.tight();
        if tight.is_none() {
            tracing::warn!(cause, "the disk is full: the reserve is given up, only outcomes are recorded");
            if let Err(error) = files.unlink(NAME)
                && error.kind() != io::ErrorKind::NotFound
            {
                tracing::warn!(%error, "the reserve could not be given up");
            }
            *tight = Some(cause.to_owned());
        }
    }

    /// Takes it, if `free` (bytes; `None`: unknown) leaves room for it and as much again;
    /// says whether it is there.
    pub(super) fn take(&self, free: Option<u64>) -> bool {
        let Some(files) = &self.files else { return true };
        let mut tight = self.tight();
        let is_there = files.open(NAME).and_then(|file| file.len()).is_ok_and(|len| len >= self.bytes);
        if !is_there {
            // Taking it must not bring the next failure.
            if free.is_some_and(|free| free < 2 * self.bytes) {
                return false;
            }
            if let Err(error) = self.write(files.as_ref()) {
                tracing::debug!(%error, "there is no space for the reserve yet");
                // What was written of it is given back; where that fails the next try writes over it.
                let _ = files.unlink(NAME);
                return false;
            }
        }
        *tight = None;
        true
    }

    fn write(&self, files: &dyn Files) -> io::Result<()> {
        let file = files.create(NAME)?;
        let piece = vec![0; PIECE];
        let mut at = 0;
        while at < self.bytes {
            let len = (self.bytes - at).min(PIECE as u64);
            file.write_at(&piece[..len as usize], at)?;
            at += len;
        }
        file.sync()?;
        files.sync_dir()
    }

    /// Notes that there is no space for it at the start.
    pub(super) fn is_missing(&self, cause: &str) {
        *self.tight() = Some(cause.to_owned());
    }
}
