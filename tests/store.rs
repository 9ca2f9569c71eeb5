//! The contract of the store: what every implementation of the trait must do,
//! run against the embedded one.

#[path = "store/fixture.rs"]
mod fixture;

#[path = "store/sending.rs"]
mod sending;
