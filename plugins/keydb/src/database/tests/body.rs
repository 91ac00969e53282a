//! Tests of one database: what it keeps, what it refuses, what it survives.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use anchorhold_formats::edit::{Edits, Entry};
use anchorhold_formats::sth;
use anchorhold_sdk::Effect;
use tempfile::TempDir;

use super::{EMPTY, NAME, TOO_LONG};
use crate::contents::{Held, Id};
use crate::database::*;
use crate::replace::Step;
use crate::workshop;

mod adoption;
mod obstacle;
mod processes;

/// A place for a database, which is not there yet and neither is its directory.
struct Place {
    directory: TempDir,
}

impl Place {
    fn new() -> Self {
        Self {
            directory: TempDir::new().unwrap(),
        }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("stores/keys").join(NAME)
    }

    fn stash(&self) -> PathBuf {
        self.path().with_extension("sth")
    }

    fn open(&self) -> Database {
        self.open_with(Settings::default())
    }

    fn open_with(&self, settings: Settings) -> Database {
        Database::open(&self.path(), settings).unwrap()
    }

    /// With so many certificates in a database that was not made here.
    fn foreign(count: u8) -> (Self, Database) {
        let (place, _) = Self::filled(count);
        fs::remove_file(place.beside(".lock")).unwrap();
        let database = place.open();
        (place, database)
    }

    fn backup(&self) -> PathBuf {
        self.beside(".before-anchorhold")
    }

    /// A file whose name is that of the database and more.
    fn beside(&self, more: &str) -> PathBuf {
        location::beside(&self.path(), more)
    }

    /// Puts a database with these certificates there, as another program would.
    fn write(&self, entries: &[(&str, &[u8])]) {
        let added = entries.iter().map(|&(label, der)| Entry { label, der });
        let edits = Edits {
            added: added.collect(),
            ..Edits::default()
        };
        let location = Location::new(&self.path()).unwrap();
        let mut secret = Secret::new(stash::read(&location).unwrap().unwrap());
        let (version, random) = (Settings::default().version, stash::random().unwrap());
        let bytes = location
            .format
            .create(&edits, &mut secret, version, &random)
            .unwrap();
        fs::write(self.path(), bytes).unwrap();
    }

    /// With so many certificates in it.
    fn filled(count: u8) -> (Self, Database) {
        let place = Self::new();
        let database = place.open();
        if count > 0 {
            put_all(&database, 0..count);
        }
        (place, database)
    }

    /// The names and contents of all files, but the lock.
    fn files(&self) -> Vec<(String, Vec<u8>)> {
        let Ok(entries) = fs::read_dir(self.path().parent().unwrap()) else {
            return Vec::new();
        };
        let mut files: Vec<_> = entries
            .map(|entry| {
                let entry = entry.unwrap();
                let name = entry.file_name().into_string().unwrap();
                (name, fs::read(entry.path()).unwrap_or_default())
            })
            .filter(|(name, _)| *name != format!("{NAME}.lock"))
            .collect();
        files.sort();
        files
    }
}

fn certificate(number: u8) -> Vec<u8> {
    workshop::certificate(number.into())
}

fn put<'a>(der: &'a [u8], label: &'a str) -> Change<'a> {
    Change::Put {
        id: Id::of(der),
        claimed: None,
        entry: Entry { label, der },
        marked: false,
    }
}

fn at_once() -> Terms<'static> {
    Terms {
        at: None,
        check_only: false,
        patience: Patience {
            limit: Duration::ZERO,
            cancelled: &|| false,
        },
        tell: &|_| {},
    }
}

fn patiently() -> Terms<'static> {
    Terms {
        patience: Patience {
            limit: Duration::from_secs(60),
            cancelled: &|| false,
        },
        ..at_once()
    }
}

