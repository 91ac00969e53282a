//! How a library is registered, and what changes that.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anchorhold_boundary::admit::{ParentFault, Refusal};
use anchorhold_kernel::LibraryPlan;

use super::case::Case;
use super::finding::{Findings, on_file};
use crate::config::plugins::file_of;
use crate::invocation::quote;

/// A library as it is registered.
pub(super) struct Registration<'a> {
    /// What is registered.
    pub(super) plan: &'a LibraryPlan,
    /// The file in which.
    pub(super) file: PathBuf,
    /// Whether `plugin add` wrote that file, and so may change it; else only its author may.
    own: bool,
}

impl<'a> Registration<'a> {
    /// The registration of a library.
    pub(super) fn of(plan: &'a LibraryPlan, case: &Case<'_>) -> Self {
        let known = case.config.plugins.iter().find(|one| one.plan == *plan);
        let file = known.map_or_else(|| case.home.paths.file(), |known| known.file.clone());
        let own = file == file_of(&case.home.paths, &plan.id);
        Self { plan, file, own }
    }

    /// What mends a library that is refused, with the files and names that it takes.
    pub(super) fn remedy(&self, refusal: &Refusal, findings: &Findings<'_>) -> String {
        let remove = self.removal(findings);
        match refusal {
            Refusal::PinMismatch { .. } | Refusal::Replaced { .. } => format!(
                "find out who changed it and why; only then {}",
                self.renewal(findings)
            ),
            Refusal::IdMismatch { .. } => format!(
                "find out why this is the manifest of another plugin, and correct what {} says; \
                 or {remove}",
                self.file.display()
            ),
            Refusal::LibraryMissing { path } | Refusal::NotFound { path } => {
                format!("put {} back, or {remove}", path.display())
            }
            Refusal::NotAFile { path, .. } => format!(
                "put the plugin's file back at {}, or {remove}",
                path.display()
            ),
            Refusal::Unreadable { path, .. } => {
                format!("let this user read it: {}", on_file("chmod u+r", path))
            }
            Refusal::UnsafeMode { path, .. } => format!(
                "make sure that nobody has changed it, then: {}",
                on_file("chmod go-w", path)
            ),
            Refusal::UnsafeOwner { path, .. } => format!(
                "make sure that it is what was meant, then, as root: {}",
                on_file("chown root", path)
            ),
            Refusal::UnsafeParent { parent, fault, .. } => unsafe_parent(parent, *fault),
            other => other.remedy(),
        }
    }

    /// What takes it out, to go on after "or".
    pub(super) fn removal(&self, findings: &Findings<'_>) -> String {
        if self.own {
            let command = findings.command(&["plugin", "remove", &self.plan.id]);
            return format!("take the plugin out: {command}");
        }
        self.deletion()
    }

    /// What makes an end of a registration that takes nothing out with it.
    pub(super) fn deletion(&self) -> String {
        if self.own {
            return format!(
                "delete the file that registers it: {}",
                on_file("rm", &self.file)
            );
        }
        format!(
            "take the [[plugin]] of {} out of {}",
            self.plan.id,
            self.file.display()
        )
    }

    /// What grants these and nothing else in all of its stores.
    pub(super) fn granting(&self, grants: &[String], findings: &Findings<'_>) -> String {
        // A plugin that is added without a grant keeps those that it had.
        if self.own && !grants.is_empty() {
            return format!("register it anew: {}", self.command(grants, findings));
        }
        let grants: Vec<String> = grants.iter().map(|grant| format!("{grant:?}")).collect();
        format!(
            "write grant = [{}] into the [[plugin]] of {} in {}",
            grants.join(", "),
            self.plan.id,
            self.file.display()
        )
    }

    /// What takes its files as they are now.
    fn renewal(&self, findings: &Findings<'_>) -> String {
        if self.own {
            return format!("register it anew: {}", self.command(&[], findings));
        }
        format!(
            "write the SHA-256 that `plugin add {} --update` shows into {}",
            quote(self.plan.manifest.as_os_str()),
            self.file.display()
        )
    }

