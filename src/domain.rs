//! Types and rules of messaging. Pure: no I/O, no async, no clock of its own.
