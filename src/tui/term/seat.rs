//! What a console sits at.

use std::future::Future;
use std::io::{self, Write};
use std::time::Duration;

use futures_util::{Stream, StreamExt};

use super::backend::Extent;
use super::event::TermEvent;
use super::modes::Modes;
use super::output::Output;

/// How a console leaves its seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leave {
    /// Restores the terminal.
    Restore,
    /// Writes nothing: the terminal is gone.
    Silent,
}

/// Where events come from and frames go to.
pub trait Seat {
    /// The next event; nothing when there will be none. Dropping the future loses
    /// no event.
    fn next(&mut self) -> impl Future<Output = Option<TermEvent>>;

    /// Where frames go.
    fn output(&self) -> &Output;

    /// The size of the screen.
    fn extent(&self) -> &Extent;

    /// Whether another program can use the terminal for a while.
    fn can_lend(&self) -> bool {
        false
    }

    /// Whether the process can be stopped from this terminal.
    fn can_stop(&self) -> bool {
        false
    }

    /// Gives the terminal to another program: nothing of its input is read until
    /// [`Seat::take_back`].
    fn lend(&mut self) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Takes the terminal back, dropping what was typed meanwhile.
    fn take_back(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Stops the process until somebody continues it, which comes as
    /// [`TermEvent::Continue`].
    fn stop_process(&mut self) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// The console is over.
    fn leave(&mut self, how: Leave);
}

/// A seat on any stream of events: a test's, or a network channel's.
#[derive(Debug)]
pub struct StreamSeat<S> {
    events: S,
    output: Output,
    extent: Extent,
    modes: Modes,
    left: bool,
}

impl<S: Stream<Item = TermEvent> + Unpin> StreamSeat<S> {
    /// A seat that reads these events and writes to this output. Its terminal is
    /// set up first, through the output.
    pub fn new(events: S, mut output: Output, extent: Extent, modes: Modes) -> io::Result<Self> {
        output.write_all(&modes.enter())?;
        Ok(Self { events, output, extent, modes, left: false })
    }
}

impl<S: Stream<Item = TermEvent> + Unpin> Seat for StreamSeat<S> {
    async fn next(&mut self) -> Option<TermEvent> {
        let event = self.events.next().await?;
        if let TermEvent::Resize(columns, rows) = event {
            self.extent.set(columns, rows);
        }
        Some(event)
    }

    fn output(&self) -> &Output {
        &self.output
    }

    fn extent(&self) -> &Extent {
        &self.extent
    }

    fn leave(&mut self, how: Leave) {
        if std::mem::replace(&mut self.left, true) {
            return;
        }
        if how == Leave::Restore {
            // A line that does not drain cannot be restored either.
            let _ = self.output.write_all(&self.modes.leave());
            self.output.drain(Duration::ZERO);
        }
        self.output.close(how == Leave::Silent);
    }
}
