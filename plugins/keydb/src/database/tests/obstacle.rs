//! Tests of files and directories that cannot be written, and of what a written file keeps.

use std::ffi::CStr;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, chown};
use std::process::Command;

use rustix::fs::{XattrFlags, fgetxattr, fsetxattr};

use super::*;
use crate::obstacle::Obstacle;
use crate::workshop::skip;

fn refused(database: &Database) -> DatabaseError {
    let before = database.standing().obstacle;
    let der = certificate(77);
    let refused = apply(database, &[put(&der, "new")]).unwrap_err();
    assert!(before.is_some(), "{refused}");
    refused
}

#[test]
fn a_file_with_another_name_is_not_parted_from_it() {
    let (place, database) = Place::filled(1);
    let other = place.directory.path().join("other");
    fs::hard_link(place.path(), &other).unwrap();
    let before = place.files();
    assert!(matches!(
        refused(&database),
        DatabaseError::ReadOnly(Obstacle::HardLinks { count: 2, .. })
    ));
    assert_eq!(place.files(), before);
    assert_eq!(labels(&database), ["Anchor 0"]);
    fs::remove_file(other).unwrap();
    put_all(&database, [1]);
}

#[test]
fn a_file_that_is_only_read_is_not_written_even_by_root() {
    let (place, database) = Place::filled(1);
    fs::set_permissions(place.path(), Permissions::from_mode(0o444)).unwrap();
    let before = place.files();
    let error = refused(&database);
    assert!(error.to_string().contains("mode 444"), "{error}");
    assert_eq!(place.files(), before);
    fs::set_permissions(place.path(), Permissions::from_mode(0o644)).unwrap();
    put_all(&database, [1]);
}

#[test]
fn a_file_that_nobody_can_change_is_told() {
    let (place, database) = Place::filled(1);
    let change = |how: &str| {
        let mut chattr = Command::new("chattr");
        let done = chattr.arg(how).arg(place.path()).output();
        done.is_ok_and(|output| output.status.success())
    };
    if !change("+i") {
        return skip("no file can be made immutable here");
    }
    let error = refused(&database);
    assert!(change("-i"));
    assert!(matches!(
        error,
        DatabaseError::ReadOnly(Obstacle::Immutable { .. })
    ));
    put_all(&database, [1]);
}

#[test]
fn a_file_that_is_written_again_keeps_its_owner_and_its_group() {
    const STRANGER: u32 = 65_534;
    if !rustix::process::geteuid().is_root() {
        return skip("only root can give a file away");
    }
    let (place, database) = Place::filled(1);
    chown(place.path(), Some(STRANGER), Some(7)).unwrap();
    fs::set_permissions(place.path(), Permissions::from_mode(0o640)).unwrap();
    fs::remove_file(place.beside(".lock")).unwrap();
    put_all(&database, [1]);
    for path in [place.path(), place.backup()] {
        let found = fs::metadata(path).unwrap();
        let (owner, mode) = ((found.uid(), found.gid()), found.mode() & 0o7777);
        assert_eq!((owner, mode), ((STRANGER, 7), 0o640));
    }
}

/// An access list: its owner and one more user may read and write, nobody else.
fn list() -> Vec<u8> {
    const NOBODY: u32 = u32::MAX;
    let entry = |tag: u16, may: u16, id: u32| {
        [
            &tag.to_le_bytes()[..],
            &may.to_le_bytes(),
            &id.to_le_bytes(),
        ]
        .concat()
    };
    [
        2_u32.to_le_bytes().to_vec(),
        entry(1, 6, NOBODY),
        entry(2, 6, 1234),
        entry(4, 0, NOBODY),
        entry(0x10, 6, NOBODY),
        entry(0x20, 0, NOBODY),
    ]
    .concat()
}

const LIST: &CStr = c"system.posix_acl_access";

fn attribute(path: &Path, name: &CStr) -> Option<Vec<u8>> {
    let mut room = vec![0; 1024];
    let length = fgetxattr(File::open(path).unwrap(), name, room.as_mut_slice()).ok()?;
    room.truncate(length);
    Some(room)
}

#[test]
fn a_file_that_is_written_again_keeps_its_access_list_and_what_is_said_of_it() {
    let (place, database) = Place::filled(1);
    let said = c"user.anchorhold.test";
    let file = File::open(place.path()).unwrap();
    if fsetxattr(&file, LIST, &list(), XattrFlags::empty()).is_err()
        || fsetxattr(&file, said, b"kept", XattrFlags::empty()).is_err()
    {
        return skip("no access lists on this file system");
    }
    put_all(&database, [1]);
    assert_eq!(attribute(&place.path(), LIST), Some(list()));
    assert_eq!(
        attribute(&place.path(), said).as_deref(),
        Some(&b"kept"[..])
    );
}

