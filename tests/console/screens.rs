//! Every screen, as text and as the roles of its cells.

use std::fmt::Write as _;

use chrono_tz::Tz;
use herald::tui::keymap::Keymap;
use herald::tui::message::{Answer, Effect, Fetch, Msg, Stored};
use herald::tui::state::{Place, State};
use herald::tui::theme::{Depth, Role, Theme};
use herald::tui::update::update;
use herald::tui::view::view;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::Color;

use super::seat::key;
use super::world::{World, now};

/// A theme in which every role is a colour of its own, so that a cell's role can
/// be read back.
fn theme() -> Theme {
    let mut text = "inherits = \"dark\"\n[roles]\n".to_owned();
    for (n, role) in Role::ALL.iter().enumerate() {
        let field = if *role == Role::ROW_SELECTED { "bg" } else { "fg" };
        writeln!(text, "\"{}\" = {{ {field} = \"#0000{:02x}\" }}", role.0, n + 1).unwrap();
    }
    Theme::from_file("roles", &text, Depth::True).unwrap()
}

pub fn answer(world: &World, fetch: Fetch) -> Answer {
    match fetch {
        Fetch::Overview => Answer::Overview(Box::new(world.overview.clone())),
        Fetch::Messages(page) => {
            let list = world.messages(page.after.as_deref(), page.limit);
            Answer::Messages(page, list)
        }
        Fetch::Message(id) => Answer::Message(Box::new(world.detail(&id).unwrap())),
        Fetch::Deliveries(request) => {
            let page = world.deliveries(&request);
            Answer::Deliveries(request, page)
        }
        Fetch::Audit(resource) => Answer::Audit(resource, World::audit()),
        Fetch::Topics(page) => {
            let list = world.topics(page.after.as_deref(), page.limit);
            Answer::Topics(page, list)
        }
        Fetch::Subscribers(topic, page) => {
            let list = world.subscribers(&topic, page.after.as_deref(), page.limit);
            Answer::Subscribers(topic, page, list)
        }
        Fetch::Targets(page) => {
            let list = world.targets(page.after.as_deref(), page.limit);
            Answer::Targets(page, list)
        }
        Fetch::Drafts => Answer::Drafts(world.drafts.clone()),
        Fetch::Errors(id) => Answer::Errors(id, World::errors()),
        Fetch::Folder(typed) => Answer::Folder(World::folder(&typed)),
        Fetch::File(at) => Answer::File(Stored { at, name: "prices.pdf".to_owned(), bytes: 120_000 }),
        Fetch::Settings => Answer::Settings(World::settings()),
        Fetch::Suppressions(asked) => {
            let list = world.suppressions(&asked);
            Answer::Suppressions(asked, list)
        }
        Fetch::UndoSuppressions(asked) => {
            let found = world.undoable(&asked);
            Answer::Undoable(asked, found)
        }
        Fetch::Operation(asked) => Answer::Operation(Box::new(World::operation(asked))),
        Fetch::Users(_) => Answer::Users(herald::wire::list::UserList {
            total: 0,
            users: Vec::new(),
            next: None,
            cut_short: false,
        }),
        Fetch::Watched(seen) => Answer::Watched(
            seen.into_iter()
                .map(|one| herald::tui::watch::Standing {
                    of: one.of,
                    mark: Some(one.mark.unwrap_or_default()),
                    is: String::new(),
                    by: None,
                    at: None,
                })
                .collect(),
        ),
        Fetch::Routing => Answer::Routing(Box::default()),
        Fetch::Provider(id) => Answer::Provider(Box::new(World::provider(&id))),
        Fetch::User(id) => Answer::User(Box::new(World::user(&id))),
        Fetch::Providers => Answer::Providers(world.providers.clone()),
        Fetch::Preview(id) => Answer::Preview(id, Box::new(world.preview())),
        Fetch::Retry(id, _) => Answer::Retry(id, herald::wire::preview::RetryPreview::default()),
    }
}

/// Tells the state something, and answers all that it asks.
pub fn tell(state: &mut State, world: &World, msg: Msg) {
    let mut effects = update(state, msg);
    while let Some(effect) = effects.pop() {
        if let Effect::Fetch(slot, fetch) = effect {
            effects.extend(update(state, Msg::Answer(slot, Ok(answer(world, fetch)))));
        }
    }
}

/// A console of this size, at work.
pub fn begun(world: &World, columns: u16, rows: u16) -> State {
    let keymap = Keymap::shipped("default").unwrap();
    let mut state = State::new(theme(), keymap, Tz::UTC, Place::default());
    tell(&mut state, world, Msg::Resize(columns, rows));
    tell(&mut state, world, Msg::Clock(now()));
    state
}

pub fn press(state: &mut State, world: &World, keys: &str) {
    for name in keys.split_whitespace() {
        tell(state, world, Msg::Key(key(name)));
    }
}

pub fn draw(state: &State) -> Buffer {
    let (columns, rows) = state.size;
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    terminal.draw(|frame| view(state, frame)).unwrap();
    terminal.backend().buffer().clone()
}

