//! Points and lengths of time, as people type them.

mod duration;

pub use duration::{format_duration, parse_duration};
