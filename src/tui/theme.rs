//! How the console looks: roles, from files.
//!
//! A theme file (`themes/*.toml`) gives each [`Role`] a style; widgets ask for
//! roles and never for colours. Each style exists at every [`Depth`], and what a
//! state says in colour it also says by a glyph and a word.

mod depth;
mod paint;
mod role;

use std::collections::BTreeMap;

use ratatui::style::{Modifier, Style};
use serde::Deserialize;

pub use depth::Depth;
pub use paint::{Paint, Rgb, contrast, indexed, nearest_256, rgb_of};
pub use role::Role;

/// The themes that are built in, by name.
pub const SHIPPED: &[(&str, &str)] = &[
    ("dark", include_str!("../../themes/dark.toml")),
    ("light", include_str!("../../themes/light.toml")),
    ("contrast", include_str!("../../themes/contrast.toml")),
    ("safe", include_str!("../../themes/safe.toml")),
    ("sixteen", include_str!("../../themes/sixteen.toml")),
    ("mono", include_str!("../../themes/mono.toml")),
];

/// A theme file that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {text}")]
pub struct ThemeError {
    /// The file, as it was named when it was read.
    pub file: String,
    /// What is wrong, with the line where it is known.
    pub text: String,
}

/// Whether a theme is meant for a dark or a light background.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Appearance {
    /// Light text on dark.
    Dark,
    /// Dark text on light.
    Light,
    /// Either: it brings no colours.
    Any,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    inherits: Option<String>,
    #[serde(default)]
    appearance: Option<Appearance>,
    #[serde(default)]
    palette: BTreeMap<String, paint::Spec>,
    #[serde(default)]
    roles: BTreeMap<String, Spec>,
}

/// A role as a file writes it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a key of the file format")]
struct Spec {
    fg: Option<String>,
    bg: Option<String>,
    bold: bool,
    dim: bool,
    italic: bool,
    underline: bool,
    reverse: bool,
    /// What stands for the colour where there is none: bold, dim, italic,
    /// underline, reverse, with spaces between.
    mono: Option<String>,
    glyph: Option<String>,
    ascii: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Look {
    fg: Option<Paint>,
    bg: Option<Paint>,
    modifier: Modifier,
    mono: Modifier,
    glyph: Option<String>,
    ascii: Option<String>,
}

/// A theme at one depth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theme {
    name: String,
    appearance: Appearance,
    depth: Depth,
    ascii: bool,
    looks: BTreeMap<String, Look>,
}

impl Theme {
    /// A shipped theme by its name.
    pub fn shipped(name: &str, depth: Depth) -> Result<Self, ThemeError> {
        let mut theme = Self::empty(name, depth);
        theme.inherit(name, &format!("the theme “{name}”"), 0)?;
        Ok(theme)
    }

