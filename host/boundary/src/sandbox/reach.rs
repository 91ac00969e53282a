//! Which files a runner reaches: what every program needs, and what its store is granted.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use crate::sandbox::SandboxSpec;

/// The most libraries beside one that are made readable with it.
const NEIGHBOURS_MAX: usize = 1024;

/// What every program needs to load libraries and to be told its language, zone and cryptographic
/// policy; nobody's secrets lie there.
const SYSTEM: [&str; 15] = [
    "/usr",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/nix/store",
    "/gnu/store",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/crypto-policies",
    "/etc/gnutls",
    "/etc/pki/tls/openssl.cnf",
    "/etc/ssl/openssl.cnf",
];

/// Devices that are no devices.
const DEVICES: [&str; 4] = ["/dev/null", "/dev/random", "/dev/urandom", "/dev/zero"];

/// What the C library looks names of hosts up with.
pub(super) const NAMES: [&str; 5] = [
    "/etc/gai.conf",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/nsswitch.conf",
    "/etc/resolv.conf",
];

/// One file or directory, and what may be done with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reached {
    pub(super) path: PathBuf,
    pub(super) may: May,
}

/// What may be done with a file, or with all that lies in a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum May {
    /// Connecting to the socket, or to those that lie in the directory, whenever they came there.
    Connect,
    /// Reading.
    Read,
    /// Reading and changing.
    Write,
}

/// What a runner reaches, of what is there, and what is granted and is not there.
pub(super) fn reached(spec: &SandboxSpec) -> (Vec<Reached>, Vec<String>) {
    let mut list = Vec::new();
    let mut missing = Vec::new();
    let mut add = |path: &Path, may: May| {
        let there = path.exists();
        if there {
            list.push(Reached {
                path: path.to_owned(),
                may,
            });
        }
        there
    };
    for path in SYSTEM.iter().chain(&DEVICES) {
        add(Path::new(path), May::Read);
    }
    // Everybody writes there, and nothing is kept.
    add(Path::new("/dev/null"), May::Write);
    for library in &spec.libraries {
        for neighbour in neighbours(library) {
            add(&neighbour, May::Read);
        }
    }
    for (paths, may) in [(&spec.read, May::Read), (&spec.write, May::Write)] {
        for path in paths {
            if !add(path, may) {
                missing.push(format!("{} is not there", path.display()));
            }
        }
    }
    for path in &spec.unix {
        if is_socket(path) || path.is_dir() {
            add(path, May::Connect);
        } else {
            missing.push(format!("{} is no socket", path.display()));
        }
    }
    (list, missing)
}

/// A library and the libraries beside it, and nothing else that lies there: a library may lie in
/// somebody's home.
fn neighbours(library: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::from([library.to_owned()]);
    // A link may lead to where its neighbours are.
    for library in [Some(library.to_owned()), library.canonicalize().ok()] {
        let directory = library.as_deref().and_then(Path::parent);
        let Some(entries) = directory.and_then(|directory| fs::read_dir(directory).ok()) else {
            continue;
        };
        let libraries = entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| is_library(path));
        found.extend(libraries.take(NEIGHBOURS_MAX));
    }
    found
}

/// Whether a file is named as libraries are: `libx.so`, `libx.so.1.2`.
fn is_library(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    let is_version = |rest: &str| {
        rest.bytes()
            .all(|byte| byte == b'.' || byte.is_ascii_digit())
    };
    name.is_some_and(|name| {
        name.rsplit_once(".so")
            .is_some_and(|(stem, rest)| !stem.is_empty() && is_version(rest))
    }) && path.is_file()
}

fn is_socket(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|metadata| metadata.file_type().is_socket())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    #[test]
    fn library_comes_with_the_libraries_beside_it_only() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        for name in [
            "libp.so",
            "libq.so.1.2",
            "key.pem",
            "notes.so.txt",
            ".so",
            "x.source",
        ] {
            fs::write(at(name), "").unwrap();
        }
        fs::create_dir(at("d.so")).unwrap();
        assert_eq!(
            neighbours(&at("libp.so")),
            BTreeSet::from([at("libp.so"), at("libq.so.1.2")])
        );
        let other = tempfile::tempdir().unwrap();
        let link = other.path().join("link.so");
        symlink(at("libp.so"), &link).unwrap();
        assert_eq!(
            neighbours(&link),
            BTreeSet::from([link.clone(), at("libp.so"), at("libq.so.1.2")])
        );
    }

    #[test]
    fn what_is_not_there_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let _listener = UnixListener::bind(at("socket")).unwrap();
        fs::write(at("file"), "").unwrap();
        let spec = SandboxSpec {
            read: vec![dir.path().to_owned(), at("gone")],
            unix: vec![at("socket"), at("file"), "/proc".into()],
            ..SandboxSpec::default()
        };
        let (list, missing) = reached(&spec);
        let reaches = |path: PathBuf, may| list.contains(&Reached { path, may });
        assert!(reaches(at("socket"), May::Connect));
        assert!(reaches("/proc".into(), May::Connect));
        assert!(reaches(dir.path().to_owned(), May::Read));
        assert!(reaches("/usr".into(), May::Read));
        assert!(!reaches("/etc".into(), May::Read));
        assert_eq!(
            missing,
            [
                format!("{} is not there", at("gone").display()),
                format!("{} is no socket", at("file").display()),
            ]
        );
    }
}
