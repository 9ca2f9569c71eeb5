//! Herald's own: the whole.

use super::{pairs, segment, with_pairs};
use crate::client::transport::empty_body;
use crate::client::{Body, Client, EventStream, Result, Steps, read_all};
use crate::domain::channel::Channel;
use crate::wire::delivery::Affected;
use crate::wire::header;
use crate::wire::history::AuditPage;
use crate::wire::key::{CreateKey, CreatedKey, KeyList};
use crate::wire::overview::{Health, Overview, SettingRow};
use crate::wire::transfer::{
    BackupProgress, BackupRequest, Erasure, ErasureList, FoundList, Import, ImportList, ImportProgress,
    ImportRequest, PersonExport,
};
use http::{HeaderValue, Method};
use serde_json::json;

impl Client {
    /// Whether the API answers.
    pub async fn health(&self) -> Result<Health> {
        self.get("/v1/health").await
    }

    /// The first screen.
    pub async fn overview(&self) -> Result<Overview> {
        self.get("/v1/herald/overview").await
    }

    /// What every setting is.
    pub async fn settings(&self) -> Result<Vec<SettingRow>> {
        self.get("/v1/herald/settings").await
    }

    /// What changes, as it changes.
    pub fn events(&self) -> EventStream {
        EventStream::new(self.clone())
    }

    /// Stops all sending, until it is lifted.
    pub async fn stop_sending(&self) -> Result<Overview> {
        self.send(Method::POST, "/v1/herald/sending/stop", &json!({})).await
    }

    /// Lifts it.
    pub async fn resume_sending(&self) -> Result<Overview> {
        self.send(Method::POST, "/v1/herald/sending/resume", &json!({})).await
    }

    /// Says that a restored copy may send.
    pub async fn release_restored(&self) -> Result<Overview> {
        self.send(Method::POST, "/v1/herald/sending/release", &json!({})).await
    }

    /// Whatever bears this id, address, Message-ID or service's id.
    pub async fn find(&self, words: &str) -> Result<FoundList> {
        self.get(&with_pairs("/v1/herald/find", &[("q".into(), words.into())])).await
    }

    /// All that is held of a person.
    pub async fn export_person(&self, address: &str) -> Result<PersonExport> {
        self.get(&with_pairs("/v1/herald/person", &[("address".into(), address.into())])).await
    }

    /// The same as it is read: the text of one [`PersonExport`], in pieces.
    pub async fn person_export(&self, address: &str) -> Result<Body> {
        let path = with_pairs("/v1/herald/person", &[("address".into(), address.into())]);
        let request = self.request(Method::GET, &path, empty_body())?;
        Ok(self.open(request).await?.into_body())
    }

    /// Begins to forget a person; counts stay. The addresses are gone when this answers; texts go in the
    /// background.
    pub async fn erase_person(&self, address: &str) -> Result<Erasure> {
        self.send(Method::POST, "/v1/herald/person/erase", &json!({ "address": address })).await
    }

    /// How far an erasure is.
    pub async fn erasure(&self, id: impl AsRef<str> + Send) -> Result<Erasure> {
        self.get(&format!("/v1/herald/person/erasures/{}", segment(id))).await
    }

    /// The newest erasures, newest first.
    pub async fn erasures(&self) -> Result<ErasureList> {
        self.get("/v1/herald/person/erasures").await
    }

    /// A page of the audit, newest first, of one resource (`message/ID`) or of everything.
    pub async fn audit(&self, resource: Option<&str>, after: Option<u64>, limit: usize) -> Result<AuditPage> {
        let mut pairs = vec![("limit".to_owned(), limit.to_string())];
        pairs.extend(resource.map(|resource| ("resource".to_owned(), resource.to_owned())));
        pairs.extend(after.map(|after| ("after".to_owned(), after.to_string())));
        self.get(&with_pairs("/v1/herald/audit", &pairs)).await
    }

    /// All API keys.
    pub async fn keys(&self) -> Result<KeyList> {
        self.get("/v1/herald/keys").await
    }

    /// Creates an API key; the answer is the only place where its secret is said.
    pub async fn create_key(&self, key: &CreateKey) -> Result<CreatedKey> {
        self.send(Method::POST, "/v1/herald/keys", key).await
    }

    /// Deletes an API key.
    pub async fn delete_key(&self, id: impl AsRef<str> + Send) -> Result<()> {
        self.send_only(Method::DELETE, &format!("/v1/herald/keys/{}", segment(id)), &json!({})).await
    }

    /// Imports a file. The answer is a stream of steps, the last one `done`.
    /// With a body that can be stopped ([`crate::client::body_of`]) the last step of one that was says how
    /// far it has come.
    pub async fn import(&self, request: &ImportRequest, file: Body) -> Result<Steps<ImportProgress>> {
        let path = with_pairs("/v1/herald/imports", &pairs(request));
        let mut request = self.request(Method::POST, &path, file)?;
        let headers = request.headers_mut();
        headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        headers.insert(http::header::TRAILER, HeaderValue::from_static(header::IMPORT_STOPPED));
        Ok(Steps::new(self.open(request).await?.into_body()))
    }

    /// After an import was stopped: what was written is what its record says, also where the last report
    /// was lost. Where it cannot be asked for, what was reported stays.
    pub async fn recount(&self, last: &mut ImportProgress) {
        if last.error.is_empty()
            && !last.id.is_empty()
            && let Ok(list) = self.imports().await
            && let Some(record) = list.imports.into_iter().find(|record| record.id.as_str() == last.id)
        {
            last.counts = record.counts;
        }
    }

    /// Imports, newest first.
    pub async fn imports(&self) -> Result<ImportList> {
        self.get("/v1/herald/imports").await
    }

    /// Takes back what an import made and nobody has used since.
    pub async fn undo_import(&self, id: impl AsRef<str> + Send) -> Result<Import> {
        self.send(Method::POST, &format!("/v1/herald/imports/{}/undo", segment(id)), &json!({})).await
    }

    /// Copies the store into a directory of the engine's machine, while it runs.
    pub async fn backup(&self, request: &BackupRequest) -> Result<Steps<BackupProgress>> {
        let request = self.json(Method::POST, "/v1/herald/backup", request)?;
        Ok(Steps::new(self.open(request).await?.into_body()))
    }

    /// Asks the engine's process to end: it stops claiming, finishes what is in
    /// flight and closes the store. Only the owner of the socket may.
    pub async fn shut_down(&self) -> Result<()> {
        let request = self.json(Method::POST, "/v1/herald/shutdown", &json!({}))?;
        read_all(self.open(request).await?.into_body()).await.map(|_| ())
    }

    /// Measures nothing and changes nothing: an authenticated round trip.
    pub async fn ping(&self) -> Result<()> {
        let request = self.request(Method::GET, "/v1/ping", empty_body())?;
        self.exchange(request).await.map(|_| ())
    }

    /// How many people a set of topics reaches at most, by type; see [`Client::preview_message`].
    pub async fn audience_bound(&self, topics: &[String], channel: Channel) -> Result<Affected> {
        let pairs = [("topics".to_owned(), topics.join(",")), ("type".to_owned(), channel.to_string())];
        self.get(&with_pairs("/v1/herald/audience", &pairs)).await
    }
}
