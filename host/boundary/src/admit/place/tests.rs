//! Which files and ways to files are safe, and what is told of those that are not.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use super::*;

/// A directory in the directory for temporary files, and a file in it.
fn home() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("lib.so");
    fs::write(&file, "bytes").unwrap();
    chmod(&file, 0o644);
    (dir, file)
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn refused(path: &Path) -> Refusal {
    Place::find(path).unwrap_err()
}

/// Gives a file to somebody else, where this process may do that.
fn give_away(path: &Path) -> bool {
    std::os::unix::fs::lchown(path, Some(SOMEBODY), None).is_ok()
}

const SOMEBODY: u32 = 4_000_000_001;

#[test]
fn a_file_of_ones_own_in_a_safe_place_is_found() {
    let (_dir, file) = home();
    let place = Place::find(&file).unwrap();
    assert_eq!((place.size, place.real), (5, file.canonicalize().unwrap()));
    // Others can make files beside it in the directory for temporary files.
    assert!(!place.only_root);
}

#[test]
fn a_file_of_the_system_is_roots_alone() {
    let place = Place::find(Path::new("/bin/sh")).unwrap();
    assert!(place.only_root, "{place:?}");
    assert_eq!(place.real, Path::new("/bin/sh").canonicalize().unwrap());
}

#[test]
fn a_file_that_others_can_write_is_refused() {
    for mode in [0o646, 0o664, 0o666] {
        let (_dir, file) = home();
        chmod(&file, mode);
        let refusal = refused(&file);
        assert_eq!(refusal.code(), "unsafe-mode");
        assert!(
            refusal.to_string().contains(&format!("{mode:04o}")),
            "{refusal}"
        );
        assert_eq!(
            refusal.remedy(),
            format!(
                "make sure that nobody has changed it, then: chmod go-w {}",
                file.display()
            )
        );
    }
}

#[test]
fn a_directory_that_others_can_write_is_refused_wherever_it_is_on_the_way() {
    let (dir, _) = home();
    let inner = dir.path().join("a/b/c");
    fs::create_dir_all(&inner).unwrap();
    let file = inner.join("lib.so");
    fs::write(&file, "bytes").unwrap();
    for (open, mode) in [("a", 0o777), ("a/b", 0o775), ("a/b/c", 0o757)] {
        let open = dir.path().join(open);
        chmod(&open, mode);
        let refusal = refused(&file);
        assert_eq!(refusal.code(), "unsafe-parent");
        assert!(
            matches!(&refusal, Refusal::UnsafeParent { parent, fault: ParentFault::Mode(_), .. }
                if *parent == open.canonicalize().unwrap()),
            "{refusal:?}"
        );
        // Where nobody can move what is not his, it is safe again.
        chmod(&open, mode | 0o1000);
        assert!(Place::find(&file).is_ok());
        chmod(&open, 0o755);
    }
}

#[test]
fn what_belongs_to_somebody_else_is_refused() {
    let (dir, file) = home();
    if !give_away(&file) {
        return;
    }
    let refusal = refused(&file);
    assert_eq!(refusal.code(), "unsafe-owner");
    assert!(refusal.to_string().contains("4000000001"), "{refusal}");
    let inner = dir.path().join("theirs");
    fs::create_dir(&inner).unwrap();
    let file = inner.join("lib.so");
    fs::write(&file, "bytes").unwrap();
    assert!(give_away(&inner));
    assert_eq!(refused(&file).code(), "unsafe-parent");
    // A link of theirs may lead somewhere else the next moment.
    let link = dir.path().join("link.so");
    symlink("/bin/sh", &link).unwrap();
    assert!(Place::find(&link).is_ok());
    assert!(give_away(&link));
    let refusal = refused(&link);
    assert_eq!(refusal.code(), "unsafe-parent");
    assert!(refusal.to_string().contains("link.so"), "{refusal}");
}

