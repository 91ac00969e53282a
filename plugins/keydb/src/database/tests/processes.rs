//! Tests with other processes: the test program, started again to play a writer.

use std::env;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitStatus, Stdio};

use super::*;

const PATH: &str = "KEYDB_TEST_PATH";
const ROLE: &str = "KEYDB_TEST_ROLE";

/// Starts this program again as a writer of the database at `path`.
fn writer(path: &Path, role: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args(["--exact", &role_player()])
        .env(PATH, path)
        .env(ROLE, role)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// The name of the test that plays the writers.
fn role_player() -> String {
    let (_, module) = module_path!().split_once("::").unwrap();
    format!("{module}::play_a_writer")
}

fn run(path: &Path, role: &str) -> ExitStatus {
    writer(path, role).status().unwrap()
}

/// No test by itself: what the other processes do.
#[test]
fn play_a_writer() {
    let (Some(path), Ok(role)) = (env::var_os(PATH), env::var(ROLE)) else {
        return;
    };
    let path = PathBuf::from(path);
    match role.split_once(' ').unwrap() {
        ("put", start) => {
            let database = Database::open(&path, Settings::default()).unwrap();
            let start: u8 = start.parse().unwrap();
            for number in start..start + 10 {
                let der = certificate(number);
                let label = format!("Anchor {number}");
                database.apply(&[put(&der, &label)], &patiently()).unwrap();
            }
        }
        ("die", moment) => {
            let moment = moment.to_owned();
            let probe = move |file: &Path, step| {
                if moment == moment_of(file, step) {
                    std::process::abort();
                }
                Ok(())
            };
            let database =
                Database::open_probed(&path, Settings::default(), Box::new(probe)).unwrap();
            put_all(&database, [99]);
        }
        ("see", expected) => {
            let why = failure(&Database::open(&path, Settings::default()).unwrap());
            assert!(why.contains(expected), "{why}");
        }
        ("own", _) => {
            let database = Database::open(&path, Settings::default()).unwrap();
            assert!(database.standing().obstacle.unwrap().contains("belongs to"));
            let der = certificate(1);
            assert!(matches!(
                apply(&database, &[put(&der, "a")]),
                Err(DatabaseError::Owner { .. })
            ));
        }
        other => panic!("{other:?}"),
    }
}

fn moment_of(file: &Path, step: Step) -> String {
    format!("{} {step:?}", file.file_name().unwrap().display())
}

#[test]
fn writers_in_processes_lose_nothing_of_each_other() {
    let place = Place::new();
    let mut writers: Vec<_> = [0, 100, 200]
        .map(|start| {
            writer(&place.path(), &format!("put {start}"))
                .spawn()
                .unwrap()
        })
        .into();
    for writer in &mut writers {
        assert!(writer.wait().unwrap().success());
    }
    assert_eq!(labels(&place.open()).len(), 30);
}

#[test]
fn a_writer_that_dies_at_any_step_leaves_the_old_or_the_new() {
    for already in [0, 2] {
        for file in ["anchors.sth", NAME] {
            for step in STEPS {
                if already > 0 && file != NAME {
                    continue;
                }
                let (place, _) = Place::filled(already);
                let moment = moment_of(Path::new(file), step);
                assert!(!run(&place.path(), &format!("die {moment}")).success());
                let has_new = file == NAME && step >= Step::Renamed;
                let expected = usize::from(already) + usize::from(has_new);
                let database = place.open();
                assert_eq!(labels(&database).len(), expected, "{already} {moment}");
                // The dead hold no lock, and what they left is no hindrance.
                put_all(&database, [50]);
                assert_eq!(
                    labels(&place.open()).len(),
                    expected + 1,
                    "{already} {moment}"
                );
                assert!(
                    place
                        .files()
                        .iter()
                        .all(|(name, _)| !name.ends_with(".new"))
                );
            }
        }
    }
}

/// Nobody in particular.
const STRANGER: u32 = 65_534;

/// What only root can set up; elsewhere a line says that it was left out.
fn is_root() -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        workshop::skip("only root can play another user");
    }
    is_root
}

#[test]
fn what_root_writes_belongs_to_the_owner_of_the_directory() {
    if !is_root() {
        return;
    }
    let place = Place::new();
    let home = place.directory.path();
    chown(home, Some(STRANGER), Some(STRANGER)).unwrap();
    let database = place.open();
    put_all(&database, [1]);
    put_all(&database, [2]);
    let lock = format!("{NAME}.lock");
    for name in ["", NAME, "anchors.sth", &lock] {
        let metadata = fs::metadata(home.join("stores/keys").join(name)).unwrap();
        assert_eq!(
            (metadata.uid(), metadata.gid()),
            (STRANGER, STRANGER),
            "{name}"
        );
    }
}

#[test]
fn another_user_can_neither_read_it_nor_take_it_over() {
    if !is_root() {
        return;
    }
    let (place, _) = Place::filled(1);
    // A copy that the stranger can start, wherever this program is. Another process makes it: what
    // this one has open for writing, a child of another test would have open for a moment as well,
    // and nobody could start it then.
    let program = place.directory.path().join("program");
    let mut copy = Command::new("cp");
    copy.arg(env::current_exe().unwrap()).arg(&program);
    assert!(copy.status().unwrap().success());
    let keys = place.path().parent().unwrap().to_owned();
    for directory in [place.directory.path(), keys.parent().unwrap(), &keys] {
        fs::set_permissions(directory, Permissions::from_mode(0o777)).unwrap();
    }
    let before = place.files();
    let check = |role: &str| {
        let mut command = Command::new(&program);
        let status = command
            .args(["--exact", &role_player()])
            .env(PATH, place.path())
            .env(ROLE, role)
            .uid(STRANGER)
            .gid(STRANGER)
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(status.success(), "{role}");
    };
    check("see ermission denied");
    for file in [place.path(), place.stash()] {
        fs::set_permissions(file, Permissions::from_mode(0o644)).unwrap();
    }
    check("own it");
    assert_eq!(place.files(), before);
}

#[test]
fn a_writer_that_dies_while_it_copies_leaves_the_database_and_the_next_copies_it() {
    for step in STEPS {
        let (place, _) = Place::foreign(2);
        let before = place.files();
        let original = fs::read(place.path()).unwrap();
        let name = format!("{NAME}.before-anchorhold");
        let moment = moment_of(Path::new(&name), step);
        assert!(!run(&place.path(), &format!("die {moment}")).success());
        assert_eq!(fs::read(place.path()).unwrap(), original, "{moment}");
        assert!(!place.beside(".lock").exists(), "{moment}");

        put_all(&place.open(), [50]);
        assert_eq!(fs::read(place.backup()).unwrap(), original, "{moment}");
        let mut names: Vec<_> = place.files().into_iter().map(|(name, _)| name).collect();
        names.retain(|left| *left != name);
        let expected: Vec<_> = before.into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, expected, "{moment}");
        assert_eq!(labels(&place.open()).len(), 3, "{moment}");
    }
}

#[test]
fn writers_in_processes_make_one_copy_of_a_foreign_database() {
    let (place, _) = Place::foreign(2);
    let original = fs::read(place.path()).unwrap();
    let mut writers: Vec<_> = [10, 100, 200]
        .map(|start| {
            writer(&place.path(), &format!("put {start}"))
                .spawn()
                .unwrap()
        })
        .into();
    for writer in &mut writers {
        assert!(writer.wait().unwrap().success());
    }
    assert_eq!(labels(&place.open()).len(), 32);
    assert_eq!(fs::read(place.backup()).unwrap(), original);
}
