//! The page with which a recipient leaves the topics of a mail, by the link in it
//! (RFC 8058). Looking at it changes nothing: mail scanners follow every link.
//! The button, or the mail program in the person's stead, posts.

use super::answer::{Answered, too_many};
use super::call::Call;
use crate::engine::unsubscribe::Leaving;
use crate::engine::usecases::Refusal;
use crate::wire::ErrorType;
use axum::body::Body;
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_FRAME_OPTIONS};
use http::{HeaderValue, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use std::fmt::Write as _;
use std::time::Duration;

/// The longest form.
const FORM: usize = 4096;
/// How long a form may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What cannot stand in HTML as it is, and what cannot be seen.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in crate::domain::sanitize::line(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// An address as much as its owner needs: who was sent the mail on by somebody must not learn it.
fn hidden(address: &str) -> String {
    match address.rsplit_once('@') {
        Some((local, domain)) => {
            let first: String = local.chars().take(1).collect();
            format!("{first}•••@{domain}")
        }
        None => "•••".to_owned(),
    }
}

fn page(status: StatusCode, title: &str, inner: &str) -> Response {
    let text = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta name=\"robots\" content=\"noindex\">\n<title>{title}</title>\n</head>\n\
         <body>\n<main>\n<h1>{title}</h1>\n{inner}</main>\n</body>\n</html>\n"
    );
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=UTF-8"));
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        ),
    );
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    // The address of this page is a secret of its recipient.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn unknown() -> Response {
    page(StatusCode::NOT_FOUND, "This link is not valid", "<p>Open it from the mail again.</p>\n")
}

fn topics(leaving: &Leaving) -> String {
    if leaving.topics.is_empty() {
        return "<p>All mailings.</p>\n".to_owned();
    }
    let mut list = "<ul>\n".to_owned();
    for (_, name) in &leaving.topics {
        let _ = writeln!(list, "<li>{}</li>", escaped(name));
    }
    list + "</ul>\n"
}

/// A button that posts to a path beside this page.
fn button(action: &str, text: &str) -> String {
    format!(
        "<form method=\"post\" action=\"{}\">\n\
         <input type=\"hidden\" name=\"List-Unsubscribe\" value=\"One-Click\">\n\
         <button type=\"submit\">{text}</button>\n</form>\n",
        escaped(action)
    )
}

fn show(leaving: &Leaving, token: &str, back: bool) -> Response {
    if leaving.address.is_empty() {
        let text = "<p>This address is no longer held here, and gets nothing.</p>\n";
        return page(StatusCode::OK, "Unsubscribed", text);
    }
    let who = escaped(&hidden(&leaving.address));
    // Relative to where the page is: at the token, or at `token/back`.
    let (leave, come) = if back {
        (format!("../{token}"), "back".to_owned())
    } else {
        (token.to_owned(), format!("{token}/back"))
    };
    if leaving.left {
        let text = format!(
            "<p>{who} no longer gets mail to:</p>\n{}<p>If this was a mistake:</p>\n{}",
            topics(leaving),
            button(&come, "Subscribe again")
        );
        return page(StatusCode::OK, "Unsubscribed", &text);
    }
    let title = if back { "Subscribed again" } else { "Unsubscribe" };
    let text = format!("<p>{who} gets mail to:</p>\n{}{}", topics(leaving), button(&leave, "Unsubscribe"));
    page(StatusCode::OK, title, &text)
}

/// Whether recipients are told to come here; if nobody is, no link is valid.
fn is_open(call: &Call) -> bool {
    call.engine().config().files.public_url.is_some()
}

/// What is said to an address that comes too often; `None`: it does not.
fn turned_away(call: &Call) -> Option<Response> {
    let wait = call.app.leaving.count(&call.caller.house()?).refused?;
    Some(too_many("Too many requests from this address: try again in a while", wait))
}

pub(crate) async fn look(call: Call) -> Answered {
    if let Some(answer) = turned_away(&call) {
        return Ok(answer);
    }
    if !is_open(&call) {
        return Ok(unknown());
    }
    let token = call.segment("token");
    Ok(match call.engine().leaving(token).await? {
        Some(leaving) => show(&leaving, token, false),
        None => unknown(),
    })
}

pub(crate) async fn leave(call: Call) -> Answered {
    act(call, true).await
}

pub(crate) async fn come_back(call: Call) -> Answered {
    act(call, false).await
}

async fn act(call: Call, leaves: bool) -> Answered {
    if let Some(answer) = turned_away(&call) {
        return Ok(answer);
    }
    if !is_open(&call) {
        return Ok(unknown());
    }
    let (token, actor, engine) =
        (call.segment("token").to_owned(), call.actor().clone(), call.app.engine.clone());
    let said = tokio::time::timeout(PATIENCE, Limited::new(call.body.into_body(), FORM).collect()).await;
    let said = said.ok().and_then(Result::ok).map(http_body_util::Collected::to_bytes).unwrap_or_default();
    if !asks(&said) {
        let text = "The form must say List-Unsubscribe=One-Click; nothing was changed";
        return Err(Refusal::new(ErrorType::ArgumentInvalid, text));
    }
    Ok(match engine.leave(&actor, &token, leaves).await? {
        Some(leaving) => show(&leaving, &token, !leaves),
        None => unknown(),
    })
}

/// Whether a form says what RFC 8058 (3.2) wants, in either encoding of forms.
fn asks(form: &[u8]) -> bool {
    let plain = url::form_urlencoded::parse(form)
        .any(|(name, value)| name == "List-Unsubscribe" && value.trim() == "One-Click");
    let text = String::from_utf8_lossy(form);
    plain
        || text
            .split_once("name=\"List-Unsubscribe\"")
            .or_else(|| text.split_once("name=List-Unsubscribe"))
            .is_some_and(|(_, rest)| rest.trim_start().starts_with("One-Click"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_either_kind() {
        for good in [
            "List-Unsubscribe=One-Click",
            "a=b&List-Unsubscribe=One-Click",
            "--x\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--x--\r\n",
        ] {
            assert!(asks(good.as_bytes()), "{good}");
        }
        for bad in ["", "List-Unsubscribe", "List-Unsubscribe=Two", "list=One-Click", "One-Click"] {
            assert!(!asks(bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn nothing_of_others_is_markup() {
        assert_eq!(escaped("<b>\"&'"), "&lt;b&gt;&quot;&amp;&#39;");
        assert_eq!(hidden("ana@example.com"), "a•••@example.com");
        assert_eq!(hidden("+4915112345678"), "•••");
    }
}
