//! What this machine offers to confine plugins with, and whether its clock can be right.

use anchorhold_api as api;
use anchorhold_boundary::sandbox::{self, Available, Landlock, Namespaces};
use anchorhold_kernel::certificate::rfc3339;

use super::case::Case;
use super::finding::{Findings, Severity};
use crate::exit::Failure;

/// Looks at what confines plugins.
pub(super) fn look(case: &Case<'_>, findings: &mut Findings<'_>) {
    let mut stores = case.config.stores.iter();
    let severity = match stores.any(|plan| case.in_runner(plan)) {
        true => Severity::Warning,
        false => Severity::Note,
    };
    lacking(sandbox::available(), severity, findings);
}

/// Whether all of a whole sandbox is to be had, so that what is less comes of what is granted.
pub(super) fn is_whole() -> bool {
    let available = sandbox::available();
    landlock(available.landlock).is_none()
        && available.seccomp
        && namespaces(available.namespaces).is_none()
}

/// What of a whole sandbox is not to be had.
fn lacking(available: Available, severity: Severity, findings: &mut Findings<'_>) {
    let seccomp = (!available.seccomp).then(|| Lack {
        code: "seccomp-missing",
        message: "system calls cannot be filtered here".to_owned(),
        remedy: "let the unit of the service make the call: SystemCallFilter=seccomp; or run a \
                 kernel with CONFIG_SECCOMP_FILTER",
    });
    let all = [
        landlock(available.landlock),
        seccomp,
        namespaces(available.namespaces),
    ];
    for lack in all.into_iter().flatten() {
        findings.add(severity, lack.code, MACHINE, lack.message, lack.remedy);
    }
}

/// One means that is not to be had.
struct Lack {
    code: &'static str,
    message: String,
    remedy: &'static str,
}

fn landlock(landlock: Landlock) -> Option<Lack> {
    let (code, what, remedy) = match landlock {
        Landlock::Forbidden => (
            "landlock-forbidden",
            "a filter of system calls forbids Landlock",
            "let the unit of the service make these calls: SystemCallFilter=\
             landlock_create_ruleset landlock_add_rule landlock_restrict_self",
        ),
        Landlock::NotBuilt => (
            "landlock-missing",
            "this kernel has no Landlock",
            "run a kernel with Landlock, Linux 6.12 or later",
        ),
        Landlock::NotEnabled => (
            "landlock-disabled",
            "this kernel was started without Landlock",
            "start the kernel with landlock among the names of its parameter lsm=",
        ),
        Landlock::Version(version) if version < ENOUGH => {
            return Some(Lack {
                code: "landlock-old",
                message: format!(
                    "this kernel has Landlock in version {version}; signals and abstract sockets \
                     are confined from version {ENOUGH} on"
                ),
                remedy: "run a later kernel, Linux 6.12 or later",
            });
        }
        Landlock::Version(_) => return None,
    };
    Some(Lack {
        code,
        message: format!("{what}, which confines files, ports and signals"),
        remedy,
    })
}

fn namespaces(namespaces: Namespaces) -> Option<Lack> {
    let (code, what, remedy) = match namespaces {
        Namespaces::Usable => return None,
        Namespaces::Forbidden => (
            "namespaces-forbidden",
            "a filter or a policy forbids user and mount namespaces",
            "let the unit of the service make them: RestrictNamespaces=user mnt; and see that \
             sysctl user.max_user_namespaces is not 0",
        ),
        Namespaces::NotBuilt => (
            "namespaces-missing",
            "this kernel has no user and mount namespaces",
            "run a kernel with CONFIG_USER_NS",
        ),
    };
    Some(Lack {
        code,
        message: format!("{what}, so that a plugin with one granted socket reaches others as well"),
        remedy,
    })
}

