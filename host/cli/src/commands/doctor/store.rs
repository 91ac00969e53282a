//! Stores that do not answer, answer with less than they could, or cannot be written to.

use anchorhold_boundary::confinement::{Place, Sandbox};
use anchorhold_boundary::grant::Grant;
use anchorhold_boundary::health::HealthState;
use anchorhold_boundary::manifest::Value;
use anchorhold_kernel::Store;
use anchorhold_kernel::certificate::rfc3339;
use anchorhold_kernel::health::StoreHealth;
use anchorhold_kernel::plan::StorePlan;

use super::case::Case;
use super::finding::{Findings, Severity, of_store};
use super::{failure, machine};
use crate::commands::damage;
use crate::exit::Failure;
use crate::output::counted;

/// Lists every store afresh, and names those that answered.
pub(super) fn look(case: &Case<'_>, findings: &mut Findings<'_>) -> Vec<String> {
    let mut all = Vec::new();
    for store in case.stores() {
        match store.fresh_snapshot() {
            Ok(snapshot) => {
                answered(store, &store.health(), case, findings);
                left_out(store, snapshot.left_out(), findings);
                all.push(store.name().to_owned());
            }
            Err(error) => failure::look(store, &error, case, findings),
        }
        if let Err(failure) = incidents(store, case, findings) {
            findings.failed(of_store(store.name()), &failure);
        }
    }
    all
}

/// A store that could be listed.
fn answered(store: &Store, health: &StoreHealth, case: &Case<'_>, findings: &mut Findings<'_>) {
    let about = of_store(store.name());
    let check = findings.command(&["store", "check", store.name()]);
    let unlock = findings.command(&["store", "unlock", store.name()]);
    let detail = |otherwise: &str| match health.detail.is_empty() {
        true => otherwise.to_owned(),
        false => health.detail.clone(),
    };
    match health.state {
        HealthState::Ready => {}
        HealthState::Degraded => {
            let message = detail("it answers with less than it should");
            let remedy = format!("mend what the message says, then: {check}");
            findings.warning("store-degraded", &about, message, remedy);
        }
        HealthState::Locked => {
            let message = detail("it is locked, so that it cannot be changed and cannot sign");
            let remedy = damage::unlocking(store, &unlock);
            findings.warning("store-locked", &about, message, remedy);
        }
        _ => {
            let message = detail("it says that it cannot be reached, though it could be listed");
            let remedy = format!("mend what the message says, then: {check}");
            findings.warning("store-unavailable", &about, message, remedy);
        }
    }
    if let Some(left @ 0..=1) = health.attempts_left {
        let message = damage::few_attempts(left);
        let remedy = damage::of_health(store, health).unwrap_or_else(|| damage::RESET.to_owned());
        findings.warning("attempts-few", &about, message, remedy);
    }
    writable(store, health, case, findings);
    confined(store, health, case, findings);
}

/// A file store that was made to be written to, and cannot be.
fn writable(store: &Store, health: &StoreHealth, case: &Case<'_>, findings: &mut Findings<'_>) {
    if damage::is_only_read(store.plan()) {
        return;
    }
    let message = match damage::not_writable(store) {
        Some(obstacle) => obstacle,
        None if health.answers() && !health.writable && store.is_file_store() => {
            // A store that works says what it does not do, and what to do about it.
            if health.state == HealthState::Ready && !health.detail.is_empty() {
                let check = findings.command(&["store", "check", store.name()]);
                let remedy = format!("mend what the message says, then: {check}");
                let about = of_store(store.name());
                findings.warning("store-read-only", about, health.detail.clone(), remedy);
                return;
            }
            "its file cannot be changed".to_owned()
        }
        None => return,
    };
    let Some(Value::String(path)) = store.plan().settings.get("path") else {
        return;
    };
    let path = store.plan().base_dir.join(path);
    let remedy = format!(
        "run the program as the owner of {}, or let this user write there; {} says where it is",
        path.display(),
        case.file_of(store.name())
    );
    findings.warning("store-read-only", of_store(store.name()), message, remedy);
}

