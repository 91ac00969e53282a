//! Rules of Cargo.toml files: who may know whom, and where versions are written.

use std::collections::{BTreeMap, BTreeSet};

use toml::{Table, Value};

use super::{Source, nothing_breaks, tree};

/// One crate of the workspace.
struct Member {
    /// Its folder.
    folder: String,
    /// Its Cargo.toml.
    file: Source,
    /// The same, read.
    table: Table,
}

impl Member {
    /// What it depends on for a build, or for its tests.
    fn dependencies(&self, section: &str) -> Vec<(&str, &Value)> {
        let table = self.table.get(section).and_then(Value::as_table);
        let all = table.into_iter().flatten();
        all.map(|(name, value)| (name.as_str(), value)).collect()
    }

    fn text(&self, section: &str, key: &str) -> Option<&Value> {
        self.table.get(section)?.get(key)
    }
}

fn members() -> Vec<Member> {
    let files = tree();
    let read = |name: &str| -> Source {
        let found = files.iter().find(|file| file.name == name);
        found.unwrap_or_else(|| panic!("no {name}")).clone()
    };
    let root: Table = read("Cargo.toml").text.parse().expect("TOML");
    let folders = root["workspace"]["members"].as_array().expect("a list");
    let members: Vec<Member> = folders
        .iter()
        .map(|folder| {
            let folder = folder.as_str().expect("a folder").to_owned();
            let file = read(&format!("{folder}/Cargo.toml"));
            let table = file.text.parse().expect("TOML");
            Member {
                folder,
                file,
                table,
            }
        })
        .collect();
    assert!(members.len() >= 11, "the workspace has its crates");
    members
}

/// The short name of a crate of this workspace.
fn short(name: &str) -> Option<&str> {
    name.strip_prefix("anchorhold-")
}

/// Who may know whom, as the table of the architecture says.
fn allowed() -> BTreeMap<String, Option<BTreeSet<String>>> {
    let files = tree();
    let page = files
        .iter()
        .find(|file| file.name == "host/ARCHITECTURE.md");
    let mut allowed = BTreeMap::new();
    for line in page.expect("the architecture").text.lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, folder, _, known, _] = cells[..] else {
            continue;
        };
        let Some(folder) = folder
            .strip_prefix('`')
            .and_then(|cell| cell.strip_suffix('`'))
        else {
            continue;
        };
        let known = match known {
            "all of them" => None,
            "nothing" => Some(BTreeSet::new()),
            names => Some(names.split(", ").map(str::to_owned).collect()),
        };
        allowed.insert(folder.to_owned(), known);
    }
    allowed
}

#[test]
fn every_crate_knows_only_whom_the_architecture_lets_it_know() {
    let allowed = allowed();
    let mut broken = Vec::new();
    let members = members();
    for member in &members {
        let Some(known) = allowed.get(&member.folder) else {
            broken.push(format!(
                "{}: the architecture does not mention it",
                member.folder
            ));
            continue;
        };
        let sections = ["dependencies", "build-dependencies"];
        for (name, _) in sections
            .iter()
            .flat_map(|section| member.dependencies(section))
        {
            let (Some(name), Some(known)) = (short(name), known) else {
                continue;
            };
            if !known.contains(name) {
                broken.push(format!("{} knows {name}", member.folder));
            }
        }
    }
    for folder in allowed.keys().filter(|folder| folder.contains('/')) {
        if !members.iter().any(|member| member.folder == *folder) && !folder.starts_with("tests") {
            let is_crate = !folder.ends_with(".rs") && !folder.ends_with("/tests");
            if is_crate {
                broken.push(format!("{folder}: no crate of the workspace"));
            }
        }
    }
    nothing_breaks("dependencies go one way", &broken);
}

#[test]
fn only_the_program_names_plugins() {
    let members = members();
    let plugins: Vec<&str> = members
        .iter()
        .filter(|member| member.folder.starts_with("plugins/"))
        .filter_map(|member| member.text("package", "name")?.as_str())
        .collect();
    assert!(plugins.contains(&"anchorhold-keydb"));
    let mut broken = Vec::new();
    for member in members.iter().filter(|member| member.folder != "host/cli") {
        for section in ["dependencies", "build-dependencies"] {
            for (name, _) in member.dependencies(section) {
                if plugins.contains(&name) {
                    broken.push(format!("{} knows {name}", member.folder));
                }
            }
        }
    }
    nothing_breaks("a plugin is named by the program alone", &broken);
}

