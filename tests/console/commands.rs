//! What is shown as the same thing on the command line, or as a request, really is one.

use clap::Parser as _;
use herald::api::routes::ROUTES;
use herald::cli::args::Cli;
use herald::tui::action::{Action, Danger, TABLE};
use herald::tui::keymap::Mode;
use herald::tui::message::{Command, Effect, Msg};
use herald::tui::runtime::Request;
use herald::tui::state::{Overlay, State};
use herald::tui::update::update;
use std::collections::BTreeSet;

use super::screens::{answer, begun, press};
use super::seat::key;
use super::world::World;

/// The words of a line as a POSIX shell reads it.
fn words(line: &str) -> Vec<String> {
    let (mut out, mut word, mut quoted, mut any) = (Vec::new(), String::new(), false, false);
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '\'' => (quoted, any) = (!quoted, true),
            '\\' if !quoted => word.extend(chars.next()),
            ' ' if !quoted => {
                if any || !word.is_empty() {
                    out.push(std::mem::take(&mut word));
                }
                any = false;
            }
            _ => word.push(c),
        }
    }
    assert!(!quoted, "a quote is open: {line}");
    if any || !word.is_empty() {
        out.push(word);
    }
    out
}

fn runs(line: &str) {
    let words = words(line);
    assert_eq!(words[0], "herald", "{line}");
    assert!(!line.contains(['{', '}']), "something is left to be filled in: {line}");
    if let Err(error) = Cli::try_parse_from(&words) {
        panic!("`{line}` does not run: {error}");
    }
}

fn is_route(line: &str) -> bool {
    let mut words = line.split(' ');
    let (method, path) = (words.next().unwrap(), words.next().unwrap());
    let path: Vec<&str> = path.split('/').collect();
    ROUTES.iter().any(|route| {
        let shape: Vec<&str> = route.path.split('/').collect();
        let fits = |(a, b): (&&str, &&str)| a == b || a.starts_with('{');
        route.method == method && shape.len() == path.len() && shape.iter().zip(&path).all(fits)
    })
}

/// Presses a key; answers what is asked, and gives what is to be copied.
fn copied(state: &mut State, world: &World, name: &str) -> Vec<String> {
    let mut effects = update(state, Msg::Key(key(name)));
    let mut out = Vec::new();
    while let Some(effect) = effects.pop() {
        match effect {
            Effect::Fetch(slot, fetch) => {
                effects.extend(update(state, Msg::Answer(slot, Ok(answer(world, fetch)))));
            }
            Effect::Ask(Request::Copy(text)) => out.push(text),
            _ => {}
        }
    }
    out
}

/// A place from which keys are pressed: a world, and the way there.
type Place = (fn() -> World, &'static str);

const PLACES: &[Place] = &[
    (World::busy, "0"),
    (World::busy, "1"),
    (World::busy, "1 j"),
    (World::busy, "1 j j"),
    (World::busy, "1 j j j"),
    (World::busy, "1 enter"),
    (World::busy, "1 space j space"),
    (World::busy, "1 *"),
    (World::busy, "2 *"),
    (World::busy, "2 enter *"),
    (World::busy, "3 *"),
    (World::paused, "1"),
    (World::together, "1 j j"),
    (World::busy, "2"),
    (World::busy, "2 enter"),
    (World::busy, "3"),
    (World::busy, "3 j j"),
    (World::busy, "3 enter"),
    (World::busy, "4"),
    (World::busy, "4 j"),
    (World::busy, "5"),
    (World::busy, "5 n"),
];

#[test]
fn what_reviews_and_rows_show_as_the_same_runs() {
    let mut reviewed = BTreeSet::new();
    let mut lines = BTreeSet::new();
    for (world, way) in PLACES {
        for row in TABLE.iter().filter(|row| row.danger != Danger::Commits) {
            let world = world();
            let mut state = begun(&world, 120, 40);
            press(&mut state, &world, way);
            let (scopes, _) = state.keys();
            let keys = scopes.iter().flat_map(|scope| state.keymap.keys_in(row.action, *scope, Mode::Normal));
            let Some(keys) = keys.clone().next() else { continue };
            let mut texts = Vec::new();
            for one in keys.split(' ') {
                texts = copied(&mut state, &world, one);
            }
            if row.action == Action::CopyCommand {
                for text in texts {
                    runs(&text);
                    lines.insert(text);
                }
            }
            let Some(Overlay::Review(review)) = state.overlays.last() else { continue };
            // A review that is left with no harm is of this console alone.
            if matches!(review.command(), Command::Leave) {
                continue;
            }
            let Some(line) = review.command_line() else { panic!("{}: no command line", row.id) };
            for line in line.lines() {
                runs(line);
                lines.insert(line.to_owned());
            }
            reviewed.insert(row.action);
            let none = matches!(review.command(), Command::FollowUp(..));
            assert_eq!(review.request_line().is_none(), none, "{}", row.id);
            for line in review.request_line().unwrap_or_default().lines() {
                assert!(is_route(line), "{}: there is no route {line}", row.id);
            }
        }
    }
    // What opens a review at once shows its line there; the others lead through a form or a list.
    let direct = [
        Action::SendMessage,
        Action::EditMessage,
        Action::CancelMessage,
        Action::DeleteMessage,
        Action::RetryMessage,
        Action::CorrectRest,
        Action::ThoseReached,
        Action::MessageResume,
        Action::DeleteTopic,
        Action::Unsubscribe,
        Action::DeleteTarget,
        Action::Suppress,
        Action::DeleteProvider,
        Action::ProviderDisable,
        Action::ProviderResume,
        Action::StopSending,
        Action::ResumeSending,
    ];
    for action in direct {
        assert!(reviewed.contains(&action), "{action}: no review with a command line was seen");
    }
    assert!(lines.len() > 20, "{lines:?}");
}
