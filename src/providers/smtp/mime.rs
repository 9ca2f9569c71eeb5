//! Mail compiled once for a provider: fixed parts, and slots for what differs.
//!
//! A mail goes out as two segments: a head that is written for each recipient
//! (Message-ID, Date, To, the unsubscribe link and, when the message has
//! variables, the subject and the body), and a fixed part that is shared, already
//! encoded and dot-stuffed. Everything is 7-bit but UTF-8 addresses; lines end in
//! CRLF and have at most 998 characters.

use super::address::Mailbox;
use super::dkim::{self, Prepared, Signer, Unsigned};
use crate::domain::content::{Attachment as File, Content, EmailContent};
use crate::providers::adapter::{CompileError, Recipient, Rendered, Rendition};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue, Headers};
use lettre::message::{Attachment, Body, MultiPart, SinglePart};
use std::sync::Arc;

/// The longest unsubscribe link that fits in a line.
const LONGEST_LINK: usize = 900;
/// HTML that is nested deeper is not laid out as text.
const DEEPEST: usize = 200;
/// How wide the text that is made from HTML is.
const TEXT_WIDTH: usize = 76;

/// Who sends: the part of the headers that comes from the provider's options.
#[derive(Debug, Clone)]
pub struct Sender {
    /// The address in MAIL FROM, its domain in ASCII.
    pub envelope: String,
    /// What stands behind the `@`: the right side of the Message-ID.
    pub domain: String,
    /// Whether an address has letters before the `@` that need SMTPUTF8 (RFC 6531).
    pub utf8: bool,
    /// From, Reply-To and X-Mailer, encoded, a CRLF behind each.
    headers: String,
    /// Signs each mail, if the operator has given a key for that.
    pub dkim: Option<Arc<Signer>>,
}

