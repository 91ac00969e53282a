//! Stores with a lock, and plugins that crash, as the operator sees and mends them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::Value;

use crate::support::{Home, here, repository};

/// A home with a store whose PIN is 1234; a wrong one takes one of three attempts.
struct Vault {
    home: Home,
}

impl Vault {
    /// The store's secret stands in a file, which holds this.
    fn with_pin(pin: &str) -> Option<Self> {
        let vault = Self::set("secrets = { pin = { file = \"pin\" } }")?;
        vault.store_pin(pin);
        Some(vault)
    }

    fn set(more: &str) -> Option<Self> {
        if !here("cc") {
            return None;
        }
        let home = Home::new();
        let source = repository().join("tests/plugins");
        let include = repository().join("sdk/c/include");
        let compiled = Command::new("cc")
            .args(["-std=c99", "-D_POSIX_C_SOURCE=200809L", "-shared", "-fPIC"])
            .args(["-Wall", "-Wextra", "-Werror", "-I"])
            .arg(include)
            .arg("-o")
            .arg(home.path("libvault.so"))
            .arg(source.join("vault.c"))
            .status();
        assert!(compiled.expect("cc runs").success());
        let manifest = "org.example.vault.plugin.toml";
        fs::copy(source.join(manifest), home.path(manifest)).expect("copied");
        home.run(&["plugin", "add", manifest, "--yes"]).exits(0);
        home.configure(&format!(
            "[[store]]\nname = \"keydb\"\nplugin = \"anchorhold.keydb\"\n\
             settings = {{ path = \"stores/a.p12\" }}\n\n\
             [[store]]\nname = \"vault\"\nplugin = \"org.example.vault\"\n{more}\n"
        ));
        Some(Self { home })
    }

    fn store_pin(&self, pin: &str) {
        let path = self.home.write("h/pin", pin);
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("set");
    }

    /// The line of the store in `store list`.
    fn listed(&self) -> Value {
        let stores = self.home.json(0, &["store", "list"]);
        stores["stores"][1].clone()
    }

    /// What `store check` says is wrong with it.
    fn problem(&self) -> String {
        let check = self.home.json(3, &["store", "check"]);
        let problems = check["problems"].as_array().expect("a list");
        assert_eq!(problems.len(), 1, "the other store is well: {check:#}");
        problems[0].as_str().expect("a text").to_owned()
    }

    fn told(&self, event: &str) -> usize {
        let journal = self.home.json(0, &["journal", "show"]);
        let entries = journal["entries"].as_array().expect("a list");
        entries
            .iter()
            .filter(|entry| entry["event"] == event)
            .count()
    }
}

#[test]
fn a_stored_pin_opens_the_lock_whenever_it_has_to_be() {
    let Some(vault) = Vault::with_pin("1234\n") else {
        return;
    };
    for _ in 0..2 {
        let check = vault.home.json(0, &["store", "check"]);
        assert_eq!(check["stores"][1]["health"], "ready", "{check:#}");
    }
    assert_eq!(vault.listed()["isolation"], "runner");
    assert_eq!(vault.told("secret-refused"), 0);
}

#[test]
fn a_wrong_stored_pin_is_tried_once_and_then_not_until_it_is_another() {
    let Some(vault) = Vault::with_pin("4321\n") else {
        return;
    };
    assert!(vault.problem().contains("is wrong"));
    assert_eq!(vault.listed()["attempts_left"], 2);
    for _ in 0..3 {
        assert!(vault.problem().contains("was refused before"));
    }
    assert_eq!(vault.listed()["attempts_left"], 2, "it was tried again");
    assert_eq!(vault.told("secret-refused"), 1);
    vault.store_pin("1234\n");
    vault.home.json(0, &["store", "check"]);
    assert_eq!(vault.told("secret-taken"), 1);
}

#[test]
fn a_pin_that_others_can_read_is_not_tried() {
    let Some(vault) = Vault::with_pin("1234\n") else {
        return;
    };
    let pin = vault.home.path("h/pin");
    fs::set_permissions(&pin, fs::Permissions::from_mode(0o640)).expect("set");
    let problem = vault.problem();
    assert!(problem.contains("chmod 600"), "{problem}");
    assert_eq!(vault.listed()["attempts_left"], 3);
}

