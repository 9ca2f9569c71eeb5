//! `herald person …`: what is held of somebody, and forgetting it.

use super::Desk;
use crate::cli::args::PersonAction;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::output::{Table, grouped};
use crate::wire::transfer::{Erasure, ErasurePart};
use http_body_util::BodyExt;
use std::io::{BufRead, IsTerminal, Write, stdin, stdout};
use std::time::Duration;

/// Between two looks at how far an erasure is.
const LOOK: Duration = Duration::from_millis(250);

/// Does one of the actions.
pub async fn run(desk: &Desk, action: PersonAction) -> Outcome {
    match action {
        PersonAction::Export { address } => {
            let export = desk.client.person_export(&address).await;
            let mut export = export.map_err(|error| match error.into() {
                Failure::NotFound(_) => Failure::NotFound(format!("nothing is held of {address}")),
                other => other,
            })?;
            while let Some(frame) = export.frame().await {
                let frame =
                    frame.map_err(|error| Failure::Failed(format!("the export broke off: {error}")))?;
                if let Ok(bytes) = frame.into_data() {
                    stdout().write_all(&bytes)?;
                }
            }
            writeln!(stdout())?;
        }
        PersonAction::Erase { address, yes, no_wait } => {
            if !yes {
                confirm(desk, &address)?;
            }
            let mut erasure = desk.client.erase_person(&address).await?;
            if !no_wait {
                erasure = wait(desk, erasure).await?;
            }
            desk.out.either(&erasure, |erasure| {
                let mut text = if erasure.is_over() {
                    format!(
                        "forgotten: {} records, {} texts; counts of messages stay",
                        grouped(erasure.count),
                        grouped(erasure.changed)
                    )
                } else {
                    format!("{}; `herald person erasures` says how far it is", standing(erasure))
                };
                for left in &erasure.left {
                    text.push_str("\nleft: ");
                    text.push_str(left);
                }
                text
            })?;
        }
        PersonAction::Erasures => {
            let list = desk.client.erasures().await?;
            desk.out.either(&list, |list| {
                let mut table = Table::new(&["ID", "BEGAN", "BY", "STATE"]);
                for erasure in &list.erasures {
                    table.row([
                        erasure.id.as_str(),
                        &desk.show(erasure.created),
                        &erasure.by,
                        &standing(erasure),
                    ]);
                }
                if table.is_empty() { "nobody was erased".to_owned() } else { table.render() }
            })?;
        }
    }
    Ok(())
}

/// Where an erasure stands.
fn standing(erasure: &Erasure) -> String {
    let texts = format!("{} looked at, {} changed", grouped(erasure.looked), grouped(erasure.changed));
    if erasure.is_over() {
        return format!("done: {texts}");
    }
    let (part, parts) = (erasure.part.done() + 1, ErasurePart::ALL.len() - 1);
    format!("{} (part {part} of {parts}): {texts}", erasure.part.as_str())
}

/// Waits until an erasure is over, and shows how far it is. Whoever interrupts it ends only the waiting.
async fn wait(desk: &Desk, mut erasure: Erasure) -> Outcome<Erasure> {
    let watched = !desk.out.json() && desk.out.is_watched();
    let mut shown = String::new();
    while !erasure.is_over() {
        let text = standing(&erasure);
        if watched && text != shown {
            desk.out.note(&text)?;
            shown = text;
        }
        tokio::time::sleep(LOOK).await;
        erasure = desk.client.erasure(&erasure.id).await?;
    }
    Ok(erasure)
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
