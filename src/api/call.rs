//! One call, as a handler sees it.

use super::App;
use super::auth::Caller;
use super::params::Params;
use crate::domain::audit::Actor;
use crate::domain::validate::Invalid;
use crate::engine::Engine;
use crate::engine::usecases::{Outcome, Refusal};
use crate::wire::ErrorType;
use axum::body::Body;
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::sync::{Arc, Mutex, PoisonError};
use tokio_util::sync::CancellationToken;

/// One call.
pub(crate) struct Call {
    pub(crate) app: Arc<App>,
    pub(crate) caller: Caller,
    pub(crate) path: Vec<(String, String)>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Payload,
    /// Cancelled when the door closes: streams end then.
    pub(crate) closing: CancellationToken,
}

/// The body of a call.
pub(crate) enum Payload {
    /// Read as a whole, within the limit.
    Whole(Bytes),
    /// Not read: the handler streams it. In a mutex only so that a call can be
    /// shared between threads.
    Stream(Mutex<Body>),
}

impl Payload {
    /// The body as a stream.
    pub(crate) fn into_body(self) -> Body {
        match self {
            Self::Whole(bytes) => Body::from(bytes),
            Self::Stream(body) => body.into_inner().unwrap_or_else(PoisonError::into_inner),
        }
    }
}

impl Call {
    pub(crate) fn engine(&self) -> &Engine {
        &self.app.engine
    }

    pub(crate) fn actor(&self) -> &Actor {
        &self.caller.actor
    }

    /// A parameter of the path, checked as an id.
    pub(crate) fn id<T>(&self, param: &'static str) -> Outcome<T>
    where
        T: TryFrom<String, Error = crate::domain::ids::IdError>,
    {
        let text = self.segment(param);
        crate::domain::validate::id(param, text)?;
        Ok(T::try_from(text.to_owned())?)
    }

    /// A parameter of the path as it stands.
    pub(crate) fn segment(&self, param: &str) -> &str {
        self.path.iter().find(|(name, _)| name == param).map_or("", |(_, value)| value)
    }

    /// A parameter of the query; the last one wins.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().rev().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// A parameter of the query, read as a number.
    pub(crate) fn number<T: std::str::FromStr>(&self, name: &'static str) -> Outcome<Option<T>> {
        self.query(name)
            .map(|text| {
                text.parse().map_err(|_| Invalid::value(name, "Value must be a valid whole number").into())
            })
            .transpose()
    }

    /// A parameter of the query that is true or false.
    pub(crate) fn flag(&self, name: &'static str) -> Outcome<Option<bool>> {
        match self.query(name) {
            None => Ok(None),
            Some("true" | "1") => Ok(Some(true)),
            Some("false" | "0") => Ok(Some(false)),
            Some(_) => Err(Invalid::value(name, "Value must be a valid boolean").into()),
        }
    }

    /// Refuses parameters of the query that the route does not have. The SDKs'
    /// `project` may always be there.
    pub(crate) fn only_query(&self, known: &[&str]) -> Outcome<()> {
        for (name, _) in &self.query {
            let base = name.split('[').next().unwrap_or(name);
            if base != "project" && !known.contains(&base) {
                return Err(Refusal::new(
                    ErrorType::ArgumentInvalid,
                    format!(
                        "Invalid `{base}` param: this route has no such parameter, only {}",
                        known.join(", ")
                    ),
                ));
            }
        }
        Ok(())
    }

    /// The parameters of the body.
    pub(crate) fn params(&self) -> Outcome<Params> {
        let Payload::Whole(bytes) = &self.body else { return Ok(Params::new(Map::new())) };
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(Params::new(Map::new()));
        }
        match serde_json::from_slice::<Value>(bytes) {
            Ok(Value::Object(map)) => Ok(Params::new(map)),
            Ok(_) => Err(Refusal::new(ErrorType::ArgumentInvalid, "The body must be a JSON object")),
            Err(error) => {
                Err(Refusal::new(ErrorType::ArgumentInvalid, format!("The body is not valid JSON: {error}")))
            }
        }
    }

    /// The body as a type of ours; for routes that the dialect does not have.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Outcome<T> {
        let Payload::Whole(bytes) = &self.body else {
            return Err(Refusal::new(ErrorType::ArgumentInvalid, "The body must be a JSON object"));
        };
        let bytes: &[u8] = if bytes.is_empty() { b"{}" } else { bytes };
        let mut deserializer = serde_json::Deserializer::from_slice(bytes);
        let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
            let path = error.path().to_string();
            let param = if path == "." { "body" } else { &path };
            Refusal::new(ErrorType::ArgumentInvalid, format!("Invalid `{param}` param: {}", error.inner()))
        })?;
        deserializer.end().map_err(|error| {
            Refusal::new(ErrorType::ArgumentInvalid, format!("The body is not valid JSON: {error}"))
        })?;
        Ok(value)
    }

    /// The query as a type of ours: texts are read as what the fields are.
    pub(crate) fn query_as<T: DeserializeOwned>(&self, numbers: &[&str], flags: &[&str]) -> Outcome<T> {
        let mut map = Map::new();
        for (name, text) in &self.query {
            if name == "project" || text.is_empty() {
                continue;
            }
            let value = if numbers.contains(&name.as_str()) {
                let number: u64 =
                    text.parse().map_err(|_| Invalid::value(name, "Value must be a valid whole number"))?;
                number.into()
            } else if flags.contains(&name.as_str()) {
                match text.as_str() {
                    "true" | "1" => true.into(),
                    "false" | "0" => false.into(),
                    _ => return Err(Invalid::value(name, "Value must be a valid boolean").into()),
                }
            } else {
                text.clone().into()
            };
            map.insert(name.clone(), value);
        }
        serde_path_to_error::deserialize(Value::Object(map)).map_err(|error| {
            Refusal::new(
                ErrorType::ArgumentInvalid,
                format!("Invalid `{}` param: {}", error.path(), error.inner()),
            )
        })
    }
}
