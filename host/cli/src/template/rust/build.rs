//! Lists the certificates of `anchors/` for the code, and puts the manifest beside the library.
#![forbid(unsafe_code)]

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

const MANIFEST: &str = "@id@.plugin.toml";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=anchors");
    println!("cargo::rerun-if-changed={MANIFEST}");
    let here = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    fs::write(out.join("anchors.rs"), list(&here.join("anchors"))?)?;
    match profile_directory(&out) {
        Some(directory) => {
            fs::copy(here.join(MANIFEST), directory.join(MANIFEST))
                .map_err(|error| format!("{MANIFEST}, which build.rs names: {error}"))?;
        }
        None => println!("cargo::warning=copy {MANIFEST} to where the library is"),
    }
    Ok(())
}

/// The certificates as an array of labels and bytes, in the order of their names.
fn list(directory: &Path) -> Result<String, Box<dyn Error>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "der") {
            files.push(path);
        }
    }
    files.sort();
    let mut text = String::from("&[\n");
    for file in files {
        // A DER certificate is a SEQUENCE; PEM is text.
        if fs::read(&file)?.first() != Some(&0x30) {
            return Err(format!("{} is no certificate in DER", file.display()).into());
        }
        let label = file.file_stem().unwrap_or_default().to_string_lossy();
        let path = file.to_str().ok_or("a path that is no text")?;
        text.push_str(&format!("    ({label:?}, include_bytes!({path:?})),\n"));
    }
    text.push_str("]\n");
    Ok(text)
}

/// `target/debug` or the like, where cargo puts the library. `OUT_DIR` lies below its `build`.
fn profile_directory(out: &Path) -> Option<&Path> {
    out.ancestors()
        .filter(|directory| directory.file_name().is_some_and(|name| name == "build"))
        .filter_map(Path::parent)
        .find(|directory| directory.file_name().is_none_or(|name| name != "build"))
}
