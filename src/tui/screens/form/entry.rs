//! A field of a form.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::tui::screens::finder::Finder;
use crate::tui::widgets::field::LineField;

/// How a field is filled in.
#[derive(Debug)]
pub(super) enum Input {
    /// A line is typed.
    Line(Box<LineField>),
    /// The path of a file of this machine is typed, or found.
    Path(Box<Finder>),
    /// One of these words: arrows and their first letters choose; the first stands for nothing said.
    OneOf(Vec<&'static str>, usize),
    /// Several lines, pasted or written in the editor.
    Lines(String),
    /// A list, typed or pasted: what is pasted is added to it.
    List(String),
}

/// A field of a form.
#[derive(Debug)]
pub struct Entry {
    /// What it is called; the form finds it by this.
    pub name: &'static str,
    /// What goes into it.
    pub help: String,
    pub(super) input: Input,
}

/// What stands where nothing is said.
pub(super) const UNSAID: &str = "–";

/// What stands for nothing said: where the only word is yes, that is no.
pub(super) fn unsaid(words: &[&'static str]) -> &'static str {
    if matches!(words, [_, "yes"]) { "no" } else { UNSAID }
}

impl Entry {
    /// A line with this text.
    pub(super) fn line(name: &'static str, help: impl Into<String>, text: &str) -> Self {
        Self { name, help: help.into(), input: Input::Line(Box::new(LineField::new(text))) }
    }

    /// The path of a file of this machine.
    pub(super) fn path(name: &'static str, help: impl Into<String>, path: &str) -> Self {
        Self { name, help: help.into(), input: Input::Path(Box::new(Finder::of(path))) }
    }

    /// A line that is not shown. A mask that stands in it means unchanged and is.
    pub(super) fn secret(name: &'static str, help: impl Into<String>, mask: &str) -> Self {
        let mut field = LineField::secret();
        if !mask.is_empty() {
            field = LineField::new(mask);
        }
        Self { name, help: help.into(), input: Input::Line(Box::new(field)) }
    }

    /// One of these words.
    pub(super) fn one_of(
        name: &'static str,
        help: impl Into<String>,
        words: &[&'static str],
        at: &str,
    ) -> Self {
        let mut all = vec![""];
        all.extend(words);
        let at = all.iter().position(|word| *word == at).unwrap_or(0);
        Self { name, help: help.into(), input: Input::OneOf(all, at) }
    }

    /// Several lines.
    pub(super) fn lines(name: &'static str, help: impl Into<String>, text: &str) -> Self {
        Self { name, help: help.into(), input: Input::Lines(text.to_owned()) }
    }

    /// A list.
    pub(super) fn list(name: &'static str, help: impl Into<String>) -> Self {
        Self { name, help: help.into(), input: Input::List(String::new()) }
    }

    /// What it says.
    pub fn text(&self) -> &str {
        match &self.input {
            Input::Line(line) => line.text(),
            Input::Path(finder) => finder.field.text(),
            Input::OneOf(words, at) => words[*at],
            Input::Lines(text) | Input::List(text) => text,
        }
    }

    /// Replaces what it says.
    pub(super) fn set(&mut self, text: &str) {
        match &mut self.input {
            Input::Line(line) => line.set(text),
            Input::Path(finder) => finder.set(text),
            Input::OneOf(words, at) => *at = words.iter().position(|word| *word == text).unwrap_or(0),
            Input::Lines(lines) | Input::List(lines) => text.clone_into(lines),
        }
    }

    /// Whether it has several lines.
    pub(super) fn takes_lines(&self) -> bool {
        matches!(self.input, Input::Lines(_) | Input::List(_))
    }

    /// Whether it is a list of people.
    pub(super) fn takes_people(&self) -> bool {
        matches!(self.input, Input::List(_))
    }

    /// What is typed of the last entry of a list.
    pub(super) fn last(&self) -> &str {
        match &self.input {
            Input::List(text) => text.rsplit(['\n', ',', ';', '\t']).next().unwrap_or_default().trim_start(),
            _ => "",
        }
    }

    /// Puts a whole entry in the place of the one that is typed.
    pub(super) fn complete(&mut self, entry: &str) {
        let typed = self.last().len();
        if let Input::List(text) = &mut self.input {
            text.truncate(text.len() - typed);
            text.push_str(entry);
            text.push('\n');
        }
    }

    /// A key that edits; says whether it changed something.
    pub(super) fn key(&mut self, key: KeyEvent) -> bool {
        match &mut self.input {
            Input::Line(line) => {
                unmask(line, key);
                line.key(key)
            }
            // Its keys ask for folders: the form has them.
            Input::Path(_) => false,
            Input::OneOf(words, at) => {
                let n = words.len();
                let to = match key.code {
                    KeyCode::Right | KeyCode::Char(' ') => (*at + 1) % n,
                    KeyCode::Left => (*at + n - 1) % n,
                    KeyCode::Backspace | KeyCode::Delete => 0,
                    KeyCode::Char(c) => match words.iter().position(|word| word.starts_with(c)) {
                        Some(to) => to,
                        None if unsaid(words).starts_with(c) => 0,
                        None => return false,
                    },
                    _ => return false,
                };
                std::mem::replace(at, to) != to
            }
            Input::List(text) => {
                let plain = (key.modifiers - KeyModifiers::SHIFT).is_empty();
                match key.code {
                    KeyCode::Char(c) if plain => text.push(c),
                    KeyCode::Backspace if plain => return text.pop().is_some(),
                    // The last entry, as a word elsewhere; all of it, as a line elsewhere.
                    KeyCode::Char('w') if key.modifiers == KeyModifiers::CONTROL => {
                        let kept =
                            text.trim_end_matches(is_between).trim_end_matches(|c| !is_between(c)).len();
                        text.truncate(kept);
                    }
                    KeyCode::Char('u') if key.modifiers == KeyModifiers::CONTROL => text.clear(),
                    _ => return false,
                }
                true
            }
            Input::Lines(text) => match key.code {
                KeyCode::Backspace | KeyCode::Delete => !std::mem::take(text).is_empty(),
                _ => false,
            },
        }
    }

    /// A paste.
    pub(super) fn paste(&mut self, text: &str) {
        match &mut self.input {
            Input::Line(line) => {
                if is_mask(line.text()) {
                    **line = LineField::secret();
                }
                line.paste(text);
            }
            Input::Lines(lines) => *lines = broken_as_here(text),
            Input::List(list) => {
                // Beside what is typed, not into its last word.
                if list.chars().next_back().is_some_and(|c| !is_between(c)) {
                    list.push('\n');
                }
                list.push_str(&broken_as_here(text));
            }
            Input::OneOf(..) | Input::Path(_) => {}
        }
    }
}

/// A text of several lines, with line breaks of one kind and nothing that is not seen.
fn broken_as_here(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    text.chars().filter(|c| matches!(c, '\n' | '\t') || !c.is_control()).collect()
}

/// Whether it stands between the entries of a list.
fn is_between(c: char) -> bool {
    c.is_whitespace() || matches!(c, ',' | ';')
}

/// Whether a text stands for a credential that is set.
pub(super) fn is_mask(text: &str) -> bool {
    text.contains('•')
}

/// A credential is replaced whole: the first letter takes the mask away.
fn unmask(line: &mut LineField, key: KeyEvent) {
    let types = matches!(key.code, KeyCode::Char(_) | KeyCode::Backspace | KeyCode::Delete)
        && (key.modifiers - KeyModifiers::SHIFT).is_empty();
    if types && is_mask(line.text()) {
        *line = LineField::secret();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(entry: &mut Entry, code: KeyCode) -> bool {
        entry.key(KeyEvent::new(code, KeyModifiers::NONE))
    }

    #[test]
    fn a_credential_is_replaced_whole() {
        let mut entry = Entry::secret("password", "", "••••1234");
        assert_eq!(entry.text(), "••••1234");
        assert!(press(&mut entry, KeyCode::Char('x')));
        assert_eq!(entry.text(), "x");
    }

    #[test]
    fn words_are_chosen() {
        let mut entry = Entry::one_of("encryption", "", &["none", "ssl", "tls"], "");
        assert!(press(&mut entry, KeyCode::Char('t')));
        assert_eq!(entry.text(), "tls");
        assert!(press(&mut entry, KeyCode::Right));
        assert_eq!(entry.text(), "");
        assert!(!press(&mut entry, KeyCode::Char('q')));
    }

    #[test]
    fn a_list_is_typed_and_pasted() {
        let mut entry = Entry::list("People", "");
        for c in "ana@x.org".chars() {
            assert!(press(&mut entry, KeyCode::Char(c)));
        }
        entry.paste("bo@x.org\r\ncy@x.org");
        assert_eq!(entry.text(), "ana@x.org\nbo@x.org\ncy@x.org");
        assert!(press(&mut entry, KeyCode::Backspace));
        assert!(entry.text().ends_with("cy@x.or"));
        assert!(entry.key(KeyEvent::new(KeyCode::Char('w'), KeyModifiers::CONTROL)));
        assert_eq!(entry.text(), "ana@x.org\nbo@x.org\n");
        assert!(entry.key(KeyEvent::new(KeyCode::Char('u'), KeyModifiers::CONTROL)));
        assert_eq!(entry.text(), "");
        assert!(!press(&mut entry, KeyCode::Backspace));
    }

    #[test]
    fn lines_keep_their_breaks() {
        let mut entry = Entry::lines("ca", "", "");
        entry.paste("a\r\nb");
        assert_eq!(entry.text(), "a\nb");
    }
}