fn apply(database: &Database, changes: &[Change<'_>]) -> Result<Vec<Effect>, DatabaseError> {
    let outcomes = database.apply(changes, &at_once())?;
    Ok(outcomes.into_iter().map(|(effect, _)| effect).collect())
}

fn put_all(database: &Database, numbers: impl IntoIterator<Item = u8>) {
    let certificates: Vec<_> = numbers
        .into_iter()
        .map(|number| (certificate(number), format!("Anchor {number}")))
        .collect();
    let changes: Vec<_> = certificates
        .iter()
        .map(|(der, label)| put(der, label))
        .collect();
    let effects = apply(database, &changes).unwrap();
    assert_eq!(effects, vec![Effect::New; changes.len()]);
}

/// The labels, in the order of the file.
fn labels(database: &Database) -> Vec<String> {
    let contents = database.contents().unwrap();
    (0..contents.len())
        .map(|index| {
            let Some(Held::Certificate(id, certificate)) = contents.item(index) else {
                panic!("{index} is no certificate");
            };
            assert_eq!(id, Id::of(certificate.der));
            certificate.label.to_owned()
        })
        .collect()
}

fn generation(database: &Database) -> u64 {
    database.contents().unwrap().generation()
}

fn found(database: &Database) -> Found {
    match database.standing().state {
        State::Read(found) => found,
        other => panic!("{other:?}"),
    }
}

fn failure(database: &Database) -> String {
    match database.standing().state {
        State::Failed(why) => why,
        other => panic!("{other:?}"),
    }
}

/// Refuses to be read and to be changed, says so without being asked again, and stays as it is.
fn check_refused(place: &Place, expected: &str) {
    let before = place.files();
    let database = place.open();
    let why = failure(&database);
    assert!(why.contains(expected), "{why}");
    let error = database.contents().unwrap_err().to_string();
    assert!(error.contains(expected), "{error}");
    let der = certificate(77);
    let error = apply(&database, &[put(&der, "new")])
        .unwrap_err()
        .to_string();
    assert!(error.contains(expected), "{error}");
    assert_eq!(place.files(), before);
}

#[test]
fn an_absent_database_is_empty_ready_and_made_by_nothing_but_a_change() {
    let place = Place::new();
    let database = place.open();
    assert_eq!(labels(&database), [""; 0]);
    assert_eq!(generation(&database), 0);
    let standing = database.standing();
    assert_eq!(standing.state, State::Read(Found::default()));
    assert_eq!(standing.obstacle, None);
    let der = certificate(1);
    let terms = Terms {
        check_only: true,
        ..at_once()
    };
    let outcomes = database.apply(&[put(&der, "a")], &terms).unwrap();
    assert_eq!(outcomes, [(Effect::New, Id::of(&der))]);
    assert_eq!(
        apply(&database, &[Change::Remove(Id::of(&der))]).unwrap(),
        [Effect::Unchanged]
    );
    assert_eq!(fs::read_dir(place.directory.path()).unwrap().count(), 0);
}

#[test]
fn the_first_write_makes_both_files_for_their_owner_alone() {
    let (place, database) = Place::filled(1);
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(place.path()), 0o600);
    assert_eq!(mode(place.stash()), 0o600);
    assert_eq!(mode(place.beside(".lock")), 0o600);
    assert_eq!(mode(place.directory.path().join("stores")), 0o700);
    assert_eq!(mode(place.directory.path().join("stores/keys")), 0o700);
    let password = crate::password(&place.path()).unwrap();
    assert_eq!(password.len(), 40);
    assert!(
        password
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._".contains(byte))
    );
    let (other, _) = Place::filled(1);
    assert_ne!(crate::password(&other.path()).unwrap(), password);
    assert_eq!(found(&database).items, 1);
    assert_eq!(labels(&database), ["Anchor 0"]);
}

#[test]
fn a_directory_that_was_there_keeps_its_mode() {
    let place = Place::new();
    let directory = place.path().parent().unwrap().to_owned();
    fs::create_dir_all(&directory).unwrap();
    fs::set_permissions(&directory, Permissions::from_mode(0o755)).unwrap();
    put_all(&place.open(), [1]);
    assert_eq!(
        fs::metadata(&directory).unwrap().permissions().mode() & 0o777,
        0o755
    );
}

#[test]
fn changes_are_told_apart() {
    let (place, database) = Place::filled(2);
    let [zero, new] = [0, 9].map(certificate);
    let changes = [
        put(&zero, "Anchor 0"),
        put(&new, "New"),
        put(&zero, "Renamed"),
        Change::Remove(Id::of(&certificate(1))),
        Change::Remove(Id::of(&certificate(1))),
    ];
    assert_eq!(
        apply(&database, &changes).unwrap(),
        [
            Effect::Unchanged,
            Effect::New,
            Effect::Updated,
            Effect::Removed,
            Effect::Unchanged
        ]
    );
    assert_eq!(labels(&place.open()), ["Renamed", "New"]);
}

