//! One session: commands in, replies out, no I/O.

use std::borrow::Cow;
use std::io::Write;
use std::mem;
use std::sync::Arc;

use bytes::{Buf, BytesMut};
use smtp_proto::request::receiver::DataReceiver;
use smtp_proto::{Error, Request};

use super::auth::Asked;
use super::content::{lines_are_whole, message_id};
use super::{SmtpServer, reply};
use crate::sandbox::faults::{Effect, Stage};
use crate::sandbox::record::Mail;

mod commands;

/// The longest command line, AUTH's included (RFC 4954, 4: 12,288 bytes).
const MAX_LINE: usize = 12 * 1024;
/// What the receiver of content is started with, so that it sees the content begin on a
/// line of its own: an empty mail is only a dot, and a first line may be dot-stuffed.
const LINE_START: &[u8] = b"\r\n";

/// How the conversation goes on, if not with the next command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// The replies, then an orderly close.
    Close,
    /// The replies so far, then a reset.
    Reset,
    /// The replies up to here, half of the last, then a reset.
    CutFrom(usize),
    /// The replies, then TLS.
    StartTls,
}

enum Phase {
    Command,
    Auth(Asked),
    Content(Content),
}

struct Content {
    receiver: DataReceiver,
    /// A fault wants the connection reset when the first bytes have come.
    reset: bool,
    /// It has outgrown the limit: read to its end, but not kept.
    too_big: bool,
}

/// The sender of a mail; an empty address is the null one of a bounce.
struct Sender {
    address: String,
    /// MAIL said SMTPUTF8.
    utf8: bool,
}

pub(super) struct Session {
    server: Arc<SmtpServer>,
    phase: Phase,
    secure: bool,
    greeted: bool,
    authenticated: bool,
    /// The sender of the envelope; `None` outside of a mail.
    from: Option<Sender>,
    recipients: Vec<String>,
    /// The content, after [`LINE_START`]. Kept between mails for its memory.
    content: Vec<u8>,
    /// Mails accepted in this session.
    mails: u64,
}

impl Session {
    pub(super) fn new(server: Arc<SmtpServer>, secure: bool) -> Self {
        Self {
            server,
            phase: Phase::Command,
            secure,
            greeted: false,
            authenticated: false,
            from: None,
            recipients: Vec::new(),
            content: Vec::new(),
            mails: 0,
        }
    }

    /// The banner, or what a fault makes of it.
    pub(super) fn greet(&mut self, fault: Option<Effect>, output: &mut Vec<u8>) -> Option<Ending> {
        let ending = self.with(fault, output, |_, output| {
            reply::BANNER.write(output);
            None
        });
        // A refused connection is closed whatever the code (RFC 5321, 3.1 and 4.2.2).
        if output.starts_with(b"220") || ending.is_some() { ending } else { Some(Ending::Close) }
    }

    /// TLS has begun: all that was known of the client is forgotten (RFC 3207, 4.2).
    pub(super) fn secured(&mut self) {
        self.secure = true;
        self.greeted = false;
        self.authenticated = false;
        self.reset_mail();
    }

    /// Takes all that is whole in `input` and appends the replies to `output`.
    pub(super) fn take(&mut self, input: &mut BytesMut, output: &mut Vec<u8>) -> Option<Ending> {
        while !input.is_empty() {
            if let Phase::Content(content) = &mut self.phase {
                if content.reset {
                    return Some(Ending::Reset);
                }
                let mut bytes = input.iter();
                let whole = content.receiver.ingest(&mut bytes, &mut self.content);
                let taken = input.len() - bytes.as_slice().len();
                input.advance(taken);
                if self.content.len() > self.server.max_size + LINE_START.len() {
                    content.too_big = true;
                    self.content.truncate(LINE_START.len());
                }
                if !whole {
                    return None;
                }
                let too_big = content.too_big;
                self.phase = Phase::Command;
                let fault = self.server.faults.at(Stage::Content);
                let ending = self.with(fault, output, |session, output| {
                    session.accept(too_big, output);
                    None
                });
                self.reset_mail();
                if ending.is_some() {
                    return ending;
                }
                continue;
            }
            let Some(end) = input.iter().position(|&b| b == b'\n') else {
                if input.len() > MAX_LINE {
                    reply::LONG_LINE.write(output);
                    return Some(Ending::Close);
                }
                return None;
            };
            let line = input.split_to(end + 1);
            let ending = self.line(&line, !input.is_empty(), output);
            if ending.is_some() {
                return ending;
            }
        }
        None
    }

