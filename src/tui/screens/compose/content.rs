//! The form as a message, and a message as the form.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::{Attached, Chosen, Compose, Kind, Part};
use crate::domain::channel::Channel;
use crate::domain::content::Priority;
use crate::domain::time::Timestamp;
use crate::domain::when;
use crate::domain::zone::Zone;
use crate::tui::message::Writing;
use crate::tui::widgets::field::BodyField;
use crate::wire::message::{
    AttachmentRef, Data, Envelope, Message, PushData, ScheduleWords, State, WriteEmail, WritePush, WriteSms,
};

/// The form of a message, for an operator of this zone.
pub(super) fn of(message: &Message, now: DateTime<Utc>, zone: Zone) -> Compose {
    let mut compose = Compose::new(message.provider_type);
    compose.id = Some(message.id.clone());
    compose.revision = Some(message.revision);
    compose.held = message.state == State::Held;
    compose.audience = message
        .topics
        .iter()
        .map(|id| Chosen::unknown(Kind::Topic, id.to_string()))
        .chain(message.users.iter().map(|id| Chosen::unknown(Kind::User, id.to_string())))
        .chain(message.targets.iter().map(|id| Chosen::unknown(Kind::Target, id.to_string())))
        .collect();
    compose.variables = Some(message.variables);
    match &message.data {
        Data::Email(mail) => {
            compose.set(Part::Subject, &mail.subject);
            compose.body = BodyField::new(&mail.content);
            let named = |id: &crate::domain::ids::TargetId| Chosen::unknown(Kind::Target, id.to_string());
            compose.cc = mail.cc.iter().map(named).collect();
            compose.bcc = mail.bcc.iter().map(named).collect();
            compose.files = mail.attachments.iter().map(attached).collect();
            compose.unfolded = !(mail.cc.is_empty() && mail.bcc.is_empty() && mail.attachments.is_empty());
        }
        Data::Sms(sms) => compose.body = BodyField::new(&sms.content),
        Data::Push(push) => of_push(&mut compose, push),
    }
    let at = message.scheduled_at.map(Timestamp::to_utc);
    if let Some(text) = when_of(at, message.schedule_words.as_ref(), now, zone) {
        compose.set(Part::When, &text);
    }
    compose
}

/// When it goes, as its field says it: in the words with which it was scheduled as long as they
/// mean that very moment to whoever reads them here and now (`in 2h` does not, a minute later, nor
/// `9am` in another zone), else spelled out in the zone that they were said in.
fn when_of(
    at: Option<DateTime<Utc>>,
    words: Option<&ScheduleWords>,
    now: DateTime<Utc>,
    zone: Zone,
) -> Option<String> {
    let Some(at) = at else { return words.map(|words| words.words.clone()) };
    if at <= now {
        return None;
    }
    let means_it =
        |words: &&ScheduleWords| when::parse(&words.words, now, zone).is_ok_and(|said| said.at == at);
    let said_in = words.and_then(|words| words.zone.parse().ok()).unwrap_or(zone);
    let spelled = || when::spell(at, said_in, now);
    Some(words.filter(means_it).map_or_else(spelled, |words| words.words.clone()))
}

fn attached(file: &AttachmentRef) -> Attached {
    Attached::stored(file.at())
}

fn of_push(compose: &mut Compose, push: &PushData) {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    compose.body = BodyField::new(push.body.as_deref().unwrap_or_default());
    compose.files = push.image.iter().map(attached).collect();
    compose.unfolded |= push.image.is_some();
    let data = push.data.as_ref().map(|data| Value::Object(data.clone()).to_string());
    let yes = |yes: bool| if yes { "yes".to_owned() } else { String::new() };
    let lines = [
        (Part::Subject, text(&push.title)),
        (Part::Data, data.unwrap_or_default()),
        (Part::Click, text(&push.action)),
        (Part::Icon, text(&push.icon)),
        (Part::Sound, text(&push.sound)),
        (Part::Color, text(&push.color)),
        (Part::Tag, text(&push.tag)),
        (Part::Badge, push.badge.map(|badge| badge.to_string()).unwrap_or_default()),
        (Part::Priority, if push.priority == Priority::Normal { "normal".into() } else { String::new() }),
        (Part::Silent, yes(push.content_available)),
        (Part::Critical, yes(push.critical)),
    ];
    for (part, text) in &lines {
        compose.unfolded |= part.is_folded() && !text.is_empty();
        compose.set(*part, text);
    }
}

