//! A main file in memory that survives the store that is opened on it: for tests.

use redb::StorageBackend;
use std::io;
use std::sync::{Arc, PoisonError, RwLock};

/// The bytes. Clones are the same file.
#[derive(Debug, Clone, Default)]
pub struct Memory(Arc<RwLock<Vec<u8>>>);

impl Memory {
    fn range(&self, offset: u64, len: usize, bytes: usize) -> io::Result<std::ops::Range<usize>> {
        let from = usize::try_from(offset).map_err(io::Error::other)?;
        let to = from.checked_add(len).filter(|to| *to <= bytes);
        let to = to.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
        Ok(from..to)
    }
}

impl StorageBackend for Memory {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.read().unwrap_or_else(PoisonError::into_inner).len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let bytes = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let range = self.range(offset, out.len(), bytes.len())?;
        out.copy_from_slice(&bytes[range]);
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
        let range = self.range(offset, data.len(), bytes.len())?;
        bytes[range].copy_from_slice(data);
        Ok(())
    }
}