    /// One line of the client; `more` says that others follow it already.
    fn line(&mut self, line: &[u8], more: bool, output: &mut Vec<u8>) -> Option<Ending> {
        if line.len() > MAX_LINE {
            reply::LONG_LINE.write(output);
            return Some(Ending::Close);
        }
        let Some(text) = line.strip_suffix(b"\r\n") else {
            reply::BARE_LINE.write(output);
            return None;
        };
        if let Phase::Auth(asked) = mem::replace(&mut self.phase, Phase::Command) {
            if text == b"*" {
                reply::AUTH_CANCELLED.write(output);
                return None;
            }
            self.answer_auth(asked, text, output);
            return None;
        }
        match Request::parse(&mut line.iter()) {
            Ok(request) => self.command(request, text, more, output),
            Err(error) => {
                refuse_line(&error, output);
                None
            }
        }
    }

    /// Takes a command through the faults of its stage.
    fn command(
        &mut self,
        request: Request<Cow<'_, str>>,
        text: &[u8],
        more: bool,
        output: &mut Vec<u8>,
    ) -> Option<Ending> {
        let stage = match &request {
            Request::Ehlo { .. } | Request::Helo { .. } => Some(Stage::Hello),
            Request::Auth { .. } => Some(Stage::Auth),
            Request::Mail { .. } => Some(Stage::Mail),
            Request::Rcpt { .. } => Some(Stage::Rcpt),
            Request::Data => Some(Stage::Data),
            _ => None,
        };
        let mut fault = stage.and_then(|stage| self.server.faults.at(stage));
        let reset_content = stage == Some(Stage::Data) && fault == Some(Effect::Reset);
        if reset_content {
            fault = None;
        }
        self.with(fault, output, |session, output| {
            let ending = session.act(request, text, more, output);
            if let Phase::Content(content) = &mut session.phase {
                content.reset = reset_content;
            }
            ending
        })
    }

    /// Does `act` as the fault lets it.
    fn with(
        &mut self,
        fault: Option<Effect>,
        output: &mut Vec<u8>,
        act: impl FnOnce(&mut Self, &mut Vec<u8>) -> Option<Ending>,
    ) -> Option<Ending> {
        let from = output.len();
        match fault {
            None => act(self, output),
            Some(Effect::Reply { code, text, .. }) => {
                let text = text.as_deref().unwrap_or_else(|| reply::refusal(code));
                reply::line(output, code, text);
                (code == 421).then_some(Ending::Close)
            }
            Some(Effect::Reset) => Some(Ending::Reset),
            Some(Effect::CutAnswer) => {
                act(self, output);
                Some(Ending::CutFrom(from))
            }
            Some(Effect::LoseAnswer) => {
                act(self, output);
                output.truncate(from);
                Some(Ending::Close)
            }
        }
    }

    /// The content is whole: records the mail and says so.
    fn accept(&mut self, too_big: bool, output: &mut Vec<u8>) {
        let content = self.content.get(LINE_START.len()..).unwrap_or_default();
        if too_big {
            reply::TOO_BIG.write(output);
            return;
        }
        if !lines_are_whole(content) {
            reply::BARE_CONTENT.write(output);
            return;
        }
        let number = self.server.record.mail(&Mail {
            from: self.from.as_ref().map_or("", |sender| &sender.address),
            recipients: &self.recipients,
            reference: message_id(content).unwrap_or_default(),
            content,
        });
        self.mails += 1;
        // A Vec takes everything.
        let _ = write!(output, "250 2.0.0 Ok: queued as {number:012X}\r\n");
    }

    fn reset_mail(&mut self) {
        self.from = None;
        self.recipients.clear();
        // One huge mail should not hold its memory for the session's life.
        self.content.clear();
        self.content.shrink_to(64 * 1024);
    }
}

fn refuse_line(error: &Error, output: &mut Vec<u8>) {
    match error {
        Error::UnknownCommand => reply::UNKNOWN.write(output),
        Error::InvalidSenderAddress => reply::BAD_SENDER.write(output),
        Error::InvalidRecipientAddress => reply::BAD_RECIPIENT.write(output),
        Error::SyntaxError { syntax } => {
            // A Vec takes everything.
            let _ = write!(output, "501 5.5.4 Syntax: {syntax}\r\n");
        }
        Error::UnsupportedParameter { .. } => reply::BAD_PARAMETER.write(output),
        Error::InvalidParameter { .. }
        | Error::NeedsMoreData { .. }
        | Error::ResponseTooLong
        | Error::InvalidResponse { .. } => reply::line(output, 501, "5.5.4 Malformed command"),
    }
}

#[cfg(test)]
mod tests;
