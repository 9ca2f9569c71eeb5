//! What each command does.

use std::borrow::Cow;
use std::io::Write;

use smtp_proto::request::receiver::DataReceiver;
use smtp_proto::{
    AUTH_LOGIN, AUTH_PLAIN, MAIL_BODY_7BIT, MAIL_BODY_8BITMIME, MAIL_SMTPUTF8, MailFrom, RcptTo, Request,
};

use super::{Content, Ending, LINE_START, Phase, Sender, Session};
use crate::sandbox::smtp::auth::{self, Asked, Verdict};
use crate::sandbox::smtp::{Credentials, SmtpTls, reply};

/// Recipients of one mail (RFC 5321, 4.5.3.1.8 wants at least 100).
const MAX_RECIPIENTS: usize = 1000;

impl Session {
    pub(super) fn act(
        &mut self,
        request: Request<Cow<'_, str>>,
        text: &[u8],
        more: bool,
        output: &mut Vec<u8>,
    ) -> Option<Ending> {
        match request {
            Request::Ehlo { .. } => {
                self.hello();
                self.capabilities(output);
            }
            Request::Helo { .. } => {
                self.hello();
                reply::line(output, 250, "sandbox.localhost");
            }
            Request::Mail { from } => return self.mail(from, output),
            Request::Rcpt { to } => return self.rcpt(to, text, output),
            Request::Data => return self.data(more, output),
            Request::Auth { mechanism, initial_response } => self.auth(mechanism, &initial_response, output),
            Request::StartTls => return self.start_tls(more, output),
            Request::Rset => {
                self.reset_mail();
                reply::OK.write(output);
            }
            Request::Noop { .. } => reply::OK.write(output),
            Request::Vrfy { .. } => reply::VERIFY.write(output),
            Request::Help { .. } => reply::HELP.write(output),
            Request::Quit => {
                reply::BYE.write(output);
                return Some(Ending::Close);
            }
            Request::Lhlo { .. }
            | Request::Bdat { .. }
            | Request::Expn { .. }
            | Request::Etrn { .. }
            | Request::Atrn { .. }
            | Request::Burl { .. } => reply::NOT_OFFERED.write(output),
        }
        None
    }

    fn hello(&mut self) {
        self.greeted = true;
        self.reset_mail();
    }

    fn capabilities(&self, output: &mut Vec<u8>) {
        // A Vec takes everything.
        let _ = write!(
            output,
            "250-sandbox.localhost\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n\
             250-SIZE {}\r\n",
            self.server.max_size
        );
        if self.offers_tls() {
            output.extend_from_slice(b"250-STARTTLS\r\n");
        }
        if self.auth_wanted().is_some() {
            output.extend_from_slice(b"250-AUTH PLAIN LOGIN\r\n");
        }
        output.extend_from_slice(b"250 ENHANCEDSTATUSCODES\r\n");
    }

    fn offers_tls(&self) -> bool {
        !self.secure && matches!(self.server.tls, SmtpTls::StartTls { .. })
    }

    /// The credentials, if AUTH may be used now: never in the clear where TLS is to be had.
    fn auth_wanted(&self) -> Option<&Credentials> {
        self.server.credentials.as_ref().filter(|_| !self.authenticated && !self.offers_tls())
    }

    fn auth(&mut self, mechanism: u64, initial: &str, output: &mut Vec<u8>) {
        if !self.greeted || self.from.is_some() || self.auth_wanted().is_none() {
            let refusal =
                if self.server.credentials.is_none() { reply::NOT_OFFERED } else { reply::AUTH_NOT_OFFERED };
            refusal.write(output);
            return;
        }
        let (asked, challenge) = match mechanism {
            AUTH_PLAIN => (Asked::Plain, ""),
            AUTH_LOGIN => (Asked::LoginUser, auth::USERNAME),
            _ => {
                reply::AUTH_UNKNOWN.write(output);
                return;
            }
        };
        if initial.is_empty() {
            reply::line(output, 334, challenge);
            self.phase = Phase::Auth(asked);
        } else {
            self.answer_auth(asked, initial.as_bytes(), output);
        }
    }

    pub(super) fn answer_auth(&mut self, asked: Asked, answer: &[u8], output: &mut Vec<u8>) {
        let Some(expected) = self.auth_wanted() else {
            reply::AUTH_NOT_OFFERED.write(output);
            return;
        };
        match auth::judge(asked, answer, expected) {
            Verdict::Ask(asked, challenge) => {
                reply::line(output, 334, challenge);
                self.phase = Phase::Auth(asked);
            }
            Verdict::Malformed => reply::AUTH_MALFORMED.write(output),
            Verdict::Wrong => reply::CREDENTIALS_INVALID.write(output),
            Verdict::Right if self.server.faults.suspended() => {
                reply::AUTH_SUSPENDED.write(output);
            }
            Verdict::Right => {
                self.authenticated = true;
                reply::AUTHENTICATED.write(output);
            }
        }
    }

