//! Typing into the form.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{Compose, Part, audience, files, part, save};
use crate::domain::channel::Channel;
use crate::tui::state::State;

/// A key that edits.
pub fn key(state: &mut State, key: KeyEvent) {
    let Some(compose) = &mut state.compose else { return };
    let changed = match compose.part {
        Part::Type => kind(compose, key),
        part if part.is_people() => {
            people(state, key);
            return;
        }
        part if part.is_files() => {
            files::key(state, key);
            return;
        }
        Part::Body => compose.body.key(key),
        _ if key.code == KeyCode::Enter => {
            compose.step(1);
            false
        }
        Part::When => {
            // What stands there unasked makes room for what is typed.
            let types =
                matches!(key.code, KeyCode::Char(_)) && (key.modifiers - KeyModifiers::SHIFT).is_empty();
            if types && compose.text(Part::When) == part::NOW {
                compose.set(Part::When, "");
            }
            compose.line_mut(Part::When).is_some_and(|line| line.key(key))
        }
        part => compose.line_mut(part).is_some_and(|line| line.key(key)),
    };
    if changed {
        save::soon(state);
    }
}

/// A paste.
pub fn paste(state: &mut State, text: &str) {
    let Some(compose) = &mut state.compose else { return };
    match compose.part {
        Part::Type => return,
        part if part.is_people() => {
            compose.picker.field.paste(text);
            audience::ask(state);
            return;
        }
        part if part.is_files() => {
            files::paste(state, text);
            return;
        }
        Part::Body => compose.body.paste(text),
        part => {
            if let Some(line) = compose.line_mut(part) {
                line.paste(text);
            }
        }
    }
    save::soon(state);
}

/// Puts a text where the cursor is, in the body if the field takes none.
pub fn insert(state: &mut State, text: &str) {
    let Some(compose) = &mut state.compose else { return };
    if compose.part == Part::Subject {
        if let Some(line) = compose.line_mut(Part::Subject) {
            line.paste(text);
        }
    } else {
        compose.part = Part::Body;
        compose.body.paste(text);
    }
    compose.variables = Some(true);
    save::soon(state);
}

fn kind(compose: &mut Compose, key: KeyEvent) -> bool {
    let at = Channel::ALL.iter().position(|channel| *channel == compose.channel).unwrap_or(0);
    let to = match key.code {
        KeyCode::Enter => {
            compose.step(1);
            return false;
        }
        KeyCode::Char('e') => 0,
        KeyCode::Char('s') => 1,
        KeyCode::Char('p') => 2,
        KeyCode::Right | KeyCode::Char(' ') => at + 1,
        KeyCode::Left => at + 2,
        _ => return false,
    };
    if compose.id.is_some() {
        compose.problem = Some("The type of a saved draft is fixed; start another for another type.".into());
        return false;
    }
    compose.channel = Channel::ALL[to % 3];
    audience::recount(compose);
    true
}

fn people(state: &mut State, key: KeyEvent) {
    let Some(compose) = &mut state.compose else { return };
    let choices = audience::choices(compose);
    let last = choices.len().saturating_sub(1);
    let part = compose.part;
    match key.code {
        KeyCode::Down => compose.picker.found.at = (compose.picker.found.at + 1).min(last),
        KeyCode::Up => compose.picker.found.at = compose.picker.found.at.saturating_sub(1),
        KeyCode::Enter => {
            let taken = |id: &str| compose.people(part).iter().any(|chosen| chosen.id == id);
            match choices.into_iter().nth(compose.picker.found.at) {
                Some(choice) if !taken(&choice.chosen.id) => {
                    audience::choose(compose, choice.chosen);
                    compose.picker.clear();
                    save::soon(state);
                    audience::ask(state);
                }
                _ => {
                    compose.step(1);
                    audience::ask(state);
                }
            }
        }
        KeyCode::Backspace if compose.picker.is_empty() && key.modifiers == KeyModifiers::NONE => {
            if compose.people_mut(part).pop().is_some() {
                save::soon(state);
            }
        }
        _ => {
            if compose.picker.field.key(key) {
                compose.picker.found.at = 0;
                audience::ask(state);
            }
        }
    }
}

/// Says when, in words.
pub fn set_when(state: &mut State, words: &str) {
    if let Some(compose) = &mut state.compose {
        compose.part = Part::When;
        compose.set(Part::When, words);
        save::soon(state);
    }
}
