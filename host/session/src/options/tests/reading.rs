//! Reading files from disk, and finding them.

use std::fs;
use std::path::{Path, PathBuf};
use std::slice::from_ref;

use crate::options::line::LONGEST_FILE;
use crate::options::{Mistake, files_in, find, read, vendor_directories};

/// A directory of one test, gone afterwards.
struct Scratch(PathBuf);

impl Scratch {
    fn new(test: &str) -> Self {
        let name = format!("anchorhold-options-{}-{test}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("a scratch directory");
        Self(path)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, content).expect("a file in it");
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn both_files_are_read_and_named() {
    let scratch = Scratch::new("both");
    let system = scratch.write("dsm.sys", "SErvername a\r\n  SSL yes\r\n");
    let user = scratch.write("dsm.opt", "SErvername A");
    let options = read(from_ref(&system), from_ref(&user)).expect("nothing is wrong");
    assert_eq!(options.files, [system.clone(), user]);
    let ssl = options.stanzas[0].ssl.clone().expect("it is set");
    assert_eq!(ssl.place.to_string(), format!("{}:2", system.display()));
    assert_eq!(options.default_stanza(), options.stanza("a"));
}

#[test]
fn a_file_named_twice_is_one_file() {
    let scratch = Scratch::new("twice");
    let system = scratch.write("dsm.sys", "SErvername a\n");
    let options = read(&[system.clone(), system.clone()], &[]).expect("nothing is wrong");
    assert_eq!(options.files, [system]);
}

#[test]
fn what_cannot_be_read_is_told_beside_what_is_wrong() {
    let scratch = Scratch::new("unreadable");
    let missing = scratch.0.join("dsm.sys");
    let wrong = scratch.write("other.sys", "SErvername a\nSSL maybe\n");
    // It names a stanza of the file that is missing, which is no mistake of its own.
    let user = scratch.write("dsm.opt", "SErvername b\n");
    let error = read(&[missing.clone(), wrong], &[user]).expect_err("a file is missing");
    assert_eq!(error.unreadable[0].0, missing);
    assert_eq!(error.mistakes.len(), 1);
    assert!(error.to_string().contains("cannot be read"), "{error}");

    let directory = read(from_ref(&scratch.0), &[]).expect_err("a directory is no file");
    assert_eq!(directory.unreadable.len(), 1);
}

#[test]
fn a_file_without_end_is_not_read_whole() {
    let scratch = Scratch::new("long");
    let path = scratch.write("dsm.sys", vec![b'*'; LONGEST_FILE + 1]);
    let error = read(&[path], &[]).expect_err("it is too long");
    let limit = LONGEST_FILE;
    assert_eq!(error.mistakes[0].what, Mistake::FileTooLong { limit });
}

#[test]
fn the_files_of_a_directory_are_found() {
    let scratch = Scratch::new("found");
    assert_eq!(files_in(&scratch.0), None);
    let user = scratch.write("dsm.opt", "");
    let found = files_in(&scratch.0).expect("one file");
    assert_eq!((found.system, found.user.len()), (vec![user.clone()], 0));
    let system = scratch.write("dsm.sys", "");
    let nowhere = Path::new("/nonexistent/anchorhold");
    let found = find([nowhere, scratch.0.as_path()]).expect("two files");
    assert_eq!((found.system, found.user), (vec![system], vec![user]));
    assert_eq!(find([nowhere]), None);
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_nowhere_is_not_passed_over() {
    let scratch = Scratch::new("link");
    std::os::unix::fs::symlink("/nonexistent", scratch.0.join("dsm.sys")).expect("a link");
    let found = files_in(&scratch.0).expect("the link counts");
    read(&found.system, &found.user).expect_err("and cannot be read");
}

#[test]
fn the_vendors_directories_are_fixed() {
    let directories = vendor_directories();
    assert!(!directories.is_empty());
    assert!(directories.iter().all(|directory| directory.is_absolute()));
}
