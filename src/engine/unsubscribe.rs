//! Links with which a recipient leaves the topics of a message (RFC 8058).
//!
//! A link's token names the identifier record, the message and its topics, and is
//! signed with a key that the store keeps sealed. It holds as long as the key
//! does: a mail may be opened years later. It names no address.

use super::Engine;
use super::core::Core;
use super::error::Result;
use super::usecases::Outcome;
use crate::domain::audit::Actor;
use crate::domain::channel::Channel;
use crate::domain::hex::hex;
use crate::domain::ids::{IdentifierNo, MessageNo, TopicId};
use crate::domain::suppression::{Suppress, SuppressionCause, SuppressionSource};
use crate::store::documents::{DocumentChange, Shelf};
use crate::store::seal::fill;
use crate::store::{Store, StoreError};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

/// The version of tokens, which is signed with them.
const VERSION: u8 = 1;
/// Bytes of the signature.
const TAG: usize = 16;
/// Ids of topics may have so many characters together, so that the link fits in a
/// line of a mail's head; else the message's own record says which they are.
const LONGEST: usize = 400;
/// The document of the key.
const DOCUMENT: &str = "unsubscribe";

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Whose address, as it was when the mail was sent.
    pub identifier: IdentifierNo,
    /// With which message.
    pub message: MessageNo,
    /// The topics; empty: those of the message.
    pub topics: Vec<TopicId>,
}

/// The key that signs links.
#[derive(Clone)]
pub struct LinkKey(hmac::Key);

impl std::fmt::Debug for LinkKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LinkKey")
    }
}