#[test]
fn what_changes_nothing_writes_nothing() {
    let (place, database) = Place::filled(2);
    let before = place.files();
    let der = certificate(1);
    assert_eq!(
        apply(
            &database,
            &[put(&der, "Anchor 1"), Change::Remove(Id::of(&[]))]
        )
        .unwrap(),
        [Effect::Unchanged, Effect::Unchanged]
    );
    assert_eq!(place.files(), before);
}

#[test]
fn the_last_certificate_can_be_removed() {
    let (place, database) = Place::filled(1);
    apply(&database, &[Change::Remove(Id::of(&certificate(0)))]).unwrap();
    assert_eq!(labels(&place.open()), [""; 0]);
    assert_ne!(generation(&place.open()), 0);
    put_all(&database, [4]);
    assert_eq!(labels(&place.open()), ["Anchor 4"]);
}

#[test]
fn labels_that_differ_only_by_case_are_refused_and_nothing_of_the_batch_is_done() {
    let (place, database) = Place::filled(2);
    let before = place.files();
    let [zero, one, new, newer] = [0, 1, 8, 9].map(certificate);
    for changes in [
        &[put(&new, "Fine"), put(&newer, "aNCHOR 1")][..],
        &[put(&zero, "ANCHOR 1")],
        &[
            put(&new, "Straße"),
            put(&newer, "STRASSE"),
            put(&one, "anchor 0"),
        ],
    ] {
        assert!(matches!(
            apply(&database, changes),
            Err(DatabaseError::SameLabel { .. })
        ));
    }
    assert_eq!(place.files(), before);
    // A label that was given up in the same batch is free, and one's own is no other's.
    let changes = [
        put(&one, "Moved"),
        put(&new, "ANCHOR 1"),
        put(&zero, "anchor 0"),
        put(&newer, ""),
    ];
    apply(&database, &changes).unwrap();
    assert_eq!(labels(&database), ["anchor 0", "Moved", "ANCHOR 1", ""]);
}

#[test]
fn all_who_have_it_open_see_the_same() {
    let (place, one) = Place::filled(1);
    let two = place.open();
    assert_eq!(generation(&one), generation(&two));
    assert_eq!(found(&one), found(&two));
    let before = generation(&two);
    put_all(&one, [5]);
    assert_eq!(two.standing().state, State::Changed);
    assert_eq!(labels(&two), ["Anchor 0", "Anchor 5"]);
    assert_eq!(generation(&one), generation(&two));
    assert_ne!(generation(&one), before);
    assert_eq!(found(&one), found(&two));
    assert_eq!(found(&two).items, 2);
}

#[test]
fn a_change_for_another_generation_is_a_conflict() {
    let (place, one) = Place::filled(1);
    let two = place.open();
    let at = generation(&one);
    put_all(&two, [5]);
    let der = certificate(6);
    let terms = |at| Terms {
        at: Some(at),
        ..at_once()
    };
    assert!(matches!(
        one.apply(&[put(&der, "a")], &terms(at)),
        Err(DatabaseError::Conflict)
    ));
    one.apply(&[put(&der, "a")], &terms(generation(&one)))
        .unwrap();
    assert_eq!(labels(&two), ["Anchor 0", "Anchor 5", "a"]);
}

#[test]
fn an_altered_database_is_refused_wherever_it_was_altered() {
    let (place, _) = Place::filled(3);
    let whole = fs::read(place.path()).unwrap();
    for place_of_change in (0..whole.len()).step_by(whole.len() / 40) {
        let mut altered = whole.clone();
        altered[place_of_change] ^= 0x20;
        fs::write(place.path(), &altered).unwrap();
        let database = place.open();
        failure(&database);
        database.contents().unwrap_err();
        apply(&database, &[Change::Remove(Id::of(&certificate(0)))]).unwrap_err();
        assert_eq!(
            fs::read(place.path()).unwrap(),
            altered,
            "{place_of_change}"
        );
    }
    let mut altered = whole.clone();
    altered[whole.len() / 2] ^= 1;
    fs::write(place.path(), &altered).unwrap();
    check_refused(&place, "was altered");
    fs::write(place.path(), &whole[..whole.len() - 1]).unwrap();
    check_refused(&place, "cut short");
    fs::write(place.path(), []).unwrap();
    check_refused(&place, EMPTY);
    fs::write(place.path(), [&whole[..], b"x"].concat()).unwrap();
    check_refused(&place, TOO_LONG);
    fs::write(place.path(), &whole).unwrap();
    assert_eq!(labels(&place.open()).len(), 3);
}

