//! Tests of the watch, with other programs that change files.

#![cfg(target_os = "linux")]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{self, Receiver};

use tempfile::TempDir;

use super::*;

/// Longer than any of this takes, for a test that would else wait for ever.
const PATIENCE: Duration = Duration::from_secs(60);
/// Watches at once, and looks for no other reason than what it hears.
const HEARING: Pace = looking(0, Duration::ZERO, Duration::from_secs(3600));

const fn looking(first: usize, soon: Duration, later: Duration) -> Pace {
    Pace { first, soon, later }
}

struct Scene {
    directory: TempDir,
    location: Location,
    seen: Arc<Seen>,
}

impl Scene {
    fn new() -> Self {
        Self::at("")
    }

    /// With the database in a directory below one that is there.
    fn at(below: &str) -> Self {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join(below).join("trust.kdb");
        let location = Location::new(&path).unwrap();
        let scene = Self {
            directory,
            location,
            seen: Arc::default(),
        };
        *scene.seen.turn() = scene.location.stamps().unwrap();
        scene
    }

    fn watch(&self, pace: Pace) -> (Watch, Receiver<()>) {
        let (told, hears) = mpsc::channel();
        let tell = move || told.send(()).unwrap();
        let watch = Watch::start_at(pace, &self.location, &self.seen, tell).unwrap();
        (watch, hears)
    }

    /// Has another process do something in the directory.
    fn shell(&self, script: &str) {
        let mut command = Command::new("/bin/sh");
        command.args(["-euc", script]).current_dir(&self.directory);
        assert!(command.status().unwrap().success(), "{script}");
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.directory.path().join(name)
    }
}

/// Waits until the state that the host was told of is the one that is there.
///
/// One change may be told of more than once, because it is several to the system.
#[track_caller]
fn caught_up(scene: &Scene, hears: &Receiver<()>) {
    hears.recv_timeout(PATIENCE).unwrap();
    while *scene.seen.turn() != scene.location.stamps().unwrap() {
        hears.recv_timeout(PATIENCE).unwrap();
    }
    while hears.try_recv().is_ok() {}
}

#[test]
fn whatever_another_program_does_to_the_files_is_told() {
    let scene = Scene::new();
    let (watch, hears) = scene.watch(HEARING);
    assert!(watch.is_certain());
    for script in [
        "echo one > trust.kdb",
        // In the place of the other, as often as it likes.
        "echo two > new; mv new trust.kdb",
        "echo three > new; mv new trust.kdb",
        "echo more >> trust.kdb",
        "echo stash > trust.sth",
        "chmod 600 trust.sth",
        "mv trust.kdb elsewhere",
        "ln elsewhere trust.kdb",
        "rm trust.kdb trust.sth",
    ] {
        scene.shell(script);
        caught_up(&scene, &hears);
    }
}

#[test]
fn other_files_beside_it_are_nobodys_business() {
    let scene = Scene::new();
    let (watch, hears) = scene.watch(HEARING);
    scene.shell("for n in 1 2 3 4 5 6 7 8 9; do echo $n > other.$n; mv other.$n last; done");
    // What was done before was heard before, so the first that is told is this.
    scene.shell("echo one > trust.kdb");
    caught_up(&scene, &hears);
    drop(watch);
    // The sender is gone with the thread, and had nothing else to say.
    assert_eq!(hears.recv(), Err(mpsc::RecvError));
}

#[test]
fn what_is_written_here_is_not_told() {
    let scene = Scene::new();
    let (watch, hears) = scene.watch(HEARING);
    for text in ["one", "two", "three"] {
        let mut turn = scene.seen.turn();
        fs::write(scene.path("new"), text).unwrap();
        fs::rename(scene.path("new"), &scene.location.database).unwrap();
        *turn = scene.location.stamps().unwrap();
    }
    drop(watch);
    assert_eq!(hears.recv(), Err(mpsc::RecvError));
}

#[test]
fn what_another_program_writes_right_after_is_told() {
    let scene = Scene::new();
    let (_watch, hears) = scene.watch(HEARING);
    {
        let mut turn = scene.seen.turn();
        fs::write(&scene.location.database, "ours").unwrap();
        *turn = scene.location.stamps().unwrap();
        scene.shell("echo theirs > new; mv new trust.kdb");
    }
    caught_up(&scene, &hears);
}

