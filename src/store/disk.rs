//! The few file operations that sealed log segments need, behind a trait, so
//! that a simulated disk can stand under them and lose what was not synced.
//!
//! The trait says what a power cut may do, not what a good day does: a file's
//! bytes are safe after [`File::sync`], its name after [`Files::sync_dir`], and
//! nothing else is promised.

use std::fmt::Debug;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub mod sim;

/// The room on the disk that a directory is on, for those who are not root, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Room {
    /// What can still be written.
    pub free: u64,
    /// That, and what is taken. As `df` counts: blocks kept for root are in neither.
    pub total: u64,
}

impl Room {
    /// Of the disk that `dir` is on.
    pub fn of(dir: &Path) -> io::Result<Self> {
        let stat = rustix::fs::statvfs(dir)?;
        let bytes = |blocks: u64| blocks.saturating_mul(stat.f_frsize);
        let taken = stat.f_blocks.saturating_sub(stat.f_bfree);
        Ok(Self { free: bytes(stat.f_bavail), total: bytes(taken.saturating_add(stat.f_bavail)) })
    }
}

/// One open file. Reads and writes name their offset, so that a handle can be
/// shared between threads.
pub trait File: Send + Sync + Debug {
    /// Fills `out` with the bytes at `offset`.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] where the file ends before `out` is full.
    fn read_at(&self, out: &mut [u8], offset: u64) -> io::Result<()>;

    /// Writes all of `data` at `offset`, growing the file where it must.
    fn write_at(&self, data: &[u8], offset: u64) -> io::Result<()>;

    /// Makes every byte written so far, and the length, survive a power cut.
    fn sync(&self) -> io::Result<()>;

    /// Length in bytes.
    fn len(&self) -> io::Result<u64>;

    /// Whether the file holds no bytes.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
}

/// The files of one directory, by name.
pub trait Files: Send + Sync + Debug {
    /// Creates `name` for reading and writing; an older file of the name is emptied.
    fn create(&self, name: &str) -> io::Result<Arc<dyn File>>;

    /// Opens `name` for reading.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] where there is none.
    fn open(&self, name: &str) -> io::Result<Arc<dyn File>>;

    /// Gives the file `from` the name `to`, replacing a file of that name.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes the name. Handles that are open stay readable.
    fn unlink(&self, name: &str) -> io::Result<()>;

    /// Every name in the directory, in no order.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Makes every creation, renaming and removal so far survive a power cut.
    fn sync_dir(&self) -> io::Result<()>;
}

/// A directory of the file system.
#[derive(Debug, Clone)]
pub struct Directory {
    path: PathBuf,
}

impl Directory {
    /// Uses the directory at `path`, creating it (mode 0700 on Unix) where it is missing.
    pub fn create(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&path)?;
        Ok(Self { path })
    }
}

impl Files for Directory {
    fn create(&self, name: &str) -> io::Result<Arc<dyn File>> {
        let mut options = std::fs::OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Ok(Arc::new(DiskFile(options.open(self.path.join(name))?)))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn File>> {
        Ok(Arc::new(DiskFile(std::fs::File::open(self.path.join(name))?)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        std::fs::rename(self.path.join(from), self.path.join(to))
    }

    fn unlink(&self, name: &str) -> io::Result<()> {
        std::fs::remove_file(self.path.join(name))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.path)? {
            // A name that is not UTF-8 is not one of ours.
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn sync_dir(&self) -> io::Result<()> {
        std::fs::File::open(&self.path)?.sync_all()
    }
}

#[derive(Debug)]
struct DiskFile(std::fs::File);

impl File for DiskFile {
    #[cfg(unix)]
    fn read_at(&self, out: &mut [u8], offset: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(&self.0, out, offset)
    }

    #[cfg(unix)]
    fn write_at(&self, data: &[u8], offset: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::write_all_at(&self.0, data, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `df` says it: what is used of what is not kept for root.
    #[test]
    fn the_room_is_what_df_tells() {
        let room = Room::of(Path::new("/")).unwrap();
        assert!(room.total > 0 && room.free <= room.total, "{room:?}");
        let stat = rustix::fs::statvfs("/").unwrap();
        assert!(room.total <= stat.f_blocks * stat.f_frsize, "{room:?}");
        assert!(Room::of(Path::new("/there is no such directory")).is_err());
    }

    #[test]
    fn a_directory_does_what_the_trait_says() {
        let dir = tempfile::tempdir().unwrap();
        let files = Directory::create(dir.path().join("log")).unwrap();
        let file = files.create("a").unwrap();
        assert!(file.is_empty().unwrap());
        file.write_at(b"later", 5).unwrap();
        file.write_at(b"first", 0).unwrap();
        file.sync().unwrap();
        files.rename("a", "b").unwrap();
        files.sync_dir().unwrap();
        assert_eq!(files.list().unwrap(), ["b"]);
        let read = files.open("b").unwrap();
        files.unlink("b").unwrap();
        let mut out = [0; 10];
        read.read_at(&mut out, 0).unwrap();
        assert_eq!(&out, b"firstlater");
        assert_eq!(read.read_at(&mut out, 1).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        assert_eq!(files.open("b").unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
