//! Buckets, in the dialect as far as attachments and images need them. What the
//! dialect could do to contents (compress, encrypt, scan, transform) is accepted
//! and not done; the answer says so.

use super::answer::{Answered, created, nothing, ok};
use super::call::Call;
use super::list::{ListCall, Source};
use super::params::{Params, Required};
use super::present;
use crate::domain::file::Bucket;
use crate::domain::ids::BucketId;
use crate::domain::validate::{self, Invalid};
use crate::engine::Engine;
use crate::engine::usecases::Outcome;
use crate::engine::usecases::files::BucketEdit;
use crate::store::Result as StoreResult;
use crate::store::page::{Page, PageRequest};
use crate::wire::list::BucketList;
use async_trait::async_trait;

struct Buckets<'a>(&'a Engine);

#[async_trait]
impl Source<Bucket> for Buckets<'_> {
    async fn fetch(&self, page: PageRequest<Bucket>) -> StoreResult<Page<Bucket>> {
        self.0.store().buckets(page).await
    }

    async fn number(&self, id: String) -> Outcome<u64> {
        Ok(u64::from(self.0.store().bucket(&BucketId::new(id)?).await?.no.0))
    }
}

pub(crate) async fn list(call: Call) -> Answered {
    let request = ListCall::read::<Bucket>(&call)?;
    let found = request.page(&Buckets(call.engine())).await?;
    ok(&BucketList {
        total: found.total,
        buckets: found.items.into_iter().map(present::bucket).collect(),
        next: found.next,
        cut_short: found.cut_short,
    })
}

/// Permissions of the dialect, such as `read("any")`: at most 100, kept as they are.
pub(crate) fn permissions(params: &mut Params) -> Outcome<Option<Vec<String>>> {
    let Some(given) = params.texts("permissions", 100)? else { return Ok(None) };
    check_permissions(&given)?;
    Ok(Some(given))
}

pub(crate) fn check_permissions(given: &[String]) -> Outcome<()> {
    const WHAT: [&str; 5] = ["create", "read", "update", "delete", "write"];
    let good = |text: &str| {
        let inner = text.split_once('(').filter(|(what, _)| WHAT.contains(what));
        let role = inner.and_then(|(_, rest)| rest.strip_suffix(')')).map(str::trim);
        role.and_then(|role| role.strip_prefix('"')?.strip_suffix('"'))
            .is_some_and(crate::engine::usecases::topics::is_role)
    };
    match given.iter().find(|text| !good(text)) {
        None => Ok(()),
        Some(bad) => {
            let rule = format!("`{bad}` is not a permission, as read(\"any\")");
            Err(Invalid::value("permissions", rule).into())
        }
    }
}

fn edit(call: &Call, params: &mut Params, creating: bool) -> Outcome<BucketEdit> {
    let name = params.line("name", 1, 128);
    let name = if creating { Some(name.required("name")?) } else { name? };
    let permissions = permissions(params)?;
    let file_security = params.flag("fileSecurity")?;
    let enabled = params.flag("enabled")?;
    let largest = i64::try_from(call.app.settings.file_size.0).unwrap_or(i64::MAX);
    let max_size = params.integer("maximumFileSize", 1, largest)?.map(|bytes| bytes as u64);
    let extensions = params.texts("allowedFileExtensions", 100)?;
    for extension in extensions.iter().flatten() {
        validate::line("allowedFileExtensions", extension, 1, 64)?;
    }
    let compression = params.line("compression", 0, 16)?;
    if compression.is_some_and(|word| !matches!(word.as_str(), "" | "none" | "gzip" | "zstd")) {
        return Err(Invalid::value("compression", "Value must be one of (none, gzip, zstd)").into());
    }
    for flag in ["encryption", "antivirus", "transformations"] {
        params.flag(flag)?;
    }
    let description = params.text("description", 0, 1024)?;
    params.flag("stripMetadata")?;
    Ok(BucketEdit {
        name,
        description,
        permissions,
        file_security,
        enabled,
        max_size,
        extensions,
        revision: params.typed("revision")?,
    })
}

pub(crate) async fn create(call: Call) -> Answered {
    let mut params = call.params()?;
    let id = params.custom_id("bucketId")?;
    let edit = edit(&call, &mut params, true)?;
    params.finish()?;
    created(&present::bucket(call.engine().create_bucket(call.actor(), &id, edit).await?))
}

pub(crate) async fn get(call: Call) -> Answered {
    ok(&present::bucket(call.engine().store().bucket(&call.id("bucketId")?).await?))
}

pub(crate) async fn update(call: Call) -> Answered {
    let id = call.id("bucketId")?;
    let mut params = call.params()?;
    let edit = edit(&call, &mut params, false)?;
    params.finish()?;
    ok(&present::bucket(call.engine().edit_bucket(call.actor(), &id, edit).await?))
}

pub(crate) async fn delete(call: Call) -> Answered {
    call.engine().delete_bucket(call.actor(), &call.id("bucketId")?).await?;
    Ok(nothing())
}
