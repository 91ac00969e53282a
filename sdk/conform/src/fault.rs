//! What the end of a process was about: the handler of signals that names it, and its words.

use std::fmt;
use std::ptr;

use crate::arena::{self, State};
use crate::voice;
use crate::word::{Call, Thing};

/// What a handler of signals saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    /// Memory was used after the call that it was lent to.
    Kept,
    /// Memory behind what was lent was read.
    ReadPast,
    /// Any other signal; the number says which.
    Signal,
    /// A system call that the sandbox forbids; the number says which.
    SystemCall,
    /// An argument was written to.
    WroteIn,
    /// Memory behind what was lent was written.
    WrotePast,
}

/// One fault, as a line of the child tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Of what sort.
    pub(crate) sort: Sort,
    /// What ran on the thread; none: a thread of the plugin's own.
    pub(crate) inside: Option<Call>,
    /// What the memory was lent to, and as what.
    pub(crate) lent: Option<(Call, Thing)>,
    /// The number of the signal, or of the system call.
    pub(crate) number: i32,
}

/// No call, nothing lent.
const NONE: u8 = u8::MAX;

impl Sort {
    const fn letter(self) -> u8 {
        match self {
            Self::Kept => b'k',
            Self::ReadPast => b'r',
            Self::Signal => b's',
            Self::SystemCall => b'c',
            Self::WroteIn => b'i',
            Self::WrotePast => b'w',
        }
    }

    fn of(letter: &str) -> Option<Self> {
        Some(match letter {
            "k" => Self::Kept,
            "r" => Self::ReadPast,
            "s" => Self::Signal,
            "c" => Self::SystemCall,
            "i" => Self::WroteIn,
            "w" => Self::WrotePast,
            _ => return None,
        })
    }
}

impl Fault {
    /// Reads what [`Fault::write`] wrote.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let sort = Sort::of(words.next()?)?;
        let mut number = || words.next()?.parse::<i32>().ok();
        let (inside, call, thing, number) = (number()?, number()?, number()?, number()?);
        let call_at = |index: i32| u8::try_from(index).ok().and_then(Call::at);
        let thing = u8::try_from(thing).ok().and_then(Thing::at);
        Some(Self {
            sort,
            inside: call_at(inside),
            lent: call_at(call).zip(thing),
            number,
        })
    }

    /// Writes the line. Fit for a handler of signals: it makes no memory.
    fn write(self, descriptor: i32) {
        let mut line = Line::default();
        line.push(b"fault ");
        line.push(&[self.sort.letter()]);
        let inside = self.inside.map_or(NONE, Call::index);
        let (call, thing) = self
            .lent
            .map_or((NONE, NONE), |(call, thing)| (call.index(), thing.index()));
        for number in [
            i32::from(inside),
            i32::from(call),
            i32::from(thing),
            self.number,
        ] {
            line.push(b" ");
            line.number(number);
        }
        line.push(b"\n");
        voice::write_all(descriptor, line.text());
    }
}

/// A line that is put together without memory of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    bytes: [u8; 512],
    length: usize,
}

impl Default for Line {
    fn default() -> Self {
        Self {
            bytes: [0; 512],
            length: 0,
        }
    }
}

impl Line {
    /// Adds text, as far as there is room.
    pub(crate) fn push(&mut self, text: &[u8]) {
        for byte in text {
            if let Some(place) = self.bytes.get_mut(self.length) {
                *place = *byte;
                self.length += 1;
            }
        }
    }

    /// Adds a number.
    pub(crate) fn number(&mut self, number: i32) {
        let mut digits = [0_u8; 12];
        let mut at = digits.len();
        let mut rest = number.unsigned_abs();
        loop {
            at -= 1;
            let digit = u8::try_from(rest % 10).unwrap_or(0);
            if let Some(place) = digits.get_mut(at) {
                *place = b'0' + digit;
            }
            rest /= 10;
            if rest == 0 || at == 0 {
                break;
            }
        }
        if number < 0 {
            self.push(b"-");
        }
        self.push(digits.get(at..).unwrap_or_default());
    }

