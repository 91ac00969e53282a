//! The file and the keychain: faults at every step, and whoever meddles with one of them.

use std::fs;

use tempfile::TempDir;

use super::*;
use crate::deadline::PATIENCE;
use crate::keychain::sample::Memory;

struct Scene {
    home: TempDir,
    memory: Memory,
}

impl Scene {
    fn new() -> Self {
        Self {
            home: tempfile::tempdir().unwrap(),
            memory: Memory::default(),
        }
    }

    fn vault(&self) -> Vault {
        let settings = Settings {
            kind: Kind::SecretService,
            collection: None,
            account: "keychain-29ab0a6a".to_owned(),
            directory: self.home.path().to_owned(),
        };
        Vault::new(settings, self.memory.connect())
    }

    fn put(&self, der: &[u8]) -> Result<(), Error> {
        self.vault()
            .change(&Call::detached(), deadline(), |loaded| {
                let mut wanted: Contents = loaded
                    .held()
                    .map(|(id, held)| (*id, held.clone()))
                    .collect();
                wanted.insert(contents::id(der), held(der));
                Ok((Some(wanted), ()))
            })
    }

    fn take(&self, der: &[u8]) -> Result<(), Error> {
        self.vault()
            .change(&Call::detached(), deadline(), |loaded| {
                let mut wanted = loaded.contents.clone();
                wanted.remove(&contents::id(der));
                Ok((Some(wanted), ()))
            })
    }

    fn holds(&self) -> Vec<String> {
        let loaded = self.vault().load(deadline()).unwrap();
        loaded.held().map(|(_, held)| held.label.clone()).collect()
    }

    fn error(&self) -> Error {
        self.vault().load(deadline()).unwrap_err()
    }

    fn file(&self) -> PathBuf {
        self.home.path().join("keychain.anchors")
    }
}

fn deadline() -> Deadline {
    Deadline::of(&Call::detached(), PATIENCE)
}

fn held(der: &[u8]) -> Held {
    Held {
        der: der.to_vec(),
        label: String::from_utf8(der.to_vec()).unwrap(),
        scope: String::new(),
        is_anchor: true,
    }
}

fn record(der: &[u8]) -> Name {
    Name::Record(HEXLOWER.encode(&contents::id(der)))
}

#[test]
fn what_is_put_is_held_and_shown_in_the_keychain() {
    let scene = Scene::new();
    assert!(scene.holds().is_empty());
    scene.put(b"one").unwrap();
    scene.put(b"two").unwrap();
    let mut holds = scene.holds();
    holds.sort();
    assert_eq!(holds, ["one", "two"]);
    assert_eq!(scene.memory.state().labels[&record(b"one")], "one");
    scene.take(b"one").unwrap();
    assert_eq!(scene.holds(), ["two"]);
    assert!(!scene.memory.state().entries.contains_key(&record(b"one")));
}

#[test]
fn a_fault_at_any_step_leaves_the_old_or_the_new() {
    for change in 0..6 {
        let scene = Scene::new();
        scene.put(b"old").unwrap();
        scene.memory.state().changes_left = Some(change);
        let put = scene.put(b"new");
        scene.memory.state().changes_left = None;
        let mut holds = scene.holds();
        holds.sort();
        match put {
            Ok(()) => assert_eq!(holds, ["new", "old"], "{change}"),
            Err(_) => assert_eq!(holds, ["old"], "{change}"),
        }
        // The next change mends what was left.
        scene.put(b"third").unwrap();
        assert!(
            scene.vault().load(deadline()).unwrap().strays.is_empty(),
            "{change}"
        );
        let strays = scene.memory.state().entries.len();
        assert_eq!(strays, scene.holds().len() + 1, "{change}");
    }
}

#[test]
fn a_file_in_place_counts_though_the_entry_was_not_settled() {
    let scene = Scene::new();
    scene.put(b"old").unwrap();
    // The record, and the entry that names the next state; not the one after the file.
    scene.memory.state().changes_left = Some(2);
    scene.put(b"new").unwrap();
    scene.memory.state().changes_left = None;
    let master = scene.vault().load(deadline()).unwrap().master.unwrap();
    assert!(master.next.is_some());
    assert_eq!(scene.holds().len(), 2);
    scene.take(b"new").unwrap();
    assert_eq!(scene.holds(), ["old"]);
}

#[test]
fn an_older_file_that_is_put_back_is_noticed() {
    let scene = Scene::new();
    scene.put(b"one").unwrap();
    let older = fs::read(scene.file()).unwrap();
    scene.take(b"one").unwrap();
    fs::write(scene.file(), older).unwrap();
    let error = scene.error();
    assert!(error.message().contains("older"), "{error}");
    assert!(scene.put(b"two").is_err());
}

