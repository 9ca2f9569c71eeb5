//! A train: recipients of one message that a worker takes together, and what comes back.

use crate::domain::channel::InDoubt;
use crate::domain::delivery::{LogDetail, Outcome, Stage};
use crate::domain::ids::{WaitNo, WindowNo};
use crate::domain::message::Message;
use crate::domain::plan::{BatchKey, WaitReason, Waiting};
use crate::domain::provider::Kind;
use crate::domain::receipt::Traced;
use crate::domain::time::Timestamp;
use crate::engine::render::Templates;
use crate::engine::unsubscribe::Links;
use crate::providers::adapter::{Adapter, Compiled};
use crate::store::dispatch::{Candidate, ItemOutcome, Next};
use std::sync::Arc;

/// A connected provider.
pub(crate) struct Link {
    pub(crate) adapter: Arc<dyn Adapter>,
    pub(crate) kind: &'static Kind,
    /// What comes back counts for its guard.
    pub(crate) guarded: bool,
    /// Its service's receipts are taken.
    pub(crate) receipts: bool,
}

/// A message as one provider sends it: compiled once.
pub(crate) struct Sheet {
    pub(crate) message: Message,
    pub(crate) in_doubt: InDoubt,
    /// The provider that it was compiled for; `None`: nobody sends it here.
    pub(crate) link: Option<Arc<Link>>,
    /// The content, or why nobody can get it through this provider.
    pub(crate) compiled: Result<Compiled, String>,
    /// With variables: the texts.
    pub(crate) templates: Option<Arc<Templates>>,
    /// Mail to topics: makes each recipient's link to leave them.
    pub(crate) links: Option<Links>,
    /// `{install}.{message36}.`
    pub(crate) prefix: String,
}

impl Sheet {
    /// With which link a recipient leaves the message's topics. Who is named directly is not
    /// written to because of a topic.
    pub(crate) fn unsubscribe(&self, candidate: &Candidate) -> Option<String> {
        self.links.as_ref().filter(|_| !candidate.direct).map(|links| links.of(candidate.identifier))
    }

    /// Whether it is too late.
    pub(crate) fn expired(&self, now: Timestamp) -> bool {
        self.message.expires_at.is_some_and(|deadline| deadline <= now)
    }
}

/// A number in the digits 0 to 9 and a to z.
pub(crate) fn base36(mut number: u64, out: &mut String) {
    let mut digits = [0u8; 13];
    let mut from = digits.len();
    loop {
        from -= 1;
        digits[from] = b"0123456789abcdefghijklmnopqrstuvwxyz"[(number % 36) as usize];
        number /= 36;
        if number == 0 {
            break;
        }
    }
    out.extend(digits[from..].iter().map(|digit| char::from(*digit)));
}

/// One recipient of a window.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    /// Its place in the window.
    pub(crate) index: u32,
    pub(crate) candidate: Candidate,
}

/// Recipients that a worker takes together.
pub(crate) struct Train {
    pub(crate) sheet: Arc<Sheet>,
    pub(crate) window: WindowNo,
    pub(crate) items: Vec<Item>,
    pub(crate) key: Option<BatchKey>,
}

/// What an outcome says of the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    /// The service answered as a service does, and took it.
    Accepted,
    /// The service answered as a service does: no, of this recipient.
    Answered,
    /// A permanent refusal that might speak of us.
    Refusal,
    /// A refusal of one recipient whose code speaks of us: relaying denied, policy, reputation.
    Policy,
    /// The way to the service failed.
    Way,
    /// The service refuses us.
    RefusesUs,
    /// Nothing: it was left out, expired, or put back.
    None,
}

/// A recipient of a window, over or put off.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) window: WindowNo,
    pub(crate) outcome: ItemOutcome,
    pub(crate) sign: Sign,
    /// Of a refusal: where the recipient is.
    pub(crate) place: Box<str>,
    /// The service asks for a pause, of everybody.
    pub(crate) pause: Option<std::time::Duration>,
}

/// What was decided without asking the provider.
pub(crate) fn local(text: impl Into<String>) -> LogDetail {
    LogDetail { answer: text.into(), stage: Stage::Local, ..LogDetail::default() }
}

impl Item {
    /// The attempt that comes next, from 1.
    pub(crate) fn attempt(&self) -> u16 {
        self.candidate.attempts.saturating_add(1)
    }

    /// The record with which this recipient waits.
    pub(crate) fn waiting(&self, attempts: u16, why: WaitReason) -> Waiting {
        Waiting {
            no: WaitNo(0),
            target: self.candidate.target,
            identifier: self.candidate.identifier,
            direct: self.candidate.direct,
            attempts,
            possibly_twice: self.candidate.possibly_twice,
            why,
            batch: None,
        }
    }

    pub(crate) fn outcome(
        &self,
        attempt: u16,
        outcome: Outcome,
        mut detail: LogDetail,
        at: Timestamp,
        next: Next,
    ) -> ItemOutcome {
        detail.possibly_twice |= self.candidate.possibly_twice;
        detail.moved = self.candidate.moved;
        ItemOutcome {
            index: self.index,
            target: self.candidate.target,
            identifier: self.candidate.identifier,
            direct: self.candidate.direct,
            attempt,
            outcome,
            bounced: false,
            detail,
            at,
            next,
            traced: Traced::default(),
        }
    }

    /// It is over without an attempt.
    pub(crate) fn over(&self, window: WindowNo, outcome: Outcome, detail: LogDetail, at: Timestamp) -> Done {
        let outcome = self.outcome(self.candidate.attempts, outcome, detail, at, Next::Over);
        Done { window, outcome, sign: Sign::None, place: Box::default(), pause: None }
    }

    /// It is put back, untried.
    pub(crate) fn put_back(&self, window: WindowNo, due: Timestamp, why: WaitReason, at: Timestamp) -> Done {
        let attempts = self.candidate.attempts;
        let waiting = self.waiting(attempts, why);
        let next = Next::Wait { due, waiting, log: false };
        let outcome = self.outcome(attempts, Outcome::Transient, LogDetail::default(), at, next);
        Done { window, outcome, sign: Sign::None, place: Box::default(), pause: None }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::domain::content::{Content, SmsContent};
    use crate::domain::ids::{MessageId, MessageNo, Revision};
    use crate::domain::message::Progress;
    use crate::domain::state::MessageState;

    /// Some message.
    pub(crate) fn message(no: u64) -> Message {
        Message {
            no: MessageNo(no),
            id: MessageId::new(format!("m{no}")).unwrap(),
            content: Content::Sms(SmsContent { content: "x".into() }),
            topics: vec![],
            users: vec![],
            targets: vec![],
            state: MessageState::Processing,
            scheduled_at: None,
            schedule_words: None,
            expires_at: None,
            lifetime_s: None,
            variables: false,
            in_doubt: None,
            confirmed: None,
            progress: Progress::default(),
            run: 1,
            started_at: None,
            finished_at: None,
            errors: vec![],
            created_by: String::new(),
            created: Timestamp(0),
            updated: Timestamp(0),
            revision: Revision(1),
        }
    }

    #[test]
    fn numbers_in_36_digits() {
        for (number, text) in [(0, "0"), (35, "z"), (36, "10"), (u64::MAX, "3w5e11264sgsf")] {
            let mut out = String::new();
            base36(number, &mut out);
            assert_eq!(out, text);
        }
    }
}