#[test]
fn a_database_that_is_mended_is_read_again() {
    let (place, database) = Place::filled(1);
    let whole = fs::read(place.path()).unwrap();
    fs::write(place.path(), &whole[1..]).unwrap();
    database.contents().unwrap_err();
    failure(&database);
    fs::write(place.path(), &whole).unwrap();
    assert_eq!(database.standing().state, State::Changed);
    assert_eq!(labels(&database), ["Anchor 0"]);
    assert_eq!(found(&database).items, 1);
}

#[test]
fn a_stash_that_is_not_the_databases_is_refused() {
    let (place, database) = Place::filled(1);
    let stash = fs::read(place.stash()).unwrap();
    let (other, _) = Place::filled(1);

    fs::copy(other.stash(), place.stash()).unwrap();
    check_refused(&place, "the password in its stash does not open it");
    // Also by one who could open it until now: or the next change would be lost to all.
    database.contents().unwrap_err();

    fs::write(place.stash(), &stash[..100]).unwrap();
    check_refused(&place, "not a stash");
    let mut damaged = stash.clone();
    damaged[40] ^= 1;
    fs::write(place.stash(), damaged).unwrap();
    check_refused(&place, "damaged");
    // No text, which only a .kdb could have as its password.
    fs::write(place.stash(), sth::write_v1(&[0xff; 9], &[7; 128]).unwrap()).unwrap();
    check_refused(&place, "the password in its stash");
    fs::remove_file(place.stash()).unwrap();
    check_refused(&place, "anchors.sth is missing");
    assert!(failure(&database).contains("is missing"));
    apply(&database, &[Change::Remove(Id::of(&certificate(0)))]).unwrap_err();

    fs::write(place.stash(), stash).unwrap();
    assert_eq!(labels(&database), ["Anchor 0"]);
}

#[test]
fn links_and_other_things_than_files_are_refused() {
    let (place, _) = Place::filled(1);
    for (path, other) in [
        (place.path(), place.directory.path().join("moved")),
        (place.stash(), place.directory.path().join("moved")),
    ] {
        fs::rename(&path, &other).unwrap();
        symlink(&other, &path).unwrap();
        check_refused(&place, "symbolic link");
        fs::remove_file(&path).unwrap();
        symlink("nowhere", &path).unwrap();
        check_refused(&place, "symbolic link");
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        check_refused(&place, "is not a file");
        fs::remove_dir(&path).unwrap();
        fs::rename(&other, &path).unwrap();
    }
    let lock = place.beside(".lock");
    fs::remove_file(&lock).unwrap();
    symlink(place.path(), &lock).unwrap();
    let before = place.files();
    let der = certificate(9);
    for what in ["it is a symbolic link", "it is a directory"] {
        let refused = apply(&place.open(), &[put(&der, "a")]).unwrap_err();
        let text = format!("{refused}");
        assert!(text.contains(what), "{text}");
        assert!(text.contains(".lock") && text.contains("move it"), "{text}");
        if what.ends_with("link") {
            assert_eq!(place.files(), before);
            fs::remove_file(&lock).unwrap();
            fs::create_dir(&lock).unwrap();
        }
    }
}

#[test]
fn a_pipe_in_its_place_is_refused_without_waiting() {
    let place = Place::new();
    fs::create_dir_all(place.path().parent().unwrap()).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        place.path(),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RWXU,
        0,
    )
    .unwrap();
    let database = place.open();
    assert!(failure(&database).contains("is not a file"));
    database.contents().unwrap_err();
    // Also where it comes between the look and the opening.
    assert!(matches!(
        location::read(&place.path(), 10),
        Err(DatabaseError::NotAFile { .. })
    ));
}

