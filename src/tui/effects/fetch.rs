//! Questions, asked.

use crate::client::{Client, Result};
use crate::tui::message::{Answer, Fetch, Page, Stored};
use crate::wire::message::Retry;
use crate::wire::query::{ListRequest, Query};

/// The hours in which failures of a message are looked for: as many as can be.
const HOURS: u64 = 720;

/// The ids that are asked for together.
const TOGETHER: usize = 80;

/// Turns the rows of a list's end the right way round; behind it nothing comes.
macro_rules! turn {
    ($page:ident, $rows:expr, $next:expr) => {
        if $page.end {
            $rows.reverse();
            $next = None;
        }
    };
}

/// Asks the API.
pub(super) async fn fetch(client: &Client, fetch: Fetch) -> Result<Answer> {
    Ok(match fetch {
        Fetch::Overview => Answer::Overview(Box::new(client.overview().await?)),
        Fetch::Messages(page) => {
            let mut list = client.messages(&request(&page)).await?;
            turn!(page, list.messages, list.next);
            Answer::Messages(page, list)
        }
        Fetch::Message(id) => Answer::Message(Box::new(client.message_detail(&id).await?)),
        Fetch::Deliveries(request) => Answer::Deliveries(request.clone(), client.deliveries(&request).await?),
        Fetch::Audit(resource) => {
            let page = client.audit(Some(&resource), None, 50).await?;
            Answer::Audit(resource, page)
        }
        Fetch::Topics(page) => {
            let mut list = client.topics(&request(&page)).await?;
            turn!(page, list.topics, list.next);
            Answer::Topics(page, list)
        }
        Fetch::Subscribers(topic, page) => {
            let mut list = client.subscribers(&topic, &request(&page)).await?;
            turn!(page, list.subscribers, list.next);
            Answer::Subscribers(topic, page, list)
        }
        Fetch::Targets(page) => {
            let mut list = client.targets_with_outcomes(&request(&page)).await?;
            turn!(page, list.targets, list.next);
            Answer::Targets(page, list)
        }
        Fetch::Outcomes(ids) => {
            let mut targets = Vec::with_capacity(ids.len());
            for ids in ids.chunks(TOGETHER) {
                let ids = ids.iter().map(AsRef::as_ref);
                let list = ListRequest::newest(TOGETHER).with(Query::equal("$id", ids)).uncounted();
                targets.extend(client.targets_with_outcomes(&list).await?.into_items());
            }
            Answer::Outcomes(targets)
        }
        Fetch::Users(page) => Answer::Users(client.users(&request(&page)).await?),
        Fetch::User(id) => Answer::User(Box::new(client.user(&id).await?)),
        Fetch::Providers => Answer::Providers(client.provider_health().await?),
        Fetch::Operation(asked) => Answer::Operation(Box::new(client.preview_operation(&asked).await?)),
        Fetch::Suppressions(asked) => {
            let list = client.suppressions(&asked).await?;
            Answer::Suppressions(asked, list)
        }
        Fetch::UndoSuppressions(asked) => {
            let found = client.undo_suppressions(&asked).await?;
            Answer::Undoable(asked, found)
        }
        Fetch::Provider(id) => Answer::Provider(Box::new(client.provider(&id).await?)),
        Fetch::Routing => Answer::Routing(Box::new(client.routing().await?)),
        Fetch::Preview(id) => {
            let preview = client.preview_message(&id).await?;
            Answer::Preview(id, Box::new(preview))
        }
        Fetch::Folder(typed) => Answer::Folder(super::folder::folder(typed).await),
        Fetch::File(at) => {
            let (bucket, id) = at.split_once(':').unwrap_or((&at, ""));
            let file = client.file(bucket, id).await?;
            Answer::File(Stored { name: file.name, bytes: file.size_original, at })
        }
        Fetch::Drafts => Answer::Drafts(client.drafts().await?.drafts),
        Fetch::Errors(id) => {
            let errors = client.errors(Some(id.as_str()), None, HOURS).await?;
            Answer::Errors(id, errors)
        }
        Fetch::Watched(seen) => Answer::Watched(super::watched::watched(client, &seen).await?),
        Fetch::Settings => Answer::Settings(client.settings().await?),
        Fetch::Retry(id, retry) => {
            let preview = client.retry_message(&id, &Retry { dry_run: true, ..retry }).await?;
            Answer::Retry(id, preview)
        }
    })
}

/// The list request of a page. The end of a list is the beginning of its reverse.
fn request(page: &Page) -> ListRequest {
    let (by, descending) = match &page.sort {
        None => ("", true),
        Some(sort) => (sort.by.as_str(), sort.descending),
    };
    let order = if descending == page.end { Query::order_asc(by) } else { Query::order_desc(by) };
    let list = ListRequest::default()
        .with(order)
        .with(Query::limit(page.limit))
        .after(page.after.as_deref())
        .filtered(page.filter.clone())
        .uncounted();
    match &page.before {
        Some(key) => list.with(Query::cursor_before(key)),
        None => list,
    }
}
