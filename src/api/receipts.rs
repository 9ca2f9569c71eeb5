//! The door for receipts: open, since the signature is what lets them in.

use super::answer::{Answered, text};
use super::call::{Call, Payload};
use crate::domain::ids::ProviderId;
use crate::engine::receipts::{path, public_url};
use http::header::HOST;

/// Receipts of a service that signs nothing: the end of the path proves them.
pub(crate) async fn take_by_token(call: Call) -> Answered {
    take(call).await
}

/// Receipts of a service: what it says is believed if its signature is good.
pub(crate) async fn take(call: Call) -> Answered {
    let id: ProviderId = call.id("providerId")?;
    let token = call.segment("token").to_owned();
    // As the service knows it: Twilio signs the URL.
    let url = public_url(call.engine().config(), &id, &token).unwrap_or_else(|| {
        let host = call.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        format!("https://{host}{}", path(&id, &token))
    });
    let Payload::Whole(body) = &call.body else { return Ok(text("")) };
    call.engine().take_receipts(&id, &url, &token, &call.headers, body).await?;
    Ok(text("ok"))
}
