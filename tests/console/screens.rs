//! Every screen, as text and as the roles of its cells.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use herald::domain::zone::Zone;
use herald::tui::keymap::Keymap;
use herald::tui::message::{Answer, Effect, Fetch, Msg, Slot, Stored};
use herald::tui::screens::form::Purpose;
use herald::tui::state::{Overlay, Place, State, Tab, timer};
use herald::tui::theme::{Depth, Role, Theme};
use herald::tui::update::update;
use herald::tui::view::view;
use herald::wire::event::{Changes, Event};
use herald::wire::overview::{Concern, NeedsYou};
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
        Fetch::Outcomes(ids) => {
            let mut targets = world.targets.clone();
            targets.retain(|target| ids.contains(&target.id));
            world.tell_outcomes(&mut targets);
            Answer::Outcomes(targets)
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
    let mut state = State::new(theme(), keymap, Zone::UTC, Place::default());
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
    shot_of(name, &|columns, rows| reached(world, keys, columns, rows));
}

fn reached(world: &World, keys: &str, columns: u16, rows: u16) -> State {
    let mut state = begun(world, columns, rows);
    press(&mut state, world, keys);
    state
}

fn shot_of(name: &str, state: &dyn Fn(u16, u16) -> State) {
    for (columns, rows) in [(80, 24), (120, 40)] {
        let buffer = draw(&state(columns, rows));
        let name = format!("{name}_{columns}x{rows}");
        insta::with_settings!({ snapshot_path => "snapshots", prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(name.clone(), text(&buffer));
            insta::assert_snapshot!(format!("{name}_roles"), roles(&buffer));
        });
    }
}

macro_rules! shots {
    ($($name:ident: $world:ident $keys:literal;)+) => {
        $(
            #[test]
            fn $name() {
                shot(stringify!($name), &World::$world(), $keys);
            }
        )+

        /// How each of them is reached.
        const SHOTS: &[(fn() -> World, &str)] = &[$((World::$world, $keys)),+];
    };
}

/// Screens that keys alone do not reach.
macro_rules! made {
    ($($name:ident;)+) => {
        $(
            #[test]
            fn $name() {
                shot_of(stringify!($name), &make::$name);
            }
        )+

        const MADE: &[fn(u16, u16) -> State] = &[$(make::$name),+];
    };
}

made! {
    leave;
    conflict;
    job_progress;
    job_over;
    provider_dialogue;
    provider_dialogue_above;
    changed_meanwhile;
    form_changed_meanwhile;
}

mod make {
    use herald::domain::ids::Revision;
    use herald::tui::message::{Command, Done, Fault, Item, Msg, Progress, Writing};
    use herald::tui::state::{State, timer};
    use herald::tui::watch::Standing;
    use herald::wire::error::{Difference, StaleRecord};
    use herald::wire::message::WriteSms;
    use herald::wire::provider::{DialogueLine, ProviderTest};
    use serde_json::json;

    use super::super::world::{World, at};
    use super::{press, reached, tell};

    pub fn leave(columns: u16, rows: u16) -> State {
        let world = World::busy();
        let mut state = reached(&world, "0", columns, rows);
        state.place.hands_over = true;
        press(&mut state, &world, "q");
        state
    }

    pub fn conflict(columns: u16, rows: u16) -> State {
        let world = World::busy();
        let mut state = reached(&world, "1 j j j e tab x", columns, rows);
        tell(&mut state, &world, Msg::Timer(timer::SAVE));
        let record = StaleRecord {
            revision: Revision(9),
            by: Some("bo".to_owned()),
            at: Some(at(-200)),
            difference: vec![Difference { field: "subject".to_owned(), now: json!("Theirs") }],
        };
        let fault = Fault { stale: true, record: Some(Box::new(record)), ..Fault::of("changed") };
        let what = Box::new(Writing::Sms(WriteSms::default()));
        let command = Command::SaveDraft { edit: 1, id: None, what };
        tell(&mut state, &world, Msg::Done(command, Err(fault)));
        state
    }

