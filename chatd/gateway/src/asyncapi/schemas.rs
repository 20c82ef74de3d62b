//! Schemas of what crosses the wire, generated from the types.

use serde_json::{Map, Value, json};
use utoipa::ToSchema;

/// Where the document keeps its schemas.
const PLACE: &str = "#/components/schemas/";
/// What the names of the topics' schemas begin with: they are made by another generator than those of the
/// bodies, and a noun that is in both may look different.
const RECORD: &str = "record.";

/// The schemas that were asked for, and all that they lead to.
#[derive(Default)]
pub(crate) struct Schemas {
    found: Map<String, Value>,
}

impl Schemas {
    /// The schema of a body.
    pub(crate) fn body<T: ToSchema>(&mut self) -> Value {
        let mut parts = Vec::new();
        T::schemas(&mut parts);
        parts.push((T::name().into_owned(), T::schema()));
        for (name, schema) in parts {
            self.found.insert(name, serde_json::to_value(schema).unwrap_or_default());
        }
        json!({ "$ref": format!("{PLACE}{}", T::name()) })
    }

    /// The schema of a topic's record of this type.
    pub(crate) fn record<T: schemars::JsonSchema>(&mut self, event_type: &str) -> Value {
        let settings = schemars::generate::SchemaSettings::draft2020_12().with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
        });
        let mut generator = settings.into_generator();
        let mut record = renamed(generator.root_schema_for::<T>().to_value());
        let parts = renamed(Value::Object(generator.take_definitions(true)));
        if let Value::Object(parts) = parts {
            self.found.extend(parts.into_iter().map(|(name, schema)| (format!("{RECORD}{name}"), schema)));
        }
        // The root carries its parts too; they have their place now.
        if let Some(fields) = record.as_object_mut() {
            fields.remove("components");
            fields.insert("title".to_owned(), json!(event_type));
        }
        // The envelope is the same for all: which record it is, is what `eventType` says.
        let kind = record["properties"]["eventType"].take();
        record["properties"]["eventType"] = json!({ "allOf": [kind, { "const": event_type }] });
        let name = format!("{RECORD}{event_type}");
        let reference = json!({ "$ref": format!("{PLACE}{name}") });
        self.found.insert(name, record);
        reference
    }

    /// Every schema, by name.
    pub(crate) fn into_components(self) -> Value {
        Value::Object(self.found)
    }
}

/// The same with every reference to a record's part under its new name.
fn renamed(value: Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(
            fields
                .into_iter()
                .map(|(name, field)| match (name.as_str(), &field) {
                    ("$ref", Value::String(path)) => {
                        let path = path.replacen(PLACE, &format!("{PLACE}{RECORD}"), 1);
                        (name, Value::String(path))
                    }
                    _ => (name, renamed(field)),
                })
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.into_iter().map(renamed).collect()),
        other => other,
    }
}
