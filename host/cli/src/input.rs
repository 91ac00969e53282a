//! Files and standard input as they are given on a command line, bounded.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::exit::Failure;

/// Reads a whole file, or standard input where the name is `-`.
///
/// A file that cannot be read, or is larger than anything it could rightly be, is wrong input.
pub(crate) fn read(path: &Path, limit: u64) -> Result<Vec<u8>, Failure> {
    let refused = |error: &dyn std::error::Error| {
        Failure::usage(
            "input-unreadable",
            format!("{}: cannot be read", shown(path)),
        )
        .because(error)
        .remedy("name a file that is there and that you can read")
    };
    let bytes = if is_standard_input(path) {
        take(std::io::stdin().lock(), limit)
    } else {
        File::open(path).and_then(|file| take(file, limit))
    };
    let bytes = bytes.map_err(|error| refused(&error))?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > limit) {
        let message = format!("{}: larger than {} MiB", shown(path), limit >> 20);
        return Err(Failure::usage("input-too-large", message));
    }
    Ok(bytes)
}

/// What a person calls the file.
pub(crate) fn shown(path: &Path) -> String {
    if is_standard_input(path) {
        "standard input".to_owned()
    } else {
        path.display().to_string()
    }
}

/// Whether the name stands for standard input.
pub(crate) fn is_standard_input(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Reads one byte more than is allowed, so that too much is told from just enough.
fn take(source: impl Read, limit: u64) -> std::io::Result<Vec<u8>> {
    // What is small is read without leaving copies behind, for it may be a secret.
    let mut bytes = Vec::with_capacity(SMALL);
    source
        .take(limit.saturating_add(1))
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

const SMALL: usize = 8 << 10;

/// The most that a file of certificates may hold: 100,000 of them fit in every form.
pub(crate) const CERTIFICATES_MAX: u64 = 512 << 20;

/// The most that a configuration file may hold.
pub(crate) const CONFIG_MAX: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_file_is_read_up_to_its_limit() {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(b"12345678").expect("written");
        assert_eq!(read(file.path(), 8).expect("read"), b"12345678");
        let failure = read(file.path(), 7).expect_err("too large");
        assert_eq!(
            (failure.code, failure.exit.status()),
            ("input-too-large", 2)
        );
    }

    #[test]
    fn a_missing_file_and_a_directory_are_wrong_input() {
        for path in ["/nonexistent/cert.pem", "/"] {
            let failure = read(Path::new(path), 8).expect_err("refused");
            assert_eq!(
                (failure.code, failure.exit.status()),
                ("input-unreadable", 2),
                "{path}"
            );
            assert!(!failure.causes.is_empty(), "{path}");
        }
    }
}
