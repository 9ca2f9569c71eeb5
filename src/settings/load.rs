//! Reading settings from flags, environment and file.

use super::value::Secret;
use super::{SETTINGS, Setting, Settings, Shape};
use crate::domain::filter::closest;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue};

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody said anything.
    Default,
    /// The configuration file, and the line.
    File {
        /// Which.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// An environment variable.
    Environment(String),
    /// A flag.
    Flag(String),
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Environment(name) => f.write_str(name),
            Self::Flag(flag) => write!(f, "--{flag}"),
        }
    }
}

/// Why settings could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// The file is not TOML.
    #[error("{path}:{line}: {problem}")]
    Syntax {
        /// Which file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// The file has a key that no setting has.
    #[error("{path}:{line}: there is no setting `{key}`{}", did_you_mean(.suggestion.as_deref()))]
    UnknownKey {
        /// Which file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The key.
        key: String,
        /// The key that was probably meant.
        suggestion: Option<String>,
    },
    /// A flag that no setting has.
    #[error("there is no setting `{key}`{}", did_you_mean(.suggestion.as_deref()))]
    UnknownFlag {
        /// The name that was given.
        key: String,
        /// The setting that was probably meant.
        suggestion: Option<String>,
    },
    /// A value that a setting cannot have.
    #[error("{origin}: `{value}` is no value for {name}: expected {expected}")]
    BadValue {
        /// Where it stood.
        origin: Origin,
        /// The setting.
        name: &'static str,
        /// The value.
        value: String,
        /// What is expected.
        expected: String,
    },
}

/// The setting that was probably meant by a name: the only one that has the same last part
/// (`operator.zone` for `console.zone`), else the closest one.
fn meant(name: &str) -> Option<String> {
    let last = |name: &'static str| name.rsplit('.').next().unwrap_or(name);
    let names = || SETTINGS.iter().map(|row| row.name);
    let part = name.rsplit('.').next().unwrap_or(name);
    let mut same = names().filter(|name| last(name) == part);
    let only = same.next().filter(|_| same.next().is_none());
    only.or_else(|| closest(name, names())).map(str::to_owned)
}

fn did_you_mean(suggestion: Option<&str>) -> String {
    suggestion.map(|key| format!("; did you mean `{key}`?")).unwrap_or_default()
}

/// Where settings come from.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// Flags that were given: the setting's name and the value.
    pub flags: BTreeMap<String, String>,
    /// The environment; only `HERALD_…` is looked at.
    pub environment: BTreeMap<String, String>,
    /// The configuration file: its path, for errors, and its text.
    pub file: Option<(PathBuf, String)>,
}

impl Sources {
    /// Takes the variables of this process.
    #[must_use]
    pub fn with_environment(mut self) -> Self {
        self.environment = std::env::vars().filter(|(name, _)| name.starts_with("HERALD_")).collect();
        self
    }
}

/// A setting as it is now, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The name.
    pub name: &'static str,
    /// The value as it would be written; of one that may hold a token, a part.
    pub value: String,
    /// Where it came from.
    pub origin: Origin,
    /// What it does.
    pub help: &'static str,
}

impl Settings {
    /// Reads every setting: a flag wins over the environment, that over the file,
    /// that over the default. An empty variable counts as not set.
    pub fn load(sources: &Sources) -> Result<Self, SettingsError> {
        let file = match &sources.file {
            Some((path, text)) => read_file(path, text)?,
            None => BTreeMap::new(),
        };
        if let Some(unknown) = sources.flags.keys().find(|name| Setting::named(name).is_none()) {
            return Err(SettingsError::UnknownFlag { key: unknown.clone(), suggestion: meant(unknown) });
        }
        Self::read(
            |row| {
                if let Some(value) = sources.flags.get(row.name) {
                    return Ok((value.clone(), Origin::Flag(row.flag())));
                }
                let variable = row.variable();
                if let Some(value) = sources.environment.get(&variable).filter(|value| !value.is_empty()) {
                    return Ok((value.clone(), Origin::Environment(variable)));
                }
                if let Some((value, origin)) = file.get(row.name) {
                    return Ok((value.clone(), origin.clone()));
                }
                Ok((row.default.to_owned(), Origin::Default))
            },
            |row, value, origin| SettingsError::BadValue {
                origin: origin.clone(),
                name: row.name,
                value: value.to_owned(),
                expected: row.shape.example(),
            },
        )
    }

