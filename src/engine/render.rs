//! Variables: one recipient's rendering of a message that asks for it.

use super::config::EngineConfig;
use crate::domain::content::Content;
use crate::providers::adapter::Rendered;
use crate::store::dispatch::CandidatePerson;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior};
use serde_json::{Map, Value, json};
use std::io;

/// Why a recipient gets nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// A variable has no value for this recipient, and the text gives no default.
    #[error("a variable has no value here: {0}")]
    Missing(String),
    /// The text itself is at fault, or asks for too much.
    #[error("the text cannot be rendered: {0}")]
    Broken(String),
}

/// The texts of a message, ready to be filled in.
#[derive(Debug)]
pub struct Templates {
    environment: Environment<'static>,
    subject: bool,
    bytes: usize,
}

const SUBJECT: &str = "subject.txt";

/// What cannot stand in one line becomes a blank: a value must not add a header.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

impl Templates {
    /// Compiles the texts. Errors: the template language's, with the line.
    pub fn new(content: &Content, config: &EngineConfig) -> Result<Self, RenderError> {
        let (subject, body, html) = match content {
            Content::Email(mail) => (Some(mail.subject.clone()), mail.content.clone(), mail.html),
            Content::Sms(sms) => (None, sms.content.clone(), false),
            Content::Push(push) => (push.title.clone(), push.body.clone().unwrap_or_default(), false),
        };
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(config.render_fuel));
        environment.set_auto_escape_callback(move |name| {
            if html && name != SUBJECT { AutoEscape::Html } else { AutoEscape::None }
        });
        let broken = |error: minijinja::Error| RenderError::Broken(error.to_string());
        let has_subject = subject.is_some();
        if let Some(subject) = subject {
            environment.add_template_owned(SUBJECT, subject).map_err(broken)?;
        }
        // The template language swallows one line break at the end.
        let body = if body.ends_with('\n') { body + "\n" } else { body };
        environment.add_template_owned("body", body).map_err(broken)?;
        Ok(Self { environment, subject: has_subject, bytes: config.render_bytes })
    }

    /// Fills the texts in for one recipient who has no link to leave the message's topics.
    pub fn render(&self, person: &CandidatePerson, address: &str) -> Result<Rendered, RenderError> {
        self.render_with(person, address, "")
    }

    /// Fills the texts in for one recipient; `unsubscribe` is the link to leave the message's
    /// topics, or empty.
    pub fn render_with(
        &self,
        person: &CandidatePerson,
        address: &str,
        unsubscribe: &str,
    ) -> Result<Rendered, RenderError> {
        let mut values = values(person, address);
        // Always there, so that one text serves who has a link and who has none.
        values["unsubscribe"] = unsubscribe.into();
        let subject = if self.subject { Some(one_line(&self.fill(SUBJECT, &values)?)) } else { None };
        Ok(Rendered { subject, body: self.fill("body", &values)? })
    }

    fn fill(&self, name: &str, values: &Value) -> Result<String, RenderError> {
        let failed = |error: &minijinja::Error| {
            let text = error.to_string();
            match error.kind() {
                ErrorKind::UndefinedError => RenderError::Missing(text),
                _ => RenderError::Broken(text),
            }
        };
        let template = self.environment.get_template(name).map_err(|error| failed(&error))?;
        let mut out = Bounded { bytes: Vec::new(), most: self.bytes };
        template.render_captured_to(Serde(values), &mut out).map_err(|error| failed(&error))?;
        String::from_utf8(out.bytes).map_err(|error| RenderError::Broken(error.to_string()))
    }
}

/// What variables can name. An empty value counts as missing.
fn values(person: &CandidatePerson, address: &str) -> Value {
    fn object(fields: &[(&str, &str)]) -> Map<String, Value> {
        let set = fields.iter().filter(|(_, value)| !value.is_empty());
        set.map(|(name, value)| ((*name).to_owned(), json!(value))).collect()
    }
    let mut user = object(&[
        ("id", &person.user_id),
        ("name", &person.name),
        ("email", &person.email),
        ("phone", &person.phone),
    ]);
    let prefs = serde_json::from_str::<Map<String, Value>>(&person.prefs).unwrap_or_default();
    user.insert("prefs".into(), Value::Object(prefs));
    let target = object(&[("id", &person.target_id), ("name", &person.target_name), ("identifier", address)]);
    json!({ "user": user, "target": target })
}

