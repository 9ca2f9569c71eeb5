//! Keymap files: what they may say, and what is wrong with them.
//!
//! ```toml
//! inherits = "default"     # what this file layers over; "" starts from nothing
//! [global]                 # a scope, in normal mode
//! "g m" = "go.messages"
//! "q" = "none"             # unbinds
//! [insert.compose]         # a scope, while a text field has the keys
//! "alt-r" = "compose.review"
//! ```

use std::fmt;
use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::Mode;
use super::chord::{Chord, parse_sequence, sequence_text};
use crate::tui::action::{Action, Danger, Scope};

/// One thing wrong with a keymap file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file, as it was named when it was read.
    pub file: String,
    /// Its line, from one.
    pub line: usize,
    /// What is wrong, and with whom it conflicts.
    pub text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.text)
    }
}

/// One binding of a file; no action means that the key is unbound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Binding {
    pub(super) scope: Scope,
    pub(super) mode: Mode,
    pub(super) sequence: Vec<Chord>,
    pub(super) action: Option<Action>,
    line: usize,
}

/// A file that was read: its sound bindings, and its problems.
#[derive(Debug, Default)]
pub(super) struct Layer {
    pub(super) inherits: Option<String>,
    pub(super) bindings: Vec<Binding>,
    pub(super) problems: Vec<Problem>,
}

struct Reader<'a> {
    file: &'a str,
    text: &'a str,
    layer: Layer,
}

/// Reads a file as far as it can be read: what is wrong is listed and left out,
/// so that a typing error costs one key and not the console.
pub(super) fn read(file: &str, text: &str) -> Layer {
    let mut reader = Reader { file, text, layer: Layer::default() };
    match DeTable::parse(text) {
        Ok(table) => reader.top(table.get_ref()),
        Err(error) => {
            let at = error.span().unwrap_or(0..0);
            reader.problem(&at, error.message().to_owned());
        }
    }
    reader.layer
}

impl Reader<'_> {
    fn line(&self, at: &Range<usize>) -> usize {
        1 + self.text.char_indices().take_while(|(n, _)| *n < at.start).filter(|(_, c)| *c == '\n').count()
    }

    fn problem(&mut self, at: &Range<usize>, text: String) {
        let line = self.line(at);
        self.layer.problems.push(Problem { file: self.file.to_owned(), line, text });
    }

    fn top(&mut self, table: &DeTable<'_>) {
        for (key, value) in table {
            let name: &str = key.get_ref();
            match (name, value.get_ref()) {
                ("inherits", DeValue::String(base)) => self.layer.inherits = Some(base.to_string()),
                ("inherits", _) => {
                    self.problem(&value.span(), "`inherits` is the name of a keymap".to_owned());
                }
                ("insert", DeValue::Table(scopes)) => {
                    for (scope, keys) in scopes {
                        self.scope(scope.get_ref(), &scope.span(), keys.get_ref(), Mode::Insert);
                    }
                }
                (scope, keys) => self.scope(scope, &key.span(), keys, Mode::Normal),
            }
        }
    }

    fn scope(&mut self, name: &str, at: &Range<usize>, keys: &DeValue<'_>, mode: Mode) {
        let (Some(scope), DeValue::Table(keys)) = (Scope::from_name(name), keys) else {
            let names = Scope::ALL.map(Scope::name).join(", ");
            return self.problem(at, format!("there is no scope “{name}”; scopes are {names}"));
        };
        // In the file's order, so that "first" in a conflict is the upper one.
        let mut keys: Vec<_> = keys.iter().collect();
        keys.sort_by_key(|(key, _)| key.span().start);
        for (key, value) in keys {
            let at = key.span();
            let sequence = match parse_sequence(key.get_ref()) {
                Ok(sequence) => sequence,
                Err(error) => {
                    self.problem(&at, error.to_string());
                    continue;
                }
            };
            let action = match value.get_ref() {
                DeValue::String(none) if none == "none" => None,
                DeValue::String(id) => match id.parse::<Action>() {
                    Ok(action) => Some(action),
                    Err(error) => {
                        self.problem(&value.span(), format!("“{}”: {error}", key.get_ref()));
                        continue;
                    }
                },
                _ => {
                    self.problem(
                        &value.span(),
                        format!("“{}” is bound to something that is not text", key.get_ref()),
                    );
                    continue;
                }
            };
            let line = self.line(&at);
            let binding = Binding { scope, mode, sequence, action, line };
            match self.refusal(&binding) {
                Some(text) => self.problem(&at, text),
                None => self.layer.bindings.push(binding),
            }
        }
    }

    /// Why a binding cannot be taken, if it cannot.
    fn refusal(&self, new: &Binding) -> Option<String> {
        let written = sequence_text(&new.sequence);
        for old in self.layer.bindings.iter().filter(|old| old.scope == new.scope && old.mode == new.mode) {
            let who = |b: &Binding| b.action.map_or("none", Action::id);
            if old.sequence == new.sequence {
                return Some(format!(
                    "“{written}” is bound twice in [{}]: to {} in line {} and to {} here",
                    new.scope,
                    who(old),
                    old.line,
                    who(new),
                ));
            }
            let unbinds = old.action.is_none() || new.action.is_none();
            if !unbinds
                && (old.sequence.starts_with(&new.sequence) || new.sequence.starts_with(&old.sequence))
            {
                return Some(format!(
                    "“{written}” ({}) and “{}” ({}, line {}) in [{}] begin alike, so that one of them cannot be reached",
                    who(new),
                    sequence_text(&old.sequence),
                    who(old),
                    old.line,
                    new.scope,
                ));
            }
        }
        let row = new.action?.row();
        if !row.is_in(new.scope) {
            let where_: Vec<_> = row.scopes.iter().map(|scope| scope.name()).collect();
            return Some(format!("{} works in {}, not in [{}]", row.id, where_.join(", "), new.scope));
        }
        let first = new.sequence[0];
        let multi = matches!(new.scope, Scope::Compose | Scope::Form | Scope::Global);
        if new.mode == Mode::Insert && first.edits_text(multi) {
            return Some(format!("“{written}” edits text in a field, so it cannot mean {} there", row.id));
        }
        if row.danger == Danger::Commits && new.sequence.len() == 1 && first.is_printable() {
            return Some(format!(
                "{} sends or deletes, so one plain key (“{written}”) cannot mean it",
                row.id
            ));
        }
        None
    }
}
