//! Plugins that are refused, that nobody uses, or that are granted too much or too little.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};

use super::store::registered;
use super::{LOCAL, confines, found, gone, healthy, mends, paste, sound, told};
use crate::support::{Foreign, Home, MINIMAL};

fn about() -> String {
    format!("plugin {MINIMAL}")
}

#[test]
fn a_library_that_changed_is_told_once_with_the_stores_that_fail() {
    let Some((home, plugin)) = registered() else {
        return;
    };
    sound(&home);
    plugin.replace();
    let finding = mends(&home, "error", "pin-mismatch", &about(), "--yes");
    assert!(
        finding["message"]
            .as_str()
            .expect("text")
            .contains("minimal")
    );
    plugin.describe(&home, "# another\n");
    mends(&home, "error", "pin-mismatch", &about(), "--yes");
    sound(&home);
}

#[test]
fn files_that_others_could_change_are_told() {
    let Some((home, plugin)) = registered() else {
        return;
    };
    let mode = |path: &std::path::Path, mode: u32| {
        fs::set_permissions(path, Permissions::from_mode(mode)).expect("set");
    };
    mode(&plugin.library, 0o777);
    mends(&home, "error", "unsafe-mode", &about(), "");
    mode(&home.path("my"), 0o777);
    mends(&home, "error", "unsafe-parent", &about(), "");
    if rustix::process::geteuid().is_root() {
        chown(&plugin.library, Some(65_534), None).expect("given away");
        mends(&home, "error", "unsafe-owner", &about(), "");
    }
    sound(&home);
}

#[test]
fn files_that_are_gone_or_something_else_are_told() {
    let Some((home, plugin)) = registered() else {
        return;
    };
    let library = fs::read(&plugin.library).expect("there");
    let manifest = home.path(&plugin.manifest);
    let text = fs::read(&manifest).expect("there");
    for (path, code, instead) in [
        (&plugin.library, "library-missing", "nothing"),
        (&plugin.library, "not-a-file", "a directory"),
        (&manifest, "not-found", "nothing"),
    ] {
        fs::remove_file(path).expect("there");
        if instead == "a directory" {
            fs::create_dir(path).expect("made");
        }
        let finding = told(&home, "error", code, &about());
        let remove = format!(" plugin remove {MINIMAL}");
        assert!(
            finding["remedy"].as_str().expect("text").ends_with(&remove),
            "{finding:#}"
        );
        if instead == "a directory" {
            fs::remove_dir(path).expect("there");
        }
        fs::write(&plugin.library, &library).expect("written");
        fs::write(&manifest, &text).expect("written");
        gone(&home, code);
    }
    // A manifest that is pinned and cannot be used was made for another release.
    let pinned = home.path(&format!("h/plugins.d/{MINIMAL}.toml"));
    fs::write(&manifest, "nonsense = 1\n").expect("written");
    let digest = crate::support::sha256(b"nonsense = 1\n");
    let registered = fs::read_to_string(&pinned).expect("there");
    let line = registered
        .lines()
        .find(|line| line.starts_with("manifest_sha256"))
        .expect("a pin");
    let other = registered.replace(line, &format!("manifest_sha256 = \"{digest}\""));
    fs::write(&pinned, other).expect("written");
    told(&home, "error", "manifest-invalid", &about());
    // What is taken out cannot be in the way.
    fs::remove_file(&manifest).expect("there");
    let finding = found(&home, "not-found");
    paste(&home, &finding, "");
    sound(&home);
}

#[test]
fn a_plugin_that_no_store_uses_is_worth_a_note() {
    let home = healthy();
    let Some(plugin) = Foreign::compile(&home, &[0x30, 3, 2, 1, 5]) else {
        return;
    };
    home.json(
        0,
        &["plugin", "add", &plugin.manifest, "--no-store", "--yes"],
    );
    mends(&home, "note", "plugin-unused", &about(), "");
}

#[test]
fn two_plugins_of_one_id_are_told() {
    let Some((home, _)) = registered() else {
        return;
    };
    let file = home.path(&format!("h/plugins.d/{MINIMAL}.toml"));
    let text = fs::read_to_string(file).expect("there");
    let plugin = text.split("[[store]]").next().expect("a table");
    home.write("h/plugins.d/other.toml", plugin);
    let finding = told(&home, "error", "plugin-unusable", &about());
    assert!(
        finding["remedy"]
            .as_str()
            .expect("text")
            .contains("other.toml")
    );
    fs::remove_file(home.path("h/plugins.d/other.toml")).expect("there");
    gone(&home, "plugin-unusable");
    let taken = "anchorhold.keydb";
    let name = format!("h/plugins.d/{taken}.toml");
    home.write(&name, plugin.replace(MINIMAL, taken));
    mends(
        &home,
        "error",
        "plugin-unusable",
        "plugin anchorhold.keydb",
        "",
    );
    assert!(!home.path(&name).exists());
    sound(&home);
}

