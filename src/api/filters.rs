//! What each list can be queried and filtered by.

use super::list::Listed;
use super::present_message::status;
use super::queries::{Attribute, AttributeKind};
use crate::domain::channel::Channel;
use crate::domain::file::{Bucket, StoredFile};
use crate::domain::filter::{CheckedFilter, FieldTable, FieldValue, Row};
use crate::domain::message::Message;
use crate::domain::person::{Target, User};
use crate::domain::provider::Provider;
use crate::domain::time::Timestamp;
use crate::domain::topic::Topic;
use crate::store::catalog::SubscriberView;
use crate::wire::fields;
use crate::wire::message::Status;

const TEXT: AttributeKind = AttributeKind::Text;
const NUMBER: AttributeKind = AttributeKind::Number;
const FLAG: AttributeKind = AttributeKind::Flag;
const TIME: AttributeKind = AttributeKind::Time;

fn text(text: &str) -> Attribute {
    Attribute::Text(text.to_owned())
}

fn optional(value: Option<&str>) -> Attribute {
    value.map_or(Attribute::Null, text)
}

fn time(at: Option<Timestamp>) -> Attribute {
    at.map_or(Attribute::Null, Attribute::Time)
}

fn channel(channel: Channel) -> Attribute {
    text(channel.as_str())
}

/// The dialect's word for a status.
pub(crate) fn status_word(status: Status) -> &'static str {
    match status {
        Status::Draft => "draft",
        Status::Processing => "processing",
        Status::Scheduled => "scheduled",
        Status::Sent => "sent",
        Status::Failed => "failed",
    }
}

struct MessageRow<'a> {
    message: &'a Message,
    topics: Vec<&'a str>,
}

impl Row for MessageRow<'_> {
    fn value(&self, field: &str) -> FieldValue<'_> {
        let message = self.message;
        match field {
            "status" => FieldValue::Text(message.state.as_str()),
            "type" => FieldValue::Text(message.channel().as_str()),
            "id" => FieldValue::Text(message.id.as_str()),
            "subject" => FieldValue::Text(message.content.headline()),
            "topic" => FieldValue::Texts(&self.topics),
            "by" => FieldValue::Text(&message.created_by),
            "size" => FieldValue::Number(message.progress.planned as i64),
            "failed" => FieldValue::Number(message.progress.failed as i64),
            "uncertain" => FieldValue::Number(message.progress.uncertain as i64),
            "at" => message.scheduled_at.map_or(FieldValue::Missing, FieldValue::Time),
            "created" => FieldValue::Time(message.created),
            _ => FieldValue::Missing,
        }
    }

    fn search(&self, found: &mut dyn FnMut(&str) -> bool) -> bool {
        found(self.message.content.headline())
            || found(self.message.id.as_str())
            || self.topics.iter().any(|t| found(t))
    }
}

impl Listed for Message {
    const ATTRIBUTES: &'static [(&'static str, AttributeKind)] = &[
        ("scheduledAt", TIME),
        ("deliveredAt", TIME),
        ("deliveredTotal", NUMBER),
        ("status", TEXT),
        ("providerType", TEXT),
    ];
    const INDEXED: &'static [&'static str] = &["status"];
    const FIELDS: &'static FieldTable = &fields::MESSAGES;

    fn no(&self) -> u64 {
        self.no.0
    }

    fn id(&self) -> &str {
        self.id.as_str()
    }

    fn attribute(&self, name: &str, now: Timestamp) -> Attribute {
        match name {
            "$createdAt" => Attribute::Time(self.created),
            "$updatedAt" => Attribute::Time(self.updated),
            "scheduledAt" => time(self.scheduled_at),
            "deliveredAt" => time(self.finished_at),
            "deliveredTotal" => Attribute::Number(self.progress.accepted as i64),
            "status" => text(status_word(status(self, now))),
            "providerType" => channel(self.channel()),
            _ => Attribute::Null,
        }
    }

    fn passes(&self, filter: &CheckedFilter, now: Timestamp) -> bool {
        if filter.is_everything() {
            return true;
        }
        let row = MessageRow { message: self, topics: self.topics.iter().map(AsRef::as_ref).collect() };
        filter.passes(&row, now)
    }

    fn words(&self) -> String {
        format!("{} {}", self.content.headline(), self.id)
    }
}

impl Row for Topic {
    fn value(&self, field: &str) -> FieldValue<'_> {
        match field {
            "id" => FieldValue::Text(self.id.as_str()),
            "name" => FieldValue::Text(&self.name),
            "size" => FieldValue::Number(self.totals.sum() as i64),
            "created" => FieldValue::Time(self.created),
            _ => FieldValue::Missing,
        }
    }

    fn search(&self, found: &mut dyn FnMut(&str) -> bool) -> bool {
        found(&self.name) || found(self.id.as_str())
    }
}

