//! What is done with the keychain of a session.

use serde_json::json;

use super::scene::{Scene, create, import, listed};
use crate::support::{Served, confines, stanza};

#[test]
fn a_certificate_is_imported_listed_shown_and_removed() {
    let Some(scene) = Scene::new() else {
        return;
    };
    let sha256 = scene.server.sha256();
    assert_eq!(scene.import()["imported"][0]["outcome"], "new");
    let listed = scene.listed();
    let [one] = listed.as_slice() else {
        panic!("{listed:#?}");
    };
    assert_eq!(one["sha256"], sha256.as_str());
    assert_eq!(one["servers"], json!(["TSM1"]));
    assert_eq!(one["kind"], "pin");
    let entries = scene.entries();
    for line in [
        "label = TSM server TSM1 self-signed key".to_owned(),
        format!("attribute.sha256 = {sha256}"),
        "label = Anchorhold: key of keychain-".to_owned(),
    ] {
        assert!(entries.contains(&line), "{line} is not in\n{entries}");
    }
    assert_eq!(scene.import()["imported"][0]["outcome"], "unchanged");
    let words = ["remove", &sha256, "--all", "--store", "keychain"];
    scene.home.run(&words).exits(0);
    assert!(scene.listed().is_empty());
    let entries = scene.entries();
    assert!(!entries.contains(&sha256), "{entries}");
    scene.home.run(&["store", "check"]).exits(0);
}

#[test]
fn the_session_is_granted_when_the_store_is_made() {
    let Some(mut scene) = Scene::bare() else {
        return;
    };
    scene.start(Some(super::scene::PASSWORD));
    let made = scene.create();
    let reach = &made["stores"][0]["reach"];
    assert_eq!(reach["isolation"], "runner", "{made:#}");
    assert_eq!(reach["grants"][0]["what"], "session-bus", "{made:#}");
    let bus = format!(
        "DBUS_SESSION_BUS_ADDRESS=unix:path={}",
        scene.home.path("bus").display()
    );
    assert_eq!(reach["env"][0]["what"], bus.as_str(), "{made:#}");
}

#[test]
fn a_server_is_pinned_by_the_keychain() {
    let Some(scene) = Scene::new() else {
        return;
    };
    let served = Served::start(&scene.server, &[]);
    scene
        .home
        .write("dsm.sys", stanza("TSM1", served.port, &["SSL Yes"]));
    scene.import();
    let report = scene.home.connects(0, "tls", "held-certificate", 11);
    assert_eq!(report["certificate"]["store"], "keychain", "{report:#}");
    assert_eq!(report["certificate"]["how"], "pin", "{report:#}");
    let standing = scene.standing();
    assert_eq!(standing["isolation"], "runner", "{standing:#}");
    if confines() {
        assert_eq!(standing["sandbox"], "full", "{standing:#}");
    }
    let other = scene.openssl.stock("other");
    let impostor = Served::start(&other, &[]);
    scene
        .home
        .write("dsm.sys", stanza("TSM1", impostor.port, &["SSL Yes"]));
    scene.home.connects(1, "refuse", "certificate-mismatch", 4);
}

#[test]
fn two_homes_whose_stores_have_one_name_do_not_meet() {
    let Some(scene) = Scene::new() else {
        return;
    };
    let other = scene.other_home();
    create(&other);
    scene.import();
    assert!(listed(&other).is_empty());
    import(&other, &scene.server);
    let words = ["remove", &scene.server.sha256(), "--all"];
    let words = [&words[..], &["--store", "keychain"]].concat();
    scene.home.run(&words).exits(0);
    assert!(scene.listed().is_empty());
    assert_eq!(listed(&other).len(), 1);
    assert_eq!(super::scene::standing(&other)["health"], "ready");
}

#[test]
fn entries_of_other_programs_are_left_alone() {
    let Some(scene) = Scene::new() else {
        return;
    };
    let sha256 = scene.server.sha256();
    let marks = [
        vec!["application", "another", "sha256", &sha256],
        vec![
            "application",
            "anchorhold",
            "store",
            "another",
            "sha256",
            &sha256,
        ],
    ];
    for mark in &marks {
        let words = ["secret-tool", "store", "--label=theirs"];
        scene.tool(&[&words[..], mark].concat(), "theirs").exits(0);
    }
    scene.import();
    let words = ["remove", &sha256, "--all", "--store", "keychain"];
    scene.home.run(&words).exits(0);
    for mark in &marks {
        let words = ["secret-tool", "lookup"];
        let found = scene.tool(&[&words[..], mark].concat(), "").exits(0);
        assert_eq!(found.stdout, "theirs", "{mark:?}");
    }
    assert_eq!(scene.standing()["health"], "ready");
}

#[test]
fn nothing_is_lost_where_several_import_at_once() {
    let Some(scene) = Scene::new() else {
        return;
    };
    let identities: Vec<_> = (0..4)
        .map(|number| scene.openssl.stock(&format!("server{number}")))
        .collect();
    std::thread::scope(|threads| {
        for identity in &identities {
            let home = &scene.home;
            threads.spawn(move || import(home, identity));
        }
    });
    let mut held: Vec<_> = scene
        .listed()
        .iter()
        .map(|one| one["sha256"].as_str().expect("a text").to_owned())
        .collect();
    let mut wanted: Vec<_> = identities.iter().map(|one| one.sha256()).collect();
    held.sort();
    wanted.sort();
    assert_eq!(held, wanted);
    assert_eq!(scene.standing()["health"], "ready");
}
