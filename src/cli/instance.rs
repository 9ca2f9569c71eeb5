//! Who is the engine of a data directory: whoever holds `engine.lock` in it.
//! The engine always listens on the socket; a socket without the lock is stale.

use crate::domain::hex::hex;
use ring::digest::{SHA256, digest};
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The longest path that a Unix socket's address holds, without its final NUL.
const SOCKET_PATH_MAX: usize = 107;

/// What can go wrong before anything runs.
#[derive(Debug, thiserror::Error)]
pub enum InstanceError {
    /// A directory or file cannot be made or read.
    #[error("{path}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The directory is open to others.
    #[error("{0} can be read by others: `chmod 700` it, it holds addresses and sealed credentials")]
    Open(PathBuf),
    /// The directory belongs to somebody else.
    #[error("{0} belongs to another user")]
    Foreign(PathBuf),
}

impl InstanceError {
    fn io(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        |source| Self::Io { path: path.to_owned(), source }
    }
}

/// A data directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    dir: PathBuf,
}

/// The lock on a data directory. Whoever holds it is the engine; dropping it ends that.
#[derive(Debug)]
pub struct EngineLock {
    file: File,
}

impl Instance {
    /// The data directory at this path, made with mode 0700 where it is missing.
    /// One that others can read is refused.
    pub fn open(dir: &Path) -> Result<Self, InstanceError> {
        DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(InstanceError::io(dir))?;
        let dir = fs::canonicalize(dir).map_err(InstanceError::io(dir))?;
        private(&dir)?;
        Ok(Self { dir })
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where the store lives.
    pub fn store_dir(&self) -> PathBuf {
        self.dir.join("store")
    }

    /// Where logs and crash reports go.
    pub fn log_dir(&self) -> PathBuf {
        self.dir.join("log")
    }

    fn lock_path(&self) -> PathBuf {
        self.dir.join("engine.lock")
    }

    /// Becomes the engine, or `None`: somebody else is.
    pub fn try_lock(&self) -> Result<Option<EngineLock>, InstanceError> {
        let path = self.lock_path();
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(InstanceError::io(&path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(source)) => return Err(InstanceError::Io { path, source }),
        }
        sign(&mut file).map_err(InstanceError::io(&path))?;
        Ok(Some(EngineLock { file }))
    }

    /// Whether this open file is the lock, and nobody holds it by another one.
    pub fn shares(&self, file: &File) -> bool {
        let (Ok(given), Ok(own)) = (file.metadata(), fs::metadata(self.lock_path())) else { return false };
        // The lock belongs to the open file: whoever has another one does not get it here.
        (given.dev(), given.ino()) == (own.dev(), own.ino()) && file.try_lock().is_ok()
    }

    /// Becomes the engine by a lock that another process holds and [shares](Self::shares) with this one.
    pub fn adopt(&self, mut file: File) -> Result<EngineLock, InstanceError> {
        sign(&mut file).map_err(InstanceError::io(&self.lock_path()))?;
        Ok(EngineLock { file })
    }

    /// The process that holds the lock, as it wrote itself down. `None`: nobody does.
    pub fn holder(&self) -> Option<u32> {
        let mut file = OpenOptions::new().read(true).open(self.lock_path()).ok()?;
        if file.try_lock_shared().is_ok() {
            return None;
        }
        let mut text = String::new();
        file.read_to_string(&mut text).ok()?;
        text.trim().parse().ok()
    }

    /// Where the engine listens: in the data directory, or under a hash in the
    /// runtime directory when that path is too long for a socket.
    pub fn socket(&self) -> Result<PathBuf, InstanceError> {
        let near = self.dir.join("engine.sock");
        if near.as_os_str().as_bytes().len() <= SOCKET_PATH_MAX {
            return Ok(near);
        }
        let hash = digest(&SHA256, self.dir.as_os_str().as_bytes());
        let name = hex(&hash.as_ref()[..12]);
        let runtime = runtime_dir();
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&runtime)
            .map_err(InstanceError::io(&runtime))?;
        private(&runtime)?;
        Ok(runtime.join(format!("{name}.sock")))
    }
}

