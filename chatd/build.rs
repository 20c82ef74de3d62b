//! Checks what cannot come with the sources: a C compiler that finds its headers.
//!
//! SQLite, mimalloc and the cryptography are C and are built from their sources; they want nothing else.
//! Without any `cc` Rust itself cannot link and says so at once; what this catches is a compiler that is
//! there without the C library's headers, or a `CC` that leads nowhere.

use std::path::Path;
use std::process::{Command, Stdio};
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=CC");
    if env::var("HOST") != env::var("TARGET") {
        return; // a cross compiler is named in ways that are the builder's own
    }
    let compiler = env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    if let Err(reason) = compile(&compiler) {
        println!(
            "cargo::error=chatd needs a C compiler and the C library's headers, and `{compiler}` {reason}"
        );
        println!("cargo::error=on Debian and Ubuntu: apt-get install gcc libc6-dev");
    }
}

/// Compiles three lines of C.
fn compile(compiler: &str) -> Result<(), String> {
    let folder = env::var("OUT_DIR").map_err(|error| error.to_string())?;
    let source = Path::new(&folder).join("answers.c");
    fs::write(&source, "#include <stdlib.h>\n#include <pthread.h>\nint answers(void) { return 0; }\n")
        .map_err(|error| error.to_string())?;
    let mut words = compiler.split_whitespace(); // CC may be `ccache gcc`
    let status = Command::new(words.next().unwrap_or("cc"))
        .args(words)
        .arg("-c")
        .arg(&source)
        .arg("-o")
        .arg(source.with_extension("o"))
        .stdout(Stdio::null())
        .status()
        .map_err(|error| format!("does not run: {error}"))?;
    if status.success() { Ok(()) } else { Err("cannot compile three lines of C, see above".to_owned()) }
}
