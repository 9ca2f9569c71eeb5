//! Forms with files: `multipart/form-data` (RFC 7578).

use super::letter::File;
use http::HeaderValue;
use std::sync::Arc;

/// A form that is being written.
#[derive(Debug)]
pub struct Multipart {
    boundary: String,
    parts: Vec<(String, Content)>,
}

#[derive(Debug)]
enum Content {
    Field(String),
    File(Arc<[u8]>),
}

impl Content {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Field(text) => text.as_bytes(),
            Self::File(content) => content,
        }
    }
}

impl Multipart {
    /// A form whose boundary is made from `seed`, so that the same form has the same bytes.
    pub fn new(seed: &str) -> Self {
        let seed: String = seed.chars().filter(char::is_ascii_alphanumeric).take(24).collect();
        Self { boundary: format!("herald-form-{seed}"), parts: Vec::new() }
    }

    /// A field.
    pub fn field(&mut self, name: &str, value: &str) {
        let head = format!("Content-Disposition: form-data; name=\"{}\"\r\n", escaped(name));
        self.parts.push((head, Content::Field(value.to_owned())));
    }

    /// A file.
    pub fn file(&mut self, name: &str, file: &File) {
        let head = format!(
            "Content-Disposition: form-data; name=\"{}\"; filename=\"{}\"\r\nContent-Type: {}\r\n",
            escaped(name),
            escaped(&file.name),
            file.mime
        );
        self.parts.push((head, Content::File(file.content.clone())));
    }

    /// The content type and the body.
    pub fn finish(mut self) -> (HeaderValue, Vec<u8>) {
        let clashes = |boundary: &str| {
            let stands_in =
                |content: &[u8]| content.windows(boundary.len()).any(|w| w == boundary.as_bytes());
            self.parts.iter().any(|(head, content)| head.contains(boundary) || stands_in(content.bytes()))
        };
        let mut boundary = std::mem::take(&mut self.boundary);
        while clashes(&boundary) {
            boundary.push('x');
        }
        let size: usize =
            self.parts.iter().map(|(head, content)| head.len() + content.bytes().len() + 80).sum();
        let mut body = Vec::with_capacity(size);
        for (head, content) in &self.parts {
            body.extend_from_slice(format!("--{boundary}\r\n{head}\r\n").as_bytes());
            body.extend_from_slice(content.bytes());
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        let content_type = format!("multipart/form-data; boundary={boundary}");
        (HeaderValue::from_str(&content_type).expect("a boundary is of letters, digits and dashes"), body)
    }
}

/// A name in quotes, as browsers write it (RFC 7578, 4.2; WHATWG HTML, 4.10.21.8).
fn escaped(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boundary_stands_in_no_part() {
        let mut form = Multipart::new("a.b");
        form.field("text", "--herald-form-ab\r\n--herald-form-abx--");
        let content: Arc<[u8]> = Arc::from(&b"\x00herald-form-ab\xff"[..]);
        let file = File { name: "a\".txt".to_owned(), mime: "text/plain".to_owned(), content };
        form.file("attachment", &file);
        let (content_type, body) = form.finish();
        assert_eq!(content_type, "multipart/form-data; boundary=herald-form-abxx");
        let body = String::from_utf8_lossy(&body);
        assert_eq!(body.matches("--herald-form-abxx").count(), 3);
        assert!(body.contains("filename=\"a%22.txt\"\r\nContent-Type: text/plain\r\n\r\n"));
    }
}
