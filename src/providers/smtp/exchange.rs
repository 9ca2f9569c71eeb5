//! The exchange of mails over a session, pipelined where the server allows it.
//!
//! With PIPELINING, a mail's MAIL, RCPT and DATA go out in one write, and the next
//! mail's together with the end of this one's content, so that a mail costs one
//! round trip. What decides is the final dot: a mail of which the dot was not
//! written has certainly not been taken and goes over another session; one of
//! which it was written and the reply lost is uncertain.

use super::address::Mailbox;
use super::classify::Step;
use super::mime::{CompiledMail, Sender};
use super::reply::Reply;
use super::session::{Failure, Session, Timeouts};
use super::wire::{CutOff, Lost};
use crate::domain::delivery::Stage;
use crate::providers::adapter::{Answer, Answers, Recipient, Verdict};
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::time::Duration;
use tokio::time::Instant;

/// How long a server that hangs up gets to say why.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Why nothing goes over a server without SMTPUTF8 when the sender's address needs it.
pub const SENDER_NEEDS_UTF8: &str = "the sender's address (fromEmail or replyToEmail) has letters before the @ \
     that this server does not take (no SMTPUTF8): use an ASCII address, or another server";

/// A recipient that is to be sent to.
#[derive(Debug)]
pub struct Mail<'a> {
    /// The place in the batch.
    pub place: usize,
    /// Whom to.
    pub to: Mailbox<'a>,
    /// The rest.
    pub recipient: &'a Recipient,
    /// Fresh sessions that were lost before this mail was through.
    pub losses: u8,
}

/// What all mails of a train share.
#[derive(Debug, Clone, Copy)]
pub struct Train<'a> {
    /// Who sends.
    pub sender: &'a Sender,
    /// What is sent.
    pub mail: &'a CompiledMail,
    /// The Date header's value.
    pub date: &'a str,
    /// How long each step may take.
    pub timeouts: &'a Timeouts,
    /// The most mails over one session.
    pub per_session: u32,
}

/// How an exchange ended.
#[derive(Debug)]
pub enum Ended {
    /// Everybody has an answer; the session can be used again.
    Done,
    /// The session has carried its share; the rest needs another one.
    Worn,
    /// The session is gone; nobody that is still queued was handed over.
    Lost(Failure),
    /// It speaks of us and holds for everybody that is still queued.
    Everybody(Failure),
}

/// The replies to one mail's envelope.
enum Envelope {
    /// The server waits for the content.
    Open,
    /// Not for this recipient.
    Closed(Failure),
    /// As above, and the session is gone, too.
    ClosedAndLost(Failure, Failure),
    /// Not for anybody.
    Everybody(Failure),
    /// The session is gone.
    Lost(Failure),
}

