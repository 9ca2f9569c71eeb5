//! Clients that say exactly what a test wants said.

use std::net::SocketAddr;
use std::time::Duration;

use herald::sandbox::{Builder, Sandbox};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufStream};
use tokio::net::TcpStream;

/// No answer takes longer, unless it never comes.
pub const DEADLINE: Duration = Duration::from_secs(20);
pub const TOKEN: &str = "a-token";

pub fn any_port() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// Both servers, and control out of reach of the faults.
pub fn both() -> Builder {
    Sandbox::builder().smtp(any_port()).http(any_port()).control(any_port()).token(TOKEN).seed(1)
}

/// An SMTP conversation, line by line.
pub struct Talk<S> {
    pub stream: BufStream<S>,
}

impl Talk<TcpStream> {
    /// Connects and takes the banner.
    pub async fn open(sandbox: &Sandbox) -> Self {
        let mut talk = Self::connect(sandbox).await;
        assert!(talk.reply().await.starts_with("220 "));
        talk
    }

    pub async fn connect(sandbox: &Sandbox) -> Self {
        let addr = sandbox.smtp_addr().unwrap();
        Self::on(TcpStream::connect(addr).await.unwrap())
    }

    /// Connects and says EHLO.
    pub async fn greeted(sandbox: &Sandbox) -> Self {
        let mut talk = Self::open(sandbox).await;
        talk.expect("EHLO test", "250").await;
        talk
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Talk<S> {
    pub fn on(stream: S) -> Self {
        Self { stream: BufStream::new(stream) }
    }

    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// The next reply with all its lines, or how the connection ended.
    pub async fn try_reply(&mut self) -> std::io::Result<String> {
        let read = async {
            let mut reply = String::new();
            loop {
                let start = reply.len();
                if self.stream.read_line(&mut reply).await? == 0 {
                    return Ok(reply);
                }
                assert!(reply.ends_with("\r\n"), "a torn reply: {reply:?}");
                if reply.as_bytes().get(start + 3) == Some(&b' ') {
                    return Ok(reply);
                }
            }
        };
        tokio::time::timeout(DEADLINE, read).await.expect("a reply before the deadline")
    }

    pub async fn reply(&mut self) -> String {
        self.try_reply().await.unwrap()
    }

    /// Says a line and takes the reply, which must begin so.
    pub async fn expect(&mut self, line: &str, begins: &str) -> String {
        self.send(format!("{line}\r\n")).await;
        let reply = self.reply().await;
        assert!(reply.starts_with(begins), "{line:?} got {reply:?}");
        reply
    }

    /// Everything until the server closes; an error is a reset.
    pub async fn rest(&mut self) -> std::io::Result<String> {
        let mut rest = String::new();
        tokio::time::timeout(DEADLINE, self.stream.read_to_string(&mut rest))
            .await
            .expect("an end before the deadline")
            .map(|_| rest)
    }

    /// Envelope and DATA, up to the 354.
    pub async fn envelope(&mut self, to: &[&str]) {
        self.expect("MAIL FROM:<a@example.test>", "250 2.1.0").await;
        for to in to {
            self.expect(&format!("RCPT TO:<{to}>"), "250 2.1.5").await;
        }
        self.expect("DATA", "354 ").await;
    }

    /// A whole mail; its final reply.
    pub async fn mail(&mut self, to: &[&str], id: &str) -> String {
        self.envelope(to).await;
        self.send(format!("Message-ID: <{id}>\r\n\r\nHello\r\n.\r\n")).await;
        self.reply().await
    }
}

/// An HTTP answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    pub fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap().to_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|v| v.to_str().unwrap())
    }
}

/// Speaks to one address.
#[derive(Clone)]
pub struct Web {
    client: reqwest::Client,
    base: String,
}

impl Web {
    pub fn to(addr: SocketAddr) -> Self {
        // Without TLS there is nothing to choose, but the client wants to know.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self {
            client: reqwest::Client::builder().timeout(DEADLINE).no_proxy().build().unwrap(),
            base: format!("http://{addr}"),
        }
    }

    pub fn sending(sandbox: &Sandbox) -> Self {
        Self::to(sandbox.http_addr().unwrap())
    }

    pub fn control(sandbox: &Sandbox) -> Self {
        Self::to(sandbox.control_addr().unwrap())
    }

    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        self.anonymous(method, path).bearer_auth(TOKEN)
    }

    pub fn anonymous(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = method.parse().unwrap();
        self.client.request(method, format!("{}{path}", self.base))
    }

    pub async fn take(request: reqwest::RequestBuilder) -> reqwest::Result<Answer> {
        let response = request.send().await?;
        Ok(Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            text: response.text().await?,
        })
    }

    pub async fn call(&self, method: &str, path: &str, body: &Value) -> Answer {
        Self::take(self.request(method, path).json(body)).await.unwrap()
    }

    pub async fn get(&self, path: &str) -> Answer {
        Self::take(self.request("GET", path)).await.unwrap()
    }

    /// Sends text messages to these numbers; the reference is the number.
    pub async fn sms(&self, numbers: &[&str]) -> Answer {
        self.call("POST", "/send/sms", &sms(numbers)).await
    }
}

pub fn sms(numbers: &[&str]) -> Value {
    let recipients: Vec<Value> = numbers
        .iter()
        .map(|n| serde_json::json!({"to": n, "reference": format!("r{n}"), "text": "Hello"}))
        .collect();
    serde_json::json!({ "recipients": recipients })
}
