//! `herald user …`

use super::Desk;
use crate::cli::args::UserAction;
use crate::cli::failure::Outcome;
use crate::cli::output::Table;
use crate::wire::person::{CreateUser, User};

/// Does one of the actions.
pub async fn run(desk: &Desk, action: UserAction) -> Outcome {
    let client = &desk.client;
    match action {
        UserAction::List(page) => {
            let list = client.users(&desk.list(&page)).await?;
            desk.out.either(&list, |list| table(list.items()))?;
        }
        UserAction::Create { id, name, email, phone } => {
            let user = client.create_user(&CreateUser { user_id: id, email, phone, name }).await?;
            desk.out.either(&user, |user| format!("created user {}\n{}", user.id, targets(user)))?;
        }
        UserAction::Show { id } => {
            let user = client.user(&id).await?;
            desk.out
                .either(&user, |user| format!("{}{}", table(std::slice::from_ref(user)), targets(user)))?;
        }
        UserAction::Block { id } => {
            let user = client.update_user_status(&id, false).await?;
            desk.out.either(&user, |user| format!("nothing is sent to {} any more", user.id))?;
        }
        UserAction::Unblock { id } => {
            let user = client.update_user_status(&id, true).await?;
            desk.out.either(&user, |user| format!("{} is sent to again", user.id))?;
        }
        UserAction::Delete { id } => {
            client.delete_user(&id).await?;
            desk.out.say(format!("deleted user {id} with its targets"))?;
        }
    }
    Ok(())
}

fn table(users: &[User]) -> String {
    if users.is_empty() {
        return "no users: `herald user create ID --email …`, or `herald import FILE`".into();
    }
    let mut table = Table::new(&["Id", "Name", "Email", "Phone", "State"]);
    for user in users {
        let state = if user.status { "ok" } else { "blocked" };
        table.row([user.id.as_str(), &user.name, &user.email, &user.phone, state]);
    }
    table.render()
}

fn targets(user: &User) -> String {
    if user.targets.is_empty() {
        return "no targets: nothing can reach this user".into();
    }
    let mut table = Table::new(&["Target", "Type", "Address", "State"]);
    for target in &user.targets {
        let state = if target.expired { "expired" } else { "ok" };
        table.row([target.id.as_str(), target.provider_type.as_str(), &target.identifier, state]);
    }
    table.render()
}
