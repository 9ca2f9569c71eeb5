//! Files from disk: a mail's attachments, a notification's image. They are the
//! console's machine's, and on their way to the store as soon as they are chosen.

use std::path::PathBuf;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use serde::{Deserialize, Serialize};

use super::{Compose, Part, save};
use crate::client::is_brought;
use crate::domain::channel::Channel;
use crate::settings::{Bytes, SettingValue};
use crate::tui::message::{Command, Fault, Fetch, Folder, Slot, Stored};
use crate::tui::screens::finder::Taken;
use crate::tui::state::State;
use crate::wire::overview::SettingRow;

/// The setting that limits what the attachments of a mail may be together.
const LIMIT: &str = "send.attachments";

/// How far a file is on its way to the store.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Stage {
    /// It is to be brought there.
    #[default]
    Waiting,
    /// It is being brought there.
    Coming,
    /// It is there.
    There,
    /// It could not be brought there.
    Failed(String),
}

/// A file of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attached {
    /// Its name; its id until the name is known.
    pub name: String,
    /// Its size, if it is known.
    pub bytes: Option<u64>,
    /// Where it was on this machine.
    pub path: Option<PathBuf>,
    /// Where it is in the store, as `BUCKET:FILE`.
    pub at: Option<String>,
    /// How far it is.
    #[serde(skip)]
    pub stage: Stage,
}

impl Attached {
    /// A file that a message names.
    pub(super) fn stored(at: String) -> Self {
        let name = at.split_once(':').map_or(at.as_str(), |(_, file)| file).to_owned();
        Self { name, bytes: None, path: None, at: Some(at), stage: Stage::There }
    }
}

/// The field of a type that holds files.
pub(super) fn part(channel: Channel) -> Option<Part> {
    match channel {
        Channel::Email => Some(Part::Files),
        Channel::Push => Some(Part::Image),
        Channel::Sms => None,
    }
}

impl Compose {
    /// What the files are together, as far as it is known.
    pub fn files_bytes(&self) -> u64 {
        self.files.iter().filter_map(|file| file.bytes).sum()
    }

    /// Where the files are that are in the store.
    pub(super) fn stored_files(&self) -> Vec<String> {
        self.files.iter().filter_map(|file| file.at.clone()).collect()
    }
}

/// Gives the keys to the field of files, if the type has one.
pub(super) fn go(state: &mut State) {
    let Some(compose) = &mut state.compose else { return };
    match part(compose.channel) {
        Some(part) => {
            compose.unfolded = true;
            compose.part = part;
            learn(state);
        }
        None => state.say("A text message has no files."),
    }
}

/// Asks what the files are that are known by id alone, and how large they may be.
pub(super) fn learn(state: &mut State) {
    let Some(compose) = &state.compose else { return };
    let wanted = compose.part.is_files() || !compose.files.is_empty();
    if wanted && state.attachments_limit.is_none() {
        state.ask(Slot::Settings, Fetch::Settings);
    }
    let Some(compose) = &state.compose else { return };
    let unknown = compose.files.iter().find(|file| file.bytes.is_none() && file.stage == Stage::There);
    if let Some(at) = unknown.and_then(|file| file.at.clone()) {
        state.ask(Slot::File, Fetch::File(at));
    }
}

/// Takes what a file in the store is.
pub fn take_file(state: &mut State, file: Stored) {
    let Some(compose) = &mut state.compose else { return };
    if let Some(known) = compose.files.iter_mut().find(|known| known.at.as_ref() == Some(&file.at)) {
        known.name = file.name;
        known.bytes = Some(file.bytes);
    }
    learn(state);
}

/// Takes the settings: one of them limits the attachments.
pub fn take_settings(state: &mut State, settings: &[SettingRow]) {
    let row = settings.iter().find(|row| row.name == LIMIT);
    let limit = row.and_then(|row| Bytes::read(&row.value));
    state.attachments_limit = limit.map(|Bytes(limit)| limit);
}

/// Takes what a folder holds, if it is of the path that is typed here.
pub fn take_folder(state: &mut State, folder: &Folder) {
    if let Some(compose) = &mut state.compose {
        compose.finder.take(folder);
    }
}

