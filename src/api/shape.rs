//! What a route is asked with and what it answers, for the `OpenAPI` description.
//!
//! A type of [`crate::wire`] stands for itself as JSON; what is no JSON, or
//! travels in an unusual place, is wrapped in a type of this module.

use super::routes::BodyKind;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value};
use std::marker::PhantomData;

/// JSON.
const JSON: &str = "application/json";

/// Pages for people.
pub(crate) const HTML: &str = "text/html";

/// Any type.
pub(crate) const ANY: &str = "*/*";

/// What a route is asked with.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    /// The parameters of the URL, as an object.
    pub(crate) query: Option<Schema>,
    /// Media types of the body, and what is in it.
    pub(crate) body: Option<(&'static [&'static str], Schema)>,
}

/// What a route answers: a media type, and what is in it.
pub(crate) type Given = Option<(&'static str, Schema)>;

/// Something that a route can be asked with.
pub(crate) trait Asks {
    /// Its description.
    fn asked(generator: &mut SchemaGenerator, body: BodyKind) -> Asked;
}

/// Something that a route can answer.
pub(crate) trait Gives {
    /// Its description.
    fn given(generator: &mut SchemaGenerator) -> Given;
}

/// Nothing at all.
pub(crate) struct Nothing;
/// A text.
pub(crate) struct Plain;
/// Any JSON object.
pub(crate) type Object = Map<String, Value>;
/// A stream of JSON objects, one a line.
pub(crate) struct Lines<T>(PhantomData<T>);
/// Server-Sent Events, each with one such JSON object.
pub(crate) struct Events<T>(PhantomData<T>);
/// A JSON body although the answer is a stream.
pub(crate) struct Posted<T>(PhantomData<T>);
/// The content of a file, whatever it is; a part of it where a range is asked for.
pub(crate) struct Content;
/// A form as the body.
pub(crate) struct Form<T>(PhantomData<T>);
/// A page of HTML for people.
pub(crate) struct Page;
/// The form with which a recipient leaves topics.
pub(crate) struct OneClick;
/// A page of a list of which a `select` query can name the fields.
pub(crate) struct Selected<T>(PhantomData<T>);
/// A table of people as the body, and how it is read in the URL.
pub(crate) struct Sheet<T>(PhantomData<T>);

impl<T: JsonSchema> Asks for T {
    fn asked(generator: &mut SchemaGenerator, body: BodyKind) -> Asked {
        match body {
            BodyKind::Json => Posted::<T>::asked(generator, body),
            // Parameters are looked into, so that each is one of the URL's.
            BodyKind::None | BodyKind::Raw | BodyKind::Stream => {
                Asked { query: Some(T::json_schema(generator)), body: None }
            }
        }
    }
}

impl<T: JsonSchema> Gives for T {
    fn given(generator: &mut SchemaGenerator) -> Given {
        Some((JSON, generator.subschema_for::<T>()))
    }
}

impl Asks for Nothing {
    fn asked(_: &mut SchemaGenerator, _: BodyKind) -> Asked {
        Asked::default()
    }
}

impl Gives for Nothing {
    fn given(_: &mut SchemaGenerator) -> Given {
        None
    }
}

impl Gives for Plain {
    fn given(_: &mut SchemaGenerator) -> Given {
        Some(("text/plain", json_schema!({ "type": "string" })))
    }
}

impl Gives for Page {
    fn given(_: &mut SchemaGenerator) -> Given {
        Some((HTML, json_schema!({ "type": "string" })))
    }
}

impl Asks for OneClick {
    fn asked(_: &mut SchemaGenerator, _: BodyKind) -> Asked {
        let form = json_schema!({
            "type": "object",
            "properties": { "List-Unsubscribe": { "const": "One-Click" } },
            "required": ["List-Unsubscribe"],
        });
        Asked {
            query: None,
            body: Some((&["application/x-www-form-urlencoded", "multipart/form-data"], form)),
        }
    }
}

impl Asks for Content {
    fn asked(_: &mut SchemaGenerator, _: BodyKind) -> Asked {
        Asked { query: None, body: Some((&[ANY], json_schema!({}))) }
    }
}

impl Gives for Content {
    fn given(_: &mut SchemaGenerator) -> Given {
        Some((ANY, json_schema!({})))
    }
}

impl<T: JsonSchema> Gives for Selected<T> {
    fn given(generator: &mut SchemaGenerator) -> Given {
        let whole = generator.subschema_for::<T>();
        let some = "With a `select` query: records with the named fields alone.";
        let part = json_schema!({ "type": "object", "description": some, "required": ["total"] });
        Some((JSON, json_schema!({ "anyOf": [whole, part] })))
    }
}

impl<T: JsonSchema> Gives for Lines<T> {
    fn given(generator: &mut SchemaGenerator) -> Given {
        let line = generator.subschema_for::<T>();
        Some(("application/x-ndjson", json_schema!({ "type": "string", "contentSchema": line })))
    }
}

impl<T: JsonSchema> Gives for Events<T> {
    fn given(generator: &mut SchemaGenerator) -> Given {
        let data = generator.subschema_for::<T>();
        Some(("text/event-stream", json_schema!({ "type": "string", "contentSchema": data })))
    }
}

impl<T: JsonSchema> Asks for Posted<T> {
    fn asked(generator: &mut SchemaGenerator, _: BodyKind) -> Asked {
        Asked { query: None, body: Some((&[JSON], generator.subschema_for::<T>())) }
    }
}

impl<T: JsonSchema> Asks for Form<T> {
    fn asked(generator: &mut SchemaGenerator, _: BodyKind) -> Asked {
        Asked { query: None, body: Some((&["multipart/form-data"], generator.subschema_for::<T>())) }
    }
}

impl<T: JsonSchema> Asks for Sheet<T> {
    fn asked(generator: &mut SchemaGenerator, _: BodyKind) -> Asked {
        let sheet = json_schema!({ "type": "string" });
        Asked {
            query: Some(T::json_schema(generator)),
            body: Some((&["text/csv", "application/x-ndjson"], sheet)),
        }
    }
}
