//! What values of settings look like, and how they are read and written.

use crate::domain::when::{format_duration, parse_duration};
use crate::domain::zone::Zone;
use chrono::TimeDelta;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// What a setting's value looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// `true` or `false`; the flag alone means `true`.
    Switch,
    /// A whole number.
    Count,
    /// A number, maybe with a decimal point.
    Number,
    /// A length of time: `20ms`, `90s`, `3d`.
    Duration,
    /// A number of bytes: `256MiB`.
    Bytes,
    /// A file or directory.
    Path,
    /// Address and port: `127.0.0.1:8080`.
    Address,
    /// Addresses of machines, with commas: `10.0.0.2, 10.0.0.3`.
    Addresses,
    /// Scopes by person: `mira=messages.read+topics.read, deploy=*`.
    Grants,
    /// One of a closed list.
    Choice(&'static [&'static str]),
    /// A text.
    Text,
    /// A URL or a command line, in which a token may stand: shown in part only.
    Secret,
}

impl Shape {
    /// What a value looks like, for help and errors.
    pub fn example(self) -> String {
        match self {
            Self::Switch => "true or false".into(),
            Self::Count => "a whole number".into(),
            Self::Number => "a number".into(),
            Self::Duration => "a length of time such as 500ms, 90s, 12h or 3d".into(),
            Self::Bytes => "a size such as 64MiB or 2GiB".into(),
            Self::Path => "a path".into(),
            Self::Address => "an address and a port such as 127.0.0.1:8080".into(),
            Self::Addresses => "addresses of machines such as 10.0.0.2, with commas".into(),
            Self::Grants => "who=scope+scope, with commas, such as mira=messages.read+topics.read".into(),
            Self::Choice(words) => format!("one of {}", words.join(", ")),
            Self::Text | Self::Secret => "a text".into(),
        }
    }
}

/// A type that a setting can have.
pub trait SettingValue: Sized {
    /// What it looks like.
    const SHAPE: Shape;
    /// Reads a value.
    fn read(text: &str) -> Option<Self>;
    /// Writes it the way that it is read.
    fn write(&self) -> String;
}

/// An optional value: empty is none.
impl<T: SettingValue> SettingValue for Option<T> {
    const SHAPE: Shape = T::SHAPE;
    fn read(text: &str) -> Option<Self> {
        if text.is_empty() { Some(None) } else { T::read(text).map(Some) }
    }
    fn write(&self) -> String {
        self.as_ref().map(T::write).unwrap_or_default()
    }
}

impl SettingValue for bool {
    const SHAPE: Shape = Shape::Switch;
    fn read(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Some(true),
            "false" | "no" | "off" | "0" => Some(false),
            _ => None,
        }
    }
    fn write(&self) -> String {
        self.to_string()
    }
}

macro_rules! counts {
    ($($type:ty),*) => {$(
        impl SettingValue for $type {
            const SHAPE: Shape = Shape::Count;
            fn read(text: &str) -> Option<Self> {
                text.replace('_', "").parse().ok()
            }
            fn write(&self) -> String {
                self.to_string()
            }
        }
    )*};
}
counts!(u16, u32, u64);

impl SettingValue for f64 {
    const SHAPE: Shape = Shape::Number;
    fn read(text: &str) -> Option<Self> {
        text.parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0)
    }
    fn write(&self) -> String {
        self.to_string()
    }
}

impl SettingValue for Duration {
    const SHAPE: Shape = Shape::Duration;
    fn read(text: &str) -> Option<Self> {
        if text == "0" {
            return Some(Duration::ZERO);
        }
        parse_duration(text)?.to_std().ok()
    }
    fn write(&self) -> String {
        TimeDelta::from_std(*self).map(format_duration).unwrap_or_default()
    }
}

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(pub u64);

/// Units, the largest first; the decimal ones are read and never written.
const BYTE_UNITS: &[(&str, u64)] = &[
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("T", 1 << 40),
    ("G", 1 << 30),
    ("M", 1 << 20),
    ("K", 1 << 10),
    ("B", 1),
];

impl SettingValue for Bytes {
    const SHAPE: Shape = Shape::Bytes;
    fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        for (unit, factor) in BYTE_UNITS {
            let Some(at) = text.len().checked_sub(unit.len()) else { continue };
            if text.is_char_boundary(at) && text[at..].eq_ignore_ascii_case(unit) {
                let number: u64 = text[..at].trim().replace('_', "").parse().ok()?;
                return number.checked_mul(*factor).map(Self);
            }
        }
        text.replace('_', "").parse().ok().map(Self)
    }
    fn write(&self) -> String {
        BYTE_UNITS[..4]
            .iter()
            .find(|(_, factor)| self.0 >= *factor && self.0.is_multiple_of(*factor))
            .map_or_else(|| self.0.to_string(), |(unit, factor)| format!("{}{unit}", self.0 / factor))
    }
}

