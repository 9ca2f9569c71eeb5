//! Twilio: one text message a request.
//!
//! `POST /2010-04-01/Accounts/{sid}/Messages.json`, a form with `To`, `Body` and
//! `From` or `MessagingServiceSid`; Basic authentication with SID and token
//! (<https://www.twilio.com/docs/messaging/api/message-resource>). Refusals bear a
//! code of the error dictionary (<https://www.twilio.com/docs/api/errors>).
//!
//! Checked in the dictionary: 20003, 20404, 20429, 21211, 21610 and 30001. Unconfirmed here, and
//! taken from the dictionary's own pages by their numbers: the others. An answer with a code that
//! the table lacks goes by its status.

use super::adapter::{AccountError, Answer, CompileError, Recipient, Rendition, Verdict};
use super::http::{Head, HttpAnswer};
use super::meaning::{self, Meaning, content, credentials, recipient, row, sender, wait};
use super::service::{Judged, Made, Opening, Protocol};
use super::text::{Sender, Text};
use crate::domain::delivery::Stage;
use crate::domain::plan::BatchKey;
use bytes::Bytes;
use http::header::AUTHORIZATION;
use url::form_urlencoded::Serializer;

/// Where Twilio is, unless the account says otherwise.
pub const BASE: &str = "https://api.twilio.com";

/// The protocol of Twilio.
#[derive(Debug)]
pub struct Twilio {
    send: Head,
    account: Head,
    from: Sender,
    most: Option<usize>,
    callback: Option<String>,
}

impl Twilio {
    /// Reads the account.
    pub fn new(opening: &Opening<'_>) -> Result<Self, AccountError> {
        let sid = opening.account.required("accountSid")?;
        if !sid.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(opening.account.invalid("accountSid", "is not a SID: AC and 32 hexadecimal digits"));
        }
        let token = opening.account.required_secret("authToken")?;
        opening.account.required("from")?;
        let service = |text: &str| text.len() == 34 && text.starts_with("MG");
        let from = Sender::read(opening.account, "from", service)?
            .ok_or_else(|| opening.account.invalid("from", "is not set"))?;
        let basic = opening.basic(&sid, &token)?;
        let root = format!("/2010-04-01/Accounts/{sid}");
        let form = "application/x-www-form-urlencoded";
        Ok(Self {
            send: opening.head(&format!("{root}/Messages.json"), form, [(AUTHORIZATION, basic.clone())])?,
            account: opening.get(&format!("{root}.json"), [(AUTHORIZATION, basic)])?,
            from,
            most: opening.kind.text,
            callback: opening.account.receipts_url.clone(),
        })
    }
}

impl Protocol for Twilio {
    type Content = Text;

    const MEANINGS: &'static [Meaning] = &[
        // Authentication, and accounts that are closed or suspended.
        credentials(401, "20003"),
        credentials(0, "20005"),
        credentials(0, "20006"),
        credentials(404, "20404"),
        credentials(0, "30002"),
        // Limits: of requests, of a sender's queue, of a day.
        wait(429, "20429"),
        wait(0, "21611"),
        wait(0, "30001"),
        wait(0, "63038"),
        // The number: not one, not reachable, a landline, not verified for a trial.
        recipient(0, "21211"),
        recipient(0, "21214"),
        recipient(0, "21217"),
        recipient(0, "21265"),
        recipient(0, "21266"),
        recipient(0, "21608"),
        recipient(0, "21612"),
        recipient(0, "21614"),
        recipient(0, "21635"),
        // No permission for the number's country; a recipient who has opted out.
        recipient(0, "21408"),
        recipient(0, "21610"),
        // The sender: not one, not ours, or none in the messaging service.
        sender(0, "21212"),
        sender(0, "21603"),
        sender(0, "21606"),
        sender(0, "21659"),
        sender(0, "21660"),
        sender(0, "21701"),
        sender(0, "21703"),
        sender(0, "21705"),
        // The text: none, or too long.
        content(0, "21602"),
        content(0, "21604"),
        content(0, "21605"),
        content(0, "21617"),
        content(0, "21619"),
        row(400, "", Verdict::Permanent, Stage::Content),
    ];

    fn compile(&self, rendition: &Rendition) -> Result<Text, CompileError> {
        Text::compile(rendition, self.most)
    }

    fn check(&self, content: &Text, recipient: &Recipient) -> Result<(), Answer> {
        content.check(recipient)
    }

    fn request(&self, content: &Text, to: &[&Recipient], _key: Option<BatchKey>) -> Made<'_> {
        let mut form = Serializer::new(String::new());
        for recipient in to.iter().take(1) {
            form.append_pair("To", &recipient.address);
            match &self.from {
                Sender::Own(service) => form.append_pair("MessagingServiceSid", service),
                from => form.append_pair("From", from.as_str()),
            };
            form.append_pair("Body", content.of(recipient));
            if let Some(callback) = &self.callback {
                form.append_pair("StatusCallback", callback);
            }
        }
        Made::new(&self.send, form.finish(), 1)
    }

    fn judge(&self, answer: &HttpAnswer, _to: &[&Recipient]) -> Judged {
        let body = meaning::json(answer);
        if answer.status.is_success() {
            return Judged::All(match &body {
                Some(body) if body["sid"].is_string() => {
                    meaning::accepted(answer, &meaning::word(&body["sid"]), meaning::word(&body["status"]))
                }
                _ => meaning::unreadable(answer),
            });
        }
        let code = body.map(|body| meaning::word(&body["code"])).unwrap_or_default();
        Judged::All(meaning::refused(Self::MEANINGS, answer, &code))
    }

    fn probe(&self) -> Made<'_> {
        Made::new(&self.account, Bytes::new(), 1)
    }
}
