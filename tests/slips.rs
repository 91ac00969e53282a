//! What is easily mistyped or forgotten about a plugin: each message says what to type instead.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::Value;

use crate::support::{Foreign, Home, here, repository};

/// Bytes that are listed all the same: what a certificate says is no matter of a plugin's.
const ANCHOR: &[u8] = &[0x30, 3, 2, 1, 5];

const URL: &str = "[settings.url]\ntype = \"string\"\nrequired = true\n";

fn home_with_plugin() -> Option<(Home, Foreign)> {
    let home = Home::new();
    let plugin = Foreign::compile(&home, ANCHOR)?;
    Some((home, plugin))
}

/// What to do next, as a failure says.
#[track_caller]
fn remedy(failure: &Value) -> &str {
    let remedy = failure["error"]["remedy"].as_str();
    remedy.unwrap_or_else(|| panic!("no remedy in {failure:#}"))
}

#[track_caller]
fn message(failure: &Value) -> &str {
    let message = failure["error"]["message"].as_str();
    message.unwrap_or_else(|| panic!("no message in {failure:#}"))
}

#[test]
fn a_library_in_place_of_its_manifest_is_recognized() {
    let Some((home, plugin)) = home_with_plugin() else {
        return;
    };
    let library = plugin.library.to_str().expect("UTF-8");
    // A manifest has a limit, and a library with all that helps to debug it is beyond that.
    for large in [false, true] {
        if large {
            let mut bytes = fs::read(&plugin.library).expect("there");
            bytes.resize(1 << 20, 0);
            fs::write(&plugin.library, bytes).expect("written");
        }
        for words in [
            &["plugin", "add", library, "--yes"][..],
            &["plugin", "run", library, "list"],
        ] {
            let failure = home.json(2, words);
            assert!(message(&failure).contains("a library"), "{failure:#}");
            assert!(remedy(&failure).contains(".plugin.toml"), "{failure:#}");
        }
    }
    fs::remove_file(&plugin.library).expect("removed");
    let failure = home.json(2, &["plugin", "add", &plugin.manifest, "--yes"]);
    assert_eq!(failure["error"]["code"], "library-missing");
    assert!(remedy(&failure).starts_with("build"), "{failure:#}");
    assert!(home.snapshot().is_empty(), "nothing was written");
}

#[test]
fn a_setting_that_is_not_known_leaves_a_store_as_it_is() {
    let Some((home, plugin)) = home_with_plugin() else {
        return;
    };
    plugin.describe(&home, URL);
    let add = |code: i32, more: &[&str]| {
        let words = [&["plugin", "add", &plugin.manifest, "--yes"], more].concat();
        home.json(code, &words)
    };
    let notes = add(0, &[])["notes"].to_string();
    assert!(notes.contains("--set url="), "{notes}");
    add(0, &["--set", "url=ldap://x"]);
    let file = home.path("h/plugins.d/org.example.minimal.toml");
    let before = fs::read_to_string(&file).expect("there");
    let failure = add(2, &["--set", "ulr=ldap://y"]);
    assert_eq!(failure["error"]["code"], "setting-invalid");
    assert_eq!(fs::read_to_string(&file).expect("there"), before);
    let changed = add(0, &["--set", "url=ldap://y"]);
    assert_eq!(changed["changed"], Value::from(vec!["minimal"]));
    assert!(
        fs::read_to_string(&file)
            .expect("there")
            .contains("ldap://y")
    );
}

#[test]
fn settings_of_a_store_that_stands_elsewhere_are_changed_there() {
    let Some((home, plugin)) = home_with_plugin() else {
        return;
    };
    plugin.describe(&home, URL);
    let add = |code: i32, more: &[&str]| {
        let words = [&["plugin", "add", &plugin.manifest, "--yes"], more].concat();
        home.json(code, &words)
    };
    add(0, &["--no-store"]);
    home.configure(
        "[[store]]\nname = \"mine\"\nplugin = \"org.example.minimal\"\n\
         settings = { url = \"ldap://x\" }\n",
    );
    let failure = add(2, &["--set", "url=ldap://y"]);
    assert!(remedy(&failure).contains("anchorhold.toml"), "{failure:#}");
}

