//! What plugins need, against what the operator grants them.

use anchorhold_boundary::grant::Grant;
use anchorhold_boundary::manifest::Manifest;
use anchorhold_boundary::sandbox::SandboxSpec;
use anchorhold_kernel::plan::StorePlan;

use super::case::Case;
use super::finding::{Findings, of_plugin, of_store};
use super::plugin::stores_of;
use super::registration::Registration;

/// A plugin that may be used, with its stores.
pub(super) struct Used<'a> {
    id: &'a str,
    /// How it is registered, where it is a library.
    registration: Option<&'a Registration<'a>>,
    manifest: &'a Manifest,
    stores: Vec<&'a StorePlan>,
}

impl<'a> Used<'a> {
    /// A plugin by what its manifest says.
    pub(super) fn new(
        id: &'a str,
        registration: Option<&'a Registration<'a>>,
        manifest: &'a Manifest,
        case: &'a Case<'_>,
    ) -> Self {
        Self {
            id,
            registration,
            manifest,
            stores: stores_of(id, case),
        }
    }

    /// Looks at what it is granted for all of its stores, and for each.
    pub(super) fn look(&self, case: &Case<'_>, findings: &mut Findings<'_>) {
        self.idle_everywhere(findings);
        for store in &self.stores {
            let file = case.file_of(&store.name);
            self.idle_in(store, &file, findings);
            // Inside this program nothing is kept from it.
            if case.in_runner(store) {
                self.missing_in(store, &file, findings);
                self.far_reaching(store, &file, findings);
            }
        }
    }

    /// What it may reach in all of its stores.
    fn shared(&self) -> &[Grant] {
        self.registration.map_or(&[], |known| &known.plan.grants)
    }

    fn is_idle(&self, grant: &Grant) -> bool {
        let mut needs = self.manifest.grantable();
        !needs.any(|need| grant.narrowed(need).is_some())
    }

    fn idle_everywhere(&self, findings: &mut Findings<'_>) {
        let Some(registration) = self.registration else {
            return;
        };
        for grant in self.shared().iter().filter(|grant| self.is_idle(grant)) {
            let kept = self.shared().iter().filter(|other| *other != grant);
            let kept: Vec<String> = kept.map(ToString::to_string).collect();
            findings.note(
                "grant-unused",
                of_plugin(self.id),
                format!("the grant {grant} has no effect: its manifest does not need it"),
                registration.granting(&kept, findings),
            );
        }
    }

    fn idle_in(&self, store: &StorePlan, file: &str, findings: &mut Findings<'_>) {
        for grant in store.grants.iter().filter(|grant| self.is_idle(grant)) {
            findings.note(
                "grant-unused",
                of_store(&store.name),
                format!("the grant {grant} has no effect: its plugin does not need it"),
                format!("take \"{grant}\" out of `grant` of the [[store]] in {file}"),
            );
        }
    }

    fn missing_in(&self, store: &StorePlan, file: &str, findings: &mut Findings<'_>) {
        let asked = self.manifest.needs.iter();
        for need in asked.filter(|need| need.is_for_operator()) {
            let mut grants = self.shared().iter().chain(&store.grants);
            if grants.any(|grant| grant.narrowed(need).is_some()) {
                continue;
            }
            let mut remedy = format!(
                "where that is right, write \"{need}\" into `grant` of the [[store]] in {file}"
            );
            if let Some(registration) = self.registration {
                let mut all: Vec<String> = self.shared().iter().map(ToString::to_string).collect();
                all.push(need.to_string());
                remedy.push_str(&format!(
                    "; or let all of its stores, and {}",
                    registration.granting(&all, findings)
                ));
            }
            findings.warning(
                "need-not-granted",
                of_store(&store.name),
                format!("its plugin needs {need}, which is not granted"),
                remedy,
            );
        }
    }

    fn far_reaching(&self, store: &StorePlan, file: &str, findings: &mut Findings<'_>) {
        let settings = self
            .manifest
            .check_settings(&store.settings, &store.base_dir);
        let grants: Vec<Grant> = self.shared().iter().chain(&store.grants).cloned().collect();
        // A store whose settings or grants mean nothing has failed, and is told of as such.
        let worked_out = SandboxSpec::work_out(
            self.manifest,
            &grants,
            &settings.unwrap_or_default(),
            None,
            None,
        );
        for note in worked_out
            .map(|(spec, _)| spec.far_reaching())
            .unwrap_or_default()
        {
            findings.warning(
                "grant-far-reaching",
                of_store(&store.name),
                note,
                format!(
                    "name the very files that it needs, in its settings and its `grant` in \
                     {file}; of a file in its settings it gets the directory, so keep that in one \
                     of its own"
                ),
            );
        }
    }
}
