//! The suppression list: addresses that are not written to, and why.
//!
//! A hard bounce, a complaint and an operator's word stop an address for its
//! type. An unsubscribe stops the topics of the message that it answers, never
//! another type, and never a message straight to a target or a user.

use super::channel::Channel;
use super::delivery::SkipReason;
use super::ids::{MessageId, ProviderId, SuppressionId, SuppressionNo, TopicId};
use super::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Why an address is not written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SuppressionCause {
    /// The mailbox is not there.
    HardBounce,
    /// The recipient called a message unwanted.
    Complaint,
    /// The recipient wants no more of a topic.
    Unsubscribe,
    /// An operator added it.
    Manual,
}

impl SuppressionCause {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::HardBounce, Self::Complaint, Self::Unsubscribe, Self::Manual];

    /// The word in the API and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HardBounce => "hard_bounce",
            Self::Complaint => "complaint",
            Self::Unsubscribe => "unsubscribe",
            Self::Manual => "manual",
        }
    }

    /// For people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::HardBounce => "hard bounce",
            Self::Complaint => "complaint",
            Self::Unsubscribe => "unsubscribed",
            Self::Manual => "added by an operator",
        }
    }

    /// The cause of a word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.as_str() == text)
    }

    /// Why somebody is left out of a message because of it.
    pub const fn skip(self) -> SkipReason {
        match self {
            Self::HardBounce => SkipReason::HardBounce,
            Self::Complaint => SkipReason::Complaint,
            Self::Unsubscribe => SkipReason::OptedOut,
            Self::Manual => SkipReason::Suppressed,
        }
    }
}

impl fmt::Display for SuppressionCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.title())
    }
}

/// Where a suppression comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuppressionSource {
    /// The provider that said so.
    pub provider: Option<ProviderId>,
    /// The message that it was said of.
    pub message: Option<MessageId>,
    /// What was said: the answer, or the receipt's words, without the address
    /// (see [`hide_address`](super::delivery::hide_address)).
    pub said: String,
    /// Who did it: an operator, a key, the recipient, or the engine.
    pub by: String,
}

/// An address that is not written to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suppression {
    /// The store's number; the list is in this order.
    pub no: SuppressionNo,
    /// The id at the door.
    pub id: SuppressionId,
    /// The type for which it holds.
    pub channel: Channel,
    /// The address in canonical form; empty once the person was erased. It holds
    /// all the same: the store knows the address by its digest.
    pub address: String,
    /// Why.
    pub cause: SuppressionCause,
    /// Of an unsubscribe: the topic; `None`: every topic.
    pub topic: Option<TopicId>,
    /// Since when.
    pub since: Timestamp,
    /// Where it comes from.
    pub source: SuppressionSource,
    /// An operator's note; may be empty.
    pub note: String,
}

/// An address to be suppressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppress {
    /// The type.
    pub channel: Channel,
    /// The address.
    pub address: String,
    /// Why.
    pub cause: SuppressionCause,
    /// Of an unsubscribe: the topics of the message; none: every topic. Of other
    /// causes it is not looked at.
    pub topics: Vec<TopicId>,
    /// Where it comes from.
    pub source: SuppressionSource,
    /// A note; may be empty.
    pub note: String,
}

/// What of a suppression decides whether a message goes to an address.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Mark {
    /// Why.
    pub cause: SuppressionCause,
    /// Of an unsubscribe: the topic; `None`: every topic.
    pub topic: Option<TopicId>,
}

impl Mark {
    /// The marks that a request makes: one, or one for each topic.
    pub fn of(request: &Suppress) -> Vec<Self> {
        let cause = request.cause;
        if cause != SuppressionCause::Unsubscribe || request.topics.is_empty() {
            return vec![Self { cause, topic: None }];
        }
        let mut marks: Vec<_> =
            request.topics.iter().map(|topic| Self { cause, topic: Some(topic.clone()) }).collect();
        marks.sort_unstable();
        marks.dedup();
        marks
    }
}

