//! What lists can be filtered by, in Herald's filter language.

use crate::domain::filter::{Field, FieldKind, FieldTable};

const CHANNELS: &[&str] = &["email", "sms", "push"];
const OUTCOMES: &[&str] = &[
    "accepted",
    "delivered",
    "bounced",
    "transient",
    "permanent",
    "target_expired",
    "uncertain",
    "skipped",
    "expired",
    "soft_bounced",
    "complained",
    "unsubscribed",
    // Bounced, soft_bounced, transient, permanent and target_expired together.
    "failed",
];

const RECEIPTS: &[&str] = &["delivered", "bounced", "soft_bounced", "complained", "unsubscribed"];

/// Fields of messages.
pub const MESSAGES: FieldTable = FieldTable {
    rows: "messages",
    fields: &[
        Field::new("status", FieldKind::Keyword(&crate::domain::state::MessageState::WORDS), "its state")
            .or(&["state"]),
        Field::new("type", FieldKind::Keyword(CHANNELS), "email, sms or push").or(&["channel"]),
        Field::new("id", FieldKind::Id, "its id"),
        Field::new("subject", FieldKind::Text, "subject, title or first line").or(&["title", "headline"]),
        Field::new("topic", FieldKind::Id, "a topic of its audience").or(&["topics"]),
        Field::new("by", FieldKind::Text, "who created it"),
        Field::new("size", FieldKind::Number, "recipients in its plan").or(&["recipients"]),
        Field::new("failed", FieldKind::Number, "recipients that failed"),
        Field::new("uncertain", FieldKind::Number, "recipients nobody knows of"),
        Field::new("at", FieldKind::Time, "when it is or was due").or(&["scheduled"]),
        Field::new("created", FieldKind::Time, "when it was created"),
        Field::new("since", FieldKind::Since, "created at this time or later").reading("created"),
        Field::new("until", FieldKind::Until, "created before this time").reading("created"),
    ],
};

/// Fields of the delivery log.
pub const DELIVERIES: FieldTable = FieldTable {
    rows: "deliveries",
    fields: &[
        Field::new("outcome", FieldKind::Keyword(OUTCOMES), "what became of the attempt"),
        Field::new("receipt", FieldKind::Keyword(RECEIPTS), "what a receipt said afterwards"),
        Field::new("message", FieldKind::Id, "the message's id"),
        Field::new("provider", FieldKind::Id, "the provider's id"),
        Field::new("target", FieldKind::Id, "the target's id"),
        Field::new("to", FieldKind::Text, "the address").or(&["address"]),
        Field::new("code", FieldKind::Number, "SMTP reply or HTTP status"),
        Field::new("answer", FieldKind::Text, "what the service said"),
        Field::new("attempt", FieldKind::Number, "which attempt"),
        Field::new("run", FieldKind::Number, "which run of the message"),
        Field::new("latency", FieldKind::Duration, "from the first byte to the answer"),
        Field::new("at", FieldKind::Time, "when the outcome was known"),
        Field::new("since", FieldKind::Since, "at this time or later").reading("at"),
        Field::new("until", FieldKind::Until, "before this time").reading("at"),
        Field::new(
            "status",
            FieldKind::Keyword(&["waiting", "held", "planned"]),
            "in operations: how it waits now; planned: nobody has claimed it yet",
        ),
    ],
};

/// Fields of targets.
pub const TARGETS: FieldTable = FieldTable {
    rows: "targets",
    fields: &[
        Field::new("type", FieldKind::Keyword(CHANNELS), "email, sms or push").or(&["channel"]),
        Field::new("id", FieldKind::Id, "its id"),
        Field::new("user", FieldKind::Id, "its user's id"),
        Field::new("address", FieldKind::Text, "the address").or(&["to", "identifier"]),
        Field::new("name", FieldKind::Text, "its name"),
        Field::new("provider", FieldKind::Id, "the provider that it is pinned to"),
        Field::new("expired", FieldKind::Bool, "a service said that it no longer exists"),
        Field::new("created", FieldKind::Time, "when it was created"),
        Field::new("since", FieldKind::Since, "created at this time or later").reading("created"),
        Field::new("until", FieldKind::Until, "created before this time").reading("created"),
    ],
};

/// Fields of users.
pub const USERS: FieldTable = FieldTable {
    rows: "users",
    fields: &[
        Field::new("id", FieldKind::Id, "the id"),
        Field::new("name", FieldKind::Text, "the name"),
        Field::new("email", FieldKind::Text, "the mail address"),
        Field::new("phone", FieldKind::Text, "the phone number"),
        Field::new("label", FieldKind::Text, "a label").or(&["labels"]),
        Field::new("blocked", FieldKind::Bool, "whether nothing is sent"),
        Field::new("created", FieldKind::Time, "when the user was created"),
        Field::new("since", FieldKind::Since, "created at this time or later").reading("created"),
        Field::new("until", FieldKind::Until, "created before this time").reading("created"),
    ],
};

/// Fields of topics.
pub const TOPICS: FieldTable = FieldTable {
    rows: "topics",
    fields: &[
        Field::new("id", FieldKind::Id, "its id"),
        Field::new("name", FieldKind::Text, "its name"),
        Field::new("size", FieldKind::Number, "its subscribers").or(&["subscribers"]),
        Field::new("created", FieldKind::Time, "when it was created"),
    ],
};

/// Fields of buckets.
pub const BUCKETS: FieldTable = FieldTable {
    rows: "buckets",
    fields: &[
        Field::new("id", FieldKind::Id, "its id"),
        Field::new("name", FieldKind::Text, "its name"),
        Field::new("size", FieldKind::Number, "bytes of its files"),
        Field::new("created", FieldKind::Time, "when it was created"),
    ],
};

/// Fields of a bucket's files.
pub const FILES: FieldTable = FieldTable {
    rows: "files",
    fields: &[
        Field::new("id", FieldKind::Id, "its id"),
        Field::new("name", FieldKind::Text, "its name"),
        Field::new("type", FieldKind::Text, "its MIME type").or(&["mime"]),
        Field::new("size", FieldKind::Number, "its bytes"),
        Field::new("created", FieldKind::Time, "when it was created"),
    ],
};

/// Fields of a topic's subscribers.
pub const SUBSCRIBERS: FieldTable = FieldTable {
    rows: "subscribers",
    fields: &[
        Field::new("type", FieldKind::Keyword(CHANNELS), "email, sms or push").or(&["channel"]),
        Field::new("id", FieldKind::Id, "its id"),
        Field::new("target", FieldKind::Id, "the target's id"),
        Field::new("user", FieldKind::Id, "the user's id"),
        Field::new("address", FieldKind::Text, "the address").or(&["to"]),
        Field::new("name", FieldKind::Text, "the user's name"),
        Field::new("expired", FieldKind::Bool, "a service said that the target no longer exists"),
    ],
};

/// Fields of providers.
pub const PROVIDERS: FieldTable = FieldTable {
    rows: "providers",
    fields: &[
        Field::new("id", FieldKind::Id, "its id"),
        Field::new("name", FieldKind::Text, "its name"),
        Field::new("kind", FieldKind::Text, "the service, such as smtp"),
        Field::new("type", FieldKind::Keyword(CHANNELS), "email, sms or push").or(&["channel"]),
        Field::new("enabled", FieldKind::Bool, "whether it may be chosen"),
    ],
};
