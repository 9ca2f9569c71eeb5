//! What reaches a console from its terminal and its process.

use crossterm::event::{KeyEvent, MouseEvent};

use super::probe::Told;

/// Something that happened at a seat. The key and mouse types are crossterm's,
/// which the widgets understand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TermEvent {
    /// A key.
    Key(KeyEvent),
    /// A paste, as one text, whatever is in it. Never keys.
    Paste(String),
    /// The mouse, where it was switched on.
    Mouse(MouseEvent),
    /// The terminal's window gained or lost the focus.
    Focus(bool),
    /// The terminal has this many columns and rows now.
    Resize(u16, u16),
    /// What the terminal says of itself.
    Told(Told),
    /// The process is asked to end.
    Quit(QuitSignal),
    /// The terminal is gone: nothing may be written to it any more.
    HangUp,
    /// The process is asked to stop until it is continued.
    Suspend,
    /// The process was continued; the screen is somebody else's by now.
    Continue,
}

/// Which signal asks the process to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum QuitSignal {
    /// SIGTERM.
    Terminate,
    /// SIGINT from outside; ctrl-c at the terminal is a key.
    Interrupt,
    /// SIGQUIT.
    Quit,
}