/// Why a message of the marks' type does not go to an address. `direct`: the
/// message names the target or its user. `through`: the message's topics that the
/// target is subscribed to.
pub fn forbids(marks: &[Mark], direct: bool, through: &[TopicId]) -> Option<SuppressionCause> {
    let of = |cause| marks.iter().find(|mark| mark.cause == cause).map(|mark| mark.cause);
    let always = of(SuppressionCause::Complaint)
        .or_else(|| of(SuppressionCause::HardBounce))
        .or_else(|| of(SuppressionCause::Manual));
    if always.is_some() || direct {
        return always;
    }
    let left = |topic: &TopicId| {
        marks.iter().any(|mark| {
            mark.cause == SuppressionCause::Unsubscribe && mark.topic.as_ref().is_none_or(|of| of == topic)
        })
    };
    (!through.is_empty() && through.iter().all(left)).then_some(SuppressionCause::Unsubscribe)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn topic(n: u8) -> TopicId {
        TopicId::new(format!("t{n}")).unwrap()
    }

    fn mark() -> impl Strategy<Value = Mark> {
        let cause = prop::sample::select(SuppressionCause::ALL.to_vec());
        (cause, prop::option::of(0u8..4)).prop_map(|(cause, of)| Mark {
            cause,
            topic: of.filter(|_| cause == SuppressionCause::Unsubscribe).map(topic),
        })
    }

    #[test]
    fn an_unsubscribe_stops_its_topics_alone() {
        let left = [Mark { cause: SuppressionCause::Unsubscribe, topic: Some(topic(1)) }];
        assert_eq!(forbids(&left, false, &[topic(1)]), Some(SuppressionCause::Unsubscribe));
        assert_eq!(forbids(&left, false, &[topic(2)]), None);
        assert_eq!(forbids(&left, false, &[topic(1), topic(2)]), None, "it comes through the other topic");
        assert_eq!(forbids(&left, true, &[topic(1)]), None, "straight to her");
        let all = [Mark { cause: SuppressionCause::Unsubscribe, topic: None }];
        assert_eq!(forbids(&all, false, &[topic(1), topic(2)]), Some(SuppressionCause::Unsubscribe));
        assert_eq!(forbids(&all, true, &[]), None);
        for word in SuppressionCause::ALL {
            assert_eq!(SuppressionCause::parse(word.as_str()), Some(word));
        }
    }

    proptest! {
        #[test]
        fn what_is_no_unsubscribe_stops_everything(
            marks in prop::collection::vec(mark(), 0..6),
            through in prop::collection::vec((0u8..4).prop_map(topic), 0..4),
            direct: bool,
        ) {
            let hard = marks.iter().any(|mark| mark.cause != SuppressionCause::Unsubscribe);
            let found = forbids(&marks, direct, &through);
            prop_assert_eq!(found.is_some_and(|cause| cause != SuppressionCause::Unsubscribe), hard);
            if direct {
                prop_assert!(found != Some(SuppressionCause::Unsubscribe));
            }
            // One suppression more never lets a message through.
            for extra in 0..marks.len() {
                let fewer: Vec<_> =
                    marks.iter().enumerate().filter(|(at, _)| *at != extra).map(|(_, m)| m.clone()).collect();
                prop_assert!(forbids(&fewer, direct, &through).is_none() || found.is_some());
            }
            // One topic more never takes it away, unless there is no other.
            if found.is_none() && !through.is_empty() {
                let mut wider = through.clone();
                wider.push(topic(9));
                prop_assert_eq!(forbids(&marks, direct, &wider), None);
            }
        }

        #[test]
        fn marks_are_one_for_each_topic(topics in prop::collection::vec((0u8..4).prop_map(topic), 0..6)) {
            for cause in SuppressionCause::ALL {
                let request = Suppress {
                    channel: Channel::Email,
                    address: "a@b.example".into(),
                    cause,
                    topics: topics.clone(),
                    source: SuppressionSource::default(),
                    note: String::new(),
                };
                let marks = Mark::of(&request);
                if cause == SuppressionCause::Unsubscribe {
                    prop_assert!(topics.iter().all(|t| marks.iter().any(|m| m.topic.as_ref() == Some(t))
                        ));
                    prop_assert_eq!(forbids(&marks, false, &topics).is_some(), !topics.is_empty());
                } else {
                    prop_assert_eq!(marks, vec![Mark { cause, topic: None }]);
                }
            }
        }
    }
}
