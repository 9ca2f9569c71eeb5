//! `herald suppression …`

use super::{Desk, id, text_of};
use crate::cli::args::{AddSuppressions, ListSuppressions, SuppressionAction, UndoSuppressions};
use crate::cli::failure::{Failure, Outcome};
use crate::cli::output::{Table, grouped};
use crate::domain::channel::Channel;
use crate::domain::ids::{ProviderId, TopicId};
use crate::domain::suppression::SuppressionCause;
use crate::domain::time::Timestamp;
use crate::wire::suppression::{
    AddedSuppressions, CreateSuppressions, Suppression, SuppressionParameters,
    UndoSuppressions as UndoRequest,
};
use std::fmt::Write as _;

/// Addresses that one call carries.
const STEP: usize = 5000;

/// Does one of the actions.
pub async fn run(desk: &Desk, action: SuppressionAction) -> Outcome {
    match action {
        SuppressionAction::List(args) => list(desk, args).await,
        SuppressionAction::Add(args) => add(desk, args).await,
        SuppressionAction::Remove { what } => remove(desk, &what).await,
        SuppressionAction::Undo(args) => undo(desk, args).await,
    }
}

fn cause(text: &str) -> Outcome<SuppressionCause> {
    SuppressionCause::parse(text).ok_or_else(|| Failure::Usage(format!("{text} is no cause")))
}

fn when(desk: &Desk, words: Option<&String>) -> Outcome<Option<Timestamp>> {
    words.map(|words| Ok(Timestamp::from_utc(desk.when(words)?.at))).transpose()
}

async fn list(desk: &Desk, args: ListSuppressions) -> Outcome {
    let asked = SuppressionParameters {
        cause: args.cause.as_deref().map(cause).transpose()?,
        provider_type: args.channel.as_deref().and_then(Channel::parse),
        provider_id: args.provider.as_deref().map(id::<ProviderId>).transpose()?,
        topic_id: args.topic.as_deref().map(id::<TopicId>).transpose()?,
        address: args.address,
        search: args.search,
        since: when(desk, args.since.as_ref())?,
        until: when(desk, args.until.as_ref())?,
        after: args.after,
        limit: Some(args.limit),
    };
    let page = desk.client.suppressions(&asked).await?;
    desk.out.either(&page, |page| {
        if page.suppressions.is_empty() {
            return "nobody is suppressed".into();
        }
        let mut text = table(desk, &page.suppressions);
        if let Some(next) = page.next {
            let _ = write!(text, "\nmore: --after {next}");
        }
        text
    })?;
    Ok(())
}

fn table(desk: &Desk, list: &[Suppression]) -> String {
    let mut table = Table::new(&["Id", "Since", "Type", "Address", "Why", "By", "Provider", "Said or noted"]);
    for record in list {
        table.row([
            record.id.as_str(),
            &desk.show(record.created_at),
            record.provider_type.as_str(),
            record.shown_address(),
            &record.reason(),
            &record.by,
            record.provider_id.as_ref().map_or("–", |id| id.as_str()),
            if record.note.is_empty() { &record.said } else { &record.note },
        ]);
    }
    table.render()
}

/// The addresses of a list: one a line, or the first column of a table.
fn first_column(text: &str) -> Vec<String> {
    let cell = |line: &str| {
        let line = line.trim_start_matches('\u{feff}').trim();
        let cell = line.split([',', ';', '\t']).next().unwrap_or_default();
        cell.trim().trim_matches('"').trim().to_owned()
    };
    let mut cells: Vec<_> = text.lines().map(cell).filter(|cell| !cell.is_empty()).collect();
    // A head names the column, and is no address.
    let head = |cell: &String| {
        matches!(
            cell.to_lowercase().as_str(),
            "email" | "address" | "phone" | "identifier" | "e-mail" | "recipient"
        )
    };
    if cells.first().is_some_and(head) {
        cells.remove(0);
    }
    cells
}