/// What a text of yes or no means; nothing if it is neither.
fn flag(text: &str) -> Option<bool> {
    match text.trim().to_lowercase().as_str() {
        "yes" | "y" | "true" => Some(true),
        "" | "no" | "n" | "false" => Some(false),
        _ => None,
    }
}

impl Compose {
    /// Whether all is there that the API wants of a draft.
    pub fn is_whole(&self) -> bool {
        match self.channel {
            Channel::Email => !self.text(Part::Subject).trim().is_empty() && !self.body.text().is_empty(),
            Channel::Sms => !self.body.text().is_empty(),
            Channel::Push => !(self.text(Part::Subject).trim().is_empty() && self.body.is_empty()),
        }
    }

    /// The message as it stands, as a draft; or which field is wrong, and why.
    pub fn writing(&self) -> Result<Writing, (Part, String)> {
        let envelope = Envelope {
            topics: Some(self.ids(Kind::Topic)),
            users: Some(self.ids(Kind::User)),
            targets: Some(self.ids(Kind::Target)),
            // What is held stays so while it is edited.
            draft: (!self.held).then_some(true),
            variables: Some(self.has_variables()),
            revision: self.revision,
            ..Envelope::default()
        };
        let ids = |people: &[Chosen]| Some(people.iter().map(|one| one.id.clone()).collect());
        Ok(match self.channel {
            Channel::Email => Writing::Email(WriteEmail {
                envelope,
                subject: Some(self.text(Part::Subject).to_owned()),
                content: Some(self.body.text()),
                html: Some(self.is_html()),
                cc: ids(&self.cc),
                bcc: ids(&self.bcc),
                attachments: Some(self.stored_files()),
            }),
            Channel::Sms => Writing::Sms(WriteSms { envelope, content: Some(self.body.text()) }),
            Channel::Push => Writing::Push(Box::new(self.push(envelope)?)),
        })
    }