impl SettingValue for PathBuf {
    const SHAPE: Shape = Shape::Path;
    fn read(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| text.into())
    }
    fn write(&self) -> String {
        self.display().to_string()
    }
}

impl SettingValue for SocketAddr {
    const SHAPE: Shape = Shape::Address;
    fn read(text: &str) -> Option<Self> {
        let text =
            text.strip_prefix("localhost").map_or_else(|| text.to_owned(), |rest| format!("127.0.0.1{rest}"));
        text.parse().ok()
    }
    fn write(&self) -> String {
        self.to_string()
    }
}

impl SettingValue for String {
    const SHAPE: Shape = Shape::Text;
    fn read(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }
    fn write(&self) -> String {
        self.clone()
    }
}

/// A URL or a command line, in which a token may stand.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret(pub String);

impl Secret {
    /// What is shown of it: of a URL its scheme and host, of a command line its program.
    pub fn shown(&self) -> String {
        let text = self.0.as_str();
        if let Some((scheme, rest)) = text.split_once("://") {
            let (place, path) = rest.find(['/', '?', '#']).map_or((rest, ""), |at| rest.split_at(at));
            let host = place.rsplit_once('@').map_or(place, |(_, host)| host);
            let bare = host == place && matches!(path, "" | "/");
            return if bare { text.to_owned() } else { format!("{scheme}://{host}/{VEIL}") };
        }
        match text.split_once(char::is_whitespace) {
            Some((program, more)) if !more.trim().is_empty() => format!("{program} {VEIL}"),
            _ => text.to_owned(),
        }
    }
}

/// Stands for what is not shown.
const VEIL: &str = "••••";

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.shown())
    }
}

impl SettingValue for Secret {
    const SHAPE: Shape = Shape::Secret;
    fn read(text: &str) -> Option<Self> {
        Some(Self(text.trim().to_owned()))
    }
    fn write(&self) -> String {
        self.0.clone()
    }
}

impl SettingValue for Zone {
    const SHAPE: Shape = Shape::Text;
    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
    fn write(&self) -> String {
        self.name().to_owned()
    }
}

/// How much Herald says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Only what needs an operator.
    Error,
    /// And what might.
    Warn,
    /// And what happened.
    Info,
    /// And how.
    Debug,
    /// And every step of it.
    Trace,
}

impl LogLevel {
    const WORDS: &'static [&'static str] = &["error", "warn", "info", "debug", "trace"];

    /// The word.
    pub const fn as_str(self) -> &'static str {
        Self::WORDS[self as usize]
    }
}

impl SettingValue for LogLevel {
    const SHAPE: Shape = Shape::Choice(Self::WORDS);
    fn read(text: &str) -> Option<Self> {
        [Self::Error, Self::Warn, Self::Info, Self::Debug, Self::Trace]
            .into_iter()
            .find(|level| level.as_str().eq_ignore_ascii_case(text))
    }
    fn write(&self) -> String {
        self.as_str().to_owned()
    }
}

/// A country by its two letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Country(pub String);

impl SettingValue for Country {
    const SHAPE: Shape = Shape::Text;
    fn read(text: &str) -> Option<Self> {
        let good = text.len() == 2 && text.bytes().all(|b| b.is_ascii_alphabetic());
        good.then(|| Self(text.to_ascii_uppercase()))
    }
    fn write(&self) -> String {
        self.0.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sizes() {
        assert_eq!(Bytes::read("64MiB"), Some(Bytes(64 << 20)));
        assert_eq!(Bytes::read("64 mib"), Some(Bytes(64 << 20)));
        assert_eq!(Bytes::read("2G"), Some(Bytes(2 << 30)));
        assert_eq!(Bytes::read("1GB"), Some(Bytes(1_000_000_000)));
        assert_eq!(Bytes::read("4096"), Some(Bytes(4096)));
        for bad in ["", "MiB", "-1", "1.5GiB", "1XB", "99999999999TiB"] {
            assert_eq!(Bytes::read(bad), None, "{bad}");
        }
    }

    #[test]
    fn addresses() {
        assert_eq!(SocketAddr::read("localhost:80").unwrap().to_string(), "127.0.0.1:80");
        assert!(SocketAddr::read("[::1]:80").is_some());
        assert!(SocketAddr::read("8080").is_none());
    }

    proptest! {
        #[test]
        fn sizes_round_trip(bytes: u64) {
            prop_assert_eq!(Bytes::read(&Bytes(bytes).write()), Some(Bytes(bytes)));
        }

        #[test]
        fn lengths_round_trip(ms in 0u64..10_000_000_000) {
            let span = Duration::from_millis(ms);
            prop_assert_eq!(Duration::read(&span.write()), Some(span), "{}", span.write());
        }

        #[test]
        fn nothing_panics(text in ".{0,20}") {
            let _ = (Bytes::read(&text), Duration::read(&text), SocketAddr::read(&text), Country::read(&text));
        }
    }
}