    pub fn job_progress(columns: u16, rows: u16) -> State {
        let world = World::busy();
        let mut state = reached(&world, "2", columns, rows);
        let text = "12,400 people, 3 lines refused".to_owned();
        tell(
            &mut state,
            &world,
            Msg::Progress(Progress { verb: "imported", done: 620_000, all: Some(1_000_000), text }),
        );
        state
    }

    pub fn job_over(columns: u16, rows: u16) -> State {
        let world = World::busy();
        let mut state = reached(&world, "2", columns, rows);
        let items = vec![
            Item::done("ana@example.com"),
            Item::failed("bo@example.com", "no target has this address"),
            Item::skipped("cy@example.com", "is subscribed already"),
            Item::stopped("di@example.com"),
        ];
        let command = Command::Subscribe("news".parse().unwrap(), Vec::new());
        tell(&mut state, &world, Msg::Done(command, Ok(Done::Many(items))));
        state
    }

    pub fn provider_dialogue(columns: u16, rows: u16) -> State {
        let world = World::busy();
        let mut state = reached(&world, "4", columns, rows);
        let mut dialogue: Vec<DialogueLine> = (0..60)
            .map(|n| DialogueLine { ours: n % 3 == 0, text: format!("250-EXTENSION-{n} with a parameter") })
            .collect();
        dialogue
            .push(DialogueLine { ours: true, text: format!("AUTH XOAUTH2 {}", "••••".repeat(40)) });
        dialogue.push(DialogueLine {
            ours: false,
            text: "535 5.7.8 \u{1b}[31mUsername and password not accepted".to_owned(),
        });
        let finding = "The service refuses the password: it was replaced, or the account wants one made for \
                       programs alone; make one there, and put it in with e"
            .to_owned();
        let test = ProviderTest { ok: false, dialogue, finding, sent: Some(false) };
        let command = Command::TestProvider("main".parse().unwrap(), None);
        tell(&mut state, &world, Msg::Done(command, Ok(Done::Test(test))));
        state
    }

    pub fn provider_dialogue_above(columns: u16, rows: u16) -> State {
        let mut state = provider_dialogue(columns, rows);
        press(&mut state, &World::busy(), "home j j");
        state
    }

    fn changed(state: &mut State, mark: Option<&str>) {
        use herald::tui::message::{Answer, Effect, Fetch, Slot};
        let world = World::busy();
        // The next look finds it changed.
        let event = herald::wire::event::Event::Reset(herald::wire::event::Changes::default());
        let effects = herald::tui::update::update(state, Msg::Event(event));
        let seen = effects.into_iter().find_map(|effect| match effect {
            Effect::Fetch(Slot::Watched, Fetch::Watched(seen)) => Some(seen),
            _ => None,
        });
        let all = seen.unwrap().into_iter().map(|one| Standing {
            of: one.of,
            mark: mark.map(ToOwned::to_owned),
            is: "is called “Other\u{202e}”".to_owned(),
            by: Some("bo".to_owned()),
            at: Some(at(-5)),
        });
        tell(state, &world, Msg::Answer(Slot::Watched, Ok(Answer::Watched(all.collect()))));
    }

    pub fn changed_meanwhile(columns: u16, rows: u16) -> State {
        let mut state = reached(&World::busy(), "2 D", columns, rows);
        changed(&mut state, Some("other"));
        state
    }

    pub fn form_changed_meanwhile(columns: u16, rows: u16) -> State {
        let mut state = reached(&World::busy(), "2 e x", columns, rows);
        changed(&mut state, None);
        state
    }
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
    targets_list: busy "3";
    targets_sort: busy "3 S end";
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
    messages_filter: busy "1 / s t a t u s = s";
    messages_take_over: together "1 j j e";
    messages_receipts: receipts "1";
    messages_receipts_deliveries: receipts "1 ] enter";
    messages_save_view: busy "1 V";
    messages_schedule: busy "1 j j t";
    messages_decide: lost "1 j o";
    messages_release: together "1 j j h";
    messages_reading: busy "1 j j j e alt-p";
    targets_receipts: receipts "3 enter";
    targets_new: busy "3 a";
    targets_another: busy "3 A";
    targets_suppress: busy "3 b";
    targets_delete: busy "3 D";
    topics_rename: busy "2 e";
    topics_delete: busy "2 D";
    topics_unsubscribe: busy "2 enter U";
    live_receipts: receipts "5";
    live_attempt: receipts "5 space enter";
    providers_form: empty "4 a enter";
    providers_guarded: guarded "4";
    providers_resume_guarded: guarded "4 r";
    providers_hands_on: busy "4 F";
    providers_countries: busy "4 C";
    providers_disable: busy "4 O";
    providers_delete: busy "4 D";
    overview_guarded: guarded "0";
    stop_sending: busy "0 ! s";
    resume_sending: busy "0 ! r";
    jobs_none: busy "0 J";
}

