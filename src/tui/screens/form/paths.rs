//! The path of a file in a form: found as the files of a message are.

use crossterm::event::{KeyCode, KeyEvent};

use super::Form;
use super::entry::Input;
use crate::tui::message::{Folder, Slot};
use crate::tui::sanitize;
use crate::tui::screens::finder::{Finder, Taken};
use crate::tui::state::{Overlay, State};

impl Form {
    /// The path that has the keys, if it is one.
    pub(super) fn path(&self) -> Option<&Finder> {
        match &self.fields.get(self.at)?.input {
            Input::Path(finder) => Some(finder),
            _ => None,
        }
    }

    /// The same, to be changed.
    pub(super) fn path_mut(&mut self) -> Option<&mut Finder> {
        match &mut self.fields.get_mut(self.at)?.input {
            Input::Path(finder) => Some(finder),
            _ => None,
        }
    }
}

/// The form that has the keys, and the path in it that has them.
fn typed(state: &mut State) -> Option<&mut Form> {
    match state.overlays.last_mut() {
        Some(Overlay::Form(form)) if form.path().is_some() => Some(form),
        _ => None,
    }
}

/// Takes what a folder holds; says whether a form asked for it.
pub fn take_folder(state: &mut State, folder: &Folder) -> bool {
    typed(state).and_then(Form::path_mut).is_some_and(|path| path.take(folder))
}

/// A key of a path. Says whether it was one: the arrows change the field where nothing is
/// there to be chosen.
pub(super) fn key(state: &mut State, key: KeyEvent) -> bool {
    let Some(form) = typed(state) else { return false };
    let Some(path) = form.path_mut() else { return false };
    let moves = match key.code {
        KeyCode::Down => !path.is_empty(),
        KeyCode::Up => true,
        _ => false,
    };
    if moves && path.entries().is_empty() {
        return false;
    }
    let before = path.field.text().to_owned();
    let fetch = path.key(key);
    if path.field.text() != before {
        form.touched = true;
        if !form.watch.has_lapsed() {
            form.problem = None;
        }
    }
    if let Some(fetch) = fetch {
        state.ask(Slot::Folder, fetch);
    }
    true
}

/// A paste into a path.
pub(super) fn paste(state: &mut State, text: &str) {
    if let Some(fetch) = typed(state).and_then(Form::path_mut).and_then(|path| path.paste(text)) {
        state.ask(Slot::Folder, fetch);
    }
}

/// Takes what is selected: a folder is gone into, a file is the one, and the next field follows.
pub(super) fn choose(state: &mut State) {
    let Some(form) = typed(state) else { return };
    let Some(path) = form.path_mut() else { return };
    match path.choose() {
        Taken::Into(fetch) => state.ask(Slot::Folder, fetch),
        Taken::Nothing(why) => form.problem = Some(why),
        Taken::File(entry, _) if sanitize::paste_line(&entry.name) != entry.name => {
            form.problem = Some("Its name has characters that no line shows: rename it first.".to_owned());
        }
        Taken::File(entry, _) => {
            let text = path.beside(&entry.name);
            path.set(&text);
            form.touched = true;
            form.step(1);
        }
    }
}
