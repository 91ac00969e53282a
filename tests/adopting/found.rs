//! Where the vendor's client keeps its databases, looked for without a path.

use std::fs;
use std::time::Duration;

use serde_json::Value;

use super::{LABEL, OTHER_LABEL, Scene};
use crate::support::{Outcome, Snapshot, TRUSTED, Watched, mismatches, repository, stanza};

/// Looks for them, with a home of this user below that of the test.
fn looks(scene: &Scene, words: &[&str], variables: &[(&str, &str)]) -> (Outcome, Value) {
    let mut all = vec!["store", "create", "--adopt", "--json"];
    all.extend(words);
    let mut command = scene.home.command(&all);
    command.env("HOME", scene.home.path("user"));
    for name in ["DSM_DIR", "DSMI_DIR"] {
        command.env_remove(name);
    }
    for (name, directory) in variables {
        command.env(name, scene.home.path(directory));
    }
    let outcome = Watched::output(&mut command, b"", Duration::from_secs(60));
    let document = outcome.document();
    if document.get("error").is_none() {
        let schema = repository().join("host/api/schema/store-create.json");
        let schema = fs::read_to_string(schema).expect("a schema");
        let schema = serde_json::from_str(&schema).expect("JSON");
        let wrong = mismatches(&schema, &document);
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
    (outcome, document)
}

fn names(document: &Value) -> Vec<(&str, &str)> {
    let stores = document["stores"].as_array().expect("a list");
    stores.iter().map(name_and_outcome).collect()
}

fn name_and_outcome(store: &Value) -> (&str, &str) {
    let text = |field: &str| store[field].as_str().expect("text");
    (text("name"), text("outcome"))
}

#[test]
fn what_lies_in_this_users_home_and_where_options_say_is_adopted_to_be_read() {
    let Some(scene) = Scene::set() else { return };
    let vendor = &scene.vendor;
    let first = "user/IBM/StorageProtect/certs/dsmcert.kdb";
    vendor.kdb(first, 6, &[(LABEL, &scene.one, TRUSTED)]);
    let second = "user/IBM/SpectrumProtect/certs/dsmcert.kdb";
    vendor.kdb(second, 4, &[(OTHER_LABEL, &scene.two, TRUSTED)]);
    vendor.kdb(
        "passwords/dsmcert.kdb",
        6,
        &[("a root", &scene.three, TRUSTED)],
    );
    let directory = format!("PASSWORDDIR {}", scene.home.path("passwords").display());
    let servers = [
        stanza("TSM1", 1500, &[&directory]),
        stanza("TSM2", 1501, &[]),
    ];
    scene.home.write("dsm.sys", servers.concat());
    let before = [
        Snapshot::of(&scene.home.path("user")),
        Snapshot::of(&scene.home.path("passwords")),
    ];

    let (outcome, dry) = looks(&scene, &["--dry-run"], &[]);
    outcome.exits(0);
    assert_eq!(dry["stores"].as_array().map(Vec::len), Some(3), "{dry:#}");
    assert!(scene.home.snapshot().is_empty(), "a dry run writes nothing");

    let (outcome, document) = looks(&scene, &[], &[]);
    outcome.exits(0);
    let expected = ["dsmcert-passworddir", "dsmcert-home", "dsmcert-home-2"];
    assert_eq!(
        names(&document),
        expected.map(|name| (name, "new")),
        "{document:#}"
    );
    for store in document["stores"].as_array().expect("a list") {
        assert_eq!(store["adopted"], "read", "{store:#}");
    }
    for (identity, server) in [(&scene.one, "TSM1"), (&scene.two, "TSM2")] {
        assert!(
            !scene.is_trusted(identity, server),
            "finding is not trusting"
        );
    }
    let (outcome, again) = looks(&scene, &[], &[]);
    outcome.exits(0);
    assert_eq!(names(&again), expected.map(|name| (name, "unchanged")));
    let after = [
        Snapshot::of(&scene.home.path("user")),
        Snapshot::of(&scene.home.path("passwords")),
    ];
    assert_eq!(after, before);
}

#[test]
fn nothing_found_is_a_no_with_the_places() {
    let Some(scene) = Scene::set() else { return };
    let (outcome, document) = looks(&scene, &[], &[]);
    outcome.exits(1);
    let places = document["places"].to_string();
    for place in [
        "client/ba/bin",
        "client/api/bin64",
        "IBM/StorageProtect/certs",
        "IBM/SpectrumProtect/certs",
    ] {
        assert!(places.contains(place), "{place}: {places}");
    }
    assert!(scene.home.snapshot().is_empty());
}

#[test]
fn what_only_a_variable_names_is_shown_and_not_adopted() {
    let Some(scene) = Scene::set() else { return };
    scene.kdb(6);
    let (outcome, document) = looks(&scene, &[], &[("DSM_DIR", "client")]);
    outcome.exits(0);
    assert_eq!(document["stores"], Value::Array(Vec::new()), "{document:#}");
    let refused = &document["not_adopted"][0];
    let message = refused["message"].as_str().expect("text");
    assert!(message.contains("DSM_DIR"), "{message}");
    assert!(scene.home.snapshot().is_empty());
    scene.obeys(refused["remedy"].as_str().expect("a remedy"));
    let (outcome, document) = looks(&scene, &[], &[("DSM_DIR", "client")]);
    outcome.exits(0);
    assert_eq!(names(&document), [("dsmcert", "unchanged")]);
}

#[test]
fn what_belongs_to_somebody_else_is_shown_and_not_adopted() {
    let Some(scene) = Scene::set() else { return };
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let name = "user/IBM/StorageProtect/certs/dsmcert.kdb";
    scene.vendor.kdb(name, 6, &[(LABEL, &scene.one, TRUSTED)]);
    let nobody = Some(65_534);
    std::os::unix::fs::chown(scene.home.path(name), nobody, nobody).expect("given away");
    let (outcome, document) = looks(&scene, &[], &[]);
    outcome.exits(0);
    let message = document["not_adopted"][0]["message"]
        .as_str()
        .expect("text");
    assert!(message.contains("neither root nor"), "{message}");
    assert!(scene.home.snapshot().is_empty());
}

#[test]
fn one_that_cannot_be_opened_keeps_no_other_from_being_adopted() {
    let Some(scene) = Scene::set() else { return };
    let (bad, good) = (
        "user/IBM/StorageProtect/certs/dsmcert.kdb",
        "user/IBM/SpectrumProtect/certs/dsmcert.kdb",
    );
    for name in [bad, good] {
        scene.vendor.kdb(name, 6, &[(LABEL, &scene.one, TRUSTED)]);
    }
    fs::remove_file(scene.home.path(bad).with_extension("sth")).expect("there");
    let (outcome, document) = looks(&scene, &[], &[]);
    outcome.exits(3);
    assert_eq!(names(&document), [("dsmcert-home", "new")], "{document:#}");
    let message = document["not_adopted"][0]["message"]
        .as_str()
        .expect("text");
    assert!(message.contains("dsmcert.sth is missing"), "{message}");
}

#[test]
fn a_name_or_the_right_to_write_is_for_one_database() {
    let Some(scene) = Scene::set() else { return };
    for words in [&["--name", "x"][..], &["--write"]] {
        let (outcome, document) = looks(&scene, words, &[]);
        outcome.exits(2);
        assert_eq!(document["error"]["code"], "usage", "{document:#}");
    }
}
