//! Files of the console's machine: what a folder holds.

use std::path::{Path, PathBuf};

use crate::tui::message::{Folder, FolderEntry};
use crate::tui::show;

/// The most names of a folder that are shown.
const MOST: usize = 200;

/// The most names of a folder that are looked through.
const LOOKED_THROUGH: usize = 100_000;

/// A path as a shell has it: `~` is one's own directory, and what is relative is so
/// to where the console was started.
pub(super) fn expanded(typed: &str) -> PathBuf {
    let home = || std::env::var_os("HOME").map(PathBuf::from);
    match typed.strip_prefix('~') {
        Some("") => home().unwrap_or_else(|| typed.into()),
        Some(rest) if rest.starts_with('/') => {
            home().map_or_else(|| typed.into(), |home| home.join(&rest[1..]))
        }
        _ => typed.into(),
    }
}

/// The folder that a path which is being typed is in, and the beginning of a name there.
fn parted(typed: &str) -> (&str, &str) {
    match typed.rfind('/') {
        Some(at) => typed.split_at(at + 1),
        None => ("", typed),
    }
}

/// What can follow what is typed: names that begin so.
pub(super) async fn folder(typed: String) -> Folder {
    let read = tokio::task::spawn_blocking(move || {
        let (folder, begins) = parted(&typed);
        let at = if folder.is_empty() { PathBuf::from(".") } else { expanded(folder) };
        let (entries, problem) = match names(&at, begins) {
            Ok((entries, true)) => (entries, None),
            Ok((entries, false)) => {
                let all = show::count(LOOKED_THROUGH as u64);
                (entries, Some(format!("{}: only {all} of its names were looked through", at.display())))
            }
            Err(error) => (Vec::new(), Some(format!("{}: {error}", at.display()))),
        };
        let at = at.canonicalize().unwrap_or(at);
        Folder { typed: typed.clone(), at, entries, problem }
    });
    read.await.unwrap_or_default()
}

/// What begins so in a folder, and whether all of its names were looked through.
fn names(folder: &Path, begins: &str) -> std::io::Result<(Vec<FolderEntry>, bool)> {
    let mut out = Vec::new();
    let mut seen = 0;
    for entry in std::fs::read_dir(folder)?.take(LOOKED_THROUGH) {
        let entry = entry?;
        seen += 1;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let hidden = name.starts_with('.') && !begins.starts_with('.');
        if hidden || !name.starts_with(begins) {
            continue;
        }
        // What a link leads to, and nothing where it leads nowhere.
        let Ok(about) = std::fs::metadata(entry.path()) else { continue };
        if about.is_dir() || about.is_file() {
            out.push(FolderEntry { name, folder: about.is_dir(), bytes: about.len() });
        }
    }
    out.sort_by(|a, b| (!a.folder, &a.name).cmp(&(!b.folder, &b.name)));
    out.truncate(MOST);
    Ok((out, seen < LOOKED_THROUGH))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_folder_lists_what_begins_so_with_folders_first() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["price.pdf", "prices.csv", "other.txt", ".private"] {
            std::fs::write(dir.path().join(name), "1234").unwrap();
        }
        std::fs::create_dir(dir.path().join("press")).unwrap();
        let list = folder(format!("{}/pr", dir.path().display())).await;
        let names: Vec<_> = list.entries.iter().map(|one| (one.name.as_str(), one.folder)).collect();
        assert_eq!(names, [("press", true), ("price.pdf", false), ("prices.csv", false)]);
        assert_eq!(list.entries[1].bytes, 4);
        let all = folder(format!("{}/", dir.path().display())).await;
        assert!(all.entries.iter().all(|one| one.name != ".private"));
        let none = folder(format!("{}/nowhere/x", dir.path().display())).await;
        assert!(none.problem.is_some_and(|problem| problem.contains("nowhere")));
    }

    #[test]
    fn a_path_is_taken_apart_at_its_last_slash() {
        assert_eq!(parted("~/a/b"), ("~/a/", "b"));
        assert_eq!(parted("b"), ("", "b"));
        assert_eq!(parted("/"), ("/", ""));
    }
}