#[test]
fn links_are_followed_and_what_they_pass_is_checked() {
    let (dir, file) = home();
    let here = dir.path();
    symlink("lib.so", here.join("relative.so")).unwrap();
    symlink(&file, here.join("absolute.so")).unwrap();
    symlink("relative.so", here.join("chain.so")).unwrap();
    fs::create_dir(here.join("in")).unwrap();
    symlink("../chain.so", here.join("in/up.so")).unwrap();
    symlink("in", here.join("way")).unwrap();
    for name in [
        "relative.so",
        "absolute.so",
        "chain.so",
        "in/up.so",
        "way/up.so",
    ] {
        let place = Place::find(&here.join(name)).unwrap();
        assert_eq!(place.real, file.canonicalize().unwrap(), "{name}");
        assert_eq!(place.looks.len(), 2, "{name}");
    }
    fs::create_dir(here.join("open")).unwrap();
    fs::write(here.join("open/lib.so"), "bytes").unwrap();
    chmod(&here.join("open"), 0o777);
    symlink("open/lib.so", here.join("into.so")).unwrap();
    assert_eq!(refused(&here.join("into.so")).code(), "unsafe-parent");
    // What is passed on the way out of a directory counts as well.
    assert_eq!(
        refused(&here.join("open/../lib.so")).code(),
        "unsafe-parent"
    );
}

#[test]
fn links_without_an_end_are_refused() {
    let (dir, _) = home();
    let (one, other) = (dir.path().join("1"), dir.path().join("2"));
    symlink(&one, &other).unwrap();
    symlink(&other, &one).unwrap();
    assert_eq!(refused(&one).code(), "unreadable");
    symlink("nowhere", dir.path().join("dangling")).unwrap();
    assert_eq!(refused(&dir.path().join("dangling")).code(), "not-found");
}

#[test]
fn what_is_no_file_is_named_and_never_waited_for() {
    let (dir, file) = home();
    let pipe = dir.path().join("pipe");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        FileType::Fifo,
        Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    for (path, kind) in [
        (pipe.as_path(), "a pipe"),
        (dir.path(), "a directory"),
        (Path::new("/"), "a directory"),
        (Path::new("/dev/null"), "a device"),
    ] {
        let refusal = refused(path);
        assert_eq!(refusal.code(), "not-a-file");
        assert!(refusal.to_string().contains(kind), "{refusal}");
    }
    assert_eq!(refused(&file.join("below")).code(), "unreadable");
    assert_eq!(refused(&dir.path().join("no")).code(), "not-found");
    assert_eq!(refused(Path::new("")).code(), "unreadable");
}

#[test]
fn a_directory_is_checked_like_the_way_to_a_file() {
    let (dir, file) = home();
    assert_eq!(check_directory(dir.path()), Ok(()));
    assert_eq!(check_directory(&file).unwrap_err().code(), "not-a-file");
    chmod(dir.path(), 0o770);
    assert_eq!(
        check_directory(dir.path()).unwrap_err().code(),
        "unsafe-parent"
    );
    // Anybody may put a file of his own there.
    chmod(dir.path(), 0o1777);
    assert_eq!(
        check_directory(dir.path()).unwrap_err().code(),
        "unsafe-parent"
    );
    assert_eq!(
        check_directory(&dir.path().join("no")).unwrap_err().code(),
        "not-found"
    );
}

#[test]
fn a_sibling_lies_beside_the_file_that_a_link_leads_to() {
    let (dir, file) = home();
    fs::create_dir(dir.path().join("in")).unwrap();
    let link = dir.path().join("in/x.toml");
    fs::write(dir.path().join("x.toml"), "text").unwrap();
    symlink("../x.toml", &link).unwrap();
    let manifest = Place::find(&link).unwrap();
    let library = manifest.sibling("lib.so").unwrap();
    assert_eq!(library.real, file.canonicalize().unwrap());
    assert_eq!(manifest.sibling("no.so").unwrap_err().code(), "not-found");
}
