//! The program under test.

use std::io::Write;
use std::path::Path;

use crossterm::event::KeyCode;
use herald::tui::runtime::{
    Clock, Exit, Input, Options, Outbox, Performer, Program, Request, on_own_thread, run,
};
use herald::tui::term::{HangUps, Tty, TtyOptions, editor, install_panic_hook};
use ratatui::Frame;
use rustix::process::{Signal as Number, getpid, kill_process};
use tokio::signal::unix::{Signal, SignalKind, signal};

struct Echo;

#[derive(Debug, Default)]
struct State {
    keys: String,
    size: (u16, u16),
    said: String,
}

impl Program for Echo {
    type State = State;
    type Msg = Input;
    type Effect = Request;

    fn update(state: &mut State, input: Input) -> Vec<Request> {
        match input {
            Input::Key(key) => match key.code {
                KeyCode::Char('q') => return vec![Request::Quit],
                KeyCode::Char('P') => panic!("a hand slipped"),
                KeyCode::Char(c) => {
                    state.keys.push(c);
                    return match c {
                        'z' => vec![Request::Suspend],
                        'e' => vec![Request::Edit { id: 1, text: "Ana".to_owned(), extension: "txt" }],
                        'T' => vec![Request::Bell],
                        _ => Vec::new(),
                    };
                }
                other => state.keys = format!("{}<{other}>", state.keys),
            },
            Input::Resize(columns, rows) => state.size = (columns, rows),
            Input::Paste(text) => state.said = format!("pasted {}", text.len()),
            Input::Edited { text: Ok(text), .. } => state.said = format!("edited {text}"),
            Input::Edited { text: Err(error), .. } => state.said = error.to_string(),
            Input::CannotSuspend => "cannot suspend".clone_into(&mut state.said),
            _ => {}
        }
        Vec::new()
    }

    fn view(state: &State, frame: &mut Frame<'_>) {
        let area = frame.area();
        let text = format!("keys {}|\nsize {}x{}\n{}", state.keys, state.size.0, state.size.1, state.said);
        frame.render_widget(ratatui::text::Text::from(text), area);
    }

    fn input(_: &State, input: Input) -> Option<Input> {
        Some(input)
    }

    fn clock(_: &State) -> Clock {
        Clock::Off
    }

    fn needs() -> (u16, u16) {
        (20, 3)
    }
}

struct Hands;

impl Performer<Echo> for Hands {
    fn perform(&mut self, request: Request, _: &Outbox<Input>) -> Option<Request> {
        if request == Request::Bell {
            // Stands for a task of the engine that panics.
            tokio::spawn(async { panic!("elsewhere") });
            return None;
        }
        Some(request)
    }
}

/// SIGHUPs, of which one has come already.
async fn hung_up() -> Signal {
    let listen = || signal(SignalKind::hangup()).unwrap();
    let (heard, mut told) = (listen(), listen());
    kill_process(getpid(), Number::HUP).unwrap();
    told.recv().await;
    heard
}

/// Runs the program when this binary was started for it, and then ends the
/// process; its tests are the other ones.
#[test]
#[ignore = "it is the program that the other tests start"]
fn seat_program() {
    let Ok(kind) = std::env::var("HERALD_PTY_PROGRAM") else { return };
    if let Ok(reports) = std::env::var("HERALD_PTY_REPORTS") {
        install_panic_hook(Path::new(&reports));
    }
    let outside = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let options = TtyOptions {
        hang_ups: match kind.as_str() {
            "no-hup-handler" => HangUps::Ignore,
            "hung-up-before" => HangUps::Heard(outside.block_on(hung_up())),
            _ => HangUps::Listen,
        },
        can_stop: kind != "cannot-stop",
        ..TtyOptions::default()
    };
    let console = on_own_thread(move || async move {
        let mut tty = Tty::open(options)?;
        let editor = editor::command(|name| std::env::var(name).ok());
        run::<Echo, _, _>(State::default(), &mut tty, Hands, Options::new(editor, std::env::temp_dir())).await
    });
    let code = match console.unwrap().join() {
        Ok(Ok((_, Exit::Quit))) => 0,
        Ok(Ok((_, Exit::Signal(_)))) => 3,
        Ok(Ok(_)) => 4,
        Ok(Err(error)) => {
            let _ = writeln!(std::io::stderr(), "{error}");
            5
        }
        Err(_) => 101,
    };
    std::process::exit(code);
}
