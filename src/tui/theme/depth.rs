//! How many colours a terminal shows.

/// The colours that a terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Depth {
    /// None, or none wanted: bold, underlined and reversed text remain.
    None,
    /// The sixteen of the terminal's own palette. Every terminal that shows
    /// colour shows these, so they are what the first frame uses.
    #[default]
    Ansi16,
    /// The 256 of xterm.
    Ansi256,
    /// 24 bits.
    True,
}

impl Depth {
    /// The depth that the environment speaks of; `env` looks a variable up.
    ///
    /// `NO_COLOR` (set and not empty, see no-color.org) wins over everything.
    /// `COLORTERM` is not forwarded by SSH, so its absence means little; `TERM`
    /// is, and says the rest.
    pub fn detect(env: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| env(name).filter(|value| !value.is_empty());
        let term = set("TERM").unwrap_or_default();
        if set("NO_COLOR").is_some() || term == "dumb" {
            return Self::None;
        }
        let says = |value: Option<String>, words: &[&str]| {
            value.is_some_and(|v| words.iter().any(|w| v.contains(w)))
        };
        if says(set("COLORTERM"), &["truecolor", "24bit"])
            || term.ends_with("-direct")
            || term.contains("kitty")
            || term.contains("alacritty")
            || term.contains("ghostty")
        {
            Self::True
        } else if term.contains("256") || set("WT_SESSION").is_some() {
            Self::Ansi256
        } else if term == "vt100" || term == "vt220" {
            Self::None
        } else {
            Self::Ansi16
        }
    }

    /// The depth of this name, as settings write it.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "none" | "mono" => Some(Self::None),
            "16" => Some(Self::Ansi16),
            "256" => Some(Self::Ansi256),
            "true" | "truecolor" => Some(Self::True),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detect(vars: &[(&str, &str)]) -> Depth {
        Depth::detect(|name| vars.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
    }

    #[test]
    fn the_environment_is_a_hint() {
        assert_eq!(detect(&[]), Depth::Ansi16);
        assert_eq!(detect(&[("TERM", "xterm-256color")]), Depth::Ansi256);
        assert_eq!(detect(&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")]), Depth::True);
        assert_eq!(detect(&[("TERM", "linux")]), Depth::Ansi16);
        assert_eq!(detect(&[("TERM", "dumb")]), Depth::None);
    }

    #[test]
    fn no_color_wins_when_it_is_not_empty() {
        assert_eq!(detect(&[("NO_COLOR", "1"), ("COLORTERM", "truecolor")]), Depth::None);
        assert_eq!(detect(&[("NO_COLOR", ""), ("TERM", "xterm-256color")]), Depth::Ansi256);
    }
}
