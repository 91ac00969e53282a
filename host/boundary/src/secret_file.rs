//! The file of a secret: who can reach it, and what stands in it.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;
use zeroize::Zeroizing;

use crate::question::ANSWER_MAX;

/// Opens it; never waits for somebody to write into a pipe.
///
/// # Errors
/// It cannot be opened, or is no plain file.
pub fn open(path: &Path) -> io::Result<File> {
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).map_err(io::Error::other)?;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is no plain file",
        ))
    }
}

/// Why the opened file, not what its name may lead to by now, is not its owner's alone, and what to
/// do; none where it is.
///
/// # Errors
/// Nothing can be learnt of it.
pub fn exposure(file: &File) -> io::Result<Option<String>> {
    let metadata = file.metadata()?;
    let (owner, me) = (metadata.uid(), rustix::process::geteuid().as_raw());
    let mode = metadata.mode() & 0o7777;
    Ok(if owner != me && owner != 0 {
        Some(format!(
            "it belongs to user {owner}, and this is user {me}: make it your own"
        ))
    } else if mode & 0o077 != 0 {
        Some(format!(
            "others can reach it (mode {mode:04o}): run chmod 600 on it"
        ))
    } else {
        None
    })
}

/// Reads it without the end of its line, into memory that is not moved, so that no copy stays
/// behind. Of a file that holds more than an answer may have, a little more than that is returned.
///
/// # Errors
/// It cannot be read.
pub fn read(mut file: File) -> io::Result<Zeroizing<Vec<u8>>> {
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
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
    Ok(bytes)
}

/// The longest secret, the end of its line, and one more that tells what is too long.
const READ_MAX: usize = ANSWER_MAX + 3;
