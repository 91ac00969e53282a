//! Who may write where, for people whose writing was refused.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

use crate::actor;
use crate::exit::Failure;

/// What keeps this process from writing to a path, or where nothing is there yet, to the nearest
/// directory above it.
pub(crate) fn obstacle(path: &Path) -> Option<String> {
    let (place, metadata) = path
        .ancestors()
        .find_map(|place| place.metadata().ok().map(|metadata| (place, metadata)))?;
    let wanted = if metadata.is_dir() {
        Access::WRITE_OK | Access::EXEC_OK
    } else {
        Access::READ_OK | Access::WRITE_OK
    };
    let refused = access(place, wanted).is_err();
    refused.then(|| told(place, metadata.uid(), metadata.mode()))
}

fn told(place: &Path, owner: u32, mode: u32) -> String {
    format!(
        "{} cannot be written to by {}: it belongs to {} and has mode {:04o}",
        place.display(),
        actor::user(rustix::process::getuid().as_raw()),
        actor::user(owner),
        mode & 0o7777
    )
}

/// Says of a failure of the state what of its directory cannot be written to, and by whom.
pub(crate) fn name_obstacle(failure: &mut Failure, state: &Path) {
    if failure.code != STATE_UNAVAILABLE {
        return;
    }
    let obstacles = obstacles(state).into_iter();
    let obstacles: Vec<String> = obstacles.map(|(_, obstacle)| obstacle).collect();
    if !obstacles.is_empty() {
        failure.message = format!("{}: {}", failure.message, obstacles.join("; "));
        failure.remedy = Some("run it as the owner, or let this user write there".to_owned());
    }
}

/// What of a state directory cannot be written to, and why.
pub(crate) fn obstacles(state: &Path) -> Vec<(PathBuf, String)> {
    let mut places: Vec<PathBuf> = PARTS.iter().map(|part| state.join(part)).collect();
    places.retain(|place| place.symlink_metadata().is_ok());
    places.insert(0, state.to_owned());
    let obstacles = places.into_iter().filter_map(|place| {
        let obstacle = obstacle(&place)?;
        Some((place, obstacle))
    });
    obstacles.collect()
}

/// The code of every failure to read or write the state.
pub(crate) const STATE_UNAVAILABLE: &str = "state-unavailable";

/// What lies in a state directory and is written to.
const PARTS: [&str; 5] = [
    "ledger.db",
    "ledger.db-wal",
    "ledger.db-shm",
    "journal.jsonl",
    "locks",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_written_is_no_obstacle() {
        let directory = tempfile::tempdir().expect("a directory");
        assert_eq!(obstacle(directory.path()), None);
        assert_eq!(obstacle(&directory.path().join("not/there/yet")), None);
    }

    #[test]
    fn an_obstacle_names_path_owner_mode_and_user() {
        let me = actor::user(rustix::process::getuid().as_raw());
        let text = told(Path::new("/x/stores"), 4_000_000_001, 0o40_555);
        assert_eq!(
            text,
            format!(
                "/x/stores cannot be written to by {me}: it belongs to uid 4000000001 and has \
                 mode 0555"
            )
        );
    }

    #[test]
    fn other_failures_stay_as_they_are() {
        let mut failure = Failure::usage("usage", "no");
        name_obstacle(&mut failure, Path::new("/proc/version"));
        assert_eq!((&*failure.message, &failure.remedy), ("no", &None));
    }
}
