//! Facts as a person reads them: counts, times, ids and states.

use crate::domain::zone::Zone;
use chrono::{DateTime, Utc};

use super::names::Names;
use super::sanitize;
use super::theme::Role;
use crate::domain::delivery::Outcome;
use crate::domain::gist::gist;
use crate::domain::reason::Why;
use crate::domain::time::Timestamp;
use crate::domain::when::relative;
use crate::wire::delivery::Delivery;
use crate::wire::message::State;

/// A count with its thousands grouped: `49,788`.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 person`, `31,000 people`.
pub fn people(n: u64) -> String {
    format!("{} {}", count(n), if n == 1 { "person" } else { "people" })
}

/// `1 message`, `12 messages`.
pub fn messages(n: u64) -> String {
    format!("{} {}", count(n), if n == 1 { "message" } else { "messages" })
}

/// `1 topic`, `12 topics`: a plural that ends in s, and its number.
pub fn counted(n: u64, things: &str) -> String {
    let things = if n == 1 { things.strip_suffix('s').unwrap_or(things) } else { things };
    format!("{} {things}", count(n))
}

/// A text that begins with a capital.
pub fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// A text as a sentence: with a capital and a full stop.
pub fn as_sentence(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("{}.", capital(text)) }
}

/// A rate for each second, with a decimal only where it matters.
pub fn rate(per_second: f64) -> String {
    // -0 is 0.
    let per_second = per_second + 0.0;
    if per_second >= 10.0 { format!("{}/s", count(per_second as u64)) } else { format!("{per_second:.1}/s") }
}

/// Milliseconds: `11 ms`, `1.2 s`.
pub fn millis(ms: f64) -> String {
    if ms >= 1000.0 { format!("{:.1} s", ms / 1000.0) } else { format!("{ms:.0} ms") }
}

/// Milliseconds to an answer; a dash where nothing was answered.
pub fn latency(ms: f64) -> String {
    if ms > 0.0 { millis(ms) } else { "–".to_owned() }
}

/// A length in seconds, in one unit.
pub fn seconds(s: f64) -> String {
    relative(chrono::TimeDelta::milliseconds((s.max(1.0) * 1000.0) as i64))
}

/// Bytes in the unit that fits: `1.4 GiB`.
pub fn bytes(n: u64) -> String {
    let mut value = n as f64;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if value < 1024.0 {
            return if unit == "B" { format!("{n} B") } else { format!("{value:.1} {unit}") };
        }
        value /= 1024.0;
    }
    format!("{value:.1} TiB")
}

/// How far from now, both ways: `2 min ago`, `in 4 h`, `now`.
pub fn relative_to(at: Timestamp, now: DateTime<Utc>) -> String {
    let length = at.to_utc() - now;
    if length.num_seconds() == 0 {
        "now".to_owned()
    } else if length > chrono::TimeDelta::zero() {
        format!("in {}", relative(length))
    } else {
        format!("{} ago", relative(length))
    }
}

/// How long since: `41 min`.
pub fn age(since: Timestamp, now: DateTime<Utc>) -> String {
    relative(now - since.to_utc())
}

/// A time as exactly as a log says it: `Tue 17 Nov 10:02:11 CET`.
pub fn exact(at: Timestamp, zone: Zone) -> String {
    at.to_utc().with_timezone(&zone).format("%a %-d %b %H:%M:%S %Z").to_string()
}

/// The time of day alone: `10:02:11`.
pub fn clock(at: Timestamp, zone: Zone) -> String {
    at.to_utc().with_timezone(&zone).format("%H:%M:%S").to_string()
}

/// The time of day to the millisecond: `10:02:11.409`.
pub fn clock_millis(at: Timestamp, zone: Zone) -> String {
    at.to_utc().with_timezone(&zone).format("%H:%M:%S%.3f").to_string()
}

/// An id, shortened in the middle.
pub fn id(id: impl AsRef<str>) -> String {
    sanitize::fit_middle(id.as_ref(), 13).into_owned()
}

/// The role and word of a message's state.
pub fn state(state: State) -> (Role, &'static str) {
    match state {
        State::Draft => (Role::STATE_DRAFT, "draft"),
        State::Scheduled => (Role::STATE_SCHEDULED, "scheduled"),
        State::Held => (Role::STATE_HELD, "held"),
        State::Processing => (Role::STATE_SENDING, "sending"),
        State::Paused => (Role::STATE_PAUSED, "paused"),
        State::Cancelled => (Role::STATE_CANCELLED, "cancelled"),
        State::Sent => (Role::STATE_SENT, "sent"),
        State::Failed => (Role::STATE_FAILED, "failed"),
    }
}

