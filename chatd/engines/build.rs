//! Embeds the numbered migrations of `schema/postgres` and `schema/cassandra`: whatever lies there, in
//! the order of its number, so that no list of them is kept by hand.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let package = env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?;
    let output = env::var("OUT_DIR").map_err(io::Error::other)?;
    let schema = Path::new(&package).join("../../schema");
    println!("cargo::rerun-if-changed=build.rs");

    let mut lists = String::new();
    for (list, folder, suffix) in [("POSTGRES", "postgres", "sql"), ("CASSANDRA", "cassandra", "cql")] {
        let folder = schema.join(folder);
        println!("cargo::rerun-if-changed={}", folder.display());
        lists.push_str(&format!("pub(super) const {list}: &[(&str, &str)] = &[\n"));
        for file in files(&folder, suffix)? {
            let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let path = file.canonicalize()?;
            lists.push_str(&format!("    ({name:?}, include_str!({:?})),\n", path.display().to_string()));
        }
        lists.push_str("];\n");
    }
    fs::write(Path::new(&output).join("migrations.rs"), lists)
}

/// The files with a suffix, by name.
fn files(folder: &Path, suffix: &str) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == suffix) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
