//! Files that are opened: each call is made as it was meant, and one that is denied is noted.

use std::ffi::CString;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, AtomicU8, AtomicUsize, Ordering};

use anchorhold_boundary::sandbox::SandboxSpec;

use crate::confine::Denied;
use crate::fault::Place;
use crate::voice;
use crate::word::Call;

/// How many denials are kept, and how many bytes of each path.
const KEPT: usize = 64;
const PATH: usize = 256;
/// The sixth argument of a call that is made by the handler itself; no call that opens has one.
const OWN: u32 = 0x61_63_68_6f;
/// `AUDIT_ARCH_X86_64`
const ARCHITECTURE: u32 = 0xc000_003e;

static COUNT: AtomicUsize = AtomicUsize::new(0);
static PATHS: [[AtomicU8; PATH]; KEPT] = [const { [const { AtomicU8::new(0) }; PATH] }; KEPT];
static CALLS: [AtomicU8; KEPT] = [const { AtomicU8::new(u8::MAX) }; KEPT];

/// The root as it was before the sandbox, in which what is not granted may not be there at all.
static ROOT: AtomicI32 = AtomicI32::new(-1);

/// Keeps the root as it is. It is called before the sandbox is put on.
pub(super) fn keep_root() {
    let flags = libc::O_PATH | libc::O_DIRECTORY | libc::O_CLOEXEC;
    // SAFETY: R3: the path is a constant.
    let root = unsafe { libc::open(c"/".as_ptr(), flags) };
    ROOT.store(root, Ordering::Release);
}

/// Whether there is something of that path, whoever may see it now.
fn is_there(path: &str) -> bool {
    let root = ROOT.load(Ordering::Acquire);
    let relative = path.trim_start_matches('/');
    let relative = if relative.is_empty() { "." } else { relative };
    let Ok(relative) = CString::new(relative) else {
        return false;
    };
    // SAFETY: R3: the path is lent to the system call alone.
    root >= 0 && unsafe { libc::faccessat(root, relative.as_ptr(), libc::F_OK, 0) } == 0
}

/// Has every call that opens a file come by the handler.
pub(super) fn watch() {
    let number = |number: libc::c_long| u32::try_from(number).unwrap_or(u32::MAX);
    let mut filter = [
        // The architecture; of another one nothing is watched, as nothing of it runs.
        load(4),
        jump(ARCHITECTURE, 0, 7),
        load(0),
        jump(number(libc::SYS_openat), 3, 0),
        jump(number(libc::SYS_open), 5, 0),
        jump(number(libc::SYS_openat2), 1, 0),
        jump(number(libc::SYS_creat), 3, 2),
        // The lower half of the sixth argument.
        load(16 + 5 * 8),
        jump(OWN, 0, 1),
        answer(libc::SECCOMP_RET_ALLOW),
        answer(libc::SECCOMP_RET_TRAP),
    ];
    let program = libc::sock_fprog {
        len: u16::try_from(filter.len()).unwrap_or(0),
        filter: filter.as_mut_ptr(),
    };
    // SAFETY: R3: the program is lent to the system call alone; it says nothing but what comes by
    // the handler, which is installed.
    unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        libc::prctl(
            libc::PR_SET_SECCOMP,
            libc::SECCOMP_MODE_FILTER,
            &raw const program,
        );
    }
}

fn statement(code: u32, k: u32) -> libc::sock_filter {
    libc::sock_filter {
        code: u16::try_from(code).unwrap_or(0),
        jt: 0,
        jf: 0,
        k,
    }
}

fn load(at: u32) -> libc::sock_filter {
    statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, at)
}

fn jump(k: u32, equal: u8, other: u8) -> libc::sock_filter {
    libc::sock_filter {
        jt: equal,
        jf: other,
        ..statement(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, k)
    }
}

fn answer(action: u32) -> libc::sock_filter {
    statement(libc::BPF_RET | libc::BPF_K, action)
}

