//! Mailgun: up to 1,000 recipients a request, each with a copy of their own by
//! recipient variables.
//!
//! `POST /v3/{domain}/messages`, a form; Basic authentication with the user `api`
//! (<https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages>).
//! `recipient-variables` has an object for each address, whose values stand for
//! `%recipient.NAME%` in subject, text, HTML and headers
//! (<https://documentation.mailgun.com/docs/mailgun/user-manual/sending-messages/batch-sending>).
//! Refusals have a text and no code; their statuses are those of “API Response Codes”
//! (<https://documentation.mailgun.com/docs/mailgun/quickstart-guide/responses>). Unconfirmed: 402
//! and 413.

use super::adapter::{AccountError, Answer, CompileError, Recipient, Rendition, Verdict};
use super::http::{Head, HttpAnswer};
use super::letter::{self, Post, Sender};
use super::meaning::{self, Meaning, content, credentials, row};
use super::multipart::Multipart;
use super::service::{Judged, Made, Opening, Protocol};
use crate::domain::delivery::Stage;
use crate::domain::plan::BatchKey;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use serde_json::{Map, Value};
use url::form_urlencoded::Serializer;

/// Where Mailgun is, unless the account says otherwise.
pub const BASE: &str = "https://api.mailgun.net";
/// Where Mailgun's EU region is.
pub const EU_BASE: &str = "https://api.eu.mailgun.net";
/// The bytes of texts of their own that go in one request. Far below the 25 MB that
/// Mailgun takes, so that a request is under way for seconds and not for minutes.
const LARGEST: usize = 4 * 1024 * 1024;
/// Every variable of Mailgun's begins so; in a text of ours it must stay as it is.
const VARIABLE: &str = "%recipient";

/// The protocol of Mailgun.
#[derive(Debug)]
pub struct Mailgun {
    send: Head,
    sender: Sender,
}

impl Mailgun {
    /// Reads the account.
    pub fn new(opening: &Opening<'_>) -> Result<Self, AccountError> {
        let key = opening.account.required_secret("apiKey")?;
        let domain = opening.account.required("domain")?;
        if !domain.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-') {
            return Err(opening.account.invalid("domain", "is not a domain in ASCII"));
        }
        let sender = Sender::read(opening.account)?;
        let basic = opening.basic("api", &key)?;
        let form = "application/x-www-form-urlencoded";
        let send = opening.head(&format!("/v3/{domain}/messages"), form, [(AUTHORIZATION, basic)])?;
        Ok(Self { send, sender })
    }

    /// The fields that are not a recipient's own.
    fn fixed(&self) -> Vec<(&'static str, String)> {
        let mut fields = vec![("from", self.sender.from.header())];
        if let Some(reply_to) = &self.sender.reply_to {
            fields.push(("h:Reply-To", reply_to.header()));
        }
        fields
    }

    /// A mail to one recipient, without variables.
    fn single(&self, post: &Post, to: &Recipient) -> Vec<(&'static str, String)> {
        let letter = post.letter(to);
        let mut fields = self.fixed();
        fields.push(("to", letter::address(to).into_owned()));
        fields.push(("subject", letter.subject.into_owned()));
        fields.push(("text", letter.text.into_owned()));
        if let Some(html) = letter.html {
            fields.push(("html", html.into_owned()));
        }
        fields.push(("h:Message-Id", self.sender.message_id(to)));
        if let Some(link) = &to.unsubscribe {
            let [(_, link), (_, click)] = letter::unsubscribe_headers(link);
            fields.extend([("h:List-Unsubscribe", link), ("h:List-Unsubscribe-Post", click)]);
        }
        fields.push(("v:reference", to.reference.clone()));
        fields
    }

    /// A mail to several, and to how many of them.
    fn batch(&self, post: &Post, to: &[&Recipient]) -> (Vec<(&'static str, String)>, usize) {
        let links = to[0].unsubscribe.is_some();
        let mut fields = self.fixed();
        let mut variables = Map::new();
        let mut size = 0;
        for recipient in to {
            let address = letter::address(recipient).into_owned();
            let letter = post.letter(recipient);
            let foreign = letter.text.contains(VARIABLE) || letter.subject.contains(VARIABLE);
            // Two letters to one address cannot both be in one request.
            if variables.contains_key(&address) || recipient.unsubscribe.is_some() != links || foreign {
                break;
            }
            let mut own = Map::from_iter([("reference".to_owned(), recipient.reference.clone().into())]);
            if let Some(link) = &recipient.unsubscribe {
                own.insert("unsubscribe".to_owned(), link.clone().into());
            }
            if post.personal {
                size += letter.text.len() + letter.html.as_ref().map_or(0, |html| html.len());
                own.insert("subject".to_owned(), letter.subject.into());
                own.insert("text".to_owned(), letter.text.into());
                if let Some(html) = letter.html {
                    own.insert("html".to_owned(), html.into());
                }
            }
            if size > LARGEST && !variables.is_empty() {
                break;
            }
            fields.push(("to", address.clone()));
            variables.insert(address, Value::Object(own));
        }
        let taken = variables.len();
        let shared = post.shared();
        if post.personal {
            fields.push(("subject", "%recipient.subject%".to_owned()));
            fields.push(("text", "%recipient.text%".to_owned()));
            if shared.html.is_some() {
                fields.push(("html", "%recipient.html%".to_owned()));
            }
        } else {
            fields.push(("subject", shared.subject.clone().into_owned()));
            fields.push(("text", shared.text.clone().into_owned()));
            if let Some(html) = &shared.html {
                fields.push(("html", html.clone().into_owned()));
            }
        }
        let domain = self.sender.domain();
        fields.push(("h:Message-Id", format!("<%recipient.reference%@{domain}>")));
        if links {
            let [(_, link), (_, click)] = letter::unsubscribe_headers("%recipient.unsubscribe%");
            fields.extend([("h:List-Unsubscribe", link), ("h:List-Unsubscribe-Post", click)]);
        }
        fields.push(("v:reference", "%recipient.reference%".to_owned()));
        fields.push(("recipient-variables", Value::Object(variables).to_string()));
        (fields, taken)
    }
}

