//! What is wrong with a message, or looks so, while it is being written.

use serde_json::Value;

use super::{Compose, Part, Stage, files};
use crate::domain::channel::Channel;
use crate::domain::gsm;
use crate::domain::when;
use crate::tui::message::Writing;
use crate::tui::state::State;
use crate::tui::{sanitize, show};

/// The bytes that both push services take in one notification: APNs' limit is
/// 4096 for the whole payload, FCM's the same for notification and data.
const PUSH_BYTES: usize = 4096;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// It cannot be sent so.
    Stops,
    /// It can, and is probably not what is meant.
    Warns,
}

/// Something about a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How much it matters.
    pub weight: Weight,
    /// The field that it is about.
    pub part: Part,
    /// One sentence.
    pub text: String,
}

/// What there is to say about the message being written: what stops it first.
pub fn findings(compose: &Compose, state: &State) -> Vec<Finding> {
    let mut out = Vec::new();
    let mut say = |weight, part, text: &str| out.push(Finding { weight, part, text: text.to_owned() });
    let channel = compose.channel;
    if compose.audience.is_empty() {
        say(Weight::Stops, Part::Audience, "Choose who gets it: a topic, a person or a target.");
    } else if compose.bound() == Some(0) {
        let text = format!("Nobody in this audience can get {}.", of_type(channel));
        say(Weight::Warns, Part::Audience, &text);
    }
    if channel == Channel::Email && compose.text(Part::Subject).trim().is_empty() {
        say(Weight::Stops, Part::Subject, "A mail needs a subject.");
    }
    let empty = compose.body.is_empty();
    if empty && (channel != Channel::Push || compose.text(Part::Subject).trim().is_empty()) {
        say(Weight::Stops, Part::Body, "It says nothing yet.");
    }
    match compose.writing() {
        Err((part, text)) => say(Weight::Stops, part, &text),
        Ok(Writing::Push(_)) => {
            let bytes = payload_bytes(compose);
            if bytes > PUSH_BYTES {
                let over = show::count((bytes - PUSH_BYTES) as u64);
                let text = format!("{over} bytes more than the {PUSH_BYTES} that push services take.");
                say(Weight::Stops, Part::Body, &text);
            }
        }
        Ok(_) => {}
    }
    file_findings(compose, state, &mut say);
    match when::parse(compose.text(Part::When), state.now, state.zone) {
        Err(error) => say(Weight::Stops, Part::When, &error.to_string()),
        Ok(said) => {
            if let Some(shift) = &said.shift {
                say(Weight::Warns, Part::When, &show::as_sentence(&shift.to_string()));
            }
            for warning in &said.warnings {
                say(Weight::Warns, Part::When, &show::as_sentence(&warning.to_string()));
            }
        }
    }
    if channel == Channel::Sms && !empty {
        sms_findings(compose, &mut say);
    }
    if compose.has_braces() && !compose.has_variables() {
        say(Weight::Warns, Part::Body, "Braces go out as they are typed: variables are off.");
    }
    if let Some(overview) = &state.overview
        && !overview.providers.iter().any(|provider| provider.enabled && provider.channel == channel)
    {
        let text = format!("No provider of {} is enabled: it would wait.", of_type(channel));
        say(Weight::Warns, Part::Type, &text);
    }
    out.sort_by_key(|finding| finding.weight);
    out
}

fn file_findings(compose: &Compose, state: &State, say: &mut impl FnMut(Weight, Part, &str)) {
    let Some(part) = files::part(compose.channel) else { return };
    for file in &compose.files {
        let name = sanitize::line(&file.name);
        match &file.stage {
            Stage::There => {}
            Stage::Waiting | Stage::Coming => {
                say(Weight::Stops, part, &format!("{name} is still on its way to the store."));
            }
            Stage::Failed(why) => say(Weight::Stops, part, &format!("{name} is not there: {why}.")),
        }
    }
    let limit = state.attachments_limit.filter(|limit| part == Part::Files && compose.files_bytes() > *limit);
    if let Some(limit) = limit {
        let (are, most) = (show::bytes(compose.files_bytes()), show::bytes(limit));
        say(Weight::Stops, part, &format!("The files are {are} together; {most} is the most of a mail."));
    }
    let picture = |name: &str| {
        let name = name.to_lowercase();
        [".png", ".jpg", ".jpeg", ".gif", ".webp"].iter().any(|end| name.ends_with(end))
    };
    if let Some(file) = compose.files.iter().find(|file| part == Part::Image && !picture(&file.name)) {
        let name = sanitize::line(&file.name);
        say(Weight::Warns, part, &format!("{name} does not look like a picture that devices show."));
    }
}

fn sms_findings(compose: &Compose, say: &mut impl FnMut(Weight, Part, &str)) {
    let text = compose.body.text();
    let found = gsm::Segments::of(&text);
    if found.parts > 1 && found.alphabet == gsm::Alphabet::Ucs2 {
        let foreign = gsm::first_foreign(&text).unwrap_or('?');
        let text = format!("“{foreign}” makes it UCS-2: {} parts instead of fewer.", found.parts);
        say(Weight::Warns, Part::Body, &text);
    } else if found.parts > 3 {
        let text = format!("{} parts, each paid for, to each recipient.", found.parts);
        say(Weight::Warns, Part::Body, &text);
    }
}

/// What a type is called in a sentence.
pub(super) const fn of_type(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "mail",
        Channel::Sms => "SMS",
        Channel::Push => "notifications",
    }
}

/// The bytes of a notification as it travels, without the service's envelope.
pub fn payload_bytes(compose: &Compose) -> usize {
    let text = |part: Part| Value::from(compose.text(part)).to_string().len();
    let body = Value::from(compose.body.text()).to_string().len();
    // The names of the fields and their punctuation, about ten bytes each.
    let fields = [Part::Subject, Part::Click, Part::Icon, Part::Sound, Part::Color, Part::Tag];
    let named = |n: usize| if n > 2 { n + 10 } else { 0 };
    let lines: usize = fields.iter().map(|part| named(text(*part))).sum();
    lines + named(body) + compose.text(Part::Data).trim().len() + 12
}
