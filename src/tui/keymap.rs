//! Which keys mean which actions, here and now.
//!
//! A keymap is a shipped file (`keymaps/*.toml`) with the user's file layered
//! over it. A key is looked up in the scopes that have the focus, innermost
//! first, in normal or insert mode; a sequence such as `g g` waits for its next
//! key, and [`Keymap::hints`] says what may follow. Everything here is pure: the
//! pending keys are part of the console's state.

mod chord;
mod file;
mod trie;

use std::collections::HashMap;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind};

pub use chord::{Chord, ChordError, parse_sequence, sequence_text};
pub use file::Problem;
pub use trie::{Found, Trie};

use super::action::{Action, Scope};

/// The keymaps that are built in, by name.
pub const SHIPPED: &[(&str, &str)] = &[
    ("default", include_str!("../../keymaps/default.toml")),
    ("vim", include_str!("../../keymaps/vim.toml")),
    ("emacs", include_str!("../../keymaps/emacs.toml")),
];

/// Hints in a footer; more than that nobody reads.
pub const FOOTER_HINTS: usize = 6;

/// Whether a text field has the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Mode {
    /// Keys are commands.
    #[default]
    Normal,
    /// A text field has the focus: what edits text is text.
    Insert,
}

/// The keys pressed so far of a sequence; part of the console's state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pending(Vec<Chord>);

impl Pending {
    /// Whether a sequence has begun.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The keys pressed so far, as they are written.
    pub fn text(&self) -> String {
        sequence_text(&self.0)
    }

    /// Forgets them.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

/// What a key press means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolved {
    /// This action.
    Action(Action),
    /// Nothing yet: a sequence has begun or goes on.
    Pending,
    /// It is for the text field.
    Text(KeyEvent),
    /// Nothing here.
    Nothing,
}

/// A key and what it leads to, for the footer and for which-key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// The key as it is written.
    pub key: String,
    /// The action's title, or how many keys may follow.
    pub title: String,
    /// The action, unless the key only continues the sequence.
    pub action: Option<Action>,
}

/// The keys of a console.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keymap {
    tries: HashMap<(Scope, Mode), Trie>,
}