#[test]
fn a_manifest_of_another_plugin_is_told() {
    let Some((home, _)) = registered() else {
        return;
    };
    let file = home.path(&format!("h/plugins.d/{MINIMAL}.toml"));
    let text = fs::read_to_string(&file).expect("there");
    let other = text.replacen(MINIMAL, "org.example.other", 1);
    fs::write(&file, other).expect("written");
    let finding = told(&home, "error", "id-mismatch", "plugin org.example.other");
    assert!(
        finding["remedy"].as_str().expect("text").contains(MINIMAL),
        "{finding:#}"
    );
}

/// A home with a plugin that needs these, registered with these grants.
fn needing(needs: &str, grants: &[&str]) -> Option<(Home, Foreign)> {
    let home = healthy();
    let plugin = Foreign::compile(&home, &[0x30, 3, 2, 1, 5]).filter(|_| confines())?;
    let text = fs::read_to_string(home.path(&plugin.manifest)).expect("there");
    let text = text.replace(
        "needs = [\"read\"]",
        &format!("needs = [\"read\", {needs}]"),
    );
    home.write(&plugin.manifest, text);
    let mut words = vec!["plugin", "add", &*plugin.manifest, "--yes"];
    for grant in grants {
        words.extend(["--grant", grant]);
    }
    home.json(0, &words);
    Some((home, plugin))
}

#[test]
fn what_a_plugin_needs_and_is_not_granted_is_told() {
    let needs = "\"read:/etc/hostname\", \"fork\"";
    let Some((home, _)) = needing(needs, &["fork"]) else {
        return;
    };
    let finding = mends(
        &home,
        "warning",
        "need-not-granted",
        "store \"minimal\"",
        "--yes",
    );
    let message = finding["message"].as_str().expect("text");
    assert!(message.contains("read:/etc/hostname"), "{message}");
    // What was granted before still is.
    gone(&home, "grant-unused");
}

#[test]
fn what_is_granted_and_not_needed_is_told() {
    let Some((home, _)) = needing("\"fork\"", &["fork", "keyring"]) else {
        return;
    };
    mends(&home, "note", "grant-unused", &about(), "--yes");
    gone(&home, "need-not-granted");
    let file = home.path(&format!("h/plugins.d/{MINIMAL}.toml"));
    let text = fs::read_to_string(&file).expect("there");
    let store = text.replace("[[store]]", "[[store]]\ngrant = [\"keyring\"]");
    fs::write(&file, store).expect("written");
    told(&home, "note", "grant-unused", "store \"minimal\"");
}

#[test]
fn what_a_plugin_may_need_is_neither_missing_nor_idle() {
    let Some((home, plugin)) = needing("\"prompt\"", &[]) else {
        return;
    };
    let path = home.path(&plugin.manifest);
    let text = fs::read_to_string(&path).expect("there");
    let text = text.replace("abi = 1", "abi = 1\nmay_need = [\"fork\", \"keyring\"]");
    home.write(&plugin.manifest, text);
    let add = ["plugin", "add", &plugin.manifest, "--yes", "--update"];
    home.json(0, &[&add[..], &["--grant", "fork"]].concat());
    gone(&home, "need-not-granted");
    gone(&home, "grant-unused");
}

#[test]
fn what_reaches_far_is_told() {
    let Some((home, _)) = needing("\"read:/etc\"", &["read:/etc"]) else {
        return;
    };
    let finding = told(&home, "warning", "grant-far-reaching", "store \"minimal\"");
    assert!(finding["message"].as_str().expect("text").contains("/etc"));
}

#[test]
fn a_sandbox_that_is_less_than_whole_is_told_with_why() {
    let Some((home, _)) = needing("\"network\"", &["network"]) else {
        return;
    };
    // It is what the operator wanted, on a machine that could do more.
    let finding = told(&home, "note", "sandbox-partial", "store \"minimal\"");
    let message = finding["message"].as_str().expect("text");
    assert!(
        message.len() > "the sandbox of its plugin is partial: ".len(),
        "{message}"
    );
    let file = home.path(&format!("h/plugins.d/{MINIMAL}.toml"));
    let text = fs::read_to_string(&file).expect("there");
    let store = text.replace("[[store]]", "[[store]]\nrequire_sandbox = true");
    fs::write(&file, store).expect("written");
    told(&home, "error", "sandbox", "store \"minimal\"");
    gone(&home, "sandbox-partial");
}

#[test]
fn a_library_inside_the_program_is_told() {
    let Some((home, _)) = registered() else {
        return;
    };
    let file = home.path(&format!("h/plugins.d/{MINIMAL}.toml"));
    let text = fs::read_to_string(&file).expect("there");
    let store = text.replace("[[store]]", "[[store]]\nisolation = \"in-process\"");
    fs::write(&file, store).expect("written");
    told(&home, "warning", "in-process", "store \"minimal\"");
    fs::write(&file, text).expect("written");
    sound(&home);
    home.configure(LOCAL);
}
