//! What the vendor's import utility does, under its name.

use std::collections::BTreeSet;
use std::path::Path;

use anchorhold_kernel::{CertificateKind, Fingerprint, ServerName, Servers};

use super::holding::Holding;
use super::import::{self, Wanted};
use super::{list, remove, source};
use crate::args::dsmcert::Action;
use crate::args::{List, value};
use crate::exit::Failure;
use crate::home::Home;
use crate::output::{Reply, say};
use crate::report::{Added, Deleted};

/// Does what the vendor's utility would.
pub(super) fn run(action: &Action, home: &Home) -> Result<Reply, Failure> {
    match action {
        Action::Add { server, file } => add(server, file, home),
        Action::Delete { server } => delete(server, home),
        Action::List => list::run(
            &List {
                server: None,
                store: None,
                expiring: None,
            },
            home,
        ),
    }
}

/// Administrators import before they write the stanza, so that any name will do.
fn add(server: &str, file: &Path, home: &Home) -> Result<Reply, Failure> {
    let servers = home.servers()?;
    let unknown = match servers.find(server) {
        Ok(_) => None,
        Err(unknown) => Some(possible(server, unknown.message)?),
    };
    let found = source::read(&[file.to_owned()], None)?;
    let name = servers
        .find(server)
        .map_or_else(|_| ServerName::new(server), |one| one.name.clone());
    let wanted = Wanted {
        files: vec![file.to_owned()],
        found,
        servers: Servers::Named(BTreeSet::from([name])),
        stores: Vec::new(),
        kind: None,
        label: None,
        replace: None,
        strict: false,
        dry_run: false,
    };
    let mut done = import::put(wanted, home)?;
    if let Some(unknown) = unknown {
        let warning =
            format!("{unknown}; what was added counts when a stanza of that name is written");
        say("warning", &warning);
        if home.globals().json {
            done.warnings.push(warning);
        }
    }
    Ok(Reply::done(Added(done)))
}

/// Why no file names the server yet; a name that none ever will is refused.
fn possible(server: &str, unknown: String) -> Result<String, Failure> {
    match value::no_stanza_name(server) {
        None => Ok(unknown),
        Some(why) => Err(Failure::usage("server-name-invalid", why)
            .remedy("name the server as its stanza does, after SErvername")),
    }
}

/// Takes away from the server all that was imported for it alone or among others.
fn delete(server: &str, home: &Home) -> Result<Reply, Failure> {
    let name = home.known_name(server)?;
    let holding = Holding::look(home, &[])?;
    let named = |servers: &Servers| match servers {
        Servers::Named(names) => names.contains(&name),
        Servers::Any => false,
    };
    let rows = holding
        .scope
        .rows
        .iter()
        .filter(|(_, row)| named(&row.servers));
    let mut its: Vec<(CertificateKind, Fingerprint)> = rows
        .map(|(fingerprint, row)| (row.kind, *fingerprint))
        .collect();
    if its.is_empty() {
        let message = format!("nothing was imported for server \"{name}\"");
        let list = home.invocation.again(&["-list"]);
        return Err(Failure::usage("certificate-unknown", message)
            .remedy(format!("see what is held: {list}")));
    }
    its.sort();
    home.settle()?;
    let mut reports = Vec::new();
    for (_, fingerprint) in its {
        reports.push((
            fingerprint,
            remove::take(fingerprint, Some(name.clone()), None, home)?,
        ));
    }
    let change = remove::document(reports, &holding, home)?;
    Ok(Reply::done(Deleted(change)))
}
