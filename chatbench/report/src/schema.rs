//! The JSON Schemas that are published: of `report.json`, of a file of thresholds, of a search, of a comparison and of a
//! calibration.

use crate::calibration::Calibration;
use crate::compare::Comparison;
use crate::model::{Report, Search};
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

/// Of what a search found.
///
/// # Errors
/// None that a caller can cause.
pub fn search() -> Result<String, serde_json::Error> {
    of::<Search>("search:1")
}

/// Of what comparing two sets of runs has shown.
///
/// # Errors
/// None that a caller can cause.
pub fn comparison() -> Result<String, serde_json::Error> {
    of::<Comparison>("comparison:1")
}

/// Of what the generator itself can do.
///
/// # Errors
/// None that a caller can cause.
pub fn calibration() -> Result<String, serde_json::Error> {
    of::<Calibration>("calibration:1")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    /// `UPDATE_SCHEMAS=1 cargo test -p report` writes them anew.
    #[test]
    fn what_is_published_is_what_the_code_reads_and_writes() {
        for (name, schema) in [
            ("report", super::report()),
            ("threshold", super::thresholds()),
            ("search", super::search()),
            ("comparison", super::comparison()),
            ("calibration", super::calibration()),
        ] {
            let schema = schema.unwrap();
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("{name}.schema.json"));
            if std::env::var_os("UPDATE_SCHEMAS").is_some() {
                std::fs::write(&path, &schema).unwrap();
            }
            let published = std::fs::read_to_string(&path).unwrap();
            assert_eq!(published, schema, "{} is of another build: UPDATE_SCHEMAS=1", path.display());
        }
    }
}
