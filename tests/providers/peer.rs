//! A mail server that does what a script says.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// A point of the dialogue, where a script may have its say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum At {
    Banner,
    Hello,
    StartTls,
    Auth,
    Mail,
    Rcpt,
    Data,
    /// After 354, when the first line of the content has come.
    Body,
    End,
    Rset,
}

impl At {
    /// Those that a session without TLS and login passes.
    pub const PLAIN: [Self; 7] =
        [Self::Banner, Self::Hello, Self::Mail, Self::Rcpt, Self::Data, Self::Body, Self::End];
}

/// Where a dialogue stands.
#[derive(Debug, Clone, Copy)]
pub struct Point<'a> {
    /// From 0, in the order of connecting.
    pub connection: usize,
    /// How many times this point was reached, over all connections, from 0.
    pub times: usize,
    pub at: At,
    /// The argument of the command.
    pub line: &'a str,
}

/// What the peer does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum React {
    /// What a server does that is well.
    Usual,
    Say(String),
    SayAndClose(String),
    Close,
    /// Takes the mail, and closes without a word. Elsewhere as `Close`.
    TakeAndClose,
    /// Says nothing more, and keeps the connection.
    Silence,
}

pub fn say(text: &str) -> React {
    React::Say(text.to_owned())
}

/// A mail that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    pub connection: usize,
    pub from: String,
    pub to: String,
    /// As sent, dots unstuffed.
    pub content: Vec<u8>,
}

#[derive(Debug, Default)]
pub struct Seen {
    pub connections: usize,
    pub mails: Vec<Taken>,
    /// Every command line, with the connection.
    pub lines: Vec<(usize, String)>,
    /// Something came before the reply to what was before it.
    pub ahead: bool,
    counts: std::collections::HashMap<At, usize>,
}