impl Keymap {
    /// A shipped keymap by its name; an unknown name gives a problem.
    pub fn shipped(name: &str) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut keymap = Self::default();
        keymap.inherit(name, "keymaps", 1, 0, &mut problems);
        if problems.is_empty() { Ok(keymap) } else { Err(problems) }
    }

    /// A user's file over what it inherits (the keymap `base`, unless it names
    /// another). Always gives a keymap that works; what was wrong is listed, for
    /// the screen to show.
    pub fn with_user_file(base: &str, file: &str, text: &str) -> (Self, Vec<Problem>) {
        let layer = file::read(file, text);
        let mut problems = layer.problems.clone();
        let mut keymap = Self::default();
        let base = layer.inherits.clone().unwrap_or_else(|| base.to_owned());
        keymap.inherit(&base, file, 1, 0, &mut problems);
        keymap.apply(&layer);
        (keymap, problems)
    }

    fn inherit(
        &mut self,
        name: &str,
        asked_by: &str,
        line: usize,
        depth: usize,
        problems: &mut Vec<Problem>,
    ) {
        if name.is_empty() {
            return;
        }
        let Some((_, text)) = SHIPPED.iter().find(|(shipped, _)| *shipped == name) else {
            let names: Vec<_> = SHIPPED.iter().map(|(name, _)| *name).collect();
            let text = format!("there is no keymap “{name}” to inherit; there are {}", names.join(", "));
            problems.push(Problem { file: asked_by.to_owned(), line, text });
            return;
        };
        let file = format!("keymaps/{name}.toml");
        let layer = file::read(&file, text);
        problems.extend(layer.problems.iter().cloned());
        if let Some(base) = &layer.inherits
            && depth < SHIPPED.len()
        {
            self.inherit(base, &file, 1, depth + 1, problems);
        }
        self.apply(&layer);
    }

    fn apply(&mut self, layer: &file::Layer) {
        for binding in &layer.bindings {
            let trie = self.tries.entry((binding.scope, binding.mode)).or_default();
            match binding.action {
                Some(action) => trie.bind(&binding.sequence, action),
                None => trie.unbind(&binding.sequence),
            }
        }
    }

    fn tries<'a>(&'a self, scopes: &'a [Scope], mode: Mode) -> impl Iterator<Item = &'a Trie> + 'a {
        scopes.iter().filter_map(move |scope| self.tries.get(&(*scope, mode)))
    }

    /// What a key means in these scopes, innermost first. Key releases mean
    /// nothing. Esc ends a sequence that has begun and does nothing else.
    pub fn resolve(&self, pending: &mut Pending, scopes: &[Scope], mode: Mode, key: KeyEvent) -> Resolved {
        if key.kind == KeyEventKind::Release {
            return Resolved::Nothing;
        }
        let mut sequence = pending.0.clone();
        pending.clear();
        if !sequence.is_empty() && key.code == KeyCode::Esc {
            return Resolved::Nothing;
        }
        sequence.push(Chord::from(key));
        for trie in self.tries(scopes, mode) {
            match trie.find(&sequence) {
                Found::Action(action) => return Resolved::Action(action),
                Found::Branch(_) => {
                    pending.0 = sequence;
                    return Resolved::Pending;
                }
                Found::Nothing => {}
            }
        }
        if mode == Mode::Insert && sequence.len() == 1 { Resolved::Text(key) } else { Resolved::Nothing }
    }

    /// What may follow the keys pressed so far.
    pub fn hints(&self, pending: &Pending, scopes: &[Scope], mode: Mode) -> Vec<Hint> {
        let mut seen = Vec::new();
        let mut hints = Vec::new();
        for trie in self.tries(scopes, mode) {
            let Found::Branch(branch) = trie.find(&pending.0) else { continue };
            for (chord, action) in branch.next() {
                if seen.contains(&chord) {
                    continue;
                }
                seen.push(chord);
                let title = action.map_or_else(|| "more".to_owned(), |action| action.title().to_owned());
                hints.push(Hint { key: chord.to_string(), title, action });
            }
        }
        hints
    }

    /// The first of these actions that have a key here and fit into `columns`,
    /// each written as `key title` with three spaces between them.
    pub fn footer(&self, scopes: &[Scope], mode: Mode, actions: &[Action], columns: usize) -> Vec<Hint> {
        let mut left = columns;
        let mut hints = Vec::new();
        for &action in actions {
            let Some(key) = self.keys_reaching(action, scopes, mode).into_iter().next() else { continue };
            let title = footer_title(action.title());
            let gap = if hints.is_empty() { 0 } else { 3 };
            let wide = gap + super::sanitize::width(&key) + 1 + super::sanitize::width(&title);
            if wide > left || hints.len() == FOOTER_HINTS {
                break;
            }
            left -= wide;
            hints.push(Hint { key, title, action: Some(action) });
        }
        hints
    }

    /// The keys that mean an action in these scopes, in either mode: those that
    /// no inner scope takes for something else.
    pub fn keys_for(&self, action: Action, scopes: &[Scope]) -> Vec<String> {
        let mut keys = self.keys_reaching(action, scopes, Mode::Normal);
        for key in self.keys_reaching(action, scopes, Mode::Insert) {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        keys
    }

    fn keys_reaching(&self, action: Action, scopes: &[Scope], mode: Mode) -> Vec<String> {
        let mut keys = Vec::new();
        for trie in self.tries(scopes, mode) {
            for (sequence, bound) in trie.bindings() {
                let reached = self.tries(scopes, mode).find_map(|trie| {
                    // An inner scope also hides what begins like its own sequences.
                    (1..=sequence.len()).find_map(|n| match trie.find(&sequence[..n]) {
                        Found::Action(found) => Some(found),
                        _ => None,
                    })
                });
                if bound == action && reached == Some(action) {
                    keys.push(sequence_text(&sequence));
                }
            }
        }
        keys.dedup();
        keys
    }

    /// The keys that a scope itself binds to an action.
    pub fn keys_in(&self, action: Action, scope: Scope, mode: Mode) -> Vec<String> {
        let Some(trie) = self.tries.get(&(scope, mode)) else { return Vec::new() };
        let bound = trie.bindings();
        bound.iter().filter(|(_, found)| *found == action).map(|(keys, _)| sequence_text(keys)).collect()
    }

    /// Every binding: scope, mode, keys and action.
    pub fn bindings(&self) -> Vec<(Scope, Mode, Vec<Chord>, Action)> {
        let mut all: Vec<_> = self
            .tries
            .iter()
            .flat_map(|((scope, mode), trie)| {
                trie.bindings().into_iter().map(move |(keys, action)| (*scope, *mode, keys, action))
            })
            .collect();
        all.sort_by_key(|a| (a.0, a.1));
        all
    }
}

/// A title within a footer: sentence case begins with the key.
fn footer_title(title: &str) -> String {
    let mut chars = title.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

#[cfg(test)]
mod tests;
