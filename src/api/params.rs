//! Parameters of a body, taken one by one in the declared order: the first that
//! breaks a rule is the one that the answer names. `null` means not given.

use crate::domain::channel::Channel;
use crate::domain::time::Timestamp;
use crate::domain::validate::{self, Invalid};
use crate::engine::usecases::{Outcome, UNIQUE};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// The parameters that have not been taken yet.
pub(crate) struct Params {
    rest: Map<String, Value>,
    known: Vec<&'static str>,
}

type Optional<T> = Outcome<Option<T>>;

fn wrong(param: &str, rule: &str) -> Invalid {
    Invalid::value(param, rule)
}

impl Params {
    pub(crate) fn new(map: Map<String, Value>) -> Self {
        Self { rest: map, known: Vec::new() }
    }

    /// Takes a parameter; `None` when it was not given, or is null.
    pub(crate) fn take(&mut self, name: &'static str) -> Option<Value> {
        self.known.push(name);
        self.rest.remove(name).filter(|value| !value.is_null())
    }

    /// A text of `min` to `max` characters.
    pub(crate) fn text(&mut self, name: &'static str, min: usize, max: usize) -> Optional<String> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => {
                validate::text(name, &text, min, max)?;
                Ok(Some(text))
            }
            Some(_) => Err(wrong(
                name,
                &format!(
                    "Value must be a valid string and at least {min} chars and no longer than {max} chars"
                ),
            )
            .into()),
        }
    }

    /// A text in one line.
    pub(crate) fn line(&mut self, name: &'static str, min: usize, max: usize) -> Optional<String> {
        let Some(text) = self.text(name, min, max)? else { return Ok(None) };
        validate::line(name, &text, min, max)?;
        Ok(Some(text))
    }

    /// A custom id: `unique()` or an id.
    pub(crate) fn custom_id(&mut self, name: &'static str) -> Outcome<String> {
        let id = self.take(name).ok_or(Invalid::Missing(name))?;
        let text = id.as_str().ok_or_else(|| wrong(name, validate::ID_RULE))?;
        if text != UNIQUE {
            validate::id(name, text)?;
        }
        Ok(text.to_owned())
    }

    /// An id; an empty one counts as not given.
    pub(crate) fn id(&mut self, name: &'static str) -> Optional<String> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) => {
                validate::id(name, &text)?;
                Ok(Some(text))
            }
            Some(_) => Err(wrong(name, validate::ID_RULE).into()),
        }
    }

    /// A list of ids, each one kept once.
    pub(crate) fn ids<T>(&mut self, name: &'static str) -> Optional<Vec<T>>
    where
        T: TryFrom<String> + PartialEq + Ord + Clone,
    {
        let rule = || wrong(name, &format!("Value must a valid array and {}", validate::ID_RULE));
        let Some(value) = self.take(name) else { return Ok(None) };
        let Value::Array(values) = value else { return Err(rule().into()) };
        let mut seen = std::collections::BTreeSet::new();
        let mut ids = Vec::with_capacity(values.len());
        for value in values {
            let Value::String(text) = value else { return Err(rule().into()) };
            let id = T::try_from(text).map_err(|_| rule())?;
            if seen.insert(id.clone()) {
                ids.push(id);
            }
        }
        Ok(Some(ids))
    }

    /// A list of texts.
    pub(crate) fn texts(&mut self, name: &'static str, most: usize) -> Optional<Vec<String>> {
        let rule = || wrong(name, &format!("Value must a valid array of at most {most} texts"));
        let Some(value) = self.take(name) else { return Ok(None) };
        let Value::Array(values) = value else { return Err(rule().into()) };
        if values.len() > most {
            return Err(rule().into());
        }
        values
            .into_iter()
            .map(|value| match value {
                Value::String(text) if !text.contains('\0') => Ok(text),
                _ => Err(rule().into()),
            })
            .collect::<Outcome<_>>()
            .map(Some)
    }

    /// True or false.
    pub(crate) fn flag(&mut self, name: &'static str) -> Optional<bool> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(_) => Err(wrong(name, "Value must be a valid boolean").into()),
        }
    }

    /// A whole number in a range.
    pub(crate) fn integer(&mut self, name: &'static str, min: i64, max: i64) -> Optional<i64> {
        match self.take(name) {
            None => Ok(None),
            Some(value) => match value.as_i64() {
                Some(number) if (min..=max).contains(&number) => Ok(Some(number)),
                _ => Err(wrong(name, &format!("Value must be a valid range between {min} and {max}")).into()),
            },
        }
    }

    /// A point in time; with `after`, not before that. An empty text counts as not given.
    pub(crate) fn time(&mut self, name: &'static str, after: Option<Timestamp>) -> Optional<Timestamp> {
        let rule = if after.is_some() {
            "Value must be valid date in the future"
        } else {
            "Value must be valid date"
        };
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) => match Timestamp::parse(&text) {
                Some(at) if after.is_none_or(|after| at >= after) && at < LATEST => Ok(Some(at)),
                _ => Err(wrong(name, rule).into()),
            },
            Some(_) => Err(wrong(name, rule).into()),
        }
    }

    /// A JSON object, or a text that holds one.
    pub(crate) fn object(&mut self, name: &'static str) -> Optional<Map<String, Value>> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Object(map)) => Ok(Some(map)),
            Some(Value::String(text)) => match serde_json::from_str(&text) {
                Ok(Value::Object(map)) => Ok(Some(map)),
                _ => Err(wrong(name, "Value must be a valid JSON object").into()),
            },
            // An empty object of a PHP client.
            Some(Value::Array(values)) if values.is_empty() => Ok(Some(Map::new())),
            Some(_) => Err(wrong(name, "Value must be a valid JSON object").into()),
        }
    }

    /// Email, SMS or push.
    pub(crate) fn channel(&mut self, name: &'static str) -> Optional<Channel> {
        match self.take(name) {
            None => Ok(None),
            Some(value) => match value.as_str().and_then(Channel::parse) {
                Some(channel) => Ok(Some(channel)),
                None => Err(wrong(name, "Value must be one of (email, sms, push)").into()),
            },
        }
    }

    /// A value of a type of ours.
    pub(crate) fn typed<T: DeserializeOwned>(&mut self, name: &'static str) -> Optional<T> {
        let Some(value) = self.take(name) else { return Ok(None) };
        serde_path_to_error::deserialize(value).map(Some).map_err(|error| {
            let path = error.path().to_string();
            let param = if path == "." { name.to_owned() } else { format!("{name}.{path}") };
            Invalid::value(param, error.inner().to_string()).into()
        })
    }

    /// Refuses what nobody took: a mistyped name must not pass in silence.
    pub(crate) fn finish(self) -> Outcome<()> {
        match self.rest.keys().next() {
            None => Ok(()),
            Some(name) => {
                let near = crate::domain::filter::closest(name, self.known.iter().copied());
                let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                Err(wrong(name, &format!("this route has no such parameter{hint}")).into())
            }
        }
    }
}

