//! Reads `multipart/form-data` (RFC 7578) strictly.

/// A part of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sandbox) struct Part {
    pub(in crate::sandbox) name: String,
    /// The file's name, if the part is one.
    pub(in crate::sandbox) file: Option<String>,
    pub(in crate::sandbox) content: Vec<u8>,
}

/// The parts; `None` when the body is not of this form.
pub(super) fn parse(body: &[u8], boundary: &str) -> Option<Vec<Part>> {
    if boundary.is_empty() || boundary.len() > 70 {
        return None;
    }
    let line = format!("--{boundary}");
    let mut rest = body.strip_prefix(line.as_bytes())?;
    let mut parts = Vec::new();
    let end = format!("\r\n{line}");
    loop {
        if rest.starts_with(b"--") {
            return Some(parts);
        }
        rest = rest.strip_prefix(b"\r\n")?;
        let head = find(rest, b"\r\n\r\n")?;
        let (headers, after) = (std::str::from_utf8(&rest[..head]).ok()?, &rest[head + 4..]);
        let over = find(after, end.as_bytes())?;
        let disposition = headers.split("\r\n").find_map(|header| {
            let (name, value) = header.split_once(':')?;
            name.eq_ignore_ascii_case("content-disposition").then_some(value.trim())
        })?;
        parts.push(Part {
            name: parameter(disposition.strip_prefix("form-data")?, "name")?,
            file: parameter(disposition, "filename"),
            content: after[..over].to_vec(),
        });
        rest = &after[over + end.len()..];
    }
}

fn parameter(disposition: &str, name: &str) -> Option<String> {
    let start = format!("; {name}=\"");
    let (_, rest) = disposition.split_once(&start)?;
    let value = rest.split_once('"')?.0;
    Some(value.replace("%22", "\"").replace("%0D", "\r").replace("%0A", "\n"))
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_and_files() {
        let body = b"--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n\
            --b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x.bin\"\r\nContent-Type: text/plain\r\n\r\n\
            \x00\r\n--\r\n--b--\r\n";
        let parts = parse(body, "b").unwrap();
        assert_eq!(parts.len(), 2);
        assert_eq!((parts[0].name.as_str(), parts[0].content.as_slice()), ("a", &b"1"[..]));
        assert_eq!(parts[1].file.as_deref(), Some("x.bin"));
        assert_eq!(parts[1].content, b"\x00\r\n--");
        assert_eq!(parse(body, "c"), None);
        assert_eq!(parse(&body[..body.len() - 8], "b"), None);
    }
}