#[test]
fn an_older_file_counts_no_more_once_the_new_one_was_seen() {
    let scene = Scene::new();
    scene.memory.state().is_plain = true;
    scene.put(b"one").unwrap();
    let older = fs::read(scene.file()).unwrap();
    // The entry that names the next state; not the one after the file.
    scene.memory.state().changes_left = Some(1);
    scene.take(b"one").unwrap();
    scene.memory.state().changes_left = None;
    assert!(scene.holds().is_empty());
    fs::write(scene.file(), older).unwrap();
    let error = scene.error();
    assert!(error.message().contains("older"), "{error}");
}

#[test]
fn what_a_first_change_named_and_did_not_write_is_no_file_that_is_gone() {
    let scene = Scene::new();
    // The record, and the entry that names the first state; the file cannot take its place.
    fs::create_dir(scene.home.path().join("keychain.new")).unwrap();
    assert!(scene.put(b"one").is_err());
    for _ in 0..2 {
        assert!(scene.holds().is_empty());
    }
    fs::remove_dir(scene.home.path().join("keychain.new")).unwrap();
    scene.put(b"one").unwrap();
    assert_eq!(scene.holds(), ["one"]);
}

#[test]
fn a_file_or_an_entry_alone_is_no_empty_store() {
    let scene = Scene::new();
    scene.put(b"one").unwrap();
    let file = fs::read(scene.file()).unwrap();
    fs::remove_file(scene.file()).unwrap();
    assert!(scene.error().message().contains("is gone"));
    fs::write(scene.file(), &file).unwrap();
    let master = scene.memory.state().entries.remove(&Name::Master).unwrap();
    assert!(
        scene
            .error()
            .message()
            .contains("its key is not in this keychain")
    );
    scene
        .memory
        .state()
        .entries
        .insert(Name::Master, b"nonsense".to_vec());
    assert!(scene.error().message().contains("another program changed"));
    scene.memory.state().entries.insert(Name::Master, master);
    let mut altered = file;
    altered[30] ^= 1;
    fs::write(scene.file(), altered).unwrap();
    assert!(scene.error().message().contains("altered"));
}

#[test]
fn what_is_removed_in_the_keychain_is_held_no_more() {
    let scene = Scene::new();
    scene.put(b"one").unwrap();
    scene.put(b"two").unwrap();
    scene.memory.state().entries.remove(&record(b"one"));
    assert_eq!(scene.holds(), ["two"]);
    assert_eq!(scene.vault().load(deadline()).unwrap().removed.len(), 1);
    // The next change makes it so for good.
    scene.put(b"three").unwrap();
    let loaded = scene.vault().load(deadline()).unwrap();
    assert!(loaded.removed.is_empty());
    assert_eq!(loaded.contents.len(), 2);
}

#[test]
fn a_keychain_without_search_has_no_records() {
    let scene = Scene::new();
    scene.memory.state().is_plain = true;
    scene.put(b"one").unwrap();
    assert_eq!(scene.holds(), ["one"]);
    assert_eq!(scene.memory.state().entries.len(), 1);
}

#[test]
fn a_locked_keychain_is_neither_read_nor_written() {
    let scene = Scene::new();
    scene.put(b"one").unwrap();
    scene.memory.state().is_locked = true;
    assert_eq!(scene.error().kind(), ErrorKind::Locked);
    assert_eq!(scene.put(b"two").unwrap_err().kind(), ErrorKind::Locked);
    scene.vault().unlock(deadline(), || Ok(())).unwrap();
    assert_eq!(scene.holds(), ["one"]);
}

#[test]
fn what_to_do_is_in_the_part_of_a_message_that_is_shown() {
    let scene = Scene::new();
    scene.put(b"one").unwrap();
    let file = fs::read(scene.file()).unwrap();
    let key = scene.memory.state().entries[&Name::Master].clone();
    let short = |error: &Error| {
        let (said, path) = error.message().split_once("; the file: ").unwrap();
        assert!(said.len() <= 127 && said.contains("import again"), "{said}");
        assert_eq!(path, scene.file().display().to_string());
    };
    fs::remove_file(scene.file()).unwrap();
    short(&scene.error());
    fs::write(scene.file(), &file[..40]).unwrap();
    short(&scene.error());
    fs::write(scene.file(), file).unwrap();
    let replace = |secret: &[u8]| {
        let mut state = scene.memory.state();
        state.entries.insert(Name::Master, secret.to_vec());
    };
    replace(b"nonsense");
    short(&scene.error());
    let settled = Master::read(&key).unwrap();
    let other = Master {
        key: settled.key,
        present: Some([1; 32]),
        next: None,
    };
    replace(other.write().as_bytes());
    short(&scene.error());
    scene.memory.state().entries.remove(&Name::Master);
    short(&scene.error());
}
