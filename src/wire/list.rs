//! Lists: `{"total": 2, "topics": [...]}` and, of ours, where the next page begins.

use super::history::DialectLog;
use super::message::Message;
use super::person::{Target, User};
use super::provider::Provider;
use super::storage::{Bucket, File};
use super::topic::{Subscriber, Topic};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! list {
    ($($(#[$doc:meta])* $name:ident { $key:ident: $item:ty })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "camelCase")]
        pub struct $name {
            /// How many the whole list has; 0 when no count was asked for.
            pub total: u64,
            /// The page.
            pub $key: Vec<$item>,
            /// Herald: the id to continue after; absent at the end of the list.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub next: Option<String>,
            /// Herald: the scan for this page ended at its bound, so that more
            /// may match than is shown. Continue after `next`.
            #[serde(default, skip_serializing_if = "std::ops::Not::not")]
            pub cut_short: bool,
        }

        impl $name {
            /// The page's records.
            pub fn items(&self) -> &[$item] {
                &self.$key
            }

            /// The page's records, taken.
            pub fn into_items(self) -> Vec<$item> {
                self.$key
            }
        }
    )*};
}

list! {
    /// A page of messages.
    MessageList { messages: Message }
    /// A page of topics.
    TopicList { topics: Topic }
    /// A page of subscribers.
    SubscriberList { subscribers: Subscriber }
    /// A page of targets.
    TargetList { targets: Target }
    /// A page of users.
    UserList { users: User }
    /// A page of providers.
    ProviderList { providers: Provider }
    /// A page of buckets.
    BucketList { buckets: Bucket }
    /// A page of a bucket's files.
    FileList { files: File }
    /// A page of the dialect's audit of one resource.
    LogList { logs: DialectLog }
}
