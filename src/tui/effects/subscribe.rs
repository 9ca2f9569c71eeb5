//! A list of people into a topic, some hundreds in a step.

use super::Way;
use crate::client::{Client, Result};
use crate::domain::ids::TopicId;
use crate::tui::message::{Item, Progress};
use crate::tui::show;
use crate::wire::topic::SubscribedRow;

/// People of one step: the API takes 1,000, and the screen shows how far it is.
const STEP: usize = 500;

/// Subscribes them; says of each what became of it. What is not done when a step
/// cannot be made is said of each as well, unless nothing is done.
pub(super) async fn run(client: &Client, topic: &TopicId, who: &[String], way: &Way) -> Result<Vec<Item>> {
    let mut out: Vec<Item> = Vec::with_capacity(who.len());
    let (mut subscribed, mut missing) = (0, 0);
    for step in who.chunks(STEP) {
        if way.stop.is_cancelled() {
            break;
        }
        if who.len() > STEP {
            let counts = [(subscribed, "subscribed"), (missing, "not found")];
            let text = counts.map(|(n, what)| format!("{} {what}", show::count(n))).join(" · ");
            let (done, all) = (out.len() as u64, Some(who.len() as u64));
            way.tell(Progress { verb: "subscribe", done, all, text }).await;
        }
        match client.subscribe_anyone(topic, step.to_vec()).await {
            Ok(done) => {
                subscribed += done.subscribed;
                missing += done.missing;
                out.extend(done.rows.into_iter().map(item));
            }
            Err(error) if out.is_empty() => return Err(error),
            Err(error) => {
                let why = error.to_string();
                out.extend(who[out.len()..].iter().map(|one| Item::failed(one, &why)));
            }
        }
    }
    let left = out.len().min(who.len());
    out.extend(who[left..].iter().map(Item::stopped));
    Ok(out)
}

fn item(row: SubscribedRow) -> Item {
    match (row.subscribed, row.reason) {
        (0, reason) if !reason.is_empty() => Item::failed(row.who, reason),
        (0, _) => Item::skipped(row.who, "is subscribed already"),
        _ => Item::done(row.who),
    }
}
