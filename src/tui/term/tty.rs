//! A seat at the terminal that the process was started from.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::{OFlags, fcntl_getfl};
use rustix::process::{Signal, kill_current_process_group};
use tokio::sync::{Notify, mpsc};

use super::backend::Extent;
use super::crash;
use super::event::TermEvent;
use super::modes::Modes;
use super::output::Output;
use super::probe::{ASK, TELL_KEYS_APART, Told};
use super::reader::{Worker, read_keys, watch};
use super::screen::Screen;
use super::seat::{Leave, Seat};
use super::signals::{HangUps, Heard, Signals};

/// Events that wait for the console; when they are more, keys are read later.
const ROOM: usize = 256;
/// How long the last frame may take before the terminal is restored without it.
const LAST_FRAME: Duration = Duration::from_millis(250);

/// How a console takes its terminal.
#[derive(Debug)]
pub struct TtyOptions {
    /// The terminal's modes.
    pub modes: Modes,
    /// Where it hears of a SIGHUP.
    pub hang_ups: HangUps,
    /// Whether the process may be stopped from the terminal (ctrl-z). Not where
    /// it also runs the engine: stopping would stop all sending.
    pub can_stop: bool,
    /// Whether to ask the terminal what it is like.
    pub ask: bool,
}

impl Default for TtyOptions {
    fn default() -> Self {
        Self { modes: Modes::default(), hang_ups: HangUps::Listen, can_stop: true, ask: true }
    }
}

/// A seat at a tty. While it exists the terminal is the console's; dropping it
/// restores everything in reverse order.
#[derive(Debug)]
pub struct Tty {
    screen: Arc<Screen>,
    output: Output,
    extent: Extent,
    signals: Signals,
    keys: Option<Worker>,
    _watch: Worker,
    gone: Arc<Notify>,
    events: mpsc::Receiver<TermEvent>,
    sender: mpsc::Sender<TermEvent>,
    can_stop: bool,
}

/// The tty of standard output or input, else the controlling terminal.
fn open_tty() -> io::Result<File> {
    let stdin = io::stdin();
    let both_ways = |flags: OFlags| flags.intersection(OFlags::ACCMODE) == OFlags::RDWR;
    if stdin.is_terminal() && io::stdout().is_terminal() && fcntl_getfl(&stdin).is_ok_and(both_ways) {
        return Ok(File::from(stdin.as_fd().try_clone_to_owned()?));
    }
    File::options().read(true).write(true).open("/dev/tty").map_err(|error| {
        io::Error::new(error.kind(), format!("the console needs a terminal, and there is none here: {error}"))
    })
}

impl Tty {
    /// Takes the terminal of this process. Needs a tokio runtime around it.
    pub fn open(options: TtyOptions) -> io::Result<Self> {
        if std::env::var_os("TERM").is_some_and(|term| term == "dumb") {
            let text = "this terminal (TERM=dumb) cannot show the console; the other commands work here, see `herald help`";
            return Err(io::Error::new(io::ErrorKind::Unsupported, text));
        }
        let tty = open_tty()?;
        // Signals first: from the moment the terminal is ours, none may end the
        // process without restoring it.
        let signals = Signals::listen(options.hang_ups)?;
        let screen = Arc::new(Screen::new(tty, options.modes)?);
        let (columns, rows) = screen.size();
        let gone = Arc::new(Notify::new());
        let watch = watch(screen.tty().try_clone()?, Arc::clone(&gone))?;
        let mut output = Output::thread(screen.tty().try_clone()?)?;
        crash::guard(&screen, &output);
        let (sender, events) = mpsc::channel(ROOM);
        screen.enter()?;
        // The Linux console answers little and shows what it does not know.
        if options.ask && std::env::var_os("TERM").is_none_or(|term| term != "linux") {
            output.write_all(ASK)?;
        }
        let keys = read_keys(screen.tty().try_clone()?, sender.clone())?;
        Ok(Self {
            screen,
            output,
            extent: Extent::new(columns, rows),
            signals,
            keys: Some(keys),
            _watch: watch,
            gone,
            events,
            sender,
            can_stop: options.can_stop,
        })
    }

    fn measure(&self) -> TermEvent {
        let (columns, rows) = self.screen.size();
        self.extent.set(columns, rows);
        TermEvent::Resize(columns, rows)
    }
}

impl Seat for Tty {
    async fn next(&mut self) -> Option<TermEvent> {
        let event = tokio::select! {
            biased;
            () = self.gone.notified() => TermEvent::HangUp,
            heard = self.signals.next() => match heard {
                Heard::WindowChange => self.measure(),
                Heard::Event(event) => event,
            },
            event = self.events.recv() => event?,
        };
        match event {
            TermEvent::HangUp => self.screen.abandon(),
            TermEvent::Continue => drop(self.measure()),
            TermEvent::Told(Told::Keyboard) if self.screen.is_entered() && self.screen.tells_keys_apart() => {
                // A line that takes nothing shows in the next frame.
                let _ = self.output.write_all(TELL_KEYS_APART);
            }
            _ => {}
        }
        Some(event)
    }

    fn output(&self) -> &Output {
        &self.output
    }

    fn extent(&self) -> &Extent {
        &self.extent
    }

    fn can_lend(&self) -> bool {
        true
    }

    fn can_stop(&self) -> bool {
        self.can_stop
    }

    fn lend(&mut self) -> io::Result<()> {
        // In the reverse order of taking: the reader first, and really.
        self.keys = None;
        while self.events.try_recv().is_ok() {}
        self.output.drain(LAST_FRAME);
        self.screen.leave();
        Ok(())
    }

    fn take_back(&mut self) -> io::Result<()> {
        if self.keys.is_some() {
            return Ok(());
        }
        self.screen.enter()?;
        self.screen.drop_input();
        self.measure();
        self.keys = Some(read_keys(self.screen.tty().try_clone()?, self.sender.clone())?);
        Ok(())
    }

    fn stop_process(&mut self) -> io::Result<()> {
        if !self.can_stop {
            return Err(io::ErrorKind::Unsupported.into());
        }
        // SIGSTOP: we catch SIGTSTP, so raising that would come back to us. The
        // group, so that a pipeline stops as one job.
        Ok(kill_current_process_group(Signal::STOP)?)
    }

    fn leave(&mut self, how: Leave) {
        self.keys = None;
        match how {
            Leave::Silent => {
                self.screen.abandon();
                self.output.close(true);
            }
            Leave::Restore => {
                self.output.drain(LAST_FRAME);
                self.output.close(true);
                self.screen.leave();
            }
        }
    }
}

impl Drop for Tty {
    fn drop(&mut self) {
        self.leave(Leave::Restore);
    }
}
