//! What a database really holds, each thing by its name and as PostgreSQL itself describes it.
//!
//! Left out is what an operator tunes: storage parameters, statistics, owners and rights.

use super::failed;
use crate::Error;
use crate::schema::snapshot::Facts;
use sqlx::{PgPool, Row as _};

const TABLES: &str = "
SELECT 'table ' || c.relname,
       CASE c.relpersistence WHEN 'u' THEN 'unlogged' ELSE 'logged' END
FROM pg_class c
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')";

const COLUMNS: &str = "
SELECT 'table ' || c.relname || ', column ' || a.attname,
       format_type(a.atttypid, a.atttypmod)
       || CASE WHEN a.attcollation <> t.typcollation THEN ' collate ' || l.collname ELSE '' END
       || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
       || CASE a.attidentity WHEN 'a' THEN ' always identity' WHEN 'd' THEN ' default identity' ELSE '' END
       || CASE a.attgenerated WHEN '' THEN coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')
          ELSE ' generated ' || pg_get_expr(d.adbin, d.adrelid) END
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_collation l ON l.oid = a.attcollation
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
  AND a.attnum > 0 AND NOT a.attisdropped";

/// Without NOT NULL, which newer versions count among them and which stands with the column.
const CONSTRAINTS: &str = "
SELECT 'table ' || c.relname || ', constraint ' || k.conname,
       pg_get_constraintdef(k.oid) || CASE WHEN k.convalidated THEN '' ELSE ' (not validated)' END
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid
WHERE c.relnamespace = current_schema()::regnamespace AND k.contype IN ('p', 'u', 'f', 'c', 'x')";

/// Without those that a constraint has made.
const INDEXES: &str = "
SELECT 'table ' || c.relname || ', index ' || i.relname,
       replace(pg_get_indexdef(x.indexrelid), quote_ident(current_schema()) || '.', '')
       || CASE WHEN x.indisvalid THEN '' ELSE ' (invalid)' END
FROM pg_index x
JOIN pg_class c ON c.oid = x.indrelid
JOIN pg_class i ON i.oid = x.indexrelid
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
  AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = x.indexrelid AND k.conrelid = x.indrelid)";

const TRIGGERS: &str = "
SELECT 'table ' || c.relname || ', trigger ' || g.tgname,
       replace(pg_get_triggerdef(g.oid), quote_ident(current_schema()) || '.', '')
       || CASE g.tgenabled WHEN 'O' THEN '' ELSE ' (not enabled as usual)' END
FROM pg_trigger g
JOIN pg_class c ON c.oid = g.tgrelid
WHERE c.relnamespace = current_schema()::regnamespace AND NOT g.tgisinternal";

const FUNCTIONS: &str = "
SELECT 'function ' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')',
       replace(pg_get_functiondef(p.oid), quote_ident(current_schema()) || '.', '')
FROM pg_proc p
WHERE p.pronamespace = current_schema()::regnamespace AND p.prokind IN ('f', 'p')
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')";

const TYPES: &str = "
SELECT 'type ' || t.typname, string_agg(e.enumlabel, ', ' ORDER BY e.enumsortorder)
FROM pg_type t
JOIN pg_enum e ON e.enumtypid = t.oid
WHERE t.typnamespace = current_schema()::regnamespace
GROUP BY t.typname";

/// Everything in the schema that new tables come into.
pub(in crate::schema) async fn facts(pool: &PgPool) -> Result<Facts, Error> {
    let mut facts = Facts::new();
    for question in [TABLES, COLUMNS, CONSTRAINTS, INDEXES, TRIGGERS, FUNCTIONS, TYPES] {
        let rows = sqlx::query(question).fetch_all(pool).await;
        for row in rows.map_err(|error| failed("reading the catalogue", &error))? {
            let fact = row.try_get(0).and_then(|name| Ok((name, row.try_get(1)?)));
            let (name, text): (String, String) =
                fact.map_err(|error| failed("reading the catalogue", &error))?;
            facts.insert(name, text);
        }
    }
    Ok(facts)
}
