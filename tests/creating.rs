//! Stores of other plugins than the key database, as `store create` makes them.

mod token;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::Value;

use crate::support::{Home, here, repository};

/// A home with a plugin registered whose stores have a lock; the PIN is 1234.
fn vault() -> Option<Home> {
    if !here("cc") {
        return None;
    }
    let home = Home::new();
    let source = repository().join("tests/plugins");
    let compiled = Command::new("cc")
        .args(["-std=c99", "-D_POSIX_C_SOURCE=200809L", "-shared", "-fPIC"])
        .args(["-Wall", "-Wextra", "-Werror", "-I"])
        .arg(repository().join("sdk/c/include"))
        .arg("-o")
        .arg(home.path("libvault.so"))
        .arg(source.join("vault.c"))
        .status();
    assert!(compiled.expect("cc runs").success());
    let manifest = "org.example.vault.plugin.toml";
    fs::copy(source.join(manifest), home.path(manifest)).expect("copied");
    home.run(&["plugin", "add", manifest, "--yes", "--no-store"])
        .exits(0);
    Some(home)
}

fn pin(home: &Home, pin: &str) {
    let path = home.write("pin", pin);
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("set");
}

const CREATE: [&str; 6] = [
    "store",
    "create",
    "--name",
    "vault",
    "--plugin",
    "org.example.vault",
];

fn create<'w>(more: &[&'w str]) -> Vec<&'w str> {
    [&CREATE[..], more].concat()
}

fn file(home: &Home) -> String {
    fs::read_to_string(home.path("h/stores.d/vault.toml")).expect("written")
}

