//! `herald target …`

use super::{Desk, message};
use crate::cli::args::TargetAction;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::output::Table;
use crate::domain::channel::Channel;
use crate::wire::delivery::{DeliveryPage, DeliveryRequest};
use crate::wire::person::{CreateTarget, LastOutcome, Target, UpdateTarget};
use crate::wire::suppression::{Suppression, SuppressionParameters};
use serde::Serialize;
use std::fmt::Write as _;

#[derive(Serialize)]
struct Shown<'a> {
    target: Option<&'a Target>,
    history: &'a DeliveryPage,
    suppressions: &'a [Suppression],
}

/// Does one of the actions.
pub async fn run(desk: &Desk, action: TargetAction) -> Outcome {
    let client = &desk.client;
    match action {
        TargetAction::List(page) => {
            let list = client.targets_with_outcomes(&desk.list(&page)).await?;
            desk.out.either(&list, |list| table(list.items(), Some(desk)))?;
        }
        TargetAction::Create { id, user, channel, address, provider } => {
            let provider_type = Channel::parse(&channel)
                .ok_or_else(|| Failure::Usage(format!("{channel} is no type: email, sms or push")))?;
            let target = CreateTarget {
                target_id: id,
                provider_type,
                identifier: address,
                provider_id: provider,
                name: None,
            };
            let made = client.create_target(&user, &target).await?;
            desk.out.either(&made, |made| format!("created target {} of {}", made.id, made.user_id))?;
        }
        TargetAction::Set { target, address, provider, name } => {
            let target = desk.target(&target).await?;
            let change = UpdateTarget { identifier: address, provider_id: provider, name };
            let now = client.update_target(&target.user_id, &target.id, &change).await?;
            desk.out.either(&now, |now| format!("target {} is {}", now.id, now.identifier))?;
        }
        TargetAction::Show { target, limit } => show(desk, &target, limit).await?,
        TargetAction::Delete { target } => {
            let target = desk.target(&target).await?;
            client.delete_target(&target.user_id, &target.id).await?;
            desk.out.say(format!("deleted target {}", target.identifier))?;
        }
    }
    Ok(())
}

/// "Did she get it?": the target as it is, and what was sent to it or not and
/// why; an address that no target has any more still has its history.
async fn show(desk: &Desk, text: &str, limit: usize) -> Outcome {
    let target = match desk.target(text).await {
        Ok(target) => Some(target),
        Err(Failure::NotFound(_)) => None,
        Err(other) => return Err(other),
    };
    let request = DeliveryRequest {
        target: target.as_ref().map(|target| target.id.clone()),
        address: target.is_none().then(|| text.to_owned()),
        limit: Some(limit),
        ..DeliveryRequest::default()
    };
    let history = desk.client.deliveries(&request).await?;
    let asked = SuppressionParameters {
        address: Some(target.as_ref().map_or(text, |target| &target.identifier).to_owned()),
        provider_type: target.as_ref().map(|target| target.provider_type),
        ..SuppressionParameters::default()
    };
    let suppressions = match desk.client.suppressions(&asked).await {
        Ok(list) => list.suppressions,
        // No address at all, or somebody who may not look at the list.
        Err(error) if matches!(error.status(), Some(400 | 401 | 403)) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    if target.is_none() && history.deliveries.is_empty() && suppressions.is_empty() {
        return Err(Failure::NotFound(format!(
            "there is no target with the id or address {text}, and the log knows nothing of it ({})",
            searched(desk, &history)
        )));
    }
    desk.out.either(
        &Shown { target: target.as_ref(), history: &history, suppressions: &suppressions },
        |shown| {
            let head = match shown.target {
                Some(target) => table(std::slice::from_ref(target), None),
                None => format!("{text}: no target has this address now\n"),
            };
            let mut listed = String::new();
            for one in shown.suppressions {
                let since = desk.show(one.created_at);
                let _ = writeln!(listed, "suppressed since {since}: {} ({})", one.reason(), one.id);
            }
            let head = format!("{}\n{listed}", head.trim_end_matches('\n'));
            format!(
                "{head}searched: {}\n{}",
                searched(desk, &history),
                message::deliveries(desk, &history.deliveries)
            )
        },
    )?;
    Ok(())
}

fn searched(desk: &Desk, history: &DeliveryPage) -> String {
    match history.since {
        Some(since) => format!("the log since {}", desk.show(since)),
        None => "the log, which is empty".into(),
    }
}

/// Targets; with a desk also what became last of what was sent to each.
fn table(targets: &[Target], outcomes: Option<&Desk>) -> String {
    if targets.is_empty() {
        return "no targets: `herald user create ID --email …`, or `herald import FILE`".into();
    }
    let mut heads = vec!["Id", "Type", "Address", "User", "Provider", "State"];
    heads.extend(outcomes.map(|_| "Last outcome"));
    let mut table = Table::new(&heads);
    for target in targets {
        let mut cells = vec![
            target.id.to_string(),
            target.provider_type.to_string(),
            target.identifier.clone(),
            target.user_id.to_string(),
            target.provider_id.as_ref().map_or_else(|| "–".into(), ToString::to_string),
            if target.expired { "expired" } else { "ok" }.into(),
        ];
        cells.extend(outcomes.map(|desk| last(desk, target.last_outcome)));
        table.row(cells);
    }
    table.render()
}

/// What became last of what was sent to an address, and when.
fn last(desk: &Desk, outcome: Option<LastOutcome>) -> String {
    let Some(last) = outcome else { return "–".into() };
    let reason = last.skip.map(|skip| format!(" ({})", skip.as_str())).unwrap_or_default();
    format!("{}{reason} {}", last.outcome, desk.show(last.at))
}