#[test]
fn what_changed_before_the_watch_began_is_told() {
    let scene = Scene::new();
    scene.shell("echo one > trust.kdb");
    let (_watch, hears) = scene.watch(HEARING);
    caught_up(&scene, &hears);
}

#[test]
fn a_directory_that_is_made_later_is_watched_from_then_on() {
    let scene = Scene::at("a/b/c");
    let (watch, hears) = scene.watch(HEARING);
    assert!(!watch.is_certain());
    scene.shell("mkdir -p a/b/c; echo one > a/b/c/trust.kdb");
    caught_up(&scene, &hears);
    assert!(watch.is_certain());
    scene.shell("echo two > a/b/c/new; mv a/b/c/new a/b/c/trust.kdb");
    caught_up(&scene, &hears);
}

#[test]
fn a_directory_that_goes_and_comes_back_is_watched_again() {
    let scene = Scene::at("a");
    scene.shell("mkdir a; echo one > a/trust.kdb");
    *scene.seen.turn() = scene.location.stamps().unwrap();
    let (watch, hears) = scene.watch(HEARING);
    for script in [
        "rm -r a",
        "mkdir a; echo two > a/trust.kdb",
        "mv a b",
        "mkdir a; echo three > a/trust.kdb",
        // Another directory under the same name, all at once.
        "mkdir c; echo four > c/trust.kdb; mv a d; mv c a",
        "echo five > a/new; mv a/new a/trust.kdb",
    ] {
        scene.shell(script);
        caught_up(&scene, &hears);
    }
    while !watch.is_certain() {
        std::thread::yield_now();
    }
}

// A link above the directory is not watched, nor is a file system of a network.
#[test]
fn what_cannot_be_heard_is_found_by_looking() {
    let scene = Scene::at("link");
    scene.shell("mkdir a b; echo one > a/trust.kdb; echo two > b/trust.kdb; ln -s a link");
    *scene.seen.turn() = scene.location.stamps().unwrap();
    let (_watch, hears) = scene.watch(looking(0, Duration::ZERO, Duration::from_millis(1)));
    scene.shell("ln -s b new; mv -T new link");
    caught_up(&scene, &hears);
    scene.shell("echo three > b/trust.kdb");
    caught_up(&scene, &hears);
}

#[test]
fn in_the_first_moments_changes_are_found_by_looking() {
    let scene = Scene::new();
    let hour = Duration::from_secs(3600);
    let (watch, hears) = scene.watch(looking(usize::MAX, Duration::from_millis(1), hour));
    for script in ["echo one > trust.kdb", "echo two > new; mv new trust.kdb"] {
        assert!(watch.is_certain());
        scene.shell(script);
        caught_up(&scene, &hears);
    }
    drop(watch);
    // And what is heard counts from the last of these moments on.
    let (_watch, hears) = scene.watch(looking(2, Duration::from_millis(1), hour));
    for script in ["echo one > trust.kdb", "echo two > new; mv new trust.kdb"] {
        scene.shell(script);
        caught_up(&scene, &hears);
    }
}

#[test]
fn a_watch_that_has_just_begun_ends_at_once() {
    let scene = Scene::new();
    let hour = Duration::from_secs(3600);
    let (watch, hears) = scene.watch(looking(1, hour, hour));
    drop(watch);
    assert_eq!(hears.recv(), Err(mpsc::RecvError));
}

#[test]
fn a_watch_ends_while_files_change_and_tells_nobody_afterwards() {
    let scene = Scene::new();
    for _ in 0..50 {
        let (watch, hears) = scene.watch(HEARING);
        scene.shell("echo one > trust.kdb");
        drop(watch);
        while hears.try_recv().is_ok() {}
        assert_eq!(hears.recv(), Err(mpsc::RecvError));
    }
}

#[test]
fn only_file_systems_of_this_machine_are_certain() {
    let is_local = |path: &str| directory::is_local(Path::new(path));
    assert!(!is_local("/proc"));
    assert!(!is_local("/sys"));
    assert!(!is_local("/no such directory"));
    let directory = TempDir::new().unwrap();
    assert!(is_local(directory.path().to_str().unwrap()));
}