/// The year 10000: dates of the dialect have four digits.
const LATEST: Timestamp = Timestamp(253_402_300_800_000);

/// A value that must be there.
pub(crate) trait Required<T> {
    /// The value, or that it is missing.
    fn required(self, name: &'static str) -> Outcome<T>;
}

impl<T> Required<T> for Optional<T> {
    fn required(self, name: &'static str) -> Outcome<T> {
        self?.ok_or_else(|| Invalid::Missing(name).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::TopicId;
    use serde_json::json;

    fn params(value: Value) -> Params {
        let Value::Object(map) = value else { panic!("an object") };
        Params::new(map)
    }

    #[test]
    fn null_means_not_given() {
        let mut params = params(json!({"name": null, "enabled": true}));
        assert_eq!(params.text("name", 1, 128).unwrap(), None);
        assert_eq!(params.flag("enabled").unwrap(), Some(true));
        params.finish().unwrap();
    }

    #[test]
    fn what_nobody_took_is_refused() {
        let mut params = params(json!({"nmae": "x"}));
        assert_eq!(params.text("name", 1, 128).unwrap(), None);
        let message = params.finish().unwrap_err().message;
        assert_eq!(message, "Invalid `nmae` param: this route has no such parameter; did you mean `name`?");
    }

    #[test]
    fn lists_keep_each_id_once() {
        let mut given = params(json!({"topics": ["b", "a", "b"]}));
        let ids: Vec<TopicId> = given.ids("topics").required("topics").unwrap();
        assert_eq!(ids, [TopicId::new("b").unwrap(), TopicId::new("a").unwrap()]);
        for bad in [json!(["a", 1]), json!("a"), json!(["_a"]), json!(["unique()"])] {
            assert!(params(json!({"topics": bad})).ids::<TopicId>("topics").is_err());
        }
    }

    #[test]
    fn objects_may_come_as_text() {
        let mut given = params(json!({"data": "{\"a\":1}", "other": [], "bad": "[1]"}));
        assert_eq!(given.object("data").unwrap().unwrap()["a"], 1);
        assert!(given.object("other").unwrap().unwrap().is_empty());
        assert!(given.object("bad").is_err());
    }

    #[test]
    fn times_may_have_to_lie_ahead() {
        let now = Timestamp::parse("2026-01-01T00:00:00Z").unwrap();
        let mut given = params(json!({"a": "2025-12-31", "b": "2026-01-02T00:00:00.000Z", "c": "", "d": 5}));
        assert!(given.time("a", Some(now)).is_err());
        assert!(given.time("b", Some(now)).unwrap().is_some());
        assert_eq!(given.time("c", Some(now)).unwrap(), None);
        assert!(given.time("d", None).is_err());
    }
}
