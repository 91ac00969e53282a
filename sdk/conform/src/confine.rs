//! The sandbox of a runner, put on so that what it forbids is named instead of failing quietly.

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod opening;

use anchorhold_boundary::confinement::Sandbox;
use anchorhold_boundary::grant::Grant;
use anchorhold_boundary::manifest::Manifest;
use anchorhold_boundary::sandbox::{self, SandboxSpec};

use crate::fault;
use crate::job::{Code, Job};

/// What a plugin without a manifest says of itself.
const NOTHING: &str = "id = \"org.example.nothing\"\nabi = 1";

/// Puts the sandbox on, for ever; what is missing of it. It is called while there is one thread.
pub(crate) fn confine(job: &Job, manifest: Option<&Manifest>) -> Result<Option<String>, String> {
    let Code::Library(library) = &job.code else {
        return Ok(None);
    };
    let nothing = Manifest::parse(NOTHING).map_err(|error| error.to_string())?;
    let manifest = manifest.unwrap_or(&nothing);
    let grants = job.grants.iter().map(|grant| Grant::parse(grant));
    let grants: Vec<Grant> = grants
        .collect::<Result<_, _>>()
        .map_err(|error| error.to_string())?;
    let worked = SandboxSpec::work_out(
        manifest,
        &grants,
        &job.settings,
        Some(&job.scratch),
        Some(library),
    );
    let (mut spec, _) = worked.map_err(|error| error.to_string())?;
    // A host that is not found is not reached, which the plugin's own error then says.
    let _not_found = spec.resolve();
    spec.trap = true;
    keep_root();
    grant(&spec);
    let confinement = sandbox::enforce(&spec);
    // The sandbox has its own way of telling, which is taken over.
    fault::on_signal(libc::SIGSYS, trapped, libc::SA_NODEFER);
    watch_opening();
    if confinement.sandbox == Sandbox::Full {
        return Ok(None);
    }
    Ok(Some(format!(
        "the sandbox is {}: {}",
        confinement.sandbox, confinement.note
    )))
}

/// What was tried to open and is not granted: a place of somebody's, or else one of the system's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Denied {
    /// What was tried, in words.
    pub(crate) text: String,
    /// Whether it is configuration of the system, which many a library looks for.
    pub(crate) system: bool,
}

/// What was tried to open and is not granted, the worst first.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub(crate) fn denied() -> Option<Denied> {
    opening::denied()
}

/// Nothing is known of it here.
#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
pub(crate) fn denied() -> Option<Denied> {
    None
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
use opening::{grant, keep_root, watch as watch_opening};

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
fn keep_root() {}

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
fn grant(_: &SandboxSpec) {}

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
fn watch_opening() {}

/// What the kernel says of a system call that a filter trapped, on every architecture of 64 bits.
#[repr(C)]
struct Trapped {
    signal: i32,
    error: i32,
    code: i32,
    gap: i32,
    address: *const libc::c_void,
    number: i32,
}

extern "C" fn trapped(_: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: R3: the system lends the description of the signal to its handler, in this layout.
    let number = unsafe { info.cast::<Trapped>().as_ref() }.map_or(-1, |info| info.number);
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    if opening::reopen(number, context) {
        return;
    }
    let _unused = context;
    fault::tell_system_call(number);
}
