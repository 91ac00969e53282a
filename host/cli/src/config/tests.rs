//! What anchorhold.toml may say, and where a mistake in it is told to be.

use std::path::Path;

use anchorhold_boundary::manifest::Value;
use anchorhold_kernel::ServerName;
use anchorhold_session::policy::Name;

use super::Config;
use crate::exit::Failure;
use crate::paths::{Paths, Surroundings};

fn parse(text: &str) -> Result<Config, Failure> {
    let home = tempfile::tempdir().expect("a directory");
    std::fs::write(home.path().join("anchorhold.toml"), text).expect("written");
    read(home.path())
}

fn read(home: &Path) -> Result<Config, Failure> {
    let paths = Paths::find(Some(home), &Surroundings::default()).expect("found");
    Config::read(&paths)
}

#[test]
fn an_empty_home_has_one_file_store() {
    let home = tempfile::tempdir().expect("a directory");
    let config = read(home.path()).expect("valid");
    assert_eq!(config.file, None);
    let [store] = &config.stores[..] else {
        panic!("{:?}", config.stores)
    };
    assert_eq!(
        (store.name.as_str(), store.plugin.as_str()),
        ("keydb", "anchorhold.keydb")
    );
    assert_eq!(store.base_dir, home.path());
    assert_eq!(
        store.settings.get("path"),
        Some(&Value::String("stores/anchorhold.p12".to_owned()))
    );
    // Nothing is made by reading.
    assert_eq!(std::fs::read_dir(home.path()).expect("readable").count(), 0);
}

#[test]
fn a_file_about_servers_only_leaves_the_store_as_it_was() {
    let config = parse("[server.TSM1]\nplain = \"never\"\nname_check = \"off\"\n").expect("valid");
    assert_eq!(config.stores.len(), 1);
    let said = config
        .policies
        .get(&ServerName::new("tsm1"))
        .expect("known without case");
    assert_eq!((&said.policy.name, said.line), (&Name::Off, 1));
    assert!(config.file.is_some());
}

#[test]
fn stores_keep_their_order() {
    let text = "
[[store]]
name = \"b\"
plugin = \"anchorhold.keydb\"
settings = { path = \"b.p12\" }
[[store]]
name = \"a\"
plugin = \"anchorhold.keydb\"
settings = { path = \"a.p12\" }
[server.TSM1]
stores = [\"a\", \"b\"]
accept_into = \"a\"
";
    let names: Vec<_> = parse(text)
        .expect("valid")
        .stores
        .into_iter()
        .map(|store| store.name)
        .collect();
    assert_eq!(names, ["b", "a"]);
}

#[test]
fn a_mistake_is_told_with_its_line() {
    let store = "[[store]]\nname = \"a\"\nplugin = \"anchorhold.keydb\"\n";
    for (text, line, wrong) in [
        ("\n\nsomething = 1\n", 3, "unknown field `something`"),
        ("[[store]]\nname = \"a\"\n", 1, "missing field `plugin`"),
        (
            "[server.TSM1]\nplan = \"never\"\n",
            2,
            "unknown field `plan`",
        ),
        (
            "\n[server.TSM1]\nplain = \"sometimes\"\n",
            2,
            "\"allow\" or \"never\"",
        ),
        (
            "[server.TSM1]\nstores = [\"hsm\"]\n",
            1,
            "there is no store \"hsm\"; there are: keydb",
        ),
        (
            "[server.TSM1]\naccept_into = \"hsm\"\n",
            1,
            "there is no store \"hsm\"",
        ),
        (
            "[server.TSM1]\n[server.tsm1]\n",
            2,
            "names compare without case",
        ),
        ("[server.TSM1\n", 1, ""),
        (
            &format!("{store}{store}"),
            4,
            "there is a store \"a\" already",
        ),
    ] {
        let failure = parse(text).expect_err(text);
        assert_eq!(
            (failure.exit.status(), failure.code),
            (2, "config-invalid"),
            "{text}"
        );
        let place = format!("anchorhold.toml:{line}: ");
        assert!(
            failure.message.contains(&place),
            "{text}: {}",
            failure.message
        );
        assert!(
            failure.message.contains(wrong),
            "{text}: {}",
            failure.message
        );
    }
}

#[test]
fn what_comes_later_is_said_to() {
    for text in [
        "[ledger]\nseal = \"hsm\"\n",
        "[server.A]\nupgrade = \"postgres\"\n",
        "[server.A]\nrevocation = \"check\"\n",
        "[server.A]\nprofile = \"strict\"\n",
    ] {
        let failure = parse(text).expect_err(text);
        let message = &failure.message;
        assert!(
            message.contains("not supported in this release"),
            "{text}: {message}"
        );
    }
}

#[test]
fn a_file_that_is_no_text_is_refused() {
    let home = tempfile::tempdir().expect("a directory");
    std::fs::write(home.path().join("anchorhold.toml"), b"\n\xff").expect("written");
    let failure = read(home.path()).expect_err("refused");
    assert!(
        failure
            .message
            .contains("anchorhold.toml:2: this is not UTF-8")
    );
}

#[test]
fn a_file_that_cannot_be_read_is_not_passed_over() {
    let home = tempfile::tempdir().expect("a directory");
    std::fs::create_dir(home.path().join("anchorhold.toml")).expect("made");
    assert_eq!(
        read(home.path()).expect_err("refused").code,
        "input-unreadable"
    );
    let home = tempfile::tempdir().expect("a directory");
    let link = home.path().join("anchorhold.toml");
    std::os::unix::fs::symlink(home.path().join("nowhere"), link).expect("linked");
    assert_eq!(
        read(home.path()).expect_err("refused").code,
        "input-unreadable"
    );
}