impl Sender {
    /// Encodes the sender's headers. The names are any text, the addresses ones
    /// that [`Mailbox::parse`] takes.
    pub fn new(
        from: (Option<&str>, &Mailbox<'_>),
        reply_to: Option<(Option<&str>, &Mailbox<'_>)>,
        mailer: Option<&str>,
    ) -> Result<Self, String> {
        let mut headers = Headers::new();
        let mut plain = String::new();
        if from.1.utf8 {
            plain.push_str(&in_utf8("From", from)?);
        } else {
            headers.set(lettre::message::header::From::from(named(from)?));
        }
        if let Some(reply_to) = reply_to {
            if reply_to.1.utf8 {
                plain.push_str(&in_utf8("Reply-To", reply_to)?);
            } else {
                headers.set(lettre::message::header::ReplyTo::from(named(reply_to)?));
            }
        }
        if let Some(mailer) = mailer {
            let name = HeaderName::new_from_ascii_str("X-Mailer");
            headers.insert_raw(HeaderValue::new(name, one_line(mailer)));
        }
        Ok(Self {
            envelope: from.1.text.clone().into_owned(),
            domain: from.1.domain().to_owned(),
            utf8: !plain.is_empty(),
            headers: plain + &headers.to_string(),
            dkim: None,
        })
    }
}

/// A header in UTF-8 as it is (RFC 6532). What [`Mailbox::parse`] takes ends no header.
fn in_utf8(header: &str, (name, mailbox): (Option<&str>, &Mailbox<'_>)) -> Result<String, String> {
    let name = name.map(one_line).filter(|name| !name.is_empty());
    // 998 characters are the most of a line; the name's length is limited far below, too.
    let line = match name {
        Some(name) => format!("{header}: \"{}\" <{}>", name.replace(['\\', '"'], "'"), mailbox.text),
        None => format!("{header}: {}", mailbox.text),
    };
    if line.len() > 900 { Err("is too long".to_owned()) } else { Ok(line + "\r\n") }
}

fn named((name, mailbox): (Option<&str>, &Mailbox<'_>)) -> Result<lettre::message::Mailboxes, String> {
    let address = mailbox.text.parse::<lettre::Address>().map_err(|error| error.to_string())?;
    let name = name.map(one_line).filter(|name| !name.is_empty());
    Ok(lettre::message::Mailboxes::new().with(lettre::message::Mailbox::new(name, address)))
}

/// A mail, compiled.
#[derive(Debug)]
pub struct CompiledMail {
    /// What every head ends with: the sender's headers and Cc; and when nothing
    /// is personal, nothing else, for the rest is in `fixed`.
    common: String,
    /// The shared end of the mail: dot-stuffed, ends in CRLF.
    fixed: Bytes,
    /// Set when subject and body differ between recipients.
    personal: Option<Personal>,
    /// What a signature needs of the shared part, if mails are signed.
    prepared: Option<Prepared>,
    /// The shared part before dots were doubled, where each mail has a body of its own that is signed.
    plain: Vec<u8>,
    /// Whether the headers hold UTF-8, so that the server must know SMTPUTF8.
    pub utf8: bool,
}

#[derive(Debug)]
struct Personal {
    html: bool,
    /// The boundary of multipart/mixed, when there are attachments.
    mixed: Option<String>,
    /// For recipients without a rendering of their own.
    fallback: Rendered,
}

/// What is not sent, since it would break the mail.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SlotError {
    /// The reference is not of the shape that a Message-ID takes.
    #[error("the reference {0:?} cannot be part of a Message-ID")]
    Reference(String),
    /// The key for DKIM does not sign.
    #[error("the key for DKIM cannot sign now")]
    Signature,
    /// The unsubscribe link is not a URL in ASCII, or too long.
    #[error("the unsubscribe link is not an http or https URL of at most {LONGEST_LINK} ASCII characters")]
    Link,
}

/// Compiles a mail for a sender.
pub fn compile(sender: &Sender, rendition: &Rendition) -> Result<CompiledMail, CompileError> {
    let Content::Email(mail) = &rendition.content else {
        return Err(CompileError("an SMTP provider sends mail only".to_owned()));
    };
    if mail.attachments.len() != rendition.files.len() {
        return Err(CompileError("an attachment's content is missing".to_owned()));
    }
    let (cc, utf8) = cc_header(&rendition.cc)?;
    let common = format!("{}{cc}MIME-Version: 1.0\r\n", sender.headers);
    let files: Vec<SinglePart> = mail
        .attachments
        .iter()
        .zip(&rendition.files)
        .map(|(file, content)| attachment(file, content))
        .collect::<Result<_, _>>()?;
    let seed = boundary_seed(mail);
    let mixed = (!files.is_empty()).then(|| format!("=_herald_mixed_{seed}"));
    let mut fixed = Vec::new();
    if !rendition.personal {
        subject(&mut fixed, &mail.subject);
        fixed.extend_from_slice(common.as_bytes());
        content(&mut fixed, mixed.as_deref(), mail.html, &mail.content, &seed);
    }
    if let Some(boundary) = &mixed {
        for file in &files {
            fixed.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
            fixed.extend_from_slice(&file.formatted());
            end_line(&mut fixed);
        }
        fixed.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    }
    check_lines(&fixed)?;
    let fallback = Rendered { subject: Some(mail.subject.clone()), body: mail.content.clone() };
    let signs = sender.dkim.is_some();
    let prepared = if rendition.personal { Prepared::default() } else { Prepared::of(&fixed, true) };
    Ok(CompiledMail {
        prepared: signs.then_some(prepared),
        plain: if signs && rendition.personal { fixed.clone() } else { Vec::new() },
        common: if rendition.personal { common } else { String::new() },
        fixed: Bytes::from(dot_stuffed(&fixed)),
        personal: rendition.personal.then_some(Personal { html: mail.html, mixed, fallback }),
        utf8,
    })
}

impl CompiledMail {
    /// The shared part, as it goes over the wire, without the final dot.
    pub fn fixed(&self) -> &Bytes {
        &self.fixed
    }

    /// Writes what belongs to one recipient, as it goes over the wire before the
    /// shared part; signed where mail is.
    pub async fn write_head(
        &self,
        out: &mut Vec<u8>,
        sender: &Sender,
        to: &Mailbox<'_>,
        recipient: &Recipient,
        date: &str,
    ) -> Result<(), SlotError> {
        let begin = out.len();
        if let Some(unsigned) = self.write_unsigned(out, sender, to, recipient, date)? {
            let header = unsigned.signed().await.ok_or(SlotError::Signature)?;
            out.splice(begin..begin, header.into_bytes());
        }
        Ok(())
    }

    /// The same without its DKIM-Signature, which stands before it where there is one.
    fn write_unsigned(
        &self,
        out: &mut Vec<u8>,
        sender: &Sender,
        to: &Mailbox<'_>,
        recipient: &Recipient,
        date: &str,
    ) -> Result<Option<Unsigned>, SlotError> {
        let (begin, mut body_hash) = (out.len(), None);
        let at = DateTime::parse_from_rfc2822(date).map_or(0, |date| date.timestamp());
        let reference = recipient.reference.as_str();
        let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'.' || b == b'-' || b == b'_';
        if reference.is_empty() || reference.len() > 128 || !reference.bytes().all(fits) {
            return Err(SlotError::Reference(reference.chars().take(64).collect()));
        }
        for part in
            ["Message-ID: <", reference, "@", &sender.domain, ">\r\nDate: ", date, "\r\nTo: ", &to.text]
        {
            out.extend_from_slice(part.as_bytes());
        }
        out.extend_from_slice(b"\r\n");
        if let Some(link) = &recipient.unsubscribe {
            if !unsubscribe_fits(link) {
                return Err(SlotError::Link);
            }
            for part in
                ["List-Unsubscribe: <", link, ">\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"]
            {
                out.extend_from_slice(part.as_bytes());
            }
        }
        if let Some(personal) = &self.personal {
            let rendered = recipient.rendered.as_deref().unwrap_or(&personal.fallback);
            let fallback = personal.fallback.subject.as_deref().unwrap_or_default();
            subject(out, rendered.subject.as_deref().unwrap_or(fallback));
            out.extend_from_slice(self.common.as_bytes());
            let mut body = Vec::with_capacity(rendered.body.len() * 2 + 512);
            content(&mut body, personal.mixed.as_deref(), personal.html, &rendered.body, reference);
            if self.prepared.is_some() {
                let (headers, text) = dkim::split(&body);
                let all = [&out[begin..], headers].concat();
                body_hash = Some((all, dkim::body_hash(&[text, &self.plain])));
            }
            out.extend_from_slice(&dot_stuffed(&body));
        }
        if let (Some(prepared), Some(signer)) = (&self.prepared, &sender.dkim) {
            let unsigned = match &body_hash {
                Some((headers, hash)) => signer.prepare(&prepared.with(headers), hash, at),
                None => signer.prepare(&prepared.with(&out[begin..]), prepared.body(), at),
            };
            return unsigned.map(Some).ok_or(SlotError::Signature);
        }
        Ok(None)
    }
}

/// The value of a Date header.
pub fn date(now: DateTime<Utc>) -> String {
    now.to_rfc2822()
}

fn subject(out: &mut Vec<u8>, text: &str) {
    let value = HeaderValue::new(HeaderName::new_from_ascii_str("Subject"), one_line(text));
    let mut headers = Headers::new();
    headers.insert_raw(value);
    out.extend_from_slice(headers.to_string().as_bytes());
}

/// Whether an unsubscribe link can stand in a header.
pub fn unsubscribe_fits(link: &str) -> bool {
    let fits = |b: u8| b.is_ascii_graphic() && b != b'<' && b != b'>';
    let web = link.starts_with("https://") || link.starts_with("http://");
    web && link.len() <= LONGEST_LINK && link.bytes().all(fits)
}

/// A text in one line: each run of control characters becomes one space.
pub fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        if !c.is_control() {
            line.push(c);
        } else if !line.ends_with(' ') {
            line.push(' ');
        }
    }
    line.truncate(line.trim_end().len());
    line
}

fn cc_header(addresses: &[String]) -> Result<(String, bool), CompileError> {
    let mut header = String::new();
    let mut utf8 = false;
    for address in addresses {
        let mailbox = Mailbox::parse(address)
            .ok_or_else(|| CompileError("an address in the Cc header is not a mail address".to_owned()))?;
        utf8 |= mailbox.utf8;
        header.push_str(if header.is_empty() { "Cc: " } else { ",\r\n " });
        header.push_str(&mailbox.text);
    }
    if !header.is_empty() {
        header.push_str("\r\n");
    }
    Ok((header, utf8))
}

/// The Content-Type headers and the body: up to the end of the text when there is
/// a boundary for attachments to follow, else to the end of the mail.
fn content(out: &mut Vec<u8>, mixed: Option<&str>, html: bool, body: &str, seed: &str) {
    if let Some(boundary) = mixed {
        let head = format!("Content-Type: multipart/mixed; boundary=\"{boundary}\"\r\n\r\n--{boundary}\r\n");
        out.extend_from_slice(head.as_bytes());
    }
    if html {
        let boundary = format!("=_herald_alternative_{seed}");
        let part = MultiPart::alternative()
            .boundary(boundary)
            .singlepart(text_part(ContentType::TEXT_PLAIN, &plain_text(body)))
            .singlepart(text_part(ContentType::TEXT_HTML, body));
        out.extend_from_slice(&part.formatted());
    } else {
        out.extend_from_slice(&text_part(ContentType::TEXT_PLAIN, body).formatted());
    }
    end_line(out);
}

fn text_part(kind: ContentType, text: &str) -> SinglePart {
    let text = crlf(text);
    // `=_` cannot occur in quoted-printable or base64, so a boundary cannot occur in a body.
    let body = if text.contains("=_herald_") {
        Body::new_with_encoding(text, ContentTransferEncoding::Base64).unwrap_or_else(|text| {
            Body::new(String::from_utf8_lossy(&text).replace("=_herald_", "= herald_"))
        })
    } else {
        Body::new(text)
    };
    SinglePart::builder().header(kind).body(body)
}

/// Line ends as mail has them, and without NUL, which mail cannot carry.
fn crlf(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 32);
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\r' => {
                if rest.peek() == Some(&'\n') {
                    rest.next();
                }
                out.push_str("\r\n");
            }
            '\n' => out.push_str("\r\n"),
            '\0' => {}
            other => out.push(other),
        }
    }
    out
}

