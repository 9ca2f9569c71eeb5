//! Targets: of a user, in the dialect; of everybody, Herald's own.

use super::answer::{Answered, created, nothing, ok};
use super::call::Call;
use super::list::{Asked, Found, ListCall, Source, found};
use super::params::Required;
use super::present;
use super::routes::Scope;
use super::stale::explained;
use crate::domain::channel::Channel;
use crate::domain::ids::{TargetId, UserId};
use crate::domain::person::Target;
use crate::engine::Engine;
use crate::engine::usecases::Outcome;
use crate::engine::usecases::users::{TargetDraft, TargetEdit};
use crate::store::Result as StoreResult;
use crate::store::page::{Page, PageRequest};
use crate::wire::list::TargetList;
use crate::wire::person::LastOutcome;
use async_trait::async_trait;

pub(crate) fn list_of(found: Found<Target>) -> TargetList {
    TargetList {
        total: found.total,
        targets: found.items.into_iter().map(present::target).collect(),
        next: found.next,
        cut_short: found.cut_short,
    }
}

struct Targets<'a>(&'a Engine);

#[async_trait]
impl Source<Target> for Targets<'_> {
    async fn fetch(&self, page: PageRequest<Target>) -> StoreResult<Page<Target>> {
        self.0.store().targets(page).await
    }

    async fn number(&self, id: String) -> Outcome<u64> {
        Ok(self.0.store().target(&TargetId::new(id)?).await?.no.0)
    }

    async fn candidates(&self, asked: &Asked<'_>) -> Outcome<Option<Vec<u64>>> {
        candidates(self.0, asked).await
    }
}

/// The numbers of the targets with the addresses, else of the users, that a list must have.
pub(crate) async fn candidates(engine: &Engine, asked: &Asked<'_>) -> Outcome<Option<Vec<u64>>> {
    let store = engine.store();
    let mut numbers = Vec::new();
    if let Some(addresses) = asked.required("identifier", "address") {
        for address in addresses {
            for channel in Channel::ALL {
                numbers.extend(store.target_by_address(channel, &address).await?.map(|target| target.no.0));
            }
        }
        return Ok(Some(numbers));
    }
    let Some(ids) = asked.required("userId", "user") else { return Ok(None) };
    for id in ids {
        let Ok(id) = UserId::new(id) else { continue };
        if let Some(user) = found(store.user(&id).await)? {
            numbers.extend(store.targets_of(user.no).await?.iter().map(|target| target.no.0));
        }
    }
    Ok(Some(numbers))
}

pub(crate) async fn all(call: Call) -> Answered {
    let request = ListCall::read_beside::<Target>(&call, &["outcomes"])?;
    let wanted = call.flag("outcomes")?.unwrap_or(false);
    let found = request.page(&Targets(call.engine())).await?;
    let mut list = list_of(found);
    // The log is another scope's: who may not read it gets the list all the same.
    if wanted && call.caller.admit(Scope::Needs("messages.read")).is_ok() {
        let addresses =
            list.targets.iter().map(|target| (target.provider_type, target.identifier.clone())).collect();
        let newest = call.engine().store().newest_to(addresses).await?;
        for (target, row) in list.targets.iter_mut().zip(newest) {
            target.last_outcome =
                row.map(|row| LastOutcome { outcome: row.outcome, at: row.at, skip: row.detail.skip });
        }
    }
    ok(&list)
}

pub(crate) async fn by_id(call: Call) -> Answered {
    let target = call.engine().store().target(&call.id("targetId")?).await?;
    ok(&present::target(target))
}

pub(crate) async fn list(call: Call) -> Answered {
    let user: UserId = call.id("userId")?;
    let request = ListCall::read::<Target>(&call)?;
    let (_, targets) = call.engine().user_with_targets(&user).await?;
    ok(&list_of(request.page_of(targets)?))
}

pub(crate) async fn create(call: Call) -> Answered {
    let user = call.id("userId")?;
    let mut params = call.params()?;
    let id = params.custom_id("targetId")?;
    let channel = params.channel("providerType").required("providerType")?;
    let identifier = params.text("identifier", 1, 4096).required("identifier")?;
    let provider = params.id("providerId")?;
    let name = params.line("name", 0, 128)?.unwrap_or_default();
    params.finish()?;
    let draft = TargetDraft { id, channel, identifier, provider, name };
    created(&present::target(call.engine().create_target(call.actor(), &user, draft).await?))
}

pub(crate) async fn get(call: Call) -> Answered {
    let target = call.engine().target_of(&call.id("userId")?, &call.id("targetId")?).await?;
    ok(&present::target(target))
}

pub(crate) async fn update(call: Call) -> Answered {
    let (user, id) = (call.id("userId")?, call.id("targetId")?);
    let mut params = call.params()?;
    let edit = TargetEdit {
        identifier: params.text("identifier", 0, 4096)?.filter(|text| !text.is_empty()),
        provider: params.id("providerId")?,
        name: params.line("name", 0, 128)?,
        revision: call.expected(params.typed("revision")?)?,
    };
    params.finish()?;
    let done = call.engine().edit_target(call.actor(), &user, &id, edit).await;
    let now = async || Ok(present::target(call.engine().store().target(&id).await?));
    ok(&present::target(explained(&call, done, format!("target/{id}"), now).await?))
}

pub(crate) async fn delete(call: Call) -> Answered {
    let (user, id) = (call.id("userId")?, call.id("targetId")?);
    let done = call.engine().delete_target(call.actor(), &user, &id, call.expected(None)?).await;
    let now = async || Ok(present::target(call.engine().store().target(&id).await?));
    explained(&call, done, format!("target/{id}"), now).await?;
    Ok(nothing())
}
