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
        .filter(|name| !name.ends_with(".h") && !name.ends_with(".inc") && name != "good.c")
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
