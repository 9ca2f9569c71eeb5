//! `herald draft …`

use super::{Desk, text_of};
use crate::cli::args::draft::DraftAction;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::output::Table;
use crate::domain::ids::Revision;
use crate::wire::draft::SaveDraft;
use serde_json::Value;

/// Does one of the actions.
pub async fn run(desk: &Desk, action: DraftAction) -> Outcome {
    match action {
        DraftAction::List => {
            let list = desk.client.drafts().await?;
            desk.out.either(&list, |list| {
                if list.drafts.is_empty() {
                    return "you have no drafts".into();
                }
                let mut table = Table::new(&["Id", "Saved", "#Revision", "Begins"]);
                for draft in &list.drafts {
                    table.row([
                        draft.id.as_str(),
                        &desk.show(draft.updated_at),
                        &draft.revision.0.to_string(),
                        &beginning(&Value::Object(draft.document.clone())),
                    ]);
                }
                table.render()
            })?;
        }
        DraftAction::Show { id } => {
            let draft = desk.client.draft(&id).await?;
            if desk.out.json() { desk.out.value(&draft)? } else { desk.out.value(&draft.document)? }
        }
        DraftAction::Save { id, file, revision } => {
            let document = match serde_json::from_str(&text_of(&file)?) {
                Ok(Value::Object(map)) => map,
                Ok(_) => return Err(Failure::Usage("a draft is a JSON object".into())),
                Err(error) => return Err(Failure::Usage(format!("a draft is a JSON object: {error}"))),
            };
            let save = SaveDraft { document, revision: revision.map(Revision) };
            let saved = desk.client.save_draft(&id, &save).await?;
            desk.out.either(&saved, |saved| {
                format!("draft {} is saved, revision {}", saved.id, saved.revision.0)
            })?;
        }
        DraftAction::Delete { id } => {
            desk.client.delete_draft(&id).await?;
            desk.out.say(format!("deleted draft {id}"))?;
        }
    }
    Ok(())
}

/// The beginning of a document in one line.
fn beginning(document: &Value) -> String {
    const LONGEST: usize = 60;
    let text = document.to_string();
    let short: String = text.chars().take(LONGEST).collect();
    if short.len() < text.len() { format!("{short}…") } else { short }
}
