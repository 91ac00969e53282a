//! What is known of this process: what it printed, used and holds.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::fd::FromRawFd;
use std::time::Duration;

/// Runs something, and returns what was printed meanwhile.
pub(crate) fn printed<R>(run: impl FnOnce() -> R) -> Result<(R, Vec<u8>), String> {
    let failed = || {
        format!(
            "output cannot be caught: {}",
            std::io::Error::last_os_error()
        )
    };
    // SAFETY: R3: the name is a constant; the descriptor is new and nobody else's.
    let caught = unsafe { libc::memfd_create(c"printed".as_ptr(), libc::MFD_CLOEXEC) };
    if caught < 0 {
        return Err(failed());
    }
    // SAFETY: R3: the descriptor is ours, and stays open until the file is dropped.
    let mut file = unsafe { File::from_raw_fd(caught) };
    let mut kept = Vec::new();
    for standard in [1, 2] {
        // SAFETY: no memory is passed (R3); both descriptors are of this process.
        let copy = unsafe { libc::fcntl(standard, libc::F_DUPFD_CLOEXEC, 100) };
        // SAFETY: as above (R3).
        unsafe { libc::dup2(caught, standard) };
        kept.push((standard, copy));
    }
    let result = run();
    // SAFETY: R3: NULL means all streams of the C library.
    unsafe { libc::fflush(std::ptr::null_mut()) };
    for (standard, copy) in kept {
        if copy >= 0 {
            // SAFETY: no memory is passed (R3); both descriptors are of this process.
            unsafe {
                libc::dup2(copy, standard);
                libc::close(copy);
            }
        }
    }
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0)).map_err(|_| failed())?;
    file.read_to_end(&mut bytes).map_err(|_| failed())?;
    Ok((result, bytes))
}

/// How long this thread has kept the processor busy.
pub(crate) fn processor_time() -> Duration {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: R3: `time` is lent to this call alone.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// How many descriptors are open.
pub(crate) fn open_descriptors() -> usize {
    let is_open = |descriptor: &i32| {
        // SAFETY: no memory is passed (R3); a descriptor that is not open is an error and no more.
        unsafe { libc::fcntl(*descriptor, libc::F_GETFD) >= 0 }
    };
    (0..1024).filter(is_open).count()
}

/// The file in which the system tells of this process; opened before a sandbox is put on.
#[derive(Debug)]
pub(crate) struct Usage(Option<File>);

/// What this process uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Used {
    /// Memory that is there, in KiB.
    pub(crate) memory: u64,
    /// Threads.
    pub(crate) threads: u64,
}

impl Usage {
    /// Opens it.
    pub(crate) fn open() -> Self {
        Self(File::open("/proc/self/status").ok())
    }

    /// What this process uses now, where the system tells.
    pub(crate) fn now(&self) -> Option<Used> {
        let mut file = self.0.as_ref()?;
        let mut text = String::new();
        file.seek(SeekFrom::Start(0)).ok()?;
        file.read_to_string(&mut text).ok()?;
        let number = |key: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(key))?;
            line.split_whitespace().next()?.parse().ok()
        };
        Some(Used {
            memory: number("VmRSS:")?,
            threads: number("Threads:")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_is_told_again_and_again() {
        let usage = Usage::open();
        let first = usage.now().unwrap();
        assert!(first.memory > 0 && first.threads > 0);
        assert!(usage.now().is_some());
    }

    #[test]
    fn a_descriptor_more_is_counted() {
        let before = open_descriptors();
        let file = File::open("/dev/null").unwrap();
        assert!(open_descriptors() > before.saturating_sub(1));
        drop(file);
    }
}