/// How a message stands, as a sentence without its subject: `is a draft`.
pub fn stands(is: State) -> String {
    match is {
        State::Draft => "is a draft".to_owned(),
        State::Processing => "is being sent".to_owned(),
        other => format!("is {}", state(other).1),
    }
}

/// The role and word of a delivery's outcome; never *sent*.
pub fn outcome(outcome: Outcome) -> (Role, &'static str) {
    match outcome {
        Outcome::Accepted => (Role::STATE_SENT, "accepted"),
        Outcome::Delivered => (Role::STATE_OK, "delivered"),
        Outcome::Bounced => (Role::STATE_FAILED, "bounced"),
        Outcome::Transient => (Role::STATE_RETRY, "retry"),
        Outcome::Permanent => (Role::STATE_FAILED, "refused"),
        Outcome::TargetExpired => (Role::STATE_FAILED, "gone"),
        Outcome::Uncertain => (Role::STATE_UNCERTAIN, "uncertain"),
        Outcome::Skipped => (Role::STATE_SKIPPED, "left out"),
        Outcome::Expired => (Role::STATE_EXPIRED, "expired"),
        Outcome::SoftBounced => (Role::STATE_RETRY, "came back"),
        Outcome::Complained => (Role::STATE_FAILED, "complained"),
        Outcome::Unsubscribed => (Role::STATE_SKIPPED, "left"),
    }
}

/// One reason as a sentence without its subject, its times as people read them.
pub fn why(reason: &Why, now: DateTime<Utc>, zone: Zone, names: Names<'_>) -> String {
    let when = |at: &Timestamp| format!("{} ({})", relative_to(*at, now), exact(*at, zone));
    match reason {
        Why::UndoWindow { until } => format!("can be taken back until {}", clock(*until, zone)),
        Why::Scheduled { at } => format!("goes {}", when(at)),
        Why::HeldLate { due } => format!("is held: it was due {}, while nothing ran", when(due)),
        Why::HeldEditing { by, since } => {
            format!("is held: {by} has been editing it for {}", age(*since, now))
        }
        Why::HeldAudienceGrew { confirmed, found } => {
            format!("is held: {}, {} when it was approved", people(*found), count(*confirmed))
        }
        Why::HeldUncertain { count: n } => {
            format!("needs a decision: the answers for {} were lost", people(*n))
        }
        Why::Paused { by, since } => format!("was paused by {by} {}", when(since)),
        Why::ProviderPaused { provider, by, since } => {
            format!("waits: {} was paused by {by} {}", names.provider(provider), when(since))
        }
        Why::BulkPaused { provider, cause, since } => {
            let provider = names.provider(provider);
            format!("waits: {provider} sends no bulk for {}: {cause}; resume it to go on", age(*since, now))
        }
        Why::Quota { provider, until } => {
            format!("waits for the quota of {}, {}", names.provider(provider), when(until))
        }
        Why::RateLimit { provider, per_second } => {
            format!("waits for the rate limit of {}, {}/s", names.provider(provider), f64::from(*per_second))
        }
        Why::Breaker { provider, until, cause } => {
            let provider = names.provider(provider);
            format!("waits: {provider} fails ({cause}), next try {}", relative_to(*until, now))
        }
        Why::ProviderRefuses { provider, answer, since } => {
            let provider = names.provider(provider);
            format!("waits: {provider} has refused us for {}: {answer}", age(*since, now))
        }
        Why::Retry { attempt, at, cause } => {
            format!("waits for attempt {attempt}, {}: {cause}", relative_to(*at, now))
        }
        Why::Stopped { by, since } => format!("waits: all sending was stopped by {by} {}", when(since)),
        Why::Draft
        | Why::HeldRestored
        | Why::NoProvider
        | Why::Disk { .. }
        | Why::NotRunning
        | Why::Sending => reason.to_string(),
    }
}

/// Whether an outcome means that the recipient was reached, as far as is known.
pub fn is_good(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Accepted | Outcome::Delivered | Outcome::Unsubscribed)
}

/// What a delivery's row says beside its outcome.
pub fn answer(delivery: &Delivery, now: DateTime<Utc>) -> String {
    let mut out = match delivery.skip {
        Some(reason) => reason.as_str().to_owned(),
        None => gist(&delivery.answer).into_owned(),
    };
    if delivery.possibly_twice {
        out.push_str(" · possibly twice");
    }
    if let Some(instead) = delivery.instead() {
        out.push_str(" · ");
        out.push_str(&instead);
    }
    // A row of the log stays as it was: what was to come then is news no longer.
    if let Some(at) = delivery.retry_at.filter(|at| at.0 > now.timestamp_millis()) {
        out.push_str(" · again ");
        out.push_str(&relative_to(at, now));
    }
    out
}

