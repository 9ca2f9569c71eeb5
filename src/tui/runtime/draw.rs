//! When to draw, and drawing.

use std::io;
use std::time::Duration;

use ratatui::widgets::{Paragraph, Wrap};
use ratatui::{Frame, Terminal};
use tokio::time::Instant;

use super::{Options, Program};
use crate::tui::term::{Extent, FrugalBackend, Output, blank_torn_halves};

/// Who is waiting for the next frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Urgency {
    /// Nobody: something happened elsewhere.
    Event,
    /// A hand.
    Key,
}

/// The screen as it was drawn last, and whether it is still true.
pub(super) struct Canvas {
    terminal: Terminal<FrugalBackend<Output>>,
    output: Output,
    dirty: Option<Urgency>,
    last: Option<Instant>,
    began: Instant,
    key_frame: Duration,
    event_frame: Duration,
}

impl Canvas {
    pub(super) fn new(output: Output, extent: Extent, options: &Options) -> io::Result<Self> {
        let backend = FrugalBackend::new(output.clone(), extent);
        Ok(Self {
            terminal: Terminal::new(backend)?,
            output,
            dirty: Some(Urgency::Key),
            last: None,
            began: Instant::now(),
            key_frame: options.key_frame,
            event_frame: options.event_frame,
        })
    }

    /// The screen is no longer true.
    pub(super) fn mark(&mut self, urgency: Urgency) {
        self.dirty = self.dirty.max(Some(urgency));
    }

    /// Puts bytes of our own into the next frame.
    pub(super) fn append(&mut self, bytes: &[u8]) {
        self.terminal.backend_mut().append(bytes);
        self.mark(Urgency::Key);
    }

    /// Whether the terminal shows a frame whole that is bracketed.
    pub(super) fn synchronize(&mut self, knows: bool) {
        self.terminal.backend_mut().synchronize(knows);
    }

    /// Something else has written on the screen: the next frame is whole.
    pub(super) fn forget(&mut self) -> io::Result<()> {
        self.terminal.backend_mut().forget();
        self.terminal.clear()?;
        self.mark(Urgency::Key);
        Ok(())
    }

    /// When the next frame may be drawn; nothing while the screen is true.
    pub(super) fn due(&self) -> Option<Instant> {
        let gap = match self.dirty? {
            Urgency::Key => self.key_frame,
            Urgency::Event => self.event_frame,
        };
        Some(self.last.map_or(self.began, |last| last + gap))
    }

    /// Whether the line has room for a frame.
    pub(super) fn is_free(&self) -> bool {
        self.output.is_free()
    }

    /// Draws, if it is due and the line has room.
    pub(super) fn draw_if_due<P: Program>(&mut self, state: &P::State) -> io::Result<()> {
        let now = Instant::now();
        if self.due().is_none_or(|due| due > now) || !self.is_free() {
            return Ok(());
        }
        self.dirty = None;
        self.last = Some(now);
        self.terminal.draw(|frame| {
            view::<P>(state, frame);
            blank_torn_halves(frame.buffer_mut());
        })?;
        Ok(())
    }
}

fn view<P: Program>(state: &P::State, frame: &mut Frame<'_>) {
    let area = frame.area();
    let (columns, rows) = P::needs();
    if area.width >= columns && area.height >= rows {
        P::view(state, frame);
    } else if !area.is_empty() {
        let text = format!(
            "Herald needs {columns}×{rows}, this is {}×{}. It goes on meanwhile.",
            area.width, area.height
        );
        frame.render_widget(Paragraph::new(text).wrap(Wrap { trim: false }), area);
    }
}
