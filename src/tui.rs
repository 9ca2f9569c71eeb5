//! The console: a terminal UI written on the client alone.
