//! Amazon SES: up to 50 recipients a request, each with a copy of their own from an
//! inline template.
//!
//! `POST /v2/email/outbound-bulk-emails`, JSON, Signature Version 4
//! (<https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendBulkEmail.html>). What
//! differs is put in by the template's data, which SES does not escape
//! (<https://docs.aws.amazon.com/ses/latest/dg/send-personalized-email-api.html>). Entries
//! have a status each; refusals of a request bear their type in `x-amzn-ErrorType`.
//!
//! Checked against Amazon's own description of the API, which its SDKs are made from (`sesv2`
//! 2019-09-27, as in the package botocore): path, fields and limits, the errors of
//! `SendBulkEmail` with their statuses, and the values of `BulkEmailStatus`. The types of refused
//! signatures are unconfirmed; their status, 403, says enough.

use super::adapter::{AccountError, Answer, CompileError, Recipient, Rendition, Verdict};
use super::http::{Head, HttpAnswer};
use super::letter::{self, Letter, Post, Sender};
use super::meaning::{self, Meaning, content, credentials, recipient, row, sender, wait};
use super::service::{Judged, Made, Opening, Protocol};
use super::sigv4::{Signed, Signer};
use crate::domain::delivery::Stage;
use crate::domain::plan::BatchKey;
use bytes::Bytes;
use chrono::Utc;
use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue};
use serde_json::{Value, json};

const JSON: &str = "application/json";
const DATE: HeaderName = HeaderName::from_static("x-amz-date");
/// The most characters of a recipient's template data.
const LONGEST: usize = 262_144;

/// Where SES is in a region.
pub fn base(region: &str) -> String {
    format!("https://email.{region}.amazonaws.com")
}

/// Whether a text can be the name of a region.
pub fn is_region(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// The protocol of SES.
#[derive(Debug)]
pub struct Ses {
    send: Head,
    account: Head,
    host: String,
    signer: Signer,
    sender: Sender,
}

impl Ses {
    /// Reads the account.
    pub fn new(opening: &Opening<'_>) -> Result<Self, AccountError> {
        let access_key = opening.account.required("accessKey")?;
        if !access_key.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(opening.account.invalid("accessKey", "is not the id of an access key"));
        }
        let secret_key = opening.account.required_secret("secretKey")?;
        let region = opening.account.required("region")?;
        if !is_region(&region) {
            return Err(opening.account.invalid("region", "is not a region such as eu-central-1"));
        }
        let sender = Sender::read(opening.account)?;
        Ok(Self {
            send: opening.head("/v2/email/outbound-bulk-emails", JSON, [])?,
            account: opening.get("/v2/email/account", [])?,
            host: opening.client.authority().to_str().unwrap_or_default().to_owned(),
            signer: Signer { access_key, secret_key, region, service: "ses" },
            sender,
        })
    }

    fn signed<'a>(&'a self, head: &'a Head, body: Bytes, taken: usize) -> Made<'a> {
        let with_type = [("content-type", JSON), ("host", self.host.as_str())];
        let headers = if body.is_empty() { &with_type[1..] } else { &with_type[..] };
        let request = Signed {
            method: head.method().as_str(),
            path: head.uri().path(),
            query: "",
            headers,
            body: &body,
        };
        let (time, authorization) = self.signer.sign(request, Utc::now());
        let mut made = Made::new(head, body, taken);
        for (name, text) in [(DATE, time), (AUTHORIZATION, authorization)] {
            let mut value = HeaderValue::from_str(&text).expect("a signature is of printable ASCII");
            value.set_sensitive(true);
            made.further.insert(name, value);
        }
        made
    }

    /// One recipient's part of a request.
    fn entry(post: &Post, to: &Recipient) -> Value {
        let mut headers = Vec::new();
        if let Some(link) = &to.unsubscribe {
            let lines = letter::unsubscribe_headers(link);
            headers.extend(lines.into_iter().map(|(name, value)| json!({"Name": name, "Value": value})));
        }
        let mut entry = json!({
            "Destination": {"ToAddresses": [letter::address(to)]},
            "ReplacementTags": [{"Name": "reference", "Value": to.reference.replace('.', "_")}],
        });
        if !headers.is_empty() {
            entry["ReplacementHeaders"] = headers.into();
        }
        if post.personal {
            let data = data(&post.letter(to)).to_string();
            entry["ReplacementEmailContent"] =
                json!({"ReplacementTemplate": {"ReplacementTemplateData": data}});
        }
        entry
    }
}

/// What the template is filled with.
fn data(letter: &Letter<'_>) -> Value {
    let mut data = json!({"subject": letter.subject, "text": letter.text});
    if let Some(html) = &letter.html {
        data["html"] = json!(html);
    }
    data
}

impl Protocol for Ses {
    type Content = Post;

