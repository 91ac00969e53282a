//! Files with one byte changed: whatever is listed then is what was there before, or nothing.

use std::fs;
use std::path::Path;

use anchorhold_boundary::manifest::Value;
use anchorhold_kernel::plan::StorePlan;
use anchorhold_kernel::{Kernel, KernelOptions, Registry};

use super::scene::{Kind, Scene};

#[test]
fn no_changed_byte_of_a_kdb_shows_another_certificate() {
    for version in ["v4", "v6"] {
        let more = format!(", version = \"{version}\"");
        tamper(&Scene::with_settings(Kind::Kdb, 1, &more));
    }
}

#[test]
fn no_changed_byte_of_a_p12_shows_another_certificate() {
    tamper(&Scene::new(Kind::P12, 1));
}

#[test]
fn no_changed_byte_of_a_stash_shows_another_certificate() {
    for (kind, form) in [
        (Kind::Kdb, "v1"),
        (Kind::Kdb, "v2"),
        (Kind::P12, "v1"),
        (Kind::P12, "v2"),
    ] {
        let more = format!(", stash = \"{form}\"");
        let scene = Scene::with_settings(kind, 1, &more);
        scene.import("a.pem");
        let (right, wrong) = change_everywhere(&scene, &scene.stash());
        // A stash hides how long the password is by bytes that mean nothing.
        assert!(right > 0 && wrong > 30, "{right} the same, {wrong} errors");
    }
}

/// Every byte of the database counts.
fn tamper(scene: &Scene) {
    scene.import("a.pem");
    scene.import("b.pem");
    let (right, wrong) = change_everywhere(scene, &scene.database());
    assert_eq!(right, 0, "of {wrong}");
}

/// Changes one byte of a file after another; how often the store then lists the same, and how
/// often it cannot be listed.
fn change_everywhere(scene: &Scene, path: &Path) -> (usize, usize) {
    let good = fs::read(path).expect("there");
    let expected = listed(scene).expect("it is well");
    assert!(!expected.is_empty());
    let (mut same, mut errors) = (0, 0);
    let step = good.len().div_ceil(MOST);
    // Where some are left out, they are others each time.
    let first = usize::try_from(std::process::id()).expect("a small number") % step;
    for at in (first..good.len()).step_by(step) {
        let mut bytes = good.clone();
        bytes[at] ^= 1 << (at / step % 8);
        fs::write(path, &bytes).expect("written");
        match listed(scene) {
            Some(found) => {
                assert_eq!(found, expected, "byte {at} of {}", path.display());
                same += 1;
            }
            None => errors += 1,
        }
    }
    fs::write(path, &good).expect("written");
    assert_eq!(listed(scene), Some(expected), "it was the byte alone");
    (same, errors)
}

/// The certificates that the host sees in the store with their labels; none where it sees that
/// something is wrong.
fn listed(scene: &Scene) -> Option<Vec<(String, Vec<u8>)>> {
    let database = scene.database();
    let path = database.to_str().expect("text").to_owned();
    let base = scene.home.path("h");
    let plan = StorePlan::new("keydb", "anchorhold.keydb", &base)
        .with_setting("path", Value::String(path));
    let kernel = Kernel::open(vec![plan], &Registry::builtin(), KernelOptions::default());
    let [store] = kernel.stores() else {
        panic!("one store")
    };
    let snapshot = store.fresh_snapshot().ok()?;
    let items = snapshot.items().iter();
    let mut found: Vec<_> = items
        .map(|item| (item.label.clone(), item.der.clone()))
        .collect();
    found.sort();
    Some(found)
}

/// The most bytes of one file that have their turn; of a larger one, some are left out.
const MOST: usize = 1_000;