    fn command(&self, grants: &[String], findings: &Findings<'_>) -> String {
        let manifest = self.plan.manifest.as_os_str();
        let mut words = vec![
            OsStr::new("plugin"),
            OsStr::new("add"),
            manifest,
            OsStr::new("--update"),
        ];
        for grant in grants {
            words.extend([OsStr::new("--grant"), OsStr::new(grant)]);
        }
        findings.command(&words)
    }
}

fn unsafe_parent(parent: &Path, fault: ParentFault) -> String {
    match fault {
        ParentFault::Mode(_) => format!(
            "make sure that nobody has put anything else there, then: {}",
            on_file("chmod go-w", parent)
        ),
        ParentFault::Owner { .. } => format!(
            "install it where only root or you can write, or, as root: {}",
            on_file("chown -h root", parent)
        ),
    }
}

#[cfg(test)]
mod tests {
    use anchorhold_boundary::admit::Pins;
    use anchorhold_boundary::manifest::ManifestError;

    use super::*;
    use crate::commands::doctor::fixture::Scene;

    /// Every refusal that there is.
    fn refusals() -> Vec<Refusal> {
        let path = PathBuf::from("/opt/my plugins/x.so");
        let parent = PathBuf::from("/opt/my plugins");
        let unsafe_parent = |fault| Refusal::UnsafeParent {
            path: path.clone(),
            parent: parent.clone(),
            fault,
        };
        vec![
            Refusal::CopyImpossible {
                path: path.clone(),
                why: "no room".to_owned(),
            },
            Refusal::IdMismatch {
                path: path.clone(),
                found: "a".to_owned(),
                expected: "b".to_owned(),
            },
            Refusal::LibraryMissing { path: path.clone() },
            Refusal::LibraryUnnamed { path: path.clone() },
            Refusal::ManifestInvalid {
                path: path.clone(),
                source: ManifestError::Empty,
            },
            Refusal::NotAFile {
                path: path.clone(),
                found: "a pipe",
            },
            Refusal::NotFound { path: path.clone() },
            Refusal::PinMismatch {
                path: path.clone(),
                found: [1; 32],
                expected: [2; 32],
            },
            Refusal::Replaced { path: path.clone() },
            Refusal::TooLarge {
                path: path.clone(),
                found: 2,
                most: 1,
            },
            Refusal::Unreadable {
                path: path.clone(),
                why: "permission denied".to_owned(),
            },
            Refusal::UnsafeMode {
                path: path.clone(),
                found: 0o777,
            },
            Refusal::UnsafeOwner {
                path: path.clone(),
                found: 1,
                expected: 2,
            },
            unsafe_parent(ParentFault::Mode(0o777)),
            unsafe_parent(ParentFault::Owner {
                found: 1,
                expected: 2,
            }),
        ]
    }

    fn plan() -> LibraryPlan {
        LibraryPlan {
            id: "org.example.x".to_owned(),
            manifest: PathBuf::from("/opt/my plugins/x.toml"),
            pins: Pins {
                library: [2; 32],
                manifest: [2; 32],
            },
            grants: Vec::new(),
        }
    }

    #[test]
    fn every_refusal_has_a_remedy_that_names_real_files() {
        let (scene, plan) = (Scene::new(), plan());
        let findings = Findings::new(&scene.home);
        for own in [true, false] {
            let registration = Registration {
                plan: &plan,
                file: PathBuf::from("/etc/anchorhold/plugins.d/org.example.x.toml"),
                own,
            };
            for refusal in refusals() {
                let remedy = registration.remedy(&refusal, &findings);
                assert!(!remedy.is_empty(), "{}", refusal.code());
                for placeholder in ["MANIFEST", " ID"] {
                    assert!(
                        !remedy.contains(placeholder),
                        "{}: {remedy}",
                        refusal.code()
                    );
                }
                // What can be pasted is quoted.
                let pasted = remedy.contains("chmod") || remedy.contains("chown");
                assert!(
                    !pasted || remedy.ends_with('\''),
                    "{}: {remedy}",
                    refusal.code()
                );
                let command = remedy.contains("plugin remove") || remedy.contains("plugin add ");
                assert!(own || !remedy.contains("plugin remove"), "{remedy}");
                if matches!(
                    refusal.code(),
                    "pin-mismatch" | "not-found" | "library-missing"
                ) {
                    assert!(command || remedy.contains("[[plugin]]"), "{remedy}");
                }
            }
        }
    }
}
