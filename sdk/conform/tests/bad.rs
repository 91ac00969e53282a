//! Plugins with one fault each: the kit names that fault, and no other.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what a test cannot do without, fails it"
)]

#[path = "bad/build.rs"]
mod build;
#[path = "bad/fault.rs"]
mod fault;
#[path = "bad/workshop.rs"]
mod workshop;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use fault::{FAULTS, Fault};
use workshop::{Broken, check};

/// What is wrong with what the kit said of a plugin.
fn misnamed(fault: &Fault) -> Option<String> {
    // Whatever else would show the same fault is at its own level, or below it.
    let level = fault.case.split('.').next().unwrap_or_default();
    let levels = ["--only", "load", "--only", "read", "--only", level];
    let broken = check(fault.file, &[&levels, fault.options].concat());
    let named = |one: &&Broken| one.id == fault.case && one.message.contains(fault.words);
    if !broken.iter().any(|one| named(&one)) {
        return Some(format!(
            "{}: {} does not say {:?}: {broken:#?}",
            fault.file, fault.case, fault.words
        ));
    }
    let other = broken
        .iter()
        .find(|one| !one.message.contains(fault.words) && !fault.also.contains(&one.id.as_str()));
    other.map(|other| {
        format!(
            "{}: another fault is named besides {:?}: {other:#?}",
            fault.file, fault.words
        )
    })
}

#[test]
fn the_kit_names_each_fault_and_no_other() {
    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(fault) = FAULTS.get(next.fetch_add(1, Ordering::Relaxed)) {
                    wrong.lock().unwrap().extend(misnamed(fault));
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_bad_plugin_is_tried() {
    let mut files: Vec<String> = std::fs::read_dir(build::sources())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.ends_with(".h") && !name.ends_with(".inc"))
        // One has no fault, and one is no plugin.
        .filter(|name| name != "good.c" && name != "p11-shim.c")
        .collect();
    files.sort();
    let mut tried: Vec<&str> = FAULTS.iter().map(|fault| fault.file).collect();
    tried.sort_unstable();
    assert_eq!(files, tried);
}

#[test]
fn plugin_without_a_fault_has_none() {
    let broken = check("good.c", &[]);
    assert!(broken.is_empty(), "{broken:#?}");
}

/// The one case of the good plugin, after something was done to its directory.
fn said_after(case: &str, change: impl FnOnce(&Path)) -> String {
    let place = tempfile::tempdir().unwrap();
    let built = build::build("good.c");
    let library = place.path().join("libbad.so");
    std::fs::copy(&built, &library).unwrap();
    let manifest = "org.example.bad.plugin.toml";
    std::fs::copy(built.with_file_name(manifest), place.path().join(manifest)).unwrap();
    change(place.path());
    let output = Command::new(env!("CARGO_BIN_EXE_anchorhold-conform"))
        .args(["--only", case])
        .arg(library)
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_manifest_that_is_there_and_broken_is_named() {
    let said = said_after("load.manifest", |place| {
        let manifest = place.join("org.example.bad.plugin.toml");
        std::fs::write(manifest, "id = 7\n").unwrap();
    });
    assert!(said.starts_with("failed"), "{said}");
    let named = said.contains("cannot be used") && said.contains("bad.plugin.toml: ");
    assert!(named, "{said}");
    let said = said_after("load.manifest", |place| {
        std::fs::remove_file(place.join("org.example.bad.plugin.toml")).unwrap();
    });
    assert!(said.contains("there is no manifest beside"), "{said}");
}

#[test]
fn what_would_not_be_registered_is_a_warning() {
    let said = said_after("load.admissible", |_| {});
    assert!(said.starts_with("passed"), "{said}");
    let said = said_after("load.admissible", |place| {
        std::fs::set_permissions(place, Permissions::from_mode(0o777)).unwrap();
    });
    assert!(said.starts_with("warning"), "{said}");
    let mends = said.contains("plugin add refuses it") && said.contains("chmod go-w");
    assert!(mends, "{said}");
    assert!(said.contains("0 failed"), "{said}");
}
