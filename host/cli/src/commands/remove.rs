//! `remove`: a certificate's scope away, and the certificate out when nobody is left.

use std::collections::BTreeSet;

use anchorhold_api as api;
use anchorhold_kernel::import::{self, KnownServer, RemovalReport, RemovalRequest};
use anchorhold_kernel::{Fingerprint, ServerName};

use super::damage;
use super::effect;
use super::holding::{Holding, check_stores, kind_word, scoped_servers};
use super::outlook::warn_of_acceptance;
use crate::args::Remove;
use crate::exit::Failure;
use crate::home::Home;
use crate::output::Reply;

/// Takes a certificate away.
pub(super) fn run(args: &Remove, home: &Home) -> Result<Reply, Failure> {
    check_stores(home, &args.stores)?;
    let server = args
        .server
        .as_deref()
        .map(|name| home.known_name(name))
        .transpose()?;
    let holding = Holding::look(home, &[])?;
    let fingerprint = holding.find(&args.fingerprint)?;
    home.settle()?;
    let stores = (!args.stores.is_empty()).then(|| args.stores.clone());
    let report = take(fingerprint, server, stores, home)?;
    let change = document(vec![(fingerprint, report)], &holding, home)?;
    Ok(Reply::done(change))
}

/// Takes one certificate away from a server, or from all.
pub(super) fn take(
    fingerprint: Fingerprint,
    server: Option<ServerName>,
    stores: Option<Vec<String>>,
    home: &Home,
) -> Result<RemovalReport, Failure> {
    let mut known = home.known_servers()?;
    // A server that no stanza names yet loses trust all the same.
    if let Some(name) = server
        .as_ref()
        .filter(|name| known.iter().all(|one| one.name != **name))
    {
        known.push(KnownServer {
            name: name.clone(),
            stores: home.default_stores()?,
            accepts: false,
        });
    }
    let request = RemovalRequest {
        fingerprint,
        servers: server.map(|server| BTreeSet::from([server])),
        stores,
        dry_run: false,
        actor: home.actor(),
        now: home.now(),
        known,
    };
    import::remove(home.kernel()?, home.state()?, &request)
        .map_err(|error| damage::of_change(&error, home))
}

/// What the removals did.
pub(super) fn document(
    reports: Vec<(Fingerprint, RemovalReport)>,
    before: &Holding,
    home: &Home,
) -> Result<api::Change, Failure> {
    let mut change = api::Change {
        certificates: Vec::new(),
        lost: Vec::new(),
        changes: effect::joined(reports.iter().flat_map(|(_, report)| &report.changes)),
        warnings: Vec::new(),
    };
    let mut lost = BTreeSet::new();
    for (fingerprint, report) in reports {
        let emptied = report.changes.iter().filter(|change| change.nothing_left);
        lost.extend(emptied.map(|change| change.server.clone()));
        let warnings = report
            .warnings
            .iter()
            .map(|text| home.invocation.localize(text));
        change.warnings.extend(warnings);
        change
            .certificates
            .push(changed(&fingerprint, report, before));
    }
    change.lost = lost.iter().map(ToString::to_string).collect();
    change.warnings.extend(warn_of_acceptance(&lost, home)?);
    Ok(change)
}

fn changed(one: &Fingerprint, report: RemovalReport, before: &Holding) -> api::Changed {
    let listed = before.of(one).next().map(|entry| entry.kind.as_str());
    let scoped = before.scope.row(one).map(|row| kind_word(row.kind));
    let outcome = if report.removed.is_empty() {
        "updated"
    } else {
        "removed"
    };
    api::Changed {
        sha256: one.to_string(),
        subject: before.subject(one),
        servers: scoped_servers(report.left.as_ref().map(|row| &row.servers)),
        kind: scoped.or(listed).unwrap_or("pin").to_owned(),
        outcome: outcome.to_owned(),
        removed_from: report.removed.into_iter().map(|one| one.store).collect(),
    }
}
