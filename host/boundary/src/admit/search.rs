//! Where a library has the loader find others: nobody else may put one there.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use crate::admit::Refusal;
use crate::admit::elf::Wants;
use crate::admit::place::{self, Place};

/// Refuses a library that has others looked for where somebody else could put one, or in whatever
/// directory the process happens to be.
pub(super) fn check(library: &Path, wants: &Wants) -> Result<(), Refusal> {
    if wants.needed.is_empty() {
        return Ok(());
    }
    let here = library.parent().unwrap_or_else(|| Path::new("/"));
    for written in &wants.search {
        let directory = match Wants::beside_of(written) {
            Some(beside) => plain(&here.join(OsStr::from_bytes(beside))),
            None => PathBuf::from(OsStr::from_bytes(written)),
        };
        check_directory(library, &directory)?;
    }
    // A name with a slash in it is a path, and is looked for nowhere else.
    let paths = wants.needed.iter().filter(|name| name.contains(&b'/'));
    paths
        .into_iter()
        .try_for_each(|name| check_path(library, name))
}

/// Refuses a library that is needed by its path where somebody else could change it, or put
/// another one in its place.
fn check_path(library: &Path, written: &[u8]) -> Result<(), Refusal> {
    let here = library.parent().unwrap_or_else(|| Path::new("/"));
    let path = match Wants::beside_of(written) {
        Some(beside) => plain(&here.join(OsStr::from_bytes(beside))),
        None => PathBuf::from(OsStr::from_bytes(written)),
    };
    check_directory(library, path.parent().unwrap_or_else(|| Path::new("/")))?;
    match Place::find(&path) {
        // The loader will say that it is not there.
        Ok(_) | Err(Refusal::NotFound { .. }) => Ok(()),
        Err(refusal) => Err(refusal),
    }
}

fn check_directory(library: &Path, directory: &Path) -> Result<(), Refusal> {
    if directory.is_absolute() && !place::others_can_fill(&known(directory)) {
        return Ok(());
    }
    Err(Refusal::UnsafeSearch {
        path: library.to_owned(),
        directory: directory.to_owned(),
    })
}

/// As much of a path as can be known here: the loader puts the name of the machine's kind into it.
fn known(path: &Path) -> PathBuf {
    let open = |part: &Component<'_>| !part.as_os_str().as_bytes().contains(&b'$');
    path.components().take_while(open).collect()
}

/// A path without `.` and `..`.
pub(super) fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::from("/");
    for part in path.components() {
        match part {
            Component::Normal(name) => plain.push(name),
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn checked(library: &Path, search: &[&str]) -> Result<(), Refusal> {
        let wants = Wants {
            search: search.iter().map(|text| text.as_bytes().to_vec()).collect(),
            needed: vec![b"libc.so.6".to_vec()],
        };
        check(library, &wants)
    }

    #[test]
    fn directories_of_the_system_and_beside_the_library_are_safe() {
        let dir = tempfile::tempdir().unwrap();
        let library = dir.path().join("lib.so");
        let search = [
            "/usr/lib",
            "/usr/$LIB/x",
            "/usr/lib/no/such",
            "$ORIGIN",
            "$ORIGIN/lib",
        ];
        assert_eq!(checked(&library, &search), Ok(()));
    }

    #[test]
    fn what_others_can_put_a_file_into_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let library = dir.path().join("lib.so");
        let open = dir.path().join("open");
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
        let beyond = open.join("below").display().to_string();
        for search in [
            "/tmp",
            "/tmp/no-such-directory-of-ours",
            "$ORIGIN/open",
            &beyond,
            "lib",
            ".",
            "",
        ] {
            let refusal = checked(&library, &[search]).unwrap_err();
            assert_eq!(refusal.code(), "unsafe-search-path", "{search}");
        }
        // Where nothing is looked for, it matters to nobody.
        let wants = Wants {
            search: vec![b"/tmp".to_vec()],
            needed: Vec::new(),
        };
        assert_eq!(check(&library, &wants), Ok(()));
    }

    #[test]
    fn library_that_is_needed_by_its_path_lies_where_nobody_else_can_change_it() {
        let dir = tempfile::tempdir().unwrap();
        let library = dir.path().join("lib.so");
        let (safe, open) = (dir.path().join("safe"), dir.path().join("open"));
        for (directory, mode) in [(&safe, 0o755), (&open, 0o777)] {
            fs::create_dir(directory).unwrap();
            fs::set_permissions(directory, fs::Permissions::from_mode(mode)).unwrap();
            fs::write(directory.join("dep.so"), "").unwrap();
        }
        let needs = |name: &str| {
            let wants = Wants {
                search: Vec::new(),
                needed: vec![name.as_bytes().to_vec()],
            };
            check(&library, &wants).map_err(|refusal| refusal.code())
        };
        let dep = safe.join("dep.so");
        let named = dep.display().to_string();
        for name in [&named, "$ORIGIN/safe/dep.so", "/usr/lib/no-such.so"] {
            assert_eq!(needs(name), Ok(()), "{name}");
        }
        let beyond = open.join("dep.so").display().to_string();
        for name in [
            &beyond,
            "$ORIGIN/open/dep.so",
            "/tmp/dep.so",
            // Relative to whatever directory the process happens to be in.
            "safe/dep.so",
            "./dep.so",
        ] {
            assert_eq!(needs(name), Err("unsafe-search-path"), "{name}");
        }
        fs::set_permissions(&dep, fs::Permissions::from_mode(0o666)).unwrap();
        assert_eq!(needs(&named), Err("unsafe-mode"));
    }
}