    /// What every setting is now, and why.
    pub fn shown(&self) -> Vec<Shown> {
        SETTINGS
            .iter()
            .zip(self.written())
            .zip(&self.origins)
            .map(|((row, value), origin)| Shown {
                name: row.name,
                value: if row.shape == Shape::Secret { Secret(value).shown() } else { value },
                origin: origin.clone(),
                help: row.help,
            })
            .collect()
    }
}

fn line_of(text: &str, at: usize) -> usize {
    text.char_indices().take_while(|(place, _)| *place < at).filter(|(_, c)| *c == '\n').count() + 1
}

/// Values of the file by setting, as text.
fn read_file(path: &Path, text: &str) -> Result<BTreeMap<&'static str, (String, Origin)>, SettingsError> {
    let table = DeTable::parse(text).map_err(|error| SettingsError::Syntax {
        path: path.to_owned(),
        line: line_of(text, error.span().map_or(0, |span| span.start)),
        problem: error.message().trim().to_owned(),
    })?;
    let mut values = BTreeMap::new();
    read_table(path, text, "", table.get_ref(), &mut values)?;
    Ok(values)
}

fn read_table(
    path: &Path,
    text: &str,
    prefix: &str,
    table: &DeTable<'_>,
    values: &mut BTreeMap<&'static str, (String, Origin)>,
) -> Result<(), SettingsError> {
    for (key, value) in table {
        let name =
            if prefix.is_empty() { key.get_ref().to_string() } else { format!("{prefix}.{}", key.get_ref()) };
        let line = line_of(text, key.span().start);
        let origin = Origin::File { path: path.to_owned(), line };
        if let DeValue::Table(inner) = value.get_ref() {
            let section = format!("{name}.");
            if SETTINGS.iter().any(|row| row.name.starts_with(&section)) {
                read_table(path, text, &name, inner, values)?;
                continue;
            }
        }
        let Some(row) = Setting::named(&name) else {
            return Err(SettingsError::UnknownKey {
                path: path.to_owned(),
                line,
                suggestion: meant(&name),
                key: name,
            });
        };
        let value = match value.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Integer(number) => number.as_str().to_owned(),
            DeValue::Float(number) => number.as_str().to_owned(),
            DeValue::Boolean(flag) => flag.to_string(),
            other => {
                return Err(SettingsError::BadValue {
                    origin,
                    name: row.name,
                    value: format!("a TOML {}", other.type_str()),
                    expected: row.shape.example(),
                });
            }
        };
        values.insert(row.name, (value, origin));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_name_that_no_setting_has_says_which_was_meant() {
        let text = |key: &str| {
            let sources = Sources { flags: [(key.to_owned(), String::new())].into(), ..Sources::default() };
            Settings::load(&sources).unwrap_err().to_string()
        };
        let meant = "there is no setting `console.zone`; did you mean `operator.zone`?";
        assert_eq!(text("console.zone"), meant);
        assert_eq!(text("listn"), "there is no setting `listn`; did you mean `listen`?");
        assert_eq!(text("quite.other"), "there is no setting `quite.other`");
    }

    fn sources(file: &str, environment: &[(&str, &str)], flags: &[(&str, &str)]) -> Sources {
        let pairs =
            |list: &[(&str, &str)]| list.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Sources {
            flags: pairs(flags),
            environment: pairs(environment),
            file: Some(("herald.toml".into(), file.to_owned())),
        }
    }

    #[test]
    fn every_default_is_readable_and_written_as_it_stands() {
        let settings = Settings::load(&Sources::default()).unwrap();
        for (row, shown) in SETTINGS.iter().zip(settings.shown()) {
            assert_eq!(shown.value, row.default, "{}", row.name);
            assert_eq!(shown.origin, Origin::Default);
        }
    }

    #[test]
    fn what_may_hold_a_token_is_shown_in_part() {
        let file = "[alerts]\nwebhook = \"https://me:pw@hooks.example.com/T0/B1/s3cr3t?k=v\"\ncommand = \"/bin/page --token s3cr3t\"\n";
        let settings = Settings::load(&sources(file, &[], &[])).unwrap();
        assert_eq!(settings.alerts_webhook.0, "https://me:pw@hooks.example.com/T0/B1/s3cr3t?k=v");
        let value = |name: &str| settings.shown().into_iter().find(|row| row.name == name).unwrap().value;
        assert_eq!(value("alerts.webhook"), "https://hooks.example.com/••••");
        assert_eq!(value("alerts.command"), "/bin/page ••••");
        assert!(!format!("{settings:?}").contains("s3cr3t"));
        assert_eq!(Secret("https://hooks.example.com".into()).shown(), "https://hooks.example.com");
        assert_eq!(Secret("https://hooks.example.com?t=1".into()).shown(), "https://hooks.example.com/••••");
        assert_eq!(Secret("/bin/page".into()).shown(), "/bin/page");
    }

    #[test]
    fn names_are_distinct_in_every_form() {
        for form in [Setting::flag, Setting::variable] {
            let mut names: Vec<_> = SETTINGS.iter().map(form).collect();
            names.sort();
            let before = names.len();
            names.dedup();
            assert_eq!(names.len(), before);
        }
    }

    #[test]
    fn the_nearest_to_the_hand_wins() {
        let file = "[send]\nattempts_sms = 3\nundo = \"5s\"\n[outgoing]\nallow_private = true\n";
        let all = sources(file, &[("HERALD_SEND_ATTEMPTS_SMS", "4")], &[("send.attempts_sms", "5")]);
        let settings = Settings::load(&all).unwrap();
        assert_eq!(settings.attempts_sms, 5);
        assert_eq!(settings.undo, Duration::from_secs(5));
        assert!(settings.allow_private);
        let without_flag = sources(file, &[("HERALD_SEND_ATTEMPTS_SMS", "4")], &[]);
        assert_eq!(Settings::load(&without_flag).unwrap().attempts_sms, 4);
        let file_only = sources(file, &[("HERALD_SEND_ATTEMPTS_SMS", "")], &[]);
        let settings = Settings::load(&file_only).unwrap();
        assert_eq!(settings.attempts_sms, 3);
        let shown = settings.shown();
        let row = shown.iter().find(|row| row.name == "send.attempts_sms").unwrap();
        assert_eq!(row.origin.to_string(), "herald.toml:2");
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        let error = |file: &str| Settings::load(&sources(file, &[], &[])).unwrap_err().to_string();
        assert_eq!(
            error("label = \"x\"\n[send]\nretry_cup = 3\n"),
            "herald.toml:3: there is no setting `send.retry_cup`; did you mean `send.retry_cap`?"
        );
        assert!(
            error("\n\n[send]\nundo = \"soon\"")
                .starts_with("herald.toml:4: `soon` is no value for send.undo")
        );
        assert!(error("label = [1]").contains("a TOML array"), "{}", error("label = [1]"));
        assert!(error("label = ").starts_with("herald.toml:1: "));
        let environment = sources("", &[("HERALD_LOG_LEVEL", "loud")], &[]);
        let message = Settings::load(&environment).unwrap_err().to_string();
        assert_eq!(
            message,
            "HERALD_LOG_LEVEL: `loud` is no value for log.level: expected one of error, warn, info, debug, trace"
        );
        let flag = sources("", &[], &[("listen", "8080")]);
        assert!(Settings::load(&flag).unwrap_err().to_string().starts_with("--listen: `8080`"));
    }
}