/// The text alternative of an HTML body.
pub fn plain_text(html: &str) -> String {
    // Laying out costs more than the square of the depth.
    if depth(html) > DEEPEST {
        return without_tags(html);
    }
    html2text::from_read(html.as_bytes(), TEXT_WIDTH).unwrap_or_else(|_| without_tags(html))
}

/// How deep elements are nested, at least about: tags that need no end are not counted.
fn depth(html: &str) -> usize {
    const ENDLESS: [&str; 27] = [
        "area", "base", "br", "col", "dd", "dt", "embed", "hr", "img", "input", "li", "link", "meta",
        "optgroup", "option", "p", "param", "rp", "rt", "source", "tbody", "td", "tfoot", "th", "thead",
        "tr", "wbr",
    ];
    let (mut now, mut deepest) = (0usize, 0);
    for tag in html.split('<').skip(1) {
        let (ends, tag) = tag.strip_prefix('/').map_or((false, tag), |tag| (true, tag));
        let name = tag.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
        if name.is_empty() || ENDLESS.iter().any(|endless| endless.eq_ignore_ascii_case(name)) {
            continue;
        }
        now = if ends { now.saturating_sub(1) } else { now + 1 };
        deepest = deepest.max(now);
    }
    deepest
}

/// What remains of HTML that cannot be laid out: its text between the tags.
fn without_tags(html: &str) -> String {
    let mut inside = false;
    let keep = |c: &char| {
        match c {
            '<' => inside = true,
            '>' if inside => {
                inside = false;
                return false;
            }
            _ => {}
        }
        !inside
    };
    html.chars().filter(keep).collect()
}

