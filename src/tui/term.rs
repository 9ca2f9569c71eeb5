//! The terminal: the only place of the console that does terminal I/O.
//!
//! A console sits at a *seat*: somewhere events come from, frames go to, and a
//! screen has a size. A seat is a tty ([`Tty`]), a test's fake or a channel of
//! some server ([`StreamSeat`]); there may be several in one process, and none
//! owns it.

mod backend;
mod event;
mod parser;
mod sgr;

pub use backend::{Extent, FrugalBackend, MAX_COLUMNS, MAX_ROWS};
pub use event::{QuitSignal, TermEvent};
pub use parser::{MAX_PASTE, Parser};