/// Makes a call that was to open a file, and gives its result to whoever made it. False where it
/// was another call. Fit for a handler of signals.
pub(super) fn reopen(number: i32, context: *mut libc::c_void) -> bool {
    let number = libc::c_long::from(number);
    // SAFETY: R3: the system lends the context of the thread to its handler.
    let Some(context) = (unsafe { context.cast::<libc::ucontext_t>().as_mut() }) else {
        return false;
    };
    let registers = &mut context.uc_mcontext.gregs;
    let argument = |register: i32| {
        let at = usize::try_from(register).ok();
        at.and_then(|at| registers.get(at)).copied().unwrap_or(0)
    };
    let (first, second, third, fourth) = (
        argument(libc::REG_RDI),
        argument(libc::REG_RSI),
        argument(libc::REG_RDX),
        argument(libc::REG_R10),
    );
    let here = libc::c_long::from(libc::AT_FDCWD);
    let creating = libc::c_long::from(libc::O_CREAT | libc::O_WRONLY | libc::O_TRUNC);
    let (real, path, arguments) = match number {
        libc::SYS_openat | libc::SYS_openat2 => (number, second, [first, second, third, fourth]),
        libc::SYS_open => (libc::SYS_openat, first, [here, first, second, third]),
        libc::SYS_creat => (libc::SYS_openat, first, [here, first, creating, second]),
        _ => return false,
    };
    let [one, two, three, four] = arguments;
    // SAFETY: R3: the arguments are those of the thread that made the call, which waits for it;
    // the system checks them. The number of the error is put back as it was.
    let result = unsafe {
        let error = libc::__errno_location();
        let before = *error;
        let opened = libc::syscall(real, one, two, three, four, 0_i64, i64::from(OWN));
        let result = if opened < 0 {
            -i64::from(*error)
        } else {
            opened
        };
        *error = before;
        result
    };
    let is_refused = [libc::EACCES, libc::EPERM, libc::ENOENT]
        .iter()
        .any(|error| result == -i64::from(*error));
    if is_refused {
        note(path);
    }
    let at = usize::try_from(libc::REG_RAX).ok();
    if let Some(place) = at.and_then(|at| registers.get_mut(at)) {
        *place = result;
    }
    true
}

/// Keeps a path that the system has just read at that address.
fn note(path: i64) {
    let index = COUNT.fetch_add(1, Ordering::Relaxed);
    let (Some(kept), Some(call)) = (PATHS.get(index), CALLS.get(index)) else {
        return;
    };
    let Ok(address) = usize::try_from(path) else {
        return;
    };
    let from = std::ptr::with_exposed_provenance::<u8>(address);
    for (offset, to) in kept.iter().enumerate().take(PATH - 1) {
        // SAFETY: R3: the thread that lent the path to the system call waits for it, and the path
        // ends with NUL, at which this ends, too.
        let byte = unsafe { from.add(offset).read() };
        to.store(byte, Ordering::Release);
        if byte == 0 {
            break;
        }
    }
    call.store(
        voice::current().map_or(u8::MAX, Call::index),
        Ordering::Release,
    );
}

/// Notes what the plugin may open, so that it is not held against it.
pub(super) fn grant(spec: &SandboxSpec) {
    let places = spec.read.iter().chain(&spec.write).cloned();
    // A process is confined once.
    let _once = GRANTED.set(places.collect());
}

static GRANTED: OnceLock<Vec<PathBuf>> = OnceLock::new();

/// What was tried and denied, the worst first.
pub(super) fn denied() -> Option<Denied> {
    let count = COUNT.load(Ordering::Acquire).min(KEPT);
    let mut all = Vec::new();
    for (path, call) in PATHS.iter().zip(&CALLS).take(count) {
        let bytes: Vec<u8> = path
            .iter()
            .map(|byte| byte.load(Ordering::Acquire))
            .take_while(|byte| *byte != 0)
            .collect();
        let path = String::from_utf8_lossy(&bytes).into_owned();
        // What the plugin looked for and has made since is its own.
        let granted = GRANTED.get().is_some_and(|granted| {
            granted
                .iter()
                .any(|place| Path::new(&path).starts_with(place))
        });
        if granted || !path.starts_with('/') || !is_there(&path) {
            continue;
        }
        let system = SYSTEM.iter().any(|place| path.starts_with(place));
        let place = Place(Call::at(call.load(Ordering::Acquire)));
        let text = format!("tried to open {path} {place}, which nobody granted");
        all.push(Denied { text, system });
    }
    all.sort_by_key(|denied| denied.system);
    all.into_iter().next()
}

/// Where the configuration of a machine lies, and what its libraries look for.
const SYSTEM: &[&str] = &["/dev/", "/etc/", "/lib", "/proc/", "/sys/", "/usr/"];