/// Which kind of thing lies over the tab. A new kind has a number here, and so a picture.
fn kind(overlay: &Overlay) -> usize {
    match overlay {
        Overlay::Help(_) => 0,
        Overlay::Palette(_) => 1,
        Overlay::Filter(_) => 2,
        Overlay::Review(_) => 3,
        Overlay::Form(_) => 4,
        Overlay::Dialogue(_) => 5,
        Overlay::Compose => 6,
        Overlay::Pick(_) => 7,
        Overlay::Calendar(_) => 8,
        Overlay::Reading(_) => 9,
        Overlay::Job => 10,
    }
}

/// Which form it is. A new form has a number here, and so a picture.
fn form(purpose: &Purpose) -> usize {
    match purpose {
        Purpose::Topic => 0,
        Purpose::Rename(_) => 1,
        Purpose::Subscribe(_) => 2,
        Purpose::Import(_) => 3,
        Purpose::Person => 4,
        Purpose::Target(_) => 5,
        Purpose::EditTarget(_) => 6,
        Purpose::Provider(_) => 7,
        Purpose::EditProvider(_) => 8,
        Purpose::Failover(_) => 9,
        Purpose::Countries(_) => 10,
        Purpose::Schedule(_) => 11,
        Purpose::Decide(_) => 12,
        Purpose::View => 13,
        Purpose::TestProvider(..) => 14,
        Purpose::Test(_) => 15,
    }
}

