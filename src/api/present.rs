//! Records as the API shows them.

use crate::domain::file::{Bucket, StoredFile};
use crate::domain::gist::gist;
use crate::domain::person::{Target, User};
use crate::domain::provider::{Provider, ProviderHold, kind};
use crate::domain::reason::Why;
use crate::domain::topic::Topic;
use crate::engine::usecases::providers::shown;
use crate::engine::usecases::slow_start;
use crate::engine::why::bulk_paused;
use crate::store::catalog::{ApiKey, SubscriberView};
use crate::wire;
use serde_json::{Map, Value};

pub(crate) fn target(target: Target) -> wire::person::Target {
    wire::person::Target {
        id: target.id,
        created_at: target.created,
        updated_at: target.updated,
        name: target.name,
        user_id: target.user_id,
        provider_id: target.provider,
        provider_type: target.channel,
        identifier: target.identifier,
        expired: target.expired,
        revision: target.revision,
        last_outcome: None,
    }
}

/// A JSON object that is kept as text. One that cannot be read is shown empty.
pub(crate) fn object(text: &str) -> Map<String, Value> {
    serde_json::from_str(text).unwrap_or_default()
}

pub(crate) fn user(user: User, targets: Vec<Target>) -> wire::person::User {
    wire::person::User {
        id: user.id,
        created_at: user.created,
        updated_at: user.updated,
        name: user.name,
        password: String::new(),
        hash: String::new(),
        hash_options: Map::new(),
        registration: user.created.to_string(),
        status: user.enabled,
        labels: user.labels,
        password_update: String::new(),
        email: user.email.unwrap_or_default(),
        phone: user.phone.unwrap_or_default(),
        email_verification: false,
        phone_verification: false,
        mfa: false,
        prefs: object(&user.prefs),
        targets: targets.into_iter().map(target).collect(),
        accessed_at: String::new(),
        revision: user.revision,
    }
}

pub(crate) fn topic(topic: Topic) -> wire::topic::Topic {
    wire::topic::Topic {
        id: topic.id,
        created_at: topic.created,
        updated_at: topic.updated,
        name: topic.name,
        description: topic.description,
        email_total: topic.totals.email,
        sms_total: topic.totals.sms,
        push_total: topic.totals.push,
        subscribe: topic.subscribe,
        revision: topic.revision,
    }
}

pub(crate) fn subscriber(view: SubscriberView) -> wire::topic::Subscriber {
    wire::topic::Subscriber {
        id: view.subscriber.id,
        created_at: view.subscriber.created,
        updated_at: view.subscriber.created,
        target_id: view.target.id.clone(),
        user_id: view.target.user_id.clone(),
        user_name: view.user_name,
        topic_id: view.topic,
        provider_type: view.subscriber.channel,
        target: target(view.target),
    }
}

/// Why a provider sends nothing, as a reason.
pub(crate) fn hold(provider: &Provider) -> Option<Why> {
    match provider.hold.clone() {
        Some(ProviderHold::Paused { by, since }) => {
            Some(Why::ProviderPaused { provider: provider.id.clone(), by, since })
        }
        Some(ProviderHold::Refused { answer, since } | ProviderHold::Misconfigured { answer, since }) => {
            let answer = gist(&answer).into_owned();
            Some(Why::ProviderRefuses { provider: provider.id.clone(), answer, since })
        }
        // It sends what goes straight to people.
        None => provider.guard.map(|tripped| bulk_paused(provider, &tripped)),
    }
}

pub(crate) fn provider(provider: Provider) -> wire::provider::Provider {
    let fields = kind(&provider.kind).map_or(&[][..], |kind| kind.fields);
    let mut credentials = Map::new();
    let mut options = Map::new();
    for field in fields {
        if field.credential {
            if let Some(text) = provider.credentials.get(field.name) {
                credentials.insert(field.name.into(), shown(field, text));
            }
        } else if let Some(text) = provider.options.get(field.name) {
            options.insert(field.name.into(), serde_json::from_str(text).unwrap_or(Value::Null));
        }
    }
    let hold = hold(&provider).map(Into::into);
    let slow_start = slow_start::holds(&provider);
    let guard = provider.guard_rule();
    wire::provider::Provider {
        id: provider.id,
        created_at: provider.created,
        updated_at: provider.updated,
        name: provider.name,
        provider: provider.kind,
        enabled: provider.enabled,
        channel: provider.channel,
        credentials,
        options,
        limits: provider.limits,
        guard,
        hold,
        revision: provider.revision,
        slow_start,
        rollback_until: None,
    }
}

pub(crate) fn bucket(bucket: Bucket) -> wire::storage::Bucket {
    wire::storage::Bucket {
        id: bucket.id,
        created_at: bucket.created,
        updated_at: bucket.updated,
        permissions: bucket.permissions,
        file_security: bucket.file_security,
        name: bucket.name,
        description: bucket.description,
        enabled: bucket.enabled,
        maximum_file_size: bucket.max_size,
        allowed_file_extensions: bucket.extensions,
        compression: "none".into(),
        encryption: false,
        antivirus: false,
        transformations: false,
        strip_metadata: false,
        total_size: bucket.bytes,
        revision: bucket.revision,
    }
}

pub(crate) fn file(file: StoredFile) -> wire::storage::File {
    wire::storage::File {
        chunks_total: file.chunks_total(),
        chunks_uploaded: file.chunks_uploaded(),
        id: file.id,
        bucket_id: file.bucket,
        created_at: file.created,
        updated_at: file.updated,
        permissions: file.permissions,
        folder: String::new(),
        key: file.name.clone(),
        name: file.name,
        signature: file.md5,
        mime_type: file.mime,
        size_original: file.size,
        size_actual: file.size,
        encryption: false,
        compression: "none".into(),
    }
}

pub(crate) fn key(key: ApiKey) -> wire::key::Key {
    wire::key::Key {
        id: key.id,
        created_at: key.created,
        name: key.name,
        scopes: key.scopes,
        expire: key.expires,
        accessed_at: key.accessed,
    }
}
