//! The `OpenAPI` 3.1 description of the API, made from the table of routes and the
//! types of `wire`. `herald openapi` prints it, `/v1/herald/openapi` serves it.

mod refusals;

use super::answer::{Answered, ok};
use super::call::Call;
use super::routes::{ROUTES, Route, Scope};
use super::shape::{ANY, HTML};
use crate::domain::ids::id_schema;
use crate::domain::provider::{Field, KINDS, Kind, Shape};
use crate::wire::{ErrorBody, header};
use http::StatusCode;
use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

/// Where schemas stand in the document.
const SCHEMAS: &str = "#/components/schemas/";

/// A revision as an entity tag, bare too, or any.
const IF_MATCH: &str = r#"^(\*|(W/)?"?[0-9]+"?)$"#;

/// The parameter that stands for a row of the table of provider kinds.
const KIND: &str = "{kind}";

/// The whole document.
pub fn document() -> Value {
    let mut answers = generator(SchemaSettings::draft2020_12().for_serialize());
    let mut requests = generator(SchemaSettings::draft2020_12().for_deserialize());
    answers.subschema_for::<ErrorBody>();
    let mut paths: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    let mut asked = Vec::new();
    for route in ROUTES {
        let kinds: Vec<_> =
            if route.path.contains(KIND) { KINDS.iter().map(Some).collect() } else { vec![None] };
        for kind in kinds {
            let path = kind.map_or_else(|| route.path.to_owned(), |kind| route.path.replace(KIND, kind.name));
            let (operation, input) = operation(route, kind, &path, &mut answers, &mut requests);
            paths.entry(path.clone()).or_default().insert(route.method.to_ascii_lowercase(), operation);
            asked.push((path, route.method.to_ascii_lowercase(), input));
        }
    }
    let mut schemas = answers.take_definitions(true);
    let renamed = merge(&mut schemas, requests.take_definitions(true));
    for (path, method, mut input) in asked {
        for value in input.values_mut() {
            rename(value, &renamed);
        }
        let operation = paths.get_mut(&path).and_then(|methods| methods.get_mut(&method));
        if let Some(Value::Object(operation)) = operation {
            operation.extend(input);
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Herald",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": env!("CARGO_PKG_DESCRIPTION"),
            "license": { "name": env!("CARGO_PKG_LICENSE"), "identifier": env!("CARGO_PKG_LICENSE") },
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "key": { "type": "apiKey", "in": "header", "name": "X-Appwrite-Key",
                         "description": "An API key. On its socket, the owner of Herald needs none." },
            },
        },
    })
}

pub(crate) async fn serve(_: Call) -> Answered {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    ok(DOCUMENT.get_or_init(document))
}

fn generator(settings: SchemaSettings) -> SchemaGenerator {
    let settings = settings.with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    settings.into_generator()
}

/// Adds what requests refer to. Where a type looks different in requests (there,
/// what has a default may be left out), it gets a name of its own.
fn merge(schemas: &mut Map<String, Value>, requests: Map<String, Value>) -> BTreeMap<String, String> {
    let differs = |name: &String, value: &Value| schemas.get(name).is_some_and(|known| known != value);
    let renamed: BTreeMap<_, _> = requests
        .iter()
        .filter(|(name, value)| differs(name, value))
        .map(|(name, _)| (format!("{SCHEMAS}{name}"), format!("{SCHEMAS}{name}Input")))
        .collect();
    for (name, mut value) in requests {
        rename(&mut value, &renamed);
        let name =
            if renamed.contains_key(&format!("{SCHEMAS}{name}")) { format!("{name}Input") } else { name };
        schemas.insert(name, value);
    }
    renamed
}

fn rename(value: &mut Value, names: &BTreeMap<String, String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match value {
                    Value::String(text) if key == "$ref" => {
                        if let Some(name) = names.get(text) {
                            text.clone_from(name);
                        }
                    }
                    value => rename(value, names),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| rename(value, names)),
        _ => {}
    }
}

