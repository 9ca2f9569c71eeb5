//! The loop itself.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use chrono::{DateTime, Utc};
use crossterm::event::KeyEventKind;
use futures_util::FutureExt;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};

use super::draw::{Canvas, Urgency};
use super::timers::{Timers, until_tick};
use super::{Exit, Input, Options, Outbox, Performer, Program, ROOM, Request};
use crate::tui::term::{Leave, QuitSignal, Seat, TermEvent, Told, clipboard, editor, mark_console_thread};

/// Events and messages that are taken in before the loop draws.
const BATCH: usize = 256;

/// What a wait ended with.
enum Woken<M> {
    Event(Option<TermEvent>),
    Message(M),
    /// A timer, the clock, or the time to draw.
    Time,
    /// The line has room again, or broke.
    Line,
}

struct Looper<'a, P: Program, S, F> {
    state: P::State,
    seat: &'a mut S,
    performer: F,
    options: Options,
    outbox: Outbox<P::Msg>,
    messages: mpsc::Receiver<P::Msg>,
    canvas: Canvas,
    timers: Timers,
    told: Option<DateTime<Utc>>,
    tick: Option<Instant>,
    /// What requests led to; told in the next round, so that a program that
    /// answers each with another request takes turns with everybody else.
    follow_ups: VecDeque<Input>,
    edit: Option<Edit>,
    /// Whether the terminal is lent to the shell.
    away: bool,
    exit: Option<Exit>,
}

/// A text that is to go to the editor.
struct Edit {
    id: u64,
    text: String,
    extension: &'static str,
}

/// Runs a program at a seat until it ends; returns its state and why it ended.
///
/// The thread that awaits this is the console's: if it panics, its terminals are
/// restored first (see
/// [`install_panic_hook`](crate::tui::term::install_panic_hook)). When the
/// terminal is gone this returns within [`Options::farewell`], writing nothing.
pub async fn run<P, S, F>(
    state: P::State,
    seat: &mut S,
    performer: F,
    options: Options,
) -> io::Result<(P::State, Exit)>
where
    P: Program,
    S: Seat,
    F: Performer<P>,
{
    mark_console_thread();
    let (sender, messages) = mpsc::channel(ROOM);
    let canvas = Canvas::new(seat.output().clone(), seat.extent().clone(), &options)?;
    let mut looper = Looper::<P, S, F> {
        state,
        seat,
        performer,
        options,
        outbox: Outbox(sender),
        messages,
        canvas,
        timers: Timers::default(),
        told: None,
        tick: None,
        follow_ups: VecDeque::new(),
        edit: None,
        away: false,
        exit: None,
    };
    let result = looper.run().await;
    let exit = match (looper.exit, &result) {
        (Some(exit), _) => exit,
        // What cannot be written to has hung up.
        (None, _) => Exit::HungUp,
    };
    looper.farewell(exit).await;
    match result {
        Err(error) if exit != Exit::HungUp => Err(error),
        _ => Ok((looper.state, exit)),
    }
}

