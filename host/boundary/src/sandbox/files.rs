//! Which files and ports a runner reaches, as Landlock enforces it.

use std::fs::Metadata;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileTypeExt;
use std::path::PathBuf;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, LandlockStatus, NetPort, PathBeneath, PathFd,
    Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
    make_bitflags,
};

use super::reach::{May, NAMES, Reached};
use super::text::USERS;
use crate::sandbox::SandboxSpec;

/// The newest version that was looked at: all that the kernel knows of it is handled.
const NEWEST: ABI = ABI::V10;
/// The oldest version that is enough.
const LEAST: ABI = ABI::V6;

/// Restricts this thread and all that it starts, for ever; `own_texts` tells that it sees texts of
/// its own where others see the machine's. An error says what is not enforced.
pub(super) fn restrict(
    spec: &SandboxSpec,
    reached: &[Reached],
    own_texts: bool,
) -> Result<(), Lack> {
    let status = ruleset(spec, reached, own_texts)
        .and_then(RulesetCreated::restrict_self)
        .map_err(|why| Lack {
            enforced: false,
            why: format!("Landlock could not be set up: {why}"),
        })?;
    match (status.ruleset, status.landlock) {
        (RulesetStatus::NotEnforced, _) => Err(Lack {
            enforced: false,
            why: match super::support::landlock() {
                super::Landlock::Forbidden => {
                    "a filter of system calls forbids Landlock".to_owned()
                }
                super::Landlock::NotEnabled => "Landlock is not enabled in this kernel".to_owned(),
                _ => "this kernel has no Landlock".to_owned(),
            },
        }),
        (_, LandlockStatus::Available { effective_abi, .. }) if effective_abi < LEAST => {
            Err(Lack {
                enforced: true,
                why: format!(
                    "this kernel has version {effective_abi} of Landlock, and {LEAST} is needed"
                ),
            })
        }
        _ => Ok(()),
    }
}

/// What is missing of Landlock.
#[derive(Debug)]
pub(super) struct Lack {
    /// Whether some of it is enforced.
    pub(super) enforced: bool,
    /// Why not all of it.
    pub(super) why: String,
}

fn ruleset(
    spec: &SandboxSpec,
    reached: &[Reached],
    own_texts: bool,
) -> Result<RulesetCreated, RulesetError> {
    let mut ports = AccessNet::from_all(NEWEST);
    if spec.network {
        // Only a right that is not handled allows every port.
        ports.remove(AccessNet::ConnectTcp);
    }
    let mut ruleset = Ruleset::default()
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(ports)?
        .scope(Scope::from_all(NEWEST))?
        .create()?;
    let names = NAMES.iter().filter(|_| spec.reaches_network());
    let users = USERS.iter().filter(|_| own_texts);
    let texts = names.chain(users).map(|path| Reached {
        path: PathBuf::from(path),
        may: May::Read,
    });
    for reached in reached.iter().cloned().chain(texts) {
        // What has gone meanwhile is not reached.
        if let Some((opened, rights)) = opened(&reached) {
            ruleset = ruleset.add_rule(PathBeneath::new(opened, rights))?;
        }
    }
    if !spec.network {
        for endpoint in &spec.connect {
            ruleset = ruleset.add_rule(NetPort::new(endpoint.port, AccessNet::ConnectTcp))?;
        }
    }
    Ok(ruleset)
}

fn opened(reached: &Reached) -> Option<(OwnedFd, BitFlags<AccessFs>)> {
    let path = PathFd::new(&reached.path).ok()?;
    let file: std::fs::File = path.as_fd().try_clone_to_owned().ok()?.into();
    let rights = rights(reached.may, &file.metadata().ok()?);
    Some((file.into(), rights))
}

/// What may be done, by what it is. Nothing is executed. No device, pipe or socket is made, which
/// others could wait at, and no link, which could lead them to where the plugin may not go itself.
fn rights(may: May, metadata: &Metadata) -> BitFlags<AccessFs> {
    let kind = metadata.file_type();
    let is_device = kind.is_char_device() || kind.is_block_device();
    let mut rights = match may {
        May::Connect => AccessFs::ResolveUnix.into(),
        May::Read => make_bitflags!(AccessFs::{ReadFile | ReadDir}),
        May::Write if is_device => make_bitflags!(AccessFs::{ReadFile | WriteFile | IoctlDev}),
        May::Write => make_bitflags!(AccessFs::{
            ReadFile | ReadDir | WriteFile | Truncate | MakeDir | MakeReg | Refer | RemoveDir
            | RemoveFile
        }),
    };
    if !kind.is_dir() {
        rights &= AccessFs::from_file(NEWEST);
    }
    rights
}
