//! What a file of stores.d may say, and who may have written it.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::config::Config;
use crate::exit::Failure;
use crate::paths::{Paths, Surroundings};

/// A home with files, by their names below it.
fn home(files: &[(&str, &str)]) -> tempfile::TempDir {
    let home = tempfile::tempdir().expect("a directory");
    for (name, text) in files {
        let path = home.path().join(name);
        let parent = path.parent().expect("below the home");
        fs::create_dir_all(parent).expect("made");
        chmod(parent, 0o755);
        fs::write(&path, text).expect("written");
        chmod(&path, 0o644);
    }
    home
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("changed");
}

fn config(home: &tempfile::TempDir) -> Result<Config, Failure> {
    let paths = Paths::find(Some(home.path()), &Surroundings::default()).expect("found");
    Config::read(&paths)
}

fn names(config: &Config) -> Vec<&str> {
    config.stores.iter().map(|store| &*store.name).collect()
}

const KDB: &str = "[[store]]\nname = \"kdb\"\nplugin = \"anchorhold.keydb\"\n\
                   settings = { path = \"/x/dsmcert.kdb\", adopt = \"read\" }\n";

#[test]
fn a_store_of_its_own_file_stands_behind_those_of_the_operator() {
    let policy = "[server.TSM1]\nstores = [\"kdb\"]\n";
    let home = home(&[
        ("anchorhold.toml", policy),
        ("stores.d/kdb.toml", KDB),
        ("stores.d/.kdb.toml.new-1", "[[nonsense"),
        ("stores.d/README", "[[nonsense"),
    ]);
    let config = config(&home).expect("valid");
    assert_eq!(names(&config), ["keydb", "kdb"]);
    assert_eq!(config.placed["kdb"], home.path().join("stores.d/kdb.toml"));
    assert_eq!(config.policies.len(), 1);
}

#[test]
fn whoever_can_write_there_decides_what_is_trusted() {
    let name = "stores.d/kdb.toml";
    for (place, mode) in [
        (name, 0o666),
        (name, 0o620),
        ("stores.d", 0o777),
        ("", 0o770),
    ] {
        let home = home(&[(name, KDB)]);
        chmod(&home.path().join(place), mode);
        let failure = config(&home).expect_err("refused");
        assert_eq!(
            (failure.exit.status(), failure.code),
            (2, "config-unsafe"),
            "{place:?}"
        );
    }
}

#[test]
fn a_file_holds_one_store_of_its_own_name() {
    let other = KDB.replace("\"kdb\"", "\"keydb\"");
    let twice = format!("{KDB}{KDB}");
    let plugin = format!("{KDB}[[plugin]]\nid = \"x\"\n");
    for (name, text, line, wrong) in [
        ("kdb", &*other, 1, "keydb.toml"),
        ("KDB", KDB, 1, "kdb.toml"),
        ("keydb", &other, 1, "a store \"keydb\" already"),
        ("kdb", &twice, 1, "here are 2"),
        ("kdb", "store = []\n", 1, "here are 0"),
        ("kdb", &plugin, 5, "unknown field `plugin`"),
        ("kdb", "", 1, "missing field `store`"),
    ] {
        let home = home(&[(&format!("stores.d/{name}.toml"), text)]);
        let failure = config(&home).expect_err(text);
        assert_eq!((failure.exit.status(), failure.code), (2, "config-invalid"));
        let place = format!("stores.d/{name}.toml:{line}: ");
        assert!(failure.message.contains(&place), "{text}: {failure}");
        assert!(failure.message.contains(wrong), "{text}: {failure}");
    }
}

#[test]
fn what_of_it_can_be_used_is_salvaged() {
    let home = home(&[
        (
            "stores.d/a.toml",
            "[[store]]\nname = \"b\"\nplugin = \"p\"\n",
        ),
        ("stores.d/kdb.toml", KDB),
    ]);
    let paths = Paths::find(Some(home.path()), &Surroundings::default()).expect("found");
    let (config, faults) = Config::salvage(&paths);
    assert_eq!(names(&config), ["keydb", "kdb"]);
    assert!(config.placed.contains_key("kdb"));
    let [fault] = &faults[..] else {
        panic!("{faults:?}")
    };
    assert!(fault.message.contains("stores.d/a.toml"), "{fault}");
}
