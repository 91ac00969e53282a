//! What the kit says of a bad plugin.

use std::process::Command;

use crate::build::build;

/// A case that came to no good.
#[derive(Clone, Debug)]
pub(crate) struct Broken {
    pub(crate) id: String,
    pub(crate) message: String,
}

/// Builds a plugin, holds it against the contract, and returns what is broken.
pub(crate) fn check(file: &str, options: &[&str]) -> Vec<Broken> {
    let library = build(file);
    let output = Command::new(env!("CARGO_BIN_EXE_anchorhold-conform"))
        .args(["--json", "--scratch", "--limit", "300"])
        .args(options)
        .arg(&library)
        .output()
        .expect("the kit runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let document: serde_json::Value = serde_json::from_str(&text).unwrap_or_else(|error| {
        let errors = String::from_utf8_lossy(&output.stderr);
        panic!("{file}: {error}: {text}{errors}")
    });
    let cases = document["cases"].as_array().expect("a list of cases");
    let text = |case: &serde_json::Value, key: &str| case[key].as_str().unwrap().to_owned();
    let broken: Vec<Broken> = cases
        .iter()
        .filter(|case| matches!(case["result"].as_str(), Some("failed" | "crashed")))
        .map(|case| Broken {
            id: text(case, "id"),
            message: text(case, "message"),
        })
        .collect();
    assert_eq!(
        output.status.code(),
        Some(i32::from(!broken.is_empty())),
        "{file}: the exit status says whether something is broken"
    );
    broken
}
