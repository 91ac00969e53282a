//! Where a database is and whose it is: kept as it was, or told before anything is written.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use serde_json::Value;

use super::scene::{Kind, Scene, mode};
use crate::support::{here, skip};

#[test]
fn modes_stay_as_they_were() {
    for kind in Kind::ALL {
        let scene = Scene::new(kind, 1);
        scene.import("a.pem");
        for (path, mode) in [(scene.database(), 0o640), (scene.stash(), 0o400)] {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("set");
        }
        scene.import("b.pem");
        assert_eq!(mode(&scene.database()), 0o640, "{kind:?}");
        assert_eq!(mode(&scene.stash()), 0o400, "{kind:?}");
    }
}

#[test]
fn files_stay_those_of_their_owner_when_root_writes() {
    // Nobody else can give files away.
    if !rustix::process::geteuid().is_root() {
        return;
    }
    for kind in Kind::ALL {
        let scene = Scene::new(kind, 1);
        scene.import("a.pem");
        let give = |path: &Path| {
            std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY)).expect("given");
        };
        fs::remove_file(scene.lock()).expect("there");
        for path in [scene.stores(), scene.database(), scene.stash()] {
            give(&path);
        }
        scene.import("b.pem");
        for entry in fs::read_dir(scene.stores()).expect("there") {
            let entry = entry.expect("an entry");
            let owner = entry.metadata().expect("there");
            let name = entry.file_name();
            assert_eq!((owner.uid(), owner.gid()), (NOBODY, NOBODY), "{name:?}");
        }
        assert_eq!(fs::read_dir(scene.stores()).expect("there").count(), 4);
    }
}

#[test]
fn a_database_that_is_only_read_says_so() {
    for kind in Kind::ALL {
        let scene = Scene::new(kind, 1);
        scene.import("a.pem");
        let path = scene.database();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).expect("set");
        let message = refused(&scene);
        assert!(message.contains("chmod"), "{message}");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("set");
        scene.import("b.pem");
    }
}

#[test]
fn a_second_name_of_a_database_keeps_it_from_being_written() {
    for kind in Kind::ALL {
        let scene = Scene::new(kind, 1);
        scene.import("a.pem");
        let other = scene.home.path("other");
        fs::hard_link(scene.database(), &other).expect("linked");
        let message = refused(&scene);
        assert!(message.contains("hard link"), "{message}");
        assert_eq!(fs::metadata(&other).expect("there").nlink(), 2);
        fs::remove_file(other).expect("removed");
        scene.import("b.pem");
    }
}

#[test]
fn a_database_behind_a_symbolic_link_is_not_followed() {
    for kind in Kind::ALL {
        let scene = Scene::new(kind, 1);
        scene.import("a.pem");
        let behind = scene.home.path("behind");
        fs::rename(scene.database(), &behind).expect("moved");
        symlink(&behind, scene.database()).expect("linked");
        let message = refused(&scene);
        assert!(message.contains("symbolic link"), "{message}");
    }
}

#[test]
fn a_directory_that_cannot_be_written_says_so() {
    if rustix::process::geteuid().is_root() && !here("chattr") {
        return;
    }
    for kind in Kind::ALL {
        let scene = Scene::new(kind, 1);
        scene.import("a.pem");
        let stores = scene.stores();
        let Some(_closed) = Closed::close(&stores) else {
            skip("nothing keeps root from writing here");
            return;
        };
        let message = refused(&scene);
        let names = message.contains("stores") || message.contains("keys");
        assert!(names, "{message}");
    }
}

/// An import fails before anything is written, and says which file keeps it from going on.
#[track_caller]
fn refused(scene: &Scene) -> String {
    scene.certificate("refused.pem");
    let before = fs::read(scene.database()).expect("there");
    let words = ["import", "--server", "S0", "refused.pem"];
    let document = scene.home.json(3, &words);
    assert_eq!(fs::read(scene.database()).expect("there"), before);
    let message = text(&document["error"]["message"]);
    let remedy = text(&document["error"]["remedy"]);
    let all = format!("{message}\n{remedy}");
    assert!(all.contains("keys.") || all.contains("stores"), "{all}");
    all
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// A directory in which nobody can write, until it is let go.
struct Closed<'a> {
    path: &'a Path,
}

impl<'a> Closed<'a> {
    fn close(path: &'a Path) -> Option<Self> {
        let closed = Self { path };
        if rustix::process::geteuid().is_root() {
            // A mode does not keep root from anything.
            closed.change("+i").then_some(closed)
        } else {
            closed.give(0o500);
            Some(closed)
        }
    }

    fn change(&self, attribute: &str) -> bool {
        let mut command = std::process::Command::new("chattr");
        let output = command.arg(attribute).arg(self.path).output();
        output.is_ok_and(|output| output.status.success())
    }

    fn give(&self, mode: u32) {
        let mode = fs::Permissions::from_mode(mode);
        fs::set_permissions(self.path, mode).expect("set");
    }
}

impl Drop for Closed<'_> {
    fn drop(&mut self) {
        if rustix::process::geteuid().is_root() {
            self.change("-i");
        } else {
            self.give(0o700);
        }
    }
}

/// A user and a group that nobody is.
const NOBODY: u32 = 65_534;
