//! Typing into the form.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{Compose, Part, ask_choices, choose, save};
use crate::domain::channel::Channel;
use crate::tui::state::State;

/// What *when* says before anybody has said anything.
const NOW: &str = "now";

/// A key that edits.
pub fn key(state: &mut State, key: KeyEvent) {
    let Some(compose) = &mut state.compose else { return };
    let changed = match compose.part {
        Part::Type => kind(compose, key),
        Part::Audience => {
            audience(state, key);
            return;
        }
        Part::Subject | Part::When if key.code == KeyCode::Enter => {
            compose.step(1);
            false
        }
        Part::Subject => compose.subject.key(key),
        Part::Body => compose.body.key(key),
        Part::When => {
            // What stands there unasked makes room for what is typed.
            let types =
                matches!(key.code, KeyCode::Char(_)) && (key.modifiers - KeyModifiers::SHIFT).is_empty();
            if types && compose.when.text() == NOW {
                compose.when.set("");
            }
            compose.when.key(key)
        }
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
        Part::Audience => {
            compose.audience.paste(text);
            ask_choices(state);
            return;
        }
        Part::Subject => compose.subject.paste(text),
        Part::Body => compose.body.paste(text),
        Part::When => compose.when.paste(text),
    }
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
    let channel = compose.channel;
    for chosen in &mut compose.topics {
        let topic = compose.choices.iter().find(|topic| topic.id.as_str() == chosen.id);
        chosen.count = topic.map(|topic| topic.of(channel));
    }
    true
}

fn audience(state: &mut State, key: KeyEvent) {
    let Some(compose) = &mut state.compose else { return };
    let last = compose.choices.len().saturating_sub(1);
    match key.code {
        KeyCode::Down => compose.choice = (compose.choice + 1).min(last),
        KeyCode::Up => compose.choice = compose.choice.saturating_sub(1),
        KeyCode::Enter => match compose.choices.get(compose.choice).cloned() {
            Some(topic) if !compose.topics.iter().any(|chosen| chosen.id == topic.id.as_str()) => {
                choose(compose, &topic);
                compose.audience.set("");
                save::soon(state);
                ask_choices(state);
            }
            _ => compose.step(1),
        },
        KeyCode::Backspace if compose.audience.text().is_empty() && key.modifiers == KeyModifiers::NONE => {
            if compose.topics.pop().is_some() {
                save::soon(state);
            }
        }
        _ => {
            if compose.audience.key(key) {
                compose.choice = 0;
                ask_choices(state);
            }
        }
    }
}