/// Takes at most so many bytes.
struct Bounded {
    bytes: Vec<u8>,
    most: usize,
}

impl io::Write for Bounded {
    fn write(&mut self, more: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + more.len() > self.most {
            return Err(io::Error::other(format!("more than {} bytes", self.most)));
        }
        self.bytes.extend_from_slice(more);
        Ok(more.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::content::{EmailContent, SmsContent};

    fn mail(subject: &str, content: &str, html: bool) -> Templates {
        let content = EmailContent {
            subject: subject.into(),
            content: content.into(),
            html,
            ..EmailContent::default()
        };
        Templates::new(&Content::Email(content), &EngineConfig::default()).unwrap()
    }

    fn ana() -> CandidatePerson {
        CandidatePerson {
            user_id: "u1".into(),
            name: "Ana <b>".into(),
            email: "ana@example.com".into(),
            prefs: r#"{"plan":"gold","tags":["a","b"]}"#.into(),
            target_id: "t1".into(),
            ..CandidatePerson::default()
        }
    }

    #[test]
    fn names_and_preferences() {
        let templates = mail(
            "Hi {{ user.name }}",
            "{{ user.prefs.plan }} {{ target.identifier }} {% for t in user.prefs.tags %}{{ t }}{% endfor %}\n",
            false,
        );
        let rendered = templates.render(&ana(), "ana@example.com").unwrap();
        assert_eq!(rendered.subject.as_deref(), Some("Hi Ana <b>"));
        assert_eq!(rendered.body, "gold ana@example.com ab\n");
    }

    #[test]
    fn the_link_to_leave_is_a_variable() {
        let text = "x{% if unsubscribe %} {{ unsubscribe }}{% endif %}";
        let link = "https://herald.example/v1/herald/unsubscribe/abc";
        let with = mail("s", text, false).render_with(&ana(), "", link).unwrap();
        assert_eq!(with.body, format!("x {link}"));
        assert_eq!(mail("s", text, false).render(&ana(), "").unwrap().body, "x");
    }

    #[test]
    fn html_is_escaped_and_the_subject_is_not() {
        let rendered = mail("{{ user.name }}", "<p>{{ user.name }}</p>", true).render(&ana(), "").unwrap();
        assert_eq!(rendered.body, "<p>Ana &lt;b&gt;</p>");
        assert_eq!(rendered.subject.as_deref(), Some("Ana <b>"));
    }

    #[test]
    fn what_is_missing_is_an_error_unless_there_is_a_default() {
        for text in ["{{ user.phone }}", "{{ user.prefs.nothing }}", "{{ nothing }}"] {
            assert!(
                matches!(mail("s", text, false).render(&ana(), ""), Err(RenderError::Missing(_))),
                "{text}"
            );
        }
        let rendered = mail("s", "{{ user.phone | default('none') }}", false).render(&ana(), "").unwrap();
        assert_eq!(rendered.body, "none");
    }

    #[test]
    fn work_and_output_are_bounded() {
        for text in [
            "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}",
            "{{ 'x' * 100000000 }}",
            "{% for a in range(500) %}{{ '0123456789abcdef' * 64 }}{% endfor %}",
        ] {
            let templates =
                Templates::new(&Content::Sms(SmsContent { content: text.into() }), &EngineConfig::default());
            let rendered = templates.and_then(|templates| templates.render(&ana(), ""));
            assert!(matches!(rendered, Err(RenderError::Broken(_))), "{text}: {rendered:?}");
        }
    }

    #[test]
    fn a_value_cannot_add_a_header() {
        let person = CandidatePerson { name: "A\r\nBcc: all@example.com".into(), ..ana() };
        let rendered = mail("Hi {{ user.name }}", "x", false).render(&person, "").unwrap();
        assert_eq!(rendered.subject.as_deref(), Some("Hi A  Bcc: all@example.com"));
    }

    #[test]
    fn a_broken_text_is_found_when_it_is_compiled() {
        let content = Content::Sms(SmsContent { content: "{{ user. }}".into() });
        assert!(matches!(Templates::new(&content, &EngineConfig::default()), Err(RenderError::Broken(_))));
    }
}
