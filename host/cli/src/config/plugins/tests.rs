//! What a file of plugins.d may say, and who may have written it.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::*;
use crate::config::Config;
use crate::paths::Surroundings;

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

fn registered(id: &str) -> String {
    let (one, other) = ("1a".repeat(32), "2B".repeat(32));
    format!(
        "[[plugin]]\nid = \"{id}\"\nmanifest = \"/opt/x.plugin.toml\"\nsha256 = \"{one}\"\n\
         manifest_sha256 = \"{other}\"\n"
    )
}

fn names(config: &Config) -> Vec<&str> {
    config.stores.iter().map(|store| &*store.name).collect()
}

#[test]
fn a_library_and_its_store_stand_beside_those_of_the_operator() {
    let text = format!(
        "{}grant = [\"network\"]\n[[store]]\nname = \"x\"\nplugin = \"org.example.x\"\n",
        registered("org.example.x")
    );
    let home = home(&[
        ("plugins.d/org.example.x.toml", &text),
        ("plugins.d/.org.example.y.toml", "[[nonsense"),
        ("plugins.d/README", "[[nonsense"),
    ]);
    let config = config(&home).expect("valid");
    assert_eq!(names(&config), ["keydb", "x"]);
    let [plugin] = &config.plugins[..] else {
        panic!("{:?}", config.plugins)
    };
    assert_eq!(plugin.plan.id, "org.example.x");
    assert_eq!(plugin.plan.pins.library, [0x1a; 32]);
    assert_eq!(plugin.plan.pins.manifest, [0x2b; 32]);
    assert_eq!(plugin.plan.manifest, Path::new("/opt/x.plugin.toml"));
    assert_eq!(plugin.plan.grants, [Grant::Network]);
    assert_eq!(config.placed["x"], plugin.file);
    assert!(!config.placed.contains_key("keydb"));
}

#[test]
fn the_operators_own_file_may_register_libraries_where_nobody_else_can_write_it() {
    let home = home(&[("anchorhold.toml", &registered("org.example.x"))]);
    let file = home.path().join("anchorhold.toml");
    assert_eq!(config(&home).expect("valid").plugins.len(), 1);
    chmod(&file, 0o664);
    let failure = config(&home).expect_err("refused");
    assert_eq!((failure.exit.status(), failure.code), (2, "config-unsafe"));
    // Without a library in it, it decides nothing about what runs.
    fs::write(&file, "").expect("written");
    assert!(config(&home).is_ok());
}

#[test]
fn whoever_can_write_there_decides_what_runs() {
    let name = "plugins.d/org.example.x.toml";
    for (place, mode) in [
        (name, 0o666),
        (name, 0o620),
        ("plugins.d", 0o777),
        ("plugins.d", 0o1777),
        ("", 0o770),
    ] {
        let home = home(&[(name, &registered("org.example.x"))]);
        let place = home.path().join(place);
        chmod(&place, mode);
        let failure = config(&home).expect_err("refused");
        assert_eq!(
            (failure.exit.status(), failure.code),
            (2, "config-unsafe"),
            "{place:?}"
        );
        let remedy = failure.remedy.expect("a remedy");
        assert!(remedy.contains("chmod go-w"), "{remedy}");
    }
}

#[test]
fn a_mistake_is_told_with_its_file_and_line() {
    let good = registered("org.example.x");
    for (text, line, wrong) in [
        ("\n\n[server.A]\n".to_owned(), 3, "unknown field `server`"),
        (
            good.replace("sha256 = \"1a", "sha256 = \"zz"),
            1,
            "64 hexadecimal digits",
        ),
        (
            good.replace("\"org.example.x\"", "\"../x\""),
            1,
            "the plugin id",
        ),
        (
            good.replace("manifest_sha256", "manifest_sha1"),
            5,
            "unknown field",
        ),
        (
            good.lines().take(4).collect::<Vec<_>>().join("\n"),
            1,
            "missing field `manifest_sha256`",
        ),
        (format!("{good}grant = [\"everything\"]\n"), 1, "everything"),
        (
            format!("{good}[[store]]\nname = \"keydb\"\nplugin = \"p\"\n"),
            6,
            "a store \"keydb\" already",
        ),
    ] {
        let home = home(&[("plugins.d/org.example.x.toml", &text)]);
        let failure = config(&home).expect_err(&text);
        assert_eq!((failure.exit.status(), failure.code), (2, "config-invalid"));
        let place = format!("plugins.d/org.example.x.toml:{line}: ");
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
fn a_directory_that_is_none_is_not_passed_over() {
    let home = home(&[("plugins.d", "")]);
    assert_eq!(config(&home).expect_err("refused").code, "config-unsafe");
    let home = self::home(&[("plugins.d/x.toml/y", "")]);
    assert_eq!(config(&home).expect_err("refused").code, "config-unsafe");
}
