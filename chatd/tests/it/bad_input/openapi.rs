//! The API's own description, as rows are made from it: what is added to the API is tried without being asked.

use serde_json::Value;

/// One operation.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) method: String,
    /// With `{names}`.
    pub(crate) path: String,
    pub(crate) path_parameters: Vec<String>,
    pub(crate) query_parameters: Vec<String>,
    pub(crate) body: Option<Body>,
}

/// A JSON body.
#[derive(Clone, Debug)]
pub(crate) struct Body {
    /// The call works without one.
    pub(crate) optional: bool,
    pub(crate) fields: Vec<Field>,
}

/// A field of a body.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) required: bool,
    /// `string`, `integer`, `boolean`, `array` or `object`.
    pub(crate) kind: String,
    pub(crate) nullable: bool,
}

impl Operation {
    /// How rows and tables name it.
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// Every operation of a description.
pub(crate) fn operations(description: &Value) -> Vec<Operation> {
    let mut found = Vec::new();
    for (path, methods) in description["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let named = |place: &str| {
                let all = operation["parameters"].as_array().into_iter().flatten();
                all.filter(|one| one["in"] == place)
                    .map(|one| one["name"].as_str().unwrap().to_owned())
                    .collect()
            };
            found.push(Operation {
                method: method.to_uppercase(),
                path: path.clone(),
                path_parameters: named("path"),
                query_parameters: named("query"),
                body: body(description, &operation["requestBody"]),
            });
        }
    }
    found
}

fn body(description: &Value, request: &Value) -> Option<Body> {
    let schema = request["content"]["application/json"].get("schema")?;
    let (schema, nullable) = resolved(description, schema);
    let optional = nullable || request["required"] != true;
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let fields = schema["properties"].as_object().into_iter().flatten();
    let fields = fields
        .map(|(name, schema)| {
            let (schema, nullable) = resolved(description, schema);
            let (kind, also_null) = kind(schema);
            Field {
                name: name.clone(),
                required: required.contains(&name.as_str()),
                kind,
                nullable: nullable || also_null,
            }
        })
        .collect();
    Some(Body { optional, fields })
}

/// A schema behind references, and whether it may be null.
fn resolved<'a>(description: &'a Value, schema: &'a Value) -> (&'a Value, bool) {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.rsplit('/').next().unwrap();
        return resolved(description, &description["components"]["schemas"][name]);
    }
    if let Some(choices) = schema["oneOf"].as_array()
        && let Some(choice) = choices.iter().find(|choice| choice["type"] != "null")
        && choices.iter().any(|choice| choice["type"] == "null")
    {
        return (resolved(description, choice).0, true);
    }
    (schema, false)
}

fn kind(schema: &Value) -> (String, bool) {
    match &schema["type"] {
        Value::String(kind) => (kind.clone(), false),
        Value::Array(kinds) => {
            let first = kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null");
            (first.unwrap_or("object").to_owned(), kinds.iter().any(|kind| kind == "null"))
        }
        _ => ("object".to_owned(), false),
    }
}
