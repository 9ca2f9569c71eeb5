//! The key reference, made from the table and the keymap.

use std::fmt::Write;

use super::{Action, Row, Scope, TABLE};
use crate::tui::keymap::{Keymap, Mode};

/// One line of help: an action and the keys that mean it here.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The scope whose keys these are.
    pub scope: Scope,
    /// The action.
    pub row: &'static Row,
    /// Its keys, as they are written in a keymap file; empty if it has none and
    /// is reached by the palette alone.
    pub keys: Vec<String>,
}

/// What can be done in these scopes (innermost first), for the help screen: the
/// innermost scope's actions first, each action once.
pub fn entries(keymap: &Keymap, scopes: &[Scope]) -> Vec<Entry> {
    let mut listed: Vec<Action> = Vec::new();
    let mut out = Vec::new();
    for &scope in scopes {
        for row in TABLE.iter().filter(|row| row.scopes.contains(&scope)) {
            if listed.contains(&row.action) {
                continue;
            }
            listed.push(row.action);
            out.push(Entry { scope, row, keys: keymap.keys_for(row.action, scopes) });
        }
    }
    out
}

/// The whole key reference in Markdown: what the documentation shows.
pub fn reference(keymap: &Keymap) -> String {
    let mut out = String::new();
    for scope in Scope::ALL {
        let rows: Vec<&Row> = TABLE.iter().filter(|row| row.scopes.contains(&scope)).collect();
        if rows.is_empty() {
            continue;
        }
        let _ = write!(
            out,
            "## {scope}\n\n| key | action | what it does | command line |\n| --- | --- | --- | --- |\n"
        );
        for row in rows {
            let mut keys = keymap.keys_in(row.action, scope, Mode::Normal);
            keys.extend(keymap.keys_in(row.action, scope, Mode::Insert));
            keys.dedup();
            let keys = if keys.is_empty() { "–".to_owned() } else { format!("`{}`", keys.join("` `")) };
            let command = row.command.map_or_else(|| "–".to_owned(), |line| format!("`{line}`"));
            let _ =
                writeln!(out, "| {} | `{}` | {} | {} |", keys.replace('|', "\\|"), row.id, row.help, command);
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_lists_the_inner_scope_first_and_each_action_once() {
        let keymap = Keymap::shipped("default").expect("the shipped keymap is sound");
        let all = entries(&keymap, &[Scope::Messages, Scope::List, Scope::Global]);
        assert_eq!(all[0].scope, Scope::Messages);
        let mut ids: Vec<_> = all.iter().map(|entry| entry.row.id).collect();
        ids.sort_unstable();
        let count = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), count);
    }

    #[test]
    fn the_reference_names_every_action() {
        let text = reference(&Keymap::shipped("default").expect("the shipped keymap is sound"));
        for row in TABLE {
            assert!(text.contains(&format!("`{}`", row.id)), "{} is missing", row.id);
        }
    }
}
