//! The secret of a store, from the file that the operator keeps it in.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use zeroize::Zeroizing;

/// Reads a secret, without the end of its line, from a file that nobody else can read.
pub(crate) fn read(key: &str, file: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
    let told = |why: &str| format!("the file {file:?} for the secret {key:?}: {why}");
    let unreadable = |error: io::Error| told(&error.to_string());
    let opened = open(file).map_err(unreadable)?;
    check(&opened).map_err(|why| told(&why))?;
    let mut secret = whole(opened).map_err(unreadable)?;
    if secret.last() == Some(&b'\n') {
        secret.pop();
        if secret.last() == Some(&b'\r') {
            secret.pop();
        }
    }
    match secret.len() {
        0 => Err(told("it is empty")),
        length if length > SECRET_MAX => Err(told(&format!(
            "it holds more than the {SECRET_MAX} bytes of a secret"
        ))),
        _ => Ok(secret),
    }
}

/// Never waits for somebody to write into a pipe.
fn open(file: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(file)
}

/// The opened file, not what its name may lead to by now, is its owner's alone.
fn check(opened: &File) -> Result<(), String> {
    let metadata = opened.metadata().map_err(|error| error.to_string())?;
    // SAFETY: no memory is passed (R3).
    let me = unsafe { libc::geteuid() };
    let (owner, mode) = (metadata.uid(), metadata.mode() & 0o7777);
    if !metadata.is_file() {
        Err("it is no plain file".to_owned())
    } else if owner != me && owner != 0 {
        Err(format!(
            "it belongs to user {owner}, and this is user {me}: make it your own"
        ))
    } else if mode & 0o077 != 0 {
        Err(format!(
            "others can reach it (mode {mode:04o}): run chmod 600 on it"
        ))
    } else {
        Ok(())
    }
}

/// Into memory that is not moved, so that no copy stays behind.
fn whole(mut file: File) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(vec![0; READ_MAX]);
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// The longest answer to a question.
const SECRET_MAX: usize = anchorhold_boundary::question::ANSWER_MAX;
/// The longest secret, the end of its line, and one more that tells what is too long.
const READ_MAX: usize = SECRET_MAX + 3;

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn of(content: &[u8], mode: u32) -> Result<Vec<u8>, String> {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("pin");
        fs::write(&file, content).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
        read("pin", &file).map(|secret| secret.to_vec())
    }

    #[test]
    fn secret_is_what_its_file_holds_but_the_end_of_the_line() {
        for content in [&b"4711"[..], b"4711\n", b"4711\r\n"] {
            assert_eq!(of(content, 0o600).unwrap(), b"4711");
        }
        assert_eq!(of(b"4711\n\n", 0o400).unwrap(), b"4711\n");
    }

    #[test]
    fn what_is_no_secret_is_told() {
        let refused = |content: &[u8], mode| of(content, mode).unwrap_err();
        assert!(refused(b"4711", 0o640).contains("(mode 0640)"));
        assert!(refused(b"\n", 0o600).contains("it is empty"));
        assert!(refused(&vec![b'a'; SECRET_MAX + 1], 0o600).contains("more than"));
        let nothing = read("pin", Path::new("/dev/null")).unwrap_err();
        assert!(nothing.contains("no plain file"), "{nothing}");
        let absent = read("pin", Path::new("/absent")).unwrap_err();
        assert!(
            absent.contains("\"/absent\" for the secret \"pin\""),
            "{absent}"
        );
    }
}
