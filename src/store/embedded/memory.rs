//! A store's files in memory that survive the store that is opened on them: for tests.

use crate::store::disk::sim::Disk;
use redb::StorageBackend;
use std::io;
use std::sync::{Arc, PoisonError, RwLock};

/// The bytes of the main file, and the log's segments. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    main: Main,
    /// Where the log's segments are.
    pub(super) segments: Disk,
}

impl Memory {
    /// The main file.
    pub(super) fn main(&self) -> Main {
        self.main.clone()
    }
}

/// The main file.
#[derive(Debug, Clone, Default)]
pub(super) struct Main(Arc<RwLock<Vec<u8>>>);

fn range(offset: u64, len: usize, bytes: usize) -> io::Result<std::ops::Range<usize>> {
    let from = usize::try_from(offset).map_err(io::Error::other)?;
    let to = from.checked_add(len).filter(|to| *to <= bytes);
    let to = to.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
    Ok(from..to)
}

impl StorageBackend for Main {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.read().unwrap_or_else(PoisonError::into_inner).len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let bytes = self.0.read().unwrap_or_else(PoisonError::into_inner);
        out.copy_from_slice(&bytes[range(offset, out.len(), bytes.len())?]);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let len = usize::try_from(len).map_err(io::Error::other)?;
        self.0.write().unwrap_or_else(PoisonError::into_inner).resize(len, 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut bytes = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let range = range(offset, data.len(), bytes.len())?;
        bytes[range].copy_from_slice(data);
        Ok(())
    }
}