fn attachment(file: &File, content: &[u8]) -> Result<SinglePart, CompileError> {
    let kind = ContentType::parse(&file.mime)
        .or_else(|_| ContentType::parse("application/octet-stream"))
        .map_err(|_| CompileError(format!("the attachment's type {:?} is unusable", file.mime)))?;
    let body = Body::new_with_encoding(content.to_vec(), ContentTransferEncoding::Base64)
        .map_err(|_| CompileError("an attachment cannot be encoded".to_owned()))?;
    let name = one_line(&file.name);
    let name = if name.is_empty() { "attachment".to_owned() } else { name };
    Ok(Attachment::new(name).body(body, kind))
}

/// The same content has the same boundaries.
fn boundary_seed(mail: &EmailContent) -> String {
    let mut hash = crc32fast::Hasher::new();
    for part in [&mail.subject, &mail.content] {
        hash.update(part.as_bytes());
    }
    for file in &mail.attachments {
        hash.update(file.digest.as_bytes());
    }
    format!("{:08x}", hash.finalize())
}

fn end_line(out: &mut Vec<u8>) {
    if !out.ends_with(b"\r\n") {
        out.extend_from_slice(b"\r\n");
    }
}

/// Refuses what would let a server see another end of the mail than we do: bare
/// CR or LF, or a line longer than the protocol allows.
fn check_lines(bytes: &[u8]) -> Result<(), CompileError> {
    for line in bytes.split_inclusive(|&b| b == b'\n') {
        let Some(line) = line.strip_suffix(b"\r\n") else {
            return Err(CompileError("the mail has a line that does not end in CRLF".to_owned()));
        };
        if line.len() > 998 || line.contains(&b'\r') {
            return Err(CompileError("the mail has a line that is too long or broken".to_owned()));
        }
    }
    Ok(())
}

/// Doubles the dot at the start of each line (RFC 5321, 4.5.2). The input starts
/// at the start of a line.
fn dot_stuffed(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 16);
    for line in bytes.split_inclusive(|&b| b == b'\n') {
        if line.first() == Some(&b'.') {
            out.push(b'.');
        }
        out.extend_from_slice(line);
    }
    out
}