#[test]
fn a_store_is_made_with_the_source_of_its_secret_and_looked_at_first() {
    let Some(home) = vault() else {
        return;
    };
    pin(&home, "1234\n");
    let words = create(&[
        "--secret",
        "pin=file:pin",
        "--env",
        "VAULT=a b",
        "--grant",
        "read:/etc/hostname",
        "--isolation",
        "runner",
        "--scratch",
    ]);
    let preview = home.json(0, &[&words[..], &["--dry-run"]].concat());
    assert_eq!(preview["dry_run"], true);
    assert!(!home.path("h/stores.d").exists(), "nothing was written");
    let made = home.json(0, &words);
    let store = &made["stores"][0];
    let reach = &store["reach"];
    assert_eq!(reach["isolation"], "runner");
    assert_eq!(reach["grants"][0]["what"], "read:/etc/hostname");
    assert_eq!(reach["env"][0]["what"], "VAULT=a b");
    let source = reach["secrets"][0]["what"].as_str().expect("a text");
    assert!(
        source.starts_with("pin: /") && source.ends_with("/pin"),
        "{source}"
    );
    let text = file(&home);
    for line in [
        "\"read:/etc/hostname\"] # granted with --grant",
        "VAULT = \"a b\" # given with --env",
        "isolation = \"runner\"",
        "scratch = true",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    assert!(!text.contains("1234"), "a secret is never written: {text}");
    // What stands there is what the next command uses.
    let check = home.json(0, &["store", "check", "vault"]);
    assert_eq!(check["passed"], true, "{check:#}");
}

#[test]
fn a_store_that_needs_a_secret_says_how_it_is_given() {
    let Some(home) = vault() else {
        return;
    };
    let failure = home.json(2, &create(&[]));
    let error = &failure["error"];
    assert_eq!(error["code"], "setting-invalid");
    let remedy = error["remedy"].as_str().expect("a remedy");
    assert!(remedy.contains("--secret KEY=file:PATH"), "{remedy}");
}

#[test]
fn a_locked_store_is_made_and_says_what_opens_it() {
    let Some(home) = vault() else {
        return;
    };
    let made = home.json(0, &create(&["--secret", "pin=ask"]));
    let store = &made["stores"][0];
    let notes = store["notes"].to_string();
    assert!(notes.contains("it is locked"), "{notes}");
    let next = store["next"][0].as_str().expect("a command");
    assert!(next.ends_with("store unlock vault"), "{next}");
    pin(&home, "1234");
    home.run(&["store", "unlock", "vault", "--pin-file", "pin"])
        .exits(0);
}

#[test]
fn a_secret_that_is_typed_is_neither_taken_nor_repeated() {
    let Some(home) = vault() else {
        return;
    };
    for typed in [
        "pin=S3cret",
        "S3cret",
        "pin=fd:S3cret",
        "pin=credential:a/S3cret",
    ] {
        let outcome = home.run(&create(&["--secret", typed])).exits(2);
        let said = format!("{}{}", outcome.stdout, outcome.stderr);
        assert!(!said.contains("S3cret"), "{typed}: {said}");
        assert!(!home.path("h/stores.d").exists(), "{typed}");
    }
    let twice = ["--secret", "pin=ask", "--secret", "pin=fd:3"];
    let outcome = home.run(&create(&twice)).exits(2);
    assert!(outcome.stderr.contains("given twice"), "{}", outcome.stderr);
}

#[test]
fn what_is_wrong_about_a_store_is_told_and_nothing_is_written() {
    let Some(home) = vault() else {
        return;
    };
    pin(&home, "9999");
    for (more, what) in [
        // The wrong one takes an attempt, once.
        (&["--secret", "pin=file:pin"][..], "secret"),
        (
            &["--secret", "pin=ask", "--secret", "puk=ask"],
            "there are: pin",
        ),
        (&["--secret", "pin=ask", "--set", "colour=red"], "colour"),
        (&["--secret", "pin=ask", "--env", "LD_PRELOAD=/x"], "loader"),
        (&["--secret", "pin=ask", "--grant", "read:etc"], "absolute"),
        (&["--secret", "pin=ask", "--scope", "all"], "imported"),
    ] {
        let outcome = home.run(&create(more)).exits(2);
        assert!(
            outcome.stderr.contains(what),
            "{more:?}: {}",
            outcome.stderr
        );
        assert!(!home.path("h/stores.d/vault.toml").exists(), "{more:?}");
    }
}

#[test]
fn a_secret_that_is_not_there_yet_is_no_reason_not_to_make_the_store() {
    let Some(home) = vault() else {
        return;
    };
    let made = home.json(0, &create(&["--secret", "pin=file:later"]));
    let notes = made["stores"][0]["notes"].to_string();
    assert!(notes.contains("cannot be read yet"), "{notes}");
}

/// What a configuration says of trust and scope of a token.
fn refused(home: &Home, settings: &str) -> Value {
    home.configure(&format!(
        "# a comment\n[[store]]\nname = \"hsm\"\nplugin = \"anchorhold.pkcs11\"\n{settings}\n"
    ));
    home.json(2, &["store", "list"])
}

#[test]
fn trust_and_scope_that_contradict_each_other_are_told_with_file_and_line() {
    let home = Home::new();
    for (settings, way_out) in [
        (
            "settings = { module = \"/x.so\", trust = \"all\" }",
            "scope = \"any\"",
        ),
        (
            "settings = { module = \"/x.so\" }\nscope = \"any\"",
            "trust = \"all\"",
        ),
        (
            "settings = { module = \"/x.so\" }\nscope = \"store\"",
            "leave `scope` out",
        ),
        (
            "settings = { module = \"/x.so\", trust = \"some\" }",
            "\"cka-trusted\"",
        ),
    ] {
        let error = &refused(&home, settings)["error"];
        assert_eq!(error["code"], "config-invalid", "{error:#}");
        let message = error["message"].as_str().expect("a text");
        assert!(
            message.contains("anchorhold.toml:2: store \"hsm\""),
            "{message}"
        );
        assert!(message.contains(way_out), "{message}");
        // It is looked at as well, together with all else.
        let found = home.json(1, &["doctor"]);
        assert!(found["findings"].to_string().contains("anchorhold.toml:2"));
    }
}

#[test]
fn trust_and_scope_that_contradict_each_other_are_not_written_down() {
    let home = Home::new();
    let words = [
        "store",
        "create",
        "--name",
        "hsm",
        "--plugin",
        "anchorhold.pkcs11",
        "--set",
        "module=/nonexistent.so",
        "--scope",
        "any",
    ];
    let outcome = home.run(&words).exits(2);
    assert!(!home.path("h").exists(), "{}", outcome.shown());
}
