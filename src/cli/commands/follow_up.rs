//! `herald message correct|follow-up`: a draft for some of a message's recipients.

use super::{Desk, message};
use crate::cli::failure::Outcome;
use crate::cli::output::grouped;
use crate::cli::signals;
use crate::client::Whom;
use std::io::Write;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Makes the draft; ctrl-c ends it before, and then nothing of it stays.
pub async fn run(desk: &Desk, id: &str, whom: Whom) -> Outcome {
    let id = id.parse()?;
    let (told, mut heard) = watch::channel(0);
    let stop = CancellationToken::new();
    let mut ended = std::pin::pin!(signals::ended());
    let mut made = std::pin::pin!(desk.client.follow_up(&id, whom, &told, &stop));
    let draft = loop {
        tokio::select! {
            biased;
            made = &mut made => break made,
            () = &mut ended, if !stop.is_cancelled() => stop.cancel(),
            Ok(()) = heard.changed() => {
                if desk.out.is_terminal() {
                    let mut err = std::io::stderr().lock();
                    write!(err, "\r\x1b[K{} people taken over; ctrl-c ends it", grouped(*heard.borrow_and_update()))?;
                    err.flush()?;
                }
            }
        }
    };
    if desk.out.is_terminal() {
        write!(std::io::stderr().lock(), "\r\x1b[K")?;
    }
    let draft = draft?;
    desk.out.note(format!("for {} people; nothing is sent before you send it", grouped(*told.borrow())))?;
    message::report(desk, &draft)
}
