//! From a provider's answer to what becomes of the recipient: the one rule for retries.

use super::chance::Chance;
use super::config::EngineConfig;
use crate::domain::channel::{Channel, InDoubt};
use crate::domain::delivery::{Outcome, Stage};
use crate::domain::plan::WaitReason;
use crate::domain::time::Timestamp;
use crate::providers::adapter::{Answer, Verdict};
use std::time::Duration;

/// What the rule looks at beside the answer.
#[derive(Debug, Clone, Copy)]
pub struct Attempted {
    /// What is sent.
    pub channel: Channel,
    /// Which attempt this was, from 1.
    pub attempt: u16,
    /// The message's deadline.
    pub expires: Option<Timestamp>,
    /// The message's policy for lost answers.
    pub in_doubt: InDoubt,
    /// Now.
    pub now: Timestamp,
}

/// What becomes of the recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is over.
    Over(Outcome),
    /// It waits.
    Wait {
        /// The outcome of this attempt.
        outcome: Outcome,
        /// Until when; [`Timestamp::NEVER`]: until somebody releases it.
        due: Timestamp,
        /// What for.
        why: WaitReason,
        /// It may have had a copy.
        possibly_twice: bool,
    },
}

/// Whether an answer speaks of the way to the service, not of the recipient or the content.
pub fn speaks_of_the_way(answer: &Answer) -> bool {
    match answer.stage {
        Stage::Connect | Stage::Greeting | Stage::Authentication | Stage::Sender => true,
        // 429 and 5xx of an HTTP service; a lost answer has no code.
        Stage::Response => answer.code == 0 || answer.code == 429 || answer.code >= 500,
        Stage::Local | Stage::Recipient | Stage::Content | Stage::Receipt => false,
    }
}

/// Whether there was no answer at all, whatever the step: a session that broke off before anything was
/// accepted has said nothing of the recipient.
pub fn broke_off(answer: &Answer) -> bool {
    answer.code == 0 && answer.stage != Stage::Local
}

/// Whether an answer was given to one recipient's mail, however much its code speaks of us.
pub fn speaks_of_one(answer: &Answer) -> bool {
    matches!(answer.stage, Stage::Recipient | Stage::Content)
}

/// The first wait after an answer of this stage.
fn base(stage: Stage) -> Duration {
    match stage {
        Stage::Connect | Stage::Greeting | Stage::Authentication => Duration::from_secs(5),
        Stage::Local | Stage::Response | Stage::Receipt => Duration::from_secs(2),
        // Greylisting wants a minute at least.
        Stage::Recipient | Stage::Sender => Duration::from_mins(1),
        Stage::Content => Duration::from_secs(30),
    }
}

/// How long to wait after an attempt: anywhere up to a span that doubles from the stage's first wait
/// to the cap (full jitter: many do not come back at once), and half the first wait at least, because
/// greylisting counts. A wait that the service asks for is kept as it is.
pub fn backoff(
    stage: Stage,
    attempt: u16,
    asked: Option<Duration>,
    cap: Duration,
    chance: &Chance,
) -> Duration {
    if let Some(asked) = asked {
        return asked;
    }
    let most = base(stage).saturating_mul(1 << u32::from(attempt.saturating_sub(1)).min(16)).min(cap);
    let least = (base(stage) / 2).min(most);
    least + chance.up_to(most.saturating_sub(least))
}

