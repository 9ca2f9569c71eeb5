//! Settings: one table, from which the flag, the environment variable and the
//! key of the configuration file are made.
//!
//! A setting `outgoing.allow_private` is the flag `--outgoing-allow-private`, the
//! variable `HERALD_OUTGOING_ALLOW_PRIVATE`, and in the file
//!
//! ```toml
//! [outgoing]
//! allow_private = true
//! ```
//!
//! A flag wins over the environment, that over the file, that over the default.
//! A key that nobody knows is an error with its line, so that a typing mistake
//! never passes as a default.

mod access;
mod load;
mod table;
mod value;

pub use access::{Addresses, Grant, Grants};
pub use load::{Origin, SettingsError, Shown, Sources};
pub use table::{SETTINGS, Settings};
pub use value::{Bytes, Country, LogLevel, Secret, SettingValue, Shape};

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// The name, such as `outgoing.allow_private`: also the key in the file.
    pub name: &'static str,
    /// What its value looks like.
    pub shape: Shape,
    /// The default, as it would be written; empty: none.
    pub default: &'static str,
    /// The unit of a plain number; empty when the value says it itself.
    pub unit: &'static str,
    /// What it does, in a line.
    pub help: &'static str,
}

impl Setting {
    /// The row of a name.
    pub fn named(name: &str) -> Option<&'static Self> {
        SETTINGS.iter().find(|setting| setting.name == name)
    }

    /// The long flag, without its dashes.
    pub fn flag(&self) -> String {
        self.name.replace(['.', '_'], "-")
    }

    /// The environment variable.
    pub fn variable(&self) -> String {
        format!("HERALD_{}", self.name.replace('.', "_").to_uppercase())
    }

    /// Whether its flag may stand without a value.
    pub fn is_switch(&self) -> bool {
        self.shape == Shape::Switch
    }
}
