//! Sheets and links: a provider connected, and a message compiled for it, once each.

use super::train::{Link, Sheet, base36};
use crate::domain::channel::Channel;
use crate::domain::content::{Attachment, Content};
use crate::domain::file::FileRef;
use crate::domain::message::Message;
use crate::domain::provider::Provider;
use crate::engine::core::Core;
use crate::engine::error::{EngineError, Result};
use crate::engine::receipts;
use crate::engine::render::Templates;
use crate::engine::unsubscribe;
use crate::providers::adapter::{Account, Rendition};
use crate::store::StoreError;
use secrecy::ExposeSecret as _;
use std::sync::Arc;

/// Connects a provider. `Err`: in words that say what to do.
pub(crate) async fn connect(core: &Core, provider: &Provider) -> Result<Arc<Link>> {
    let credentials = core.store.credentials(provider.no).await?;
    let allow_private = core.config.allows_private(provider);
    let token = credentials.get("receiptToken").map_or("", |token| token.expose_secret());
    let receipts_url =
        provider.takes_receipts().then(|| receipts::public_url(&core.config, &provider.id, token)).flatten();
    let account = Account { provider: provider.clone(), credentials, allow_private, receipts_url };
    let adapter = core.adapters.connect(&account, provider.channel)?;
    Ok(Arc::new(Link {
        kind: adapter.kind(),
        adapter,
        // Tokens of devices go stale by themselves: that is no sign of a bad list.
        guarded: provider.channel != Channel::Push,
        receipts: provider.takes_receipts(),
    }))
}

/// Compiles a message for a provider; without a link there is nothing to compile for.
pub(crate) async fn sheet(core: &Core, message: Message, link: Option<Arc<Link>>) -> Result<Arc<Sheet>> {
    let mut prefix = core.install.clone();
    prefix.push('.');
    base36(message.no.0, &mut prefix);
    prefix.push('.');
    let mut templates = None;
    let compiled = match &link {
        None => Err("no provider".to_owned()),
        Some(link) => match rendition(core, &message).await {
            Ok(rendition) => {
                let compiled = link.adapter.compile(&rendition).map_err(|error| error.to_string());
                match Templates::new(&message.content, &core.config) {
                    Ok(texts) if message.variables => {
                        templates = Some(Arc::new(texts));
                        compiled
                    }
                    Err(error) if message.variables => Err(error.to_string()),
                    _ => compiled,
                }
            }
            Err(EngineError::Refused(problem)) => Err(problem),
            Err(error) => return Err(error),
        },
    };
    let in_doubt = message.in_doubt();
    let links = unsubscribe::links(core, &message).await?;
    Ok(Arc::new(Sheet { message, in_doubt, link, compiled, templates, links, prefix }))
}

/// What an adapter compiles. `Err(Refused)`: the message cannot be sent by anybody.
pub(crate) async fn rendition(core: &Core, message: &Message) -> Result<Rendition> {
    let (mut cc, mut files) = (Vec::new(), Vec::new());
    if let Content::Email(mail) = &message.content {
        for id in &mail.cc {
            // Who is gone is not named; the copy is left out with its own reason.
            if let Ok(target) = core.store.target(id).await {
                cc.push(target.identifier);
            }
        }
        for attachment in &mail.attachments {
            files.push(attached(core, attachment).await?);
        }
    }
    Ok(Rendition {
        content: message.content.clone(),
        personal: message.variables,
        cc,
        files,
        expires: message.expires_at,
    })
}

/// The content of an attachment. `Err(Refused)`: it was deleted or replaced since, or cannot be read.
async fn attached(core: &Core, attachment: &Attachment) -> Result<Arc<[u8]>> {
    let name = &attachment.name;
    let gone = || EngineError::Refused(format!("attachment {name} has been deleted"));
    let at = FileRef::parse(&format!("{}:{}", attachment.bucket, attachment.file)).map_err(|_| gone())?;
    match core.store.file(&at).await {
        Ok(file) if file.digest == attachment.digest => {}
        Ok(_) => {
            return Err(EngineError::Refused(format!("attachment {name} has been replaced by another file")));
        }
        Err(StoreError::NotFound { .. }) => return Err(gone()),
        Err(error) => return Err(error.into()),
    }
    let (source, digest) = (core.config.files.store.clone(), attachment.digest.clone());
    let read = tokio::task::spawn_blocking(move || source.read(&digest)).await;
    read.map_err(std::io::Error::other)
        .flatten()
        .map_err(|error| EngineError::Refused(format!("attachment {name} cannot be read: {error}")))
}

/// Whether a change of the record asks for a new connection.
pub(crate) fn differs(old: &Provider, new: &Provider) -> bool {
    let hold_only = Provider {
        hold: old.hold.clone(),
        guard: old.guard,
        updated: old.updated,
        revision: old.revision,
        limits: old.limits,
        enabled: old.enabled,
        name: old.name.clone(),
        ..new.clone()
    };
    // A secret may change and keep its mask; then nothing else that is excused here has changed.
    *old != hold_only
        || (old.hold == new.hold
            && old.guard == new.guard
            && old.limits == new.limits
            && old.enabled == new.enabled
            && old.name == new.name
            && old.revision != new.revision)
}