#[test]
fn a_large_file_is_read_whole_and_never_further_than_one_byte_too_far() {
    let place = Place::new();
    fs::create_dir_all(place.path().parent().unwrap()).unwrap();
    let bytes: Vec<u8> = (0..3_000_001_u32)
        .map(|number| number.to_le_bytes()[usize::from(number % 3 == 0)])
        .collect();
    fs::write(place.path(), &bytes).unwrap();
    let read = |limit| location::read(&place.path(), limit).unwrap().unwrap().1;
    assert!(read(bytes.len()) == bytes);
    assert!(read(usize::MAX) == bytes);
    assert!(read(2_500_000) == bytes[..2_500_001]);
}

#[test]
fn files_that_others_can_get_at_are_told() {
    let (place, database) = Place::filled(1);
    assert_eq!(database.standing().exposed, None);
    let directory = place.path().parent().unwrap().to_owned();
    let check = |path: &PathBuf, mode: u32, expected: Option<&str>| {
        let before = fs::metadata(path).unwrap().permissions();
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        assert_eq!(database.standing().exposed.as_deref(), expected);
        fs::set_permissions(path, before).unwrap();
    };
    check(
        &place.stash(),
        0o640,
        Some("anchors.sth can be reached by others (mode 640): chmod 600 anchors.sth"),
    );
    check(
        &place.path(),
        0o620,
        Some(&format!(
            "{NAME} can be written by others (mode 620): chmod 600 {NAME}"
        )),
    );
    check(&place.path(), 0o644, None);
    check(
        &directory,
        0o777,
        Some("keys can be written by others (mode 777): chmod 700 keys"),
    );
    check(&directory, 0o1777, None);
    check(&directory, 0o755, None);
}

#[test]
fn a_file_that_is_written_again_keeps_its_mode() {
    let (place, database) = Place::filled(1);
    for (number, mode) in [(3, 0o644), (4, 0o640), (5, 0o664), (6, 0o700), (7, 0o600)] {
        fs::set_permissions(place.path(), Permissions::from_mode(mode)).unwrap();
        put_all(&database, [number]);
        let found = fs::metadata(place.path()).unwrap().permissions().mode();
        assert_eq!(found & 0o7777, mode, "{mode:o}");
    }
}

#[test]
fn a_certificate_that_is_there_twice_is_one_item_and_goes_as_a_whole() {
    let (place, database) = Place::filled(1);
    let [twice, other] = [1, 2].map(certificate);
    place.write(&[("a", &twice), ("b", &other), ("c", &twice)]);
    assert_eq!(labels(&database), ["a", "b"]);
    apply(&database, &[Change::Remove(Id::of(&twice))]).unwrap();
    assert_eq!(labels(&database), ["b"]);
}

#[test]
fn a_certificate_larger_than_the_contract_allows_is_kept_but_not_listed() {
    let (place, database) = Place::filled(1);
    let large = workshop::sized(1000, 300_000);
    place.write(&[("large", &large), ("small", &certificate(1))]);
    assert_eq!(labels(&database), ["small"]);
    put_all(&database, [2]);
    assert_eq!(found(&database).items, 2);
    let contents = database.contents().unwrap();
    assert_eq!(contents.archive().unwrap().len(), 3);
}

#[test]
fn an_interrupted_first_write_leaves_a_stash_that_is_used() {
    let (place, _) = Place::filled(1);
    let password = crate::password(&place.path()).unwrap();
    fs::remove_file(place.path()).unwrap();
    let database = place.open();
    assert_eq!(database.standing().state, State::Missing);
    assert_eq!(database.standing().obstacle, None);
    put_all(&database, [2]);
    assert_eq!(crate::password(&place.path()).unwrap(), password);
    assert_eq!(labels(&place.open()), ["Anchor 2"]);

    fs::remove_file(place.path()).unwrap();
    fs::write(place.stash(), b"damaged").unwrap();
    let before = place.files();
    let der = certificate(1);
    assert!(matches!(
        apply(&place.open(), &[put(&der, "a")]),
        Err(DatabaseError::Stash { .. })
    ));
    assert_eq!(place.files(), before);
}

