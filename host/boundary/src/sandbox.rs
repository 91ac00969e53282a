//! The sandbox of a runner: what its plugin reaches, and what was really enforced.

mod spec;

#[cfg(target_os = "linux")]
mod enforce;
#[cfg(target_os = "linux")]
mod files;
#[cfg(target_os = "linux")]
mod filter;
#[cfg(target_os = "linux")]
mod limits;
#[cfg(target_os = "linux")]
mod mounts;
#[cfg(target_os = "linux")]
mod probe;
#[cfg(target_os = "linux")]
mod reach;
#[cfg(target_os = "linux")]
mod support;
#[cfg(target_os = "linux")]
mod text;

pub use spec::{Endpoint, SandboxSpec, SessionBus};

#[cfg(target_os = "linux")]
#[doc(hidden)]
pub use enforce::enforce;
#[cfg(target_os = "linux")]
#[doc(hidden)]
pub use filter::name_of;
#[cfg(target_os = "linux")]
pub(crate) use limits::close_others;

/// What this machine offers for a sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Available {
    /// What confines files, ports and signals.
    pub landlock: Landlock,
    /// Whether system calls can be filtered.
    pub seccomp: bool,
    /// What confines Unix sockets.
    pub namespaces: Namespaces,
}

/// What there is of Landlock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Landlock {
    /// A filter of system calls forbids it: the unit of the service must allow its calls.
    Forbidden,
    /// This kernel does not have it.
    NotBuilt,
    /// This kernel has it, and was started without it.
    NotEnabled,
    /// It is there, in this version; 6 is enough for the whole sandbox.
    Version(u32),
}

/// Whether a user without privileges can make namespaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Namespaces {
    /// A filter or a policy forbids it.
    Forbidden,
    /// This kernel does not have them.
    NotBuilt,
    /// They can be made.
    Usable,
}

/// What this machine offers for a sandbox, as this process would find it.
#[cfg(target_os = "linux")]
pub fn available() -> Available {
    support::available()
}

/// What this machine offers for a sandbox, as this process would find it.
#[cfg(not(target_os = "linux"))]
pub fn available() -> Available {
    Available {
        landlock: Landlock::NotBuilt,
        seccomp: false,
        namespaces: Namespaces::NotBuilt,
    }
}

/// Confines this process, for ever. It is called while there is one thread.
#[cfg(not(target_os = "linux"))]
#[doc(hidden)]
pub fn enforce(_spec: &SandboxSpec) -> crate::confinement::Confinement {
    crate::confinement::Confinement::in_runner(
        crate::confinement::Sandbox::None,
        "there is no sandbox on this system",
    )
}
