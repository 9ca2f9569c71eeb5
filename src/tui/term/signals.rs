//! The signals of the process, as events.

use std::io;

use rustix::process::Signal as Number;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::event::{QuitSignal, TermEvent};

/// A signal as the tty hears it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Heard {
    Event(TermEvent),
    /// The size of the terminal changed; what it is now, the terminal knows.
    WindowChange,
}

/// Where a console hears of a SIGHUP. The watch on the terminal tells in any case when it goes.
#[derive(Debug, Default)]
pub enum HangUps {
    /// From the moment that it takes the terminal.
    #[default]
    Listen,
    /// Already: from here on come those that were sent before it took the terminal, too.
    Heard(Signal),
    /// Not at all.
    Ignore,
}

/// The signals that a console answers. Other parts of the process may listen to
/// the same ones.
#[derive(Debug)]
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    quit: Signal,
    hang_up: Option<Signal>,
    stop: Signal,
    resume: Signal,
    window: Signal,
}

impl Signals {
    /// Listens from now on.
    pub(super) fn listen(hang_ups: HangUps) -> io::Result<Self> {
        let raw = |number: Number| signal(SignalKind::from_raw(number.as_raw()));
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            hang_up: match hang_ups {
                HangUps::Listen => Some(signal(SignalKind::hangup())?),
                HangUps::Heard(signal) => Some(signal),
                HangUps::Ignore => None,
            },
            stop: raw(Number::TSTP)?,
            resume: raw(Number::CONT)?,
            window: signal(SignalKind::window_change())?,
        })
    }

    /// The next signal. Dropping the future loses none.
    pub(super) async fn next(&mut self) -> Heard {
        let hung_up = async {
            match &mut self.hang_up {
                Some(signal) => signal.recv().await,
                None => std::future::pending().await,
            }
        };
        let event = tokio::select! {
            biased;
            _ = hung_up => TermEvent::HangUp,
            _ = self.terminate.recv() => TermEvent::Quit(QuitSignal::Terminate),
            _ = self.interrupt.recv() => TermEvent::Quit(QuitSignal::Interrupt),
            _ = self.quit.recv() => TermEvent::Quit(QuitSignal::Quit),
            _ = self.resume.recv() => TermEvent::Continue,
            _ = self.stop.recv() => TermEvent::Suspend,
            _ = self.window.recv() => return Heard::WindowChange,
        };
        Heard::Event(event)
    }
}