impl<P: Program, S: Seat, F: Performer<P>> Looper<'_, P, S, F> {
    async fn run(&mut self) -> io::Result<()> {
        self.tell_time();
        let size = self.seat.extent().get();
        self.tell(Input::Resize(size.width, size.height));
        loop {
            if self.exit.is_some() {
                return Ok(());
            }
            if !self.away {
                self.canvas.draw_if_due::<P>(&self.state)?;
            }
            self.plan_tick();
            match self.wait().await {
                Woken::Event(event) => self.event(event)?,
                Woken::Message(msg) => {
                    self.keep_time();
                    self.update(msg, Urgency::Event);
                }
                Woken::Time => self.run_timers(),
                Woken::Line if self.seat.output().is_broken() => self.exit = Some(Exit::HungUp),
                Woken::Line => {}
            }
            self.drain()?;
            if let Some(edit) = self.edit.take() {
                self.edit(edit).await?;
            }
        }
    }

    async fn wait(&mut self) -> Woken<P::Msg> {
        let drawing = if self.away { None } else { self.canvas.due() };
        let blocked = drawing.is_some() && !self.canvas.is_free();
        let draw_at = if blocked { None } else { drawing };
        let at = [draw_at, self.timers.next(), self.tick].into_iter().flatten().min();
        let output = self.seat.output().clone();
        let time = async {
            match at {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        let line = async { if blocked { output.freed().await } else { std::future::pending().await } };
        tokio::select! {
            biased;
            event = self.seat.next() => Woken::Event(event),
            Some(msg) = self.messages.recv() => Woken::Message(msg),
            () = line => Woken::Line,
            () = time => Woken::Time,
        }
    }

    /// Takes in what is there already, so that a burst is one frame.
    fn drain(&mut self) -> io::Result<()> {
        for _ in 0..BATCH {
            if self.exit.is_some() {
                return Ok(());
            }
            let event = self.seat.next().now_or_never();
            let message = self.messages.try_recv().ok();
            let follow_up = self.follow_ups.pop_front();
            if event.is_none() && message.is_none() && follow_up.is_none() {
                return Ok(());
            }
            if let Some(input) = follow_up {
                self.tell(input);
            }
            if let Some(event) = event {
                self.event(event)?;
            }
            if let Some(msg) = message {
                self.update(msg, Urgency::Event);
            }
        }
        Ok(())
    }

    fn event(&mut self, event: Option<TermEvent>) -> io::Result<()> {
        self.keep_time();
        match event {
            None => self.exit = Some(Exit::Ended),
            Some(TermEvent::HangUp) => self.exit = Some(Exit::HungUp),
            Some(TermEvent::Quit(signal)) => self.exit = Some(Exit::Signal(signal)),
            Some(TermEvent::Suspend) => self.request(Request::Suspend),
            Some(TermEvent::Continue) => self.come_back()?,
            Some(TermEvent::Key(key)) if key.kind == KeyEventKind::Release => {}
            Some(TermEvent::Key(key)) => self.tell(Input::Key(key)),
            Some(TermEvent::Paste(text)) => self.tell(Input::Paste(text)),
            Some(TermEvent::Mouse(mouse)) => self.tell(Input::Mouse(mouse)),
            Some(TermEvent::Focus(has)) => self.tell(Input::Focus(has)),
            Some(TermEvent::Told(Told::Synchronized(knows))) => self.canvas.synchronize(knows),
            Some(TermEvent::Told(told)) => self.tell(Input::Told(told)),
            Some(TermEvent::Resize(columns, rows)) => {
                self.canvas.mark(Urgency::Key);
                self.tell(Input::Resize(columns, rows));
            }
        }
        Ok(())
    }

    fn tell(&mut self, input: Input) {
        if let Some(msg) = P::input(&self.state, input) {
            self.update(msg, Urgency::Key);
        }
    }

    fn update(&mut self, msg: P::Msg, urgency: Urgency) {
        self.canvas.mark(urgency);
        for effect in P::update(&mut self.state, msg) {
            if let Some(request) = self.performer.perform(effect, &self.outbox) {
                self.request(request);
            }
        }
    }

    fn request(&mut self, request: Request) {
        match request {
            Request::Quit => self.exit = Some(Exit::Quit),
            Request::QuitAndStop => self.exit = Some(Exit::Stop),
            Request::Suspend => {
                if self.suspend().is_err() {
                    self.follow_ups.push_back(Input::CannotSuspend);
                }
            }
            Request::Redraw => {
                // An in-memory operation: the screen is cleared by the next frame.
                if self.canvas.forget().is_err() {
                    self.exit = Some(Exit::HungUp);
                }
            }
            Request::Bell => self.canvas.append(b"\x07"),
            Request::Copy(text) => {
                let bytes = clipboard::copy(&text);
                if let Some(bytes) = &bytes {
                    self.canvas.append(bytes);
                }
                self.follow_ups.push_back(Input::Copied(bytes.is_some()));
            }
            Request::Edit { id, text, extension } => self.edit = Some(Edit { id, text, extension }),
            Request::Timer { id, after } => self.timers.set(id, Instant::now() + after),
            Request::CancelTimer(id) => self.timers.cancel(id),
        }
    }

    fn suspend(&mut self) -> io::Result<()> {
        if self.away || !self.seat.can_stop() {
            return Err(io::ErrorKind::Unsupported.into());
        }
        self.seat.lend()?;
        self.away = true;
        self.seat.stop_process()
    }

    /// The process was continued: by the shell after a suspension, or after being
    /// stopped by somebody who did not ask us. Either way the screen is not ours.
    fn come_back(&mut self) -> io::Result<()> {
        if self.seat.can_lend() {
            if !self.away {
                self.seat.lend()?;
            }
            self.seat.take_back()?;
        }
        self.away = false;
        self.canvas.forget()?;
        self.tell(Input::Resumed);
        let size = self.seat.extent().get();
        self.tell(Input::Resize(size.width, size.height));
        Ok(())
    }

    async fn edit(&mut self, edit: Edit) -> io::Result<()> {
        let Edit { id, text, extension } = edit;
        if !self.seat.can_lend() || self.away {
            self.tell(Input::Edited { id, text: Err(editor::EditError::NoEditor) });
            return Ok(());
        }
        self.seat.lend()?;
        let (command, dir) = (self.options.editor.clone(), self.options.draft_dir.clone());
        let mut editing = tokio::task::spawn_blocking(move || editor::edit(&text, extension, &command, &dir));
        let edited = loop {
            let event = tokio::select! {
                biased;
                event = self.seat.next() => event,
                edited = &mut editing => break edited,
            };
            match event {
                // The editor gets the same hang-up and ends by itself.
                Some(TermEvent::HangUp) => {
                    self.exit = Some(Exit::HungUp);
                    return Ok(());
                }
                None => {
                    self.exit = Some(Exit::Ended);
                    return Ok(());
                }
                // Ctrl-z in the editor stopped it; the shell waits for both.
                Some(TermEvent::Suspend) => self.seat.stop_process().or_else(|error| {
                    if error.kind() == io::ErrorKind::Unsupported { Ok(()) } else { Err(error) }
                })?,
                // What else was asked of us waits until the text is safe; keys of
                // this time were meant for the editor.
                Some(TermEvent::Quit(QuitSignal::Terminate)) => {
                    self.exit = Some(Exit::Signal(QuitSignal::Terminate));
                }
                Some(_) => {}
            }
        };
        self.seat.take_back()?;
        self.canvas.forget()?;
        let size = self.seat.extent().get();
        self.tell(Input::Resize(size.width, size.height));
        let text = edited.unwrap_or_else(|error| Err(editor::EditError::File(io::Error::other(error))));
        self.tell(Input::Edited { id, text });
        Ok(())
    }

    fn run_timers(&mut self) {
        let now = Instant::now();
        if self.tick.is_some_and(|tick| tick <= now) {
            self.tell_time();
        }
        while let Some(id) = self.timers.take_due(now) {
            if let Some(msg) = P::input(&self.state, Input::Timer(id)) {
                self.update(msg, Urgency::Event);
            }
        }
    }

    /// Tells the time if what was told is out of date by a second or more.
    fn keep_time(&mut self) {
        let now = (self.options.now)();
        if self.told.is_none_or(|told| (now - told).abs() >= chrono::Duration::seconds(1)) {
            self.tell_time();
        }
    }

    fn tell_time(&mut self) {
        let now = (self.options.now)();
        self.told = Some(now);
        self.tick = None;
        if let Some(msg) = P::input(&self.state, Input::Clock(now)) {
            self.update(msg, Urgency::Event);
        }
    }

    /// Plans the next tick of the clock that the program asks for now. One that is
    /// planned already stays, so that none is missed by being busy.
    fn plan_tick(&mut self) {
        let wait = if self.away { None } else { until_tick(P::clock(&self.state), (self.options.now)()) };
        let next = wait.map(|wait| Instant::now() + wait);
        self.tick = match (self.tick, next) {
            (Some(planned), Some(next)) => Some(planned.min(next)),
            (_, next) => next,
        };
    }

    /// The last effects, within their limit; then the seat is left.
    async fn farewell(&mut self, exit: Exit) {
        for effect in P::leaving(&mut self.state, exit) {
            // There is no seat any more to ask anything of.
            let _ = self.performer.perform(effect, &self.outbox);
        }
        let limit: Duration = self.options.farewell;
        let _ = timeout(limit, self.performer.settle()).await;
        self.seat.leave(if exit == Exit::HungUp { Leave::Silent } else { Leave::Restore });
    }
}
