//! The dialect: users and their targets.

use super::{segment, with_pairs};
use crate::client::{Client, Result};
use crate::domain::ids::Revision;
use crate::wire::list::{TargetList, UserList};
use crate::wire::person::{CreateTarget, CreateUser, Target, UpdateTarget, User};
use crate::wire::query::ListRequest;
use http::Method;
use serde_json::{Map, Value, json};

const USERS: &str = "/v1/users";

impl Client {
    /// A page of users.
    pub async fn users(&self, list: &ListRequest) -> Result<UserList> {
        self.get(&with_pairs(USERS, &list.to_pairs())).await
    }

    /// A user.
    pub async fn user(&self, id: impl AsRef<str> + Send) -> Result<User> {
        self.get(&format!("{USERS}/{}", segment(id))).await
    }

    /// Creates a user, and a target for each address.
    pub async fn create_user(&self, user: &CreateUser) -> Result<User> {
        self.send(Method::POST, USERS, user).await
    }

    /// Deletes a user with its targets.
    pub async fn delete_user(&self, id: impl AsRef<str> + Send) -> Result<()> {
        self.delete_user_as(id, None).await
    }

    /// The same, refused as stale unless it still has this revision.
    pub async fn delete_user_as(&self, id: impl AsRef<str> + Send, seen: Option<Revision>) -> Result<()> {
        self.delete(&format!("{USERS}/{}", segment(id)), seen).await
    }

    /// Changes a user's name.
    pub async fn update_user_name(&self, id: impl AsRef<str> + Send, name: &str) -> Result<User> {
        self.send(Method::PATCH, &format!("{USERS}/{}/name", segment(id)), &json!({ "name": name })).await
    }

    /// Changes a user's mail address, and its automatic target with it; empty clears.
    pub async fn update_user_email(&self, id: impl AsRef<str> + Send, email: &str) -> Result<User> {
        self.send(Method::PATCH, &format!("{USERS}/{}/email", segment(id)), &json!({ "email": email })).await
    }

    /// Changes a user's phone number, and its automatic target with it; empty clears.
    pub async fn update_user_phone(&self, id: impl AsRef<str> + Send, number: &str) -> Result<User> {
        self.send(Method::PATCH, &format!("{USERS}/{}/phone", segment(id)), &json!({ "number": number }))
            .await
    }

    /// Blocks a user (`false`), or lets it be reached again.
    pub async fn update_user_status(&self, id: impl AsRef<str> + Send, status: bool) -> Result<User> {
        self.send(Method::PATCH, &format!("{USERS}/{}/status", segment(id)), &json!({ "status": status }))
            .await
    }

    /// Replaces a user's labels.
    pub async fn update_user_labels(&self, id: impl AsRef<str> + Send, labels: &[String]) -> Result<User> {
        self.send(Method::PUT, &format!("{USERS}/{}/labels", segment(id)), &json!({ "labels": labels })).await
    }

    /// Replaces a user's preferences.
    pub async fn update_user_prefs(
        &self,
        id: impl AsRef<str> + Send,
        prefs: &Map<String, Value>,
    ) -> Result<Map<String, Value>> {
        self.send(Method::PATCH, &format!("{USERS}/{}/prefs", segment(id)), &json!({ "prefs": prefs })).await
    }

    /// A page of a user's targets.
    pub async fn user_targets(&self, user: impl AsRef<str> + Send, list: &ListRequest) -> Result<TargetList> {
        self.get(&with_pairs(&format!("{USERS}/{}/targets", segment(user)), &list.to_pairs())).await
    }

    /// Creates a target.
    pub async fn create_target(&self, user: impl AsRef<str> + Send, target: &CreateTarget) -> Result<Target> {
        self.send(Method::POST, &format!("{USERS}/{}/targets", segment(user)), target).await
    }

    /// A target of a user.
    pub async fn user_target(
        &self,
        user: impl AsRef<str> + Send,
        id: impl AsRef<str> + Send,
    ) -> Result<Target> {
        self.get(&format!("{USERS}/{}/targets/{}", segment(user), segment(id))).await
    }

    /// Changes a target.
    pub async fn update_target(
        &self,
        user: impl AsRef<str> + Send,
        id: impl AsRef<str> + Send,
        target: &UpdateTarget,
    ) -> Result<Target> {
        self.send(Method::PATCH, &format!("{USERS}/{}/targets/{}", segment(user), segment(id)), target).await
    }

    /// Deletes a target with its subscriptions.
    pub async fn delete_target(
        &self,
        user: impl AsRef<str> + Send,
        id: impl AsRef<str> + Send,
    ) -> Result<()> {
        self.delete_target_as(user, id, None).await
    }

    /// The same, refused as stale unless it still has this revision.
    pub async fn delete_target_as(
        &self,
        user: impl AsRef<str> + Send,
        id: impl AsRef<str> + Send,
        seen: Option<Revision>,
    ) -> Result<()> {
        self.delete(&format!("{USERS}/{}/targets/{}", segment(user), segment(id)), seen).await
    }

    /// Herald: a page of everybody's targets.
    pub async fn targets(&self, list: &ListRequest) -> Result<TargetList> {
        self.get(&with_pairs("/v1/herald/targets", &list.to_pairs())).await
    }

    /// Herald: the same, with what became last of what was sent to each.
    pub async fn targets_with_outcomes(&self, list: &ListRequest) -> Result<TargetList> {
        let mut pairs = list.to_pairs();
        pairs.push(("outcomes".into(), "true".into()));
        self.get(&with_pairs("/v1/herald/targets", &pairs)).await
    }

    /// Herald: a target by its id alone.
    pub async fn target(&self, id: impl AsRef<str> + Send) -> Result<Target> {
        self.get(&format!("/v1/herald/targets/{}", segment(id))).await
    }
}
