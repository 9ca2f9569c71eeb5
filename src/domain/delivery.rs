//! Deliveries: one message to one target, its attempts and their outcomes.

use super::ids::{IdentifierNo, LogSeq, MessageNo, ProviderNo, TargetNo};
use super::routing::Moved;
use super::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What became of an attempt, or of a delivery that was not attempted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Outcome {
    /// The provider took it.
    Accepted = 1,
    /// A receipt says that it arrived.
    Delivered = 2,
    /// A receipt says that it came back for good.
    Bounced = 3,
    /// Refused for now; tried again.
    Transient = 4,
    /// Refused for good.
    Permanent = 5,
    /// The address no longer exists.
    TargetExpired = 6,
    /// Handed over, and the answer was lost.
    Uncertain = 7,
    /// Left out, with a reason.
    Skipped = 8,
    /// Its deadline passed.
    Expired = 9,
    /// A receipt says that it did not arrive this time; another may.
    SoftBounced = 10,
    /// A receipt says that the recipient called it unwanted.
    Complained = 11,
    /// A receipt says that the recipient wants no more of them.
    Unsubscribed = 12,
}

impl Outcome {
    /// All of them, by code.
    pub const ALL: [Self; 12] = [
        Self::Accepted,
        Self::Delivered,
        Self::Bounced,
        Self::Transient,
        Self::Permanent,
        Self::TargetExpired,
        Self::Uncertain,
        Self::Skipped,
        Self::Expired,
        Self::SoftBounced,
        Self::Complained,
        Self::Unsubscribed,
    ];

    /// The number in a log row; stable across versions.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// Whether somebody did not get it because of an answer: refused for now or
    /// for good, come back, or gone.
    pub const fn is_failure(self) -> bool {
        matches!(
            self,
            Self::Bounced | Self::SoftBounced | Self::Transient | Self::Permanent | Self::TargetExpired
        )
    }

    /// Whether a receipt said it, after the service had taken the message.
    pub const fn is_receipt(self) -> bool {
        matches!(
            self,
            Self::Delivered | Self::Bounced | Self::SoftBounced | Self::Complained | Self::Unsubscribed
        )
    }

    /// The outcome of a code.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.code() == code)
    }

    /// The word in filters, on the screen and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Delivered => "delivered",
            Self::Bounced => "bounced",
            Self::Transient => "transient",
            Self::Permanent => "permanent",
            Self::TargetExpired => "target_expired",
            Self::Uncertain => "uncertain",
            Self::Skipped => "skipped",
            Self::Expired => "expired",
            Self::SoftBounced => "soft_bounced",
            Self::Complained => "complained",
            Self::Unsubscribed => "unsubscribed",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why somebody of the audience is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// The target was deleted since the plan was written.
    TargetDeleted,
    /// The target left the topics since.
    Unsubscribed,
    /// A provider has said that the address no longer exists.
    TargetExpired,
    /// The user is blocked.
    UserBlocked,
    /// An operator has put the address on the suppression list.
    Suppressed,
    /// The target cannot receive this type.
    WrongType,
    /// A variable without a value and without a default.
    MissingVariable,
    /// The person's record was erased.
    Erased,
    /// On the suppression list: the mailbox is not there.
    HardBounce,
    /// On the suppression list: the recipient called a message unwanted.
    Complaint,
    /// On the suppression list: the recipient wants no more of the message's topics.
    OptedOut,
}

impl SkipReason {
    /// For people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TargetDeleted => "target deleted",
            Self::Unsubscribed => "unsubscribed",
            Self::TargetExpired => "target expired",
            Self::UserBlocked => "user blocked",
            Self::Suppressed => "suppressed: added by an operator",
            Self::HardBounce => "suppressed: hard bounce",
            Self::Complaint => "suppressed: complaint",
            Self::OptedOut => "suppressed: unsubscribed",
            Self::WrongType => "wrong type",
            Self::MissingVariable => "missing variable",
            Self::Erased => "erased",
        }
    }
}

/// At which point of the conversation an answer was given: it says of whom it speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Herald decided, without the provider.
    #[default]
    Local,
    /// Name look-up, connecting, TLS.
    Connect,
    /// Banner, EHLO.
    Greeting,
    /// AUTH; an HTTP 401 or 403.
    Authentication,
    /// MAIL FROM: speaks of us as a sender.
    Sender,
    /// RCPT TO: speaks of the recipient.
    Recipient,
    /// DATA and the final reply: speaks of the content.
    Content,
    /// An HTTP answer.
    Response,
    /// A receipt that came afterwards.
    Receipt,
}