    /// The line so far.
    pub(crate) fn text(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// The signals that end a process and are told before.
const TOLD: &[i32] = &[
    libc::SIGABRT,
    libc::SIGBUS,
    libc::SIGFPE,
    libc::SIGILL,
    libc::SIGSEGV,
    libc::SIGTRAP,
];

/// Has every signal of a fault told before the process ends by it.
pub(crate) fn install() {
    alternate_stack();
    for signal in TOLD {
        on_signal(*signal, tell, libc::SA_RESETHAND);
    }
}

/// Gives this thread a stack for its handlers, so that a stack that is full can be told.
pub(crate) fn alternate_stack() {
    const SIZE: usize = 64 << 10;
    let stack: &'static mut [u8] = Box::leak(vec![0_u8; SIZE].into_boxed_slice());
    let stack = libc::stack_t {
        ss_sp: stack.as_mut_ptr().cast(),
        ss_flags: 0,
        ss_size: SIZE,
    };
    // SAFETY: R3: the memory is leaked, so it is there as long as the thread.
    unsafe { libc::sigaltstack(&raw const stack, ptr::null_mut()) };
}

/// What is called for a signal.
pub(crate) type Handler = extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::c_void);

/// Installs a handler.
pub(crate) fn on_signal(signal: i32, handler: Handler, flags: i32) {
    // SAFETY: R1: all zeroes are an action without flags and mask.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    #[allow(
        clippy::fn_to_numeric_cast_any,
        reason = "the C library holds both forms of a handler in one number"
    )]
    {
        action.sa_sigaction = handler as libc::sighandler_t;
    }
    action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | flags;
    // SAFETY: R3: the action is lent to the call alone; the handler keeps to what handlers may do.
    unsafe { libc::sigaction(signal, &raw const action, ptr::null_mut()) };
}

extern "C" fn tell(signal: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    if let Some(descriptor) = voice::descriptor() {
        seen(signal, info, context).write(descriptor);
    }
    // SAFETY: no memory is passed (R3). The handler was taken away when it was called, so the
    // signal, which is blocked until this returns, ends the process then.
    unsafe { libc::raise(signal) };
}

/// Tells a system call that the sandbox forbids, and ends the process by the same signal.
pub(crate) fn tell_system_call(number: i32) {
    let fault = Fault {
        sort: Sort::SystemCall,
        inside: voice::current(),
        lent: None,
        number,
    };
    if let Some(descriptor) = voice::descriptor() {
        fault.write(descriptor);
    }
    // SAFETY: no memory is passed (R3); with the default action, the signal ends the process.
    unsafe {
        libc::signal(libc::SIGSYS, libc::SIG_DFL);
        libc::raise(libc::SIGSYS);
    }
}

fn seen(signal: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) -> Fault {
    let mut fault = Fault {
        sort: Sort::Signal,
        inside: voice::current(),
        lent: None,
        number: signal,
    };
    if !matches!(signal, libc::SIGSEGV | libc::SIGBUS) || info.is_null() {
        return fault;
    }
    // SAFETY: R3: the system lends the description of the signal to its handler, and for these two
    // signals it has an address where the code says that a fault raised it.
    let (code, address) = unsafe { ((*info).si_code, (*info).si_addr()) };
    if code <= 0 {
        return fault;
    }
    let Some(mark) = arena::mark_at(address.addr()) else {
        return fault;
    };
    let wrote = is_write(context);
    fault.sort = match mark.state {
        State::Closed => Sort::Kept,
        State::Open => Sort::WroteIn,
        State::Guard if wrote => Sort::WrotePast,
        State::Guard => Sort::ReadPast,
    };
    fault.lent = Some((mark.call, mark.thing));
    fault
}

/// Whether the fault was a write, where the processor tells.
#[cfg(target_arch = "x86_64")]
fn is_write(context: *mut libc::c_void) -> bool {
    let Ok(register) = usize::try_from(libc::REG_ERR) else {
        return false;
    };
    // SAFETY: R3: the system lends the context of the thread to its handler.
    let context = unsafe { context.cast::<libc::ucontext_t>().as_ref() };
    let error = context.and_then(|context| context.uc_mcontext.gregs.get(register));
    error.is_some_and(|error| error & 2 != 0)
}

