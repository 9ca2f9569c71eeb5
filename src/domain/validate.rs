//! Rules for values that come in at the door (facts 1.2 and 1.5).

use super::channel::Channel;
use super::ids::check_id;

/// A parameter that was refused, in the dialect's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// It is required and was not given.
    #[error("Param \"{0}\" is not optional.")]
    Missing(&'static str),
    /// Its value breaks a rule.
    #[error("Invalid `{param}` param: {rule}")]
    Value {
        /// Which parameter.
        param: String,
        /// The rule.
        rule: String,
    },
}

impl Invalid {
    /// A value that breaks a rule.
    pub fn value(param: impl Into<String>, rule: impl Into<String>) -> Self {
        Self::Value { param: param.into(), rule: rule.into() }
    }
}

/// The rule for ids, in the dialect's words.
pub const ID_RULE: &str = "UID must contain at most 36 chars. Valid chars are a-z, A-Z, 0-9, period, hyphen, and underscore. Can't start with a special char";

/// An id in a path or in a list.
pub fn id(param: &str, value: &str) -> Result<(), Invalid> {
    check_id(value).map_err(|_| Invalid::value(param, ID_RULE))
}

/// A text of `min` to `max` characters. NUL is refused everywhere.
pub fn text(param: &str, value: &str, min: usize, max: usize) -> Result<(), Invalid> {
    let length = value.chars().count();
    if length < min || (max > 0 && length > max) {
        let rule = if min <= 1 {
            format!("Value must be a valid string and at least {min} chars and no longer than {max} chars")
        } else {
            format!("Value must be a valid string between {min} and {max} chars")
        };
        return Err(Invalid::value(param, rule));
    }
    if value.contains('\0') {
        return Err(Invalid::value(param, "Value must not contain the NUL character"));
    }
    Ok(())
}

/// A text that goes into a header or a name: as [`text`], and in one line.
pub fn line(param: &str, value: &str, min: usize, max: usize) -> Result<(), Invalid> {
    text(param, value, min, max)?;
    if value.chars().any(|c| c.is_control() && c != '\t') {
        return Err(Invalid::value(param, "Value must be one line without control characters"));
    }
    Ok(())
}

/// A mail address: one `@`, a local part without quotes, a domain with a dot or
/// `localhost`, at most 254 bytes.
pub fn email(value: &str) -> bool {
    if value.len() > 254 || value.chars().any(|c| c.is_control() || c.is_whitespace() || c == '"') {
        return false;
    }
    let Some((_, domain)) = value.rsplit_once('@') else { return false };
    let options = email_address::Options::default().without_domain_literal().without_display_text();
    email_address::EmailAddress::parse_with_options(value, options).is_ok()
        && (domain.contains('.') || domain == "localhost")
}

/// A phone number in E.164: `+`, a first digit 1 to 9, 7 to 15 digits in all.
pub fn phone(value: &str) -> bool {
    let Some(digits) = value.strip_prefix('+') else { return false };
    (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0')
}

/// A device token: what push services give out is printable ASCII, at most 4 KiB
/// (the dialect's column ends at 255 characters).
pub fn device_token(value: &str) -> bool {
    !value.is_empty() && value.len() <= 4096 && value.bytes().all(|b| b.is_ascii_graphic())
}

/// Whether an address is one of its channel.
pub fn address(channel: Channel, value: &str) -> bool {
    match channel {
        Channel::Email => email(value),
        Channel::Sms => phone(value),
        Channel::Push => device_token(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn phones() {
        for good in ["+4915112345678", "+14155550100", "+1234567"] {
            assert!(phone(good), "{good}");
        }
        for bad in
            ["4915112345678", "+0151123456", "+123456", "+1234567890123456", "+49 151 123", "+49x1234567", ""]
        {
            assert!(!phone(bad), "{bad}");
        }
    }

    #[test]
    fn emails() {
        for good in ["ana@example.com", "a.b+c@sub.example.org", "ü@exämple.de", "root@localhost"] {
            assert!(email(good), "{good}");
        }
        for bad in [
            "",
            "ana",
            "ana@",
            "@example.com",
            "a b@example.com",
            "ana@example.com\r\nBcc: x@y.z",
            "\"a\"@example.com",
            "a@b@c.de",
            "ana@[127.0.0.1]",
            "Ana <ana@example.com>",
            "ana@example",
        ] {
            assert!(!email(bad), "{bad}");
        }
    }

    #[test]
    fn lines_have_no_breaks() {
        assert!(line("subject", "Hello", 1, 998).is_ok());
        for bad in ["a\rb", "a\nb", "a\0b", "\u{1b}[2J", ""] {
            assert!(line("subject", bad, 1, 998).is_err(), "{bad:?}");
        }
        assert!(line("subject", &"ä".repeat(998), 1, 998).is_ok());
        assert!(line("subject", &"ä".repeat(999), 1, 998).is_err());
    }

    proptest! {
        #[test]
        fn no_address_breaks_a_line(value in "\\PC{0,40}|[\\x00-\\x7f]{0,40}") {
            for channel in Channel::ALL {
                if address(channel, &value) {
                    prop_assert!(!value.chars().any(|c| c.is_control() || c == ' '));
                }
            }
        }
    }
}
