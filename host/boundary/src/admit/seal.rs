//! A file's bytes where nobody can change them any more: hashed while they are copied into memory
//! that is then sealed.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;

use sha2::{Digest, Sha256};

/// The SHA-256 of a whole file, read through its descriptor.
pub(super) fn digest(file: &File, most: u64) -> io::Result<Option<[u8; 32]>> {
    copy(file, most, &mut io::sink())
}

/// Copies a whole file, and returns the SHA-256 of what was copied; none where there is more of it
/// than there may be.
pub(super) fn copy(file: &File, most: u64, to: &mut impl Write) -> io::Result<Option<[u8; 32]>> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; CHUNK];
    let mut at = 0_u64;
    loop {
        let got = match file.read_at(&mut buffer, at) {
            Ok(0) => return Ok(Some(hash.finalize().into())),
            Ok(got) => got,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        at = at.saturating_add(u64::try_from(got).unwrap_or(u64::MAX));
        if at > most {
            return Ok(None);
        }
        let chunk = buffer.get(..got).unwrap_or_default();
        hash.update(chunk);
        to.write_all(chunk)?;
    }
}

/// What came of sealing a file.
#[derive(Debug)]
pub(super) enum Sealing {
    /// The sealed memory and the SHA-256 of what is in it.
    Done(File, [u8; 32]),
    /// This machine does not let memory be run.
    Forbidden,
    /// There is more of the file than there may be.
    TooLarge,
}

/// Copies a file into memory and seals that.
#[cfg(target_os = "linux")]
pub(super) fn seal(file: &File, name: &str, most: u64) -> io::Result<Sealing> {
    use rustix::fs::{SealFlags, fcntl_add_seals};
    let Some(memory) = executable_memory(name)? else {
        return Ok(Sealing::Forbidden);
    };
    let mut memory = File::from(memory);
    let Some(digest) = copy(file, most, &mut memory)? else {
        return Ok(Sealing::TooLarge);
    };
    let seals = SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL;
    fcntl_add_seals(&memory, seals)?;
    if !can_be_run(&memory) {
        return Ok(Sealing::Forbidden);
    }
    Ok(Sealing::Done(memory, digest))
}

/// There is no such memory on this system.
#[cfg(not(target_os = "linux"))]
pub(super) fn seal(_file: &File, _name: &str, _most: u64) -> io::Result<Sealing> {
    Ok(Sealing::Forbidden)
}

#[cfg(target_os = "linux")]
fn executable_memory(name: &str) -> io::Result<Option<std::os::fd::OwnedFd>> {
    use rustix::fs::{MemfdFlags, memfd_create};
    use rustix::io::Errno;
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    // The kernel takes names of at most 249 bytes.
    let name: String = format!("anchorhold {name}")
        .chars()
        .take(NAME_MAX)
        .collect();
    let made = match memfd_create(&*name, flags | MemfdFlags::EXEC) {
        // Kernels before 6.3 do not know the flag, and let all memory files be run.
        Err(Errno::INVAL) => memfd_create(&*name, flags),
        made => made,
    };
    match made {
        Ok(memory) => Ok(Some(memory)),
        Err(Errno::ACCESS | Errno::PERM | Errno::NOSYS) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Whether the first page of a file may be mapped to be run: a policy of the machine may forbid it
/// for a kind of memory or for a whole file system. An empty file has no page, and runs nothing.
pub(super) fn can_be_run(file: &File) -> bool {
    use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
    let protection = ProtFlags::READ | ProtFlags::EXEC;
    // SAFETY: the kernel chooses a place where nothing is (so R3 is not touched), nothing is read
    // or run there, and it is unmapped before anybody else learns of it.
    unsafe {
        match mmap(
            std::ptr::null_mut(),
            PAGE,
            protection,
            MapFlags::PRIVATE,
            file,
            0,
        ) {
            Ok(page) => munmap(page, PAGE).is_ok(),
            Err(_) => false,
        }
    }
}

const CHUNK: usize = 64 << 10;
/// Characters; none has more than 4 bytes.
const NAME_MAX: usize = 62;
const PAGE: usize = 1;

#[cfg(test)]
mod tests;
