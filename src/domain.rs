//! Types and rules of messaging. Pure: no I/O, no async, no clock of its own.
//!
//! The words are the field's and Appwrite's: a *user* has *targets*; a *topic*
//! has *subscribers*; a *provider* is an account with a delivery service; a
//! *message* has content, an audience and a schedule. Its *plan* says who gets
//! it through which provider; a *window* is a part of the plan claimed for
//! sending; an *attempt* has an *outcome*.

pub mod audit;
pub mod channel;
pub mod content;
pub mod delivery;
pub mod entries;
pub mod file;
pub mod filter;
pub mod gist;
pub mod gsm;
pub mod guard;
pub mod hex;
pub mod ids;
pub mod import;
pub mod message;
pub mod once;
pub mod person;
pub mod plan;
pub mod provider;
pub mod reason;
pub mod receipt;
pub mod routing;
pub mod sanitize;
pub mod state;
pub mod suppression;
pub mod time;
pub mod topic;
pub mod validate;
pub mod when;
pub mod zone;
