//! Lists the sources of the SDK, which `plugin new` puts into every project in Rust.

use std::error::Error;
use std::fs;
use std::path::Path;

/// Each crate with its sources, and what of them is behind a feature that only hosts use.
const CRATES: [(&str, &str, &[&str]); 2] = [
    ("anchorhold-abi", "../../sdk/abi/src", &["builtin.rs"]),
    (
        "anchorhold-sdk",
        "../../sdk/rust/src",
        &["testing.rs", "testing"],
    ),
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    let here = std::env::var("CARGO_MANIFEST_DIR")?;
    let out = std::env::var("OUT_DIR")?;
    let mut table = String::from("&[\n");
    for (name, folder, without) in CRATES {
        println!("cargo::rerun-if-changed={folder}");
        let root = Path::new(&here).join(folder);
        let mut files = Vec::new();
        find(&root, "", without, &mut files)?;
        files.sort();
        for file in files {
            table.push_str(&format!(
                "    (\"{name}\", \"{file}\", include_str!(concat!(\
                 env!(\"CARGO_MANIFEST_DIR\"), \"/{folder}/{file}\"))),\n"
            ));
        }
    }
    table.push_str("]\n");
    fs::write(Path::new(&out).join("vendored.rs"), table)?;
    Ok(())
}

/// The sources below a folder that are no tests.
fn find(
    folder: &Path,
    below: &str,
    without: &[&str],
    files: &mut Vec<String>,
) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_str().ok_or("a name that is no text")?;
        let path = format!("{below}{name}");
        if without.contains(&path.as_str()) || name == "tests" || name == "tests.rs" {
            continue;
        }
        if entry.file_type()?.is_dir() {
            find(&entry.path(), &format!("{path}/"), without, files)?;
        } else if name.ends_with(".rs") {
            files.push(path);
        }
    }
    Ok(())
}
