//! `herald person …`: what is held of somebody, and forgetting it.

use super::Desk;
use crate::cli::args::PersonAction;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::output::grouped;
use std::io::{BufRead, IsTerminal, stdin};

/// Does one of the actions.
pub async fn run(desk: &Desk, action: PersonAction) -> Outcome {
    match action {
        PersonAction::Export { address } => {
            let export = desk.client.export_person(&address).await?;
            desk.out.value(&export)?;
            if export.users.is_empty() && export.targets.is_empty() && export.deliveries.is_empty() {
                return Err(Failure::NotFound(format!("nothing is held of {address}")));
            }
        }
        PersonAction::Erase { address, yes } => {
            if !yes {
                confirm(desk, &address)?;
            }
            let affected = desk.client.erase_person(&address).await?;
            desk.out.either(&affected, |affected| {
                let mut text =
                    format!("forgotten: {} records; counts of messages stay", grouped(affected.count));
                for left in &affected.left {
                    text.push_str("\nleft: ");
                    text.push_str(left);
                }
                text
            })?;
            if affected.count == 0 {
                return Err(Failure::NotFound(format!("nothing is held of {address}")));
            }
        }
    }
    Ok(())
}

fn confirm(desk: &Desk, address: &str) -> Outcome {
    if !stdin().is_terminal() {
        return Err(Failure::Usage("this cannot be undone: add --yes".into()));
    }
    desk.out.note(format!(
        "This forgets {address} in every place and cannot be undone. Type the address to go on:"
    ))?;
    let mut typed = String::new();
    stdin().lock().read_line(&mut typed)?;
    if typed.trim() == address { Ok(()) } else { Err(Failure::Refused("nothing was done".into())) }
}