#[cfg(not(target_arch = "x86_64"))]
fn is_write(_: *mut libc::c_void) -> bool {
    false
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = Place(self.inside);
        match (self.sort, self.lent) {
            (Sort::Kept, Some((_, Thing::Host | Thing::HostTable))) => {
                write!(f, "used its ah_host after close, {place}")
            }
            (Sort::Kept, Some((call, thing))) => {
                write!(f, "kept a pointer that was lent to {call} ({thing})")?;
                if self.inside != Some(call) {
                    write!(f, " and used it {place}")?;
                }
                Ok(())
            }
            (Sort::ReadPast, Some((_, thing))) => {
                write!(f, "read past the end of {thing} {place}")
            }
            (Sort::WroteIn, Some((call, thing))) => {
                write!(
                    f,
                    "wrote to the {thing} that is lent to {call} to be read only"
                )
            }
            (Sort::WrotePast, Some((_, thing))) => {
                write!(f, "wrote past the end of {thing} {place}")
            }
            (Sort::SystemCall, _) => write!(
                f,
                "made the system call {} {place}, which the sandbox forbids",
                anchorhold_boundary::sandbox::name_of(self.number.into())
            ),
            _ => write!(f, "{} {place}", ended_by(self.number)),
        }
    }
}

/// Where something happened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place(pub(crate) Option<Call>);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(Call::Load) => f.write_str("while the library was loaded"),
            Some(call) => write!(f, "in {call}"),
            None => f.write_str("outside of every call"),
        }
    }
}

/// What a process did that ended by a signal.
pub(crate) fn ended_by(signal: i32) -> String {
    let (verb, name) = match signal {
        libc::SIGABRT => return "aborted".to_owned(),
        libc::SIGBUS => ("crashed", "SIGBUS"),
        libc::SIGFPE => ("crashed", "SIGFPE"),
        libc::SIGILL => ("crashed", "SIGILL"),
        libc::SIGKILL => ("was killed", "SIGKILL"),
        libc::SIGSEGV => ("crashed", "SIGSEGV"),
        libc::SIGSYS => ("made a system call that the sandbox forbids", "SIGSYS"),
        libc::SIGTERM => ("was ended", "SIGTERM"),
        libc::SIGTRAP => ("crashed", "SIGTRAP"),
        other => return format!("ended by signal {other}"),
    };
    format!("{verb} ({name})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_of_a_handler_is_read_back() {
        for fault in [
            Fault {
                sort: Sort::Kept,
                inside: Some(Call::Health),
                lent: Some((Call::List, Thing::ItemSink)),
                number: libc::SIGSEGV,
            },
            Fault {
                sort: Sort::SystemCall,
                inside: None,
                lent: None,
                number: -1,
            },
        ] {
            let mut line = Line::default();
            line.push(&[fault.sort.letter()]);
            let (call, thing) = fault
                .lent
                .map_or((NONE, NONE), |(c, t)| (c.index(), t.index()));
            for number in [fault.inside.map_or(NONE, Call::index), call, thing] {
                line.push(b" ");
                line.number(i32::from(number));
            }
            line.push(b" ");
            line.number(fault.number);
            let text = std::str::from_utf8(line.text()).unwrap();
            assert_eq!(Fault::parse(text), Some(fault), "{text}");
        }
    }

    #[test]
    fn faults_are_named() {
        // R3
        let fault = Fault {
            sort: Sort::Kept,
            inside: Some(Call::Health),
            lent: Some((Call::List, Thing::ItemSink)),
            number: libc::SIGSEGV,
        };
        assert_eq!(
            fault.to_string(),
            "kept a pointer that was lent to list (ah_item_sink) and used it in health"
        );
        let fault = Fault {
            sort: Sort::SystemCall,
            inside: Some(Call::Open),
            lent: None,
            number: i32::try_from(libc::SYS_socket).unwrap(),
        };
        assert_eq!(
            fault.to_string(),
            "made the system call socket in open, which the sandbox forbids"
        );
    }

    #[test]
    fn numbers_are_written_in_full() {
        for number in [0, 7, -1, i32::MAX, i32::MIN] {
            let mut line = Line::default();
            line.number(number);
            assert_eq!(
                std::str::from_utf8(line.text()).unwrap(),
                number.to_string()
            );
        }
    }
}
