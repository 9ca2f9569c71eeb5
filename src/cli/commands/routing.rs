//! `herald provider order|countries|failover`

use super::{Desk, id};
use crate::cli::args::RoutingAction;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::output::Table;
use crate::domain::routing::{Allowance, PrefixRule, Routing};
use crate::domain::time::Timestamp;
use crate::wire::routing::{WriteFailover, WriteRouting};

/// Does one of the actions.
pub async fn run(desk: &Desk, action: RoutingAction) -> Outcome {
    let client = &desk.client;
    match action {
        RoutingAction::Order { ids } => {
            let routing = if ids.is_empty() {
                client.routing().await?
            } else {
                let order = ids.iter().map(|text| id(text)).collect::<Outcome<_>>()?;
                client.update_routing(&WriteRouting { order: Some(order), prefixes: None }).await?
            };
            desk.out.either(&routing, |routing| {
                let lines = routing.order.iter().enumerate().map(|(n, id)| format!("{}. {id}", n + 1));
                lines.collect::<Vec<_>>().join("\n")
            })?;
        }
        RoutingAction::Countries { rules } => {
            let mut routing = client.routing().await?;
            if !rules.is_empty() {
                let prefixes = edited(routing.prefixes, &rules)?;
                routing =
                    client.update_routing(&WriteRouting { order: None, prefixes: Some(prefixes) }).await?;
            }
            desk.out.either(&routing, countries)?;
        }
        RoutingAction::Failover { id: name, bulk, direct } => {
            let routing = if bulk.is_none() && direct.is_none() {
                client.provider(&name).await?;
                client.routing().await?
            } else {
                let read = |words: Option<String>| words.map(|words| allowance(desk, &words)).transpose();
                let write = WriteFailover { bulk: read(bulk)?, direct: read(direct)? };
                client.update_failover(&name, &write).await?
            };
            let failover = routing.failover(&id(&name)?);
            desk.out.either(&failover, |failover| {
                format!(
                    "while {name} is down or misconfigured, its recipients go through the next provider: bulk {}, direct {}",
                    shown(desk, &failover.bulk),
                    shown(desk, &failover.direct)
                )
            })?;
        }
    }
    Ok(())
}

/// Rules with what was typed put in.
fn edited(mut prefixes: Vec<PrefixRule>, rules: &[String]) -> Outcome<Vec<PrefixRule>> {
    for rule in rules {
        let (prefix, name) = rule
            .split_once('=')
            .ok_or_else(|| Failure::Usage(format!("`{rule}` is not PREFIX=PROVIDER, such as +49=main")))?;
        prefixes.retain(|known| known.prefix != prefix);
        if !name.is_empty() {
            prefixes.push(PrefixRule { prefix: prefix.to_owned(), provider_id: id(name)? });
        }
    }
    prefixes.sort_by(|a, b| a.prefix.cmp(&b.prefix));
    Ok(prefixes)
}

fn countries(routing: &Routing) -> String {
    if routing.prefixes.is_empty() {
        return "no rules: text messages go through the first provider in order".into();
    }
    let mut table = Table::new(&["Numbers", "Provider"]);
    for rule in &routing.prefixes {
        table.row([rule.prefix.as_str(), rule.provider_id.as_str()]);
    }
    table.render()
}

fn allowance(desk: &Desk, words: &str) -> Outcome<Allowance> {
    Ok(match words {
        "yes" => Allowance { allowed: true, until: None },
        "no" => Allowance::default(),
        words => Allowance { allowed: true, until: Some(Timestamp::from_utc(desk.when(words)?.at)) },
    })
}

fn shown(desk: &Desk, allowance: &Allowance) -> String {
    match (allowance.allowed, allowance.until) {
        (false, _) => "no".into(),
        (true, None) => "yes".into(),
        (true, Some(until)) => format!("until {}", desk.show(until)),
    }
}
