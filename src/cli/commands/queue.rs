//! `herald queue …`

use super::{Desk, operation};
use crate::cli::args::{QueueAction, QueueFilter, WaitWord};
use crate::cli::failure::{Failure, Outcome};
use crate::cli::output::{Table, grouped};
use crate::domain::plan::WaitReason;
use crate::wire::delivery::{Decide, Decision, WaitingRequest};
use crate::wire::operation::OperationAction;
use std::fmt::Write as _;

impl From<WaitWord> for WaitReason {
    fn from(word: WaitWord) -> Self {
        match word {
            WaitWord::Retry => Self::Retry,
            WaitWord::InDoubt => Self::InDoubt,
            WaitWord::Uncertain => Self::Uncertain,
            WaitWord::ProviderRefuses => Self::ProviderRefuses,
            WaitWord::Held => Self::Held,
        }
    }
}

/// Why somebody waits, for people.
fn reason(why: WaitReason) -> &'static str {
    match why {
        WaitReason::Retry => "for another attempt",
        WaitReason::InDoubt => "in doubt after a crash, sent again",
        WaitReason::Uncertain => "uncertain: needs a decision",
        WaitReason::ProviderRefuses => "the provider refuses us",
        WaitReason::Held => "held by an operator",
    }
}

/// Does one of the actions.
pub async fn run(desk: &Desk, action: QueueAction) -> Outcome {
    match action {
        QueueAction::Show => show(desk).await,
        QueueAction::List { message, provider, why, limit } => {
            let request = WaitingRequest {
                message: message.map(|id| id.parse()).transpose()?,
                provider: provider.map(|id| id.parse()).transpose()?,
                why: why.map(Into::into),
                after: None,
                limit: Some(limit),
            };
            let page = desk.client.waiting(&request).await?;
            desk.out.either(&page, |page| {
                if page.waiting.is_empty() {
                    return "nobody waits".into();
                }
                let mut table = Table::new(&["To", "Message", "Provider", "#Tries", "Next try", "Why"]);
                for row in &page.waiting {
                    table.row([
                        row.address.as_str(),
                        row.message_id.as_ref().map_or("–", |id| id.as_str()),
                        row.provider_id.as_ref().map_or("–", |id| id.as_str()),
                        &row.attempts.to_string(),
                        &desk.show_maybe(row.due),
                        reason(row.why),
                    ]);
                }
                table.render()
            })?;
            Ok(())
        }
        QueueAction::Release(QueueFilter { filter: Some(filter), how, .. }) => {
            operation::run(desk, OperationAction::Release, filter, None, how.into()).await
        }
        QueueAction::GiveUp(QueueFilter { filter: Some(filter), how, .. }) => {
            operation::run(desk, OperationAction::Cancel, filter, None, how.into()).await
        }
        QueueAction::Retry(on) => operation::run(desk, OperationAction::Retry, on.filter, None, on.how).await,
        QueueAction::Hold(on) => operation::run(desk, OperationAction::Hold, on.filter, None, on.how).await,
        QueueAction::Cancel(on) => {
            operation::run(desk, OperationAction::Cancel, on.filter, None, on.how).await
        }
        QueueAction::FailOver { to, on } => {
            operation::run(desk, OperationAction::FailOver, on.filter, Some(to.parse()?), on.how).await
        }
        QueueAction::Confirm { id, count } => operation::confirm(desk, &id, count).await,
        QueueAction::Operations { limit } => operation::list(desk, limit).await,
        QueueAction::Operation { id } => operation::show(desk, &desk.client.operation(&id).await?),
        QueueAction::CancelOperation { id } => {
            operation::show(desk, &desk.client.cancel_operation(&id).await?)
        }
        QueueAction::Release(filter) => decide(desk, filter, Decision::Release, "are sent to now").await,
        QueueAction::GiveUp(filter) => decide(desk, filter, Decision::GiveUp, "have failed").await,
    }
}

async fn decide(desk: &Desk, filter: QueueFilter, decision: Decision, done: &str) -> Outcome {
    let decide = Decide {
        message: filter.message.map(|id| id.parse()).transpose()?,
        provider: filter.provider.map(|id| id.parse()).transpose()?,
        why: filter.why.map(Into::into),
        decision,
    };
    let affected = desk.client.decide(&decide).await?;
    desk.out.either(&affected, |affected| format!("{} recipients {done}", grouped(affected.count)))?;
    if affected.count == 0 {
        return Err(Failure::NotFound("nobody waits who fits".into()));
    }
    Ok(())
}

async fn show(desk: &Desk) -> Outcome {
    let overview = desk.client.overview().await?;
    desk.out.either(&overview, |overview| {
        let mut text = String::new();
        for need in &overview.needs_you {
            let _ = writeln!(text, "needs you: {}", need.text);
        }
        let mut table = Table::new(&[
            "Provider",
            "#Queued",
            "#Retrying",
            "#Held",
            "#Uncertain",
            "Oldest",
            "Next try",
            "Why",
        ]);
        for row in overview.providers.iter().filter(|row| row.waiting() > 0) {
            table.row([
                row.id.as_str(),
                &grouped(row.queued),
                &grouped(row.retrying),
                &grouped(row.held),
                &grouped(row.undecided),
                &desk.show_maybe(row.oldest),
                &desk.show_maybe(row.next_try),
                row.why.as_ref().map_or("–", |why| why.text.as_str()),
            ]);
        }
        if table.is_empty() {
            text.push_str("nobody waits");
        } else {
            text.push_str(&table.render());
        }
        text
    })?;
    Ok(())
}
