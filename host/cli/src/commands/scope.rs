//! `scope`: which servers a certificate vouches for.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, IsTerminal, Write};

use anchorhold_api as api;
use anchorhold_kernel::import::{self, ScopeChange, ScopeReport, ScopeRequest, ServerChange};
use anchorhold_kernel::{CertificateKind, Fingerprint, Held, ScopeRow, ServerName, Servers};

use super::holding::{Holding, check_stores, kind_word, scoped_servers};
use super::import::from_import;
use crate::args::Scope;
use crate::exit::Failure;
use crate::home::Home;
use crate::output::{Answer, Page, Reply};

/// Changes which servers certificates vouch for.
pub(super) fn run(args: &Scope, home: &Home) -> Result<Reply, Failure> {
    if args.propose {
        return propose(args, home);
    }
    let names = args.servers.iter().map(|name| home.known_name(name));
    let names = names.collect::<Result<BTreeSet<_>, _>>()?;
    let holding = Holding::look(home, &[])?;
    let fingerprints = args.fingerprints.iter().map(|prefix| holding.find(prefix));
    let fingerprints = fingerprints.collect::<Result<BTreeSet<_>, _>>()?;
    home.settle()?;
    let report = match (args.any_server, args.none) {
        (true, _) => rescope(fingerprints, ScopeChange::Any, home)?,
        (_, true) => rescope(fingerprints, ScopeChange::None, home)?,
        _ => {
            let meant = |one| {
                (
                    one,
                    Meant {
                        servers: names.clone(),
                        kind: None,
                    },
                )
            };
            only(&fingerprints.into_iter().map(meant).collect(), home)?
        }
    };
    Ok(Reply::done(document(&report, &holding, home)))
}

/// For whom a certificate is to vouch, and as what where it has no scope yet.
#[derive(Clone, Debug)]
struct Meant {
    servers: BTreeSet<ServerName>,
    kind: Option<CertificateKind>,
}

/// These servers and no others: what adding them would refuse is refused, and in one change the
/// others are taken away.
fn only(meant: &BTreeMap<Fingerprint, Meant>, home: &Home) -> Result<ScopeReport, Failure> {
    let state = home.state()?;
    // From here on nobody else changes the scope table.
    let mut change = state.write(&home.actor(), home.now())?;
    let mut report = ScopeReport {
        rows: Vec::new(),
        changes: Vec::new(),
        dry_run: false,
        warnings: Vec::new(),
    };
    for (fingerprint, meant) in meant {
        let add = ScopeRequest {
            kind: meant.kind,
            dry_run: true,
            ..request(
                vec![*fingerprint],
                ScopeChange::Add(meant.servers.clone()),
                home,
            )?
        };
        let mut one =
            import::rescope(home.kernel()?, state, &add).map_err(|error| from_import(&error))?;
        for (_, before, after) in &mut one.rows {
            let Some(row) = after else { continue };
            row.servers = Servers::Named(meant.servers.clone());
            if before.as_ref() != Some(row) {
                change.put_scope(*fingerprint, row);
            }
        }
        report.rows.extend(one.rows);
        report.warnings.extend(one.warnings);
    }
    change.commit()?;
    report.changes = losses(&report, home)?;
    Ok(report)
}

/// The servers that certificates were taken away from.
fn losses(report: &ScopeReport, home: &Home) -> Result<Vec<ServerChange>, Failure> {
    let mut changes = Vec::new();
    for known in home.known_servers()? {
        let named = |row: &Option<ScopeRow>| {
            row.as_ref()
                .is_some_and(|row| row.servers.contains(&known.name))
        };
        let loses = report
            .rows
            .iter()
            .filter(|(_, before, after)| named(before) && !named(after));
        let loses: Vec<Fingerprint> = loses.map(|(fingerprint, ..)| *fingerprint).collect();
        if loses.is_empty() {
            continue;
        }
        let scope = home.state()?.scope_for(&known.name)?;
        let held = home
            .kernel()?
            .view(&known.name, &known.stores, scope)
            .held();
        changes.push(ServerChange {
            server: known.name,
            gains: Vec::new(),
            loses,
            acceptance_stops: false,
            nothing_left: held == Held::No,
        });
    }
    Ok(changes)
}

