//! The JSON bodies of requests to the sandbox, compiled once.

use crate::domain::content::{Content, PushContent};
use crate::providers::adapter::{CompileError, Recipient};
use serde_json::Value;

/// Content as JSON fragments: what follows a recipient's own fields.
#[derive(Debug)]
pub struct CompiledPayload {
    /// `,"text":"…"}` or `,"title":…,"body":…,"data":…}`.
    fixed: Vec<u8>,
    /// For recipients with a rendering of their own.
    shape: Shape,
}

/// The most bytes of a body that several recipients share; the sandbox takes 1 MiB.
const LARGEST: usize = 1000 * 1024;

#[derive(Debug)]
enum Shape {
    Sms {
        /// `,"from":…}` or `}`.
        end: Vec<u8>,
    },
    Push {
        /// The title of recipients whose rendering has none.
        title: Option<String>,
        /// `,"data":…}` or `}`.
        end: Vec<u8>,
    },
}

impl CompiledPayload {
    /// Compiles an SMS, which bears `from` if it is given, or a notification.
    pub fn compile(content: &Content, from: Option<&str>) -> Result<Self, CompileError> {
        match content {
            Content::Sms(sms) => {
                let mut fixed = b",\"text\":".to_vec();
                string(&mut fixed, &sms.content);
                let mut end = Vec::new();
                if let Some(from) = from {
                    end.extend_from_slice(b",\"from\":");
                    string(&mut end, from);
                }
                end.push(b'}');
                fixed.extend_from_slice(&end);
                Ok(Self { fixed, shape: Shape::Sms { end } })
            }
            Content::Push(push) => {
                let end = data(push)?;
                let mut fixed = Vec::new();
                texts(&mut fixed, push.title.as_deref(), push.body.as_deref());
                fixed.extend_from_slice(&end);
                Ok(Self { fixed, shape: Shape::Push { title: push.title.clone(), end } })
            }
            Content::Email(_) => Err(CompileError("the sandbox's HTTP side sends no mail".to_owned())),
        }
    }

    /// The body of a request to the first of these recipients, and to how many: as
    /// many as it may bear, and at least one.
    pub fn body(&self, recipients: &[Recipient]) -> (Vec<u8>, usize) {
        let room = 32 + recipients.len() * (self.fixed.len() + 128);
        let mut out = Vec::with_capacity(room.min(LARGEST));
        out.extend_from_slice(b"{\"recipients\":[");
        let mut taken = 0;
        for (n, recipient) in recipients.iter().enumerate() {
            let before = out.len();
            out.extend_from_slice(if n == 0 { b"{\"to\":" } else { b",{\"to\":" });
            string(&mut out, &recipient.address);
            out.extend_from_slice(b",\"reference\":");
            string(&mut out, &recipient.reference);
            match (&recipient.rendered, &self.shape) {
                (None, _) => out.extend_from_slice(&self.fixed),
                (Some(rendered), Shape::Sms { end }) => {
                    out.extend_from_slice(b",\"text\":");
                    string(&mut out, &rendered.body);
                    out.extend_from_slice(end);
                }
                (Some(rendered), Shape::Push { title, end }) => {
                    let title = rendered.subject.as_deref().or(title.as_deref());
                    texts(&mut out, title, Some(&rendered.body));
                    out.extend_from_slice(end);
                }
            }
            if n > 0 && out.len() > LARGEST {
                out.truncate(before);
                break;
            }
            taken = n + 1;
        }
        out.extend_from_slice(b"]}");
        (out, taken)
    }
}

fn texts(out: &mut Vec<u8>, title: Option<&str>, body: Option<&str>) {
    for (name, value) in [(&b",\"title\":"[..], title), (b",\"body\":", body)] {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            out.extend_from_slice(name);
            string(out, value);
        }
    }
}

fn data(push: &PushContent) -> Result<Vec<u8>, CompileError> {
    let Some(data) = push.data.as_deref().filter(|data| !data.trim().is_empty()) else {
        return Ok(b"}".to_vec());
    };
    match serde_json::from_str::<Value>(data) {
        Ok(value @ Value::Object(_)) => Ok(format!(",\"data\":{value}}}").into_bytes()),
        Ok(_) | Err(_) => Err(CompileError("the notification's data is not a JSON object".to_owned())),
    }
}

fn string(out: &mut Vec<u8>, text: &str) {
    // Writing a text to memory has nothing to fail on.
    serde_json::to_writer(out, text).expect("a text is valid JSON");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::content::SmsContent;
    use crate::providers::adapter::Rendered;
    use proptest::prelude::*;
    use serde_json::json;

    fn recipient(address: &str, rendered: Option<Rendered>) -> Recipient {
        Recipient {
            address: address.to_owned(),
            reference: format!("ref-{}", address.len()),
            rendered: rendered.map(Box::new),
            unsubscribe: None,
        }
    }

    fn read(content: &Content, recipients: &[Recipient]) -> Value {
        let (body, taken) = CompiledPayload::compile(content, None).unwrap().body(recipients);
        assert_eq!(taken, recipients.len());
        serde_json::from_slice(&body).unwrap()
    }

    #[test]
    fn bodies() {
        let sms = Content::Sms(SmsContent { content: "Hi \"you\"\n".to_owned() });
        let own = Rendered { subject: None, body: "Hi Ana".to_owned() };
        assert_eq!(
            read(&sms, &[recipient("+1234567", None), recipient("+12345678", Some(own))]),
            json!({"recipients": [
                {"to": "+1234567", "reference": "ref-8", "text": "Hi \"you\"\n"},
                {"to": "+12345678", "reference": "ref-9", "text": "Hi Ana"},
            ]})
        );
        let mut push = PushContent { title: Some("T".to_owned()), ..PushContent::default() };
        push.data = Some("{ \"a\": [1] }".to_owned());
        let own = Rendered { subject: None, body: "B".to_owned() };
        assert_eq!(
            read(
                &Content::Push(Box::new(push.clone())),
                &[recipient("tok", None), recipient("token", Some(own))]
            ),
            json!({"recipients": [
                {"to": "tok", "reference": "ref-3", "title": "T", "data": {"a": [1]}},
                {"to": "token", "reference": "ref-5", "title": "T", "body": "B", "data": {"a": [1]}},
            ]})
        );
        push.data = Some("[1]".to_owned());
        assert!(CompiledPayload::compile(&Content::Push(Box::new(push)), None).is_err());
    }

    #[test]
    fn a_body_bears_as_many_as_fit() {
        let sms = Content::Sms(SmsContent { content: "\u{1}".repeat(60_000) });
        let everybody = vec![recipient("+1234567", None); 100];
        let compiled = CompiledPayload::compile(&sms, Some("Ada")).unwrap();
        let (body, taken) = compiled.body(&everybody);
        assert!(body.len() <= 1024 * 1024 && taken == 2, "{taken} in {} bytes", body.len());
        let read: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(read["recipients"].as_array().unwrap().len(), taken);
        assert_eq!(read["recipients"][1]["from"], "Ada");
    }

    proptest! {
        #[test]
        fn any_text_stays_a_text(text in any::<String>(), to in any::<String>()) {
            let sms = Content::Sms(SmsContent { content: text.clone() });
            let body = read(&sms, &[recipient(&to, None)]);
            prop_assert_eq!(body["recipients"][0]["text"].as_str(), Some(text.as_str()));
            prop_assert_eq!(body["recipients"][0]["to"].as_str(), Some(to.as_str()));
        }
    }
}
