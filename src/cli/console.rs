//! `herald` and `herald demo`: the console, on a runtime of its own beside the
//! engine's, and what becomes of the engine when it ends.

use super::args::{Demo, Global};
use super::demo::{self, RunningDemo};
use super::engine::Doors;
use super::failure::{Failure, Outcome};
use super::handover::{NotHandedOver, hand_over, has_work};
use super::instance::Instance;
use super::output::Output;
use super::session::Session;
use super::{instance, logging, operator, runtime, settings, signals, zone};
use crate::client::Client;
use crate::engine::Mode;
use crate::settings::Settings;
use crate::tui::console::{self, Options};
use crate::tui::keymap::Keymap;
use crate::tui::runtime::{self as tui_runtime, Exit};
use crate::tui::state::Place;
use crate::tui::term::{HangUps, Modes, Tty, TtyOptions, editor, install_panic_hook};
use crate::tui::theme::{Depth, Theme};
use etcetera::BaseStrategy;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The console, attached to the engine of this data directory or with its own.
pub fn run(global: &Global) -> Outcome {
    needs_terminal()?;
    let settings = settings(global, |_| {})?;
    let instance = instance(&settings)?;
    logging::to_file(&settings, &instance.log_dir())?;
    let engine_runtime = runtime()?;
    // From here on a line that is lost must not end what may be the engine.
    let mut hangups = engine_runtime.block_on(async { signals::hangups() });
    let session = engine_runtime.block_on(Session::open(&instance, &settings, Mode::Full, Doors::Open))?;
    let attached = matches!(session, Session::Attached(_));
    let place = place(&settings, None, attached);
    let name = operator(global);
    let client = session.client().operator(&name);
    let shown = if engine_runtime.block_on(hangups.was_heard()) {
        Ok(Exit::HungUp)
    } else {
        let hang_ups = hangups.for_console();
        show(client.clone(), &settings, &instance.log_dir(), &place, kept_file(&instance, &name), hang_ups)
    };
    match session {
        Session::Attached(_) => shown.map(|_| ()),
        Session::Own(engine) => engine_runtime.block_on(async {
            let work = has_work(&client).await.unwrap_or(true);
            let ended_by_signal = matches!(shown, Ok(Exit::Signal(_)));
            if !work || ended_by_signal || matches!(shown, Ok(Exit::Stop)) {
                engine.stop().await?.release();
                return shown.map(|_| ());
            }
            // Also when the console broke: the engine never depends on it.
            let told = !matches!(shown, Ok(Exit::HungUp));
            leave_running(*engine, &instance, &settings, global, told).await?;
            shown.map(|_| ())
        }),
    }
}

/// Says so before anything is started where no console can be shown.
fn needs_terminal() -> Outcome {
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    if dumb || std::fs::File::options().read(true).write(true).open("/dev/tty").is_err() {
        return Err(Failure::Usage(
            "the console needs a terminal that can show it, and there is none here; `herald serve` runs without, `herald help` lists the rest"
                .into(),
        ));
    }
    Ok(())
}

/// Hands over; if that fails, goes on as `herald serve` does, and says so.
async fn leave_running(
    engine: super::engine::RunningEngine,
    instance: &Instance,
    settings: &Arc<Settings>,
    global: &Global,
    told: bool,
) -> Outcome {
    let out = Output::new(false);
    match hand_over(engine, instance, settings, global).await {
        Ok(pid) => {
            tracing::info!(pid, "handed over to a serve of its own");
            if told {
                out.note(format!(
                    "messages are still to be sent: `herald serve` goes on in process {pid}; `herald` attaches to it"
                ))?;
            }
            Ok(())
        }
        Err(NotHandedOver { failure, lock }) => {
            tracing::error!(%failure, "the hand-over failed; going on in this process");
            if told {
                out.note(format!(
                    "the hand-over failed ({failure}); the engine goes on here, ctrl-c ends it"
                ))?;
            }
            let args = super::args::Serve { detached: true, ..Default::default() };
            super::serve::run(instance.clone(), Arc::clone(settings), args, lock).await
        }
    }
}

/// The console on a demo, which ends with it.
pub fn demo(global: &Global, args: &Demo) -> Outcome {
    let settings = settings(global, demo::flags)?;
    let engine_runtime = runtime()?;
    let running = engine_runtime.block_on(RunningDemo::start(Arc::clone(&settings), args))?;
    let place = place(&settings, Some("DEMO"), false);
    let client = running.client().operator(&operator(global));
    let keep = args.keep.as_ref().map(|dir| dir.join("console.json"));
    let shown = show(client, &settings, &running.log_dir(), &place, keep, HangUps::Listen);
    engine_runtime.block_on(running.stop())?;
    shown.map(|_| ())
}