    /// What a shipped theme is for: the first line of its file.
    pub fn about(name: &str) -> &'static str {
        let file = SHIPPED.iter().find(|(shipped, _)| *shipped == name);
        let line = file.and_then(|(_, text)| text.lines().next()).unwrap_or_default();
        line.trim_start_matches('#').trim()
    }

    /// A user's file, over what it inherits.
    pub fn from_file(file: &str, text: &str, depth: Depth) -> Result<Self, ThemeError> {
        let mut theme = Self::empty(file, depth);
        theme.layer(file, text, 0)?;
        Ok(theme)
    }

    /// The theme that a seat starts with: the first that can be read of the one
    /// named and the dark one. What was wrong is told, for the screen to show.
    pub fn start(name: &str, depth: Depth) -> (Self, Option<ThemeError>) {
        match Self::shipped(name, depth) {
            Ok(theme) => (theme, None),
            Err(error) => {
                (Self::shipped("dark", depth).unwrap_or_else(|_| Self::empty("dark", depth)), Some(error))
            }
        }
    }

    fn empty(name: &str, depth: Depth) -> Self {
        Self {
            name: name.to_owned(),
            appearance: Appearance::Any,
            depth,
            ascii: false,
            looks: BTreeMap::new(),
        }
    }

    fn inherit(&mut self, name: &str, asked_by: &str, depth: usize) -> Result<(), ThemeError> {
        match SHIPPED.iter().find(|(shipped, _)| *shipped == name) {
            Some((_, text)) if depth <= SHIPPED.len() => {
                self.layer(&format!("themes/{name}.toml"), text, depth)
            }
            Some(_) => Err(ThemeError { file: asked_by.to_owned(), text: "it inherits itself".to_owned() }),
            None => {
                let names: Vec<_> = SHIPPED.iter().map(|(name, _)| *name).collect();
                let text = format!("there is no theme “{name}”; there are {}", names.join(", "));
                Err(ThemeError { file: asked_by.to_owned(), text })
            }
        }
    }

    fn layer(&mut self, file: &str, text: &str, depth: usize) -> Result<(), ThemeError> {
        let fail = |text: String| ThemeError { file: file.to_owned(), text };
        let parsed: File =
            toml::from_str(text).map_err(|error| fail(error.to_string().trim_end().to_owned()))?;
        if let Some(base) = &parsed.inherits {
            self.inherit(base, file, depth + 1)?;
        }
        self.appearance = parsed.appearance.unwrap_or(self.appearance);
        let mut palette = BTreeMap::new();
        for (name, spec) in &parsed.palette {
            palette
                .insert(name.as_str(), spec.paint().map_err(|why| fail(format!("palette.{name}: {why}")))?);
        }
        let paint = |name: &String| match palette.get(name.as_str()) {
            Some(paint) => Ok(*paint),
            None => paint::Spec::One(name.clone()).paint(),
        };
        for (role, spec) in &parsed.roles {
            let wrong = |why: String| fail(format!("roles.\"{role}\": {why}"));
            if !Role::ALL.iter().any(|known| known.fallbacks().any(|name| name == role)) {
                return Err(wrong("there is no such role".to_owned()));
            }
            let old = self.looks.get(role);
            let look = Look {
                fg: spec.fg.as_ref().map(paint).transpose().map_err(wrong)?,
                bg: spec.bg.as_ref().map(paint).transpose().map_err(wrong)?,
                modifier: spec.modifier(),
                mono: modifiers(spec.mono.as_deref().unwrap_or_default()).map_err(wrong)?,
                glyph: spec.glyph.clone().or_else(|| old.and_then(|old| old.glyph.clone())),
                ascii: spec.ascii.clone().or_else(|| old.and_then(|old| old.ascii.clone())),
            };
            self.looks.insert(role.clone(), look);
        }
        Ok(())
    }

    /// The theme's name, or its file's.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The background that it is meant for.
    pub fn appearance(&self) -> Appearance {
        self.appearance
    }

    /// The depth whose styles it gives.
    pub fn depth(&self) -> Depth {
        self.depth
    }

    /// The same theme for a terminal of another depth.
    #[must_use]
    pub fn with_depth(mut self, depth: Depth) -> Self {
        self.depth = depth;
        self
    }

    /// The same theme with letters for glyphs, where a terminal or its font shows
    /// no others.
    #[must_use]
    pub fn with_ascii(mut self, ascii: bool) -> Self {
        self.ascii = ascii;
        self
    }

    fn look(&self, role: Role) -> Option<&Look> {
        role.fallbacks().find_map(|name| self.looks.get(name))
    }

    /// The style of a role.
    pub fn style(&self, role: Role) -> Style {
        let Some(look) = self.look(role) else { return Style::new() };
        let mut style = Style::new().add_modifier(look.modifier);
        style.fg = look.fg.and_then(|paint| paint.at(self.depth));
        style.bg = look.bg.and_then(|paint| paint.at(self.depth));
        if self.depth == Depth::None {
            style = style.add_modifier(look.mono);
        }
        style
    }

    /// The glyph of a role, one column wide; a space if it has none. The word
    /// that goes with it is the domain's.
    pub fn glyph(&self, role: Role) -> &str {
        let named = role.fallbacks().filter_map(|name| self.looks.get(name));
        let mut glyphs =
            named.filter_map(|look| if self.ascii { look.ascii.as_deref() } else { look.glyph.as_deref() });
        glyphs.next().unwrap_or(" ")
    }
}

impl Spec {
    fn modifier(&self) -> Modifier {
        let mut modifier = Modifier::empty();
        modifier.set(Modifier::BOLD, self.bold);
        modifier.set(Modifier::DIM, self.dim);
        modifier.set(Modifier::ITALIC, self.italic);
        modifier.set(Modifier::UNDERLINED, self.underline);
        modifier.set(Modifier::REVERSED, self.reverse);
        modifier
    }
}

fn modifiers(text: &str) -> Result<Modifier, String> {
    text.split_whitespace().try_fold(Modifier::empty(), |all, word| {
        Ok(all
            | match word {
                "bold" => Modifier::BOLD,
                "dim" => Modifier::DIM,
                "italic" => Modifier::ITALIC,
                "underline" => Modifier::UNDERLINED,
                "reverse" => Modifier::REVERSED,
                other => {
                    return Err(format!("mono is bold, dim, italic, underline or reverse, not “{other}”"));
                }
            })
    })
}

#[cfg(test)]
mod tests;
