//! Replies of an SMTP server: codes, enhanced codes, and the text as it was said.

use bytes::BytesMut;

/// The longest text of a reply that is kept, in bytes.
pub const KEPT: usize = 2048;
/// The most bytes of one reply before the peer is taken for broken.
const LONGEST: usize = 64 * 1024;

/// An enhanced status code (RFC 3463): class, subject, detail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Enhanced(pub u16, pub u16, pub u16);

/// One whole reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The three digits.
    pub code: u16,
    /// The enhanced code, where one is given.
    pub enhanced: Option<Enhanced>,
    /// All lines as they came, codes included, with `\n` between; at most [`KEPT`] bytes.
    pub text: String,
}

impl Reply {
    /// 2yz.
    pub fn is_positive(&self) -> bool {
        (200..300).contains(&self.code)
    }

    /// The lines without their codes.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.text.lines().map(|line| line.get(4..).unwrap_or(""))
    }

    /// The server's id of the mail that this reply accepts, where it names one in
    /// a way that is in wide use: `queued as ID`, `id=ID`, `Ok ID`,
    /// `ID Message accepted for delivery`, `OK TIME ID - gsmtp`.
    pub fn queue_id(&self) -> Option<String> {
        let words: Vec<&str> = self.lines().flat_map(str::split_whitespace).collect();
        let place = |wanted: &str| words.iter().position(|word| word.eq_ignore_ascii_case(wanted));
        let named = || {
            let at = place("queued")?;
            words.get(at + 1).filter(|word| word.eq_ignore_ascii_case("as"))?;
            words.get(at + 2).copied()
        };
        let exim = || words.iter().find_map(|word| word.strip_prefix("id="));
        let sendmail = || {
            let at = place("message")?;
            words.get(at + 1).filter(|word| word.eq_ignore_ascii_case("accepted"))?;
            words.get(at.checked_sub(1)?).copied()
        };
        let google = || {
            let at = place("gsmtp")?;
            words.get(at.checked_sub(2)?).copied()
        };
        let alone = || {
            let at = place("ok")?;
            if words.len() == at + 2 { words.get(at + 1).copied() } else { None }
        };
        let id = named().or_else(exim).or_else(sendmail).or_else(google).or_else(alone)?;
        let id = id.trim_matches(|c: char| matches!(c, '<' | '>' | '"' | ',' | ';' | '.'));
        let fits = (6..=128).contains(&id.len()) && id.chars().all(|c| c.is_ascii_graphic());
        fits.then(|| id.to_owned())
    }
}

/// What the other side sent is not SMTP.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the server does not speak SMTP: {0}")]
pub struct NotSmtp(pub String);

/// Takes one reply from the front of a buffer; `None` while it is incomplete.
pub fn take(buffer: &mut BytesMut) -> Result<Option<Reply>, NotSmtp> {
    let mut from = 0;
    loop {
        let Some(end) = buffer[from..].iter().position(|&b| b == b'\n') else {
            if buffer.len() > LONGEST {
                return Err(NotSmtp("a reply without an end".to_owned()));
            }
            return Ok(None);
        };
        let line = trim_end(&buffer[from..from + end]);
        let digits = line.get(..3).and_then(|digits| std::str::from_utf8(digits).ok()?.parse::<u16>().ok());
        // Should the lines differ in their codes, the last one counts.
        let code = match digits {
            Some(code @ 200..=599) if matches!(line.get(3), None | Some(b' ' | b'-')) => code,
            _ => {
                let said: String = String::from_utf8_lossy(line).chars().take(80).collect();
                return Err(NotSmtp(format!("it said {said:?}")));
            }
        };
        from += end + 1;
        if line.get(3) != Some(&b'-') {
            let raw = buffer.split_to(from);
            return Ok(Some(whole(code, &raw)));
        }
        if from > LONGEST {
            return Err(NotSmtp("a reply without an end".to_owned()));
        }
    }
}