#[test]
fn an_access_list_of_the_directory_lets_nobody_into_a_file_that_had_none() {
    let (place, database) = Place::filled(1);
    fs::set_permissions(place.path(), Permissions::from_mode(0o660)).unwrap();
    let directory = File::open(place.path().parent().unwrap()).unwrap();
    let default = c"system.posix_acl_default";
    if fsetxattr(directory, default, &list(), XattrFlags::empty()).is_err() {
        return skip("no access lists on this file system");
    }
    put_all(&database, [1]);
    assert_eq!(attribute(&place.path(), LIST), None);
    let mode = fs::metadata(place.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o660);
}

/// A small file system of its own, which goes with it.
struct Disk(PathBuf);

impl Disk {
    fn mount(at: &Path, kilobytes: u32) -> Option<Self> {
        fs::create_dir_all(at).unwrap();
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o"])
            .arg(format!("size={kilobytes}k,mode=700"))
            .arg("tmpfs")
            .arg(at);
        let is_there = mount.output().is_ok_and(|output| output.status.success());
        if !is_there {
            skip("no file system can be mounted here");
        }
        is_there.then(|| Self(at.to_owned()))
    }

    fn remount(&self, how: &str) -> bool {
        let mut mount = Command::new("mount");
        mount.args(["-o", &format!("remount,{how}")]).arg(&self.0);
        mount.output().is_ok_and(|output| output.status.success())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).output();
    }
}

#[test]
fn a_full_disk_leaves_the_database_as_it_was() {
    let place = Place::new();
    let Some(disk) = Disk::mount(place.path().parent().unwrap(), 256) else {
        return;
    };
    let database = place.open();
    let filler = place.path().with_file_name("filler");
    let mut number = 0_u8;
    // Until the new file does not fit beside the old one any more.
    let error = loop {
        let before = fs::read(place.path()).ok();
        let der = workshop::sized(number.into(), 9000);
        match apply(&database, &[put(&der, &format!("Anchor {number}"))]) {
            Ok(_) => number += 1,
            Err(error) => {
                assert_eq!(fs::read(place.path()).ok(), before);
                break error;
            }
        }
    };
    assert!(number > 2, "{number}: {error}");
    let error = anchorhold_sdk::Error::from(error);
    assert_eq!(error.kind(), anchorhold_sdk::ErrorKind::Full, "{error}");
    assert_eq!(labels(&place.open()).len(), usize::from(number));
    assert!(!place.beside(".new").exists());
    // Nothing at all fits, so that not even a lock file has its text.
    let mut file = File::create(filler).unwrap();
    while file.write_all(&[7; 4096]).is_ok() {}
    while file.write_all(&[7; 1]).is_ok() {}
    fs::remove_file(place.beside(".lock")).unwrap();
    let der = certificate(99);
    apply(&database, &[put(&der, "new")]).unwrap_err();
    assert_eq!(labels(&place.open()).len(), usize::from(number));
    if disk.remount("size=4096k") {
        put_all(&place.open(), [99]);
        assert_eq!(labels(&place.open()).len(), usize::from(number) + 1);
    }
}

#[test]
fn a_first_write_on_a_full_disk_leaves_nothing_that_is_in_the_way() {
    let place = Place::new();
    let directory = place.path().parent().unwrap().to_owned();
    let Some(_disk) = Disk::mount(&directory, 64) else {
        return;
    };
    let filler = directory.join("filler");
    let mut file = File::create(&filler).unwrap();
    while file.write_all(&[7; 4096]).is_ok() {}
    drop(file);
    let der = certificate(1);
    apply(&place.open(), &[put(&der, "a")]).unwrap_err();
    assert_eq!(labels(&place.open()), [""; 0]);
    fs::remove_file(filler).unwrap();
    put_all(&place.open(), [2]);
    assert_eq!(labels(&place.open()), ["Anchor 2"]);
}

#[test]
fn a_file_system_that_is_only_read_is_told_before_anything_is_tried() {
    let place = Place::new();
    let Some(disk) = Disk::mount(place.path().parent().unwrap(), 1024) else {
        return;
    };
    let database = place.open();
    put_all(&database, [1]);
    if !disk.remount("ro") {
        return skip("no file system can be mounted anew here");
    }
    let before = place.files();
    let error = refused(&database);
    assert!(matches!(
        error,
        DatabaseError::ReadOnly(Obstacle::Directory { .. })
    ));
    assert_eq!(place.files(), before);
    assert!(disk.remount("rw"));
    put_all(&database, [2]);
}
