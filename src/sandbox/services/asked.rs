//! A request to a service, and how services read it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method, Uri};
use serde_json::Value;

use super::multipart::{self, Part};
use crate::sandbox::headers;

/// A request to a service.
pub(in crate::sandbox) struct Asked<'a> {
    pub(in crate::sandbox) method: &'a Method,
    /// What was asked for, the kind's name included.
    pub(in crate::sandbox) uri: &'a Uri,
    /// The path below the kind's name.
    pub(in crate::sandbox) path: &'a str,
    pub(in crate::sandbox) headers: &'a HeaderMap,
    pub(in crate::sandbox) body: &'a [u8],
}

impl Asked<'_> {
    /// A header's value; `None` also when it is there twice, or no text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        headers::once(self.headers, name)
    }

    /// What follows a scheme in `authorization`.
    pub(super) fn scheme(&self, scheme: &str) -> Option<&str> {
        headers::credentials(self.headers, scheme)
    }

    /// User and password of HTTP's Basic scheme.
    pub(super) fn basic(&self) -> Option<(String, String)> {
        let pair = String::from_utf8(STANDARD.decode(self.scheme("Basic")?).ok()?).ok()?;
        let (user, password) = pair.split_once(':')?;
        Some((user.to_owned(), password.to_owned()))
    }

    /// The content type without its parameters, in lower case.
    pub(super) fn content_type(&self) -> String {
        headers::essence(self.headers)
    }

    /// The fields of a form, if it is one.
    pub(super) fn form(&self) -> Option<Vec<(String, String)>> {
        (self.content_type() == "application/x-www-form-urlencoded")
            .then(|| url::form_urlencoded::parse(self.body).into_owned().collect())
    }

    /// The parts of a form with files, if it is one.
    pub(super) fn multipart(&self) -> Option<Vec<Part>> {
        let value = self.header(CONTENT_TYPE.as_str())?;
        let boundary = value.strip_prefix("multipart/form-data;")?.trim().strip_prefix("boundary=")?;
        multipart::parse(self.body, boundary.trim_matches('"'))
    }

    /// The body as JSON, if it is JSON and says so.
    pub(super) fn json(&self) -> Option<Value> {
        (self.content_type() == "application/json").then(|| serde_json::from_slice(self.body).ok()).flatten()
    }
}

/// The value of a form's field; `None` when it is not there.
pub(super) fn field<'a>(form: &'a [(String, String)], name: &str) -> Option<&'a str> {
    form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}
