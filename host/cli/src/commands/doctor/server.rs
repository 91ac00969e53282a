//! The option files, and what anchorhold.toml says of servers.

use anchorhold_session::server::Server;

use super::case::Case;
use super::finding::{Findings, of_server};
use crate::exit::Failure;

/// Looks at every server.
pub(super) fn look(case: &Case<'_>, findings: &mut Findings<'_>) -> Result<(), Failure> {
    for note in case.options.iter().flat_map(|options| &options.notes) {
        let place = note.place.to_string();
        let remedy = format!("correct {place}, unless it is meant so");
        findings.note("option-odd", place, &*note.text, remedy);
    }
    let Some(servers) = &case.servers else {
        return Ok(());
    };
    for warning in &servers.warnings {
        let (place, what) = warning
            .split_once(": ")
            .unwrap_or(("anchorhold.toml", warning));
        let remedy = format!("give it an `address` at {place}, or the name of a stanza");
        findings.warning("policy-unused", place, what, remedy);
    }
    if servers.all.is_empty() && case.whole {
        findings.note(
            "options-missing",
            "the option files",
            "no option file is there and anchorhold.toml names no server, so that no server is \
             known",
            format!(
                "put dsm.sys into {}, or name the file that has the servers with --options FILE",
                case.home.paths.config.display()
            ),
        );
    }
    for server in &servers.all {
        accept_into(server, case, findings);
        authentication(server, case, findings)?;
    }
    Ok(())
}

/// The store that accepted certificates go to has to take them.
fn accept_into(server: &Server, case: &Case<'_>, findings: &mut Findings<'_>) {
    let Some(name) = &server.policy.accept_into else {
        return;
    };
    let Some(kernel) = case.kernel else {
        return;
    };
    // One that is not configured is a mistake of anchorhold.toml, and one that does not answer is
    // told of as such.
    let Some(store) = kernel.store(name).filter(|_| case.answers(name)) else {
        return;
    };
    let file = case.home.paths.file();
    let asked = case.home.stores_of(server).unwrap_or_default();
    let why = if !store.writable() {
        "cannot be written to"
    } else if !asked.contains(name) {
        "is none of the stores that are asked for it"
    } else {
        return;
    };
    findings.warning(
        "accept-into-unusable",
        of_server(&server.name),
        format!("certificates are to be accepted into store \"{name}\", which {why}"),
        format!(
            "set `accept_into` of [server.{}] in {} to a store that is asked for it and can be \
             written to",
            server.name,
            file.display()
        ),
    );
}

/// Where it makes a difference how a server authenticates, and nobody has said.
fn authentication(
    server: &Server,
    case: &Case<'_>,
    findings: &mut Findings<'_>,
) -> Result<(), Failure> {
    let Some(state) = case.state else {
        return Ok(());
    };
    if server.policy.ldap.is_none() && !state.server(&server.name)?.is_strict() {
        findings.note(
            "authentication-assumed",
            of_server(&server.name),
            "whether it authenticates with LDAP is not declared, and local authentication is \
             assumed",
            format!(
                "write `authentication = \"local\"` or \"ldap\" below [server.{}] in {}",
                server.name,
                case.home.paths.file().display()
            ),
        );
    }
    Ok(())
}
