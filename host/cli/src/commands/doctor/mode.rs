//! Files that more people can change or read than should.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anchorhold_boundary::admit;
use anchorhold_kernel::plan::SecretSource;

use super::case::Case;
use super::finding::{Findings, on_file};
use crate::commands::damage;
use crate::config::{plugins, stores};

/// Looks at who may change the configuration and read the secrets.
pub(super) fn look(case: &Case<'_>, findings: &mut Findings<'_>) {
    configuration(case, findings);
    for store in case.stores() {
        if let Some(database) = damage::database(store) {
            let stash = database.with_extension("sth");
            for path in [&database, &stash] {
                changed_by_others(path, "whoever changes it decides what is trusted", findings);
            }
            read_by_others(&stash, "it opens the store beside it", findings);
        }
    }
    for path in secrets(case) {
        changed_by_others(&path, "it is the secret of a store", findings);
        read_by_others(&path, "it is the secret of a store", findings);
    }
}

fn configuration(case: &Case<'_>, findings: &mut Findings<'_>) {
    let paths = &case.home.paths;
    let why = "whoever changes it decides what is trusted";
    changed_by_others(&paths.config, why, findings);
    changed_by_others(&paths.file(), why, findings);
    for directory in [plugins::directory(paths), stores::directory(paths)] {
        // What is wrong with the files in it is found where they are read.
        if directory.symlink_metadata().is_ok()
            && let Err(refusal) = admit::check_directory(&directory)
            && !findings.has("config-unsafe")
        {
            findings.error(
                "config-unsafe",
                directory.display().to_string(),
                refusal.to_string(),
                refusal.remedy(),
            );
        }
    }
}

/// The files that secrets of stores are read from.
fn secrets(case: &Case<'_>) -> Vec<PathBuf> {
    let sources = case
        .config
        .stores
        .iter()
        .flat_map(|plan| plan.secrets.values());
    let files = sources.filter_map(|source| match source {
        SecretSource::File(path) => Some(path.clone()),
        _ => None,
    });
    files.collect()
}

fn changed_by_others(path: &Path, why: &str, findings: &mut Findings<'_>) {
    // A directory in which nobody removes the files of others is safe enough.
    let others = |there: &Metadata| {
        there.mode() & 0o022 != 0 && (there.is_file() || there.mode() & STICKY == 0)
    };
    if let Some(mode) = path
        .metadata()
        .ok()
        .filter(others)
        .map(|there| there.mode())
    {
        findings.error(
            "unsafe-mode",
            path.display().to_string(),
            format!(
                "others than its owner can change it (mode {:04o}); {why}",
                mode & 0o7777
            ),
            format!(
                "make sure that nobody has, then: {}",
                on_file("chmod go-w", path)
            ),
        );
    }
}

fn read_by_others(path: &Path, why: &str, findings: &mut Findings<'_>) {
    let others = |there: &Metadata| there.is_file() && there.mode() & 0o044 != 0;
    if let Some(mode) = path
        .metadata()
        .ok()
        .filter(others)
        .map(|there| there.mode())
    {
        findings.error(
            "readable-secret",
            path.display().to_string(),
            format!(
                "others than its owner can read it (mode {:04o}); {why}",
                mode & 0o7777
            ),
            format!(
                "take the secret for known to them and change it; then: {}",
                on_file("chmod go-rwx", path)
            ),
        );
    }
}

const STICKY: u32 = 0o1000;

#[cfg(test)]
mod tests {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::commands::doctor::fixture::{Scene, codes};

    #[test]
    fn what_others_may_change_is_found_and_what_they_may_read_is_not() {
        let scene = Scene::new();
        let file = scene.write("anchorhold.toml", "");
        for (mode, expected) in [
            (0o644, &[][..]),
            (0o664, &["unsafe-mode"]),
            (0o646, &["unsafe-mode"]),
        ] {
            set_permissions(&file, Permissions::from_mode(mode)).expect("set");
            assert_eq!(codes(&scene.look(look)), expected, "{mode:o}");
        }
    }

    #[test]
    fn a_directory_where_nobody_removes_the_files_of_others_is_safe() {
        let scene = Scene::new();
        let home = scene.path("");
        for (mode, expected) in [(0o1777, &[][..]), (0o777, &["unsafe-mode"])] {
            set_permissions(&home, Permissions::from_mode(mode)).expect("set");
            assert_eq!(codes(&scene.look(look)), expected, "{mode:o}");
        }
    }
}
