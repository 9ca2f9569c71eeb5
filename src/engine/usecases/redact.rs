//! Taking what tells who a person is out of texts that quote it.

mod records;

use super::error::Outcome;
use crate::engine::Engine;
use crate::store::StoreError;
use crate::store::documents::{DocumentChange, Shelf};
use crate::store::page::Order;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Stands where a person stood.
const ERASED: &str = "(erased)";

/// Records that are looked at together.
const PAGE: usize = 500;

/// A name shorter than this is a word like any other.
const SHORTEST: usize = 4;

/// Words that are taken out, whatever their case.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Words(Vec<String>);

impl Words {
    /// Adds one.
    pub(super) fn add(&mut self, word: &str) {
        let word = word.trim().to_lowercase();
        if word.chars().count() >= SHORTEST && !self.0.contains(&word) {
            self.0.push(word);
            // The longest first: one may be part of another.
            self.0.sort_by_key(|word| std::cmp::Reverse(word.len()));
        }
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A text without them; `None`: there are none in it.
    fn out_of(&self, text: &str) -> Option<String> {
        let mut out = None::<String>;
        for word in &self.0 {
            let from = out.as_deref().unwrap_or(text);
            if let Some(new) = without(from, word) {
                out = Some(new);
            }
        }
        out
    }

    /// Takes them out of every text of a value; whether there were any.
    fn out_of_value(&self, value: &mut Value) -> bool {
        match value {
            Value::String(text) => match self.out_of(text) {
                Some(new) => {
                    *text = new;
                    true
                }
                None => false,
            },
            Value::Array(list) => list.iter_mut().fold(false, |found, item| self.out_of_value(item) | found),
            Value::Object(map) => map.values_mut().fold(false, |found, item| self.out_of_value(item) | found),
            _ => false,
        }
    }
}

/// A text without a word in lower case, compared letter by letter.
fn without(text: &str, word: &str) -> Option<String> {
    let letters: Vec<char> = text.chars().collect();
    let wanted: Vec<char> = word.chars().collect();
    let same = |a: char, b: char| a == b || a.to_lowercase().eq(std::iter::once(b));
    let (mut out, mut at, mut found) = (String::with_capacity(text.len()), 0, false);
    while at < letters.len() {
        let here = letters.get(at..at + wanted.len());
        if here.is_some_and(|here| here.iter().zip(&wanted).all(|(a, b)| same(*a, *b))) {
            out.push_str(ERASED);
            at += wanted.len();
            found = true;
        } else {
            out.push(letters[at]);
            at += 1;
        }
    }
    found.then_some(out)
}

/// What a step of looking through texts did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Step {
    /// Records that were looked at.
    pub(super) looked: u64,
    /// Texts that were changed.
    pub(super) changed: u64,
    /// What names the person still, and why.
    pub(super) left: Vec<String>,
    /// Where it goes on; `None`: these were the last.
    pub(super) next: Option<String>,
}

/// A record's number, as a step says where it goes on.
fn number(after: Option<&str>) -> Option<u64> {
    after.and_then(|after| after.parse().ok())
}

impl Engine {
    /// Takes words out of a page of documents. Nobody is told of it: the revision of a draft stays.
    pub(super) async fn redact_shelf(
        &self,
        words: &Words,
        shelf: Shelf,
        after: Option<&str>,
    ) -> Outcome<Step> {
        let page = self.store().documents(shelf, "", after, Order::Ascending, PAGE).await?;
        let next = page.last().map(|(last, _)| last.clone()).filter(|_| page.len() == PAGE);
        let mut step = Step { looked: page.len() as u64, next, ..Step::default() };
        for (key, bytes) in page {
            step.changed += u64::from(self.redact_document(shelf, key, bytes, words).await?);
        }
        Ok(step)
    }

    /// Takes words out of a page of the audit.
    pub(super) async fn redact_audit(&self, words: &Words, after: Option<&str>) -> Outcome<Step> {
        let page = self.store().audit(None, number(after), PAGE).await?;
        let next = page.last().map(|(last, _)| last.to_string()).filter(|_| page.len() == PAGE);
        let looked = page.len() as u64;
        let changed: Vec<_> = page
            .into_iter()
            .filter_map(|(no, mut entry)| {
                entry.summary = words.out_of(&entry.summary)?;
                Some((no, entry))
            })
            .collect();
        let step = Step { looked, changed: changed.len() as u64, next, ..Step::default() };
        if !changed.is_empty() {
            self.store().rewrite_audit(changed).await?;
        }
        Ok(step)
    }

    async fn redact_document(
        &self,
        shelf: Shelf,
        key: String,
        bytes: Vec<u8>,
        words: &Words,
    ) -> Outcome<bool> {
        let mut bytes = bytes;
        loop {
            let Ok(mut value) = serde_json::from_slice::<Value>(&bytes) else { return Ok(false) };
            if !words.out_of_value(&mut value) {
                return Ok(false);
            }
            let Ok(new) = serde_json::to_vec(&value) else { return Ok(false) };
            let change = DocumentChange::put(shelf, key.clone(), new).expecting(bytes);
            match self.store().write_documents(vec![change], None).await {
                // Somebody has saved it meanwhile: look at what it says now.
                Err(StoreError::Moved) => match self.store().document(shelf, &key).await? {
                    Some(now) => bytes = now,
                    None => return Ok(false),
                },
                result => return Ok(result.map(|()| true)?),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn words_are_taken_out_whatever_their_case() {
        let mut words = Words::default();
        words.add("Ana@Example.com");
        words.add("Ana");
        words.add("Ana Ångström");
        assert_eq!(words.out_of("nothing of it"), None);
        assert_eq!(words.out_of("to ANA@example.COM.").unwrap(), "to (erased).");
        assert_eq!(words.out_of("“ana ÅNGSTRÖM” and Ana").unwrap(), "“(erased)” and Ana", "too short a word");
        let mut value = json!({"a": ["x", {"b": "ana@example.com"}], "n": 1});
        assert!(words.out_of_value(&mut value));
        assert_eq!(value, json!({"a": ["x", {"b": "(erased)"}], "n": 1}));
        assert!(!words.out_of_value(&mut value));
    }
}
