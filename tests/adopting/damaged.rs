//! What cannot be opened, or is no key database: it is said, and nothing is written.

use std::fs;

use super::{KDB, Scene};
use crate::support::Snapshot;

/// It is refused with a word about it, the home is not even made, and the files stay as they are.
#[track_caller]
fn refused(scene: &Scene, path: &str, says: &str) {
    let before = Snapshot::of(&scene.home.path("client"));
    for words in [&[path][..], &[path, "--write"], &[path, "--dry-run"]] {
        let mut all = vec!["store", "create", "--adopt"];
        all.extend(words);
        let document = scene.home.json(2, &all);
        let error = &document["error"];
        let message = format!("{}{}", error["message"], error["causes"]);
        assert!(message.contains(says), "{path}: {document:#}");
        assert!(error["remedy"].is_string(), "{path}: {document:#}");
    }
    assert!(
        scene.home.snapshot().is_empty(),
        "{path}: nothing is written"
    );
    assert_eq!(Snapshot::of(&scene.home.path("client")), before, "{path}");
}

#[test]
fn what_cannot_be_opened_is_no_store() {
    let Some(scene) = Scene::set() else { return };
    let stash = scene.home.path("client/dsmcert.sth");
    for version in [4, 6] {
        scene.kdb(version);
        scene.vendor.stash(KDB, "v1", "another");
        refused(&scene, KDB, "dsmcert.kdb");
        fs::write(&stash, b"no stash").expect("written");
        refused(&scene, KDB, "dsmcert.sth");
        fs::remove_file(&stash).expect("there");
        refused(&scene, KDB, "dsmcert.sth is missing");
        scene.kdb(version);
        let sound = scene.database();
        for at in [8, 0x20, 0x40, sound.len() / 2, sound.len() - 1] {
            let mut altered = sound.clone();
            altered[at] ^= 1;
            scene.home.write(KDB, altered);
            refused(&scene, KDB, "dsmcert.kdb");
        }
        scene.home.write(KDB, &sound[..sound.len() - 1]);
        refused(&scene, KDB, "dsmcert.kdb");
        scene.home.write(KDB, [&sound[..], b"x"].concat());
        refused(&scene, KDB, "dsmcert.kdb");
        scene.home.write(KDB, b"");
        refused(&scene, KDB, "dsmcert.kdb");
    }
}

#[test]
fn a_version_that_is_only_imported_from_is_no_store() {
    let Some(scene) = Scene::set() else { return };
    scene.kdb(6);
    let mut old = scene.database();
    old[2] = 3;
    scene.home.write(KDB, old);
    refused(&scene, KDB, "version 3");
}

#[test]
fn what_is_no_key_database_by_its_name_is_none() {
    let Some(scene) = Scene::set() else { return };
    refused(&scene, "one.pem", "no key database by its name");
    refused(&scene, "nowhere.kdb", "cannot be read");
    refused(&scene, "/dev/null", "no key database by its name");
    scene.home.write("client/x", "");
    refused(&scene, "client", "there is no key database in it");
    scene.home.write("client/a.kdb", "");
    scene.home.write("client/b.P12", "");
    refused(&scene, "client", "several key databases");
    // Of several, the one that the vendor's client made is meant.
    scene.kdb(6);
    let store = scene.adopts(&["client", "--dry-run"]);
    assert_eq!(store["name"], "dsmcert");
    let pipe = scene.home.path("client/pipe.kdb");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    if made.is_ok_and(|status| status.success()) {
        scene
            .home
            .json(2, &["store", "create", "--adopt", "client/pipe.kdb"]);
    }
}
