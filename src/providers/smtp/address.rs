//! Addresses in the envelope: what may stand between `<` and `>`.

use crate::domain::validate;
use std::borrow::Cow;

/// An address as it goes over the wire, its domain in ASCII.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox<'a> {
    /// `local@domain`.
    pub text: Cow<'a, str>,
    /// Whether the local part needs SMTPUTF8 (RFC 6531).
    pub utf8: bool,
}

impl<'a> Mailbox<'a> {
    /// Checks an address and turns an international domain into its ASCII form.
    /// `None`: not an address. What passes has no space, quote, angle bracket or
    /// control character, so that it cannot end a command or a header.
    pub fn parse(address: &'a str) -> Option<Self> {
        if !validate::email(address) || address.contains(['<', '>', '(', ')', ',', ';', '\\']) {
            return None;
        }
        if address.is_ascii() {
            return Some(Self { text: Cow::Borrowed(address), utf8: false });
        }
        let (local, domain) = address.rsplit_once('@')?;
        let Ok(url::Host::Domain(domain)) = url::Host::parse(domain) else { return None };
        Some(Self { text: Cow::Owned(format!("{local}@{domain}")), utf8: !local.is_ascii() })
    }

    /// What is behind the `@`.
    pub fn domain(&self) -> &str {
        self.text.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn domains_become_ascii() {
        let mailbox = Mailbox::parse("ana@bücher.example").unwrap();
        assert_eq!((mailbox.text.as_ref(), mailbox.utf8), ("ana@xn--bcher-kva.example", false));
        let mailbox = Mailbox::parse("jürgen@bücher.example").unwrap();
        assert_eq!((mailbox.text.as_ref(), mailbox.utf8), ("jürgen@xn--bcher-kva.example", true));
        assert_eq!(Mailbox::parse("ana@example.com").unwrap().domain(), "example.com");
    }

    proptest! {
        #[test]
        fn nothing_that_passes_breaks_a_command(text in "[a-z<>@. \r\n,;\"()\\\\ü]{0,30}|[ -~]{1,10}@[a-zü.]{3,12}") {
            if let Some(mailbox) = Mailbox::parse(&text) {
                let breaks = |c: char| c.is_control() || c.is_whitespace() || "<>\"(),;\\".contains(c);
                prop_assert!(!mailbox.text.contains(breaks), "{}", mailbox.text);
                prop_assert!(mailbox.domain().is_ascii());
            }
        }
    }
}
