//! `import`: certificates into stores, for servers.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;

use anchorhold_api as api;
use anchorhold_kernel::certificate::Facts;
use anchorhold_kernel::import::{self, Found, ImportError, ImportReport, Request, Whose};
use anchorhold_kernel::{CertificateKind, Fingerprint, ServerName, Servers, Store};

use super::damage;
use super::effect;
use super::holding::{Holding, check_stores, kind_word, scoped_servers};
use super::outlook::could_be_plain;
use super::source;
use crate::args::{Import, Kind};
use crate::exit::{Exit, Failure};
use crate::home::Home;
use crate::input;
use crate::output::Reply;
use crate::ownership::STATE_UNAVAILABLE;

/// Imports certificates.
pub(super) fn run(args: &Import, home: &Home) -> Result<Reply, Failure> {
    let named = args
        .servers
        .iter()
        .map(|name| Ok(home.servers()?.find(name)?.name.clone()));
    let named = named.collect::<Result<BTreeSet<_>, Failure>>()?;
    let wanted = Wanted {
        files: args.files.clone(),
        found: source::read(&args.files, args.password_file.as_deref())?,
        servers: if args.any_server {
            Servers::Any
        } else {
            Servers::Named(named)
        },
        stores: args.stores.clone(),
        kind: args.kind.map(Kind::of_certificate),
        label: args.label.clone(),
        replace: match &args.replace {
            Some(prefix) => Some(Holding::look(home, &[])?.find(prefix)?),
            None => None,
        },
        strict: args.strict,
        dry_run: args.dry_run,
    };
    Ok(Reply::done(put(wanted, home)?))
}

/// What is to be imported.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) files: Vec<PathBuf>,
    pub(super) found: Found,
    pub(super) servers: Servers,
    pub(super) stores: Vec<String>,
    pub(super) kind: Option<CertificateKind>,
    pub(super) label: Option<String>,
    pub(super) replace: Option<Fingerprint>,
    pub(super) strict: bool,
    pub(super) dry_run: bool,
}

/// Imports what is wanted, and says what that means for the servers.
pub(super) fn put(wanted: Wanted, home: &Home) -> Result<api::Import, Failure> {
    let mut stores = wanted.stores;
    if stores.is_empty() {
        stores.push(destination(&wanted.servers, home)?);
    }
    // A store that is named twice is written to once.
    let mut named = BTreeSet::new();
    stores.retain(|store| named.insert(store.clone()));
    check_stores(home, &stores)?;
    if !wanted.dry_run {
        home.settle()?;
    }
    let request = Request {
        certificates: wanted.found.certificates,
        servers: wanted.servers,
        stores,
        kind: wanted.kind,
        label: wanted.label,
        replace: wanted.replace,
        strict: wanted.strict,
        dry_run: wanted.dry_run,
        actor: home.actor(),
        now: home.now(),
        known: home.known_servers()?,
    };
    let strict_before = strict(&request.servers, home)?;
    let report =
        import::import(home.kernel()?, home.state()?, &request).map_err(|error| match error {
            ImportError::Store(_) => damage::of_change(&error, home),
            _ => of_files(from_import(&error), &wanted.files),
        })?;
    let mut done = document(&request, report, &strict_before, home)?;
    done.notes = wanted.found.notes;
    done.warnings.splice(0..0, wanted.found.warnings);
    Ok(done)
}

/// Why nothing was imported, removed or scoped.
pub(crate) fn from_import(error: &ImportError) -> Failure {
    let (exit, code) = match (error.whose(), error) {
        (_, ImportError::NotHeld { .. }) => (Exit::Usage, "certificate-unknown"),
        (Whose::Caller, _) => (Exit::Usage, "input-invalid"),
        (Whose::Store, ImportError::State(_)) => (Exit::Failed, STATE_UNAVAILABLE),
        (Whose::Store, ImportError::NotTakenBack { .. }) => (Exit::Failed, "stores-differ"),
        (Whose::Store, ImportError::StillOpen { .. }) => (Exit::Failed, "change-open"),
        (Whose::Store, _) => (Exit::Failed, "store-unavailable"),
    };
    Failure::from_error(exit, code, error).remedy(error.remedy())
}

/// Says which files it is about, where their content is what is wrong.
fn of_files(failure: Failure, files: &[PathBuf]) -> Failure {
    if failure.exit != Exit::Usage {
        return failure;
    }
    let files: Vec<String> = files.iter().map(|file| input::shown(file)).collect();
    let message = format!("{}: {}", files.join(", "), failure.message);
    Failure { message, ..failure }
}

