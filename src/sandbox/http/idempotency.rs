//! Answers by idempotency key: what came twice is done once.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::sandbox::chance::hash_of;
use crate::sandbox::record::Kind;

/// What is known of a key.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::sandbox) enum Earlier {
    /// The key is new; this is the answer.
    New(Bytes),
    /// The same request was answered before, with this.
    Same(Bytes),
    /// The key was used with another body.
    OtherBody,
    /// The key is new, and nothing was taken that it could stand for.
    Nothing,
}

/// The answers of the last hours.
#[derive(Debug)]
pub(in crate::sandbox) struct Answers {
    lapse: Duration,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    answers: HashMap<u64, Answered>,
    /// The keys in the order of their first use.
    order: VecDeque<(Instant, u64)>,
}

#[derive(Debug)]
struct Answered {
    body: u64,
    answer: Bytes,
}

impl Answers {
    /// Keys lapse after `lapse`.
    pub(in crate::sandbox) fn new(lapse: Duration) -> Self {
        Self { lapse, inner: Mutex::default() }
    }

    /// Does `act` if the key is new for this kind of message, else says what came of it. Only an
    /// answer binds the key.
    pub(in crate::sandbox) fn once(
        &self,
        kind: Kind,
        key: &[u8],
        body: &[u8],
        act: impl FnOnce() -> Option<Bytes>,
    ) -> Earlier {
        let now = Instant::now();
        let inner = &mut *self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(&(at, lapsed)) = inner.order.front()
            && now.duration_since(at) >= self.lapse
        {
            inner.order.pop_front();
            inner.answers.remove(&lapsed);
        }
        let body = hash_of(0, body);
        match inner.answers.entry(hash_of(kind as u64, key)) {
            Entry::Occupied(entry) if entry.get().body == body => Earlier::Same(entry.get().answer.clone()),
            Entry::Occupied(_) => Earlier::OtherBody,
            Entry::Vacant(entry) => {
                let Some(answer) = act() else { return Earlier::Nothing };
                inner.order.push_back((now, *entry.key()));
                entry.insert(Answered { body, answer: answer.clone() });
                Earlier::New(answer)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new() -> Bytes {
        Bytes::from_static(b"new")
    }
    const ANSWER: fn() -> Option<Bytes> = || Some(new());
    const NOTHING: fn() -> Option<Bytes> = || None;
    const AGAIN: fn() -> Option<Bytes> = || panic!("done twice");

    #[test]
    fn a_key_is_used_once_for_a_kind_and_a_body() {
        let answers = Answers::new(Duration::from_mins(1));
        let once =
            |kind, key: &[u8], body: &[u8], act: fn() -> Option<Bytes>| answers.once(kind, key, body, act);
        assert_eq!(once(Kind::Sms, b"k", b"1", NOTHING), Earlier::Nothing);
        assert_eq!(once(Kind::Sms, b"k", b"1", ANSWER), Earlier::New(new()));
        assert_eq!(once(Kind::Sms, b"k", b"1", AGAIN), Earlier::Same(new()));
        assert_eq!(once(Kind::Sms, b"k", b"2", AGAIN), Earlier::OtherBody);
        assert_eq!(once(Kind::Push, b"k", b"2", ANSWER), Earlier::New(new()));
        assert_eq!(once(Kind::Sms, b"l", b"2", ANSWER), Earlier::New(new()));
    }

    #[test]
    fn a_key_lapses() {
        let answers = Answers::new(Duration::ZERO);
        for _ in 0..3 {
            assert_eq!(answers.once(Kind::Sms, b"k", b"1", ANSWER), Earlier::New(new()));
        }
        assert_eq!(answers.inner.lock().unwrap().order.len(), 1);
    }
}
