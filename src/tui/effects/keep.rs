//! The file of what a console keeps.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::JoinSet;

use crate::tui::state::kept::Kept;

/// Writes the file, the newest last.
#[derive(Debug)]
pub(super) struct Keeper {
    file: Option<PathBuf>,
    /// The number of the newest that was written, under the lock of writing.
    written: Arc<Mutex<u64>>,
    given: u64,
}

impl Keeper {
    pub(super) fn new(file: Option<PathBuf>) -> Self {
        Self { file, written: Arc::default(), given: 0 }
    }

    /// Writes what is kept, unless something newer is written by then.
    pub(super) fn keep(&mut self, tasks: &mut JoinSet<()>, kept: &Kept) {
        let (Some(file), Ok(text)) = (self.file.clone(), serde_json::to_vec_pretty(kept)) else { return };
        self.given += 1;
        let (given, written) = (self.given, Arc::clone(&self.written));
        tasks.spawn_blocking(move || {
            let mut newest = written.lock().unwrap_or_else(PoisonError::into_inner);
            if *newest < given {
                *newest = given;
                if let Err(error) = write(&file, &text) {
                    tracing::warn!(%error, file = %file.display(), "the console's state was not kept");
                }
            }
        });
    }
}

/// Writes a file beside the old one and puts it in its place: a drafts' text is
/// whole or as it was. Readable by its owner alone.
fn write(file: &Path, text: &[u8]) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    if let Some(dir) = file.parent() {
        std::fs::create_dir_all(dir)?;
    }
    let beside = file.with_extension(format!("{}.new", std::process::id()));
    let mut new =
        std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    new.write_all(text)?;
    new.sync_data()?;
    std::fs::rename(&beside, file)
}

/// What a file keeps; nothing if there is none, or none that can be read.
pub fn read(file: &Path) -> Option<Kept> {
    serde_json::from_slice(&std::fs::read(file).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_back_and_is_its_owners() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a").join("console.json");
        assert_eq!(read(&file), None);
        let kept = Kept { tab: "live".into(), ..Kept::default() };
        write(&file, &serde_json::to_vec(&kept).unwrap()).unwrap();
        assert_eq!(read(&file), Some(kept));
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::write(&file, "{").unwrap();
        assert_eq!(read(&file), None);
    }
}
