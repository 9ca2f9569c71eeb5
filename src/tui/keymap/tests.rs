use crossterm::event::KeyModifiers;

use super::*;
use crate::tui::action::{Danger, TABLE};

const SCOPES: &[Scope] = &[Scope::Messages, Scope::List, Scope::Global];

fn press(text: &str) -> KeyEvent {
    let (code, modifiers) = match text {
        "esc" => (KeyCode::Esc, KeyModifiers::NONE),
        "enter" => (KeyCode::Enter, KeyModifiers::NONE),
        text => match text.strip_prefix("alt-") {
            Some(rest) => (KeyCode::Char(rest.chars().next().unwrap()), KeyModifiers::ALT),
            None => (KeyCode::Char(text.chars().next().unwrap()), KeyModifiers::NONE),
        },
    };
    KeyEvent::new(code, modifiers)
}

fn default() -> Keymap {
    Keymap::shipped("default").unwrap()
}

#[test]
fn every_shipped_keymap_is_sound() {
    for (name, _) in SHIPPED {
        let problems = Keymap::shipped(name).err().unwrap_or_default();
        assert!(
            problems.is_empty(),
            "{}",
            problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        );
    }
}

#[test]
fn keys_that_belong_to_others_are_left_alone_by_default() {
    for (name, _) in SHIPPED {
        for (scope, mode, keys, action) in Keymap::shipped(name).unwrap().bindings() {
            for key in &keys {
                // Terminal multiplexers take a and b, the bell is g, flow control s and q.
                assert!(!key.is_ctrl_letter("abgsq"), "{name}: {scope} {mode:?} {key} {action}");
            }
            if action.row().danger != Danger::None {
                assert!(!keys[0].is_ctrl_letter("abcdefghijklmnopqrstuvwxyz"), "{name}: {keys:?} {action}");
            }
        }
    }
}

#[test]
fn what_sends_or_deletes_is_never_one_plain_key() {
    for (name, _) in SHIPPED {
        for (_, mode, keys, action) in Keymap::shipped(name).unwrap().bindings() {
            if action.row().danger == Danger::Commits {
                assert!(keys.len() > 1 || !keys[0].is_printable(), "{name}: {mode:?} {keys:?} {action}");
            }
        }
    }
}

#[test]
fn every_action_has_a_key_somewhere() {
    let keymap = default();
    for row in TABLE {
        let bound = keymap.bindings().iter().any(|(_, _, _, action)| *action == row.action);
        assert!(bound, "{} has no key by default", row.id);
    }
}

#[test]
fn sequences_wait_and_esc_ends_them() {
    let keymap = default();
    let mut pending = Pending::default();
    assert_eq!(keymap.resolve(&mut pending, SCOPES, Mode::Normal, press("g")), Resolved::Pending);
    let hints = keymap.hints(&pending, SCOPES, Mode::Normal);
    assert!(hints.iter().any(|hint| hint.key == "g" && hint.title == "Top"), "{hints:?}");
    assert_eq!(keymap.resolve(&mut pending, SCOPES, Mode::Normal, press("g")), Resolved::Action(Action::Top));
    assert!(pending.is_empty());

    keymap.resolve(&mut pending, SCOPES, Mode::Normal, press("g"));
    assert_eq!(keymap.resolve(&mut pending, SCOPES, Mode::Normal, press("esc")), Resolved::Nothing);
    assert_eq!(
        keymap.resolve(&mut pending, SCOPES, Mode::Normal, press("esc")),
        Resolved::Action(Action::Back)
    );
}

#[test]
fn in_a_text_field_keys_are_text() {
    let keymap = default();
    let mut pending = Pending::default();
    let scopes = &[Scope::Compose, Scope::Form, Scope::Global];
    for key in ["q", "?", "0", ":", "g", "/"] {
        assert_eq!(
            keymap.resolve(&mut pending, scopes, Mode::Insert, press(key)),
            Resolved::Text(press(key))
        );
    }
    assert_eq!(
        keymap.resolve(&mut pending, scopes, Mode::Insert, press("alt-r")),
        Resolved::Action(Action::Review)
    );
}

#[test]
fn key_releases_mean_nothing() {
    let mut key = press("q");
    key.kind = KeyEventKind::Release;
    assert_eq!(default().resolve(&mut Pending::default(), SCOPES, Mode::Normal, key), Resolved::Nothing);
}