#[test]
fn the_last_attempt_is_left_to_a_person() {
    let Some(vault) = Vault::set("secrets = { pin = { file = \"pin\" } }") else {
        return;
    };
    for wrong in ["0000\n", "0001\n"] {
        vault.store_pin(wrong);
        vault.problem();
    }
    assert_eq!(vault.listed()["attempts_left"], 1);
    vault.store_pin("1234\n");
    assert!(vault.problem().contains("one attempt is left"));
    assert_eq!(vault.listed()["attempts_left"], 1);
    let unlocked = vault
        .home
        .json(0, &["store", "unlock", "vault", "--pin-file", "h/pin"]);
    assert_eq!(unlocked["health"], "ready", "{unlocked:#}");
    vault.home.json(0, &["store", "check"]);
}

#[test]
fn a_person_unlocks_with_a_file_or_a_descriptor_and_never_with_an_argument() {
    let Some(vault) = Vault::set("secrets = { pin = \"ask\" }") else {
        return;
    };
    let home = &vault.home;
    vault.store_pin("1234\n");
    home.json(0, &["store", "unlock", "vault", "--pin-file", "h/pin"]);
    let script = "exec anchorhold --home h store unlock vault --pin-fd 3 3<h/pin";
    home.shell(script).exits(0);
    let script = "exec anchorhold --home h store unlock vault --pin-fd 7";
    home.shell(script).exits(2);
    home.write("h/wrong", "9999");
    fs::set_permissions(home.path("h/wrong"), fs::Permissions::from_mode(0o600)).expect("set");
    let refused = home.json(2, &["store", "unlock", "vault", "--pin-file", "h/wrong"]);
    assert_eq!(refused["error"]["code"], "secret-wrong");
    let remedy = refused["error"]["remedy"].as_str().expect("a text");
    assert!(remedy.contains("2 attempts are left"), "{remedy}");
    for line in [
        &["store", "unlock", "vault", "1234"][..],
        &["store", "unlock", "vault", "--pin", "1234"],
    ] {
        home.run(line).exits(2);
    }
}

#[test]
fn nobody_is_asked_where_there_is_no_terminal() {
    let Some(vault) = Vault::set("secrets = { pin = \"ask\" }") else {
        return;
    };
    let outcome = vault.home.run(&["store", "unlock", "vault"]).exits(2);
    for word in ["no terminal", "PIN of the vault", "--pin-file"] {
        assert!(outcome.stderr.contains(word), "{}", outcome.stderr);
    }
    let check = vault.home.json(3, &["store", "check"]);
    let remedy = check["remedies"][0].as_str().expect("a text");
    assert!(remedy.contains("store unlock vault"), "{check:#}");
    assert_eq!(vault.listed()["attempts_left"], 3);
}

#[test]
fn a_store_without_a_lock_says_so() {
    let home = Home::new();
    for turn in ["unlock", "lock"] {
        let refused = home.json(2, &["store", turn, "keydb"]);
        assert_eq!(refused["error"]["code"], "no-lock", "{refused:#}");
    }
    let refused = home.json(2, &["store", "unlock", "nowhere"]);
    assert_eq!(refused["error"]["code"], "unknown-store");
}

#[test]
fn a_plugin_that_crashes_costs_its_own_store_only_until_it_is_released() {
    let Some(vault) = Vault::set("settings = { die = \"list\" }") else {
        return;
    };
    for count in 1..=3 {
        let problem = vault.problem();
        assert!(problem.contains("SIGSEGV"), "{problem}");
        assert_eq!(vault.told("plugin-crashed"), count);
    }
    assert!(vault.problem().contains("store release vault"));
    let listed = vault.listed();
    assert_eq!(listed["health"], "quarantined", "{listed:#}");
    assert_eq!(listed["code"], "quarantined");
    let crash = listed["crash"].as_str().expect("a text");
    assert!(crash.contains("SIGSEGV"), "{crash}");
    assert_eq!(vault.told("plugin-quarantined"), 1);
    assert_eq!(vault.told("plugin-crashed"), 3, "it was not started again");

    let released = vault.home.json(0, &["store", "release", "vault"]);
    assert_eq!(released["changed"], true, "{released:#}");
    assert_eq!(vault.listed()["health"], "locked");
    assert_eq!(vault.told("plugin-released"), 1);
    let again = vault.home.json(0, &["store", "release", "vault"]);
    assert_eq!(again["changed"], false, "{again:#}");
    vault.home.json(2, &["store", "release", "nowhere"]);
}

