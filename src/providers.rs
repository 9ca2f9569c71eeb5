//! The Adapter trait and one file per delivery service.

pub mod adapter;