impl Listed for Topic {
    const ATTRIBUTES: &'static [(&'static str, AttributeKind)] = &[
        ("name", TEXT),
        ("description", TEXT),
        ("emailTotal", NUMBER),
        ("smsTotal", NUMBER),
        ("pushTotal", NUMBER),
    ];
    const FIELDS: &'static FieldTable = &fields::TOPICS;

    fn no(&self) -> u64 {
        u64::from(self.no.0)
    }

    fn id(&self) -> &str {
        self.id.as_str()
    }

    fn attribute(&self, name: &str, _: Timestamp) -> Attribute {
        match name {
            "$createdAt" => Attribute::Time(self.created),
            "$updatedAt" => Attribute::Time(self.updated),
            "name" => text(&self.name),
            "description" => text(&self.description),
            "emailTotal" => Attribute::Number(self.totals.email as i64),
            "smsTotal" => Attribute::Number(self.totals.sms as i64),
            "pushTotal" => Attribute::Number(self.totals.push as i64),
            _ => Attribute::Null,
        }
    }

    fn passes(&self, filter: &CheckedFilter, now: Timestamp) -> bool {
        filter.passes(self, now)
    }

    fn words(&self) -> String {
        format!("{} {}", self.name, self.id)
    }
}

impl Row for Bucket {
    fn value(&self, field: &str) -> FieldValue<'_> {
        match field {
            "id" => FieldValue::Text(self.id.as_str()),
            "name" => FieldValue::Text(&self.name),
            "size" => FieldValue::Number(self.bytes as i64),
            "created" => FieldValue::Time(self.created),
            _ => FieldValue::Missing,
        }
    }

    fn search(&self, found: &mut dyn FnMut(&str) -> bool) -> bool {
        found(&self.name) || found(self.id.as_str())
    }
}

impl Listed for Bucket {
    const ATTRIBUTES: &'static [(&'static str, AttributeKind)] = &[
        ("enabled", FLAG),
        ("name", TEXT),
        ("fileSecurity", FLAG),
        ("maximumFileSize", NUMBER),
        ("encryption", FLAG),
        ("antivirus", FLAG),
        ("transformations", FLAG),
    ];
    const FIELDS: &'static FieldTable = &fields::BUCKETS;

    fn no(&self) -> u64 {
        u64::from(self.no.0)
    }

    fn id(&self) -> &str {
        self.id.as_str()
    }

    fn attribute(&self, name: &str, _: Timestamp) -> Attribute {
        match name {
            "$createdAt" => Attribute::Time(self.created),
            "$updatedAt" => Attribute::Time(self.updated),
            "enabled" => Attribute::Flag(self.enabled),
            "name" => text(&self.name),
            "fileSecurity" => Attribute::Flag(self.file_security),
            "maximumFileSize" => Attribute::Number(self.max_size as i64),
            "encryption" | "antivirus" | "transformations" => Attribute::Flag(false),
            _ => Attribute::Null,
        }
    }

    fn passes(&self, filter: &CheckedFilter, now: Timestamp) -> bool {
        filter.passes(self, now)
    }

    fn words(&self) -> String {
        format!("{} {}", self.name, self.id)
    }
}

impl Row for StoredFile {
    fn value(&self, field: &str) -> FieldValue<'_> {
        match field {
            "id" => FieldValue::Text(self.id.as_str()),
            "name" => FieldValue::Text(&self.name),
            "type" => FieldValue::Text(&self.mime),
            "size" => FieldValue::Number(self.size as i64),
            "created" => FieldValue::Time(self.created),
            _ => FieldValue::Missing,
        }
    }

    fn search(&self, found: &mut dyn FnMut(&str) -> bool) -> bool {
        found(&self.name) || found(self.id.as_str())
    }
}

impl Listed for StoredFile {
    const ATTRIBUTES: &'static [(&'static str, AttributeKind)] = &[
        ("name", TEXT),
        ("signature", TEXT),
        ("mimeType", TEXT),
        ("sizeOriginal", NUMBER),
        ("chunksTotal", NUMBER),
        ("chunksUploaded", NUMBER),
    ];
    const FIELDS: &'static FieldTable = &fields::FILES;

    fn no(&self) -> u64 {
        self.no.0
    }

    fn id(&self) -> &str {
        self.id.as_str()
    }

    fn attribute(&self, name: &str, _: Timestamp) -> Attribute {
        match name {
            "$createdAt" => Attribute::Time(self.created),
            "$updatedAt" => Attribute::Time(self.updated),
            "name" => text(&self.name),
            "signature" => text(&self.md5),
            "mimeType" => text(&self.mime),
            "sizeOriginal" => Attribute::Number(self.size as i64),
            "chunksTotal" => Attribute::Number(self.chunks_total() as i64),
            "chunksUploaded" => Attribute::Number(self.chunks_uploaded() as i64),
            _ => Attribute::Null,
        }
    }

    fn passes(&self, filter: &CheckedFilter, now: Timestamp) -> bool {
        filter.passes(self, now)
    }

    fn words(&self) -> String {
        format!("{} {}", self.name, self.id)
    }
}

