//! What a message says.

use super::channel::Channel;
use super::file::ImageLink;
use super::ids::TargetId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The content of a message of one of the three types.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Content {
    /// A mail.
    Email(EmailContent),
    /// A text message.
    Sms(SmsContent),
    /// A notification.
    Push(Box<PushContent>),
}

impl Content {
    /// The type that this content is for.
    pub fn channel(&self) -> Channel {
        match self {
            Self::Email(_) => Channel::Email,
            Self::Sms(_) => Channel::Sms,
            Self::Push(_) => Channel::Push,
        }
    }

    /// The line that stands for it in a list: subject, title, or the text's beginning.
    pub fn headline(&self) -> &str {
        match self {
            Self::Email(mail) => &mail.subject,
            Self::Sms(sms) => sms.content.lines().next().unwrap_or(""),
            Self::Push(push) => push.title.as_deref().or(push.body.as_deref()).unwrap_or(""),
        }
    }
}

/// A mail. Limits are the dialect's: subject 998 characters, content 64,230.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EmailContent {
    /// The subject; no line breaks.
    pub subject: String,
    /// The body.
    pub content: String,
    /// Whether the body is HTML.
    pub html: bool,
    /// Targets that get a copy and are named in Cc.
    pub cc: Vec<TargetId>,
    /// Targets that get a copy and are named nowhere.
    pub bcc: Vec<TargetId>,
    /// Files to attach.
    pub attachments: Vec<Attachment>,
}

/// A file that travels with a mail. The content is in the file store under `digest`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// The dialect's bucket.
    pub bucket: String,
    /// The dialect's file.
    pub file: String,
    /// The name that the recipient sees.
    pub name: String,
    /// The MIME type.
    pub mime: String,
    /// SHA-256 of the content, hex.
    pub digest: String,
    /// Bytes.
    pub size: u64,
}

/// A text message.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SmsContent {
    /// The text, up to 64,230 characters.
    pub content: String,
}

/// A notification; every field is the dialect's.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PushContent {
    /// Title, up to 256 characters.
    pub title: Option<String>,
    /// Body, up to 64,230 characters.
    pub body: Option<String>,
    /// Custom data, a JSON object as text.
    pub data: Option<String>,
    /// Click action or category.
    pub action: Option<String>,
    /// An image; devices fetch it by its URL.
    pub image: Option<ImageLink>,
    /// Icon resource.
    pub icon: Option<String>,
    /// Sound resource.
    pub sound: Option<String>,
    /// Icon colour, `#rrggbb`.
    pub color: Option<String>,
    /// Notification tag: a newer one replaces an older one.
    pub tag: Option<String>,
    /// Badge count, 0 or more.
    pub badge: Option<u32>,
    /// Wakes the application without showing anything.
    pub content_available: bool,
    /// Sounds even when the device is silent.
    pub critical: bool,
    /// Delivery priority.
    pub priority: Priority,
}

/// Delivery priority of a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// May wait for the device to wake.
    Normal,
    /// At once.
    #[default]
    High,
}
