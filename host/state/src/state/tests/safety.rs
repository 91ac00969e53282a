//! Who else may touch the files.

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::process::Command;

use super::durability::{child, task};
use super::*;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn writing_child() {
    let Some((dir, number)) = task() else { return };
    let state = State::open(&dir).unwrap();
    let mut transaction = state.write(&actor(), now()).unwrap();
    transaction.raise(&name(&format!("TSM{number}")));
    transaction.commit().unwrap();
    let _lock = state.lock("server-tsm1").unwrap();
}

#[track_caller]
fn assert_private(home: &Home) {
    assert_eq!(mode(&home.path), 0o700);
    assert_eq!(mode(home.path.parent().unwrap()), 0o700);
    assert_eq!(mode(&home.file("locks")), 0o700);
    for path in files(&home.path).into_keys() {
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[test]
fn everything_is_for_the_owner_only_whatever_the_umask() {
    for umask in ["000", "022", "077", "777"] {
        let home = Home::new();
        for number in 1..=2 {
            let program = std::env::current_exe().unwrap();
            let status = Command::new("sh")
                .arg("-c")
                .arg(format!("umask {umask}; exec \"$@\""))
                .arg("sh")
                .arg(program)
                .args([
                    "--exact",
                    "state::tests::safety::writing_child",
                    "--test-threads=1",
                ])
                .env("ANCHORHOLD_STATE_TEST_DIR", &home.path)
                .env("ANCHORHOLD_STATE_TEST_FROM", number.to_string())
                .output()
                .unwrap();
            assert!(status.status.success(), "{umask}: {status:?}");
        }
        assert_private(&home);
        home.assert_whole();
        assert_eq!(home.state().servers().unwrap().len(), 2);
    }
}

#[test]
fn log_is_for_the_owner_only() {
    let home = Home::new();
    home.write(|change| change.raise(&name("TSM1")));
    let foreign = rusqlite::Connection::open(home.file("ledger.db")).unwrap();
    foreign
        .execute_batch("BEGIN; SELECT * FROM server")
        .unwrap();
    home.write(|change| change.raise(&name("TSM2")));
    assert!(home.file("ledger.db-wal").exists());
    assert_private(&home);
}

#[test]
fn directory_that_others_can_read_is_told() {
    let home = Home::new();
    home.write(|change| change.raise(&name("TSM1")));
    assert_eq!(home.state().warnings(), Vec::<String>::new());
    set_mode(&home.path, 0o755);
    let warnings = home.state().warnings();
    assert!(
        warnings[0].contains("can be read by others (mode 0755)"),
        "{warnings:?}"
    );
    home.write(|change| change.raise(&name("TSM2")));
    assert_eq!(mode(&home.path), 0o755);
}

#[test]
fn directory_that_others_can_write_to_is_refused() {
    let home = Home::new();
    home.write(|change| change.raise(&name("TSM1")));
    for unsafe_mode in [0o770, 0o707, 0o1777] {
        set_mode(&home.path, unsafe_mode);
        let error = State::open(&home.path).unwrap_err();
        assert!(
            error.to_string().contains("others can write to it"),
            "{error}"
        );
    }
    set_mode(&home.path, 0o700);
    home.assert_whole();
}

#[test]
fn file_that_others_can_write_to_is_refused() {
    for file in ["ledger.db", "journal.jsonl"] {
        let home = Home::new();
        home.write(|change| change.raise(&name("TSM1")));
        set_mode(&home.file(file), 0o620);
        let error = State::open(&home.path).unwrap_err();
        assert!(matches!(error, StateError::Refused { .. }), "{error:?}");
        assert!(error.to_string().contains("chmod 600"), "{error}");
    }
}

#[test]
fn what_is_no_file_is_refused() {
    for file in ["ledger.db", "journal.jsonl"] {
        let home = Home::new();
        fs::create_dir_all(home.file(file)).unwrap();
        let error = State::open(&home.path).unwrap_err();
        assert!(error.to_string().contains("not a plain file"), "{error}");
    }
    let home = Home::new();
    fs::create_dir_all(home.path.parent().unwrap()).unwrap();
    fs::write(&home.path, "x").unwrap();
    let error = State::open(&home.path).unwrap_err();
    assert!(error.to_string().contains("not a directory"), "{error}");
}

#[test]
fn pipe_in_the_place_of_a_lock_does_not_hang() {
    let home = Home::new();
    home.write(|change| change.raise(&name("TSM1")));
    let lock = home.file("locks/ledger.write");
    fs::remove_file(&lock).unwrap();
    assert!(
        Command::new("mkfifo")
            .arg(&lock)
            .status()
            .unwrap()
            .success()
    );
    let error = home.state().write(&actor(), now()).unwrap_err();
    assert!(matches!(error, StateError::Refused { .. }), "{error:?}");
}

#[test]
fn directory_behind_a_link_is_used() {
    let home = Home::new();
    home.write(|change| change.raise(&name("TSM1")));
    let link = home.path.parent().unwrap().join("link");
    symlink(&home.path, &link).unwrap();
    let state = State::open(&link).unwrap();
    assert!(state.server(&name("TSM1")).unwrap().is_strict());
    let mut transaction = state.write(&actor(), now()).unwrap();
    transaction.raise(&name("TSM2"));
    transaction.commit().unwrap();
    home.assert_whole();
    fs::rename(&home.path, home.path.with_extension("gone")).unwrap();
    let error = State::open(&link).unwrap_err();
    assert!(error.to_string().contains("leads nowhere"), "{error}");
}

#[test]
fn odd_names_of_directories_are_as_good() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("50% of? #1 ä\u{1f512} 'x'");
    let state = State::open(&path).unwrap();
    let mut transaction = state.write(&actor(), now()).unwrap();
    transaction.raise(&name("TSM1"));
    transaction.commit().unwrap();
    assert!(
        State::open(&path)
            .unwrap()
            .server(&name("TSM1"))
            .unwrap()
            .is_strict()
    );
}

#[test]
fn read_only_directory_is_read() {
    let home = Home::new();
    home.write(|change| change.raise(&name("TSM1")));
    // The superuser may write all the same; that nothing does is compared byte by byte.
    set_mode(&home.path, 0o500);
    set_mode(&home.file("locks"), 0o500);
    let before = files(&home.path);
    read_everything(&home.state());
    home.assert_whole();
    assert!(before == files(&home.path));
    set_mode(&home.file("locks"), 0o700);
    fs::remove_file(home.file("locks/ledger.gate")).unwrap();
    set_mode(&home.file("locks"), 0o500);
    home.assert_whole();
    set_mode(&home.path, 0o700);
    set_mode(&home.file("locks"), 0o700);
}

#[test]
fn lock_of_a_dead_process_is_free() {
    let home = Home::new();
    let mut process = child("state::tests::safety::writing_child", &home.path, 1);
    assert!(process.wait().unwrap().success());
    fs::write(home.file("locks/server-tsm1.lock"), "4194999 ghost\n").unwrap();
    home.state()
        .lock_within("server-tsm1", std::time::Duration::ZERO)
        .unwrap();
}
