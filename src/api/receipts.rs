//! The door for receipts: open, since the signature is what lets them in.

use super::answer::{Answered, text, too_many};
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
    if let Some(wait) = call.caller.house().and_then(|from| call.app.receipts_from.count(&from).refused) {
        return Ok(too_many("Too many requests with receipts from this address: send it again later", wait));
    }
    let id: ProviderId = call.id("providerId")?;
    if let Some(wait) = call.app.receipts_of.wait(id.as_str()) {
        return Ok(too_many("Too many receipts of this provider at once: send it again later", wait));
    }
    let token = call.segment("token").to_owned();
    // As the service knows it: Twilio signs the URL.
    let url = public_url(call.engine().config(), &id, &token).unwrap_or_else(|| {
        let host = call.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        format!("https://{host}{}", path(&id, &token))
    });
    let Payload::Whole(body) = &call.body else { return Ok(text("")) };
    call.engine().take_receipts(&id, &url, &token, &call.headers, body).await?;
    call.app.receipts_of.count(id.as_str());
    Ok(text("ok"))
}
