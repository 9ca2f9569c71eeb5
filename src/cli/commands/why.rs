//! `herald why`, `herald find`, and the stop for everything.

use super::Desk;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::output::Table;

/// One sentence on why a message stands where it stands.
pub async fn why(desk: &Desk, id: &str) -> Outcome {
    let answer = desk.client.why(id).await?;
    desk.out.either(&answer, |answer| answer.sentence.clone())?;
    Ok(())
}

/// Whatever bears this id, address, Message-ID or provider's id.
pub async fn find(desk: &Desk, text: &str) -> Outcome {
    let list = desk.client.find(text).await?;
    desk.out.either(&list, |list| {
        if list.found.is_empty() {
            return format!("nothing bears {text}; searched: {}", list.searched);
        }
        let mut table = Table::new(&["What", "Id", "Title", "Stands"]);
        for found in &list.found {
            let kind = serde_json::to_value(found.kind).ok();
            let kind = kind.as_ref().and_then(|kind| kind.as_str()).unwrap_or_default();
            table.row([kind, &found.id, &found.title, &found.detail]);
        }
        table.render()
    })?;
    if list.found.is_empty() {
        return Err(Failure::NotFound(format!("nothing bears {text}")));
    }
    Ok(())
}

/// Stops all sending until it is lifted.
pub async fn stop_sending(desk: &Desk) -> Outcome {
    let overview = desk.client.stop_sending().await?;
    desk.out.either(&overview, |_| {
        "all sending is stopped; what is in flight finishes. `herald resume-sending` lifts it".to_owned()
    })?;
    Ok(())
}

/// Lifts the stop, and the hold of a restored copy with it.
pub async fn resume_sending(desk: &Desk) -> Outcome {
    let mut overview = desk.client.resume_sending().await?;
    if overview.restored.is_some() {
        overview = desk.client.release_restored().await?;
        desk.out.note("this store is a restored copy: messages that were due are still held; look at them, then `herald message release ID`")?;
    }
    desk.out.either(&overview, |_| "sending goes on".to_owned())?;
    Ok(())
}
