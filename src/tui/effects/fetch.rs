//! Questions, asked.

use crate::client::{Client, Result};
use crate::tui::message::{Answer, Fetch, Page};
use crate::wire::message::Retry;
use crate::wire::query::ListRequest;

/// Asks the API.
pub(super) async fn fetch(client: &Client, fetch: Fetch) -> Result<Answer> {
    Ok(match fetch {
        Fetch::Overview => Answer::Overview(Box::new(client.overview().await?)),
        Fetch::Messages(page) => {
            let list = client.messages(&newest(&page)).await?;
            Answer::Messages(page, list)
        }
        Fetch::Message(id) => Answer::Message(Box::new(client.message_detail(&id).await?)),
        Fetch::Deliveries(request) => {
            let page = client.deliveries(&request).await?;
            Answer::Deliveries(request, page)
        }
        Fetch::Audit(resource) => {
            let page = client.audit(Some(&resource), None, 50).await?;
            Answer::Audit(resource, page)
        }
        Fetch::Topics(page) => {
            let list = client.topics(&newest(&page)).await?;
            Answer::Topics(page, list)
        }
        Fetch::Subscribers(topic, page) => {
            let list = client.subscribers(&topic, &newest(&page)).await?;
            Answer::Subscribers(topic, page, list)
        }
        Fetch::Targets(page) => {
            let list = client.targets(&newest(&page)).await?;
            Answer::Targets(page, list)
        }
        Fetch::Users(page) => Answer::Users(client.users(&newest(&page)).await?),
        Fetch::User(id) => Answer::User(Box::new(client.user(&id).await?)),
        Fetch::Providers => Answer::Providers(client.provider_health().await?),
        Fetch::Provider(id) => Answer::Provider(Box::new(client.provider(&id).await?)),
        Fetch::Preview(id) => {
            let preview = client.preview_message(&id).await?;
            Answer::Preview(id, Box::new(preview))
        }
        Fetch::Retry(id, retry) => {
            let preview = client.retry_message(&id, &Retry { dry_run: true, ..retry }).await?;
            Answer::Retry(id, preview)
        }
    })
}

fn newest(page: &Page) -> ListRequest {
    ListRequest::newest(page.limit).after(page.after.as_deref()).filtered(page.filter.clone()).uncounted()
}
