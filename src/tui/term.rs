//! The terminal: the only place of the console that does terminal I/O.
//!
//! A console sits at a *seat*: somewhere events come from, frames go to, and a
//! screen has a size. A seat is a tty ([`Tty`]), a test's fake or a channel of
//! some server ([`StreamSeat`]); there may be several in one process, and none
//! owns it.

mod backend;
pub mod clipboard;
mod crash;
pub mod editor;
mod event;
mod halves;
mod modes;
mod output;
mod parser;
mod probe;
mod reader;
mod screen;
mod seat;
mod sgr;
mod signals;
mod tty;

pub use backend::{Extent, FrugalBackend, MAX_COLUMNS, MAX_ROWS};
pub use crash::install as install_panic_hook;
pub(crate) use crash::mark_console_thread;
pub use event::{QuitSignal, TermEvent};
pub use halves::blank_torn_halves;
pub use modes::Modes;
pub use output::{Frames, Output};
pub use parser::{MAX_PASTE, Parser};
pub use probe::Told;
pub use seat::{Leave, Seat, StreamSeat};
pub use signals::HangUps;
pub use tty::{Tty, TtyOptions};