fn trim_end(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

fn whole(code: u16, raw: &[u8]) -> Reply {
    let mut text = String::with_capacity(raw.len().min(KEPT));
    for line in raw.split(|&b| b == b'\n') {
        let line = String::from_utf8_lossy(trim_end(line));
        if line.is_empty() {
            continue;
        }
        if !text.is_empty() {
            text.push('\n');
        }
        let room = KEPT.saturating_sub(text.len());
        if line.len() > room {
            text.push_str(&line[..line.floor_char_boundary(room)]);
            break;
        }
        text.push_str(&line);
    }
    let enhanced = text.lines().last().and_then(|line| enhanced(line.get(4..)?));
    Reply { code, enhanced, text }
}

fn enhanced(line: &str) -> Option<Enhanced> {
    let word = line.split_whitespace().next()?;
    let mut numbers =
        word.split('.').map(|part| if part.len() <= 3 { part.parse::<u16>().ok() } else { None });
    let (class, subject, detail) = (numbers.next()??, numbers.next()??, numbers.next()??);
    (numbers.next().is_none() && matches!(class, 2 | 4 | 5)).then_some(Enhanced(class, subject, detail))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::fmt::Write as _;

    fn read(text: &str) -> Reply {
        take(&mut BytesMut::from(text)).unwrap().unwrap()
    }

    #[test]
    fn replies() {
        let reply = read("250 2.1.0 Ok\r\n");
        assert_eq!((reply.code, reply.enhanced), (250, Some(Enhanced(2, 1, 0))));
        let reply =
            read("550-5.1.1 The account that you tried to reach\r\n550 5.1.1 does not exist\r\n250 next");
        assert_eq!((reply.code, reply.enhanced), (550, Some(Enhanced(5, 1, 1))));
        assert_eq!(reply.text, "550-5.1.1 The account that you tried to reach\n550 5.1.1 does not exist");
        assert_eq!(read("354\r\n").code, 354);
        assert_eq!(read("421 bye\n").code, 421);
        assert_eq!(read("550 5.7.515 no\r\n").enhanced, Some(Enhanced(5, 7, 515)));
        assert_eq!(read("250 1.2.3.4 is you\r\n").enhanced, None);
        assert_eq!(take(&mut BytesMut::from("250-a\r\n250 b")).unwrap(), None);
        for bad in
            ["HTTP/1.1 400 Bad Request\r\n", "\r\n", "99 x\r\n", "600 x\r\n", "250x\r\n", "\u{16}\u{3}\n"]
        {
            assert!(take(&mut BytesMut::from(bad)).is_err(), "{bad:?}");
        }
        assert!(take(&mut BytesMut::from("250-".repeat(20000).as_str())).is_err());
    }

    #[test]
    fn long_replies_are_cut() {
        let reply = read(&format!("250-{}\r\n250 end\r\n", "ä".repeat(3000)));
        assert!(reply.text.len() <= KEPT);
    }

    #[test]
    fn queue_ids() {
        for (text, id) in [
            ("250 2.0.0 Ok: queued as 4Vx7Kp0Q2Nz\r\n", Some("4Vx7Kp0Q2Nz")),
            ("250 OK id=1rAbCd-0001Xy-2Z\r\n", Some("1rAbCd-0001Xy-2Z")),
            ("250 Ok 0102018c2b1d-aaaa-000000\r\n", Some("0102018c2b1d-aaaa-000000")),
            ("250 2.0.0 3BQA1x9k012345 Message accepted for delivery\r\n", Some("3BQA1x9k012345")),
            ("250 2.0.0 OK  1700000000 d9443c01a7336-1cf - gsmtp\r\n", Some("d9443c01a7336-1cf")),
            ("250 2.0.0 Ok\r\n", None),
            ("250 Message accepted\r\n", None),
        ] {
            assert_eq!(read(text).queue_id().as_deref(), id, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut buffer = BytesMut::from(&bytes[..]);
            while let Ok(Some(reply)) = take(&mut buffer) {
                prop_assert!(reply.text.len() <= KEPT && (200..600).contains(&reply.code));
                let _ = reply.queue_id();
            }
        }

        #[test]
        fn the_last_reply_does_not_eat_the_next(code in 200u16..600, lines in 1usize..5) {
            let mut text = String::new();
            for n in 0..lines {
                let mark = if n + 1 == lines { ' ' } else { '-' };
                writeln!(text, "{code}{mark}line {n}\r").unwrap();
            }
            let mut buffer = BytesMut::from(format!("{text}250 ok\r\n").as_str());
            prop_assert_eq!(take(&mut buffer).unwrap().unwrap().code, code);
            prop_assert_eq!(&buffer[..], b"250 ok\r\n");
        }
    }
}