#[test]
fn a_user_file_layers_over_the_default() {
    let (keymap, problems) = Keymap::with_user_file(
        "default",
        "keys.toml",
        "[global]\nq = \"none\"\nQ = \"app.quit\"\n[list]\ng = \"move.end\"\n",
    );
    assert_eq!(problems, []);
    let mut pending = Pending::default();
    let mut resolve = |key| keymap.resolve(&mut pending, SCOPES, Mode::Normal, press(key));
    assert_eq!(resolve("q"), Resolved::Nothing);
    assert_eq!(resolve("Q"), Resolved::Action(Action::Quit));
    assert_eq!(resolve("g"), Resolved::Action(Action::End));
    assert_eq!(resolve("?"), Resolved::Action(Action::Help));
}

#[test]
fn problems_name_file_line_and_both_parties() {
    let text = r#"inherits = "default"
[global]
"ctrl-k" = "app.help"
"Ctrl+K" = "app.quit"
"z" = "app.refresh"
"z z" = "app.suspend"
"w" = "app.halp"
"hyper-x" = "app.help"
"p" = "message.pause"
[review]
"y" = "review.confirm"
[insert.compose]
"x" = "compose.review"
"left" = "form.previous"
[nowhere]
"#;
    let (keymap, problems) = Keymap::with_user_file("default", "keys.toml", text);
    let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let expect = |start: &str, parts: &[&str]| {
        let found = said.iter().find(|line| line.starts_with(start));
        let found = found.unwrap_or_else(|| panic!("no problem begins with {start}: {said:#?}"));
        for part in parts {
            assert!(found.contains(part), "{found} lacks {part}");
        }
    };
    expect("keys.toml:4:", &["ctrl-k", "app.help in line 3", "app.quit"]);
    expect("keys.toml:6:", &["z z", "app.suspend", "app.refresh, line 5"]);
    expect("keys.toml:7:", &["app.halp", "did you mean “app.help”"]);
    expect("keys.toml:8:", &["hyper-x"]);
    expect("keys.toml:9:", &["message.pause works in messages, not in [global]"]);
    expect("keys.toml:11:", &["review.confirm", "“y”"]);
    expect("keys.toml:13:", &["edits text", "compose.review"]);
    expect("keys.toml:14:", &["“left”"]);
    expect("keys.toml:15:", &["nowhere"]);
    assert_eq!(said.len(), 9, "{said:#?}");
    // The rest of the file and the default still serve.
    assert_eq!(
        keymap.resolve(&mut Pending::default(), SCOPES, Mode::Normal, press("z")),
        Resolved::Action(Action::Refresh)
    );
}

#[test]
fn broken_toml_is_one_problem_and_the_default_serves() {
    let (keymap, problems) = Keymap::with_user_file("vim", "keys.toml", "[global]\nq = \n");
    assert_eq!((problems.len(), problems[0].line), (1, 2), "{problems:?}");
    assert_eq!(keymap, Keymap::shipped("vim").unwrap());
    let (_, problems) = Keymap::with_user_file("default", "keys.toml", "inherits = \"wordstar\"\n");
    assert!(problems[0].to_string().contains("wordstar"), "{problems:?}");
}

#[test]
fn footers_show_what_fits_and_what_has_a_key() {
    let keymap = default();
    let wanted = [
        Action::Open,
        Action::MessagePause,
        Action::RetryMessage,
        Action::Compose,
        Action::Filter,
        Action::Help,
        Action::Quit,
    ];
    let hints = keymap.footer(SCOPES, Mode::Normal, &wanted, 200);
    assert_eq!(hints.len(), FOOTER_HINTS);
    assert_eq!((hints[0].key.as_str(), hints[0].title.as_str()), ("enter", "open"));
    assert_eq!(keymap.footer(SCOPES, Mode::Normal, &wanted, 17).len(), 1);
    assert_eq!(keymap.footer(SCOPES, Mode::Normal, &wanted, 0), []);
    let (unbound, _) = Keymap::with_user_file("default", "k", "[messages]\np = \"none\"");
    assert!(unbound.footer(SCOPES, Mode::Normal, &[Action::MessagePause], 80).is_empty());
}

#[test]
fn keys_hidden_by_an_inner_scope_are_not_offered() {
    let (keymap, problems) = Keymap::with_user_file("default", "k", "[messages]\n\"?\" = \"message.pause\"");
    assert_eq!(problems, []);
    assert!(!keymap.keys_for(Action::Help, SCOPES).contains(&"?".to_owned()));
    assert!(keymap.keys_for(Action::Help, &[Scope::Topics, Scope::Global]).contains(&"?".to_owned()));
}
