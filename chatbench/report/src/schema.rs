//! The JSON Schemas that are published: of `report.json` and of a file of thresholds.

use crate::model::Report;
use crate::threshold::File;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};

fn of<T: JsonSchema>(id: &str) -> Result<String, serde_json::Error> {
    let mut schema: Schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>();
    schema.insert("$id".to_owned(), format!("urn:chatbench:{id}").into());
    Ok(serde_json::to_string_pretty(&schema)? + "\n")
}

/// Of `report.json`.
///
/// # Errors
/// None that a caller can cause.
pub fn report() -> Result<String, serde_json::Error> {
    of::<Report>("report:1")
}

/// Of a file of thresholds.
///
/// # Errors
/// None that a caller can cause.
pub fn thresholds() -> Result<String, serde_json::Error> {
    of::<File>("thresholds:1")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    /// `UPDATE_SCHEMAS=1 cargo test -p report` writes them anew.
    #[test]
    fn what_is_published_is_what_the_code_reads_and_writes() {
        for (name, schema) in
            [("report", super::report().unwrap()), ("threshold", super::thresholds().unwrap())]
        {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("{name}.schema.json"));
            if std::env::var_os("UPDATE_SCHEMAS").is_some() {
                std::fs::write(&path, &schema).unwrap();
            }
            let published = std::fs::read_to_string(&path).unwrap();
            assert_eq!(published, schema, "{} is of another build: UPDATE_SCHEMAS=1", path.display());
        }
    }
}
