//! What a reply means: by the step that it answers as well as by its code.
//!
//! The same `550` says something else of MAIL (the service refuses us as a
//! sender), of RCPT (the mailbox is not there) and of the final dot (this content
//! is not wanted). Codes are RFC 5321's, enhanced codes RFC 3463's and the IANA
//! registry's; 5.7.100 and above are those of Exchange Online.

use super::reply::{Enhanced, Reply};
use crate::domain::delivery::Stage;
use crate::providers::adapter::Verdict;

/// The step of the dialogue that a reply answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The first line after connecting.
    Banner,
    /// EHLO or HELO.
    Hello,
    /// STARTTLS.
    StartTls,
    /// AUTH.
    Auth,
    /// MAIL FROM.
    Mail,
    /// RCPT TO.
    Rcpt,
    /// DATA, before the content.
    Data,
    /// The final dot.
    End,
}

impl Step {
    /// The stage in the delivery log.
    pub fn stage(self) -> Stage {
        match self {
            Self::Banner | Self::Hello => Stage::Greeting,
            Self::StartTls => Stage::Connect,
            Self::Auth => Stage::Authentication,
            Self::Mail => Stage::Sender,
            Self::Rcpt => Stage::Recipient,
            Self::Data | Self::End => Stage::Content,
        }
    }

    /// The command, as people know it.
    pub fn command(self) -> &'static str {
        match self {
            Self::Banner => "the connection",
            Self::Hello => "EHLO",
            Self::StartTls => "STARTTLS",
            Self::Auth => "AUTH",
            Self::Mail => "MAIL FROM",
            Self::Rcpt => "RCPT TO",
            Self::Data => "DATA",
            Self::End => "the content",
        }
    }
}

/// What a negative reply to a step means, and of whom it speaks.
///
/// - 4yz is [`Verdict::Transient`] at every step, and so is 421 and 521 at the end
///   of a session; and 503 (out of order) at RCPT and after, since it speaks of
///   the dialogue and of nobody.
/// - Authentication codes (530, 534, 535, 538) are [`Verdict::Refused`] wherever
///   they turn up: servers say "authentication required" at RCPT.
/// - Before RCPT, 5yz speaks of us: [`Verdict::Refused`]. Except at MAIL for what
///   the parameters say of this mail: 552 (size), 5.2.3, 5.3.4 and 5.6.x are
///   [`Verdict::Permanent`] and speak of the content.
/// - At RCPT, 5.1.1, 5.1.6 and 5.1.10 say that the mailbox is not there:
///   [`Verdict::TargetExpired`]. A plain 550 may be a policy as well and is only
///   permanent. 552 without an enhanced code is transient, as RFC 5321
///   (4.5.3.1.10) wants it.
/// - At RCPT and after, 5.7.x speaks of us where it is about relaying, sender
///   authentication, reputation or a ban ([`speaks_of_us`]); else of the recipient
///   or the content.
pub fn classify(step: Step, reply: &Reply) -> (Verdict, Stage) {
    let stage = step.stage();
    let code = reply.code;
    if matches!(code, 530 | 534 | 535 | 538) {
        return (Verdict::Refused, Stage::Authentication);
    }
    if (400..500).contains(&code) || code == 521 && step != Step::Banner {
        return (Verdict::Transient, stage);
    }
    let policy = reply.enhanced.is_some_and(speaks_of_us);
    match step {
        Step::Banner | Step::Hello | Step::StartTls | Step::Auth => (Verdict::Refused, stage),
        Step::Mail => match reply.enhanced {
            Some(Enhanced(5, 2, 3) | Enhanced(5, 3, 4) | Enhanced(5, 6, _)) => {
                (Verdict::Permanent, Stage::Content)
            }
            None if code == 552 => (Verdict::Permanent, Stage::Content),
            _ => (Verdict::Refused, stage),
        },
        _ if code == 503 => (Verdict::Transient, stage),
        _ if policy => (Verdict::Refused, stage),
        Step::Rcpt => match reply.enhanced {
            Some(Enhanced(5, 1, 1 | 6 | 10)) => (Verdict::TargetExpired, stage),
            None if code == 552 => (Verdict::Transient, stage),
            _ => (Verdict::Permanent, stage),
        },
        // A reply that is neither yes nor no where a no was expected, such as 2yz to DATA.
        Step::Data | Step::End if code < 400 => (Verdict::Transient, stage),
        Step::Data | Step::End if stage_is_rcpt_like(reply.enhanced) => match reply.enhanced {
            Some(Enhanced(5, 1, 1 | 6 | 10)) => (Verdict::TargetExpired, Stage::Recipient),
            _ => (Verdict::Permanent, Stage::Recipient),
        },
        Step::Data | Step::End => (Verdict::Permanent, stage),
    }
}

