//! `herald errors`

use super::Desk;
use crate::cli::args::errors::Errors;
use crate::cli::failure::Outcome;
use crate::cli::output::{Table, grouped};

/// Failures, grouped by cause.
pub async fn run(desk: &Desk, errors: Errors) -> Outcome {
    let (message, provider) = (errors.message.as_deref(), errors.provider.as_deref());
    let groups = desk.client.errors(message, provider, errors.hours).await?;
    desk.out.either(&groups, |groups| {
        if groups.errors.is_empty() {
            return format!("no failures in the last {} h", errors.hours);
        }
        let mut table = Table::new(&["#Count", "Provider", "#Code", "First", "Last", "Answer"]);
        for group in &groups.errors {
            table.row([
                grouped(group.count).as_str(),
                group.provider_id.as_ref().map_or("–", |id| id.as_str()),
                &group.code.to_string(),
                &desk.show(group.first),
                &desk.show(group.last),
                &group.text,
            ]);
        }
        let more = if groups.cut_short {
            "\nand more than were grouped: narrow it by message or provider"
        } else {
            ""
        };
        format!("{}{more}", table.render())
    })?;
    Ok(())
}