async fn add(desk: &Desk, args: AddSuppressions) -> Outcome {
    let mut addresses = args.addresses;
    if let Some(file) = &args.file {
        addresses.extend(first_column(&text_of(file)?));
    }
    let topics = args.topics.iter().map(|topic| id::<TopicId>(topic)).collect::<Outcome<Vec<_>>>()?;
    let mut all = AddedSuppressions::default();
    for step in addresses.chunks(STEP) {
        let asked = CreateSuppressions {
            addresses: step.to_vec(),
            provider_type: args.channel.as_deref().and_then(Channel::parse),
            cause: Some(cause(&args.cause)?),
            topics: topics.clone(),
            note: args.note.clone(),
        };
        let done = desk.client.suppress(&asked).await?;
        all.added += done.added;
        all.known += done.known;
        all.refused_count += done.refused_count;
        all.refused.extend(done.refused);
        all.suppressions.extend(done.suppressions);
    }
    desk.out.either(&all, |all| {
        let mut text = format!("{} suppressed, {} were already", grouped(all.added), grouped(all.known));
        if all.refused_count > 0 {
            let refused = all.refused.join(", ");
            let _ = write!(text, "; {} are no addresses: {refused}", grouped(all.refused_count));
        }
        text
    })?;
    if all.added + all.known == 0 {
        return Err(Failure::Refused("nothing was suppressed".into()));
    }
    Ok(())
}

async fn remove(desk: &Desk, what: &[String]) -> Outcome {
    let mut removed = Vec::new();
    for text in what {
        let found = match desk.client.suppression(text).await {
            Ok(record) => vec![record],
            Err(error) if matches!(error.status(), Some(400 | 404)) => {
                let asked =
                    SuppressionParameters { address: Some(text.clone()), ..SuppressionParameters::default() };
                match desk.client.suppressions(&asked).await {
                    Err(error) if error.status() == Some(400) => Vec::new(),
                    list => list?.suppressions,
                }
            }
            Err(error) => return Err(error.into()),
        };
        if found.is_empty() {
            return Err(Failure::NotFound(format!(
                "{text} is neither a suppression nor a suppressed address"
            )));
        }
        for record in found {
            desk.client.lift_suppression(&record.id).await?;
            removed.push(record);
        }
    }
    desk.out.either(&removed, |removed| {
        let lines = removed
            .iter()
            .map(|record| format!("{} is written to again ({})", record.shown_address(), record.reason()));
        lines.collect::<Vec<_>>().join("\n")
    })?;
    Ok(())
}

async fn undo(desk: &Desk, args: UndoSuppressions) -> Outcome {
    let from = desk.when(&args.from)?;
    let mut asked = UndoRequest {
        cause: cause(&args.cause)?,
        provider_id: args.provider.as_deref().map(id::<ProviderId>).transpose()?,
        from: Timestamp::from_utc(from.at),
        to: when(desk, args.to.as_ref())?,
        count: None,
        reason: args.reason,
    };
    let preview = desk.client.undo_suppressions(&asked).await?;
    let Some(count) = args.confirm.or_else(|| args.yes.then_some(preview.count)) else {
        desk.out.either(&preview, |preview| {
            let head = format!("{} would be written to again", grouped(preview.count));
            if preview.suppressions.is_empty() {
                head
            } else {
                format!("{head}, such as\n{}", table(desk, &preview.suppressions))
            }
        })?;
        if preview.count > 0 {
            desk.out.note(format!("nothing is done yet: the same with --confirm {}", preview.count))?;
        }
        return Ok(());
    };
    if preview.count == 0 {
        return Err(Failure::NotFound("nothing was suppressed for this cause in that time".into()));
    }
    asked.to = Some(preview.to);
    asked.count = Some(count);
    let undone = desk.client.undo_suppressions(&asked).await?;
    desk.out.either(&undone, |undone| format!("{} are written to again", grouped(undone.count)))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_column_of_any_list() {
        let plain = "ana@example.com\n\n bo@example.com \r\n";
        assert_eq!(first_column(plain), ["ana@example.com", "bo@example.com"]);
        let table = "\u{feff}Email,Reason\n\"ana@example.com\",bounce\nbo@example.com;x\n";
        assert_eq!(first_column(table), ["ana@example.com", "bo@example.com"]);
        assert!(first_column("").is_empty());
    }
}
