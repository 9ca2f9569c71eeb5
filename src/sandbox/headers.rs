//! How every server of the sandbox reads a request's headers: strictly, and alike.

use http::HeaderMap;
use http::header::{AUTHORIZATION, CONTENT_TYPE};

/// The value of a header that is there exactly once and is text: of two, which would count?
pub(super) fn once<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut all = headers.get_all(name).iter();
    let value = all.next()?.to_str().ok()?;
    all.next().is_none().then_some(value)
}

/// What follows a scheme in `authorization`; the scheme's name counts in any case
/// (RFC 9110, 11.1).
pub(super) fn credentials<'a>(headers: &'a HeaderMap, scheme: &str) -> Option<&'a str> {
    let (given, rest) = once(headers, AUTHORIZATION.as_str())?.split_once(' ')?;
    given.eq_ignore_ascii_case(scheme).then_some(rest)
}

/// The content type without its parameters, in lower case; empty if there is none.
pub(super) fn essence(headers: &HeaderMap) -> String {
    let value = once(headers, CONTENT_TYPE.as_str()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[test]
    fn twice_is_not_at_all() {
        let two = headers(&[("authorization", "Bearer a"), ("authorization", "Bearer b")]);
        assert_eq!(once(&two, "authorization"), None);
        assert_eq!(credentials(&two, "Bearer"), None);
        let one = headers(&[("authorization", "bEARER a"), ("content-type", "Application/JSON ; charset=x")]);
        assert_eq!(credentials(&one, "Bearer"), Some("a"));
        assert_eq!(credentials(&one, "Basic"), None);
        assert_eq!(credentials(&one, "Bear"), None);
        assert_eq!(essence(&one), "application/json");
        assert_eq!(essence(&HeaderMap::new()), "");
    }
}
