//! What services for mail over HTTP have in common: who sends, what each recipient
//! gets, and which addresses and links a request can bear.

use super::adapter::{Account, AccountError, Answer, CompileError, Recipient, Rendition, Verdict};
use super::smtp::address::Mailbox as Envelope;
use super::smtp::mime::{one_line, plain_text, unsubscribe_fits};
use crate::domain::content::Content;
use crate::domain::delivery::Stage;
use base64::Engine as _;
use std::borrow::Cow;
use std::sync::Arc;

/// An address with or without a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// The name; one line, not empty.
    pub name: Option<String>,
    /// The address, its domain in ASCII.
    pub email: String,
}

impl Mailbox {
    fn read(account: &Account, name: &str, email: &str) -> Result<Option<Self>, AccountError> {
        let Some(address) = account.text(email) else { return Ok(None) };
        let envelope = Envelope::parse(&address)
            .filter(|envelope| !envelope.utf8)
            .ok_or_else(|| account.invalid(email, "is not a mail address that this service takes"))?;
        let email = envelope.text.clone().into_owned();
        let name = account.line(name)?.map(|name| one_line(&name)).filter(|name| !name.is_empty());
        Ok(Some(Self { name, email }))
    }

    /// As in a header (RFC 5322, 3.4), the name quoted; letters beyond ASCII stand as
    /// they are, for the service encodes them.
    pub fn header(&self) -> String {
        match &self.name {
            Some(name) => {
                let quoted = name.replace('\\', "\\\\").replace('"', "\\\"");
                format!("\"{quoted}\" <{}>", self.email)
            }
            None => self.email.clone(),
        }
    }
}

/// Who sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// From.
    pub from: Mailbox,
    /// Reply-To, if it differs.
    pub reply_to: Option<Mailbox>,
}

impl Sender {
    /// Reads the options that all mail providers have.
    pub fn read(account: &Account) -> Result<Self, AccountError> {
        account.required("fromEmail")?;
        let from = Mailbox::read(account, "fromName", "fromEmail")?
            .ok_or_else(|| account.invalid("fromEmail", "is not a mail address"))?;
        Ok(Self { from, reply_to: Mailbox::read(account, "replyToName", "replyToEmail")? })
    }

    /// What stands behind the `@`: the right side of a Message-ID.
    pub fn domain(&self) -> &str {
        self.from.email.rsplit_once('@').map_or("", |(_, domain)| domain)
    }

    /// The Message-ID of a recipient's copy, in its angle brackets.
    pub fn message_id(&self, recipient: &Recipient) -> String {
        format!("<{}@{}>", recipient.reference, self.domain())
    }
}

/// What one recipient gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter<'a> {
    /// One line.
    pub subject: Cow<'a, str>,
    /// The text, or the text alternative of the HTML.
    pub text: Cow<'a, str>,
    /// The HTML, if it is a mail in HTML.
    pub html: Option<Cow<'a, str>>,
}

/// A file that travels with a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// The name that the recipient sees; one line, not empty.
    pub name: String,
    /// The MIME type.
    pub mime: String,
    /// The content.
    pub content: Arc<[u8]>,
}

impl File {
    /// The content in base64.
    pub fn base64(&self) -> String {
        base64::engine::general_purpose::STANDARD.encode(&self.content)
    }
}

/// A mail, compiled for a service over HTTP.
#[derive(Debug)]
pub struct Post {
    html: bool,
    /// Whether recipients have renderings of their own.
    pub personal: bool,
    /// The files.
    pub files: Vec<File>,
    shared: Letter<'static>,
    source: String,
}

impl Post {
    /// Compiles a mail.
    ///
    /// The Cc header is not set: to Mailgun, SendGrid, Resend and SES cc people are recipients,
    /// who would get another copy with each recipient's, and SendGrid refuses the header itself.
    /// Who is in cc gets one copy as a recipient; only SMTP, where the envelope says who gets a
    /// mail, shows the header.
    pub fn compile(rendition: &Rendition) -> Result<Self, CompileError> {
        let Content::Email(mail) = &rendition.content else {
            return Err(CompileError("this provider sends mail only".to_owned()));
        };
        if mail.attachments.len() != rendition.files.len() {
            return Err(CompileError("an attachment's content is missing".to_owned()));
        }
        let files = mail.attachments.iter().zip(&rendition.files).map(|(file, content)| {
            let name = one_line(&file.name);
            let usable = file.mime.contains('/') && file.mime.bytes().all(|b| b.is_ascii_graphic());
            File {
                name: if name.is_empty() { "attachment".to_owned() } else { name },
                mime: if usable { file.mime.clone() } else { "application/octet-stream".to_owned() },
                content: content.clone(),
            }
        });
        let text = if mail.html { plain_text(&mail.content) } else { mail.content.clone() };
        Ok(Self {
            html: mail.html,
            personal: rendition.personal,
            files: files.collect(),
            shared: Letter {
                subject: one_line(&mail.subject).into(),
                text: text.into(),
                html: mail.html.then(|| mail.content.clone().into()),
            },
            source: mail.subject.clone(),
        })
    }

    /// What everybody gets who has no rendering of their own.
    pub fn shared(&self) -> &Letter<'static> {
        &self.shared
    }

    /// What this recipient gets.
    pub fn letter<'a>(&'a self, recipient: &'a Recipient) -> Letter<'a> {
        let borrowed = |text: &'a Cow<'static, str>| Cow::Borrowed(text.as_ref());
        let Some(rendered) = &recipient.rendered else {
            return Letter {
                subject: borrowed(&self.shared.subject),
                text: borrowed(&self.shared.text),
                html: self.shared.html.as_ref().map(borrowed),
            };
        };
        let subject = rendered.subject.as_deref().unwrap_or(&self.source);
        let body = rendered.body.as_str();
        Letter {
            subject: one_line(subject).into(),
            text: if self.html { plain_text(body).into() } else { body.into() },
            html: self.html.then_some(body.into()),
        }
    }

    /// Refuses a recipient whom no request can bear.
    pub fn check(recipient: &Recipient) -> Result<(), Answer> {
        let local = |text: &str| Err(Answer::new(Verdict::Permanent, Stage::Local, 0, text));
        match Envelope::parse(&recipient.address) {
            None => return local("not an address that mail can be sent to"),
            Some(envelope) if envelope.utf8 => {
                return local("this service takes no letters beyond ASCII before the @");
            }
            Some(_) => {}
        }
        if recipient.unsubscribe.as_deref().is_some_and(|link| !unsubscribe_fits(link)) {
            return local("the unsubscribe link is not an http or https URL that fits in a header");
        }
        Ok(())
    }
}

/// A recipient's address, its domain in ASCII.
pub fn address(recipient: &Recipient) -> Cow<'_, str> {
    Envelope::parse(&recipient.address)
        .map_or(Cow::Borrowed(recipient.address.as_str()), |envelope| envelope.text)
}

/// The headers for one-click unsubscribing (RFC 8058, 3.1).
pub fn unsubscribe_headers(link: &str) -> [(&'static str, String); 2] {
    [
        ("List-Unsubscribe", format!("<{link}>")),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned()),
    ]
}