/// The file in which an operator's console for this data directory keeps where it was. It is the
/// user's own, since who attaches may not write the data directory; a login that several operators
/// share has one for each.
fn kept_file(instance: &Instance, operator: &str) -> Option<PathBuf> {
    let dirs = etcetera::choose_base_strategy().ok()?;
    let state = dirs.state_dir().unwrap_or_else(|| dirs.data_dir());
    let plain = |text: &str| -> String {
        text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
    };
    let (dir, operator) = (plain(&instance.dir().to_string_lossy()), plain(operator));
    Some(state.join("herald").join(format!("console{dir}@{operator}.json")))
}

/// Shows a console at this process's terminal until it ends.
fn show(
    client: Client,
    settings: &Settings,
    log_dir: &Path,
    place: &Place,
    keep: Option<PathBuf>,
    hang_ups: HangUps,
) -> Outcome<Exit> {
    let config = etcetera::choose_base_strategy().ok().map(|dirs| dirs.config_dir().join("herald"));
    let env = |name: &str| std::env::var(name).ok();
    let mut notices = Vec::new();
    let theme = theme(&settings.console_theme, config.as_deref(), env, &mut notices);
    let keymap = keymap(&settings.console_keymap, config.as_deref(), &mut notices)?;
    std::fs::create_dir_all(log_dir)?;
    let options = Options {
        theme,
        follow_background: settings.console_theme == "auto",
        keymap,
        zone: zone(settings),
        notices,
        keep,
        run: tui_runtime::Options::new(editor::command(env), log_dir.to_owned()),
        // A console that runs the engine must not be stopped: all sending would stop.
        place: place.clone(),
    };
    install_panic_hook(log_dir);
    let tty = TtyOptions {
        modes: Modes { mouse: place.mouse },
        hang_ups,
        can_stop: place.attached,
        ..TtyOptions::default()
    };
    let thread = tui_runtime::on_own_thread(move || async move {
        let mut seat = Tty::open(tty)?;
        // Large: it holds everything that the screens do.
        Box::pin(console::run(client, &mut seat, options)).await
    })?;
    let ended = thread.join().map_err(|_| {
        Failure::Failed("the console ended unexpectedly; a report is in the log directory".into())
    })?;
    Ok(ended?)
}

/// Where a console is.
fn place(settings: &Settings, label: Option<&str>, attached: bool) -> Place {
    Place {
        label: label.map(ToOwned::to_owned),
        attached,
        hands_over: !attached && label.is_none(),
        read_only: settings.console_read_only || settings.api_read_only,
        mouse: settings.console_mouse,
    }
}

/// The theme of this name: shipped, or a file of the user's. `auto` is dark or
/// light by what the terminal's environment says of its background.
fn theme(
    name: &str,
    config: Option<&Path>,
    env: impl Fn(&str) -> Option<String>,
    notices: &mut Vec<String>,
) -> Theme {
    let depth = Depth::detect(&env);
    // `fg;bg`, by the numbers of the sixteen colours: 7 and 15 are the white ones.
    let light = env("COLORFGBG").is_some_and(|text| text.ends_with(";7") || text.ends_with(";15"));
    let name = match name {
        "auto" if light => "light",
        "auto" => "dark",
        name => name,
    };
    let file = config.map(|dir| dir.join("themes").join(format!("{name}.toml")));
    if let Some(file) = file
        && let Ok(text) = std::fs::read_to_string(&file)
    {
        match Theme::from_file(&file.display().to_string(), &text, depth) {
            Ok(theme) => return theme,
            Err(problem) => notices.push(problem.to_string()),
        }
    }
    let (theme, problem) = Theme::start(name, depth);
    notices.extend(problem.map(|problem| problem.to_string()));
    theme
}

/// The shipped keymap of this name with the user's file on top.
fn keymap(name: &str, config: Option<&Path>, notices: &mut Vec<String>) -> Outcome<Keymap> {
    let shipped = || {
        Keymap::shipped(name).map_err(|problems| {
            let all: Vec<_> = problems.iter().map(ToString::to_string).collect();
            Failure::Failed(all.join("\n"))
        })
    };
    let Some(path) = config.map(|dir| dir.join("keymap.toml")) else { return shipped() };
    match std::fs::read_to_string(&path) {
        Ok(text) => {
            let (keymap, problems) = Keymap::with_user_file(name, &path.display().to_string(), &text);
            notices.extend(problems.iter().map(ToString::to_string));
            Ok(keymap)
        }
        Err(_) => shipped(),
    }
}
