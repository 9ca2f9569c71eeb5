//! Everything that a person can do in the console: one table.
//!
//! A row is an intent, not a key. Keys come from the files under `keymaps/`
//! (see [`crate::tui::keymap`]); the footer's hints, the help screen, the palette
//! and the key reference are made from these rows, so that none of them can
//! drift. A new action is one row here and one arm in its screen's `update`.

mod reference;
mod table;

use std::fmt;
use std::str::FromStr;

pub use reference::{Entry, entries, reference};
pub use table::{Action, TABLE};

/// Where an action is understood, and which table of a keymap file binds it.
///
/// Scopes are looked up from the innermost to the outermost: a widget's, the
/// screen's, then [`Scope::Global`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// Everywhere.
    Global,
    /// Any list or table of rows.
    List,
    /// The detail of one thing, and its panes.
    Detail,
    /// The overview.
    Overview,
    /// Messages, their list and detail.
    Messages,
    /// Topics and their subscribers.
    Topics,
    /// Targets and users.
    Targets,
    /// Providers.
    Providers,
    /// The delivery log as it grows.
    Live,
    /// A form being filled in.
    Form,
    /// Writing a message.
    Compose,
    /// A review before something is sent or deleted.
    Review,
    /// The filter line.
    Filter,
    /// The palette and its command line.
    Palette,
    /// The help screen.
    Help,
    /// One of a few: a list, a month, a text that is read.
    Pick,
}

impl Scope {
    /// Every scope, in the order in which help lists them.
    pub const ALL: [Self; 16] = [
        Self::Global,
        Self::List,
        Self::Detail,
        Self::Overview,
        Self::Messages,
        Self::Topics,
        Self::Targets,
        Self::Providers,
        Self::Live,
        Self::Form,
        Self::Compose,
        Self::Review,
        Self::Filter,
        Self::Palette,
        Self::Help,
        Self::Pick,
    ];

    /// The scope's name: a table in a keymap file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::List => "list",
            Self::Detail => "detail",
            Self::Overview => "overview",
            Self::Messages => "messages",
            Self::Topics => "topics",
            Self::Targets => "targets",
            Self::Providers => "providers",
            Self::Live => "live",
            Self::Form => "form",
            Self::Compose => "compose",
            Self::Review => "review",
            Self::Filter => "filter",
            Self::Palette => "palette",
            Self::Help => "help",
            Self::Pick => "pick",
        }
    }

    /// The scope of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == name)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What harm one press of an action's key can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Danger {
    /// None: it looks, moves or edits a draft.
    None,
    /// It changes something that the same screen changes back at once, such as a
    /// pause.
    Reversible,
    /// It would send or delete, so the key only opens a review that says what.
    Reviewed,
    /// It sends or deletes. Only a review binds it, and never to a single plain
    /// printable key.
    Commits,
}

/// One action.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The action.
    pub action: Action,
    /// Its name in keymap files and in the palette, such as `message.pause`.
    pub id: &'static str,
    /// Its name in the footer: one to three words in sentence case.
    pub title: &'static str,
    /// One sentence for the help screen.
    pub help: &'static str,
    /// The scopes that understand it.
    pub scopes: &'static [Scope],
    /// What harm it can do.
    pub danger: Danger,
    /// Whether it acts on what is selected, and so needs a selection.
    pub needs_selection: bool,
    /// The command line that does the same, with `{id}` and the like to fill in;
    /// none where the action only moves about the screen.
    pub command: Option<&'static str>,
    /// Method and path of the request that does the same, with `{id}` and the like to fill in.
    pub request: Option<&'static str>,
}

impl Row {
    /// Whether a key in this scope can mean this action.
    pub fn is_in(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope) || self.scopes.contains(&Scope::Global)
    }

    /// The command line with `{name}` replaced by the values given; an unknown
    /// name stays as it is, to be filled in by hand.
    pub fn command_for(&self, values: &[(&str, &str)]) -> Option<String> {
        let mut line = self.command?.to_owned();
        for (name, value) in values {
            line = line.replace(&format!("{{{name}}}"), &shell_quoted(value));
        }
        Some(line)
    }
}

