//! Receipts of the demo: what the sandbox's mail server took is reported on some seconds later, as a
//! service would: most of it delivered, some bounced, now and then a complaint.

use crate::client::Client;
use crate::domain::delivery::Outcome;
use crate::sandbox::receipts::ReceiptOrder;
use crate::wire::delivery::{Delivery, DeliveryRequest};
use http::Method;
use serde_json::Value;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

/// How long after a mail was taken its receipt comes.
const LATER: Duration = Duration::from_secs(4);
/// How often the log is looked at.
const EVERY: Duration = Duration::from_secs(1);
/// Rows that are looked at together, and receipts that one request brings.
const STEP: usize = 100;

/// What is reported of a mail: always the same of the same one.
fn event(row: &Delivery) -> Option<(&'static str, bool)> {
    let mut hash = crc32fast::Hasher::new();
    hash.update(row.address.as_bytes());
    hash.update(row.message_id.as_ref().map_or(&[], |id| id.as_str().as_bytes()));
    Some(match hash.finalize() % 1000 {
        // Of some, services never hear again.
        0..30 => return None,
        30..34 => ("complained", false),
        34..46 => ("bounced", true),
        46..80 => ("bounced", false),
        _ => ("delivered", false),
    })
}

/// Reports on a provider's deliveries until it is dropped.
pub(super) async fn run(client: Client, provider: &str, token: String) {
    let path = format!("/v1/receipts/{provider}/{token}");
    let mut after = None;
    let mut waiting: VecDeque<(Instant, Value)> = VecDeque::new();
    loop {
        tokio::time::sleep(EVERY).await;
        let request = DeliveryRequest {
            filter: Some(format!("provider={provider}")),
            after,
            ascending: Some(true),
            limit: Some(STEP),
            ..DeliveryRequest::default()
        };
        // A demo that stops, or a disk that is full, is nothing to speak of here: it is tried again.
        if let Ok(page) = client.deliveries(&request).await {
            after = page.deliveries.last().map(|row| row.seq).or(after);
            for row in page.deliveries.iter().filter(|row| row.outcome == Outcome::Accepted) {
                let Some((event, permanent)) = event(row) else { continue };
                let order = ReceiptOrder {
                    kind: "smtp".into(),
                    event: event.into(),
                    permanent,
                    id: row.service_id.clone(),
                    to: row.address.clone(),
                    ..ReceiptOrder::default()
                };
                let body = order.sign().ok().and_then(|signed| serde_json::from_str(&signed.body).ok());
                waiting.extend(body.map(|body: Value| (Instant::now() + LATER, body)));
            }
        }
        let mut sent = 0;
        while sent < STEP && waiting.front().is_some_and(|(due, _)| *due <= Instant::now()) {
            let Some((due, body)) = waiting.pop_front() else { break };
            sent += 1;
            if client.send_only(Method::POST, &path, &body).await.is_err() && due.elapsed() < LATER * 15 {
                waiting.push_back((due, body));
            }
        }
    }
}
