//! What services for text messages have in common: the sender, the text of each
//! recipient, and which texts and numbers a request can bear.

use super::adapter::{Account, AccountError, Answer, CompileError, Recipient, Rendition, Verdict};
use crate::domain::content::Content;
use crate::domain::delivery::Stage;
use crate::domain::validate;

/// The longest alphanumeric sender (3GPP TS 23.040, 9.1.2.5).
const LONGEST_NAME: usize = 11;

/// Who sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sender {
    /// A number in E.164, with its plus, or a short code of 3 to 8 digits.
    Number(String),
    /// Up to 11 letters, digits and a few marks, at least one of them a letter.
    Name(String),
    /// Something that the service itself gave out.
    Own(String),
}

impl Sender {
    /// Reads an account's sender; `own` says what else the service takes.
    pub fn read(
        account: &Account,
        field: &str,
        own: impl Fn(&str) -> bool,
    ) -> Result<Option<Self>, AccountError> {
        let Some(text) = account.line(field)? else { return Ok(None) };
        if own(&text) {
            return Ok(Some(Self::Own(text)));
        }
        let digits = text.bytes().all(|b| b.is_ascii_digit());
        if validate::phone(&text) || (digits && (3..=8).contains(&text.len())) {
            return Ok(Some(Self::Number(text)));
        }
        if digits && validate::phone(&format!("+{text}")) {
            return Ok(Some(Self::Number(format!("+{text}"))));
        }
        let mark = |c: char| c.is_ascii_alphanumeric() || " -_.&".contains(c);
        let named = text.chars().any(|c| c.is_ascii_alphabetic()) && text.chars().all(mark);
        if named && text.len() <= LONGEST_NAME {
            return Ok(Some(Self::Name(text)));
        }
        let problem = "is neither a number in E.164, nor a short code, nor a name of at most 11 letters, \
                       digits, blanks, `-`, `_`, `.` and `&`";
        Err(account.invalid(field, problem))
    }

    /// As it was given.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Number(text) | Self::Name(text) | Self::Own(text) => text,
        }
    }

    /// Without the plus, as some services want it.
    pub fn bare(&self) -> &str {
        bare(self.as_str())
    }
}

/// A number without its plus.
pub fn bare(number: &str) -> &str {
    number.strip_prefix('+').unwrap_or(number)
}

/// A text message, compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    body: String,
    most: Option<usize>,
}

impl Text {
    /// Compiles a text of at most so many characters.
    pub fn compile(rendition: &Rendition, most: Option<usize>) -> Result<Self, CompileError> {
        let Content::Sms(sms) = &rendition.content else {
            return Err(CompileError("this provider sends text messages only".to_owned()));
        };
        let text = Self { body: sms.content.clone(), most };
        if !rendition.personal {
            text.fits(&text.body).map_err(CompileError)?;
        }
        Ok(text)
    }

    /// What this recipient gets.
    pub fn of<'a>(&'a self, recipient: &'a Recipient) -> &'a str {
        recipient.rendered.as_ref().map_or(&self.body, |rendered| &rendered.body)
    }

    /// Refuses a number that is none, and a text that is empty or too long.
    pub fn check(&self, recipient: &Recipient) -> Result<(), Answer> {
        let local = |text: String| Answer::new(Verdict::Permanent, Stage::Local, 0, text);
        if !validate::phone(&recipient.address) {
            return Err(local("not a phone number in E.164".to_owned()));
        }
        self.fits(self.of(recipient)).map_err(local)
    }

    fn fits(&self, text: &str) -> Result<(), String> {
        if text.is_empty() {
            return Err("the text is empty".to_owned());
        }
        let count = text.chars().count();
        match self.most {
            Some(most) if count > most => {
                Err(format!("the text has {count} characters; this service takes {most}"))
            }
            _ => Ok(()),
        }
    }
}

/// How many of the first recipients get the same text: who can share a request.
pub fn alike(text: &Text, to: &[&Recipient]) -> usize {
    let Some(first) = to.first() else { return 0 };
    let body = text.of(first);
    to.iter().take_while(|recipient| text.of(recipient) == body).count()
}

/// The first recipients up to one whose address has come before: who can share a
/// request whose answer names people by their address.
pub fn distinct(to: &[&Recipient]) -> usize {
    let mut seen = std::collections::HashSet::with_capacity(to.len());
    to.iter().take_while(|recipient| seen.insert(recipient.address.as_str())).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::channel::Channel;
    use crate::providers::account::tests::account;

    fn sender(text: &str) -> Option<Sender> {
        let json = serde_json::to_string(text).unwrap();
        let account = account("twilio", Channel::Sms, &[("from", &json)], &[]);
        Sender::read(&account, "from", |text| text.starts_with("MG")).ok().flatten()
    }

    #[test]
    fn senders() {
        let number = |text: &str| Some(Sender::Number(text.to_owned()));
        assert_eq!(sender("+15005550006"), number("+15005550006"));
        assert_eq!(sender("15005550006"), number("+15005550006"));
        assert_eq!(sender("40404"), number("40404"));
        assert_eq!(sender("Acme News"), Some(Sender::Name("Acme News".to_owned())));
        assert_eq!(sender("MG0123"), Some(Sender::Own("MG0123".to_owned())));
        for bad in ["Acme Newsletter", "+0123", "12", "Ac\u{e9}me", "a\nb", "***", ""] {
            assert_eq!(sender(bad), None, "{bad:?}");
        }
        assert_eq!(sender("+15005550006").unwrap().bare(), "15005550006");
    }
}
