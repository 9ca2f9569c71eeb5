//! Who waits, and what is decided for them.

use super::answer::{Answered, ok};
use super::call::Call;
use super::deliveries::{MOST, Names};
use crate::domain::plan::{NO_PROVIDER, WaitReason};
use crate::domain::time::Timestamp;
use crate::domain::validate::Invalid;
use crate::engine::usecases::Outcome;
use crate::store::dispatch::{Decision as StoreDecision, WaitingFilter};
use crate::wire::delivery::{Affected, Decide, Decision, Waiting, WaitingPage, WaitingRequest};

async fn filter(
    call: &Call,
    message: Option<&crate::domain::ids::MessageId>,
    provider: Option<&crate::domain::ids::ProviderId>,
    why: Option<WaitReason>,
) -> Outcome<WaitingFilter> {
    let store = call.engine().store();
    let message = match message {
        Some(id) => Some(store.message(id).await?.no),
        None => None,
    };
    let provider = match provider {
        Some(id) => Some(store.provider(id).await?.no),
        None => None,
    };
    Ok(WaitingFilter { message, provider, why })
}

pub(crate) async fn page(call: Call) -> Answered {
    call.only_query(&["message", "provider", "why", "after", "limit"])?;
    let request: WaitingRequest = call.query_as(&["after", "limit"], &[])?;
    let filter = filter(&call, request.message.as_ref(), request.provider.as_ref(), request.why).await?;
    let limit = request.limit.unwrap_or(50).clamp(1, MOST);
    let engine = call.engine();
    let rows = engine.store().waiting(filter, request.after, limit).await?;
    let mut names = Names::new(engine).await?;
    names
        .learn(
            engine,
            rows.iter().map(|row| row.lane.message).collect(),
            rows.iter().map(|row| row.waiting.target).collect(),
            rows.iter().map(|row| row.waiting.identifier).collect(),
        )
        .await?;
    let next = rows.last().filter(|_| rows.len() == limit).map(|row| row.waiting.no.0);
    let waiting = rows
        .into_iter()
        .map(|row| {
            let message = names.message(row.lane.message);
            let target = names.target(row.waiting.target);
            let address = match names.address(row.waiting.identifier) {
                "" => target.map(|target| target.identifier.clone()).unwrap_or_default(),
                address => address.to_owned(),
            };
            Waiting {
                no: row.waiting.no.0,
                message_id: message.map(|message| message.id.clone()),
                headline: message.map(|message| message.content.headline().to_owned()).unwrap_or_default(),
                provider_id: names
                    .provider(row.lane.provider)
                    .filter(|_| row.lane.provider != NO_PROVIDER)
                    .cloned(),
                target_id: target.map(|target| target.id.clone()),
                address,
                attempts: row.waiting.attempts,
                due: Some(row.due).filter(|due| *due != Timestamp::NEVER),
                why: row.waiting.why,
                possibly_twice: row.waiting.possibly_twice,
            }
        })
        .collect();
    ok(&WaitingPage { waiting, next })
}

pub(crate) async fn decide(call: Call) -> Answered {
    let request: Decide = call.json()?;
    if request.message.is_none() && request.provider.is_none() && request.why.is_none() {
        return Err(Invalid::value("message", "a decision needs a message, a provider or a reason").into());
    }
    let engine = call.engine();
    let chosen = filter(&call, request.message.as_ref(), request.provider.as_ref(), request.why).await?;
    let decision = match &request.decision {
        Decision::Release => StoreDecision::Release,
        Decision::GiveUp => StoreDecision::GiveUp,
        Decision::FailOver { provider_id } => {
            let provider = engine.store().provider(provider_id).await?;
            if !provider.enabled {
                return Err(
                    Invalid::value("providerId", format!("Provider {provider_id} is disabled")).into()
                );
            }
            StoreDecision::FailOver(provider.no)
        }
    };
    let resource = match (&request.message, &request.provider) {
        (Some(id), _) => format!("message/{id}"),
        (None, Some(id)) => format!("provider/{id}"),
        (None, None) => "queue".to_owned(),
    };
    // Who is uncertain may get a second copy: only when the reason is named.
    let reasons: Vec<WaitReason> = match request.why {
        Some(why) => vec![why],
        None => vec![WaitReason::Retry, WaitReason::InDoubt, WaitReason::ProviderRefuses],
    };
    let mut count = 0;
    for why in reasons {
        let filter = WaitingFilter { why: Some(why), ..chosen.clone() };
        count += engine.decide(filter, decision, call.actor(), &resource).await?;
    }
    ok(&Affected { count })
}