impl Protocol for Mailgun {
    type Content = Post;

    const MEANINGS: &'static [Meaning] = &[
        content(400, ""),
        credentials(401, ""),
        // The plan does not cover this.
        row(402, "", Verdict::Refused, Stage::Sender),
        credentials(403, ""),
        // The domain is not one of the account's.
        row(404, "", Verdict::Refused, Stage::Sender),
        content(413, ""),
    ];

    fn compile(&self, rendition: &Rendition) -> Result<Post, CompileError> {
        Post::compile(rendition)
    }

    fn check(&self, _content: &Post, recipient: &Recipient) -> Result<(), Answer> {
        Post::check(recipient)
    }

    fn request(&self, post: &Post, to: &[&Recipient], _key: Option<BatchKey>) -> Made<'_> {
        let (fields, taken) = match self.batch(post, to) {
            (_, 0 | 1) => (self.single(post, to[0]), 1),
            batch => batch,
        };
        if post.files.is_empty() {
            let mut form = Serializer::new(String::new());
            form.extend_pairs(fields);
            return Made::new(&self.send, form.finish(), taken);
        }
        let mut form = Multipart::new(&to[0].reference);
        for (name, value) in &fields {
            form.field(name, value);
        }
        for file in &post.files {
            form.file("attachment", file);
        }
        let mut made = Made::new(&self.send, Vec::new(), taken);
        let (content_type, body) = form.finish();
        made.further.insert(CONTENT_TYPE, content_type);
        made.body = body.into();
        made
    }

    fn judge(&self, answer: &HttpAnswer, _to: &[&Recipient]) -> Judged {
        if !answer.status.is_success() {
            return Judged::All(meaning::refused(Self::MEANINGS, answer, ""));
        }
        // One id for all of the request: in events it comes with the address.
        Judged::All(match meaning::json(answer) {
            Some(body) if body["id"].is_string() => {
                let id = meaning::word(&body["id"]);
                let id = id.trim_start_matches('<').trim_end_matches('>');
                meaning::accepted(answer, id, meaning::word(&body["message"]))
            }
            _ => meaning::unreadable(answer),
        })
    }

    fn probe(&self) -> Made<'_> {
        // A key that may only send may not look up its domain. Without a recipient
        // nothing can be sent; key and domain are looked at first.
        let mut form = Serializer::new(String::new());
        form.append_pair("from", &self.sender.from.header()).append_pair("o:testmode", "yes");
        Made::new(&self.send, form.finish(), 1)
    }

    fn judge_probe(&self, answer: &HttpAnswer) -> Answer {
        match answer.status.as_u16() {
            400 => meaning::accepted(answer, "", ""),
            _ => meaning::refused(Self::MEANINGS, answer, ""),
        }
    }
}
