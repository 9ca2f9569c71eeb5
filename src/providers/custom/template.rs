//! Templates of requests: bounded in work and size, and escaped for where they stand.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::value::{Serde, Value as Given};
use minijinja::{AutoEscape, Environment, Output, State, UndefinedBehavior};
use serde_json::Value;
use std::collections::HashSet;
use std::fmt::Write as _;
use std::io;

/// The most steps of a rendering.
const FUEL: u64 = 200_000;
/// The largest body, in bytes.
const MOST: usize = 1024 * 1024;
const NAME: &str = "template";

/// How values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Escape {
    /// As they are.
    None,
    /// As JSON, a text with its quotes.
    Json,
    /// With `&lt;` and its like.
    Markup,
    /// Percent-encoded, a blank as a plus: for forms.
    Form,
    /// Percent-encoded but for what no URL reserves (RFC 3986, 2.3): for paths and queries.
    Component,
}

impl Escape {
    /// What a body of this content type needs.
    pub(super) fn of(content_type: &str) -> Self {
        let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            "application/x-www-form-urlencoded" => Self::Form,
            text if text.ends_with("/json") || text.ends_with("+json") => Self::Json,
            text if text.ends_with("xml") || text.ends_with("html") => Self::Markup,
            _ => Self::None,
        }
    }
}

/// What templates may name, beside what they set themselves.
const NAMES: [&str; 7] = ["recipient", "recipients", "message", "secret", "range", "dict", "namespace"];

/// A template, ready to be filled in.
#[derive(Debug)]
pub(super) struct Template {
    environment: Environment<'static>,
}

impl Template {
    /// Compiles a text. Errors: the template language's, with the line; a name that no
    /// template is given.
    pub(super) fn new(text: &str, escape: Escape) -> Result<Self, String> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        environment.set_auto_escape_callback(move |_| match escape {
            Escape::None | Escape::Form | Escape::Component => AutoEscape::None,
            Escape::Json => AutoEscape::Json,
            Escape::Markup => AutoEscape::Html,
        });
        match escape {
            Escape::Form => environment.set_formatter(form),
            Escape::Component => environment.set_formatter(component),
            Escape::None | Escape::Json | Escape::Markup => {}
        }
        environment.add_filter("base64", |text: String| STANDARD.encode(text));
        environment.add_template_owned(NAME, text.to_owned()).map_err(|error| error.to_string())?;
        let made = Self { environment };
        let mut unknown: Vec<_> =
            made.named(false).into_iter().filter(|name| !NAMES.contains(&name.as_str())).collect();
        unknown.sort();
        match unknown.first() {
            None => Ok(made),
            Some(name) => {
                Err(format!("names {name}, but there are recipient, recipients, message and secret only"))
            }
        }
    }

    /// What it looks up; with `nested`, attributes too, as `message.body`.
    pub(super) fn named(&self, nested: bool) -> HashSet<String> {
        let template = self.environment.get_template(NAME);
        template.map(|template| template.undeclared_variables(nested)).unwrap_or_default()
    }

    /// Fills it in.
    pub(super) fn render(&self, values: &Value) -> Result<String, String> {
        let template = self.environment.get_template(NAME).map_err(|error| error.to_string())?;
        let mut out = Bounded(Vec::new());
        template.render_captured_to(Serde(values), &mut out).map_err(|error| error.to_string())?;
        String::from_utf8(out.0).map_err(|error| error.to_string())
    }
}

/// Writes a value as a form has it.
fn form(out: &mut Output<'_>, _: &mut State<'_, '_>, value: &Given) -> Result<(), minijinja::Error> {
    if value.is_none() {
        return Ok(());
    }
    let text = value.to_string();
    let mut parts = url::form_urlencoded::byte_serialize(text.as_bytes());
    parts.try_for_each(|part| out.write_str(part)).map_err(minijinja::Error::from)
}

