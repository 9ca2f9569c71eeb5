//! Files, in the dialect: their records, and their contents as streams.

use super::answer::{Answered, nothing, ok};
use super::buckets::permissions;
use super::call::Call;
use super::list::{ListCall, Source};
use super::present;
use crate::domain::file::{FileRef, StoredFile};
use crate::domain::ids::{BucketId, FileId};
use crate::engine::Engine;
use crate::engine::usecases::{Outcome, Refusal};
use crate::store::page::{Page, PageRequest};
use crate::store::{RecordKind, Result as StoreResult};
use crate::wire::ErrorType;
use crate::wire::delivery::Affected;
use crate::wire::list::FileList;
use async_trait::async_trait;
use axum::body::Body;
use axum::response::Response;
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, RANGE,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use std::io::SeekFrom;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

/// Bytes that are read at once.
const BLOCK: usize = 64 << 10;

struct Files<'a> {
    engine: &'a Engine,
    bucket: &'a BucketId,
}

#[async_trait]
impl Source<StoredFile> for Files<'_> {
    async fn fetch(&self, page: PageRequest<StoredFile>) -> StoreResult<Page<StoredFile>> {
        self.engine.store().files(self.bucket, page).await
    }

    async fn number(&self, id: String) -> Outcome<u64> {
        let at = FileRef { bucket: self.bucket.clone(), file: FileId::new(id)? };
        Ok(self.engine.store().file(&at).await?.no.0)
    }
}

/// The file that the path names.
fn named(call: &Call) -> Outcome<FileRef> {
    Ok(FileRef { bucket: call.id("bucketId")?, file: call.id("fileId")? })
}

pub(crate) async fn list(call: Call) -> Answered {
    let bucket: BucketId = call.id("bucketId")?;
    let request = ListCall::read::<StoredFile>(&call)?;
    let found = request.page(&Files { engine: call.engine(), bucket: &bucket }).await?;
    ok(&FileList {
        total: found.total,
        files: found.items.into_iter().map(present::file).collect(),
        next: found.next,
        cut_short: found.cut_short,
    })
}

/// Also one that is not whole yet: the SDKs look here how far an upload has come.
pub(crate) async fn get(call: Call) -> Answered {
    ok(&present::file(call.engine().store().file(&named(&call)?).await?))
}

pub(crate) async fn update(call: Call) -> Answered {
    let at = named(&call)?;
    let mut params = call.params()?;
    let name = params.line("name", 0, 255)?.filter(|name| !name.is_empty());
    let permissions = permissions(&mut params)?;
    params.finish()?;
    ok(&present::file(call.engine().edit_file(call.actor(), &at, name, permissions).await?))
}

pub(crate) async fn delete(call: Call) -> Answered {
    call.engine().delete_file(call.actor(), &named(&call)?).await?;
    Ok(nothing())
}

pub(crate) async fn discard(call: Call) -> Answered {
    let gone = call.engine().discard_file(call.actor(), &named(&call)?).await?;
    ok(&Affected { count: u64::from(gone) })
}

pub(crate) async fn download(call: Call) -> Answered {
    let file = call.engine().whole_file(&named(&call)?).await?;
    content(&call, file, "attachment").await
}

pub(crate) async fn view(call: Call) -> Answered {
    let file = call.engine().whole_file(&named(&call)?).await?;
    content(&call, file, "inline").await
}

/// Devices have no key: the link's token opens this file, and nothing else.
pub(crate) async fn push(call: Call) -> Answered {
    let file = call.engine().whole_file(&named(&call)?).await;
    match (file, call.query("jwt")) {
        (Ok(file), Some(token)) if call.engine().opens(&file, token) => content(&call, file, "inline").await,
        (Err(refusal), _) if refusal.kind.status() >= 500 => Err(refusal),
        // Who has no good link does not learn whether there is such a file.
        _ => Err(Refusal::not_found(RecordKind::File, call.segment("fileId"))),
    }
}

