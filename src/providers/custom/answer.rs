//! Where success and the message's id stand in a gateway's answer.

use crate::domain::delivery::Stage;
use crate::providers::adapter::{Account, AccountError, Answer, Verdict};
use crate::providers::http::HttpAnswer;
use crate::providers::meaning::{self, word};
use serde_json::Value;

/// How an answer is read: JSON pointers (RFC 6901), each optional.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// A batch's results, one for each recipient in the order of the request.
    results: Option<String>,
    /// What says whether it was taken, within a result or the answer.
    success: Option<String>,
    /// The values of it that mean success; none: anything that is there and is not false or null.
    successes: Vec<String>,
    /// The message's id, within a result or the answer.
    id: Option<String>,
}

impl Reading {
    pub(super) fn new(account: &Account, batch: usize) -> Result<Self, AccountError> {
        let pointer = |field: &str| match account.text(field) {
            Some(text) if !text.is_empty() && !text.starts_with('/') => {
                Err(account.invalid(field, "is no JSON pointer, such as /messages/0/id"))
            }
            text => Ok(text),
        };
        let results = pointer("resultsPath")?;
        let (success, id) = (pointer("successPath")?, pointer("idPath")?);
        if batch > 1 && results.is_none() && id.is_some() {
            let problem = "is missing: with a batch, say where the results of its recipients stand";
            return Err(account.invalid("resultsPath", problem));
        }
        let values = account.text("successValue").unwrap_or_default();
        let successes =
            values.split('|').map(str::trim).filter(|value| !value.is_empty()).map(str::to_owned).collect();
        Ok(Self { results, success, successes, id })
    }

    /// The answers of so many recipients.
    pub(super) fn read(&self, answer: &HttpAnswer, count: usize) -> Vec<Answer> {
        if !answer.status.is_success() {
            return vec![meaning::refused(&[], answer, ""); count];
        }
        let wants_json = self.results.is_some() || self.success.is_some() || self.id.is_some();
        if !wants_json {
            return vec![meaning::accepted(answer, "", meaning::shown(answer)); count];
        }
        let Some(json) = meaning::json(answer) else { return vec![meaning::unreadable(answer); count] };
        let Some(results) = &self.results else { return vec![self.judge(answer, &json); count] };
        let Some(results) = json.pointer(results).and_then(Value::as_array) else {
            return vec![meaning::unreadable(answer); count];
        };
        let one =
            |n| results.get(n).map_or_else(|| meaning::unreadable(answer), |one| self.judge(answer, one));
        (0..count).map(one).collect()
    }

    fn judge(&self, answer: &HttpAnswer, one: &Value) -> Answer {
        let taken = self.success.as_ref().is_none_or(|path| {
            let value = one.pointer(path).unwrap_or(&Value::Null);
            if self.successes.is_empty() {
                !matches!(value, Value::Null | Value::Bool(false))
            } else {
                let text = if value.is_boolean() { value.to_string() } else { word(value) };
                self.successes.contains(&text)
            }
        });
        let text = meaning::cut(&one.to_string()).to_owned();
        if !taken {
            return Answer::new(Verdict::Permanent, Stage::Recipient, answer.status.as_u16(), text);
        }
        let id = self.id.as_ref().and_then(|path| one.pointer(path)).map(word).unwrap_or_default();
        meaning::accepted(answer, &id, text)
    }
}
