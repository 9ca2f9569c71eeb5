//! A text in the operator's own editor.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::atomic::{AtomicU64, Ordering};

/// The longest text that comes back from an editor, in bytes.
const MAX_TEXT: u64 = 16 << 20;

/// Why a text did not come back from the editor. The text that went in is still
/// what it was.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// The file for the editor could not be written or read.
    #[error("the file for your editor: {0}")]
    File(#[from] io::Error),
    /// The editor could not be started, or reported a failure.
    #[error("your editor (`{command}`) ended with {status}; set VISUAL or EDITOR to one that works")]
    Failed {
        /// The editor's command.
        command: String,
        /// How it ended.
        status: ExitStatus,
    },
    /// What came back is not text that can be sent.
    #[error("what your editor saved is not UTF-8 text of at most 16 MiB")]
    NotText,
    /// This seat has no programs beside it.
    #[error("there is no editor at this terminal")]
    NoEditor,
}

/// The command of the operator's editor: `VISUAL`, `EDITOR` or `vi`.
pub fn command(env: impl Fn(&str) -> Option<String>) -> String {
    ["VISUAL", "EDITOR"]
        .into_iter()
        .filter_map(env)
        .find(|value| !value.trim().is_empty())
        .unwrap_or_else(|| "vi".to_owned())
}

/// A file that only we can read, and that is gone afterwards.
struct Draft(PathBuf);

impl Draft {
    fn create(dir: &Path, extension: &str) -> io::Result<(Self, File)> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        loop {
            let name =
                format!("herald-{}-{}.{extension}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
            let path = dir.join(name);
            // Never through a link or into a file that somebody put there.
            match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
                Ok(file) => return Ok((Self(path), file)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Opens a text in the editor and returns what was saved; blocks until the editor
/// ends. `extension` (such as `html`) tells it how to show the text.
pub fn edit(text: &str, extension: &str, command: &str, dir: &Path) -> Result<String, EditError> {
    let (draft, mut file) = Draft::create(dir, extension)?;
    file.write_all(text.as_bytes())?;
    file.sync_data()?;
    drop(file);
    // Through the shell, as git does it: the command may have arguments.
    let status = Command::new("/bin/sh")
        .arg("-c")
        .arg(format!("{command} \"$1\""))
        .arg("editor")
        .arg(&draft.0)
        .status()?;
    if !status.success() {
        return Err(EditError::Failed { command: command.to_owned(), status });
    }
    // Editors replace the file, so it is opened anew.
    let mut saved = Vec::new();
    File::open(&draft.0)?.take(MAX_TEXT + 1).read_to_end(&mut saved)?;
    if saved.len() as u64 > MAX_TEXT {
        return Err(EditError::NotText);
    }
    let mut saved = String::from_utf8(saved).map_err(|_| EditError::NotText)?;
    // Editors end the last line; a text of one line did not have that.
    if !text.ends_with('\n') && saved.ends_with('\n') {
        saved.pop();
        if saved.ends_with('\r') {
            saved.pop();
        }
    }
    Ok(saved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_saved_text_comes_back_and_no_file_stays() {
        let dir = tempfile::tempdir().unwrap();
        let script = "f() { test -O \"$1\" && printf 'edited: ' > \"$1.new\" && cat \"$1\" >> \"$1.new\" && echo >> \"$1.new\" && mv \"$1.new\" \"$1\"; }; f";
        assert_eq!(edit("Dear Ana", "html", script, dir.path()).unwrap(), "edited: Dear Ana");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn an_editor_that_fails_changes_nothing_and_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let error = edit("x", "txt", "false", dir.path()).unwrap_err().to_string();
        assert!(error.contains("`false`") && error.contains("EDITOR"), "{error}");
        assert!(matches!(edit("x", "txt", "printf '\\377' >", dir.path()), Err(EditError::NotText)));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn visual_wins_over_editor_and_vi_is_last() {
        let env = |set: &'static [(&str, &str)]| {
            move |name: &str| set.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned())
        };
        assert_eq!(command(env(&[("VISUAL", "code -w"), ("EDITOR", "nano")])), "code -w");
        assert_eq!(command(env(&[("VISUAL", " "), ("EDITOR", "nano")])), "nano");
        assert_eq!(command(env(&[])), "vi");
    }
}