/// Whether a reply suppresses the address: a permanent refusal of RCPT whose enhanced code says that
/// there is no such address (5.1.x, but 5.1.7 and 5.1.8, which are about the sender's) or that the
/// mailbox is disabled (5.2.1). No other reply does, so that a ban, which is a plain 550 or a 5.7.x,
/// does not read as so many dead addresses.
pub fn is_hard_bounce(step: Step, reply: &Reply) -> bool {
    step == Step::Rcpt
        && (500..600).contains(&reply.code)
        && match reply.enhanced {
            Some(Enhanced(5, 1, detail)) => !matches!(detail, 7 | 8),
            Some(Enhanced(5, 2, 1)) => true,
            _ => false,
        }
}

/// Servers that check the recipient only after DATA say so in the enhanced code.
fn stage_is_rcpt_like(enhanced: Option<Enhanced>) -> bool {
    matches!(enhanced, Some(Enhanced(5, 1, 1 | 2 | 3 | 6 | 10) | Enhanced(5, 2, 1 | 2)))
}

/// Whether an enhanced code is about us as a sender whoever the recipient is:
/// 5.7.0 and 5.7.1 (security in general, not authorized: relaying denied, client
/// rejected), 5.7.3 and 5.7.8 to 5.7.14 (credentials and encryption), 5.7.20 to
/// 5.7.29 (DKIM, SPF, reverse DNS, DMARC, ARC), 5.7.54, 5.7.57, 5.7.60, 5.7.64
/// (relaying), 5.7.5xx and 5.7.6xx, 5.7.7xx (bans and quotas of the sender).
/// 5.7.2 (list expansion), 5.7.15 to 5.7.17 and 5.7.1xx (who may write to this
/// recipient) are about the recipient.
pub fn speaks_of_us(code: Enhanced) -> bool {
    matches!(code, Enhanced(5, 7, 0 | 1 | 3 | 8..=14 | 20..=29 | 54 | 57 | 60 | 64 | 500..=799))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(code: u16, enhanced: Option<Enhanced>) -> Reply {
        Reply { code, enhanced, text: String::new() }
    }

    #[test]
    fn what_suppresses_an_address() {
        for step in [Step::Mail, Step::Rcpt, Step::Data, Step::End] {
            for (code, enhanced, bounces) in [
                (550, Some(Enhanced(5, 1, 1)), true),
                (550, Some(Enhanced(5, 1, 0)), true),
                (551, Some(Enhanced(5, 1, 6)), true),
                (550, Some(Enhanced(5, 1, 10)), true),
                (550, Some(Enhanced(5, 2, 1)), true),
                (553, Some(Enhanced(5, 1, 8)), false),
                (552, Some(Enhanced(5, 2, 2)), false),
                (550, Some(Enhanced(5, 7, 1)), false),
                (450, Some(Enhanced(4, 1, 1)), false),
                (450, Some(Enhanced(5, 1, 1)), false),
                (550, None, false),
                (554, None, false),
            ] {
                let expected = bounces && step == Step::Rcpt;
                assert_eq!(
                    is_hard_bounce(step, &reply(code, enhanced)),
                    expected,
                    "{step:?} {code} {enhanced:?}"
                );
            }
        }
    }

    /// Every cell: the step, the code, the enhanced code, what it means.
    #[test]
    fn every_cell() {
        use Step::{Auth, Banner, Data, End, Hello, Mail, Rcpt, StartTls};
        use Verdict::{Permanent, Refused, TargetExpired, Transient};
        let steps = [Banner, Hello, StartTls, Auth, Mail, Rcpt, Data, End];
        for step in steps {
            for code in [421, 450, 451, 452, 454, 455] {
                assert_eq!(classify(step, &reply(code, None)), (Transient, step.stage()), "{step:?} {code}");
            }
            for code in [530, 534, 535, 538] {
                assert_eq!(
                    classify(step, &reply(code, None)),
                    (Refused, Stage::Authentication),
                    "{step:?} {code}"
                );
            }
        }
        for step in [Banner, Hello, StartTls, Auth, Mail] {
            for code in [500, 501, 502, 503, 504, 550, 553, 554] {
                assert_eq!(classify(step, &reply(code, None)), (Refused, step.stage()), "{step:?} {code}");
            }
        }
        assert_eq!(classify(Banner, &reply(521, None)), (Refused, Stage::Greeting));
        let e = |a, b, c| Some(Enhanced(a, b, c));
        for (step, code, enhanced, verdict, stage) in [
            (Mail, 552, None, Permanent, Stage::Content),
            (Mail, 552, e(5, 3, 4), Permanent, Stage::Content),
            (Mail, 550, e(5, 6, 7), Permanent, Stage::Content),
            (Mail, 550, e(5, 7, 1), Refused, Stage::Sender),
            (Mail, 550, e(5, 1, 8), Refused, Stage::Sender),
            (Rcpt, 550, e(5, 1, 1), TargetExpired, Stage::Recipient),
            (Rcpt, 551, e(5, 1, 6), TargetExpired, Stage::Recipient),
            (Rcpt, 550, e(5, 1, 10), TargetExpired, Stage::Recipient),
            (Rcpt, 550, None, Permanent, Stage::Recipient),
            (Rcpt, 553, e(5, 1, 3), Permanent, Stage::Recipient),
            (Rcpt, 550, e(5, 1, 2), Permanent, Stage::Recipient),
            (Rcpt, 550, e(5, 2, 1), Permanent, Stage::Recipient),
            (Rcpt, 552, e(5, 2, 2), Permanent, Stage::Recipient),
            (Rcpt, 552, None, Transient, Stage::Recipient),
            (Rcpt, 503, None, Transient, Stage::Recipient),
            (Rcpt, 554, e(5, 7, 1), Refused, Stage::Recipient),
            (Rcpt, 550, e(5, 7, 0), Refused, Stage::Recipient),
            (Rcpt, 550, e(5, 7, 2), Permanent, Stage::Recipient),
            (Rcpt, 550, e(5, 7, 54), Refused, Stage::Recipient),
            (Rcpt, 550, e(5, 7, 124), Permanent, Stage::Recipient),
            (Rcpt, 550, e(5, 7, 515), Refused, Stage::Recipient),
            (Rcpt, 501, None, Permanent, Stage::Recipient),
            (Rcpt, 521, None, Transient, Stage::Recipient),
            (Data, 554, None, Permanent, Stage::Content),
            (Data, 503, None, Transient, Stage::Content),
            (Data, 250, None, Transient, Stage::Content),
            (End, 554, None, Permanent, Stage::Content),
            (End, 552, e(5, 3, 4), Permanent, Stage::Content),
            (End, 550, e(5, 7, 26), Refused, Stage::Content),
            (End, 554, e(5, 6, 0), Permanent, Stage::Content),
            (End, 550, e(5, 1, 1), TargetExpired, Stage::Recipient),
            (End, 552, e(5, 2, 2), Permanent, Stage::Recipient),
            (End, 421, None, Transient, Stage::Content),
        ] {
            assert_eq!(
                classify(step, &reply(code, enhanced)),
                (verdict, stage),
                "{step:?} {code} {enhanced:?}"
            );
        }
    }
}
