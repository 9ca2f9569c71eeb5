//! Checks Signature Version 4 from the receiving side, by the steps of
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>:
//! it reads what was signed from the request itself, and shares no code with the adapter.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use ring::{digest, hmac};

use crate::domain::hex::hex;
use crate::sandbox::services::Asked;

/// Why a request is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Problem {
    /// There is no signature.
    Missing,
    /// It is wrong.
    Invalid,
}

impl Problem {
    /// The type of the service's error.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Missing => "MissingAuthenticationTokenException",
            Self::Invalid => "InvalidSignatureException",
        }
    }
}

/// How far a request's time may be away.
const SKEW: TimeDelta = TimeDelta::minutes(5);

/// Whether the request was signed with this secret for this service, just now.
pub(super) fn check(
    asked: &Asked<'_>,
    secret: &str,
    service: &str,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    let given = asked.header("authorization").ok_or(Problem::Missing)?;
    let parts = given.strip_prefix("AWS4-HMAC-SHA256 ").ok_or(Problem::Missing)?;
    let part = |name: &str| {
        let found = parts.split(',').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='));
        found.ok_or(Problem::Invalid)
    };
    let (credential, covered, signature) = (part("Credential")?, part("SignedHeaders")?, part("Signature")?);
    let scope: Vec<&str> = credential.split('/').collect();
    let [_key, date, region, of, "aws4_request"] = scope[..] else { return Err(Problem::Invalid) };
    let stamp = asked.header("x-amz-date").ok_or(Problem::Invalid)?;
    let time =
        NaiveDateTime::parse_from_str(stamp, "%Y%m%dT%H%M%SZ").map_err(|_| Problem::Invalid)?.and_utc();
    let names: Vec<&str> = covered.split(';').collect();
    let near = (now - time).abs() <= SKEW;
    let covers = |name: &str| names.contains(&name);
    if of != service || !stamp.starts_with(date) || !near || !covers("host") || !covers("x-amz-date") {
        return Err(Problem::Invalid);
    }

    let mut hashed = digest::Context::new(&digest::SHA256);
    let mut feed = |text: &str| hashed.update(text.as_bytes());
    feed(asked.method.as_str());
    feed("\n");
    feed(asked.uri.path());
    feed("\n");
    feed(asked.uri.query().unwrap_or_default());
    feed("\n");
    for name in &names {
        let value = asked.header(name).ok_or(Problem::Invalid)?;
        feed(name);
        feed(":");
        feed(&value.split_whitespace().collect::<Vec<_>>().join(" "));
        feed("\n");
    }
    feed("\n");
    feed(covered);
    feed("\n");
    feed(&hex(digest::digest(&digest::SHA256, asked.body).as_ref()));
    let request = hex(hashed.finish().as_ref());

    let mut key = hmac::Key::new(hmac::HMAC_SHA256, format!("AWS4{secret}").as_bytes());
    for part in [date, region, of, "aws4_request"] {
        key = hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&key, part.as_bytes()).as_ref());
    }
    let text =
        ["AWS4-HMAC-SHA256", stamp, &format!("{date}/{region}/{of}/aws4_request"), &request].join("\n");
    let tag = bytes(signature).ok_or(Problem::Invalid)?;
    hmac::verify(&key, text.as_bytes(), &tag).map_err(|_| Problem::Invalid)
}

/// The bytes of hexadecimal digits.
fn bytes(digits: &str) -> Option<Vec<u8>> {
    let even = digits.is_ascii() && digits.len().is_multiple_of(2);
    even.then(|| {
        (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).ok()).collect()
    })?
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone as _;
    use http::{HeaderMap, HeaderValue, Method, Uri};

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    /// `post-x-www-form-urlencoded` of the AWS Signature Version 4 test suite.
    fn published(body: &[u8], secret: &str, minutes: i64) -> Result<(), Problem> {
        let mut headers = HeaderMap::new();
        let mut put = |name: &'static str, value: &'static str| {
            headers.insert(name, HeaderValue::from_static(value));
        };
        put("content-type", "application/x-www-form-urlencoded");
        put("host", "example.amazonaws.com");
        put("x-amz-date", "20150830T123600Z");
        put(
            "authorization",
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
             SignedHeaders=content-type;host;x-amz-date, \
             Signature=ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        );
        let uri = Uri::from_static("/");
        let asked = Asked { method: &Method::POST, uri: &uri, path: "/", headers: &headers, body };
        let now = Utc.with_ymd_and_hms(2015, 8, 30, 12, 36, 0).unwrap() + TimeDelta::minutes(minutes);
        check(&asked, secret, "service", now)
    }

    #[test]
    fn the_published_signature_is_right_and_no_other() {
        assert_eq!(published(b"Param1=value1", SECRET, 0), Ok(()));
        assert_eq!(published(b"Param1=value1", SECRET, -5), Ok(()));
        assert_eq!(published(b"Param1=value2", SECRET, 0), Err(Problem::Invalid));
        assert_eq!(published(b"Param1=value1", "another", 0), Err(Problem::Invalid));
        assert_eq!(published(b"Param1=value1", SECRET, 6), Err(Problem::Invalid));
    }
}