/// The rule.
pub fn decide(answer: &Answer, on: &Attempted, config: &EngineConfig, chance: &Chance) -> Fate {
    let past = |due: Timestamp| on.expires.is_some_and(|expires| due >= expires);
    match answer.verdict {
        Verdict::Accepted => Fate::Over(Outcome::Accepted),
        Verdict::Permanent => Fate::Over(Outcome::Permanent),
        Verdict::TargetExpired => Fate::Over(Outcome::TargetExpired),
        // One mailing list that does not take our mail is not the whole service: it is that recipient's
        // end, unless there are many of them in a row (see `streak`).
        Verdict::Refused if speaks_of_one(answer) => Fate::Over(Outcome::Permanent),
        Verdict::Refused => Fate::Wait {
            outcome: Outcome::Transient,
            due: Timestamp::NEVER,
            why: WaitReason::ProviderRefuses,
            possibly_twice: false,
        },
        Verdict::Transient => {
            let limited = !speaks_of_the_way(answer) && !broke_off(answer);
            if limited && on.attempt >= config.attempts.of(on.channel) {
                return Fate::Over(Outcome::Permanent);
            }
            let wait = backoff(answer.stage, on.attempt, answer.retry_after, config.retry_cap, chance);
            let due = on.now.plus(wait);
            if past(due) {
                return Fate::Over(Outcome::Expired);
            }
            Fate::Wait { outcome: Outcome::Transient, due, why: WaitReason::Retry, possibly_twice: false }
        }
        Verdict::Uncertain => match on.in_doubt {
            InDoubt::Hold => Fate::Wait {
                outcome: Outcome::Uncertain,
                due: Timestamp::NEVER,
                why: WaitReason::Uncertain,
                possibly_twice: true,
            },
            InDoubt::Resend => {
                if on.attempt >= config.attempts.of(on.channel) {
                    return Fate::Over(Outcome::Uncertain);
                }
                let wait = backoff(Stage::Response, on.attempt, answer.retry_after, config.retry_cap, chance);
                let due = on.now.plus(wait);
                if past(due) {
                    return Fate::Over(Outcome::Uncertain);
                }
                Fate::Wait {
                    outcome: Outcome::Uncertain,
                    due,
                    why: WaitReason::InDoubt,
                    possibly_twice: true,
                }
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp(1_700_000_000_000);

    fn on(attempt: u16, lifetime: u64, in_doubt: InDoubt) -> Attempted {
        let expires = Some(NOW.plus(Duration::from_secs(lifetime)));
        Attempted { channel: Channel::Email, attempt, expires, in_doubt, now: NOW }
    }

    fn fate(answer: &Answer, on: &Attempted) -> Fate {
        decide(answer, on, &EngineConfig::default(), &Chance::new(1))
    }

    const STAGES: [Stage; 8] = [
        Stage::Local,
        Stage::Connect,
        Stage::Greeting,
        Stage::Authentication,
        Stage::Sender,
        Stage::Recipient,
        Stage::Content,
        Stage::Response,
    ];

    proptest! {
        #[test]
        fn nobody_waits_past_the_deadline(
            attempt in 1u16..60, lifetime in 0u64..200_000, stage in 0usize..8, code in 0u16..600,
            asked in proptest::option::of(0u64..1_000_000), lost: bool,
        ) {
            let verdict = if lost { Verdict::Uncertain } else { Verdict::Transient };
            let mut answer = Answer::new(verdict, STAGES[stage], code, "later");
            answer.retry_after = asked.map(Duration::from_secs);
            let on = on(attempt, lifetime, InDoubt::Resend);
            if let Fate::Wait { due, .. } = fate(&answer, &on) {
                prop_assert!(due >= NOW && due < on.expires.unwrap());
                if let Some(asked) = answer.retry_after {
                    prop_assert_eq!(due, NOW.plus(asked), "what the service asks for is kept");
                } else {
                    prop_assert!(due <= NOW.plus(Duration::from_hours(1)));
                }
            }
        }
    }

    #[test]
    fn waits_grow_and_differ() {
        let chance = Chance::new(3);
        let cap = Duration::from_hours(1);
        for attempt in 1..20 {
            let waits: Vec<_> =
                (0..50).map(|_| backoff(Stage::Recipient, attempt, None, cap, &chance)).collect();
            let full = Duration::from_mins(1).saturating_mul(1 << (attempt - 1).min(16)).min(cap);
            assert!(waits.iter().all(|wait| *wait >= Duration::from_secs(30) && *wait <= full));
            assert!(waits.iter().any(|wait| wait != &waits[0]));
        }
    }

    #[test]
    fn attempts_are_limited_where_they_speak_of_the_recipient() {
        let grey = Answer::new(Verdict::Transient, Stage::Recipient, 450, "greylisted");
        let on = on(12, 300_000, InDoubt::Resend);
        assert_eq!(fate(&grey, &on), Fate::Over(Outcome::Permanent));
        let away = Answer::new(Verdict::Transient, Stage::Connect, 0, "connection refused");
        assert!(matches!(fate(&away, &on), Fate::Wait { why: WaitReason::Retry, .. }));
        for stage in [Stage::Sender, Stage::Recipient, Stage::Content] {
            let lost = Answer::new(Verdict::Transient, stage, 0, "the server hung up");
            assert!(matches!(fate(&lost, &on), Fate::Wait { why: WaitReason::Retry, .. }), "{stage:?}");
        }
        let local = Answer::new(Verdict::Transient, Stage::Local, 0, "not now");
        assert_eq!(fate(&local, &on), Fate::Over(Outcome::Permanent));
    }

    #[test]
    fn lost_answers_go_by_the_policy() {
        let lost = Answer::new(Verdict::Uncertain, Stage::Content, 0, "connection lost");
        assert!(matches!(
            fate(&lost, &on(1, 9_000, InDoubt::Resend)),
            Fate::Wait { why: WaitReason::InDoubt, possibly_twice: true, outcome: Outcome::Uncertain, due } if due < Timestamp::NEVER
        ));
        assert!(matches!(
            fate(&lost, &on(1, 9_000, InDoubt::Hold)),
            Fate::Wait { why: WaitReason::Uncertain, due: Timestamp::NEVER, outcome: Outcome::Uncertain, .. }
        ));
    }

    #[test]
    fn the_final_ones_are_final() {
        for (verdict, outcome) in [
            (Verdict::Accepted, Outcome::Accepted),
            (Verdict::Permanent, Outcome::Permanent),
            (Verdict::TargetExpired, Outcome::TargetExpired),
        ] {
            let answer = Answer::new(verdict, Stage::Recipient, 0, "");
            assert_eq!(fate(&answer, &on(1, 9_000, InDoubt::Hold)), Fate::Over(outcome));
        }
        let list = Answer::new(Verdict::Refused, Stage::Recipient, 550, "5.7.1 members only");
        assert_eq!(fate(&list, &on(1, 9_000, InDoubt::Hold)), Fate::Over(Outcome::Permanent));
        let refused = Answer::new(Verdict::Refused, Stage::Authentication, 535, "no");
        assert!(matches!(
            fate(&refused, &on(1, 9_000, InDoubt::Hold)),
            Fate::Wait { why: WaitReason::ProviderRefuses, due: Timestamp::NEVER, .. }
        ));
    }
}