    fn start_tls(&mut self, more: bool, output: &mut Vec<u8>) -> Option<Ending> {
        if !self.offers_tls() {
            reply::NOT_OFFERED.write(output);
            return None;
        }
        if more {
            // What was sent in the clear must not be taken for what came over TLS.
            reply::PIPELINED.write(output);
            return Some(Ending::Close);
        }
        reply::TLS_READY.write(output);
        Some(Ending::StartTls)
    }

    fn mail(&mut self, from: MailFrom<Cow<'_, str>>, output: &mut Vec<u8>) -> Option<Ending> {
        let refusal = if !self.greeted {
            Some(reply::GREET_FIRST)
        } else if self.offers_tls() && matches!(self.server.tls, SmtpTls::StartTls { required: true, .. }) {
            Some(reply::TLS_NEEDED)
        } else if self.server.credentials.is_some() && !self.authenticated {
            Some(reply::AUTH_NEEDED)
        } else if self.from.is_some() {
            Some(reply::NESTED_MAIL)
        } else if !sender_parameters_known(&from) {
            Some(reply::BAD_PARAMETER)
        } else if !from.address.is_ascii() && from.flags & MAIL_SMTPUTF8 == 0 {
            Some(reply::NEEDS_UTF8)
        } else if from.size > self.server.max_size {
            Some(reply::TOO_BIG)
        } else if self.server.faults.suspended() {
            Some(reply::MAIL_SUSPENDED)
        } else if self.server.faults.hangs_up(self.mails) {
            reply::HUNG_UP.write(output);
            return Some(Ending::Close);
        } else if self.server.faults.admit(1).is_err() {
            Some(reply::RATE_LIMITED)
        } else {
            None
        };
        if let Some(refusal) = refusal {
            refusal.write(output);
            return None;
        }
        self.from =
            Some(Sender { utf8: from.flags & MAIL_SMTPUTF8 != 0, address: from.address.into_owned() });
        reply::SENDER_OK.write(output);
        None
    }

    fn rcpt(&mut self, to: RcptTo<Cow<'_, str>>, text: &[u8], output: &mut Vec<u8>) -> Option<Ending> {
        // The parser gives postmaster without a domain (RFC 5321, 4.1.1.3) as an empty address.
        let address = if to.address.is_empty() && text.to_ascii_lowercase().ends_with(b"<postmaster>") {
            Cow::Borrowed("postmaster")
        } else {
            to.address
        };
        let Some(sender) = &self.from else {
            reply::MAIL_FIRST.write(output);
            return None;
        };
        if to.flags != 0 || to.orcpt.is_some() || to.rrvs != 0 {
            reply::BAD_PARAMETER.write(output);
        } else if address.is_empty() {
            reply::BAD_RECIPIENT.write(output);
        } else if !address.is_ascii() && !sender.utf8 {
            reply::NEEDS_UTF8.write(output);
        } else if self.recipients.len() >= MAX_RECIPIENTS {
            reply::TOO_MANY.write(output);
        } else if let Some(rejection) = self.server.faults.rejects(&address) {
            let text = rejection.text.as_deref().unwrap_or_else(|| reply::refusal(rejection.code));
            reply::line(output, rejection.code, text);
            return (rejection.code == 421).then_some(Ending::Close);
        } else if self.server.faults.defers(&address) {
            reply::GREYLISTED.write(output);
        } else {
            self.recipients.push(address.into_owned());
            reply::RECIPIENT_OK.write(output);
        }
        None
    }

    fn data(&mut self, more: bool, output: &mut Vec<u8>) -> Option<Ending> {
        if self.from.is_none() {
            reply::MAIL_FIRST.write(output);
            return None;
        }
        if self.recipients.is_empty() {
            reply::RCPT_FIRST.write(output);
            return None;
        }
        if more {
            // Content that did not wait for 354 would be read as commands, had we said no.
            reply::PIPELINED.write(output);
            return Some(Ending::Close);
        }
        self.content.clear();
        let mut receiver = DataReceiver::new();
        receiver.ingest(&mut LINE_START.iter(), &mut self.content);
        self.phase = Phase::Content(Content { receiver, reset: false, too_big: false });
        reply::GO_AHEAD.write(output);
        None
    }
}

/// Whether MAIL has only parameters of extensions that EHLO offered.
fn sender_parameters_known(from: &MailFrom<Cow<'_, str>>) -> bool {
    from.flags & !(MAIL_BODY_7BIT | MAIL_BODY_8BITMIME | MAIL_SMTPUTF8) == 0
        && from.trans_id.is_none()
        && from.by == 0
        && from.env_id.is_none()
        && from.solicit.is_none()
        && from.mtrk.is_none()
        && from.hold_for == 0
        && from.hold_until == 0
        && from.mt_priority == 0
}