    const MEANINGS: &'static [Meaning] = &[
        credentials(403, "InvalidSignatureException"),
        credentials(403, "SignatureDoesNotMatch"),
        credentials(403, "UnrecognizedClientException"),
        credentials(403, "InvalidClientTokenId"),
        credentials(403, "MissingAuthenticationTokenException"),
        credentials(403, "ExpiredTokenException"),
        credentials(403, "AccessDeniedException"),
        content(400, "BadRequestException"),
        // An identity that is not verified, too: it speaks of the content, but of everybody's.
        row(400, "MessageRejected", Verdict::Refused, Stage::Content),
        sender(400, "MailFromDomainNotVerifiedException"),
        sender(400, "AccountSuspendedException"),
        sender(400, "SendingPausedException"),
        sender(404, "NotFoundException"),
        wait(400, "LimitExceededException"),
        wait(429, "TooManyRequestsException"),
        // Of one entry.
        content(0, "MESSAGE_REJECTED"),
        sender(0, "MAIL_FROM_DOMAIN_NOT_VERIFIED"),
        sender(0, "CONFIGURATION_SET_NOT_FOUND"),
        content(0, "TEMPLATE_NOT_FOUND"),
        sender(0, "ACCOUNT_SUSPENDED"),
        wait(0, "ACCOUNT_THROTTLED"),
        wait(0, "ACCOUNT_DAILY_QUOTA_EXCEEDED"),
        sender(0, "INVALID_SENDING_POOL_NAME"),
        sender(0, "ACCOUNT_SENDING_PAUSED"),
        sender(0, "CONFIGURATION_SET_SENDING_PAUSED"),
        recipient(0, "INVALID_PARAMETER"),
        wait(0, "TRANSIENT_FAILURE"),
        recipient(0, "FAILED"),
    ];

    fn compile(&self, rendition: &Rendition) -> Result<Post, CompileError> {
        let post = Post::compile(rendition)?;
        let fits = rendition.personal || data(post.shared()).to_string().chars().count() <= LONGEST;
        if fits {
            Ok(post)
        } else {
            Err(CompileError("the mail is longer than SES's templates take".to_owned()))
        }
    }

    fn check(&self, post: &Post, recipient: &Recipient) -> Result<(), Answer> {
        Post::check(recipient)?;
        if post.personal && data(&post.letter(recipient)).to_string().chars().count() > LONGEST {
            let text = "the mail is longer than SES's templates take";
            return Err(Answer::new(Verdict::Permanent, Stage::Local, 0, text));
        }
        Ok(())
    }

    fn request(&self, post: &Post, to: &[&Recipient], _key: Option<BatchKey>) -> Made<'_> {
        let shared = post.shared();
        let mut template = json!({
            "TemplateContent": {"Subject": "{{subject}}", "Text": "{{text}}"},
            "TemplateData": data(shared).to_string(),
        });
        if shared.html.is_some() {
            template["TemplateContent"]["Html"] = json!("{{html}}");
        }
        if !post.files.is_empty() {
            let file = |file: &letter::File| {
                json!({
                    "FileName": file.name,
                    "RawContent": file.base64(),
                    "ContentType": file.mime,
                    "ContentDisposition": "ATTACHMENT",
                })
            };
            template["Attachments"] = post.files.iter().map(file).collect();
        }
        let entries: Vec<Value> = to.iter().map(|to| Self::entry(post, to)).collect();
        let mut body = json!({
            "FromEmailAddress": self.sender.from.header(),
            "DefaultContent": {"Template": template},
            "BulkEmailEntries": entries,
        });
        if let Some(reply_to) = &self.sender.reply_to {
            body["ReplyToAddresses"] = json!([reply_to.header()]);
        }
        self.signed(&self.send, body.to_string().into(), to.len())
    }

    fn judge(&self, answer: &HttpAnswer, to: &[&Recipient]) -> Judged {
        if !answer.status.is_success() {
            return Judged::All(meaning::refused(Self::MEANINGS, answer, &error_type(answer)));
        }
        let body = meaning::json(answer).unwrap_or_default();
        let results = body["BulkEmailEntryResults"].as_array().map(Vec::as_slice).unwrap_or_default();
        if results.len() != to.len() {
            return Judged::All(meaning::unreadable(answer));
        }
        let each = results.iter().map(|one| {
            let status = meaning::word(&one["Status"]);
            if status == "SUCCESS" {
                return meaning::accepted(answer, &meaning::word(&one["MessageId"]), status);
            }
            if !Self::MEANINGS.iter().any(|row| row.code == status) {
                return meaning::unreadable(answer);
            }
            let (verdict, stage) = meaning::find(Self::MEANINGS, 200, &status);
            let text = format!("{status}: {}", meaning::word(&one["Error"]));
            Answer::new(verdict, stage, answer.status.as_u16(), meaning::cut(&text))
        });
        Judged::Each(each.collect())
    }

    fn probe(&self) -> Made<'_> {
        self.signed(&self.account, Bytes::new(), 1)
    }

    fn judge_probe(&self, answer: &HttpAnswer) -> Answer {
        if !answer.status.is_success() {
            return meaning::refused(Self::MEANINGS, answer, &error_type(answer));
        }
        if meaning::json(answer).is_some_and(|body| body["SendingEnabled"] == true) {
            return meaning::accepted(answer, "", "");
        }
        let text = "sending is paused for this account";
        Answer::new(Verdict::Refused, Stage::Sender, answer.status.as_u16(), text)
    }
}

/// The type of an error, without the namespace and address that may surround it.
fn error_type(answer: &HttpAnswer) -> String {
    let full = answer.header("x-amzn-errortype").map(str::to_owned);
    let full = full.or_else(|| meaning::json(answer).map(|body| meaning::word(&body["__type"])));
    let full = full.unwrap_or_default();
    let bare = full.split(':').next().unwrap_or_default();
    bare.rsplit('#').next().unwrap_or_default().to_owned()
}
