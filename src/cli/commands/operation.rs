//! Operations over deliveries by a filter: shown, confirmed, watched to their end.

use super::Desk;
use crate::cli::args::Operate;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::output::{Table, grouped};
use crate::domain::ids::ProviderId;
use crate::wire::operation::{CreateOperation, Operation, OperationAction, OperationState};
use std::fmt::Write as _;
use std::time::Duration;

/// How often a running operation is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// Previews an operation, and does it if that was said.
pub async fn run(
    desk: &Desk,
    action: OperationAction,
    filter: String,
    provider_id: Option<ProviderId>,
    how: Operate,
) -> Outcome {
    let asked = CreateOperation { action, filter, provider_id, uncertain: how.uncertain, reason: how.reason };
    let operation = desk.client.preview_operation(&asked).await?;
    let count = operation.preview.count;
    let wanted = how.confirm.or_else(|| how.yes.then_some(count));
    let Some(wanted) = wanted else {
        show(desk, &operation)?;
        if count > 0 {
            desk.out.note(format!("nothing is done yet: herald queue confirm {} {count}", operation.id))?;
        }
        return Ok(());
    };
    if wanted != count {
        return Err(Failure::Refused(format!(
            "{} deliveries are found, not {wanted}: nothing was done",
            grouped(count)
        )));
    }
    if count == 0 {
        return Err(Failure::NotFound("nobody fits".into()));
    }
    confirm(desk, operation.id.as_str(), count).await
}

/// Lets an operation begin, and waits for its end.
pub async fn confirm(desk: &Desk, id: &str, count: u64) -> Outcome {
    let mut operation = desk.client.confirm_operation(id, count).await?;
    while !operation.is_over() {
        tokio::time::sleep(LOOK).await;
        operation = desk.client.operation(id).await?;
    }
    show(desk, &operation)
}

/// Operations, newest first.
pub async fn list(desk: &Desk, limit: usize) -> Outcome {
    let page = desk.client.operations(None, limit).await?;
    desk.out.either(&page, |page| {
        if page.operations.is_empty() {
            return "there are no operations".into();
        }
        let mut table = Table::new(&["Id", "When", "By", "Action", "State", "#Done", "#Of", "Filter"]);
        for operation in &page.operations {
            table.row([
                operation.id.as_str(),
                &desk.show(operation.created),
                &operation.by,
                operation.action.as_str(),
                state(operation.state),
                &grouped(operation.done),
                &grouped(operation.preview.count),
                &operation.filter,
            ]);
        }
        table.render()
    })?;
    Ok(())
}

fn state(state: OperationState) -> &'static str {
    match state {
        OperationState::Previewed => "previewed",
        OperationState::Running => "running",
        OperationState::Done => "done",
        OperationState::Cancelled => "cancelled",
    }
}

/// An operation, for people.
pub fn show(desk: &Desk, operation: &Operation) -> Outcome {
    desk.out.either(operation, |operation| {
        let preview = &operation.preview;
        let mut text = format!(
            "{} {}: {} of {} deliveries of {} messages",
            operation.action.as_str(),
            state(operation.state),
            grouped(operation.done),
            grouped(preview.count),
            grouped(preview.messages)
        );
        if operation.moved_on > 0 {
            let _ = write!(text, "; {} had moved on", grouped(operation.moved_on));
        }
        if let (Some(oldest), Some(newest)) = (preview.oldest, preview.newest) {
            let _ = write!(text, "\nlast tried between {} and {}", desk.show(oldest), desk.show(newest));
        }
        for left in &preview.left_out {
            let _ = write!(text, "\n{} left out: {}", grouped(left.count), left.reason);
        }
        if operation.state == OperationState::Previewed {
            for row in &preview.sample {
                let _ =
                    write!(text, "\n  {}  {}  {}: {}", row.address, row.headline, row.outcome, row.answer);
            }
        }
        text
    })?;
    Ok(())
}
