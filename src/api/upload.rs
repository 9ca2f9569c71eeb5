//! Uploads: a form with a file, or with a part of one. The file goes to the disk
//! as it comes in; only the small fields are held in memory.

use super::answer::{Answered, created};
use super::buckets::check_permissions;
use super::call::{Call, Payload};
use super::present;
use super::service::drain;
use crate::domain::validate::{self, Invalid};
use crate::engine::file_store::FileStore;
use crate::engine::usecases::files::{Part, Upload};
use crate::engine::usecases::{Outcome, Refusal, UNIQUE};
use crate::wire::ErrorType;
use axum::body::BodyDataStream;
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::Fuse;
use http::HeaderMap;
use http::header::{CONTENT_RANGE, CONTENT_TYPE};
use multer::{Field, Multipart};
use std::path::PathBuf;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

/// The longest field beside the file, in bytes.
const FIELD: usize = 64 << 10;
/// The most fields.
const FIELDS: usize = 120;
/// The most bytes that are still read of a refused upload: a part, as the SDKs cut them, and its form.
const DRAINED: usize = 6 << 20;
/// How long the next bytes may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// The `content-range` of a part: `bytes FIRST-LAST/ALL`.
fn part(headers: &HeaderMap) -> Outcome<Option<Part>> {
    let Some(value) = headers.get(CONTENT_RANGE) else { return Ok(None) };
    let bad = || {
        Refusal::new(
            ErrorType::ContentRange,
            "The content-range must be `bytes FIRST-LAST/ALL`, LAST included",
        )
    };
    let text = value.to_str().map_err(|_| bad())?;
    let (range, of) = text.strip_prefix("bytes ").and_then(|rest| rest.split_once('/')).ok_or_else(bad)?;
    let (from, last) = range.split_once('-').ok_or_else(bad)?;
    let number = |text: &str| text.trim().parse::<u64>().map_err(|_| bad());
    let (from, last, of) = (number(from)?, number(last)?, number(of)?);
    if from > last || last >= of {
        return Err(bad());
    }
    Ok(Some(Part { from, to: last + 1, of }))
}

/// What is in the spool; it goes when this does, unless somebody has moved it.
struct Spooled(PathBuf);

impl Drop for Spooled {
    fn drop(&mut self) {
        // It was moved, or the sweep finds it.
        let _ = std::fs::remove_file(&self.0);
    }
}

struct Came {
    spooled: Spooled,
    name: String,
    bytes: u64,
}

#[derive(Default)]
struct Form {
    id: Option<String>,
    permissions: Vec<String>,
    file: Option<Came>,
}

fn broken(error: &multer::Error) -> Refusal {
    Refusal::new(ErrorType::ArgumentInvalid, format!("The form cannot be read: {error}"))
}

fn slow<E>(_: E) -> Refusal {
    Refusal::new(ErrorType::Timeout, format!("Nothing came for {} s: upload it again", PATIENCE.as_secs()))
}

/// The name without directories, which some clients send along.
fn base_name(given: &str) -> Outcome<String> {
    let name = given.rsplit(['/', '\\']).next().unwrap_or_default();
    validate::line("file", name, 1, 255)?;
    Ok(name.to_owned())
}

async fn next(field: &mut Field<'_>) -> Outcome<Option<Bytes>> {
    timeout(PATIENCE, field.chunk()).await.map_err(slow)?.map_err(|error| broken(&error))
}

/// A small field as text.
async fn text(mut field: Field<'_>, name: &str) -> Outcome<String> {
    let mut bytes = Vec::new();
    while let Some(more) = next(&mut field).await? {
        bytes.extend_from_slice(&more);
        if bytes.len() > FIELD {
            return Err(Invalid::value(name, format!("Value must be at most {FIELD} bytes")).into());
        }
    }
    String::from_utf8(bytes).map_err(|_| Invalid::value(name, "Value must be UTF-8").into())
}

/// Writes the file to the spool, at most so many bytes.
async fn spool(mut field: Field<'_>, store: FileStore, as_name: String, most: u64) -> Outcome<Came> {
    let name = base_name(field.file_name().unwrap_or("file"))?;
    let failed = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
            Refusal::new(ErrorType::Suspended, "The disk has no room for files: free space and try again")
        }
        _ => Refusal::new(ErrorType::ServerError, format!("The file cannot be kept: {error}")),
    };
    let opened = tokio::task::spawn_blocking(move || store.spool(&as_name)).await;
    let (path, file) = opened.map_err(std::io::Error::other).flatten().map_err(failed)?;
    let spooled = Spooled(path);
    let mut file = tokio::fs::File::from_std(file);
    let mut bytes = 0u64;
    while let Some(more) = next(&mut field).await? {
        bytes += more.len() as u64;
        if bytes > most {
            return Err(Refusal::new(
                ErrorType::FileSize,
                format!("The file is larger than {most} bytes, the most that is taken here"),
            ));
        }
        file.write_all(&more).await.map_err(failed)?;
    }
    file.flush().await.map_err(failed)?;
    Ok(Came { spooled, name, bytes })
}