#[test]
fn grants_that_were_typed_are_in_the_command_that_takes_them() {
    let Some((home, plugin)) = home_with_plugin() else {
        return;
    };
    let add = ["plugin", "add", &plugin.manifest, "--yes", "--grant"];
    home.json(0, &[&add[..], &["fork"]].concat());
    let failure = home.json(2, &[&add[..], &["read:/etc/my certs"]].concat());
    assert!(message(&failure).ends_with("fork"), "{failure:#}");
    let remedy = remedy(&failure);
    assert!(
        remedy.ends_with("--update --grant 'read:/etc/my certs'"),
        "{remedy}"
    );
}

#[test]
fn a_plugin_that_is_refused_is_sent_to_the_kit() {
    let Some((home, plugin)) = home_with_plugin() else {
        return;
    };
    plugin.build(&["-Danchorhold_plugin_v1=other_name"]);
    let failure = home.json(2, &["plugin", "run", &plugin.manifest, "list"]);
    assert_eq!(failure["error"]["code"], "no-entry", "{failure:#}");
    let remedy = remedy(&failure);
    let (_, named) = remedy.split_once("plugin check ").expect("a command");
    assert!(named.contains("my/org.example.minimal"), "{remedy}");
}

/// Compiles the store whose PIN is 1234, and registers it.
fn vault() -> Option<(Home, String)> {
    if !here("cc") {
        return None;
    }
    let home = Home::new();
    let source = repository().join("tests/plugins");
    let compiled = Command::new("cc")
        .args(["-std=c99", "-D_POSIX_C_SOURCE=200809L", "-shared", "-fPIC"])
        .arg("-I")
        .arg(repository().join("sdk/c/include"))
        .arg("-o")
        .arg(home.path("libvault.so"))
        .arg(source.join("vault.c"))
        .status();
    assert!(compiled.expect("cc runs").success());
    let manifest = "org.example.vault.plugin.toml";
    fs::copy(source.join(manifest), home.path(manifest)).expect("copied");
    let pin = home.write("pin", "1234\n");
    fs::set_permissions(pin, fs::Permissions::from_mode(0o600)).expect("set");
    Some((home, manifest.to_owned()))
}

#[test]
fn a_locked_store_is_unlocked_for_the_call_that_is_tried() {
    let Some((home, manifest)) = vault() else {
        return;
    };
    let run = ["plugin", "run", &manifest, "list"];
    let failure = home.json(3, &run);
    assert!(remedy(&failure).contains("--pin-file"), "{failure:#}");
    for place in [&[][..], &["--in-process"]] {
        let words = [&run[..], &["--pin-file", "pin"], place].concat();
        assert_eq!(home.json(0, &words)["call"], "list");
    }
    let pin = home.path("pin");
    fs::set_permissions(pin, fs::Permissions::from_mode(0o644)).expect("set");
    let failure = home.json(2, &[&run[..], &["--pin-file", "pin"]].concat());
    assert!(message(&failure).contains("chmod 600"), "{failure:#}");
}

#[test]
fn a_lock_without_a_stored_secret_is_told_where_to_store_it() {
    let Some((home, manifest)) = vault() else {
        return;
    };
    home.run(&["plugin", "add", &manifest, "--yes"]).exits(0);
    home.configure("[[store]]\nname = \"vault\"\nplugin = \"org.example.vault\"\n");
    let check = home.json(3, &["store", "check"]);
    let remedy = check["remedies"][0].as_str().expect("a text");
    assert!(remedy.contains("secrets ="), "{remedy}");
    let unlocked = home.json(0, &["store", "unlock", "vault", "--pin-file", "pin"]);
    let told = unlocked["message"].as_str().expect("a text");
    assert!(told.contains("locked again"), "{told}");
}

#[test]
fn a_crash_is_told_with_what_comes_next() {
    let Some((home, manifest)) = vault() else {
        return;
    };
    home.run(&["plugin", "add", &manifest, "--yes"]).exits(0);
    home.configure(
        "[[store]]\nname = \"vault\"\nplugin = \"org.example.vault\"\n\
         settings = { die = \"list\" }\nsecrets = { pin = { file = \"../pin\" } }\n",
    );
    let check = home.json(3, &["store", "check"]);
    let remedy = check["remedies"][0].as_str().expect("a text");
    assert!(remedy.contains("store release vault"), "{remedy}");
}
