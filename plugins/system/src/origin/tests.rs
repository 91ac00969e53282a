//! Where roots are looked for, what is read there, and what is said where nothing is.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

use anchorhold_sdk::ErrorKind;
use tempfile::TempDir;

use super::*;
use crate::stamp::Stamps;
use crate::workshop;

/// A system with two places for a bundle and one for single files, none of which is there.
fn system(at: &TempDir) -> Origin {
    let at = |name: &str| at.path().join(name);
    Origin::System(System {
        bundles: vec![at("first.crt"), at("second/bundle.pem")],
        directories: vec![at("certs")],
    })
}

fn named(file: Option<PathBuf>, directory: Option<PathBuf>) -> Origin {
    Origin::Named { file, directory }
}

fn labels(roots: &Roots) -> Vec<&str> {
    let mut labels: Vec<_> = roots.certificates.iter().map(|root| &*root.label).collect();
    labels.sort_unstable();
    labels
}

fn seen(origin: &Origin) -> Stamps {
    origin.stamps().expect("this system tells")
}

#[test]
fn first_bundle_is_the_systems_and_what_lies_beside_it_is_not_read() {
    let dir = TempDir::new().unwrap();
    let origin = system(&dir);
    fs::create_dir(dir.path().join("second")).unwrap();
    fs::create_dir(dir.path().join("certs")).unwrap();
    let (one, two) = (workshop::pem("One"), workshop::pem("Two"));
    fs::write(dir.path().join("second/bundle.pem"), &two).unwrap();
    fs::write(
        dir.path().join("certs/snakeoil.pem"),
        workshop::pem("Snakeoil"),
    )
    .unwrap();
    assert_eq!(labels(&origin.read().unwrap()), ["Two"]);
    fs::write(
        dir.path().join("first.crt"),
        format!("{one}# a comment\n{two}{one}"),
    )
    .unwrap();
    let roots = origin.read().unwrap();
    assert_eq!(labels(&roots), ["One", "Two"]);
    assert_eq!(roots.missed.sentence(), None);
}

#[test]
fn without_a_bundle_the_directory_is_read() {
    let dir = TempDir::new().unwrap();
    let certs = dir.path().join("certs");
    fs::create_dir_all(certs.join("java")).unwrap();
    fs::write(certs.join("one.pem"), workshop::pem("One")).unwrap();
    symlink("one.pem", certs.join("0a0b0c0d.0")).unwrap();
    symlink("gone.pem", certs.join("0a0b0c0d.1")).unwrap();
    fs::write(certs.join("README"), "Certificates lie here.\n").unwrap();
    fs::write(certs.join("java/two.pem"), workshop::pem("Two")).unwrap();
    let roots = system(&dir).read().unwrap();
    assert_eq!(labels(&roots), ["One"]);
    assert_eq!(roots.missed.sentence(), None);
}

#[test]
fn what_is_nowhere_is_told_with_every_place_that_was_looked_at() {
    let dir = TempDir::new().unwrap();
    let error = system(&dir).read().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    for name in [
        "first.crt",
        "second/bundle.pem",
        "certs",
        "ca-certificates",
        "grant",
    ] {
        assert!(error.message().contains(name), "{}", error.message());
    }
}

#[test]
fn bundle_that_cannot_be_read_is_no_reason_to_take_another() {
    let dir = TempDir::new().unwrap();
    fs::create_dir(dir.path().join("second")).unwrap();
    fs::write(dir.path().join("second/bundle.pem"), workshop::pem("Two")).unwrap();
    let first = dir.path().join("first.crt");
    fs::write(&first, "").unwrap();
    let error = system(&dir).read().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed);
    assert!(
        error.message().contains("no certificate"),
        "{}",
        error.message()
    );
    fs::remove_file(&first).unwrap();
    fs::create_dir(&first).unwrap();
    let error = system(&dir).read().unwrap_err();
    assert!(
        error.message().contains("it is no file"),
        "{}",
        error.message()
    );
    assert!(error.message().contains("first.crt"), "{}", error.message());
}