fn text(buffer: &Buffer) -> String {
    let width = buffer.area.width as usize;
    let rows = buffer.content.chunks(width.max(1));
    let lines = rows.map(|row| row.iter().map(ratatui::buffer::Cell::symbol).collect::<String>());
    lines.map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// Each row as runs of roles: `accent×3 text.dim×12`.
fn roles(buffer: &Buffer) -> String {
    let name = |color: Color| match color {
        Color::Rgb(0, 0, n) if n > 0 => Role::ALL[usize::from(n) - 1].0,
        _ => "·",
    };
    let mut out = String::new();
    for row in buffer.content.chunks(usize::from(buffer.area.width)) {
        let mut runs: Vec<(&str, usize)> = Vec::new();
        for cell in row {
            let role = if cell.symbol() == " " { "·" } else { name(cell.fg) };
            match runs.last_mut() {
                Some((last, n)) if *last == role => *n += 1,
                _ => runs.push((role, 1)),
            }
        }
        if runs.last().is_some_and(|(role, _)| *role == "·") {
            runs.pop();
        }
        let mut line: Vec<String> = runs.iter().map(|(role, n)| format!("{role}×{n}")).collect();
        if row.iter().any(|cell| name(cell.bg) == Role::ROW_SELECTED.0) {
            line.push("(selected)".to_owned());
        }
        out.push_str(&line.join(" "));
        out.push('\n');
    }
    out
}

/// Snapshots of a screen that is reached by these keys.
fn shot(name: &str, world: &World, keys: &str) {
    for (columns, rows) in [(80, 24), (120, 40)] {
        let mut state = begun(world, columns, rows);
        press(&mut state, world, keys);
        let buffer = draw(&state);
        let name = format!("{name}_{columns}x{rows}");
        insta::with_settings!({ snapshot_path => "snapshots", prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(name.clone(), text(&buffer));
            insta::assert_snapshot!(format!("{name}_roles"), roles(&buffer));
        });
    }
}

macro_rules! shots {
    ($($name:ident: $world:ident $keys:literal;)+) => {$(
        #[test]
        fn $name() {
            shot(stringify!($name), &World::$world(), $keys);
        }
    )+};
}

shots! {
    overview: busy "0";
    overview_empty: empty "0";
    messages: busy "1";
    messages_empty: empty "1";
    messages_foreign: busy "1 j j j";
    messages_deliveries: busy "1 ] enter";
    messages_causes: busy "1 ] ]";
    messages_timeline: busy "1 ] ] ]";
    messages_audit: busy "1 [";
    messages_cancel: busy "1 X";
    messages_delete: busy "1 j D";
    topics: busy "2";
    topics_empty: empty "2";
    topics_new: busy "2 a";
    targets: busy "3 enter";
    targets_empty: empty "3";
    providers: busy "4 j";
    providers_empty: empty "4";
    providers_new: empty "4 a";
    live: busy "5";
    live_held: busy "5 n";
    live_empty: empty "5";
    compose: busy "c";
    send_review: busy "1 j j j s";
    compose_push: busy "c backtab left alt-m";
    compose_calendar: busy "c tab tab tab alt-k";
    compose_variables: busy "c tab tab alt-i";
    header_present: together "0";
    messages_edited: together "1 j j";
    providers_test: busy "4 t";
    compose_drafts: writing "g d";
    messages_correct: paused "1 E";
    messages_reached: busy "1 M";
    providers_resume: busy "4 j r";
    compose_files: busy "c alt-a ~ / p";
    compose_image: busy "c backtab left alt-a ~ / p";
    compose_test: busy "c alt-t";
    topics_subscribe: busy "2 s";
    topics_import: busy "2 i";
    targets_edit: busy "3 e";
    messages_marked: busy "1 space space";
    messages_many: busy "1 j space space D";
    messages_retry: busy "1 j R";
    messages_sort: busy "1 S";
    messages_columns: busy "1 C";
    providers_edit: busy "4 e";
    providers_kinds: empty "4 a";
    providers_fail_over: busy "4 j f";
    live_retry: busy "5 / p enter R";
    themes: busy "g c";
    which_key: busy "1 g";
    help: busy "1 ?";
    palette: busy "1 : p a u";
}

/// From nothing to more than anybody has; the loop draws none below 60×15.
const SIZES: [(u16, u16); 12] = [
    (0, 0),
    (1, 1),
    (0, 24),
    (80, 0),
    (7, 3),
    (20, 5),
    (60, 15),
    (61, 9),
    (80, 24),
    (132, 14),
    (300, 2),
    (300, 60),
];

#[test]
fn every_size_is_drawn_without_a_panic() {
    let world = World::busy();
    for keys in ["0", "1", "1 ]", "2", "3", "4", "5", "5 n", "c", "1 ?", "1 :", "1 j j j s", "4 a"] {
        for (columns, rows) in SIZES {
            let mut state = begun(&world, columns, rows);
            press(&mut state, &world, keys);
            draw(&state);
        }
    }
}

#[test]
fn nothing_foreign_reaches_a_cell_unsafe() {
    let mut world = World::busy();
    let nasty = "a\u{1b}]0;x\u{7}\u{202e}b\u{200b}c\r\nd";
    for topic in &mut world.topics {
        topic.name = nasty.to_owned();
    }
    for target in &mut world.targets {
        target.identifier = nasty.to_owned();
    }
    for provider in &mut world.providers {
        (provider.name, provider.last_problem) = (nasty.to_owned(), nasty.to_owned());
    }
    for row in &mut world.log {
        (row.address, row.answer, row.headline) = (nasty.to_owned(), nasty.to_owned(), nasty.to_owned());
    }
    world.overview.needs_you[0].text = nasty.to_owned();
    for keys in
        ["0", "1", "1 ]", "1 ] ]", "2", "3 enter", "4", "5", "5 n", "5 enter", "c", "2 D", "1 j j j s"]
    {
        let mut state = begun(&world, 120, 40);
        press(&mut state, &world, keys);
        for cell in &draw(&state).content {
            let bad = cell.symbol().chars().find(|c| herald::domain::sanitize::is_unsafe(*c));
            assert_eq!(bad, None, "after {keys}");
        }
    }
}
