//! `herald alert …`

use super::Desk;
use crate::cli::args::alert::AlertAction;
use crate::cli::failure::{Failure, Outcome};
use std::fmt::Write as _;

/// Does one of the actions.
pub async fn run(desk: &Desk, action: AlertAction) -> Outcome {
    match action {
        AlertAction::List => {
            let list = desk.client.alerts().await?;
            desk.out.either(&list, |list| {
                if list.alerts.is_empty() {
                    return "nothing needs you".into();
                }
                let mut text = String::new();
                for alert in &list.alerts {
                    let _ = writeln!(text, "{}  {}  {}", desk.show(alert.since), alert.id, alert.text);
                    for change in &alert.changes {
                        let _ = writeln!(
                            text,
                            "    before it: {} {} {} {}",
                            desk.show(change.at),
                            change.actor.name,
                            change.event,
                            change.summary
                        );
                    }
                }
                text
            })?;
            Ok(())
        }
        AlertAction::Test => {
            let told = desk.client.test_alerts().await?;
            desk.out.either(&told, |told| {
                let line = |what: &str, told: &crate::wire::alert::Told| match &told.problem {
                    None => format!("{what} was told\n"),
                    Some(problem) => format!("{what} was not told: {problem}\n"),
                };
                let webhook = told.webhook.as_ref().map(|told| line("the webhook", told));
                let command = told.command.as_ref().map(|told| line("the command", told));
                match (webhook, command) {
                    (None, None) => "nobody is told of alerts: set alerts.webhook or alerts.command".into(),
                    (webhook, command) => {
                        format!("{}{}", webhook.unwrap_or_default(), command.unwrap_or_default())
                    }
                }
            })?;
            let failed =
                [&told.webhook, &told.command].into_iter().flatten().any(|told| told.problem.is_some());
            if failed { Err(Failure::Incomplete("somebody was not told".into())) } else { Ok(()) }
        }
    }
}
