//! Replies, with their enhanced codes (RFC 3463).

use std::io::Write;

/// A reply of one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) code: u16,
    pub(super) text: &'static str,
}

const fn reply(code: u16, text: &'static str) -> Reply {
    Reply { code, text }
}

impl Reply {
    pub(super) fn write(self, output: &mut Vec<u8>) {
        line(output, self.code, self.text);
    }
}

/// One reply line.
pub(super) fn line(output: &mut Vec<u8>, code: u16, text: &str) {
    // A Vec takes everything.
    let _ = write!(output, "{code} {text}\r\n");
}

/// What a refusal says if the fault brings no text of its own.
pub(super) fn refusal(code: u16) -> &'static str {
    match code {
        421 => "4.3.2 Service is closing this connection",
        450 => "4.2.1 Mailbox is busy, try again later",
        452 => "4.3.1 Insufficient system storage",
        454 => "4.7.0 Temporary authentication failure",
        400..500 => "4.3.0 Temporary local problem, try again later",
        535 => "5.7.8 Authentication credentials invalid",
        550 => "5.1.1 No such mailbox",
        552 => "5.2.2 Mailbox is full",
        553 => "5.1.3 Mailbox name not allowed",
        _ => "5.0.0 Refused",
    }
}

pub(super) const BANNER: Reply = reply(220, "sandbox.localhost ESMTP Herald sandbox");
pub(super) const IDLE: Reply = reply(421, "4.4.2 Idle for too long");
pub(super) const BYE: Reply = reply(221, "2.0.0 Bye");
pub(super) const OK: Reply = reply(250, "2.0.0 Ok");
pub(super) const SENDER_OK: Reply = reply(250, "2.1.0 Sender ok");
pub(super) const RECIPIENT_OK: Reply = reply(250, "2.1.5 Recipient ok");
pub(super) const HELP: Reply = reply(214, "2.0.0 EHLO HELO MAIL RCPT DATA RSET NOOP VRFY AUTH STARTTLS QUIT");
pub(super) const VERIFY: Reply = reply(252, "2.5.0 Cannot verify, but will take mail for it");
pub(super) const GO_AHEAD: Reply = reply(354, "End data with <CR><LF>.<CR><LF>");
pub(super) const TLS_READY: Reply = reply(220, "2.0.0 Ready to start TLS");
pub(super) const AUTHENTICATED: Reply = reply(235, "2.7.0 Authentication successful");
pub(super) const CREDENTIALS_INVALID: Reply = reply(535, "5.7.8 Authentication credentials invalid");
pub(super) const AUTH_SUSPENDED: Reply = reply(535, "5.7.8 This account is suspended");
pub(super) const MAIL_SUSPENDED: Reply = reply(550, "5.7.1 This account is suspended");
pub(super) const AUTH_CANCELLED: Reply = reply(501, "5.7.0 Authentication cancelled");
pub(super) const AUTH_MALFORMED: Reply = reply(501, "5.5.2 Cannot decode this response");
pub(super) const AUTH_UNKNOWN: Reply = reply(504, "5.5.4 Mechanism not supported");
pub(super) const AUTH_NOT_OFFERED: Reply = reply(503, "5.5.1 AUTH is not available now");
pub(super) const AUTH_NEEDED: Reply = reply(530, "5.7.0 Authentication required");
pub(super) const TLS_NEEDED: Reply = reply(530, "5.7.0 Must issue a STARTTLS command first");
pub(super) const NOT_OFFERED: Reply = reply(502, "5.5.1 Command not implemented");
pub(super) const UNKNOWN: Reply = reply(500, "5.5.1 Command not recognized");
pub(super) const BARE_LINE: Reply = reply(500, "5.5.2 A command must end in CR LF");
pub(super) const LONG_LINE: Reply = reply(500, "5.5.2 Line too long");
pub(super) const GREET_FIRST: Reply = reply(503, "5.5.1 Send EHLO or HELO first");
pub(super) const MAIL_FIRST: Reply = reply(503, "5.5.1 Send MAIL first");
pub(super) const RCPT_FIRST: Reply = reply(503, "5.5.1 No valid recipients");
pub(super) const NESTED_MAIL: Reply = reply(503, "5.5.1 Sender already given");
pub(super) const PIPELINED: Reply = reply(503, "5.5.0 Nothing may follow this command before its reply");
pub(super) const BAD_SENDER: Reply = reply(501, "5.1.7 Bad sender address");
pub(super) const BAD_RECIPIENT: Reply = reply(501, "5.1.3 Bad recipient address");
pub(super) const NEEDS_UTF8: Reply = reply(553, "5.6.7 Address needs SMTPUTF8");
pub(super) const BAD_PARAMETER: Reply = reply(555, "5.5.4 Parameter not recognized");
pub(super) const TOO_BIG: Reply = reply(552, "5.3.4 Message exceeds the maximum size");
pub(super) const TOO_MANY: Reply = reply(452, "4.5.3 Too many recipients");
pub(super) const BARE_CONTENT: Reply = reply(554, "5.6.0 Content has a CR or LF that is not part of CR LF");
pub(super) const GREYLISTED: Reply = reply(450, "4.7.1 Greylisted, try again later");
pub(super) const RATE_LIMITED: Reply = reply(451, "4.7.1 Rate limit exceeded, try again later");
pub(super) const HUNG_UP: Reply = reply(421, "4.7.0 Too many mails in this session");