/// The store of an import that names none: where an acceptance of the same servers would go.
fn destination(servers: &Servers, home: &Home) -> Result<String, Failure> {
    let mut all = home.servers()?.all.iter();
    let first = match servers {
        Servers::Named(names) => all.find(|server| names.contains(&server.name)),
        Servers::Any => None,
    };
    if let Some(store) = first.and_then(|server| server.policy.accept_into.clone()) {
        return Ok(store);
    }
    let stores = first.map_or_else(|| home.default_stores(), |server| home.stores_of(server))?;
    let kernel = home.kernel()?;
    let mut candidates = stores.iter().filter_map(|name| kernel.store(name));
    let meant = |store: &&Store| store.is_file_store() && !damage::is_only_read(store.plan());
    let store = candidates.find(meant).or_else(|| {
        stores
            .iter()
            .filter_map(|name| kernel.store(name))
            .find(|store| store.writable())
    });
    store.map(|store| store.name().to_owned()).ok_or_else(|| {
        let message = format!("none of the stores {} can be written to", stores.join(", "));
        Failure::usage("no-writable-store", message).remedy("name one with --store")
    })
}

fn document(
    request: &Request,
    report: ImportReport,
    strict_before: &BTreeSet<ServerName>,
    home: &Home,
) -> Result<api::Import, Failure> {
    let mut warnings = report
        .warnings
        .iter()
        .map(|text| home.invocation.localize(text))
        .collect();
    consequences(request, &report, home, &mut warnings)?;
    let raised = match (&request.servers, request.strict) {
        (Servers::Named(names), true) => names.difference(strict_before).collect(),
        _ => Vec::new(),
    };
    let facts = request.certificates.iter().map(|one| &one.facts);
    let facts = facts.map(|facts| (facts.fingerprint, facts)).collect();
    Ok(api::Import {
        imported: report
            .imported
            .iter()
            .map(|one| imported(one, &facts))
            .collect(),
        dry_run: report.dry_run,
        servers: all_servers(&report),
        replaced: report
            .replaced
            .into_iter()
            .map(|one| api::Replaced {
                sha256: one.fingerprint.to_string(),
                store: one.store,
                label: one.label,
            })
            .collect(),
        changes: effect::shown(&report.changes),
        raised: raised.into_iter().map(ToString::to_string).collect(),
        warnings,
        notes: Vec::new(),
    })
}

/// The servers that any of the certificates vouches for now, earlier imports included.
fn all_servers(report: &ImportReport) -> api::Servers {
    let mut all = BTreeSet::new();
    for one in &report.imported {
        match &one.servers {
            Servers::Any => return api::Servers::Any,
            Servers::Named(names) => all.extend(names.iter().cloned()),
        }
    }
    scoped_servers(Some(&Servers::Named(all)))
}

fn imported(one: &import::Imported, all: &HashMap<Fingerprint, &Facts>) -> api::Imported {
    let facts = all.get(&one.fingerprint);
    api::Imported {
        sha256: one.fingerprint.to_string(),
        label: one.label.clone(),
        store: one.store.clone(),
        kind: kind_word(one.kind).to_owned(),
        outcome: one.outcome.as_str().to_owned(),
        subject: facts.map(|facts| facts.subject.clone()).unwrap_or_default(),
        not_after: facts
            .map(|facts| facts.not_after_text())
            .unwrap_or_default(),
        servers: scoped_servers(Some(&one.servers)),
    }
}

/// What the import means for the servers, besides that the certificates vouch for them.
fn consequences(
    request: &Request,
    report: &ImportReport,
    home: &Home,
    warnings: &mut Vec<String>,
) -> Result<(), Failure> {
    if report
        .imported
        .iter()
        .all(|one| one.kind == CertificateKind::Intermediate)
    {
        let text = "an intermediate helps to build paths and vouches for nothing by itself";
        warnings.push(text.to_owned());
    }
    let names = match &request.servers {
        Servers::Named(names) => names,
        Servers::Any => {
            warnings.extend(stopped_acceptance(report));
            return Ok(());
        }
    };
    let servers = home.servers()?.all.iter();
    for server in servers.filter(|server| names.contains(&server.name)) {
        let (name, used) = (&server.name, home.stores_of(server)?);
        for store in request.stores.iter().filter(|store| !used.contains(store)) {
            let text =
                format!("{name} does not use store \"{store}\": nothing there counts for it");
            warnings.push(text);
        }
        if !request.strict && could_be_plain(server, home)? {
            let raise = home.invocation.command(&["server", "raise", name.as_str()]);
            warnings.push(format!(
                "{name} could still be talked to in plain, while it announces a level before \
                 8.1.2; this forbids it: {raise}"
            ));
        }
    }
    Ok(())
}

/// The servers that a CA for all of them ends acceptance on first use for.
fn stopped_acceptance(report: &ImportReport) -> Option<String> {
    let stops = report
        .changes
        .iter()
        .filter(|change| change.acceptance_stops);
    let stops: Vec<&str> = stops.map(|change| change.server.as_str()).collect();
    (!stops.is_empty()).then(|| {
        format!(
            "acceptance on first use stops applying to {}: something is held for them now",
            stops.join(", ")
        )
    })
}

fn strict(servers: &Servers, home: &Home) -> Result<BTreeSet<ServerName>, Failure> {
    let Servers::Named(names) = servers else {
        return Ok(BTreeSet::new());
    };
    let mut strict = BTreeSet::new();
    for name in names {
        if home.state()?.server(name)?.is_strict() {
            strict.insert(name.clone());
        }
    }
    Ok(strict)
}
