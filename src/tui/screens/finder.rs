//! A path of the console's machine that is being typed, and what it can become.

use std::path::PathBuf;

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::tui::message::{Fetch, Folder, FolderEntry};
use crate::tui::theme::Role;
use crate::tui::widgets::field::LineField;
use crate::tui::widgets::pen::Pen;
use crate::tui::{sanitize, show};

/// The path that is typed, and what it can become.
#[derive(Debug, Default)]
pub(super) struct Finder {
    pub(super) field: LineField,
    at: usize,
    folder: Option<Folder>,
}

/// What is taken of a folder.
#[derive(Debug)]
pub(super) enum Taken {
    /// A folder: this says what is in it.
    Into(Fetch),
    /// A file, from the root.
    File(FolderEntry, PathBuf),
    /// Nothing, and why.
    Nothing(String),
}

impl Finder {
    /// One in which a path stands that is not looked for.
    pub(super) fn of(path: &str) -> Self {
        Self { field: LineField::new(path), ..Self::default() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.field.text().is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.set("");
    }

    /// Replaces the path; what it can become is not asked.
    pub(super) fn set(&mut self, path: &str) {
        self.field.set(path);
        self.shut();
    }

    /// Shows no folder any more; says whether one was shown.
    pub(super) fn shut(&mut self) -> bool {
        self.at = 0;
        self.folder.take().is_some()
    }

    fn folder(&self) -> Option<&Folder> {
        self.folder.as_ref().filter(|folder| !self.is_empty() && folder.typed == self.field.text())
    }

    /// What can be chosen: nothing before anything is typed.
    pub(super) fn entries(&self) -> &[FolderEntry] {
        self.folder().map_or(&[], |folder| &folder.entries)
    }

    /// Whether it is known what the path can become.
    pub(super) fn has_looked(&self) -> bool {
        self.folder().is_some()
    }

    /// What the path can become is to be asked, unless nothing is typed.
    pub(super) fn look(&mut self) -> Option<Fetch> {
        self.at = 0;
        (!self.is_empty()).then(|| Fetch::Folder(self.field.text().to_owned()))
    }

    /// A key of the field; says what is to be asked.
    pub(super) fn key(&mut self, key: KeyEvent) -> Option<Fetch> {
        match key.code {
            KeyCode::Down if self.is_empty() => {
                self.field.set("./");
                self.look()
            }
            KeyCode::Down => {
                self.at = (self.at + 1).min(self.entries().len().saturating_sub(1));
                None
            }
            KeyCode::Up => {
                self.at = self.at.saturating_sub(1);
                None
            }
            _ if self.field.key(key) => self.look(),
            _ => None,
        }
    }

    /// A paste, such as a path that a file was dragged by.
    pub(super) fn paste(&mut self, text: &str) -> Option<Fetch> {
        // Terminals quote what is dragged into them as a shell would need it.
        let text = text.trim().trim_matches('\'').replace("\\ ", " ");
        self.field.paste(&text);
        self.look()
    }

    /// Takes what a folder holds, if it is of what is typed; says whether it was. A file
    /// of the very name that is typed is the one that is meant.
    pub(super) fn take(&mut self, folder: &Folder) -> bool {
        if folder.typed != self.field.text() {
            return false;
        }
        let name = &folder.typed[folder.typed.rfind('/').map_or(0, |at| at + 1)..];
        let is_it = |entry: &FolderEntry| !entry.folder && entry.name == name;
        self.at = folder.entries.iter().position(is_it).unwrap_or(0);
        self.folder = Some(folder.clone());
        true
    }

    /// Takes what is selected: a folder is gone into.
    pub(super) fn choose(&mut self) -> Taken {
        let Some((entry, folder)) = self.entries().get(self.at).cloned().zip(self.folder.as_ref()) else {
            return Taken::Nothing(match self.folder() {
                Some(Folder { problem: Some(problem), .. }) => problem.clone(),
                _ => "There is no file of that name on this machine.".to_owned(),
            });
        };
        if !entry.folder {
            return Taken::File(entry.clone(), folder.at.join(&entry.name));
        }
        let text = self.beside(&format!("{}/", entry.name));
        self.field.set(&text);
        match self.look() {
            Some(fetch) => Taken::Into(fetch),
            None => Taken::Nothing(String::new()),
        }
    }

    /// A name in the folder that is typed, as a path that is typed.
    pub(super) fn beside(&self, name: &str) -> String {
        let typed = self.field.text();
        let at = typed.rfind('/').map_or(0, |at| at + 1);
        format!("{}{name}", &typed[..at])
    }

    /// What stands where no name does: why there is none, or what says how one is found.
    pub(super) fn said(&self, help: &str) -> String {
        match (self.is_empty(), self.folder.as_ref()) {
            (true, _) => help.to_owned(),
            (false, Some(Folder { problem: Some(problem), .. })) => problem.clone(),
            (false, Some(_)) => "Nothing here begins so.".to_owned(),
            (false, None) => "…".to_owned(),
        }
    }

    /// Draws what the path can become, in at most so many rows.
    pub(super) fn view(&self, pen: &mut Pen<'_, '_>, area: Rect, rows: usize) {
        let top = (self.at + 1).saturating_sub(rows);
        for (n, entry) in self.entries().iter().skip(top).take(rows).enumerate() {
            let chosen = top + n == self.at;
            let name = if entry.folder { format!("{}/", entry.name) } else { entry.name.clone() };
            let size = if entry.folder { String::new() } else { show::bytes(entry.bytes) };
            let wide = usize::from(area.width).saturating_sub(16).min(48);
            let mut line = Line::from(vec![
                pen.span(if chosen { "▸ " } else { "  " }, Role::ACCENT),
                sanitize::column(&name, wide, pen.style(Role::TEXT)),
                pen.span(format!("{size:>12}"), Role::TEXT_DIM),
            ]);
            if chosen {
                line = line.patch_style(pen.style(Role::ROW_SELECTED));
            }
            pen.row(area, n, &line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, folder: bool) -> FolderEntry {
        FolderEntry { name: name.to_owned(), folder, bytes: 1 }
    }

    fn found(typed: &str, entries: Vec<FolderEntry>) -> Folder {
        Folder { typed: typed.to_owned(), at: "/home/ana".into(), entries, problem: None }
    }

    #[test]
    fn a_folder_is_gone_into_and_a_file_is_taken() {
        let mut finder = Finder::of("~/p");
        assert!(finder.take(&found("~/p", vec![entry("press", true), entry("people.csv", false)])));
        match finder.choose() {
            Taken::Into(Fetch::Folder(typed)) => assert_eq!(typed, "~/press/"),
            other => panic!("{other:?}"),
        }
        assert!(finder.entries().is_empty(), "what is shown is of what is typed");
        assert!(finder.take(&found("~/press/", vec![entry("a.csv", false)])));
        match finder.choose() {
            Taken::File(_, path) => assert_eq!(path, PathBuf::from("/home/ana/a.csv")),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_name_typed_whole_is_meant_and_an_answer_to_something_else_is_not_taken() {
        let mut finder = Finder::of("people");
        assert!(!finder.take(&found("peo", vec![entry("people", false)])));
        assert!(finder.take(&found("people", vec![entry("people-old", true), entry("people", false)])));
        assert!(matches!(finder.choose(), Taken::File(entry, _) if entry.name == "people"));
        let mut nowhere = Finder::of("/nowhere/x");
        nowhere.take(&Folder { problem: Some("no such folder".into()), ..found("/nowhere/x", vec![]) });
        assert!(matches!(nowhere.choose(), Taken::Nothing(why) if why == "no such folder"));
        assert_eq!(nowhere.said("help"), "no such folder");
    }
}
