//! A disk that is full, at every size at which it may be so.

use std::fs;
use std::process::Command;

use super::scene::{Before, Kind, PATIENCE, Scene};
use crate::support::{Outcome, Watched, here, skip};

#[test]
fn a_full_disk_leaves_the_old_kdb() {
    fill_stores(Kind::Kdb);
}

#[test]
fn a_full_disk_leaves_the_old_p12() {
    fill_stores(Kind::P12);
}

#[test]
fn a_full_disk_below_everything_leaves_the_old_state() {
    if let Some(disk) = Disk::allowed() {
        fill(&disk, EVERYTHING, Kind::Kdb, Before::Own);
    }
}

/// The disk of the store alone is full.
fn fill_stores(kind: Kind) {
    if let Some(disk) = Disk::allowed() {
        for before in [Before::Own, Before::Foreign] {
            fill(&disk, "h/stores", kind, before);
        }
    }
}

/// What is below a place is on a small disk of its own, with no room at first, and with one block
/// more each time, until there is enough for an import.
fn fill(disk: &Disk, place: &str, kind: Kind, before: Before) {
    let start = Scene::before(kind, before);
    let bytes = fs::read(start.database()).expect("there");
    let old = start.held().expect("a database");
    let mut all = old.clone();
    all.insert(start.certificate("new.pem"));
    for blocks in 0.. {
        let scene = start.copy();
        let full = disk.import(&scene, place, blocks);
        let shown = full.shown();
        // With room, the same import works, and nothing is left that would be in its way.
        assert_eq!(scene.held(), Some(all.clone()), "{blocks} blocks\n{shown}");
        scene.is_sound();
        assert!(scene.litter().is_empty(), "{:?}", scene.litter());
        if before == Before::Foreign {
            let kept = fs::read(scene.backup()).expect("it is kept");
            assert!(kept == bytes, "{blocks} blocks\n{shown}");
        }
        if full.status.code() == Some(0) {
            assert!(blocks >= 2, "there was room from the beginning");
            break;
        }
        assert_eq!(full.status.code(), Some(3), "{blocks} blocks\n{shown}");
        let said = WORDS.iter().any(|words| shown.contains(words));
        assert!(said, "it says what is wrong: {shown}");
        let left = fs::read(scene.home.path("full.database")).expect("never neither");
        // Where the ledger has no room either, the store may have been written and set back.
        let same = left == bytes || place == EVERYTHING;
        assert!(same, "{blocks} blocks\n{shown}");
        assert_eq!(scene.held_in(left), old, "{blocks} blocks\n{shown}");
    }
}

/// Small disks for single processes.
struct Disk {
    /// For `unshare`: the namespaces that it takes.
    namespaces: &'static str,
}

impl Disk {
    /// Where they are allowed; else the test is skipped.
    fn allowed() -> Option<Self> {
        if !here("unshare") {
            return None;
        }
        // Whoever is not root is so among users of their own.
        let found = ["-m", "-Urm"].into_iter().find(|namespaces| {
            let mut command = Command::new("unshare");
            command.args([namespaces, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]);
            let tried = Watched::output(&mut command, b"", PATIENCE);
            tried.status.success()
        });
        if found.is_none() {
            skip("nobody may have a disk of their own here");
        }
        found.map(|namespaces| Self { namespaces })
    }

    /// Imports where so many blocks are free, and then once more where all are. What the first
    /// import left of the database is in `full.database` then, and what the second one left is in
    /// its place.
    fn import(&self, scene: &Scene, place: &str, blocks: usize) -> Outcome {
        let import = scene.command(0, "new.pem");
        let mut command = Command::new("unshare");
        command.current_dir(scene.home.directory());
        command.args([self.namespaces, "sh", "-euc", SCRIPT, "sh", place]);
        command.arg(blocks.to_string()).arg(scene.database());
        command.arg(import.get_program()).args(import.get_args());
        let outcome = Watched::output(&mut command, b"", PATIENCE);
        let after = scene.home.path("after");
        assert!(after.is_dir(), "with room it works: {}", outcome.shown());
        let place = scene.home.path(place);
        fs::remove_dir_all(&place).expect("removed");
        fs::rename(after, &place).expect("moved");
        outcome
    }
}

/// Prints what the import on the full disk says, and ends as that does.
const SCRIPT: &str = r#"
place=$1 blocks=$2 database=$3
shift 3
cp -a "$place" before
mount -t tmpfs -o size=1m,mode=700 tmpfs "$place"
cp -a before/. "$place"
cat /dev/zero >"$place/ballast" 2>/dev/null || true
truncate -s "-$((blocks * 4096))" "$place/ballast"
status=0
"$@" || status=$?
rm "$place/ballast"
cp "$database" full.database
"$@" >second 2>&1 || { cat second >&2; exit 99; }
cp -a "$place" after
exit "$status"
"#;

/// How a full disk is called: by the system, and by the ledger's database.
const WORDS: &[&str] = &["No space left on device", "disk is full"];

/// The stores and the state.
const EVERYTHING: &str = "h";