#[test]
fn one_damaged_root_of_many_is_counted_and_told() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("roots.pem");
    let [one, two, three] = ["One", "Two", "Three"].map(workshop::pem);
    let damaged = two.replacen("MI", "!!", 1);
    let nonsense = "-----BEGIN CERTIFICATE-----\nMAMCAQU=\n-----END CERTIFICATE-----\n";
    let trusted = one.replace("CERTIFICATE", "TRUSTED CERTIFICATE");
    let cut = three.split_at(three.len() / 2).0;
    fs::write(&file, format!("{one}{damaged}{nonsense}{trusted}{cut}")).unwrap();
    let roots = named(Some(file), None).read().unwrap();
    assert_eq!(labels(&roots), ["One"]);
    assert_eq!(roots.missed.count, 4, "{:?}", roots.missed);
    let told = roots.missed.in_full();
    assert!(told.starts_with("4 roots could not be read"), "{told}");
    for part in [
        "roots.pem",
        "no certificate",
        "TRUSTED CERTIFICATE",
        "cut off",
        "no base64",
    ] {
        assert!(told.contains(part), "{told}");
    }
}

#[test]
fn file_and_directory_that_are_named_are_both_read_and_both_must_be_there() {
    let dir = TempDir::new().unwrap();
    let (file, certs) = (dir.path().join("roots.pem"), dir.path().join("certs"));
    let both = named(Some(file.clone()), Some(certs.clone()));
    let error = both.read().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.message().contains("roots.pem"), "{}", error.message());
    fs::write(&file, workshop::pem("One")).unwrap();
    assert!(both.read().unwrap_err().message().contains("certs"));
    fs::create_dir(&certs).unwrap();
    assert_eq!(labels(&both.read().unwrap()), ["One"]);
    fs::write(certs.join("two.pem"), workshop::pem("Two")).unwrap();
    assert_eq!(labels(&both.read().unwrap()), ["One", "Two"]);
    let empty = dir.path().join("empty");
    fs::create_dir(&empty).unwrap();
    let error = named(None, Some(empty)).read().unwrap_err();
    assert!(
        error.message().contains("no certificate in PEM"),
        "{}",
        error.message()
    );
}

#[test]
fn what_would_hang_or_fill_the_memory_is_not_read() {
    let dir = TempDir::new().unwrap();
    let at = |name: &str| dir.path().join(name);
    let made = Command::new("mkfifo").arg(at("pipe")).status().unwrap();
    assert!(made.success());
    let error = named(Some(at("pipe")), None).read().unwrap_err();
    assert!(
        error.message().contains("it is no file"),
        "{}",
        error.message()
    );
    fs::File::create(at("huge"))
        .unwrap()
        .set_len(1 << 40)
        .unwrap();
    fs::write(at("one.pem"), workshop::pem("One")).unwrap();
    let roots = named(None, Some(dir.path().to_owned())).read().unwrap();
    assert_eq!(labels(&roots), ["One"]);
    assert_eq!(roots.missed.count, 2, "{:?}", roots.missed);
}

#[test]
fn file_that_only_others_may_read_is_told() {
    if fs::read("/etc/shadow").is_ok() {
        // Root may read everything.
        return;
    }
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("roots.pem");
    fs::write(&file, workshop::pem("One")).unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o0)).unwrap();
    let error = named(Some(file), None).read().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
}

#[test]
fn what_changes_has_another_look() {
    let dir = TempDir::new().unwrap();
    let origin = system(&dir);
    let nothing = seen(&origin);
    assert_eq!(seen(&origin), nothing);
    fs::create_dir(dir.path().join("certs")).unwrap();
    fs::write(dir.path().join("certs/one.pem"), workshop::pem("One")).unwrap();
    let directory = seen(&origin);
    assert_ne!(directory, nothing);
    let bundle = dir.path().join("first.crt");
    fs::write(&bundle, workshop::pem("One")).unwrap();
    let with_bundle = seen(&origin);
    assert_ne!(with_bundle, directory);
    let next = dir.path().join("next");
    fs::copy(&bundle, &next).unwrap();
    fs::rename(&next, &bundle).unwrap();
    assert_ne!(seen(&origin), with_bundle);
}

#[test]
fn settings_alone_say_where_roots_are() {
    let origin = |settings: &[(&str, &str)]| Origin::new(&Config::new("roots", settings));
    assert!(matches!(origin(&[]), Origin::System(_)));
    let file = Some(PathBuf::from("/x.pem"));
    let is_named = |origin: &Origin, expected: (&Option<PathBuf>, &Option<PathBuf>)| matches!(origin, Origin::Named { file, directory } if (file, directory) == expected);
    assert!(is_named(&origin(&[("file", "/x.pem")]), (&file, &None)));
    let directory = Some(PathBuf::from("/x"));
    assert!(is_named(
        &origin(&[("directory", "/x")]),
        (&None, &directory)
    ));
}
