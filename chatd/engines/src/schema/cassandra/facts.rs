//! What a keyspace really holds, each thing by its name.
//!
//! Left out is what an operator tunes, such as compression and caching.

use super::Keyspace;
use crate::Error;
use crate::schema::snapshot::Facts;
use scylla::statement::Consistency;
use std::collections::{BTreeMap, HashMap};

/// Everything in the keyspace.
pub(in crate::schema) async fn facts(keyspace: &Keyspace<'_>) -> Result<Facts, Error> {
    let mut facts = Facts::new();
    tables(keyspace, &mut facts).await?;
    columns(keyspace, &mut facts).await?;
    indexes(keyspace, &mut facts).await?;
    types(keyspace, &mut facts).await?;
    Ok(facts)
}

async fn tables(keyspace: &Keyspace<'_>, facts: &mut Facts) -> Result<(), Error> {
    let statement = "SELECT table_name, compaction, default_time_to_live FROM system_schema.tables
                     WHERE keyspace_name = ?";
    let rows: Vec<(String, HashMap<String, String>, i32)> =
        keyspace.ask(statement, (keyspace.name,), Consistency::One).await?;
    let class = |compaction: &HashMap<String, String>| {
        let class = compaction.get("class").map(String::as_str).unwrap_or_default();
        class.rsplit('.').next().unwrap_or_default().to_owned()
    };
    // What a server chooses where a table says nothing depends on its version and configuration.
    let usual = rows.iter().find(|row| row.0 == "schema_migrations").map(|row| class(&row.1));
    for (table, compaction, lifetime) in &rows {
        facts.insert(format!("table {table}"), "there".to_owned());
        facts.insert(format!("table {table}, default_time_to_live"), lifetime.to_string());
        let compaction = class(compaction);
        if usual.as_ref() != Some(&compaction) {
            facts.insert(format!("table {table}, compaction"), compaction);
        }
    }
    Ok(())
}

async fn columns(keyspace: &Keyspace<'_>, facts: &mut Facts) -> Result<(), Error> {
    let statement = "SELECT table_name, column_name, type, kind, position, clustering_order
                     FROM system_schema.columns WHERE keyspace_name = ?";
    let rows: Vec<(String, String, String, String, i32, String)> =
        keyspace.ask(statement, (keyspace.name,), Consistency::One).await?;
    for (table, column, of_type, kind, position, order) in rows {
        let text = match kind.as_str() {
            "partition_key" => format!("{of_type}, partition key {position}"),
            "clustering" => format!("{of_type}, clustering key {position} {order}"),
            "static" => format!("{of_type}, static"),
            _ => of_type,
        };
        facts.insert(format!("table {table}, column {column}"), text);
    }
    Ok(())
}

async fn indexes(keyspace: &Keyspace<'_>, facts: &mut Facts) -> Result<(), Error> {
    let statement = "SELECT table_name, index_name, kind, options FROM system_schema.indexes
                     WHERE keyspace_name = ?";
    let rows: Vec<(String, String, String, BTreeMap<String, String>)> =
        keyspace.ask(statement, (keyspace.name,), Consistency::One).await?;
    for (table, index, kind, options) in rows {
        let options: String = options.iter().map(|(key, value)| format!(" {key}={value}")).collect();
        facts.insert(format!("table {table}, index {index}"), format!("{kind}{options}"));
    }
    Ok(())
}

async fn types(keyspace: &Keyspace<'_>, facts: &mut Facts) -> Result<(), Error> {
    let statement = "SELECT type_name, field_names, field_types FROM system_schema.types
                     WHERE keyspace_name = ?";
    let rows: Vec<(String, Vec<String>, Vec<String>)> =
        keyspace.ask(statement, (keyspace.name,), Consistency::One).await?;
    for (name, fields, types) in rows {
        let fields: Vec<_> = fields.iter().zip(&types).map(|(field, of)| format!("{field} {of}")).collect();
        facts.insert(format!("type {name}"), fields.join(", "));
    }
    Ok(())
}