async fn read(call: &Call, rest: &mut Fuse<BodyDataStream>, most: u64) -> Outcome<Form> {
    let kind = call.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let boundary = multer::parse_boundary(kind).map_err(|_| {
        Refusal::new(ErrorType::ArgumentInvalid, "The body must be a form: content-type multipart/form-data")
    })?;
    let mut fields = Multipart::new(rest, boundary);
    let mut form = Form::default();
    for _ in 0..FIELDS {
        let field = timeout(PATIENCE, fields.next_field()).await.map_err(slow)?;
        let Some(field) = field.map_err(|error| broken(&error))? else { return Ok(form) };
        let name = field.name().unwrap_or_default().to_owned();
        match name.split('[').next().unwrap_or_default() {
            "fileId" => form.id = Some(text(field, "fileId").await?),
            "permissions" => {
                let text = text(field, "permissions").await?;
                form.permissions.extend(Some(text).filter(|text| !text.is_empty()));
            }
            // Newer SDKs know of folders; there are none.
            "folder" | "project" => drop(text(field, &name).await?),
            "file" if form.file.is_none() => {
                let (store, id) = (call.engine().config().files.store.clone(), call.engine().new_id());
                form.file = Some(spool(field, store, id, most).await?);
            }
            "file" => return Err(Invalid::value("file", "Value must be one file").into()),
            _ => return Err(Invalid::value(name, "this route has no such parameter").into()),
        }
    }
    Err(Refusal::new(ErrorType::ArgumentInvalid, format!("The form has more than {FIELDS} fields")))
}

pub(crate) async fn create(mut call: Call) -> Answered {
    let body = std::mem::replace(&mut call.body, Payload::Whole(Bytes::new())).into_body();
    // A body that has ended must not be asked again.
    let mut rest = body.into_data_stream().fuse();
    let answer = keep(&call, &mut rest).await;
    if answer.is_err() {
        drain(&mut rest, DRAINED, Duration::from_secs(10)).await;
    }
    answer
}

async fn keep(call: &Call, rest: &mut Fuse<BodyDataStream>) -> Answered {
    let bucket = call.id("bucketId")?;
    let record = call.engine().store().bucket(&bucket).await?;
    let part = part(&call.headers)?;
    let most = record.max_size.min(call.engine().config().files.largest);
    let form = read(call, rest, most).await?;
    let given = form.id.ok_or(Invalid::Missing("fileId"))?;
    if given != UNIQUE {
        validate::id("fileId", &given)?;
    }
    let id = upload_id(&call.headers, given)?;
    let file = form.file.ok_or(Invalid::Missing("file"))?;
    if form.permissions.len() > 100 {
        return Err(Invalid::value("permissions", "Value must a valid array of at most 100 texts").into());
    }
    check_permissions(&form.permissions)?;
    let upload = Upload {
        bucket,
        id,
        name: file.name,
        permissions: form.permissions,
        spooled: file.spooled.0.clone(),
        bytes: file.bytes,
        part,
    };
    let kept = call.engine().keep_file(call.actor(), upload).await?;
    created(&present::file(kept))
}

/// Parts after the first name their upload in a header; the form of an upload
/// whose id the server made says `unique()` each time.
fn upload_id(headers: &HeaderMap, given: String) -> Outcome<String> {
    let Some(header) = headers.get("x-appwrite-id") else { return Ok(given) };
    let id = header.to_str().unwrap_or_default();
    let rule = || {
        Refusal::new(
            ErrorType::UploadId,
            "The header x-appwrite-id names another upload than the form's fileId",
        )
    };
    if validate::id("x-appwrite-id", id).is_err() || given != UNIQUE && given != id {
        return Err(rule());
    }
    Ok(id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn ranged(text: &'static str) -> Outcome<Option<Part>> {
        part(&HeaderMap::from_iter([(CONTENT_RANGE, HeaderValue::from_static(text))]))
    }

    #[test]
    fn parts_say_where_they_belong() {
        assert_eq!(part(&HeaderMap::new()).unwrap(), None);
        assert_eq!(ranged("bytes 0-4/10").unwrap(), Some(Part { from: 0, to: 5, of: 10 }));
        assert_eq!(ranged("bytes 5-9/10").unwrap(), Some(Part { from: 5, to: 10, of: 10 }));
        for bad in ["bytes 5-10/10", "bytes 5-4/10", "0-4/10", "bytes 0-4", "bytes a-b/c", "bytes */10"] {
            assert_eq!(ranged(bad).unwrap_err().kind, ErrorType::ContentRange, "{bad}");
        }
    }

    #[test]
    fn a_part_belongs_to_its_upload() {
        let with = |id: &'static str| {
            HeaderMap::from_iter([("x-appwrite-id".parse().unwrap(), HeaderValue::from_static(id))])
        };
        assert_eq!(upload_id(&HeaderMap::new(), "a".into()).unwrap(), "a");
        assert_eq!(upload_id(&with("a"), "a".into()).unwrap(), "a");
        assert_eq!(upload_id(&with("a"), UNIQUE.into()).unwrap(), "a");
        for (header, given) in [("b", "a"), ("../x", UNIQUE), ("", "a")] {
            assert!(upload_id(&with(header), given.into()).is_err(), "{header}");
        }
    }

    #[test]
    fn names_without_directories() {
        assert_eq!(base_name("C:\\temp\\a.pdf").unwrap(), "a.pdf");
        assert_eq!(base_name("/etc/passwd").unwrap(), "passwd");
        for bad in ["", "a/", "a\r\nb", "x\0"] {
            assert!(base_name(bad).is_err(), "{bad:?}");
        }
    }
}