/// One operation, and apart from it what it is asked with.
fn operation(
    route: &Route,
    kind: Option<&Kind>,
    path: &str,
    answers: &mut SchemaGenerator,
    requests: &mut SchemaGenerator,
) -> (Value, Map<String, Value>) {
    let asked = (route.asks)(requests, route.body);
    let mut parameters: Vec<Value> = path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": id_schema() }))
        .collect();
    parameters.extend(asked.query.iter().flat_map(query_parameters));
    if route.repeats() {
        parameters.push(json!({
            "name": header::IDEMPOTENCY_KEY, "in": "header",
            "description": "A name for this call, by which it can be repeated without effect for a day.",
            "schema": { "type": "string", "minLength": 1, "maxLength": 255 },
        }));
    }
    if route.if_match {
        parameters.push(json!({
            "name": "If-Match", "in": "header",
            "description": "The revision that the caller has seen, such as \"7\". Where the record has another one \
                by now, nothing is done: 409 `general_stale` says how it stands. `*`: whatever it is.",
            "schema": { "type": "string", "pattern": IF_MATCH },
        }));
    }
    let mut input = Map::new();
    if !parameters.is_empty() {
        input.insert("parameters".into(), parameters.into());
    }
    if let Some((medias, schema)) = asked.body {
        let schema = kind.map_or_else(|| schema.clone().to_value(), |kind| with_fields(kind, &schema));
        let content: Map<_, _> =
            medias.iter().map(|media| ((*media).to_owned(), json!({ "schema": schema }))).collect();
        input.insert("requestBody".into(), json!({ "content": content }));
    }
    let mut responses = Map::new();
    let mut good = json!({ "description": "It is done." });
    if let Some((media, schema)) = (route.gives)(answers) {
        good["content"] = json!({ media: { "schema": schema } });
        if media == ANY {
            responses.insert("206".into(), good.clone());
        }
    }
    responses.insert(route.status.to_string(), good);
    responses.extend(refusals::of(route).into_iter().map(refusal));
    if let Some((HTML, schema)) = (route.gives)(answers) {
        let page = json!({ HTML: { "schema": schema } });
        responses.insert("404".into(), json!({ "description": "The link is not valid.", "content": page }));
    }
    let tag = path.split('/').nth(2).unwrap_or("herald");
    let (scope, security) = match route.scope {
        Scope::Open => ("Everybody may.".to_owned(), json!([{}])),
        Scope::Any => ("Needs a key.".to_owned(), json!([{ "key": [] }])),
        Scope::Needs(scope) => (format!("Needs the scope `{scope}`."), json!([{ "key": [scope] }])),
        Scope::Owner => ("Only the owner may, on the socket.".to_owned(), json!([])),
    };
    let operation = json!({
        "operationId": operation_id(route, kind),
        "summary": route.summary,
        "description": scope,
        "tags": [tag],
        "security": security,
        "responses": responses,
    });
    (operation, input)
}

/// `topics::create` as `topicsCreate`, with the kind of a provider at the end.
fn operation_id(route: &Route, kind: Option<&Kind>) -> String {
    let mut id = String::new();
    let words = route.operation.split([':', '_', ' ']).chain(kind.map(|kind| kind.name));
    for word in words.filter(|word| !word.is_empty()) {
        let (first, rest) = word.split_at(1);
        let first = if id.is_empty() { first.to_owned() } else { first.to_ascii_uppercase() };
        id.push_str(&first);
        id.push_str(rest);
    }
    id
}

/// Each property of an object as a parameter of the URL.
fn query_parameters(schema: &Schema) -> Vec<Value> {
    let object = schema.as_object();
    let required: BTreeSet<&str> = object
        .and_then(|object| object.get("required")?.as_array())
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let properties = object.and_then(|object| object.get("properties")?.as_object());
    properties
        .into_iter()
        .flatten()
        .map(|(name, schema)| {
            json!({ "name": name, "in": "query", "required": required.contains(name.as_str()), "schema": schema })
        })
        .collect()
}

/// The body of a provider, with the fields of its kind.
fn with_fields(kind: &Kind, schema: &Schema) -> Value {
    let fields: Map<_, _> =
        kind.fields.iter().map(|field| (field.name.to_owned(), field_schema(field))).collect();
    json!({ "allOf": [schema, { "type": "object", "properties": fields }] })
}

fn field_schema(field: &Field) -> Value {
    let mut schema = match field.shape {
        Shape::Text(most) => json!({ "type": "string", "maxLength": most }),
        Shape::Port => json!({ "type": "integer", "minimum": 1, "maximum": 65535 }),
        Shape::Flag => json!({ "type": "boolean" }),
        Shape::OneOf(words) => json!({ "type": "string", "enum": words }),
        _ => json!({ "type": "string" }),
    };
    schema["description"] = field.help.into();
    if field.secret {
        schema["writeOnly"] = true.into();
    }
    schema
}

/// An answer that refuses: its status, and the types that it can have.
fn refusal((status, kinds): (u16, Vec<&'static str>)) -> (String, Value) {
    let body = json!({ "allOf": [
        { "$ref": format!("{SCHEMAS}ErrorBody") },
        { "properties": { "type": { "enum": kinds }, "code": { "const": status } } },
    ] });
    let meaning = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    let answer = json!({
        "description": meaning.unwrap_or("Error"),
        "content": { "application/json": { "schema": body } },
    });
    (status.to_string(), answer)
}