fn rescope(
    fingerprints: BTreeSet<Fingerprint>,
    change: ScopeChange,
    home: &Home,
) -> Result<ScopeReport, Failure> {
    let request = request(fingerprints.into_iter().collect(), change, home)?;
    import::rescope(home.kernel()?, home.state()?, &request).map_err(|error| from_import(&error))
}

fn request(
    fingerprints: Vec<Fingerprint>,
    change: ScopeChange,
    home: &Home,
) -> Result<ScopeRequest, Failure> {
    Ok(ScopeRequest {
        fingerprints,
        change,
        kind: None,
        dry_run: false,
        actor: home.actor(),
        now: home.now(),
        known: home.known_servers()?,
    })
}

fn document(report: &ScopeReport, holding: &Holding, home: &Home) -> api::Change {
    let certificates = report.rows.iter().map(|(fingerprint, before, after)| {
        let row = after.as_ref().or(before.as_ref());
        let shown = holding
            .of(fingerprint)
            .next()
            .map(|entry| entry.kind.as_str());
        api::Changed {
            sha256: fingerprint.to_string(),
            subject: holding.subject(fingerprint),
            servers: scoped_servers(after.as_ref().map(|row| &row.servers)),
            kind: row
                .map(|row| kind_word(row.kind))
                .or(shown)
                .unwrap_or("pin")
                .to_owned(),
            outcome: if before == after {
                "unchanged"
            } else {
                "updated"
            }
            .to_owned(),
            removed_from: Vec::new(),
        }
    });
    let lost = report.changes.iter().filter(|change| change.nothing_left);
    api::Change {
        certificates: certificates.collect(),
        lost: lost.map(|change| change.server.to_string()).collect(),
        warnings: report
            .warnings
            .iter()
            .map(|text| home.invocation.localize(text))
            .collect(),
    }
}

/// Shows what the labels suggest, asks, and does it.
fn propose(args: &Scope, home: &Home) -> Result<Reply, Failure> {
    let stores: Vec<String> = match &args.store {
        Some(store) => vec![store.clone()],
        None => home
            .kernel()?
            .stores()
            .iter()
            .map(|store| store.name().to_owned())
            .collect(),
    };
    check_stores(home, &stores)?;
    let scope = home.state()?.scope()?;
    let proposals = import::propose(home.kernel()?, &stores, &scope);
    let proposed = proposals.iter().map(|one| api::Proposed {
        sha256: one.fingerprint.to_string(),
        subject: one.facts.subject.clone(),
        store: one.store.clone(),
        label: one.label.clone(),
        server: one.server.to_string(),
        kind: kind_word(one.kind).to_owned(),
    });
    let mut document = api::Proposal {
        proposed: proposed.collect(),
        applied: false,
    };
    if proposals.is_empty() || !(args.yes || confirmed(&document, home)) {
        return Ok(Reply::done(document));
    }
    home.settle()?;
    let mut meant: BTreeMap<Fingerprint, Meant> = BTreeMap::new();
    for one in proposals {
        let new = || Meant {
            servers: BTreeSet::new(),
            kind: Some(one.kind),
        };
        meant
            .entry(one.fingerprint)
            .or_insert_with(new)
            .servers
            .insert(one.server);
    }
    only(&meant, home)?;
    document.applied = true;
    Ok(Reply::done(document))
}

/// Asks on the terminal; nobody there is a no.
fn confirmed(document: &api::Proposal, home: &Home) -> bool {
    if home.globals().json || !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return false;
    }
    let mut stderr = io::stderr().lock();
    let shown = document.people(&mut Page::plain(&mut stderr, home.globals().verbose));
    let question = "Let them vouch for these servers? [y/N] ";
    if shown
        .and_then(|()| write!(stderr, "{question}"))
        .and_then(|()| stderr.flush())
        .is_err()
    {
        return false;
    }
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer);
    read.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes")
}