/// A key of the field.
pub(super) fn key(state: &mut State, key: KeyEvent) {
    let Some(compose) = &mut state.compose else { return };
    let finder = &mut compose.finder;
    match key.code {
        KeyCode::Enter if finder.is_empty() => compose.step(1),
        KeyCode::Enter => choose(state),
        KeyCode::Backspace if finder.is_empty() && key.modifiers == KeyModifiers::NONE => {
            if let Some(file) = compose.files.pop() {
                compose.dropped.extend(file.at);
                save::soon(state);
            }
        }
        _ => {
            if let Some(fetch) = finder.key(key) {
                state.ask(Slot::Folder, fetch);
            }
        }
    }
}

/// A paste, such as a path that a file was dragged by.
pub(super) fn paste(state: &mut State, text: &str) {
    let Some(compose) = &mut state.compose else { return };
    if let Some(fetch) = compose.finder.paste(text) {
        state.ask(Slot::Folder, fetch);
    }
}

/// Takes what is selected: a folder is gone into, a file is attached.
fn choose(state: &mut State) {
    let Some(compose) = &mut state.compose else { return };
    let (entry, path) = match compose.finder.choose() {
        Taken::File(entry, path) => (entry, path),
        Taken::Into(fetch) => return state.ask(Slot::Folder, fetch),
        Taken::Nothing(why) => {
            compose.problem = Some(why);
            return;
        }
    };
    compose.finder.clear();
    if compose.part == Part::Image {
        let before = std::mem::take(&mut compose.files);
        compose.dropped.extend(before.into_iter().filter_map(|file| file.at));
    }
    if !compose.files.iter().any(|file| file.path.as_ref() == Some(&path)) {
        let name = entry.name;
        compose.files.push(Attached {
            name,
            bytes: Some(entry.bytes),
            path: Some(path),
            at: None,
            stage: Stage::Waiting,
        });
    }
    save::soon(state);
    bring(state);
    learn(state);
}

/// The draft is saved as it stands here: files that were taken off it go from the store,
/// unless another draft of this operator has them. The API keeps what a message names.
pub(super) fn discard(state: &mut State) {
    let Some(compose) = &mut state.compose else { return };
    let mut files = std::mem::take(&mut compose.dropped);
    let here = compose.stored_files();
    let others: Vec<String> = state
        .drafts
        .iter()
        .filter(|draft| draft.id.as_str() != compose.key)
        .map(|draft| serde_json::to_string(&draft.document).unwrap_or_default())
        .collect();
    files.retain(|at| {
        is_brought(at) && !here.contains(at) && !others.iter().any(|other| other.contains(at.as_str()))
    });
    if !files.is_empty() {
        state.command(Command::Discard(files));
    }
}

/// Brings the next file that waits to the store, one at a time.
pub(super) fn bring(state: &mut State) {
    let Some(compose) = &mut state.compose else { return };
    if compose.files.iter().any(|file| file.stage == Stage::Coming) {
        return;
    }
    let limit = state.attachments_limit;
    let next = compose.files.iter_mut().find(|file| file.stage == Stage::Waiting && file.at.is_none());
    let Some(file) = next else { return };
    let Some(path) = file.path.clone() else { return };
    if let (Some(limit), Some(bytes)) = (limit, file.bytes)
        && bytes > limit
    {
        file.stage = Stage::Failed("it is larger than all attachments of a mail may be".to_owned());
        bring(state);
        return;
    }
    file.stage = Stage::Coming;
    state.command(Command::Upload(path));
}

/// Takes note of what came of bringing a file.
pub fn brought(state: &mut State, path: &PathBuf, result: Result<Stored, Fault>) {
    let compose = state.compose.as_mut();
    let known =
        compose.and_then(|compose| compose.files.iter_mut().find(|file| file.path.as_ref() == Some(path)));
    let Some(file) = known else {
        // It was taken off, or another message is in the form by now: no draft names it.
        if let Ok(stored) = result {
            state.command(Command::Discard(vec![stored.at]));
        }
        bring(state);
        return;
    };
    match result {
        Ok(stored) => {
            file.at = Some(stored.at);
            file.bytes = Some(stored.bytes);
            file.stage = Stage::There;
            save::soon(state);
        }
        Err(fault) => file.stage = Stage::Failed(fault.text),
    }
    bring(state);
}
