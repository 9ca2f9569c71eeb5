use std::collections::BTreeSet;

use ratatui::style::Color;
use unicode_width::UnicodeWidthStr;

use super::*;

const DEPTHS: [Depth; 4] = [Depth::None, Depth::Ansi16, Depth::Ansi256, Depth::True];

fn states() -> impl Iterator<Item = Role> {
    Role::ALL.iter().copied().filter(|role| role.0.starts_with("state."))
}

#[test]
fn every_shipped_theme_reads_and_names_every_state() {
    for (name, _) in SHIPPED {
        let theme = Theme::shipped(name, Depth::True).unwrap();
        for role in states() {
            assert!(theme.looks.contains_key(role.0), "{name} lacks {}", role.0);
            assert_eq!(theme.glyph(role).width(), 1, "{name} {}", role.0);
            let letters = theme.clone().with_ascii(true);
            assert!(letters.glyph(role).is_ascii() && letters.glyph(role).len() == 1, "{name} {}", role.0);
        }
    }
}

#[test]
fn states_are_told_apart_by_their_glyph_alone() {
    for (name, _) in SHIPPED {
        let theme = Theme::shipped(name, Depth::None).unwrap();
        for theme in [theme.clone(), theme.with_ascii(true)] {
            let glyphs: BTreeSet<_> = states().map(|role| theme.glyph(role).to_owned()).collect();
            assert_eq!(glyphs.len(), states().count(), "{name}: {glyphs:?}");
        }
    }
}

/// What a theme is read on: the darkest and the lightest greys in common use as
/// its background.
fn grounds(appearance: Appearance) -> [Rgb; 2] {
    match appearance {
        Appearance::Light => [(255, 255, 255), (0xf5, 0xf5, 0xf5)],
        Appearance::Dark | Appearance::Any => [(0, 0, 0), (0x1e, 0x1e, 0x1e)],
    }
}

#[test]
fn text_can_be_read_and_states_be_seen() {
    for (name, _) in SHIPPED {
        for depth in [Depth::Ansi256, Depth::True] {
            let theme = Theme::shipped(name, depth).unwrap();
            for role in Role::ALL {
                let style = theme.style(*role);
                let Some(fg) = style.fg.and_then(rgb_of) else { continue };
                let needed = if matches!(role.0, "rule" | "bar.empty") {
                    1.5
                } else if !role.0.starts_with("text") {
                    3.0
                } else {
                    4.5
                };
                let grounds = style
                    .bg
                    .and_then(rgb_of)
                    .map_or_else(|| grounds(theme.appearance()).to_vec(), |bg| vec![bg]);
                for ground in grounds {
                    let found = contrast(fg, ground);
                    assert!(found >= needed, "{name} {depth:?} {}: {found:.2} on {ground:?}", role.0);
                }
            }
        }
    }
}

#[test]
fn the_theme_of_high_contrast_has_it() {
    for depth in [Depth::Ansi256, Depth::True] {
        let theme = Theme::shipped("contrast", depth).unwrap();
        for role in Role::ALL.iter().filter(|role| !matches!(role.0, "rule" | "bar.empty")) {
            let Some(fg) = theme.style(*role).fg.and_then(rgb_of) else { continue };
            assert!(contrast(fg, (0, 0, 0)) >= 7.0, "{depth:?} {}", role.0);
        }
    }
}

/// What a colour looks like to whose red and green cones answer alike, by the
/// matrices of Viénot, Brettel and Mollon for deuteranopia and protanopia.
fn seen(rgb: Rgb, protan: bool) -> [f64; 3] {
    let linear = |c: u8| (f64::from(c) / 255.0).powf(2.2);
    let [r, g, b] = [linear(rgb.0), linear(rgb.1), linear(rgb.2)];
    if protan {
        let y = 0.112_38 * r + 0.887_62 * g;
        [y, y, 0.004_01 * r - 0.004_01 * g + b]
    } else {
        let y = 0.292_75 * r + 0.707_25 * g;
        [y, y, -0.022_34 * r + 0.022_34 * g + b]
    }
}

#[test]
fn the_safe_theme_tells_good_from_bad_without_red_and_green() {
    let theme = Theme::shipped("safe", Depth::True).unwrap();
    let of = |role: Role| theme.style(role).fg.and_then(rgb_of).unwrap();
    for protan in [false, true] {
        let (good, bad) = (seen(of(Role::STATE_OK), protan), seen(of(Role::STATE_FAILED), protan));
        let far: f64 = good.iter().zip(bad).map(|(a, b)| (a - b).powi(2)).sum();
        assert!(far.sqrt() > 0.3, "{far}");
    }
}

#[test]
fn without_colours_nothing_is_coloured_and_selection_still_shows() {
    for (name, _) in SHIPPED {
        let theme = Theme::shipped(name, Depth::None).unwrap();
        for role in Role::ALL {
            let style = theme.style(*role);
            assert_eq!((style.fg, style.bg), (None, None), "{name} {}", role.0);
        }
        assert!(theme.style(Role::ROW_SELECTED).add_modifier.contains(Modifier::REVERSED), "{name}");
        assert_ne!(theme.style(Role::TAB_ACTIVE), theme.style(Role::TAB), "{name}");
    }
}

#[test]
fn sixteen_colours_are_the_terminals_own() {
    for (name, _) in SHIPPED {
        let theme = Theme::shipped(name, Depth::Ansi16).unwrap();
        for role in Role::ALL {
            let style = theme.style(*role);
            for color in [style.fg, style.bg].into_iter().flatten() {
                assert!(!matches!(color, Color::Rgb(..) | Color::Indexed(_)), "{name} {}: {color:?}", role.0);
            }
        }
    }
}

#[test]
fn a_user_file_changes_only_what_it_names() {
    let text = "inherits = \"dark\"\n[roles]\n\"state.failed\" = { fg = \"#ff00ff\" }\n";
    for depth in DEPTHS {
        let mine = Theme::from_file("mine.toml", text, depth).unwrap();
        let dark = Theme::shipped("dark", depth).unwrap();
        assert_eq!(mine.glyph(Role::STATE_FAILED), dark.glyph(Role::STATE_FAILED));
        assert_eq!(mine.style(Role::TEXT_DIM), dark.style(Role::TEXT_DIM));
    }
    let mine = Theme::from_file("mine.toml", text, Depth::True).unwrap();
    assert_eq!(mine.style(Role::STATE_FAILED).fg, Some(Color::Rgb(255, 0, 255)));
}

#[test]
fn what_is_wrong_with_a_file_is_said() {
    let fails = |text: &str| Theme::from_file("mine.toml", text, Depth::True).unwrap_err().to_string();
    assert!(fails("[roles]\n\"state.faild\" = {}\n").contains("state.faild"));
    assert!(fails("[roles]\n\"text\" = { fg = \"mauve\" }\n").contains("mauve"));
    assert!(fails("[roles]\n\"text\" = { blink = true }\n").contains("line 2"));
    assert!(fails("inherits = \"solarized\"\n").contains("solarized"));
    let (theme, error) = Theme::start("solarized", Depth::Ansi16);
    assert_eq!(theme.appearance(), Appearance::Dark);
    assert!(error.is_some());
}
