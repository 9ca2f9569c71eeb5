//! A message for some of another's recipients, and how far it is.

use tokio::sync::watch;

use super::Way;
use crate::client::{Client, Result, Whom};
use crate::domain::ids::MessageId;
use crate::tui::message::Progress;
use crate::wire::message::Message;

/// Makes it, and says how far it is.
pub(super) async fn run(
    client: &Client,
    id: &MessageId,
    whom: Whom,
    count: u64,
    way: &Way,
) -> Result<Message> {
    let (told, mut heard) = watch::channel(0);
    let mut made = std::pin::pin!(client.follow_up(id, whom, &told, &way.stop));
    loop {
        tokio::select! {
            biased;
            made = &mut made => return made,
            Ok(()) = heard.changed() => {
                let done = *heard.borrow_and_update();
                let text = "a topic of them, then a draft".to_owned();
                way.tell(Progress { verb: "taken over", done, all: Some(count), text }).await;
            }
        }
    }
}