    fn push(&self, envelope: Envelope) -> Result<WritePush, (Part, String)> {
        let given = |part: Part| Some(self.text(part).trim().to_owned());
        let yes_or_no = |part: Part| {
            let wrong = || (part, format!("{}: yes or no.", part.label(Channel::Push)));
            flag(self.text(part)).ok_or_else(wrong)
        };
        let data = match self.text(Part::Data).trim() {
            "" => Some(Map::new()),
            text => match serde_json::from_str(text) {
                Ok(Value::Object(map)) => Some(map),
                Ok(_) => return Err((Part::Data, "Data: a JSON object, as {\"order\": 7}.".to_owned())),
                Err(error) => return Err((Part::Data, format!("Data: {error}."))),
            },
        };
        let badge = match self.text(Part::Badge).trim() {
            "" | "-1" => None,
            text => match text.parse() {
                Ok(badge) => Some(badge),
                Err(_) => return Err((Part::Badge, "Badge: a number from 0 on.".to_owned())),
            },
        };
        let priority = match self.text(Part::Priority).trim() {
            "" | "high" => Some(Priority::High),
            "normal" => Some(Priority::Normal),
            _ => return Err((Part::Priority, "Priority: high or normal.".to_owned())),
        };
        Ok(WritePush {
            envelope,
            title: Some(self.text(Part::Subject).to_owned()),
            body: Some(self.body.text()),
            data,
            action: given(Part::Click),
            image: Some(self.stored_files().into_iter().next().unwrap_or_default()),
            icon: given(Part::Icon),
            sound: given(Part::Sound),
            color: given(Part::Color),
            tag: given(Part::Tag),
            badge,
            content_available: Some(yes_or_no(Part::Silent)?),
            critical: Some(yes_or_no(Part::Critical)?),
            priority,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_that_mean_another_time_by_now_are_spelled_out() {
        let utc = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let berlin: Zone = "Europe/Berlin".parse().unwrap();
        let said = |words: &str| ScheduleWords { words: words.to_owned(), zone: "Europe/Berlin".to_owned() };
        let now = utc("2026-11-23T14:48:01Z");
        let at = utc("2026-11-23T16:48:01Z");
        let soon = said("in 2h");
        assert_eq!(when_of(Some(at), Some(&soon), now, berlin).as_deref(), Some("in 2h"));
        // Three seconds later the words mean three seconds later.
        let later = utc("2026-11-23T14:48:04Z");
        let text = when_of(Some(at), Some(&soon), later, berlin).unwrap();
        assert_eq!(text, "Mon 23 Nov 17:48:01 Berlin");
        assert_eq!(when::parse(&text, later, Zone::UTC).unwrap().at, at);
        // The same words of an operator elsewhere mean another time.
        let at = utc("2026-11-24T08:00:00Z");
        let nine = said("tomorrow 9am");
        assert_eq!(when_of(Some(at), Some(&nine), now, berlin).as_deref(), Some("tomorrow 9am"));
        let text = when_of(Some(at), Some(&nine), now, Zone::UTC).unwrap();
        assert_eq!(when::parse(&text, now, Zone::UTC).unwrap().at, at);
        // A draft has words alone; what is past is asked anew.
        assert_eq!(when_of(None, Some(&nine), now, berlin).as_deref(), Some("tomorrow 9am"));
        assert_eq!(when_of(Some(utc("2026-11-23T14:00:00Z")), Some(&soon), now, berlin), None);
        assert_eq!(when_of(None, None, now, berlin), None);
    }

    #[test]
    fn a_notification_keeps_every_field() {
        let push = PushData {
            title: Some("Lunch".into()),
            body: Some("Soup".into()),
            data: Some([("a".to_owned(), Value::from(1))].into_iter().collect()),
            action: Some("open".into()),
            icon: Some("i".into()),
            sound: Some("s".into()),
            color: Some("#ff0000".into()),
            tag: Some("t".into()),
            badge: Some(3),
            content_available: true,
            critical: true,
            priority: Priority::Normal,
            ..PushData::default()
        };
        let mut compose = Compose::new(Channel::Push);
        of_push(&mut compose, &push);
        assert!(compose.unfolded);
        let Ok(Writing::Push(wrote)) = compose.writing() else { panic!("it is a notification") };
        assert_eq!((wrote.title, wrote.body, wrote.data), (push.title, push.body, push.data));
        assert_eq!((wrote.action, wrote.icon, wrote.sound), (push.action, push.icon, push.sound));
        assert_eq!((wrote.color, wrote.tag, wrote.badge), (push.color, push.tag, push.badge));
        assert_eq!((wrote.content_available, wrote.critical), (Some(true), Some(true)));
        assert_eq!(wrote.priority, Some(Priority::Normal));
    }

    #[test]
    fn what_cannot_be_read_names_its_field() {
        for (part, text) in [
            (Part::Data, "[1]"),
            (Part::Data, "{"),
            (Part::Badge, "many"),
            (Part::Priority, "urgent"),
            (Part::Silent, "perhaps"),
        ] {
            let mut compose = Compose::new(Channel::Push);
            compose.set(part, text);
            assert_eq!(compose.writing().err().map(|(part, _)| part), Some(part), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_typed_is_what_is_written(subject in "[^\\p{C}]{1,40}", body in "[^\\p{C}]{1,80}") {
            let mut compose = Compose::new(Channel::Email);
            compose.set(Part::Subject, &subject);
            compose.body = BodyField::new(&body);
            let Ok(Writing::Email(mail)) = compose.writing() else { panic!("it is a mail") };
            prop_assert_eq!(mail.subject.as_deref(), Some(compose.text(Part::Subject)));
            prop_assert_eq!(mail.content, Some(body));
        }
    }
}
