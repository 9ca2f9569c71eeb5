//! `herald key …`

use super::Desk;
use crate::cli::args::KeyAction;
use crate::cli::failure::Outcome;
use crate::cli::output::Table;
use crate::domain::time::Timestamp;
use crate::wire::key::CreateKey;

/// Does one of the actions.
pub async fn run(desk: &Desk, action: KeyAction) -> Outcome {
    match action {
        KeyAction::List => {
            let list = desk.client.keys().await?;
            desk.out.either(&list, |list| {
                if list.keys.is_empty() {
                    return "no keys: `herald key create NAME`".into();
                }
                let mut table = Table::new(&["Id", "Name", "Expires", "Last used", "Scopes"]);
                for key in &list.keys {
                    table.row([
                        key.id.as_str(),
                        &key.name,
                        &desk.show_maybe(key.expire),
                        &desk.show_maybe(key.accessed_at),
                        &key.scopes.join(" "),
                    ]);
                }
                table.render()
            })?;
        }
        KeyAction::Create { name, scopes, expires } => {
            let expire = match expires {
                Some(words) => Some(Timestamp::from_utc(desk.when(&words)?.at)),
                None => None,
            };
            let scopes = (!scopes.is_empty()).then_some(scopes);
            let made = desk.client.create_key(&CreateKey { key_id: None, name, scopes, expire }).await?;
            if desk.out.json() {
                desk.out.value(&made)?;
            } else {
                desk.out
                    .say(format!("key {} “{}”; its secret is shown only now:", made.key.id, made.key.name))?;
                desk.out.raw(&made.secret)?;
            }
        }
        KeyAction::Delete { id } => {
            desk.client.delete_key(&id).await?;
            desk.out.say(format!("deleted key {id}: it opens nothing any more"))?;
        }
    }
    Ok(())
}