/// The answer to support in one sentence, to be copied.
pub fn sentence(delivery: &Delivery, zone: Zone, names: Names<'_>) -> String {
    let at = exact(delivery.at, zone);
    let what = sanitize::line(&delivery.headline).into_owned();
    let through = delivery.provider_id.as_ref();
    let through = through.map(|id| format!(" by {}", names.provider(id))).unwrap_or_default();
    let reply = sanitize::line(&gist(&delivery.answer)).into_owned();
    let said = if reply.is_empty() { String::new() } else { format!(": {reply}") };
    let id = if delivery.service_id.is_empty() {
        String::new()
    } else {
        format!(", id {}", sanitize::line(&delivery.service_id))
    };
    match delivery.outcome {
        Outcome::Accepted => format!("“{what}” was accepted{through} on {at}{id}{said}"),
        Outcome::Delivered => format!("“{what}” was delivered{through} on {at}{id}{said}"),
        Outcome::Bounced | Outcome::SoftBounced => {
            format!("“{what}” came back{through} on {at}{id}{said}")
        }
        Outcome::Complained => {
            format!("“{what}” was called unwanted by its recipient, said{through} on {at}{id}{said}")
        }
        Outcome::Unsubscribed => {
            format!("The recipient of “{what}” wants no more of them, said{through} on {at}{id}{said}")
        }
        Outcome::Transient => format!("“{what}” was put off{through} on {at}{said}"),
        Outcome::Permanent | Outcome::TargetExpired => {
            format!("“{what}” was refused{through} on {at}{said}")
        }
        Outcome::Uncertain => {
            format!("“{what}” was handed over{through} on {at}, and the answer was lost{said}")
        }
        Outcome::Skipped => format!(
            "“{what}” was not sent on {at}: {}",
            delivery.skip.map_or("left out", crate::domain::delivery::SkipReason::as_str)
        ),
        Outcome::Expired => format!("“{what}” was not sent: its deadline passed on {at}"),
    }
}

/// Did it arrive: the answer to support in one sentence, about the newest message
/// among rows that stand newest first; where there is none, what was searched.
pub fn whereabouts(
    address: &str,
    rows: &[Delivery],
    since: Option<Timestamp>,
    now: DateTime<Utc>,
    zone: Zone,
    names: Names<'_>,
) -> String {
    let Some(newest) = rows.first() else {
        let address = sanitize::line(address);
        return match since {
            Some(since) => format!(
                "Nothing was sent to {address} since {}; the delivery log, kept for {}, was searched to its beginning",
                exact(since, zone),
                age(since, now)
            ),
            None => format!("Nothing was sent to {address}; the delivery log is empty"),
        };
    };
    // A receipt stands in a row of its own: what was accepted before it belongs to it.
    let mine = rows.iter().take_while(|row| row.message_id == newest.message_id);
    let accepted = mine.skip(1).find(|row| row.outcome == Outcome::Accepted);
    let word = match newest.outcome {
        Outcome::Delivered => "delivered",
        Outcome::Bounced | Outcome::SoftBounced => "came back",
        Outcome::Complained => "called unwanted",
        Outcome::Unsubscribed => "unsubscribed",
        _ => return sentence(newest, zone, names),
    };
    match accepted {
        Some(before) => {
            let said = gist(&newest.answer);
            let reply = sanitize::line(&said);
            let said = if newest.outcome == Outcome::Delivered || reply.is_empty() {
                String::new()
            } else {
                format!(" ({reply})")
            };
            format!("{}; {word} {}{said}", sentence(before, zone, names), clock(newest.at, zone))
        }
        None => sentence(newest, zone, names),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped() {
        for (n, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_284_000, "1,284,000")] {
            assert_eq!(count(n), text);
        }
    }

    #[test]
    fn times_say_their_side_of_now() {
        let now: DateTime<Utc> = "2026-03-01T10:00:00Z".parse().unwrap();
        let at = |text: &str| Timestamp::parse(text).unwrap();
        assert_eq!(relative_to(at("2026-03-01T09:58:00Z"), now), "2 min ago");
        assert_eq!(relative_to(at("2026-03-01T14:00:00Z"), now), "in 4 h");
        assert_eq!(relative_to(at("2026-03-01T10:00:00Z"), now), "now");
    }

    #[test]
    fn units_fit_their_numbers() {
        assert_eq!((bytes(12), bytes(1_500_000)), ("12 B".to_owned(), "1.4 MiB".to_owned()));
        assert_eq!((rate(0.25), rate(1180.0)), ("0.2/s".to_owned(), "1,180/s".to_owned()));
        assert_eq!(rate(-0.0), "0.0/s");
        assert_eq!((millis(11.2), millis(1250.0)), ("11 ms".to_owned(), "1.2 s".to_owned()));
    }
}