/// The range of bytes that is asked for: first and last. `None`: everything.
fn range(headers: &HeaderMap, size: u64) -> Outcome<Option<(u64, u64)>> {
    let Some(text) = headers.get(RANGE).and_then(|value| value.to_str().ok()) else { return Ok(None) };
    let bad = || {
        Refusal::new(ErrorType::FileRange, format!("The range must lie in the file, which has {size} bytes"))
    };
    let (from, to) = text.strip_prefix("bytes=").and_then(|text| text.split_once('-')).ok_or_else(bad)?;
    let number = |text: &str| text.trim().parse::<u64>().map_err(|_| bad());
    let (from, to) = match (from.trim(), to.trim()) {
        ("", last) => (size.saturating_sub(number(last)?), size - 1),
        (from, "") => (number(from)?, size - 1),
        (from, to) => (number(from)?, number(to)?.min(size - 1)),
    };
    if from > to || from >= size { Err(bad()) } else { Ok(Some((from, to))) }
}

/// What a browser may show in place without running anything.
fn shown_type(mime: &str, how: &str) -> HeaderValue {
    let runs = matches!(mime, "text/html" | "image/svg+xml" | "application/xml");
    let mime = if how == "inline" && runs { "text/plain; charset=UTF-8" } else { mime };
    HeaderValue::from_str(mime).unwrap_or(HeaderValue::from_static("application/octet-stream"))
}

fn disposition(how: &str, name: &str) -> HeaderValue {
    let plain: String = name
        .chars()
        .map(|c| if c.is_ascii_graphic() && !matches!(c, '"' | '\\') || c == ' ' { c } else { '_' })
        .collect();
    let encoded: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
    let text = format!("{how}; filename=\"{plain}\"; filename*=UTF-8''{}", encoded.replace('+', "%20"));
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("attachment"))
}

async fn content(call: &Call, file: StoredFile, how: &'static str) -> Answered {
    let failed = |error: std::io::Error| {
        Refusal::new(ErrorType::ServerError, format!("The content cannot be read: {error}"))
    };
    let range = range(&call.headers, file.size)?;
    let (store, digest) = (call.engine().config().files.store.clone(), file.digest.clone());
    let opened = tokio::task::spawn_blocking(move || store.open(&digest)).await;
    let mut content =
        tokio::fs::File::from_std(opened.map_err(std::io::Error::other).flatten().map_err(failed)?);
    let (from, to) = range.unwrap_or((0, file.size - 1));
    content.seek(SeekFrom::Start(from)).await.map_err(failed)?;
    let length = to - from + 1;
    let mut response =
        Response::new(Body::from_stream(ReaderStream::with_capacity(content.take(length), BLOCK)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, shown_type(&file.mime, how));
    headers.insert(CONTENT_LENGTH, length.into());
    headers.insert(CONTENT_DISPOSITION, disposition(how, &file.name));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, max-age=3888000"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox"));
    if range.is_some() {
        if let Ok(value) = HeaderValue::from_str(&format!("bytes {from}-{to}/{}", file.size)) {
            headers.insert(CONTENT_RANGE, value);
        }
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(text: &'static str, size: u64) -> Option<(u64, u64)> {
        let headers = HeaderMap::from_iter([(RANGE, HeaderValue::from_static(text))]);
        range(&headers, size).ok().flatten()
    }

    #[test]
    fn ranges() {
        assert_eq!(range(&HeaderMap::new(), 10).unwrap(), None);
        assert_eq!(asked("bytes=0-4", 10), Some((0, 4)));
        assert_eq!(asked("bytes=5-", 10), Some((5, 9)));
        assert_eq!(asked("bytes=-3", 10), Some((7, 9)));
        assert_eq!(asked("bytes=0-99", 10), Some((0, 9)));
        for bad in ["bytes=10-", "bytes=4-2", "rows=1-2", "bytes=a-b", "bytes=-", "bytes=1-2,4-5"] {
            assert_eq!(asked(bad, 10), None, "{bad}");
        }
    }

    #[test]
    fn a_name_stays_in_its_header() {
        let value = disposition("attachment", "a\"b\r\nx: y ü.pdf");
        let text = value.to_str().unwrap();
        assert!(text.starts_with("attachment; filename=\"a_b__x: y _.pdf\""), "{text}");
        assert!(!text.contains(['\r', '\n']), "{text}");
    }

    #[test]
    fn nothing_is_shown_that_could_run() {
        assert_eq!(shown_type("text/html", "inline"), "text/plain; charset=UTF-8");
        assert_eq!(shown_type("text/html", "attachment"), "text/html");
        assert_eq!(shown_type("image/png", "inline"), "image/png");
    }
}
