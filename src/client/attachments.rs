//! Files of this machine for a message: brought to the store, and taken from it again
//! where nothing came of the message.

use super::{Client, ClientError, Result};
use crate::domain::hex::hex;
use crate::domain::ids::{MessageId, Revision};
use crate::wire::message::{AttachmentRef, Data, State};
use crate::wire::storage::{File, WriteBucket};
use ring::rand::{SecureRandom, SystemRandom};
use std::path::Path;
use tokio_util::io::ReaderStream;

/// The bucket of files that were brought for one message.
const BUCKET: &str = "attachments";
/// How the ids of such files begin: what others put into the bucket is never taken from it here.
const OURS: &str = "brought-";

/// Whether a file, as `BUCKET:FILE`, was brought here for one message.
pub fn is_brought(at: &str) -> bool {
    at.split_once(':').is_some_and(|(bucket, file)| bucket == BUCKET && file.starts_with(OURS))
}

fn new_id() -> Result<String> {
    let mut bytes = [0u8; 12];
    let failed = |_| ClientError::Request("the system gives no random numbers".into());
    SystemRandom::new().fill(&mut bytes).map_err(failed)?;
    Ok(format!("{OURS}{}", hex(&bytes)))
}

impl Client {
    /// Brings a file to the store, which then keeps it by itself.
    ///
    /// # Errors
    /// If it cannot be read, or as the API refuses it.
    pub async fn bring_file(&self, path: &Path) -> Result<File> {
        let failed = |error: std::io::Error| ClientError::Request(format!("{}: {error}", path.display()));
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let id = new_id()?;
        let put = async || {
            let file = tokio::fs::File::open(path).await.map_err(failed)?;
            self.upload(BUCKET, &id, &name, ReaderStream::new(file)).await
        };
        match put().await {
            Err(error) if error.kind() == "storage_bucket_not_found" => {
                let bucket = WriteBucket {
                    bucket_id: Some(BUCKET.to_owned()),
                    name: "Attachments".to_owned(),
                    ..WriteBucket::default()
                };
                match self.create_bucket(&bucket).await {
                    // Another console was first.
                    Err(error) if error.status() != Some(409) => Err(error),
                    _ => put().await,
                }
            }
            other => other,
        }
    }

    /// Takes files, as `BUCKET:FILE`, from the store again: those that were brought for one
    /// message and that no message names. Says how many went.
    ///
    /// # Errors
    /// As the API refuses it; a file that is gone already is no error.
    pub async fn discard_brought(&self, files: &[String]) -> Result<u64> {
        let mut gone = 0;
        for at in files.iter().filter(|at| is_brought(at)) {
            let Some((bucket, file)) = at.split_once(':') else { continue };
            match self.discard_file(bucket, file).await {
                Ok(went) => gone += u64::from(went),
                Err(error) if error.status() == Some(404) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(gone)
    }

    /// Deletes a message; with a draft go the files that were brought for it alone.
    ///
    /// # Errors
    /// As the API refuses it. That a file stays is no error: retention takes it.
    pub async fn throw_away(&self, id: &MessageId) -> Result<()> {
        self.throw_away_as(id, None).await
    }

    /// The same, refused as stale unless it still has this revision.
    ///
    /// # Errors
    /// As the API refuses it.
    pub async fn throw_away_as(&self, id: &MessageId, seen: Option<Revision>) -> Result<()> {
        let files = match self.message_detail(id).await {
            Ok(detail) if detail.message.state == State::Draft => files_of(&detail.message.data),
            _ => Vec::new(),
        };
        self.delete_message_as(id, seen).await?;
        if let Err(error) = self.discard_brought(&files).await {
            tracing::debug!(%error, "files of a draft that is gone stay for now");
        }
        Ok(())
    }
}

/// The files that a message names, as `BUCKET:FILE`.
fn files_of(data: &Data) -> Vec<String> {
    match data {
        Data::Email(mail) => mail.attachments.iter().map(AttachmentRef::at).collect(),
        Data::Push(push) => push.image.iter().map(AttachmentRef::at).collect(),
        Data::Sms(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_brought_is_known_as_such() {
        assert!(is_brought(&format!("{BUCKET}:{}", new_id().unwrap())));
        assert!(!is_brought("attachments:terms.pdf"));
        assert!(!is_brought("library:brought-1"));
        assert!(new_id().unwrap().len() <= 36);
    }
}