/// A plugin that could do more harm than it should.
fn confined(store: &Store, health: &StoreHealth, case: &Case<'_>, findings: &mut Findings<'_>) {
    let about = of_store(store.name());
    let file = case.file_of(store.name());
    match (health.isolation, health.sandbox) {
        (Place::InProcess, _) if case.is_library(store.plugin_id()) => findings.warning(
            "in-process",
            about,
            "its plugin is a library, and runs inside this program, where nothing confines it",
            format!("take `isolation = \"in-process\"` out of the [[store]] in {file}"),
        ),
        (Place::Runner, sandbox @ (Sandbox::None | Sandbox::Partial)) => {
            let code = match sandbox {
                Sandbox::None => "sandbox-none",
                _ => "sandbox-partial",
            };
            let message = format!(
                "the sandbox of its plugin is {sandbox}: {}",
                health.sandbox_note
            );
            let mend = match health.sandbox_note.contains(PROXY) {
                true => "install xdg-dbus-proxy",
                false => "mend what is found of this machine",
            };
            let remedy = format!(
                "{mend}, or grant the plugin less; `require_sandbox = true` in the [[store]] in \
                 {file} refuses it meanwhile"
            );
            let severity = match sandbox == Sandbox::Partial && is_granted(store.plan(), case) {
                true => Severity::Note,
                false => Severity::Warning,
            };
            findings.add(severity, code, about, message, remedy);
        }
        _ => {}
    }
}

/// What keeps a plugin that reaches the bus of a session to what is granted of that.
const PROXY: &str = "xdg-dbus-proxy";

/// Whether what is less than a whole sandbox is so because the operator granted what nothing
/// confines wholly, on a machine that has all that confines.
fn is_granted(plan: &StorePlan, case: &Case<'_>) -> bool {
    let shared = case.config.plugins.iter();
    let shared = shared.filter(|known| known.plan.id == plan.plugin);
    let mut grants = shared
        .flat_map(|known| &known.plan.grants)
        .chain(&plan.grants);
    let reaches_out = |grant: &Grant| {
        matches!(
            grant,
            Grant::Connect { .. } | Grant::Network | Grant::Unix(_)
        )
    };
    grants.any(reaches_out) && machine::is_whole()
}

/// Items that were listed and cannot be used.
fn left_out(store: &Store, count: usize, findings: &mut Findings<'_>) {
    if count == 0 {
        return;
    }
    let message = format!("{count} of its items cannot be used, and do not count");
    let remedy = format!(
        "ask the author of the plugin with what this says: {}",
        findings.command(&["store", "check", store.name(), "--verbose"])
    );
    findings.warning("items-left-out", of_store(store.name()), message, remedy);
}

/// What happened to the store's plugin, also in other processes.
fn incidents(store: &Store, case: &Case<'_>, findings: &mut Findings<'_>) -> Result<(), Failure> {
    let Some(state) = case.state else {
        return Ok(());
    };
    let (name, about) = (store.name(), of_store(store.name()));
    let release = findings.command(&["store", "release", name]);
    let quarantine = state.quarantine(name)?;
    if let Some(crash) = state.last_crash(name)?
        && quarantine.is_none()
        && !findings.is_told("crashed", &about)
    {
        let message = format!(
            "its plugin crashed at {}: {}",
            rfc3339(crash.at),
            crash.what
        );
        let remedy = format!(
            "ask the author of the plugin with what `journal show` says of it; this forgets it: \
             {release}"
        );
        findings.warning("crashed", &about, message, remedy);
    }
    let count: u32 = state.attempts(name)?.iter().map(|one| one.count).sum();
    if count > 0 {
        let message = format!(
            "it refused its secret {}, and none is tried again without a person",
            counted(count, "time")
        );
        let remedy = format!(
            "check what {} says under `secrets`, then: {}",
            case.file_of(name),
            findings.command(&["store", "unlock", name])
        );
        findings.warning("secret-wrong", &about, message, remedy);
    }
    Ok(())
}