/// A row of the delivery log: one per recipient and attempt, also for who was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRow {
    /// The place in the global sequence. Given by the store on append.
    pub seq: LogSeq,
    /// When the outcome was known.
    pub at: Timestamp,
    /// Which message.
    pub message: MessageNo,
    /// Which target.
    pub target: TargetNo,
    /// The identifier record as it was then.
    pub identifier: IdentifierNo,
    /// Through which provider; 0 when none was reached.
    pub provider: ProviderNo,
    /// What became of it.
    pub outcome: Outcome,
    /// Which attempt, from 1; 0 when there was none.
    pub attempt: u16,
    /// The message's run.
    pub run: u16,
    /// The rest.
    pub detail: LogDetail,
}

/// What a log row keeps beside its columns.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LogDetail {
    /// The provider's whole answer, with the address replaced (see [`hide_address`]).
    pub answer: String,
    /// Status code: SMTP reply or HTTP status. 0 when there was none.
    pub code: u16,
    /// The provider's id of the message.
    pub provider_id: String,
    /// Of whom the answer speaks.
    pub stage: Stage,
    /// Why the recipient was left out.
    pub skip: Option<SkipReason>,
    /// From the first byte to the answer, in microseconds.
    pub latency_us: u32,
    /// The recipient may have had a copy before: an earlier attempt was in doubt.
    pub possibly_twice: bool,
    /// When the next attempt is due, if there is one.
    pub retry_at: Option<Timestamp>,
    /// Another provider was planned. The store keeps it behind the rest.
    #[serde(skip)]
    pub moved: Option<Moved>,
}

/// Stands in a stored answer where the recipient's address stood.
pub const ADDRESS_MARK: char = '\u{fffc}';

/// Takes the address out of a provider's answer, so that a log row identifies nobody.
pub fn hide_address(answer: String, address: &str) -> String {
    // Nearly every answer is ASCII and names nobody: then it is kept as it is.
    let absent = answer.is_ascii()
        && !answer
            .as_bytes()
            .windows(address.len().max(1))
            .any(|part| part.eq_ignore_ascii_case(address.as_bytes()));
    if address.is_empty() || absent {
        return answer;
    }
    let (lower, needle) = (answer.to_lowercase(), address.to_lowercase());
    if !lower.contains(&needle) {
        return answer;
    }
    if lower.len() != answer.len() {
        return answer.replace(address, ADDRESS_MARK.to_string().as_str());
    }
    let mut out = String::with_capacity(answer.len());
    let mut from = 0;
    while let Some(found) = lower[from..].find(&needle) {
        let (start, end) = (from + found, from + found + needle.len());
        if !answer.is_char_boundary(start) || !answer.is_char_boundary(end) {
            break;
        }
        out.push_str(&answer[from..start]);
        out.push(ADDRESS_MARK);
        from = end;
    }
    out.push_str(&answer[from..]);
    out
}

/// Puts the address back into a stored answer.
pub fn show_address(answer: &str, address: &str) -> String {
    if answer.contains(ADDRESS_MARK) {
        answer.replace(ADDRESS_MARK, if address.is_empty() { "(erased)" } else { address })
    } else {
        answer.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_answer_identifies_nobody() {
        let hidden = hide_address("550 5.1.1 <Ana@Example.com>: unknown".into(), "ana@example.com");
        assert_eq!(hidden, "550 5.1.1 <\u{fffc}>: unknown");
        assert_eq!(show_address(&hidden, "ana@example.com"), "550 5.1.1 <ana@example.com>: unknown");
        assert_eq!(show_address(&hidden, ""), "550 5.1.1 <(erased)>: unknown");
    }

    #[test]
    fn codes_are_stable() {
        for (n, outcome) in Outcome::ALL.into_iter().enumerate() {
            assert_eq!(usize::from(outcome.code()), n + 1);
            assert_eq!(Outcome::from_code(outcome.code()), Some(outcome));
        }
        assert_eq!(Outcome::from_code(0), None);
    }

    proptest! {
        #[test]
        fn hiding_leaves_no_address(before in "\\PC{0,20}", after in "\\PC{0,20}", local in "[a-z]{1,8}") {
            let address = format!("{local}@example.org");
            let hidden = hide_address(format!("{before}{address}{after}"), &address);
            prop_assert!(!hidden.contains(&address));
        }
    }
}