/// Writes this process down as the engine.
fn sign(file: &mut File) -> io::Result<()> {
    file.rewind()?;
    file.set_len(0)?;
    writeln!(file, "{}", std::process::id())
}

impl EngineLock {
    /// The lock as an open file for another process, which then holds it as well: there is no moment
    /// in which nobody does.
    pub fn share(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// Gives the lock up.
    pub fn release(self) {
        // The kernel lets go when the file closes; an explicit unlock only says so earlier.
        let _ = self.file.unlock();
    }
}

/// Where sockets with short names go: the session's runtime directory, or a
/// private directory of the user's own below the temporary one.
fn runtime_dir() -> PathBuf {
    let uid = rustix::process::getuid().as_raw();
    std::env::var_os("XDG_RUNTIME_DIR")
        .map(PathBuf::from)
        .filter(|dir| dir.is_absolute() && dir.is_dir() && dir.as_os_str().len() < 64)
        .map_or_else(|| std::env::temp_dir().join(format!("herald-{uid}")), |dir| dir.join("herald"))
}

/// Refuses a directory that is not ours alone.
fn private(dir: &Path) -> Result<(), InstanceError> {
    let meta = fs::metadata(dir).map_err(InstanceError::io(dir))?;
    if meta.uid() != rustix::process::getuid().as_raw() {
        return Err(InstanceError::Foreign(dir.to_owned()));
    }
    if meta.permissions().mode() & 0o077 != 0 {
        return Err(InstanceError::Open(dir.to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> tempfile::TempDir {
        tempfile::Builder::new().permissions(fs::Permissions::from_mode(0o700)).tempdir().unwrap()
    }

    #[test]
    fn one_engine_at_a_time() {
        let place = place();
        let instance = Instance::open(place.path()).unwrap();
        assert_eq!(instance.holder(), None);
        let lock = instance.try_lock().unwrap().expect("nobody holds it");
        assert!(instance.try_lock().unwrap().is_none());
        assert_eq!(instance.holder(), Some(std::process::id()));
        lock.release();
        assert_eq!(instance.holder(), None);
        assert!(instance.try_lock().unwrap().is_some());
    }

    #[test]
    fn a_shared_lock_is_held_until_the_last_one_goes() {
        let place = place();
        let instance = Instance::open(place.path()).unwrap();
        let lock = instance.try_lock().unwrap().expect("nobody holds it");
        let stranger = File::open(place.path().join("engine.lock")).unwrap();
        assert!(!instance.shares(&stranger), "another open file is not the lock");
        assert!(!instance.shares(&tempfile::tempfile().unwrap()));
        let shared = lock.share().unwrap();
        assert!(instance.shares(&shared));
        let heir = instance.adopt(shared).unwrap();
        drop(lock);
        assert!(instance.try_lock().unwrap().is_none(), "the heir holds it");
        heir.release();
        assert!(instance.try_lock().unwrap().is_some());
    }

    #[test]
    fn a_long_path_gets_a_short_socket() {
        let place = place();
        let short = Instance::open(&place.path().join("a")).unwrap();
        assert!(short.socket().unwrap().starts_with(short.dir()));
        let deep = place.path().join("d".repeat(60)).join("e".repeat(60));
        let long = Instance::open(&deep).unwrap();
        let socket = long.socket().unwrap();
        assert!(socket.as_os_str().len() <= SOCKET_PATH_MAX, "{socket:?}");
        assert_eq!(socket, Instance::open(&deep).unwrap().socket().unwrap());
        assert_ne!(socket, Instance::open(&deep.join("f")).unwrap().socket().unwrap());
    }

    #[test]
    fn a_directory_that_others_read_is_refused() {
        let place = place();
        let dir = place.path().join("open");
        fs::create_dir(&dir).unwrap();
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(matches!(Instance::open(&dir), Err(InstanceError::Open(_))));
    }
}
