//! The door for receipts: open, since the signature is what lets them in.

use super::answer::{Answered, text};
use super::call::{Call, Payload};
use crate::domain::ids::ProviderId;
use http::header::HOST;

/// Where a provider's receipts are taken, below the API's public address.
pub(crate) fn path(id: &str, token: &str) -> String {
    if token.is_empty() { format!("/v1/receipts/{id}") } else { format!("/v1/receipts/{id}/{token}") }
}

/// Receipts of a service that signs nothing: the end of the path proves them.
pub(crate) async fn take_by_token(call: Call) -> Answered {
    take(call).await
}

/// Receipts of a service: what it says is believed if its signature is good.
pub(crate) async fn take(call: Call) -> Answered {
    let id: ProviderId = call.id("providerId")?;
    let token = call.segment("token").to_owned();
    let here = path(id.as_str(), &token);
    // As the service knows it: Twilio signs the URL.
    let url = if let Some(base) = &call.engine().config().files.public_url {
        format!("{}{here}", base.trim_end_matches('/').trim_end_matches("/v1"))
    } else {
        let host = call.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        format!("https://{host}{here}")
    };
    let Payload::Whole(body) = &call.body else { return Ok(text("")) };
    call.engine().take_receipts(&id, &url, &token, &call.headers, body).await?;
    Ok(text("ok"))
}