/// Crates of others that only some of ours may use.
const RESERVED: &[(&str, &[&str])] = &[
    ("anyhow", &[]),
    ("cryptoki", &["plugins/pkcs11"]),
    ("inventory", &["sdk/abi"]),
    ("keyring", &["plugins/keychain"]),
    ("keyring-core", &["plugins/keychain"]),
    ("libloading", &["host/boundary"]),
    ("rusqlite", &["host/state"]),
    ("rustls", &["host/kernel", "host/session", "host/rehearse"]),
    ("rustls-native-certs", &["plugins/system"]),
    ("rustls-webpki", &["host/kernel"]),
    ("secret-service", &["plugins/keychain"]),
    (
        "serde",
        &[
            "host/api",
            "host/boundary",
            "host/cli",
            "host/kernel",
            "host/session",
            "host/state",
            "plugins/pkcs11",
            "sdk/conform",
        ],
    ),
    ("serde_json", &["host/cli", "host/state", "sdk/conform"]),
    ("thiserror", &[]),
    ("tokio", &["host/cli", "host/rehearse", "host/session"]),
    ("tokio-rustls", &["host/rehearse", "host/session"]),
    (
        "toml",
        &[
            "host/boundary",
            "host/cli",
            "host/kernel",
            "plugins/pkcs11",
            "sdk/conform",
        ],
    ),
    ("zbus", &["plugins/keychain"]),
];

#[test]
fn crates_of_others_are_used_where_they_belong() {
    let mut broken = Vec::new();
    for member in members() {
        for (name, _) in member.dependencies("dependencies") {
            let reserved = RESERVED.iter().find(|(reserved, _)| *reserved == name);
            if reserved.is_some_and(|(_, folders)| !folders.contains(&&*member.folder)) {
                broken.push(format!("{} uses {name}", member.folder));
            }
        }
    }
    nothing_breaks("what a crate is for is used in one place", &broken);
}

#[test]
fn versions_are_written_in_one_place() {
    let mut broken = Vec::new();
    for member in members() {
        for section in ["dependencies", "build-dependencies", "dev-dependencies"] {
            for (name, value) in member.dependencies(section) {
                if value.get("workspace") != Some(&Value::Boolean(true)) {
                    broken.push(format!("{}: {name}", member.file.name));
                }
            }
        }
        for key in ["version", "edition", "license", "rust-version", "publish"] {
            if is_for_authors(&member.folder) && ["edition", "rust-version"].contains(&key) {
                continue;
            }
            let said = member
                .text("package", key)
                .and_then(|value| value.get("workspace"));
            if said != Some(&Value::Boolean(true)) {
                broken.push(format!("{}: package.{key}", member.file.name));
            }
        }
        if member.text("lints", "workspace") != Some(&Value::Boolean(true)) {
            broken.push(format!(
                "{}: its lints are not those of the workspace",
                member.file.name
            ));
        }
    }
    nothing_breaks(
        "the root says which version, and the crates that they want it",
        &broken,
    );
}

/// Whether it is built by the compilers of those who write plugins, which are older than ours.
fn is_for_authors(folder: &str) -> bool {
    ["sdk/abi", "sdk/rust"].contains(&folder)
}

#[test]
fn what_authors_build_is_for_one_compiler() {
    let versions: BTreeSet<String> = members()
        .iter()
        .filter(|member| is_for_authors(&member.folder))
        .map(|member| {
            let [edition, version] = ["edition", "rust-version"]
                .map(|key| member.text("package", key).and_then(Value::as_str));
            format!("{edition:?} {version:?}")
        })
        .collect();
    assert_eq!(
        versions,
        BTreeSet::from([r#"Some("2021") Some("1.82")"#.to_owned()])
    );
    let files = tree();
    let guide = files.iter().find(|file| file.name == "sdk/README.md");
    let guide = guide.expect("the authors' guide");
    assert!(guide.text.contains("from Rust 1.82 on"));
}

#[test]
fn every_dependency_says_what_it_is_for() {
    let mut broken = Vec::new();
    for member in members() {
        let mut section = "";
        let mut before = "";
        for (number, line) in member.file.lines() {
            if line.starts_with('[') {
                section = line;
            }
            let named = section.ends_with("dependencies]") && line.contains("workspace = true");
            let named = named || section.ends_with("dependencies]") && line.contains(".workspace");
            let ours = line.starts_with("anchorhold-");
            if named && !ours && !line.contains('#') && !before.starts_with('#') {
                broken.push(format!("{}:{number}: {line}", member.file.name));
            }
            before = line;
        }
    }
    nothing_breaks("a dependency has a reason", &broken);
}

#[test]
fn the_program_is_what_cargo_runs_and_builds() {
    let files = tree();
    let root = files
        .iter()
        .find(|file| file.name == "Cargo.toml")
        .expect("the root");
    let root: Table = root.text.parse().expect("TOML");
    let members = root["workspace"]["default-members"].as_array();
    assert_eq!(
        members.map(Vec::as_slice),
        Some(&[Value::from("host/cli")][..])
    );
}
