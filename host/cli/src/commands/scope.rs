//! `scope`: which servers a certificate vouches for.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, IsTerminal, Write};

use anchorhold_api as api;
use anchorhold_kernel::import::{self, Proposal, ScopeChange, ScopeReport, ScopeRequest};
use anchorhold_kernel::{CertificateKind, Fingerprint, ServerName};

use super::effect;
use super::holding::{Holding, check_stores, kind_word, scoped_servers};
use super::import::from_import;
use super::outlook::warn_of_acceptance;
use crate::args::{Kind, Scope};
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
    let change = match (args.any_server, args.none) {
        (true, _) => ScopeChange::Any,
        (_, true) => ScopeChange::None,
        _ => ScopeChange::Only(names),
    };
    let request = ScopeRequest {
        kind: args.kind.map(Kind::of_certificate),
        ..request(fingerprints.into_iter().collect(), change, home)?
    };
    let report = rescope(&request, home)?;
    Ok(Reply::done(document(&report, &holding, home)?))
}

fn rescope(request: &ScopeRequest, home: &Home) -> Result<ScopeReport, Failure> {
    import::rescope(home.kernel()?, home.state()?, request).map_err(|error| from_import(&error))
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

fn document(report: &ScopeReport, holding: &Holding, home: &Home) -> Result<api::Change, Failure> {
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
    let lost: Vec<&ServerName> = lost.map(|change| &change.server).collect();
    let warnings = report.warnings.iter();
    let mut warnings: Vec<String> = warnings
        .map(|text| home.invocation.localize(text))
        .collect();
    warnings.extend(warn_of_acceptance(lost.iter().copied(), home)?);
    Ok(api::Change {
        certificates: certificates.collect(),
        lost: lost.iter().map(ToString::to_string).collect(),
        changes: effect::shown(&report.changes),
        warnings,
    })
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
    let mut proposals = import::propose(home.kernel()?, &stores, &scope);
    let mut document = api::Proposal {
        proposed: proposed(&proposals, home),
        applied: false,
    };
    proposals.retain(|one| odd(one, home).is_none());
    if proposals.is_empty() || !(args.yes || confirmed(&document, home)) {
        return Ok(Reply::done(document));
    }
    home.settle()?;
    apply(proposals, home)?;
    document.applied = true;
    Ok(Reply::done(document))
}

/// Proposals as they are shown.
pub(super) fn proposed(proposals: &[Proposal], home: &Home) -> Vec<api::Proposed> {
    let shown = proposals.iter().map(|one| api::Proposed {
        sha256: one.fingerprint.to_string(),
        subject: one.facts.subject.clone(),
        store: one.store.clone(),
        label: one.label.clone(),
        server: one.server.to_string(),
        kind: kind_word(one.kind).to_owned(),
        note: odd(one, home).map(ToOwned::to_owned),
    });
    shown.collect()
}

/// Why a proposal is not agreed to together with others.
fn odd(one: &Proposal, home: &Home) -> Option<&'static str> {
    match home.known_name(one.server.as_str()) {
        _ if one.trust_unknown => Some(MARKED),
        // Whoever can write a label can name a server that nobody has, `any` among them.
        Err(_) => Some(STRANGER),
        Ok(_) => None,
    }
}

/// Does what is proposed; what would be refused is, before anything is done.
fn apply(proposals: Vec<Proposal>, home: &Home) -> Result<(), Failure> {
    let mut meant: BTreeMap<Fingerprint, (CertificateKind, BTreeSet<ServerName>)> = BTreeMap::new();
    for one in proposals {
        let new = || (one.kind, BTreeSet::new());
        let (_, servers) = meant.entry(one.fingerprint).or_insert_with(new);
        servers.insert(one.server);
    }
    let requests = meant.into_iter().map(|(fingerprint, (kind, servers))| {
        Ok(ScopeRequest {
            kind: Some(kind),
            ..request(vec![fingerprint], ScopeChange::Only(servers), home)?
        })
    });
    let mut requests = requests.collect::<Result<Vec<_>, Failure>>()?;
    for dry_run in [true, false] {
        for request in &mut requests {
            request.dry_run = dry_run;
            rescope(request, home)?;
        }
    }
    Ok(())
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

/// Why a label that names a server is not enough where nobody has that server.
const STRANGER: &str = "no server of this name is known here: write its stanza first";

/// Why a label is too little for some certificates.
const MARKED: &str = "flags-unknown: name it yourself if you know what it is: scope FINGERPRINT \
                      --server NAME";
