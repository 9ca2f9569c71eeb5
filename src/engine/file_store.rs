//! The contents of files: a directory of blobs named by their SHA-256, beside
//! uploads that are not whole yet. Everything here blocks.
//!
//! ```text
//! files/DIGEST         whole, never changed
//! files/uploads/NO     the parts of an upload, each at its place
//! files/spool/NAME     what is coming in just now
//! ```

use crate::domain::file::media_type;
use crate::domain::hex::hex;
use crate::domain::ids::FileNo;
use md5::{Digest as _, Md5};
use ring::digest::{Context, SHA256};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

const UPLOADS: &str = "uploads";
const SPOOL: &str = "spool";
/// Bytes that are hashed at once.
const BLOCK: usize = 128 << 10;

/// Where contents are; by default nowhere.
#[derive(Debug, Clone, Default)]
pub struct FileStore {
    dir: Option<PathBuf>,
}

/// A content that is whole and in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// SHA-256 in hex.
    pub digest: String,
    /// MD5 in hex.
    pub md5: String,
    /// Bytes.
    pub size: u64,
    /// The MIME type, by its first bytes and its name.
    pub mime: &'static str,
}

fn is_digest(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

impl FileStore {
    /// In this directory, which is made when it is needed, for its owner alone.
    pub fn at(dir: PathBuf) -> Self {
        Self { dir: Some(dir) }
    }

    /// Whether files can be kept.
    pub fn is_there(&self) -> bool {
        self.dir.is_some()
    }

    fn dir(&self) -> io::Result<&Path> {
        let none = || io::Error::new(io::ErrorKind::Unsupported, "this Herald has no directory for files");
        self.dir.as_deref().ok_or_else(none)
    }

    fn below(&self, name: &str) -> io::Result<PathBuf> {
        let path = self.dir()?.join(name);
        DirBuilder::new().recursive(true).mode(0o700).create(&path)?;
        Ok(path)
    }

    fn blob(&self, digest: &str) -> io::Result<PathBuf> {
        if !is_digest(digest) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a digest"));
        }
        Ok(self.dir()?.join(digest))
    }

    /// A new file for what is coming in. Whoever asks for it removes it.
    pub fn spool(&self, name: &str) -> io::Result<(PathBuf, File)> {
        let path = self.below(SPOOL)?.join(name);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        Ok((path, file))
    }

    /// Puts a part of an upload to its place, durably.
    pub fn append(&self, part: &Path, no: FileNo, at: u64) -> io::Result<()> {
        let path = self.below(UPLOADS)?.join(no.to_string());
        let mut whole =
            OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path)?;
        whole.seek(SeekFrom::Start(at))?;
        io::copy(&mut File::open(part)?, &mut whole)?;
        whole.sync_data()
    }

    /// The parts of an upload.
    pub fn upload(&self, no: FileNo) -> io::Result<PathBuf> {
        Ok(self.dir()?.join(UPLOADS).join(no.to_string()))
    }

    /// Makes a blob of a file that is whole, durably. The file is no longer where it was.
    pub fn seal(&self, from: &Path, name: &str) -> io::Result<Sealed> {
        let mut file = File::open(from)?;
        let (mut sha, mut md5, mut size) = (Context::new(&SHA256), Md5::new(), 0);
        let mut head = Vec::new();
        let mut block = vec![0; BLOCK];
        loop {
            let read = match file.read(&mut block) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if head.is_empty() {
                head.extend_from_slice(&block[..read.min(16)]);
            }
            sha.update(&block[..read]);
            md5.update(&block[..read]);
            size += read as u64;
        }
        file.sync_all()?;
        let digest = hex(sha.finish().as_ref());
        fs::rename(from, self.blob(&digest)?)?;
        sync_directory(self.dir()?)?;
        Ok(Sealed { digest, md5: hex(&md5.finalize()), size, mime: media_type(&head, name) })
    }

    /// A content, as a whole.
    pub fn read(&self, digest: &str) -> io::Result<Arc<[u8]>> {
        fs::read(self.blob(digest)?).map(Into::into)
    }

    /// A content, to be read in parts.
    pub fn open(&self, digest: &str) -> io::Result<File> {
        File::open(self.blob(digest)?)
    }

    /// Removes a content, if it is there.
    pub fn remove(&self, digest: &str) -> io::Result<()> {
        gone(fs::remove_file(self.blob(digest)?))
    }

    /// Removes the parts of an upload, if there are any.
    pub fn forget(&self, no: FileNo) -> io::Result<()> {
        gone(fs::remove_file(self.upload(no)?))
    }

    /// All contents there are.
    pub fn digests(&self) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(self.dir()?) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut digests = Vec::new();
        for entry in entries {
            digests.extend(entry?.file_name().into_string().ok().filter(|name| is_digest(name)));
        }
        Ok(digests)
    }

    /// Removes what was coming in, and parts of uploads, that were last written so long ago.
    pub fn clean(&self, coming_in: Duration, parts: Duration, now: SystemTime) -> io::Result<()> {
        for (name, age) in [(SPOOL, coming_in), (UPLOADS, parts)] {
            let entries = match fs::read_dir(self.dir()?.join(name)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                entries => entries?,
            };
            for entry in entries {
                let entry = entry?;
                let written = entry.metadata().and_then(|meta| meta.modified()).unwrap_or(now);
                if now.duration_since(written).is_ok_and(|old| old >= age) {
                    gone(fs::remove_file(entry.path()))?;
                }
            }
        }
        Ok(())
    }
}

fn gone(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
