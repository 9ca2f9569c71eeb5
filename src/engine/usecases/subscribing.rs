//! Many people into a topic in one step, by whatever names them.

use super::error::Outcome;
use super::find::found;
use crate::domain::audit::Actor;
use crate::domain::channel::Channel;
use crate::domain::ids::{SubscriberId, TargetId, TopicId, UserId};
use crate::engine::Engine;
use crate::store::Result as StoreResult;
use crate::store::catalog::Joined;
use crate::wire::topic::SubscribedRow;

/// Whom an entry of a list names.
enum Named {
    /// These targets, one or more.
    Targets(Vec<TargetId>),
    /// Nobody, and why.
    Nobody(String),
}

/// A number without what people put between its digits.
fn bare_number(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && !"()-./\u{a0}".contains(*c)).collect()
}

impl Engine {
    /// Subscribes many targets to a topic in one step; who is subscribed already or gone refuses
    /// nothing. What became of each, in the order given.
    pub async fn subscribe_targets(
        &self,
        by: &Actor,
        topic: &TopicId,
        targets: Vec<TargetId>,
    ) -> Outcome<Vec<Joined>> {
        let summary = format!("{} targets subscribed together", targets.len());
        let audit = self.entry(by, "subscriber.create", format_args!("topic/{topic}"), summary);
        let mut named = Vec::with_capacity(targets.len());
        for target in targets {
            named.push((SubscriberId::new(self.new_id())?, target));
        }
        Ok(self.store().subscribe_many(topic, named, audit).await?)
    }

    /// The same by addresses, numbers, push tokens, ids of targets and ids of users (all the targets of
    /// each). What became of each entry, in the order given. Who is named by two entries joins by the
    /// first.
    pub async fn subscribe_anyone(
        &self,
        by: &Actor,
        topic: &TopicId,
        who: Vec<String>,
    ) -> Outcome<Vec<SubscribedRow>> {
        // A list for a topic that is not there is not looked up first.
        self.store().topic(topic).await?;
        let mut rows = Vec::with_capacity(who.len());
        let (mut targets, mut rows_of) = (Vec::new(), Vec::new());
        for who in who {
            let mut row = SubscribedRow { who, ..SubscribedRow::default() };
            match self.named(row.who.trim()).await? {
                Named::Nobody(reason) => row.reason = reason,
                Named::Targets(of) => {
                    rows_of.extend(std::iter::repeat_n(rows.len(), of.len()));
                    targets.extend(of);
                }
            }
            rows.push(row);
        }
        if targets.is_empty() {
            return Ok(rows);
        }
        let joined = self.subscribe_targets(by, topic, targets).await?;
        for (joined, row) in joined.into_iter().zip(rows_of) {
            let row: &mut SubscribedRow = &mut rows[row];
            match joined {
                Joined::Now => row.subscribed += 1,
                Joined::Before => row.known += 1,
                // Deleted since it was looked up.
                Joined::Missing => {}
            }
        }
        for row in &mut rows {
            if row.reason.is_empty() && row.subscribed + row.known == 0 {
                "deleted a moment ago".clone_into(&mut row.reason);
            }
        }
        Ok(rows)
    }

    async fn named(&self, word: &str) -> StoreResult<Named> {
        let nobody = |why: &str| Ok(Named::Nobody(why.to_owned()));
        if word.is_empty() {
            return nobody("nothing stands here");
        }
        if word.contains('@') {
            return self.addressed(Channel::Email, word).await;
        }
        if word.starts_with('+') {
            return self.addressed(Channel::Sms, &bare_number(word)).await;
        }
        if let Ok(id) = TargetId::new(word)
            && found(self.store().target(&id).await)?.is_some()
        {
            return Ok(Named::Targets(vec![id]));
        }
        if let Ok(id) = UserId::new(word)
            && let Some(user) = found(self.store().user(&id).await)?
        {
            let targets = self.store().targets_of(user.no).await?;
            if targets.is_empty() {
                return nobody("this user has no target");
            }
            return Ok(Named::Targets(targets.into_iter().map(|target| target.id).collect()));
        }
        if let Some(target) = self.store().target_by_address(Channel::Push, word).await? {
            return Ok(Named::Targets(vec![target.id]));
        }
        if bare_number(word).bytes().all(|byte| byte.is_ascii_digit()) {
            return nobody("a number begins with + and its country; no target or user has this id");
        }
        nobody("no target or user has this id, and nobody this address")
    }

    async fn addressed(&self, channel: Channel, address: &str) -> StoreResult<Named> {
        if let Some(target) = self.store().target_by_address(channel, address).await? {
            return Ok(Named::Targets(vec![target.id]));
        }
        let known = !self.store().identifiers_of(channel, address).await?.is_empty();
        let why = if known { "its target was deleted" } else { "no target has this address" };
        Ok(Named::Nobody(why.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::bare_number;

    #[test]
    fn a_number_is_read_however_it_is_grouped() {
        for written in ["+49 30 123456", "+49 (30) 123-456", "+49.30/123456", "+4930123456"] {
            assert_eq!(bare_number(written), "+4930123456", "{written}");
        }
    }
}
