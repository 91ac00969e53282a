//! Stores that are made, not adopted.

use std::fs;

use super::Scene;
use crate::support::{Home, Layout, Snapshot};

#[test]
fn a_store_is_made_by_its_name_and_filled_by_the_first_import() {
    let Some(scene) = Scene::set() else { return };
    let dry = scene
        .home
        .json(0, &["store", "create", "--name", "more", "--dry-run"]);
    assert_eq!(dry["stores"][0]["format"], "p12", "{dry:#}");
    assert!(scene.home.snapshot().is_empty());
    let made = scene.home.json(0, &["store", "create", "--name", "more"]);
    let store = &made["stores"][0];
    assert_eq!(
        (&store["outcome"], &store["adopted"]),
        (&"new".into(), &serde_json::Value::Null)
    );
    let file = scene.home.path("h/stores/more.p12");
    assert!(!file.exists(), "the first import makes it");
    scene.home.json(
        0,
        &["import", "--server", "TSM1", "one.pem", "--store", "more"],
    );
    assert!(file.exists());
    // It stands beside the store of an empty home, which takes what names no store.
    let imported = scene
        .home
        .json(0, &["import", "--server", "TSM1", "two.pem"]);
    assert_eq!(imported["imported"][0]["store"], "keydb");
    assert!(!scene.home.path("h/anchorhold.toml").exists());
}

#[test]
fn a_kdb_is_made_in_the_version_and_with_the_stash_that_are_asked_for() {
    let Some(scene) = Scene::set() else { return };
    let Some(layout) = Layout::find(scene.home.directory()) else {
        return;
    };
    for (version, stash) in [("v4", "v1"), ("v6", "v2")] {
        let (set, form) = (format!("version={version}"), format!("stash={stash}"));
        let path = format!("path=made/{version}.kdb");
        let mut words = vec!["store", "create", "--name", version];
        words.extend(["--set", &path, "--set", &set, "--set", &form]);
        let made = scene.home.json(0, &words);
        assert_eq!(made["stores"][0]["version"], version, "{made:#}");
        scene.home.json(
            0,
            &["import", "--server", "TSM1", "one.pem", "--store", version],
        );
        let read = layout.stash(&format!("made/{version}.sth"));
        assert_eq!(read["form"], stash);
        let password = read["password"].as_str().expect("text");
        let database = layout.read(&format!("made/{version}.kdb"), password);
        assert_eq!(format!("v{}", database["version"]), version);
    }
}

#[test]
fn a_name_or_a_file_that_is_taken_is_refused() {
    let Some(scene) = Scene::set() else { return };
    scene.home.json(0, &["store", "create", "--name", "more"]);
    scene.home.write("h/stores/there.p12", "somebody's");
    let before = scene.home.snapshot();
    for (words, code) in [
        (&["--name", "more"][..], "store-known"),
        (&["--name", "keydb"], "store-known"),
        (&["--name", "there"], "database-there"),
        (
            &["--name", "x", "--set", "path=h/stores/more.p12"],
            "store-known",
        ),
        (
            &["--name", "x", "--set", "path=h/other/../stores/more.p12"],
            "store-known",
        ),
        (
            &["--name", "x", "--set", "path=h/stores/more.kdb"],
            "stash-shared",
        ),
        (&["--name", "x", "--set", "path=x.txt"], "database-unusable"),
        (&["--name", "x", "--set", "nonsense=1"], "setting-invalid"),
        (&["--name", "x", "--set", "version=v9"], "database-unusable"),
        (
            &["--name", "x", "--plugin", "org.example.x"],
            "plugin-unknown",
        ),
        (&["--name", "../x"], "store-invalid"),
        (&["--name", ".x"], "store-invalid"),
        (&[], "usage"),
        (&["--name", "x", "--write"], "usage"),
        (&["--like", "nobody", "--name", "x"], "unknown-store"),
    ] {
        let mut all = vec!["store", "create"];
        all.extend(words);
        let refused = scene.home.json(2, &all);
        assert_eq!(refused["error"]["code"], code, "{words:?}: {refused:#}");
    }
    assert_eq!(scene.home.snapshot(), before);
}

#[test]
fn two_that_make_the_same_store_at_once_make_one() {
    let home = Home::new();
    let calls: Vec<_> = (0..4)
        .map(|_| {
            let mut command = home.command(&["store", "create", "--name", "more", "--json"]);
            command.stdout(std::process::Stdio::null());
            command.spawn().expect("started")
        })
        .collect();
    let codes: Vec<_> = calls
        .into_iter()
        .map(|mut call| call.wait().expect("ended").code())
        .collect();
    let made = codes.iter().filter(|code| **code == Some(0)).count();
    assert_eq!(made, 1, "{codes:?}");
    let others = codes.iter().filter(|code| **code != Some(0));
    assert!(others.into_iter().all(|code| *code == Some(2)), "{codes:?}");
    let journal = home.run(&["journal", "show"]).exits(0).stdout;
    assert_eq!(journal.matches("store-created").count(), 1, "{journal}");
    home.run(&["store", "check"]).exits(0);
}

#[test]
fn what_cannot_be_written_down_is_not_journalled() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    home.json(0, &["store", "create", "--name", "one"]);
    let directory = home.path("h/stores.d");
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o777)).expect("changed");
    let before = Snapshot::of(&directory);
    let refused = home.json(2, &["store", "create", "--name", "two"]);
    assert_eq!(refused["error"]["code"], "config-unsafe", "{refused:#}");
    assert_eq!(Snapshot::of(&directory), before);
}