/// Sends the queued mails in order. Each leaves the queue with its answer.
pub async fn run(
    session: &mut Session,
    train: Train<'_>,
    queue: &mut VecDeque<Mail<'_>>,
    answers: Answers<'_>,
) -> Ended {
    // The front's commands are written already, with the mail before it.
    let mut ahead: Option<Instant> = None;
    let mut scratch = std::mem::take(&mut session.scratch);
    let ended = loop {
        let Some(front) = queue.front() else { break Ended::Done };
        if ahead.is_none() && session.mails >= train.per_session {
            break Ended::Worn;
        }
        // Written before anything is promised to the server, since it can fail.
        scratch.clear();
        let written =
            train.mail.write_head(&mut scratch, train.sender, &front.to, front.recipient, train.date).await;
        if let Err(error) = written {
            let answer = Answer::new(Verdict::Permanent, Stage::Local, 0, error.to_string());
            answers(front.place, answer);
            queue.pop_front();
            if ahead.is_some() {
                // The server may be waiting for a content that there is not.
                break Ended::Lost(Failure::lost(Step::Data, &Lost::Closed));
            }
            continue;
        }
        let started = ahead.unwrap_or_else(Instant::now);
        let size = scratch.len() + train.mail.fixed().len();
        if ahead.is_none()
            && let Some(answer) = unfit(session, train, front, size)
        {
            answers(front.place, answer);
            queue.pop_front();
            continue;
        }
        match envelope(session, train, front, size, ahead.take().is_some()).await {
            Envelope::Open => {}
            Envelope::Closed(failure) => {
                answers(front.place, failure.answer(started.elapsed()));
                queue.pop_front();
                continue;
            }
            Envelope::ClosedAndLost(failure, lost) => {
                answers(front.place, failure.answer(started.elapsed()));
                queue.pop_front();
                break Ended::Lost(lost);
            }
            Envelope::Everybody(failure) => break Ended::Everybody(failure),
            Envelope::Lost(failure) => break Ended::Lost(failure),
        }

        let mut tail = String::from(".\r\n");
        let dot = size + tail.len();
        let next = queue.get(1).filter(|next| {
            session.capabilities.pipelining
                && session.mails + 1 < train.per_session
                && unfit(session, train, next, size).is_none()
        });
        if let Some(next) = next {
            commands(&mut tail, session, train, next, None);
        }
        let has_next = next.is_some();
        let parts: [&[u8]; 3] = [&scratch, train.mail.fixed(), tail.as_bytes()];
        let now = Instant::now();
        let written = session.wire.write(&parts, train.timeouts.data).await;
        if let Err(CutOff { taken, lost }) = &written
            && *taken < dot
        {
            // The dot was not written: certainly not taken. Maybe the server says why.
            let reason = session.wire.reply(LAST_WORDS).await.ok().filter(|reply| reply.code >= 400);
            match reason {
                Some(reply) if reply.code >= 500 && reply.code != 521 => {
                    answers(front.place, Failure::reply(Step::End, &reply).answer(started.elapsed()));
                    queue.pop_front();
                    break Ended::Lost(Failure::lost(Step::End, lost));
                }
                Some(reply) => break Ended::Lost(Failure::reply(Step::End, &reply)),
                None => break Ended::Lost(Failure::lost(Step::End, lost)),
            }
        }
        match session.wire.reply(train.timeouts.end).await {
            Ok(reply) => {
                session.mails += 1;
                answers(front.place, final_answer(&reply, started.elapsed()));
                queue.pop_front();
                if matches!(reply.code, 421 | 521) {
                    break Ended::Lost(Failure::reply(Step::Mail, &reply));
                }
            }
            Err(lost) => {
                let text = format!("{lost} after the content was handed over; it may have been taken");
                let mut answer = Answer::new(Verdict::Uncertain, Stage::Content, 0, text);
                answer.latency = started.elapsed();
                answers(front.place, answer);
                queue.pop_front();
                break Ended::Lost(Failure::lost(Step::End, &lost));
            }
        }
        if let Err(CutOff { lost, .. }) = written {
            break Ended::Lost(Failure::lost(Step::Mail, &lost));
        }
        ahead = has_next.then_some(now);
    };
    scratch.clear();
    session.scratch = scratch;
    session.used = Instant::now();
    ended
}

fn final_answer(reply: &Reply, latency: Duration) -> Answer {
    if !reply.is_positive() {
        return Failure::reply(Step::End, reply).answer(latency);
    }
    let mut answer = Answer::new(Verdict::Accepted, Stage::Content, reply.code, reply.text.as_str());
    answer.provider_id = reply.queue_id().unwrap_or_default();
    answer.latency = latency;
    answer
}

/// What keeps a mail of so many bytes from going over this session, whatever the
/// server says.
fn unfit(session: &Session, train: Train<'_>, mail: &Mail<'_>, size: usize) -> Option<Answer> {
    if let Some(Some(limit)) = session.capabilities.size
        && size as u64 > limit
    {
        let text = format!("the mail has {size} bytes, and the server takes at most {limit}");
        return Some(Answer::new(Verdict::Permanent, Stage::Content, 0, text));
    }
    if train.sender.utf8 && !session.capabilities.smtputf8 {
        // It speaks of us, whoever the recipient is: nothing is sent before an operator has changed it.
        return Some(Answer::new(Verdict::Refused, Stage::Sender, 0, SENDER_NEEDS_UTF8));
    }
    if (mail.to.utf8 || train.mail.utf8) && !session.capabilities.smtputf8 {
        let text = "the address has letters before the @ that this server does not take (no SMTPUTF8)";
        let stage = if mail.to.utf8 { Stage::Recipient } else { Stage::Content };
        return Some(Answer::new(Verdict::Permanent, stage, 0, text));
    }
    None
}

/// Appends MAIL, RCPT and DATA.
fn commands(out: &mut String, session: &Session, train: Train<'_>, mail: &Mail<'_>, size: Option<usize>) {
    mail_command(out, session, train, mail, size);
    let _ = write!(out, "RCPT TO:<{}>\r\nDATA\r\n", mail.to.text);
}

fn mail_command(out: &mut String, session: &Session, train: Train<'_>, mail: &Mail<'_>, size: Option<usize>) {
    let _ = write!(out, "MAIL FROM:<{}>", train.sender.envelope);
    if let (Some(_), Some(size)) = (session.capabilities.size, size) {
        let _ = write!(out, " SIZE={size}");
    }
    if mail.to.utf8 || train.mail.utf8 || train.sender.utf8 {
        out.push_str(" SMTPUTF8");
        if session.capabilities.eight_bit {
            out.push_str(" BODY=8BITMIME");
        }
    }
    out.push_str("\r\n");
}