impl Row for Target {
    fn value(&self, field: &str) -> FieldValue<'_> {
        match field {
            "type" => FieldValue::Text(self.channel.as_str()),
            "id" => FieldValue::Text(self.id.as_str()),
            "user" => FieldValue::Text(self.user_id.as_str()),
            "address" => FieldValue::Text(&self.identifier),
            "name" => FieldValue::Text(&self.name),
            "provider" => {
                self.provider.as_ref().map_or(FieldValue::Missing, |id| FieldValue::Text(id.as_str()))
            }
            "expired" => FieldValue::Bool(self.expired),
            "created" => FieldValue::Time(self.created),
            _ => FieldValue::Missing,
        }
    }

    fn search(&self, found: &mut dyn FnMut(&str) -> bool) -> bool {
        found(&self.identifier)
            || found(&self.name)
            || found(self.id.as_str())
            || found(self.user_id.as_str())
    }
}

impl Listed for Target {
    const ATTRIBUTES: &'static [(&'static str, AttributeKind)] =
        &[("userId", TEXT), ("providerId", TEXT), ("identifier", TEXT), ("providerType", TEXT)];
    const INDEXED: &'static [&'static str] = &["identifier", "userId"];
    const FIELDS: &'static FieldTable = &fields::TARGETS;

    fn no(&self) -> u64 {
        self.no.0
    }

    fn id(&self) -> &str {
        self.id.as_str()
    }

    fn attribute(&self, name: &str, _: Timestamp) -> Attribute {
        match name {
            "$createdAt" => Attribute::Time(self.created),
            "$updatedAt" => Attribute::Time(self.updated),
            "userId" => text(self.user_id.as_str()),
            "providerId" => optional(self.provider.as_ref().map(AsRef::as_ref)),
            "identifier" => text(&self.identifier),
            "providerType" => channel(self.channel),
            _ => Attribute::Null,
        }
    }

    fn passes(&self, filter: &CheckedFilter, now: Timestamp) -> bool {
        filter.passes(self, now)
    }

    fn words(&self) -> String {
        format!("{} {} {} {}", self.identifier, self.name, self.id, self.user_id)
    }
}

struct UserRow<'a> {
    user: &'a User,
    labels: Vec<&'a str>,
}

impl Row for UserRow<'_> {
    fn value(&self, field: &str) -> FieldValue<'_> {
        let given = |value: &'_ Option<String>| value.is_some();
        match field {
            "id" => FieldValue::Text(self.user.id.as_str()),
            "name" => FieldValue::Text(&self.user.name),
            "email" if given(&self.user.email) => FieldValue::Text(self.user.email.as_deref().unwrap_or("")),
            "phone" if given(&self.user.phone) => FieldValue::Text(self.user.phone.as_deref().unwrap_or("")),
            "label" => FieldValue::Texts(&self.labels),
            "blocked" => FieldValue::Bool(!self.user.enabled),
            "created" => FieldValue::Time(self.user.created),
            _ => FieldValue::Missing,
        }
    }

    fn search(&self, found: &mut dyn FnMut(&str) -> bool) -> bool {
        found(&self.user.name)
            || self.user.email.as_deref().is_some_and(&mut *found)
            || self.user.phone.as_deref().is_some_and(&mut *found)
            || found(self.user.id.as_str())
    }
}

impl Listed for User {
    const ATTRIBUTES: &'static [(&'static str, AttributeKind)] = &[
        ("name", TEXT),
        ("email", TEXT),
        ("phone", TEXT),
        ("status", FLAG),
        ("passwordUpdate", TIME),
        ("registration", TIME),
        ("emailVerification", FLAG),
        ("phoneVerification", FLAG),
        ("labels", AttributeKind::List),
        ("impersonator", FLAG),
        ("accessedAt", TIME),
    ];
    const INDEXED: &'static [&'static str] = &["email", "phone"];
    const SELECT: bool = true;
    const FIELDS: &'static FieldTable = &fields::USERS;

    fn no(&self) -> u64 {
        self.no.0
    }

    fn id(&self) -> &str {
        self.id.as_str()
    }

    fn attribute(&self, name: &str, _: Timestamp) -> Attribute {
        match name {
            "$createdAt" | "registration" => Attribute::Time(self.created),
            "$updatedAt" => Attribute::Time(self.updated),
            "name" => text(&self.name),
            "email" => optional(self.email.as_deref()),
            "phone" => optional(self.phone.as_deref()),
            "status" => Attribute::Flag(self.enabled),
            "emailVerification" | "phoneVerification" | "impersonator" => Attribute::Flag(false),
            "labels" => Attribute::List(self.labels.clone()),
            _ => Attribute::Null,
        }
    }

    fn passes(&self, filter: &CheckedFilter, now: Timestamp) -> bool {
        if filter.is_everything() {
            return true;
        }
        let row = UserRow { user: self, labels: self.labels.iter().map(String::as_str).collect() };
        filter.passes(&row, now)
    }

    fn words(&self) -> String {
        let address = |value: &Option<String>| value.clone().unwrap_or_default();
        format!("{} {} {} {}", self.name, address(&self.email), address(&self.phone), self.id)
    }
}

