//! The whole form as one text, for the editor.

use std::fmt::Write;

use super::{Compose, Part};
use crate::tui::widgets::field::BodyField;

/// What stands between the fields and the body.
const RULE: &str = "---";

/// The form as a text: a line for each field, a rule, the body.
pub(super) fn write(compose: &Compose) -> String {
    let mut out = String::new();
    let lines = compose.parts().into_iter().filter(|part| Part::LINES.contains(part));
    for part in lines {
        let _ = writeln!(out, "{}: {}", part.label(compose.channel), compose.text(part));
    }
    out + RULE + "\n" + &compose.body.text()
}

/// Takes the text back in. Fields that it does not name stay; without a rule, all
/// of it is the body.
pub(super) fn read(compose: &mut Compose, text: &str) {
    let lines: Vec<&str> = text.lines().collect();
    let Some(rule) = lines.iter().position(|line| line.trim_end() == RULE) else {
        compose.body = BodyField::new(text);
        return;
    };
    let channel = compose.channel;
    for line in &lines[..rule] {
        let Some((name, value)) = line.split_once(':') else { continue };
        let named = |part: &&Part| part.label(channel).eq_ignore_ascii_case(name.trim());
        if let Some(part) = Part::LINES.iter().find(named) {
            compose.set(*part, value.trim());
        }
    }
    compose.body = BodyField::new(&lines[rule + 1..].join("\n"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::channel::Channel;

    #[test]
    fn what_is_written_is_read_back() {
        let mut compose = Compose::new(Channel::Email);
        compose.set(Part::Subject, "One: two");
        compose.body = BodyField::new("a\n---\nb");
        let text = write(&compose);
        assert_eq!(text, "Subject: One: two\nWhen: now\n---\na\n---\nb");
        let mut again = Compose::new(Channel::Email);
        read(&mut again, &text);
        assert_eq!((again.text(Part::Subject), again.body.text().as_str()), ("One: two", "a\n---\nb"));
        read(&mut again, "only a body");
        assert_eq!(again.body.text(), "only a body");
    }
}
