//! The secret of a store, from the file that the operator keeps it in.

use std::io;
use std::path::Path;

use anchorhold_boundary::question::ANSWER_MAX;
use anchorhold_boundary::secret_file;
use zeroize::Zeroizing;

/// Reads a secret, without the end of its line, from a file that nobody else can read.
pub(crate) fn read(key: &str, file: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
    let told = |why: &str| format!("the file {file:?} for the secret {key:?}: {why}");
    let unreadable = |error: io::Error| told(&error.to_string());
    let opened = secret_file::open(file).map_err(unreadable)?;
    if let Some(why) = secret_file::exposure(&opened).map_err(unreadable)? {
        return Err(told(&why));
    }
    let secret = secret_file::read(opened).map_err(unreadable)?;
    match secret.len() {
        0 => Err(told("it is empty")),
        length if length > ANSWER_MAX => Err(told(&format!(
            "it holds more than the {ANSWER_MAX} bytes of a secret"
        ))),
        _ => Ok(secret),
    }
}

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
        assert!(refused(&vec![b'a'; ANSWER_MAX + 1], 0o600).contains("more than"));
        let nothing = read("pin", Path::new("/dev/null")).unwrap_err();
        assert!(nothing.contains("no plain file"), "{nothing}");
        let absent = read("pin", Path::new("/absent")).unwrap_err();
        assert!(
            absent.contains("\"/absent\" for the secret \"pin\""),
            "{absent}"
        );
    }
}