type Script = Arc<dyn Fn(Point<'_>) -> React + Send + Sync>;

#[derive(Clone)]
pub struct Setup {
    /// The lines of the reply to EHLO.
    pub extensions: Vec<String>,
    /// For STARTTLS, or from the first byte.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    pub implicit: bool,
}

impl Setup {
    pub fn offering(extensions: &[&str]) -> Self {
        let extensions = extensions.iter().map(|&extension| extension.to_owned()).collect();
        Self { extensions, tls: None, implicit: false }
    }

    pub fn pipelining(on: bool) -> Self {
        if on { Self::offering(&["PIPELINING", "8BITMIME"]) } else { Self::offering(&["8BITMIME"]) }
    }
}

pub struct Peer {
    pub addr: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    task: JoinHandle<()>,
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Peer {
    pub async fn start(setup: Setup, script: impl Fn(Point<'_>) -> React + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (record, script): (_, Script) = (seen.clone(), Arc::new(script));
        let task = tokio::spawn(async move {
            // Ends the dialogues with the peer.
            let mut dialogues = tokio::task::JoinSet::new();
            loop {
                let (tcp, _) = listener.accept().await.unwrap();
                tcp.set_nodelay(true).unwrap();
                let connection = {
                    let mut seen = record.lock().unwrap();
                    seen.connections += 1;
                    seen.connections - 1
                };
                let dialogue = Dialogue {
                    connection,
                    setup: setup.clone(),
                    script: script.clone(),
                    seen: record.clone(),
                };
                dialogues.spawn(async move {
                    match &dialogue.setup.tls {
                        Some(tls) if dialogue.setup.implicit => {
                            if let Ok(stream) = TlsAcceptor::from(tls.clone()).accept(tcp).await {
                                dialogue.run(Box::new(stream), true).await;
                            }
                        }
                        _ => dialogue.run(Box::new(tcp), false).await,
                    }
                });
            }
        });
        Self { addr, seen, task }
    }

    /// A server that is well.
    pub async fn usual() -> Self {
        Self::start(Setup::pipelining(true), |_| React::Usual).await
    }

    pub fn seen<T>(&self, look: impl FnOnce(&Seen) -> T) -> T {
        look(&self.seen.lock().unwrap())
    }

    /// The recipients of the mails that were taken, in order.
    pub fn taken(&self) -> Vec<String> {
        self.seen(|seen| seen.mails.iter().map(|mail| mail.to.clone()).collect())
    }
}

trait Io: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

struct Dialogue {
    connection: usize,
    setup: Setup,
    script: Script,
    seen: Arc<Mutex<Seen>>,
}

/// The dialogue is over.
struct Over;

impl Dialogue {
    async fn run(self, stream: Box<dyn Io>, mut encrypted: bool) {
        let mut io = BufReader::new(stream);
        if self.react(&mut io, At::Banner, "", "220 peer.example ESMTP").await.is_err() {
            return;
        }
        while let Ok(()) = self.commands(&mut io, encrypted).await {
            let tls = self.setup.tls.clone().unwrap();
            let Ok(stream) = TlsAcceptor::from(tls).accept(io.into_inner()).await else { return };
            io = BufReader::new(Box::new(stream));
            encrypted = true;
        }
    }

    /// Until the end, or until TLS is to begin.
    async fn commands(&self, io: &mut BufReader<Box<dyn Io>>, encrypted: bool) -> Result<(), Over> {
        let (mut from, mut to) = (String::new(), String::new());
        loop {
            let line = self.line(io).await?;
            let verb = line.split([' ', ':']).next().unwrap().to_ascii_uppercase();
            match verb.as_str() {
                "EHLO" => {
                    let mut text = "250-peer.example".to_owned();
                    for extension in &self.setup.extensions {
                        if !(encrypted && extension == "STARTTLS") {
                            text = format!("{text}\r\n250-{extension}");
                        }
                    }
                    text.push_str("\r\n250 HELP");
                    self.react(io, At::Hello, &line, &text).await?;
                }
                "HELO" => self.write(io, "250 peer.example").await?,
                "STARTTLS" => {
                    self.react(io, At::StartTls, &line, "220 go ahead").await?;
                    return Ok(());
                }
                "AUTH" if line.eq_ignore_ascii_case("AUTH LOGIN") => {
                    self.write(io, "334 VXNlcm5hbWU6").await?;
                    self.line(io).await?;
                    self.write(io, "334 UGFzc3dvcmQ6").await?;
                    let line = self.line(io).await?;
                    self.react(io, At::Auth, &line, "235 2.7.0 welcome").await?;
                }
                "AUTH" => drop(self.react(io, At::Auth, &line, "235 2.7.0 welcome").await?),
                "MAIL" => {
                    if self.react(io, At::Mail, &line, "250 2.1.0 Ok").await? {
                        from.clone_from(&line);
                        to.clear();
                    }
                }
                "RCPT" if from.is_empty() => self.write(io, "503 5.5.1 MAIL first").await?,
                "RCPT" => {
                    if self.react(io, At::Rcpt, &line, "250 2.1.5 Ok").await? {
                        to.clone_from(&line);
                    }
                }
                "DATA" if to.is_empty() => self.write(io, "554 5.5.1 no valid recipients").await?,
                "DATA" => {
                    if self.react(io, At::Data, &line, "354 go on").await? {
                        self.content(io, &from, &to).await?;
                        from.clear();
                        to.clear();
                    }
                }
                "RSET" => {
                    from.clear();
                    to.clear();
                    self.react(io, At::Rset, &line, "250 2.0.0 Ok").await?;
                }
                "QUIT" => {
                    self.write(io, "221 bye").await?;
                    return Err(Over);
                }
                _ => self.write(io, "500 5.5.2 unknown").await?,
            }
        }
    }

    async fn content(&self, io: &mut BufReader<Box<dyn Io>>, from: &str, to: &str) -> Result<(), Over> {
        let mut content = Vec::new();
        let mut first = true;
        loop {
            let mut line = Vec::new();
            if io.read_until(b'\n', &mut line).await.map_err(|_| Over)? == 0 {
                return Err(Over);
            }
            if first {
                first = false;
                match self.ask(At::Body, to) {
                    React::Usual => {}
                    React::Say(text) => self.write(io, &text).await?,
                    React::SayAndClose(text) => {
                        self.write(io, &text).await?;
                        return Err(Over);
                    }
                    React::Silence => self.silence(io).await?,
                    React::Close | React::TakeAndClose => return Err(Over),
                }
            }
            if line == b".\r\n" {
                break;
            }
            content.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
        }
        let (from, to) = (inner(from), inner(to));
        let mail = Taken { connection: self.connection, from, to, content };
        let reaction = self.ask(At::End, &mail.to);
        let takes = match &reaction {
            React::Usual | React::TakeAndClose => true,
            React::Say(text) | React::SayAndClose(text) => text.starts_with('2'),
            React::Close | React::Silence => false,
        };
        if takes {
            self.seen.lock().unwrap().mails.push(mail);
        }
        let usual = format!("250 2.0.0 Ok: queued as Q{:08}", self.seen.lock().unwrap().mails.len());
        self.act(io, reaction, &usual).await.map(drop)
    }

    async fn line(&self, io: &mut BufReader<Box<dyn Io>>) -> Result<String, Over> {
        let mut line = String::new();
        match io.read_line(&mut line).await {
            Ok(0) | Err(_) => Err(Over),
            Ok(_) => {
                let line = line.trim_end().to_owned();
                self.seen.lock().unwrap().lines.push((self.connection, line.clone()));
                Ok(line)
            }
        }
    }

    fn ask(&self, at: At, line: &str) -> React {
        let times = {
            let mut seen = self.seen.lock().unwrap();
            let count = seen.counts.entry(at).or_default();
            *count += 1;
            *count - 1
        };
        (self.script)(Point { connection: self.connection, times, at, line })
    }

    /// Whether the server took what was said.
    async fn react(
        &self,
        io: &mut BufReader<Box<dyn Io>>,
        at: At,
        line: &str,
        usual: &str,
    ) -> Result<bool, Over> {
        let reaction = self.ask(at, line);
        self.act(io, reaction, usual).await
    }

    async fn act(&self, io: &mut BufReader<Box<dyn Io>>, react: React, usual: &str) -> Result<bool, Over> {
        match react {
            React::Usual => self.write(io, usual).await.map(|()| true),
            React::Say(text) => {
                self.write(io, &text).await?;
                Ok(text.starts_with(['2', '3']))
            }
            React::SayAndClose(text) => {
                self.write(io, &text).await?;
                Err(Over)
            }
            React::Close | React::TakeAndClose => Err(Over),
            React::Silence => self.silence(io).await.map(|()| false),
        }
    }

    async fn silence(&self, io: &mut BufReader<Box<dyn Io>>) -> Result<(), Over> {
        let mut sink = [0; 1024];
        while !matches!(io.read(&mut sink).await, Ok(0) | Err(_)) {}
        Err(Over)
    }

    async fn write(&self, io: &mut BufReader<Box<dyn Io>>, text: &str) -> Result<(), Over> {
        if !io.buffer().is_empty() {
            self.seen.lock().unwrap().ahead = true;
        }
        io.write_all(format!("{text}\r\n").as_bytes()).await.map_err(|_| Over)?;
        io.flush().await.map_err(|_| Over)
    }
}

/// What is between the angle brackets.
fn inner(line: &str) -> String {
    let from = line.find('<').map_or(0, |at| at + 1);
    let to = line.find('>').unwrap_or(line.len());
    line[from..to].to_owned()
}
