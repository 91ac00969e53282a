//! What the plugin of a store may reach while it runs apart, and what has to be there for that.

use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anchorhold_boundary::admit::AdmittedSettings;
use anchorhold_boundary::grant::Grant;
use anchorhold_boundary::link::Code;
use anchorhold_boundary::manifest::{Manifest, Need};
use anchorhold_boundary::sandbox::SandboxSpec;
use rustix::fs::OFlags;

use crate::plan::StorePlan;
use crate::store::StoreErrorKind;
use crate::verdict::quoted;

/// What the plugin may reach, and what is to be said about that.
pub(super) fn sandbox(
    manifest: &Manifest,
    grants: &[Grant],
    code: &Code,
    settings: &AdmittedSettings,
    state_dir: Option<&Path>,
    own: &[PathBuf],
) -> Result<(SandboxSpec, Vec<String>), StoreErrorKind> {
    // The libraries follow below: only what was admitted is known to be loaded.
    let worked_out = SandboxSpec::work_out(manifest, grants, &settings.texts, state_dir, None);
    let spared = worked_out.and_then(|(sandbox, notes)| {
        sandbox.spare(own, state_dir)?;
        Ok((sandbox, notes))
    });
    let (mut sandbox, notes) = spared.map_err(|error| StoreErrorKind::Refused {
        code: "grant-invalid".to_owned(),
        why: error.to_string(),
        remedy: None,
    })?;
    if let Code::Library(admitted) = code {
        sandbox.libraries.extend(admitted.file().libraries());
    }
    let files = settings.files.iter();
    sandbox
        .libraries
        .extend(files.flat_map(|(_, file)| file.libraries()));
    Ok((sandbox, notes))
}

/// Looks the granted hosts up for no longer than a caller waits: whoever answers for names may
/// take its time.
pub(super) fn resolve(sandbox: &mut SandboxSpec, within: Duration) -> Vec<String> {
    if sandbox.connect.is_empty() {
        return Vec::new();
    }
    let (tell, told) = mpsc::channel();
    let mut resolving = sandbox.clone();
    thread::spawn(move || {
        let notes = resolving.resolve();
        // Whoever asked may have gone on without.
        let _ = tell.send((resolving, notes));
    });
    match told.recv_timeout(within) {
        Ok((resolved, notes)) => {
            *sandbox = resolved;
            notes
        }
        Err(_) => vec!["the granted hosts could not be looked up in time".to_owned()],
    }
}

/// Makes the directory of what a plugin is to write, which in a runner it cannot do itself. Outside
/// of the directory that paths start from, what is missing above that is the operator's to make, or
/// a slip.
pub(super) fn make_parents(
    plan: &StorePlan,
    manifest: &Manifest,
    texts: &[(String, String)],
) -> Result<(), StoreErrorKind> {
    let keys = manifest.needs.iter().filter_map(|need| match need {
        Need::WriteSetting(key) => Some(key),
        _ => None,
    });
    for key in keys {
        let text = texts.iter().find(|(of, _)| of == key);
        let Some(parent) = text.and_then(|(_, text)| Path::new(text).parent()) else {
            continue;
        };
        if parent.as_os_str().is_empty() || parent.exists() {
            continue;
        }
        if let Err(error) = make_directory(parent, &plan.base_dir) {
            return Err(StoreErrorKind::Refused {
                code: "directory-missing".to_owned(),
                why: format!(
                    "its setting {key} lies in {}, which is not there and cannot be made: {error}",
                    parent.display()
                ),
                remedy: Some(format!(
                    "make it, or correct the setting: mkdir -p -m 700 {}",
                    quoted(&parent.display().to_string())
                )),
            });
        }
    }
    Ok(())
}

/// Makes a directory for one user alone, who is the owner of the directory above it; where it lies
/// within the one given, what is missing above it as well.
fn make_directory(path: &Path, within: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = path.parent().ok_or(io::ErrorKind::NotFound)?;
    if path.starts_with(within) {
        make_directory(parent, within)?;
    }
    match DirBuilder::new().mode(0o700).create(path) {
        // Another process was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(error),
        Ok(()) => give(path, parent),
    }
}

/// Gives a new directory to the owner of another one, who could not use it otherwise.
fn give(path: &Path, above: &Path) -> io::Result<()> {
    let owner = above.metadata()?;
    if owner.uid() == rustix::process::geteuid().as_raw() {
        return Ok(());
    }
    // What was made, and not what somebody may have put there since.
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW;
    let flags = i32::try_from(flags.bits()).map_err(io::Error::other)?;
    let made = OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(path)?;
    match fchown(&made, Some(owner.uid()), Some(owner.gid())) {
        // Only root gives anything away; whoever else may write here keeps what is theirs.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        given => given,
    }
}