#[test]
fn every_overlay_and_every_form_has_a_picture() {
    let by_keys = SHOTS.iter().map(|(world, keys)| reached(&world(), keys, 120, 40));
    let made = MADE.iter().map(|make| make(120, 40));
    let (mut kinds, mut forms) = (BTreeSet::new(), BTreeSet::new());
    for state in by_keys.chain(made) {
        if let Some(overlay) = state.overlays.last() {
            kinds.insert(kind(overlay));
            if let Overlay::Form(open) = overlay {
                forms.insert(form(open.purpose()));
            }
        }
    }
    assert_eq!(kinds, (0..=10).collect(), "an overlay has no picture");
    assert_eq!(forms, (0..=15).collect(), "a form has no picture");
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

/// What is asked for when nothing but the log has grown.
fn asked_as_the_log_grows(state: &mut State, world: &World) -> Vec<Fetch> {
    let mut changes = Changes::default();
    tell(state, world, Msg::Event(Event::Reset(changes)));
    tell(state, world, Msg::Timer(timer::REFRESH));
    changes.log += 1;
    let effects = update(state, Msg::Event(Event::Changed(changes)));
    effects
        .into_iter()
        .filter_map(|effect| match effect {
            Effect::Fetch(_, fetch) => Some(fetch),
            _ => None,
        })
        .collect()
}

#[test]
fn as_the_log_grows_targets_are_asked_of_that_are_in_view_alone() {
    let mut world = World::busy();
    world.targets = (0..200).map(super::world::target).collect();
    let outcomes = |fetches: &[Fetch]| {
        assert!(!fetches.iter().any(|fetch| matches!(fetch, Fetch::Targets(_))), "{fetches:?}");
        fetches.iter().find_map(|fetch| match fetch {
            Fetch::Outcomes(ids) => Some(ids.iter().map(ToString::to_string).collect::<Vec<_>>()),
            _ => None,
        })
    };
    let mut state = begun(&world, 120, 40);
    press(&mut state, &world, "3");
    for _ in 0..30 {
        press(&mut state, &world, "j");
    }
    let asked = outcomes(&asked_as_the_log_grows(&mut state, &world)).unwrap();
    let screen = text(&draw(&state));
    assert!(asked.len() < 30 && asked.contains(&"target30".to_owned()), "{asked:?}");
    for n in 0..60 {
        let shown = screen.contains(&format!(" reader{n}@example.com  "));
        assert_eq!(asked.contains(&format!("target{n}")), shown, "{n} of {asked:?}\n{screen}");
    }
    // Where the column is not shown, nothing is asked for it.
    for (columns, keys) in [(80, "3"), (120, "3 enter"), (120, "3 C down down down down down down enter esc")]
    {
        let mut state = begun(&world, columns, 40);
        press(&mut state, &world, keys);
        assert_eq!(outcomes(&asked_as_the_log_grows(&mut state, &world)), None, "{keys}");
    }
}

/// A need of the first screen.
fn need(n: usize, concern: Concern, provider: Option<&str>) -> NeedsYou {
    NeedsYou {
        concern,
        text: format!("trouble {n}."),
        waiting: 0,
        since: Some(super::world::at(-60)),
        message_id: None,
        provider_id: provider.map(|id| id.parse().unwrap()),
        reason: None,
    }
}

#[test]
fn the_overview_scrolls_with_what_is_selected_and_says_how_much_is_below() {
    let mut world = World::busy();
    world.overview.needs_you = (0..20).map(|n| need(n, Concern::Alert, Some("main"))).collect();
    let mut state = begun(&world, 80, 24);
    press(&mut state, &world, "0");
    let below = |screen: &str| {
        let line = screen.lines().find_map(|line| line.split_once(" more below "))?;
        line.0.rsplit([' ', '─']).next()?.parse::<usize>().ok()
    };
    let first = text(&draw(&state));
    assert!(first.contains("▸ ") && first.contains("trouble 0."), "{first}");
    let all = below(&first).unwrap_or_else(|| panic!("{first}"));
    let mut left = vec![all];
    for n in 1..20 {
        press(&mut state, &world, "j");
        let screen = text(&draw(&state));
        let chosen = screen.lines().find(|line| line.trim_start().starts_with('▸')).unwrap();
        assert!(chosen.contains(&format!("trouble {n}.")), "{screen}");
        // What mends it is in view with it.
        let at = screen.lines().position(|line| line == chosen).unwrap();
        assert!(screen.lines().skip(at + 1).take(3).any(|line| line.contains("f fail over")), "{screen}");
        left.push(below(&screen).unwrap_or(0));
    }
    assert!(left.is_sorted_by(|a, b| a >= b) && left[19] < all, "{left:?}");
    assert!(!text(&draw(&state)).contains("trouble 0."), "the first has gone out of view");
    press(&mut state, &world, "end");
    assert_eq!(below(&text(&draw(&state))), None);
    press(&mut state, &world, "home");
    assert_eq!(text(&draw(&state)), first);
}

#[test]
fn an_alert_is_gone_to_where_it_is_about_a_provider() {
    let mut world = World::busy();
    world.overview.needs_you = vec![need(0, Concern::Alert, None), need(1, Concern::Alert, Some("backup"))];
    let mut state = begun(&world, 120, 40);
    press(&mut state, &world, "0");
    // About no provider: it is said, and nothing is done.
    press(&mut state, &world, "w");
    assert!(text(&draw(&state)).contains("trouble 0."));
    press(&mut state, &world, "enter");
    assert_eq!(state.tab, Tab::Overview);
    // Followed by what it is about when another comes before it.
    press(&mut state, &world, "j");
    world.overview.needs_you.insert(0, need(2, Concern::Alert, None));
    let overview = Answer::Overview(Box::new(world.overview.clone()));
    state.ask(Slot::Overview, Fetch::Overview);
    tell(&mut state, &world, Msg::Answer(Slot::Overview, Ok(overview)));
    let screen = text(&draw(&state));
    let chosen = screen.lines().find(|line| line.trim_start().starts_with('▸')).unwrap();
    assert!(chosen.contains("trouble 1."), "{screen}");
    press(&mut state, &world, "enter");
    assert_eq!(state.tab, Tab::Providers);
    assert_eq!(state.providers.current().unwrap().id.as_str(), "backup");
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
