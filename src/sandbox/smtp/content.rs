//! What the server reads in a mail's content: its Message-ID and its line ends.

use crate::sandbox::record::bare;

/// The Message-ID without its angle brackets, if the header has one.
pub(super) fn message_id(content: &[u8]) -> Option<&str> {
    const NAME: &[u8] = b"message-id:";
    let mut rest = content;
    loop {
        let end = rest.iter().position(|&b| b == b'\n')? + 1;
        let (line, after) = rest.split_at(end);
        if line == b"\r\n" {
            return None;
        }
        if line.len() >= NAME.len() && line[..NAME.len()].eq_ignore_ascii_case(NAME) {
            let mut value = line[NAME.len()..].trim_ascii();
            if value.is_empty() && after.first().is_some_and(|b| matches!(b, b' ' | b'\t')) {
                // Folded: the value stands on the next line.
                let end = after.iter().position(|&b| b == b'\n')?;
                value = after[..end].trim_ascii();
            }
            let value = std::str::from_utf8(value).ok()?;
            return Some(bare(value)).filter(|v| !v.is_empty());
        }
        rest = after;
    }
}

/// Whether every CR is followed by LF and every LF follows CR (RFC 5321, 2.3.8).
pub(super) fn lines_are_whole(content: &[u8]) -> bool {
    let mut previous = 0;
    for &byte in content {
        if (byte == b'\n') != (previous == b'\r') {
            return false;
        }
        previous = byte;
    }
    previous != b'\r'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_message_id_in_the_header_only() {
        for (content, id) in [
            ("Message-ID: <1@h>\r\n\r\nx", Some("1@h")),
            ("Subject: x\r\nmessage-id:<2@h>\r\n\r\n", Some("2@h")),
            ("Message-ID:\r\n <3@h>\r\nTo: x\r\n\r\n", Some("3@h")),
            ("Subject: x\r\n\r\nMessage-ID: <4@h>\r\n", None),
            ("X-Message-ID: <5@h>\r\n\r\n", None),
            ("Message-ID: \r\nTo: x\r\n\r\n", None),
            ("", None),
            ("no line end", None),
        ] {
            assert_eq!(message_id(content.as_bytes()), id, "{content:?}");
        }
    }

    #[test]
    fn bare_line_ends_are_seen() {
        for (content, whole) in [
            ("", true),
            ("a\r\nb\r\n", true),
            ("a\nb\r\n", false),
            ("a\rb\r\n", false),
            ("\n", false),
            ("a\r", false),
            ("a\r\r\n", false),
        ] {
            assert_eq!(lines_are_whole(content.as_bytes()), whole, "{content:?}");
        }
    }
}