/// Writes a value as a part of a URL.
fn component(out: &mut Output<'_>, _: &mut State<'_, '_>, value: &Given) -> Result<(), minijinja::Error> {
    if value.is_none() {
        return Ok(());
    }
    for byte in value.to_string().bytes() {
        let written = match byte {
            b'-' | b'.' | b'_' | b'~' => out.write_char(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => out.write_char(char::from(byte)),
            byte => write!(out, "%{byte:02X}"),
        };
        written.map_err(minijinja::Error::from)?;
    }
    Ok(())
}

/// Takes at most so many bytes.
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, more: &[u8]) -> io::Result<usize> {
        if self.0.len() + more.len() > MOST {
            return Err(io::Error::other(format!("more than {MOST} bytes")));
        }
        self.0.extend_from_slice(more);
        Ok(more.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn fill(text: &str, escape: Escape, to: &str) -> Result<String, String> {
        let template = Template::new(text, escape)?;
        template.render(&json!({"recipient": {"to": to}}))
    }

    #[test]
    fn each_content_type_has_its_escape() {
        let to = "a\"b<c>&d e";
        let text = "{{ recipient.to }}";
        for (kind, wanted) in [
            ("application/json; charset=utf-8", json!(to).to_string()),
            ("application/x-www-form-urlencoded", "a%22b%3Cc%3E%26d+e".to_owned()),
            ("text/xml", "a&quot;b&lt;c&gt;&amp;d e".to_owned()),
            ("text/plain", to.to_owned()),
        ] {
            let filled = fill(text, Escape::of(kind), to).unwrap();
            if kind.contains("json") {
                // JSON may write < and & as escapes; the value is the same.
                assert_eq!(serde_json::from_str::<Value>(&filled).unwrap(), json!(to), "{kind}");
            } else {
                assert_eq!(filled, wanted, "{kind}");
            }
        }
    }

    #[test]
    fn work_and_size_are_bounded() {
        for text in [
            "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}",
            "{{ 'x' * 100000000 }}",
            "{{ recipient.nothing }}",
        ] {
            assert!(fill(text, Escape::None, "").is_err(), "{text}");
        }
        assert!(Template::new("{{ recipient. }}", Escape::None).is_err());
    }

    #[test]
    fn a_name_that_is_not_given_is_refused_at_once() {
        for text in ["{{ nothing }}", "{% if x %}{% endif %}", "{% for a in all %}{% endfor %}"] {
            assert!(Template::new(text, Escape::None).is_err(), "{text}");
        }
        let text =
            "{% set a = 1 %}{% for one in recipients %}{{ loop.index }}{{ one.to }}{{ a }}{% endfor %}";
        assert!(Template::new(text, Escape::None).is_ok());
        assert_eq!(fill("{{ ('a:' ~ recipient.to) | base64 }}", Escape::None, "b").unwrap(), "YTpi");
    }

    proptest! {
        /// Nobody's address or name can add to the request.
        #[test]
        fn a_value_stays_a_value(to in any::<String>()) {
            let json = fill("{\"to\": {{ recipient.to }}}", Escape::Json, &to).unwrap();
            prop_assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), json!({ "to": to }));
            let form = fill("to={{ recipient.to }}&k=v", Escape::Form, &to).unwrap();
            let read: Vec<_> = url::form_urlencoded::parse(form.as_bytes()).into_owned().collect();
            prop_assert_eq!(&read, &vec![("to".to_owned(), to.clone()), ("k".to_owned(), "v".to_owned())]);
            let url = fill("/{{ recipient.to }}/end?to={{ recipient.to }}", Escape::Component, &to).unwrap();
            let url = url::Url::parse("http://gateway.example").unwrap().join(&format!("/v1{url}")).unwrap();
            // A path of one or two dots alone would mean another: see `Custom::target`.
            if to != "." && to != ".." {
                prop_assert_eq!(url.path_segments().unwrap().count(), 3);
            }
            let read: Vec<_> = url.query_pairs().into_owned().collect();
            prop_assert_eq!(read, vec![("to".to_owned(), to)]);
        }
    }
}
