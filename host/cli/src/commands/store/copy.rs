//! `store copy`: what one store holds into another, in one change.

use anchorhold_api as api;
use anchorhold_kernel::import::{self, CopyReport, CopyRequest, Outcome};
use anchorhold_kernel::plan::StoreScope;
use anchorhold_kernel::{Kernel, Store as KernelStore};

use super::create::{begin, drafted};
use super::draft::Draft;
use crate::args::store::{StoreCopy, StoreCreate};
use crate::builtin;
use crate::commands::damage;
use crate::commands::holding::{check_stores, scoped_servers};
use crate::exit::Failure;
use crate::home::Home;
use crate::output::{Reply, counted};

/// Copies it.
pub(super) fn run(args: &StoreCopy, home: &Home) -> Result<Reply, Failure> {
    check_stores(home, std::slice::from_ref(&args.from))?;
    let known = home.config()?.stores.iter();
    let copied = match known.into_iter().any(|plan| plan.name == args.to) {
        true => {
            if !args.dry_run {
                home.settle()?;
            }
            copy(&args.from, &args.to, args.dry_run, home, home.kernel()?)?
        }
        false => {
            let draft = drafted(&args.to, builtin::KEYDB, &StoreCreate::default(), home)?;
            begin(&draft, home)?;
            into_new(&args.from, &draft, args.dry_run, home)?
        }
    };
    Ok(Reply::done(copied))
}

/// Makes a store, and copies into it; where the copy would be refused, nothing is made.
pub(super) fn into_new(
    from: &str,
    draft: &Draft,
    dry_run: bool,
    home: &Home,
) -> Result<api::StoreCopy, Failure> {
    let name = draft.plan(home)?.name;
    let tried = copy(from, &name, true, home, &draft.trial(home)?)?;
    let made = Some(draft.file().display().to_string());
    if dry_run {
        return Ok(api::StoreCopy { made, ..tried });
    }
    home.settle()?;
    draft.write("store-created", home)?;
    let home = home.again();
    let copied = copy(from, &name, false, &home, home.kernel()?).map_err(|failure| {
        let message = format!(
            "store \"{name}\" was made, and is empty: {}",
            failure.message
        );
        Failure { message, ..failure }
    })?;
    Ok(api::StoreCopy { made, ..copied })
}

fn copy(
    from: &str,
    to: &str,
    dry_run: bool,
    home: &Home,
    kernel: &Kernel,
) -> Result<api::StoreCopy, Failure> {
    let request = CopyRequest {
        from: from.to_owned(),
        to: to.to_owned(),
        dry_run,
        actor: home.actor(),
        now: home.now(),
        known: home.known_servers()?,
    };
    let report = import::copy(kernel, home.state()?, &request);
    let report = report.map_err(|error| damage::of_change(&error, home))?;
    Ok(document(report, &request, kernel, home))
}

fn document(
    report: CopyReport,
    request: &CopyRequest,
    kernel: &Kernel,
    home: &Home,
) -> api::StoreCopy {
    let warnings = warnings(&report, request, kernel);
    let warnings = warnings.iter().map(|text| home.invocation.localize(text));
    let warnings = warnings.collect();
    let copied = report.copied.into_iter().map(|one| api::Copied {
        sha256: one.fingerprint.to_string(),
        subject: one
            .facts
            .as_ref()
            .map(|facts| facts.subject.clone())
            .unwrap_or_default(),
        not_after: one
            .facts
            .map(|facts| facts.not_after_text())
            .unwrap_or_default(),
        servers: scoped_servers(one.servers.as_ref()),
        outcome: one.outcome.as_str().to_owned(),
        note: one.narrowed,
        before: one.before,
        label: one.label,
    });
    let left_out = report.left_out.into_iter().map(|one| api::LeftOut {
        sha256: one.fingerprint.to_string(),
        label: one.label,
        what: one.what.to_owned(),
        message: one.why,
    });
    api::StoreCopy {
        from: request.from.clone(),
        to: request.to.clone(),
        made: None,
        copied: copied.collect(),
        left_out: left_out.collect(),
        dry_run: report.dry_run,
        warnings,
    }
}

/// What the copy does not do, though somebody might expect it.
fn warnings(report: &CopyReport, request: &CopyRequest, kernel: &Kernel) -> Vec<String> {
    let new = report.copied.iter();
    let new = new.filter(|one| one.outcome == Outcome::New && one.servers.is_none());
    let silent = new.count();
    let scope = |name: &str| {
        kernel
            .store(name)
            .map(KernelStore::plan)
            .map(|plan| plan.scope)
    };
    let (from, to) = (&request.from, &request.to);
    let gains = report.gains.iter().map(|(server, new)| {
        format!(
            "server {server} uses store \"{to}\" and not store \"{from}\": {} that it is in scope \
             for comes into its stores by this",
            counted(new.len(), "certificate")
        )
    });
    let mut warnings: Vec<String> = gains.collect();
    if silent > 0 && scope(from) != Some(StoreScope::Imported) && scope(from) != scope(to) {
        warnings.push(format!(
            "store \"{from}\" vouches for servers by its own `scope`, and store \"{to}\" does not: \
             there, {} in nobody's scope yet: anchorhold scope FINGERPRINT --server NAME",
            counted(silent, "certificate")
        ));
    } else if silent > 0 && scope(to) != Some(StoreScope::Imported) {
        warnings.push(format!(
            "store \"{to}\" vouches for servers by its own `scope`, as store \"{from}\" does: so does \
             what is copied of it, {} among it that scope names for nobody",
            counted(silent, "certificate")
        ));
    } else if silent > 0 {
        warnings.push(format!(
            "{} among them in nobody's scope, before and now",
            counted(silent, "certificate")
        ));
    }
    warnings
}
