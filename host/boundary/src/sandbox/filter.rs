//! Which system calls a runner may make.

mod call;
mod condition;
mod trap;

use std::env::consts::ARCH;

use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch, sock_filter};

use crate::sandbox::SandboxSpec;
use condition::Rules;

/// What is forbidden fails with this.
const DENIED: u32 = libc::EPERM.unsigned_abs();
/// What shall look as if the kernel did not have it fails with this.
const ABSENT: u32 = libc::ENOSYS.unsigned_abs();

/// Numbers from here on belong to another calling convention of the same processor.
const OTHER_CONVENTION: u32 = 1 << 30;

/// Restricts this thread and all that it starts, for ever. `named_only` tells that no file can be
/// named but those that are granted.
pub(super) fn install(spec: &SandboxSpec, named_only: bool) -> Result<(), String> {
    let programs = programs(spec, named_only, std::process::id()).map_err(|why| why.to_string())?;
    if spec.trap {
        trap::set().map_err(|why| why.to_string())?;
    }
    for program in &programs {
        seccompiler::apply_filter(program).map_err(|why| why.to_string())?;
    }
    Ok(())
}

/// The name of a system call that some runner may not make, by its number.
pub fn name_of(number: i64) -> &'static str {
    call::name_of(number)
}

fn programs(
    spec: &SandboxSpec,
    named_only: bool,
    own: u32,
) -> Result<Vec<BpfProgram>, seccompiler::BackendError> {
    let architecture = TargetArch::try_from(ARCH)?;
    let compiled = |rules: Rules, action: SeccompAction| -> Result<BpfProgram, _> {
        SeccompFilter::new(rules, SeccompAction::Allow, action, architecture)?.try_into()
    };
    let mut forbidden = condition::forbidden(spec, own)?;
    let mut all_of = |calls: &[call::Call]| {
        forbidden.extend(calls.iter().map(|call| (call.number, Vec::new())));
    };
    call::NEVER.iter().for_each(|calls| all_of(calls));
    if !spec.fork {
        all_of(call::FORK);
    }
    if !spec.keyring {
        all_of(call::KEYS);
    }
    let action = if spec.trap {
        SeccompAction::Trap
    } else {
        SeccompAction::Errno(DENIED)
    };
    let mut programs = vec![
        unknown(),
        compiled(condition::not_there(own)?, SeccompAction::Errno(ABSENT))?,
        compiled(forbidden, action)?,
    ];
    if !named_only {
        // Never a trap: many a library sets the mode of its file and lives without it.
        let denied = SeccompAction::Errno(DENIED);
        programs.push(compiled(condition::metadata()?, denied)?);
    }
    Ok(programs)
}

/// Ends the process at a call of another calling convention, and answers calls that are newer than
/// this program as an older kernel does. A foreign architecture ends it in every other program.
fn unknown() -> BpfProgram {
    // The number of the call is the first field of what a filter sees.
    let load = stmt(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0);
    let answer = |action: u32| stmt(libc::BPF_RET | libc::BPF_K, action);
    vec![
        load,
        jump(libc::BPF_JGE, OTHER_CONVENTION, 2),
        jump(libc::BPF_JGT, call::NEWEST, 2),
        answer(libc::SECCOMP_RET_ALLOW),
        answer(libc::SECCOMP_RET_KILL_PROCESS),
        answer(libc::SECCOMP_RET_ERRNO | ABSENT),
    ]
}

fn stmt(code: u32, k: u32) -> sock_filter {
    sock_filter {
        // Every code of this machine has 16 bits.
        code: u16::try_from(code).unwrap_or_default(),
        jt: 0,
        jf: 0,
        k,
    }
}

/// Skips so many instructions where the comparison holds.
fn jump(comparison: u32, k: u32, skipped: u8) -> sock_filter {
    sock_filter {
        jt: skipped,
        ..stmt(libc::BPF_JMP | comparison | libc::BPF_K, k)
    }
}