impl Row for SubscriberView {
    fn value(&self, field: &str) -> FieldValue<'_> {
        match field {
            "type" => FieldValue::Text(self.subscriber.channel.as_str()),
            "id" => FieldValue::Text(self.subscriber.id.as_str()),
            "target" => FieldValue::Text(self.target.id.as_str()),
            "user" => FieldValue::Text(self.target.user_id.as_str()),
            "address" => FieldValue::Text(&self.target.identifier),
            "name" => FieldValue::Text(&self.user_name),
            "expired" => FieldValue::Bool(self.target.expired),
            _ => FieldValue::Missing,
        }
    }

    fn search(&self, found: &mut dyn FnMut(&str) -> bool) -> bool {
        found(&self.target.identifier)
            || found(&self.user_name)
            || found(self.target.id.as_str())
            || found(self.target.user_id.as_str())
    }
}

impl Listed for SubscriberView {
    const ATTRIBUTES: &'static [(&'static str, AttributeKind)] =
        &[("targetId", TEXT), ("topicId", TEXT), ("userId", TEXT), ("providerType", TEXT)];
    const INDEXED: &'static [&'static str] = &["targetId", "userId"];
    const FIELDS: &'static FieldTable = &fields::SUBSCRIBERS;

    fn no(&self) -> u64 {
        self.subscriber.target_no.0
    }

    fn id(&self) -> &str {
        self.subscriber.id.as_str()
    }

    fn attribute(&self, name: &str, _: Timestamp) -> Attribute {
        match name {
            "$createdAt" | "$updatedAt" => Attribute::Time(self.subscriber.created),
            "targetId" => text(self.target.id.as_str()),
            "topicId" => text(self.topic.as_str()),
            "userId" => text(self.target.user_id.as_str()),
            "providerType" => channel(self.subscriber.channel),
            _ => Attribute::Null,
        }
    }

    fn passes(&self, filter: &CheckedFilter, now: Timestamp) -> bool {
        filter.passes(self, now)
    }

    fn words(&self) -> String {
        format!("{} {} {}", self.user_name, self.target.identifier, self.subscriber.id)
    }
}

impl Row for Provider {
    fn value(&self, field: &str) -> FieldValue<'_> {
        match field {
            "id" => FieldValue::Text(self.id.as_str()),
            "name" => FieldValue::Text(&self.name),
            "kind" => FieldValue::Text(&self.kind),
            "type" => FieldValue::Text(self.channel.as_str()),
            "enabled" => FieldValue::Bool(self.enabled),
            _ => FieldValue::Missing,
        }
    }

    fn search(&self, found: &mut dyn FnMut(&str) -> bool) -> bool {
        found(&self.name) || found(self.id.as_str()) || found(&self.kind)
    }
}

impl Listed for Provider {
    const ATTRIBUTES: &'static [(&'static str, AttributeKind)] =
        &[("name", TEXT), ("provider", TEXT), ("type", TEXT), ("enabled", FLAG)];
    const FIELDS: &'static FieldTable = &fields::PROVIDERS;

    fn no(&self) -> u64 {
        u64::from(self.no.0)
    }

    fn id(&self) -> &str {
        self.id.as_str()
    }

    fn attribute(&self, name: &str, _: Timestamp) -> Attribute {
        match name {
            "$createdAt" => Attribute::Time(self.created),
            "$updatedAt" => Attribute::Time(self.updated),
            "name" => text(&self.name),
            "provider" => text(&self.kind),
            "type" => channel(self.channel),
            "enabled" => Attribute::Flag(self.enabled),
            _ => Attribute::Null,
        }
    }

    fn passes(&self, filter: &CheckedFilter, now: Timestamp) -> bool {
        filter.passes(self, now)
    }

    fn words(&self) -> String {
        format!("{} {} {} {}", self.id, self.name, self.kind, self.channel)
    }
}