#[test]
fn what_an_interrupted_write_left_is_removed_by_the_next() {
    let (place, database) = Place::filled(1);
    let left = place.beside(".new");
    fs::write(&left, b"half a database").unwrap();
    put_all(&database, [1]);
    assert!(!left.exists());
    symlink(place.stash(), &left).unwrap();
    let stash = fs::read(place.stash()).unwrap();
    put_all(&database, [2]);
    assert!(!left.exists());
    assert_eq!(fs::read(place.stash()).unwrap(), stash);
}

const STEPS: [Step; 6] = [
    Step::Begun,
    Step::Created,
    Step::Written,
    Step::Synced,
    Step::Renamed,
    Step::Done,
];

#[test]
fn a_write_that_fails_at_any_step_leaves_the_old_or_the_new() {
    for already in [0, 3] {
        for file in ["anchors.sth", NAME] {
            for failing in STEPS {
                let (place, _) = Place::filled(already);
                let probe = move |path: &Path, step| {
                    if path.ends_with(file) && step == failing {
                        return Err(io::Error::from(io::ErrorKind::StorageFull));
                    }
                    Ok(())
                };
                let database =
                    Database::open_probed(&place.path(), Settings::default(), Box::new(probe))
                        .unwrap();
                let der = certificate(99);
                let result = apply(&database, &[put(&der, "new")]);
                let case = format!("{already} {file} {failing:?}");
                // A database that is there has its stash already.
                let fails = file == NAME || already == 0;
                assert_eq!(result.is_err(), fails, "{case}");
                let has_new = !fails || file == NAME && failing >= Step::Renamed;
                let expected = usize::from(already) + usize::from(has_new);
                assert_eq!(labels(&database).len(), expected, "{case}");
                assert_eq!(labels(&place.open()).len(), expected, "{case}");
                assert!(
                    place
                        .files()
                        .iter()
                        .all(|(name, _)| !name.ends_with(".new"))
                );
                put_all(&place.open(), [50]);
                assert_eq!(labels(&place.open()).len(), expected + 1, "{case}");
            }
        }
    }
}

#[test]
fn a_second_writer_is_told_who_the_first_is() {
    let (place, database) = Place::filled(1);
    let before = place.files();
    let other = place.open();
    let held = other.lock(&mut other.memory(), &at_once()).unwrap();
    let der = certificate(9);
    let busy = apply(&database, &[put(&der, "a")]).unwrap_err();
    assert!(
        matches!(busy, DatabaseError::Busy { holder: Some(pid) } if pid == std::process::id()),
        "{busy}"
    );
    let asked = AtomicUsize::new(0);
    let terms = Terms {
        patience: Patience {
            limit: Duration::MAX,
            cancelled: &|| asked.fetch_add(1, Ordering::Relaxed) == 3,
        },
        ..at_once()
    };
    assert!(matches!(
        database.apply(&[put(&der, "a")], &terms),
        Err(DatabaseError::Cancelled)
    ));
    // Reading, and checking, need no lock.
    assert_eq!(labels(&database), ["Anchor 0"]);
    let terms = Terms {
        check_only: true,
        ..at_once()
    };
    database.apply(&[put(&der, "a")], &terms).unwrap();
    assert_eq!(place.files(), before);
    drop(held);
    apply(&database, &[put(&der, "a")]).unwrap();
}

#[test]
fn writers_in_threads_lose_nothing_of_each_other() {
    let place = Place::new();
    let write = |numbers: std::ops::Range<u8>| {
        let database = place.open();
        for number in numbers {
            let der = certificate(number);
            let label = format!("Anchor {number}");
            database.apply(&[put(&der, &label)], &patiently()).unwrap();
        }
    };
    thread::scope(|scope| {
        for start in [0, 20, 40] {
            scope.spawn(move || write(start..start + 20));
        }
    });
    assert_eq!(labels(&place.open()).len(), 60);
}

#[test]
fn errors_name_the_file_and_what_to_do() {
    let (place, _) = Place::filled(1);
    fs::write(place.stash(), sth::write_v1(b"other", &[7; 128]).unwrap()).unwrap();
    let path = place.path();
    assert_eq!(
        place.open().contents().unwrap_err().to_string(),
        format!(
            "{}: the password in its stash does not open it; restore both files from one backup",
            path.display()
        )
    );
}