impl LinkKey {
    /// The key of a secret.
    pub fn new(secret: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// The token of some claims: always the same.
    pub fn token(&self, claims: &Claims) -> String {
        let mut bytes = vec![VERSION];
        bytes.extend(postcard::to_stdvec(claims).unwrap_or_default());
        let tag = hmac::sign(&self.0, &bytes);
        bytes.extend_from_slice(&tag.as_ref()[..TAG]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// What a token says, if this key has signed it. Compared in constant time.
    pub fn read(&self, token: &str) -> Option<Claims> {
        if token.len() > 4096 {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (said, tag) = bytes.split_at_checked(bytes.len().checked_sub(TAG)?)?;
        let expected = hmac::sign(&self.0, said);
        let difference = expected.as_ref()[..TAG].iter().zip(tag).fold(0, |all, (a, b)| all | (a ^ b));
        if std::hint::black_box(difference) != 0 {
            return None;
        }
        let (version, claims) = said.split_first()?;
        if *version != VERSION {
            return None;
        }
        postcard::from_bytes(claims).ok()
    }
}

/// Makes the links of one message.
#[derive(Debug)]
pub(crate) struct Links {
    key: LinkKey,
    base: String,
    message: MessageNo,
    topics: Vec<TopicId>,
}

impl Links {
    /// The link of a recipient.
    pub(crate) fn of(&self, identifier: IdentifierNo) -> String {
        let claims = Claims { identifier, message: self.message, topics: self.topics.clone() };
        format!("{}/herald/unsubscribe/{}", self.base, self.key.token(&claims))
    }
}

/// The links of a message: of mail to topics, where somebody said where recipients reach the API.
pub(crate) async fn links(core: &Core, message: &crate::domain::message::Message) -> Result<Option<Links>> {
    let Some(base) = &core.config.files.public_url else { return Ok(None) };
    if !message.is_mail_to_topics() {
        return Ok(None);
    }
    let mut topics = message.topics.clone();
    topics.sort_unstable();
    if topics.iter().map(|id| id.as_str().len()).sum::<usize>() > LONGEST {
        topics.clear();
    }
    let key = key(core).await?;
    Ok(Some(Links { key, base: base.clone(), message: message.no, topics }))
}

/// The store's key for links, made at its first use.
async fn key(core: &Core) -> Result<LinkKey> {
    let key = core.link_key.get_or_try_init(async || -> Result<LinkKey> { Ok(made(&*core.store).await?) });
    Ok(key.await?.clone())
}

async fn made(store: &dyn Store) -> crate::store::Result<LinkKey> {
    loop {
        if let Some(sealed) = store.document(Shelf::LinkKeys, DOCUMENT).await? {
            let secret = store.unseal(DOCUMENT, "key", &sealed)?;
            return Ok(LinkKey::new(secret.expose_secret().as_bytes()));
        }
        let mut bytes = [0; 32];
        fill(&mut bytes)?;
        let sealed = store.seal(DOCUMENT, "key", &SecretString::from(hex(&bytes)))?;
        let change = DocumentChange::put(Shelf::LinkKeys, DOCUMENT, sealed).fresh();
        match store.write_documents(vec![change], None).await {
            // Somebody else was quicker: theirs is the key.
            Ok(()) | Err(StoreError::Moved) => {}
            Err(error) => return Err(error),
        }
    }
}

/// What a link is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaving {
    /// The address; empty: it is no longer held, and gets nothing.
    pub address: String,
    /// The topics, each with its name; none: every topic.
    pub topics: Vec<(TopicId, String)>,
    /// Whether the address has left them.
    pub left: bool,
    channel: Channel,
    message: Option<crate::domain::ids::MessageId>,
}

impl Engine {
    /// What a link of a mail is about; `None`: it is none of ours.
    pub async fn leaving(&self, token: &str) -> Outcome<Option<Leaving>> {
        let Some(claims) = key(&self.core).await?.read(token) else { return Ok(None) };
        let store = self.store();
        let record = store.identifiers(&[claims.identifier]).await?.into_iter().flatten().next();
        let Some(record) = record else { return Ok(None) };
        let message = match store.message_by_no(claims.message).await {
            Ok(message) => Some(message),
            Err(StoreError::NotFound { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let ids = match (claims.topics.is_empty(), &message) {
            (true, Some(message)) => message.topics.clone(),
            _ => claims.topics,
        };
        let left = left_of(&**store, record.channel, &record.address, &ids).await?;
        let mut topics = Vec::with_capacity(ids.len());
        for id in ids {
            let name = match store.topic(&id).await {
                Ok(topic) => topic.name,
                Err(StoreError::NotFound { .. }) => id.to_string(),
                Err(error) => return Err(error.into()),
            };
            topics.push((id, name));
        }
        let message = message.map(|message| message.id);
        Ok(Some(Leaving { address: record.address, topics, left, channel: record.channel, message }))
    }

    /// The recipient of a link leaves its topics, or comes back to them. Once is as
    /// good as often. `from`: the peer, for the audit.
    pub async fn leave(&self, from: &Actor, token: &str, leaves: bool) -> Outcome<Option<Leaving>> {
        let Some(mut leaving) = self.leaving(token).await? else { return Ok(None) };
        if leaving.left == leaves || leaving.address.is_empty() {
            return Ok(Some(leaving));
        }
        let by = Actor { name: "recipient".into(), key: None, ..from.clone() };
        let topics: Vec<TopicId> = leaving.topics.iter().map(|(id, _)| id.clone()).collect();
        if leaves {
            let source = SuppressionSource {
                message: leaving.message.clone(),
                said: "the link in the mail".into(),
                by: by.name.clone(),
                ..SuppressionSource::default()
            };
            let request = Suppress {
                channel: leaving.channel,
                address: leaving.address.clone(),
                cause: SuppressionCause::Unsubscribe,
                topics,
                source,
                note: String::new(),
            };
            self.suppress(&by, vec![request]).await?;
        } else {
            let list = self.store().suppressions_of(leaving.channel, &leaving.address).await?;
            let ids = list.into_iter().filter(|one| {
                one.cause == SuppressionCause::Unsubscribe
                    && one.topic.as_ref().is_none_or(|of| topics.contains(of))
            });
            let ids = ids.map(|one| one.id).collect();
            let summary = "the recipient came back by the link in the mail";
            let audit = self.entry(&by, "suppression.delete", "suppression", summary);
            self.store().lift(ids, audit).await?;
        }
        leaving.left = leaves;
        Ok(Some(leaving))
    }
}

/// Whether an address has left all of these topics.
async fn left_of(store: &dyn Store, channel: Channel, address: &str, topics: &[TopicId]) -> Outcome<bool> {
    if address.is_empty() {
        return Ok(true);
    }
    let list = store.suppressions_of(channel, address).await?;
    let left = |topic: Option<&TopicId>| {
        list.iter().any(|one| {
            one.cause == SuppressionCause::Unsubscribe && (one.topic.is_none() || one.topic.as_ref() == topic)
        })
    };
    Ok(if topics.is_empty() { left(None) } else { topics.iter().all(|topic| left(Some(topic))) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn claims() -> impl Strategy<Value = Claims> {
        let topic = "[a-zA-Z0-9][a-zA-Z0-9._-]{0,20}".prop_map(|id| TopicId::new(id).unwrap());
        (any::<u64>(), any::<u64>(), prop::collection::vec(topic, 0..4)).prop_map(
            |(identifier, message, topics)| Claims {
                identifier: IdentifierNo(identifier),
                message: MessageNo(message),
                topics,
            },
        )
    }

    proptest! {
        #[test]
        fn a_token_says_what_was_signed(claims in claims()) {
            let key = LinkKey::new(b"one");
            let token = key.token(&claims);
            prop_assert_eq!(&token, &key.token(&claims), "a repeated mail is the same bytes");
            prop_assert!(token.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
            prop_assert_eq!(key.read(&token), Some(claims));
            prop_assert_eq!(LinkKey::new(b"two").read(&token), None);
        }

        #[test]
        fn nothing_else_is_believed(claims in claims(), at: prop::sample::Index, bit in 0u8..8, cut in 0usize..40) {
            let key = LinkKey::new(b"one");
            let token = key.token(&claims);
            let mut bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            prop_assert_eq!(key.read(&URL_SAFE_NO_PAD.encode(&bytes)), None, "a bit was turned");
            bytes[at] ^= 1 << bit;
            let cut = cut.min(bytes.len() - 1);
            prop_assert_eq!(key.read(&URL_SAFE_NO_PAD.encode(&bytes[..cut])), None, "cut short");
            bytes.push(0);
            prop_assert_eq!(key.read(&URL_SAFE_NO_PAD.encode(&bytes)), None, "longer");
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,80}") {
            prop_assert_eq!(LinkKey::new(b"one").read(&text), None);
        }
    }
}