#[test]
fn a_plugin_that_cannot_be_opened_is_a_crash_too() {
    let Some(vault) = Vault::set("settings = { die = \"open\" }") else {
        return;
    };
    let listed = vault.listed();
    assert_eq!(listed["health"], "crashed", "{listed:#}");
    assert_eq!(vault.told("plugin-crashed"), 1);
}

#[test]
fn a_quarantined_plugin_that_was_swapped_is_told_as_swapped() {
    let Some(vault) = Vault::set("settings = { die = \"list\" }") else {
        return;
    };
    (0..3).for_each(|_| drop(vault.problem()));
    let manifest = "org.example.vault.plugin.toml";
    let text = fs::read_to_string(vault.home.path(manifest)).expect("there");
    vault
        .home
        .write(manifest, format!("{text}\n# Another one.\n"));
    let listed = vault.listed();
    assert_eq!(listed["health"], "failed", "{listed:#}");
    assert_eq!(listed["code"], "pin-mismatch", "{listed:#}");
    let detail = listed["detail"].as_str().expect("a text");
    assert!(detail.contains("quarantined"), "{detail}");
    let check = vault.home.json(3, &["store", "check"]);
    let remedy = check["remedies"][0].as_str().expect("a remedy");
    assert!(remedy.contains("plugin add"), "{remedy}");
    assert!(remedy.contains(&format!("{manifest} --update")), "{remedy}");
    vault.home.write(manifest, text);
    assert_eq!(vault.listed()["code"], "quarantined");
    let check = vault.home.json(3, &["store", "check"]);
    let remedy = check["remedies"][0].as_str().expect("a remedy");
    assert!(remedy.contains("store release vault"), "{remedy}");
}

#[test]
fn what_is_registered_anew_is_started_again_also_where_it_is_the_same() {
    let Some(vault) = Vault::set("settings = { die = \"list\" }") else {
        return;
    };
    (0..3).for_each(|_| drop(vault.problem()));
    let manifest = "org.example.vault.plugin.toml";
    let add = ["plugin", "add", manifest, "--yes"];
    let added = vault.home.json(0, &add);
    assert_eq!(added["outcome"], "unchanged");
    assert_eq!(vault.listed()["health"], "quarantined", "nothing was said");
    let updated = vault.home.json(0, &[&add[..], &["--update"]].concat());
    assert_eq!(updated["outcome"], "updated");
    assert_eq!(vault.listed()["health"], "locked");
    assert_eq!(vault.told("plugin-released"), 1);
}

#[test]
fn another_code_is_not_held_responsible_for_what_the_last_one_did() {
    let Some(vault) = Vault::set("settings = { die = \"list\" }") else {
        return;
    };
    (0..3).for_each(|_| drop(vault.problem()));
    assert_eq!(vault.listed()["health"], "quarantined");
    let manifest = "org.example.vault.plugin.toml";
    let text = fs::read_to_string(vault.home.path(manifest)).expect("there");
    vault
        .home
        .write(manifest, format!("{text}\n# Another one.\n"));
    vault
        .home
        .run(&["plugin", "add", manifest, "--update", "--yes"])
        .exits(0);
    assert_eq!(vault.listed()["health"], "locked");
}

#[test]
fn a_library_runs_in_this_program_only_where_the_operator_says_so() {
    let Some(vault) = Vault::set("isolation = \"in-process\"") else {
        return;
    };
    let listed = vault.listed();
    assert_eq!(
        (&listed["isolation"], &listed["sandbox"]),
        (&"in-process".into(), &"none".into())
    );
    let note = listed["sandbox_note"].as_str().expect("a text");
    assert!(note.contains("whatever this program can"), "{note}");
    assert_eq!(listed["health"], "locked");

    let Some(vault) = Vault::set("isolation = \"in-process\"\nrequire_sandbox = true") else {
        return;
    };
    let listed = vault.listed();
    assert_eq!(
        (&listed["health"], &listed["code"]),
        (&"failed".into(), &"sandbox".into())
    );
    assert!(vault.problem().contains("require"));
}