/// The same for support.
pub(super) fn offers() -> Vec<api::Offer> {
    let available = sandbox::available();
    let offer = |what: &str, available, detail: String| api::Offer {
        what: what.to_owned(),
        available,
        detail,
    };
    let (landlock, version) = match available.landlock {
        Landlock::Version(version) => (true, format!("version {version}")),
        Landlock::Forbidden => (false, "forbidden by a filter of system calls".to_owned()),
        Landlock::NotBuilt => (false, "not in this kernel".to_owned()),
        Landlock::NotEnabled => (false, "in this kernel and not enabled".to_owned()),
    };
    let (namespaces, why) = match available.namespaces {
        Namespaces::Usable => (true, ""),
        Namespaces::Forbidden => (false, "forbidden by a filter or a policy"),
        Namespaces::NotBuilt => (false, "not in this kernel"),
    };
    vec![
        offer("landlock", landlock, version),
        offer("seccomp", available.seccomp, String::new()),
        offer("namespaces", namespaces, why.to_owned()),
    ]
}

/// Looks at the clock: nothing can have been written down in the future.
pub(super) fn clock(case: &Case<'_>, findings: &mut Findings<'_>) -> Result<(), Failure> {
    let Some(state) = case.state else {
        return Ok(());
    };
    let journal = state.journal()?;
    let newest = journal.iter().map(|entry| entry.at.unix_timestamp()).max();
    if let Some(newest) = newest.filter(|newest| case.now.saturating_add(LEEWAY) < *newest) {
        let message = format!(
            "its clock says {}, and the journal has an entry of {}: certificates, leaves and \
             pauses are judged by a wrong time",
            rfc3339(case.now),
            rfc3339(newest)
        );
        let remedy = "set the clock of this machine, and see that it stays set: timedatectl \
                      set-ntp true";
        findings.error("clock-behind", MACHINE, message, remedy);
    }
    Ok(())
}

/// What findings about the machine as a whole are about.
const MACHINE: &str = "this machine";

/// The version of Landlock that is enough for the whole sandbox.
const ENOUGH: u32 = 6;

/// How far a clock may be put back to be set right, in seconds.
const LEEWAY: i64 = 60;

#[cfg(test)]
mod tests {
    use anchorhold_state::{Actor, Event};
    use time::Duration;

    use super::*;
    use crate::commands::doctor::fixture::{Scene, codes};

    fn found(change: impl FnOnce(&mut Available), severity: Severity) -> Vec<api::Finding> {
        let scene = Scene::new();
        let mut available = sandbox::available();
        available.landlock = Landlock::Version(ENOUGH);
        available.seccomp = true;
        available.namespaces = Namespaces::Usable;
        change(&mut available);
        let mut findings = Findings::new(&scene.home);
        lacking(available, severity, &mut findings);
        findings.sorted()
    }

    #[test]
    fn a_filter_is_told_from_a_kernel() {
        for (landlock, code) in [
            (Landlock::Forbidden, "landlock-forbidden"),
            (Landlock::NotBuilt, "landlock-missing"),
            (Landlock::NotEnabled, "landlock-disabled"),
            (Landlock::Version(ENOUGH - 1), "landlock-old"),
        ] {
            let findings = found(|all| all.landlock = landlock, Severity::Warning);
            assert_eq!(codes(&findings), [code]);
            assert_eq!(findings[0].severity, "warning");
        }
        for (namespaces, code) in [
            (Namespaces::Forbidden, "namespaces-forbidden"),
            (Namespaces::NotBuilt, "namespaces-missing"),
        ] {
            let findings = found(|all| all.namespaces = namespaces, Severity::Note);
            assert_eq!(codes(&findings), [code]);
            assert_eq!(findings[0].severity, "note");
        }
        assert_eq!(
            codes(&found(|all| all.seccomp = false, Severity::Note)),
            ["seccomp-missing"]
        );
        assert!(found(|_| {}, Severity::Error).is_empty());
    }

    #[test]
    fn a_clock_behind_the_journal_is_wrong() {
        for (ahead, wrong) in [(0, false), (30, false), (3_600, true)] {
            let scene = Scene::new();
            let state = scene.home.state().expect("opened");
            let then = scene.home.now() + Duration::seconds(ahead);
            let actor = Actor::new("ada", "anchorhold");
            let mut change = state.write(&actor, then).expect("begun");
            change.note(Event::new("imported", "from the future"));
            change.commit().expect("committed");
            let findings = scene.look(|case, findings| {
                clock(case, findings).expect("looked");
            });
            let codes = codes(&findings);
            assert_eq!(codes.contains(&"clock-behind"), wrong, "{ahead}: {codes:?}");
        }
    }
}