async fn envelope(
    session: &mut Session,
    train: Train<'_>,
    mail: &Mail<'_>,
    size: usize,
    written: bool,
) -> Envelope {
    let limits = train.timeouts;
    if written {
        return replies(session, limits).await;
    }
    let reset = std::mem::take(&mut session.dirty);
    let mut out = String::with_capacity(160);
    if session.capabilities.pipelining {
        if reset {
            out.push_str("RSET\r\n");
        }
        commands(&mut out, session, train, mail, Some(size));
        if let Err(CutOff { lost, .. }) = session.wire.write(&[out.as_bytes()], limits.command).await {
            // A reply that came before the end may say why.
            return match session.wire.reply(LAST_WORDS).await {
                Ok(reply) if reply.code >= 400 => Envelope::Lost(Failure::reply(Step::Mail, &reply)),
                _ => Envelope::Lost(Failure::lost(Step::Mail, &lost)),
            };
        }
        if reset && let Err(failure) = was_reset(session, limits).await {
            return Envelope::Lost(failure);
        }
        return replies(session, limits).await;
    }
    if reset {
        if let Err(CutOff { lost, .. }) = session.wire.write(&[b"RSET\r\n"], limits.command).await {
            return Envelope::Lost(Failure::lost(Step::Mail, &lost));
        }
        if let Err(failure) = was_reset(session, limits).await {
            return Envelope::Lost(failure);
        }
    }
    mail_command(&mut out, session, train, mail, Some(size));
    let rcpt = format!("RCPT TO:<{}>\r\n", mail.to.text);
    for (step, line) in [(Step::Mail, out.as_str()), (Step::Rcpt, &rcpt), (Step::Data, "DATA\r\n")] {
        let limit = if step == Step::Data { limits.data } else { limits.command };
        if let Err(CutOff { lost, .. }) = session.wire.write(&[line.as_bytes()], limit).await {
            return Envelope::Lost(Failure::lost(step, &lost));
        }
        match session.wire.reply(limit).await {
            Ok(reply) if wanted(step, &reply) => {}
            Ok(reply) => return refused(session, step, &reply),
            Err(lost) => return Envelope::Lost(Failure::lost(step, &lost)),
        }
    }
    Envelope::Open
}

async fn was_reset(session: &mut Session, limits: &Timeouts) -> Result<(), Failure> {
    match session.wire.reply(limits.command).await {
        Ok(reply) if reply.is_positive() => Ok(()),
        Ok(reply) => Err(Failure { verdict: Verdict::Transient, ..Failure::reply(Step::Mail, &reply) }),
        Err(lost) => Err(Failure::lost(Step::Mail, &lost)),
    }
}

/// Reads the three replies to a pipelined envelope. The first refusal counts;
/// what follows from it is read, so that the dialogue stays in step.
async fn replies(session: &mut Session, limits: &Timeouts) -> Envelope {
    let mut verdict = None;
    for step in [Step::Mail, Step::Rcpt, Step::Data] {
        let limit = if step == Step::Data { limits.data } else { limits.command };
        let reply = match session.wire.reply(limit).await {
            Ok(reply) => reply,
            Err(lost) => {
                let lost = Failure::lost(step, &lost);
                return match verdict {
                    None => Envelope::Lost(lost),
                    Some(Envelope::Closed(failure)) => Envelope::ClosedAndLost(failure, lost),
                    Some(other) => other,
                };
            }
        };
        if wanted(step, &reply) {
            if step == Step::Data && verdict.is_some() {
                // It wants a content although there is nobody to get it (RFC 2920, 3.1).
                if session.wire.write(&[b".\r\n"], limits.data).await.is_err()
                    || session.wire.reply(limits.end).await.is_err()
                {
                    let lost = Failure::lost(Step::Data, &Lost::Closed);
                    return match verdict {
                        Some(Envelope::Closed(failure)) => Envelope::ClosedAndLost(failure, lost),
                        Some(other) => other,
                        None => Envelope::Lost(lost),
                    };
                }
            }
        } else if matches!(reply.code, 421 | 521) {
            let lost = Failure::reply(step, &reply);
            return match verdict {
                Some(Envelope::Closed(failure)) => Envelope::ClosedAndLost(failure, lost),
                Some(other) => other,
                None => Envelope::Lost(lost),
            };
        } else if verdict.is_none() {
            verdict = Some(refused(session, step, &reply));
        }
    }
    verdict.unwrap_or(Envelope::Open)
}

fn wanted(step: Step, reply: &Reply) -> bool {
    if step == Step::Data { reply.code == 354 } else { reply.is_positive() }
}

fn refused(session: &mut Session, step: Step, reply: &Reply) -> Envelope {
    session.dirty = true;
    let failure = Failure::reply(step, reply);
    match step {
        _ if matches!(reply.code, 421 | 521) => Envelope::Lost(failure),
        // About this mail and not about us.
        Step::Mail if failure.stage == Stage::Content => Envelope::Closed(failure),
        Step::Mail => Envelope::Everybody(failure),
        _ => Envelope::Closed(failure),
    }
}