/// A value as one word of a POSIX shell.
pub fn shell_quoted(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
    if !value.is_empty() && value.chars().all(plain) {
        value.to_owned()
    } else {
        format!("'{}'", value.replace('\'', r"'\''"))
    }
}

impl Action {
    /// The action's row.
    pub fn row(self) -> &'static Row {
        &TABLE[self as usize]
    }

    /// The action's name in keymap files.
    pub fn id(self) -> &'static str {
        self.row().id
    }

    /// The action's name in the footer.
    pub fn title(self) -> &'static str {
        self.row().title
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// No action has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no action “{name}”{}", .nearest.map(|id| format!("; did you mean “{id}”?")).unwrap_or_default())]
pub struct UnknownAction {
    /// The name that was given.
    pub name: String,
    /// The action whose name is nearest to it, if one is near.
    pub nearest: Option<&'static str>,
}

impl FromStr for Action {
    type Err = UnknownAction;

    fn from_str(name: &str) -> Result<Self, UnknownAction> {
        TABLE
            .iter()
            .find(|row| row.id == name)
            .map(|row| row.action)
            .ok_or_else(|| UnknownAction { name: name.to_owned(), nearest: nearest(name) })
    }
}

fn nearest(name: &str) -> Option<&'static str> {
    TABLE
        .iter()
        .map(|row| (distance(name, row.id), row.id))
        .min()
        .filter(|(far, id)| *far <= 1 + id.len() / 4)
        .map(|(_, id)| id)
}

/// Levenshtein's distance, over bytes: ids are ASCII.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let substituted = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn rows_stand_in_the_order_of_their_actions() {
        for (n, row) in TABLE.iter().enumerate() {
            assert_eq!(row.action as usize, n, "{}", row.id);
            assert_eq!(row.id.parse(), Ok(row.action));
        }
    }

    #[test]
    fn ids_are_unique_and_well_formed() {
        let mut seen = HashSet::new();
        for row in TABLE {
            assert!(seen.insert(row.id), "{} stands twice", row.id);
            assert!(row.id.bytes().all(|b| b.is_ascii_lowercase() || b == b'.' || b == b'-'), "{}", row.id);
            assert!(row.id.contains('.'), "{} has no group", row.id);
            assert!(!row.scopes.is_empty(), "{}", row.id);
            assert!(row.help.ends_with('.') && !row.help.contains('!'), "{}: {}", row.id, row.help);
            assert!(row.title.chars().count() <= 18, "{}: “{}” is too long for a footer", row.id, row.title);
        }
    }

    #[test]
    fn whatever_changes_something_has_a_command_line() {
        for row in TABLE {
            let changes = row.danger != Danger::None;
            assert!(
                !changes || row.command.is_some(),
                "{} changes something and no script can do the same",
                row.id
            );
            if let Some(line) = row.command {
                assert!(line == "herald" || line.starts_with("herald "), "{}: {line}", row.id);
            }
        }
    }

    #[test]
    fn what_commits_does_so_from_a_review_only() {
        for row in TABLE.iter().filter(|row| row.danger == Danger::Commits) {
            assert_eq!(row.scopes, [Scope::Review], "{}", row.id);
        }
    }

    #[test]
    fn a_misspelt_action_names_its_neighbour() {
        let error = "mesage.pause".parse::<Action>().unwrap_err();
        assert_eq!(error.to_string(), "there is no action “mesage.pause”; did you mean “message.pause”?");
        assert_eq!("zzzz".parse::<Action>().unwrap_err().nearest, None);
    }

    #[test]
    fn command_lines_are_filled_in_and_quoted() {
        let row = Action::MessagePause.row();
        assert_eq!(row.command_for(&[("id", "68a1")]).as_deref(), Some("herald message pause 68a1"));
        assert_eq!(
            row.command_for(&[("id", "it's; rm")]).as_deref(),
            Some(r"herald message pause 'it'\''s; rm'")
        );
        assert_eq!(Action::MoveDown.row().command_for(&[]), None);
    }
}
