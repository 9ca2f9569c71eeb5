//! What Herald tells others by itself: a POST to an endpoint, a command of the operator's.

use super::http::{HttpClient, Requests};
use super::tls::client_config;
use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use url::Url;

/// How long an endpoint may take to answer, and a command to end.
const PATIENCE: Duration = Duration::from_secs(10);

/// How much of an answer is kept, in characters.
const KEPT: usize = 500;

/// A POST.
#[derive(Debug, Clone)]
pub struct Post {
    /// Where to.
    pub url: Url,
    /// Its headers beside the usual ones.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// JSON.
    pub body: Bytes,
    /// Whether the address may be loopback, link-local or private.
    pub allow_private: bool,
}

/// An answer to a POST.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posted {
    /// The status. Redirects are not followed.
    pub status: u16,
    /// The beginning of the body, as text.
    pub answer: String,
}

/// Telling others. Passed in, so that a test can be the other.
#[async_trait]
pub trait Outgoing: Send + Sync + 'static {
    /// Posts; an error says why there was no answer.
    async fn post(&self, post: Post) -> Result<Posted, String>;
    /// Fetches what is public there, at most 64 KiB; an error says why it cannot be had. Only
    /// 200 is an answer.
    async fn get(&self, url: &Url, allow_private: bool) -> Result<Bytes, String>;
    /// Runs a program with arguments, without a shell, and gives it `input` on
    /// standard input. An error says why it failed.
    async fn run(&self, command: &[String], input: Bytes) -> Result<(), String>;
}

/// The real network and this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct Machine;

/// The beginning of a body, as one line of text.
fn beginning(body: &[u8]) -> String {
    String::from_utf8_lossy(body).chars().map(|c| if c.is_control() { ' ' } else { c }).take(KEPT).collect()
}

/// A client for the origin of a URL, and the URL's path and query.
fn client(url: &Url, allow_private: bool, answer: usize) -> Result<(HttpClient, String), String> {
    let mut base = url.clone();
    base.set_path("");
    base.set_query(None);
    let tls = client_config(None).map_err(|error| error.to_string())?;
    let requests = Requests { deadline: PATIENCE, connect: PATIENCE, answer, ..Requests::default() };
    let client = HttpClient::new(&base, tls, allow_private, requests)
        .map_err(|problem| format!("the URL {problem}"))?;
    let path = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    Ok((client, path))
}

#[async_trait]
impl Outgoing for Machine {
    async fn get(&self, url: &Url, allow_private: bool) -> Result<Bytes, String> {
        let (client, path) = client(url, allow_private, 64 << 10)?;
        let head = client.bare(Method::GET, &path, []).map_err(|problem| format!("the URL {problem}"))?;
        let answer =
            client.line().request(&head, [], Bytes::new()).await.map_err(|error| error.to_string())?;
        match answer.status.as_u16() {
            200 if answer.whole => Ok(answer.body),
            200 => Err("the answer is too long".to_owned()),
            status => Err(format!("the answer is {status}")),
        }
    }

    async fn post(&self, post: Post) -> Result<Posted, String> {
        let (client, path) = client(&post.url, post.allow_private, 4 << 10)?;
        let head = client
            .head(&path, "application/json", post.headers)
            .map_err(|problem| format!("the URL {problem}"))?;
        let answer = client.line().request(&head, [], post.body).await.map_err(|error| error.to_string())?;
        Ok(Posted { status: answer.status.as_u16(), answer: beginning(&answer.body) })
    }

    async fn run(&self, command: &[String], input: Bytes) -> Result<(), String> {
        let Some((program, arguments)) = command.split_first() else { return Ok(()) };
        let mut child = tokio::process::Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("{program} cannot be started: {error}"))?;
        let mut stdin = child.stdin.take();
        let work = async {
            if let Some(stdin) = &mut stdin {
                // A command that does not read what it is told may still do its work.
                let _ = stdin.write_all(&input).await;
                let _ = stdin.shutdown().await;
            }
            drop(stdin.take());
            child.wait().await
        };
        match tokio::time::timeout(PATIENCE, work).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(format!("{program} failed: {status}")),
            Ok(Err(error)) => Err(format!("{program} failed: {error}")),
            Err(_) => Err(format!("{program} took longer than {} s", PATIENCE.as_secs())),
        }
    }
}
