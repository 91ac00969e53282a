//! Naming a forbidden system call where it ends the process.

use std::ffi::{c_int, c_void};
use std::io;
use std::mem;
use std::ptr;

use super::call;

/// How a process ends that made a forbidden call: as shells tell that signal.
const ENDED: c_int = 128 + libc::SIGSYS;

/// What the kernel says of a call that a filter trapped, on every architecture of 64 bits.
#[repr(C)]
struct Trapped {
    signal: c_int,
    error: c_int,
    code: c_int,
    unused: c_int,
    address: *const c_void,
    number: c_int,
    architecture: u32,
}

/// Makes a trapped call say its name and end the process.
#[expect(
    clippy::transmutes_expressible_as_ptr_casts,
    reason = "what it could be expressed as is a cast that is never made here"
)]
pub(super) fn set() -> io::Result<()> {
    type Handler = extern "C" fn(c_int, *const Trapped, *const c_void);
    // SAFETY: a signal action is plain data, and all zeroes are one.
    let mut action: libc::sigaction = unsafe { mem::zeroed() };
    // SAFETY: the C library takes the address of a function as a number of the same size.
    action.sa_sigaction = unsafe { mem::transmute::<Handler, libc::sighandler_t>(named) };
    action.sa_flags = libc::SA_SIGINFO;
    // SAFETY: the action is valid, and its function does only what a signal handler may.
    let set = unsafe { libc::sigaction(libc::SIGSYS, &raw const action, ptr::null_mut()) };
    if set == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

extern "C" fn named(_signal: c_int, trapped: *const Trapped, _context: *const c_void) {
    // SAFETY: the kernel hands the handler of this signal a record that starts like this one.
    let number = unsafe { trapped.as_ref() }.map_or(-1, |trapped| trapped.number);
    let mut line = Line::default();
    line.add(b"forbidden system call ");
    line.add(call::name_of(number.into()).as_bytes());
    line.add(b" (");
    line.add_number(number.unsigned_abs());
    line.add(b")\n");
    // SAFETY: both calls may be made in a signal handler, and the line lives meanwhile.
    unsafe {
        libc::write(libc::STDERR_FILENO, line.bytes.as_ptr().cast(), line.length);
        libc::_exit(ENDED);
    }
}

/// A line that is put together without allocating.
struct Line {
    bytes: [u8; 96],
    length: usize,
}

impl Default for Line {
    fn default() -> Self {
        Self {
            bytes: [0; 96],
            length: 0,
        }
    }
}

impl Line {
    fn add(&mut self, text: &[u8]) {
        for byte in text {
            if let Some(slot) = self.bytes.get_mut(self.length) {
                *slot = *byte;
                self.length += 1;
            }
        }
    }

    fn add_number(&mut self, number: u32) {
        if number >= 10 {
            self.add_number(number / 10);
        }
        self.add(&[b'0' + u8::try_from(number % 10).unwrap_or_default()]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_is_put_together_and_bounded() {
        let mut line = Line::default();
        line.add(b"call ");
        line.add_number(0);
        line.add(b" ");
        line.add_number(4_294_967_295);
        assert_eq!(&line.bytes[..line.length], b"call 0 4294967295");
        line.add(&[b'x'; 200]);
        assert_eq!(line.length, line.bytes.len());
    }
}
