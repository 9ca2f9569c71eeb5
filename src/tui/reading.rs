//! A message as its recipient reads it, in lines of text.

use super::widgets::pen::wrapped;
use crate::domain::gsm::Segments;
use crate::wire::message::{Data, PushData};

/// Columns in which a notification is drawn, about a phone's.
const PHONE: usize = 38;
/// Lines of a body that a phone shows before it is opened.
const PHONE_LINES: usize = 4;
/// Lines that are made at most; nobody scrolls through more.
const MOST: usize = 5_000;

/// The lines of a message, at most so many columns wide.
pub fn lines(data: &Data, columns: usize) -> Vec<String> {
    let columns = columns.max(20);
    let mut out = match data {
        Data::Email(mail) if mail.html => html(&mail.content, columns),
        Data::Email(mail) => wrapped(&mail.content, columns),
        Data::Sms(sms) => text_message(&sms.content, columns),
        Data::Push(push) => phone(push),
    };
    out.truncate(MOST);
    out
}

/// HTML as text: what a mail program without pictures shows.
pub fn html(content: &str, columns: usize) -> Vec<String> {
    match html2text::from_read(content.as_bytes(), columns) {
        Ok(text) => text.lines().map(ToOwned::to_owned).collect(),
        // What cannot be laid out is shown as it is written.
        Err(_) => wrapped(content, columns),
    }
}

fn text_message(content: &str, columns: usize) -> Vec<String> {
    let found = Segments::of(content);
    let parts = if found.parts == 1 { "part" } else { "parts" };
    let mut out = wrapped(content, columns.min(48));
    out.push(String::new());
    out.push(format!("{} {parts} of {}, {} places left", found.parts, found.alphabet, found.left));
    out
}

/// As a phone shows it before it is opened.
fn phone(push: &PushData) -> Vec<String> {
    let row = |text: &str| {
        let cut = crate::domain::sanitize::fit(text, PHONE);
        let pad = PHONE.saturating_sub(crate::domain::sanitize::width(&cut));
        format!("│ {cut}{} │", " ".repeat(pad))
    };
    let edge = "─".repeat(PHONE + 2);
    let mut out = vec![format!("╭{edge}╮")];
    if push.content_available && push.title.is_none() && push.body.is_none() {
        out.push(row("nothing is shown: it wakes the application"));
    }
    if let Some(title) = &push.title {
        out.push(row(title));
    }
    let body = wrapped(push.body.as_deref().unwrap_or_default(), PHONE);
    let cut = body.len() > PHONE_LINES;
    for line in body.iter().take(PHONE_LINES) {
        out.push(row(line));
    }
    out.push(format!("╰{edge}╯"));
    if cut {
        out.push(format!("and {} more lines when it is opened", body.len() - PHONE_LINES));
    }
    let facts = [
        ("action", push.action.clone()),
        ("icon", push.icon.clone()),
        ("sound", push.sound.clone()),
        ("colour", push.color.clone()),
        ("tag", push.tag.clone()),
        ("badge", push.badge.map(|badge| badge.to_string())),
        ("data", push.data.as_ref().map(|data| serde_json::Value::Object(data.clone()).to_string())),
        ("silent", push.content_available.then(|| "yes".to_owned())),
        ("critical", push.critical.then(|| "yes".to_owned())),
    ];
    out.extend(facts.into_iter().filter_map(|(name, value)| Some(format!("{name:<9}{}", value?))));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::message::{EmailData, SmsData};

    #[test]
    fn html_is_read_as_text() {
        let mail = EmailData {
            content: "<h1>Hello</h1><p>This is <b>new</b>.</p><script>x</script>".into(),
            html: true,
            ..EmailData::default()
        };
        let text = lines(&Data::Email(mail), 40).join("\n");
        assert!(text.contains("Hello") && text.contains("new") && !text.contains("<p>"), "{text}");
    }

    #[test]
    fn text_messages_say_their_parts_and_notifications_look_like_one() {
        let sms = lines(&Data::Sms(SmsData { content: "Hi".into() }), 80).join("\n");
        assert!(sms.contains("1 part of GSM-7"), "{sms}");
        let push = PushData {
            title: Some("Lunch".into()),
            body: Some("a\nb\nc\nd\ne\nf".into()),
            ..PushData::default()
        };
        let text = lines(&Data::Push(Box::new(push)), 80).join("\n");
        assert!(text.contains("│ Lunch") && text.contains("2 more lines"), "{text}");
    }
}
