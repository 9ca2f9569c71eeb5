//! What is written, as the console keeps it for itself: also half a thought,
//! which the API would not take for a draft.

use serde::{Deserialize, Serialize};

use super::{Attached, Chosen, Compose, Part, Stage};
use crate::domain::channel::Channel;
use crate::domain::ids::{MessageId, Revision};
use crate::tui::widgets::field::BodyField;

/// The form as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Kept {
    #[serde(rename = "type")]
    channel: Channel,
    id: Option<MessageId>,
    revision: Option<Revision>,
    #[serde(default)]
    held: bool,
    audience: Vec<Chosen>,
    #[serde(default)]
    cc: Vec<Chosen>,
    #[serde(default)]
    bcc: Vec<Chosen>,
    #[serde(default)]
    files: Vec<Attached>,
    #[serde(default)]
    dropped: Vec<String>,
    /// By the place of the field among those of one line.
    lines: Vec<String>,
    body: String,
    variables: Option<bool>,
    /// Whether the server has all of it.
    saved: bool,
    /// Under which id the server keeps the form itself.
    #[serde(default)]
    pub(super) key: String,
    /// As it was there last.
    #[serde(default)]
    pub(super) on_server: Option<Revision>,
}

impl Kept {
    /// What tells it from others: its subject, title or first line.
    pub fn headline(&self) -> &str {
        let subject = self.lines.first().map_or("", String::as_str);
        let first = if subject.is_empty() { self.body.lines().next().unwrap_or_default() } else { subject };
        if first.trim().is_empty() { "(nothing written yet)" } else { first }
    }

    /// Its type.
    pub fn channel(&self) -> Channel {
        self.channel
    }
}

impl Compose {
    /// What is kept of the form.
    pub fn kept(&self) -> Kept {
        Kept {
            channel: self.channel,
            id: self.id.clone(),
            revision: self.revision,
            held: self.held,
            audience: self.audience.clone(),
            cc: self.cc.clone(),
            bcc: self.bcc.clone(),
            files: self.files.clone(),
            dropped: self.dropped.clone(),
            lines: Part::LINES.iter().map(|part| self.text(*part).to_owned()).collect(),
            body: self.body.text(),
            variables: self.variables,
            saved: self.saved == self.edit,
            key: self.key.clone(),
            on_server: self.kept_as,
        }
    }

    /// The form that was kept.
    pub fn from_kept(kept: Kept) -> Self {
        let mut compose = Self::new(kept.channel);
        for (part, text) in Part::LINES.iter().zip(&kept.lines) {
            compose.unfolded |= part.is_folded() && !text.is_empty();
            compose.set(*part, text);
        }
        compose.unfolded |= !(kept.cc.is_empty() && kept.bcc.is_empty() && kept.files.is_empty());
        compose.id = kept.id;
        compose.revision = kept.revision;
        compose.held = kept.held;
        compose.audience = kept.audience;
        compose.cc = kept.cc;
        compose.bcc = kept.bcc;
        compose.files = kept.files;
        compose.dropped = kept.dropped;
        for file in compose.files.iter_mut().filter(|file| file.at.is_some()) {
            file.stage = Stage::There;
        }
        compose.body = BodyField::new(&kept.body);
        compose.variables = kept.variables;
        compose.key = kept.key;
        compose.kept_as = kept.on_server;
        compose.edit = u64::from(!kept.saved);
        compose
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_thought_survives() {
        let mut compose = Compose::new(Channel::Push);
        compose.set(Part::Subject, "Half a");
        compose.set(Part::Badge, "3");
        compose.body = BodyField::new("one\ntwo");
        compose.edit = 4;
        let json = serde_json::to_string(&compose.kept()).unwrap();
        let again = Compose::from_kept(serde_json::from_str(&json).unwrap());
        assert_eq!(again.text(Part::Subject), "Half a");
        assert_eq!(again.body.text(), "one\ntwo");
        assert!(again.unfolded && again.saved != again.edit);
        assert_eq!(again.kept(), compose.kept());
    }
}
