//! `explain`: what would be decided and why.

use std::collections::BTreeSet;

use anchorhold_api as api;
use anchorhold_session::explain::{Explanation, explain};
use anchorhold_session::options::OtherOption;
use anchorhold_session::server::Server;

use super::{server, session, validity};
use crate::args::Explain;
use crate::exit::Failure;
use crate::home::{Home, from_connect};
use crate::output::Reply;
use crate::report;

/// Explains the decision for a server.
pub(super) fn run(args: &Explain, home: &Home) -> Result<Reply, Failure> {
    if args.receipt.is_some() {
        return Err(Failure::not_yet("--receipt"));
    }
    let server = home.servers()?.find(&args.name)?;
    let context = home.context()?;
    let explained = explain(&context, server, args.level).map_err(|error| from_connect(&error))?;
    let now = home.now().unix_timestamp();
    let standing = &explained.standing;
    let mut session = session::document(&explained.report, home)?;
    session
        .warnings
        .extend(unfit(&explained, home, &server.name)?);
    let unused_options = set_apart(&mut session.options, home.servers()?.others(server));
    let document = api::Explanation {
        session,
        rule: api::Row {
            number: explained.report.row,
            text: explained.row_text.to_owned(),
        },
        record: standing
            .record
            .as_ref()
            .map(|_| server::shown(&server.name, standing, true, now)),
        lost: standing.lost,
        lowered: standing.lowered(now).map(server::lowered),
        stores: stores(&explained, home, &server.name)?,
        policy: policy(server, home)?,
        unused_options,
        notes: home.servers()?.notes.clone(),
        would_change: explained.would_change.iter().map(difference).collect(),
    };
    Ok(Reply::done(document))
}

fn stores(
    explained: &Explanation,
    home: &Home,
    server: &anchorhold_kernel::ServerName,
) -> Result<Vec<api::StoreState>, Failure> {
    let scope = home.scope_of(server, &explained.stores)?;
    let kernel = home.kernel()?;
    let states = explained.stores.iter().map(|name| {
        let view = kernel.view(server, std::slice::from_ref(name), scope.clone());
        let held = view
            .entries()
            .into_iter()
            .filter(|entry| entry.servers.contains(server));
        let silent = view.silent().into_iter().next().map(|(_, why)| why);
        let (health, detail) = match kernel.store(name).map(|store| store.health()) {
            Some(health) => (health.word().to_owned(), health.detail),
            None => ("failed".to_owned(), "it is not configured".to_owned()),
        };
        api::StoreState {
            store: name.clone(),
            health,
            detail: silent.unwrap_or(detail),
            held: held.map(|entry| entry.fingerprint.to_string()).collect(),
        }
    });
    Ok(states.collect())
}

/// What of the held certificates cannot vouch now, each once.
fn unfit(
    explained: &Explanation,
    home: &Home,
    server: &anchorhold_kernel::ServerName,
) -> Result<Vec<api::Warning>, Failure> {
    let scope = home.scope_of(server, &explained.stores)?;
    let view = home.kernel()?.view(server, &explained.stores, scope);
    let mut seen = BTreeSet::new();
    let mut warnings = Vec::new();
    for entry in view.entries() {
        let new = entry.servers.contains(server) && seen.insert(entry.fingerprint);
        let fault = validity::fault(&entry, home.now());
        if let Some((code, why)) = fault.filter(|_| new) {
            let sha256 = entry.fingerprint.to_string();
            let message = format!(
                "{} {}, which is held, cannot vouch now: {why}",
                entry.kind.as_str(),
                report::short(&sha256)
            );
            warnings.push(api::Warning {
                code: code.to_owned(),
                message,
            });
        }
    }
    Ok(warnings)
}

/// What anchorhold.toml says of the server, with its place.
fn policy(server: &Server, home: &Home) -> Result<Vec<api::SetOption>, Failure> {
    let config = home.config()?;
    let Some(said) = config.policies.get(&server.name) else {
        return Ok(Vec::new());
    };
    let file = home.paths.file();
    let from = format!("{}:{}", file.display(), said.line);
    let keys = said.keys.iter().map(|(name, value)| api::SetOption {
        name: (*name).to_owned(),
        value: value.clone(),
        from: from.clone(),
    });
    Ok(keys.collect())
}

/// Takes what this host does not act on out of the options in force, to the others.
fn set_apart(options: &mut Vec<api::SetOption>, others: Vec<OtherOption>) -> Vec<api::SetOption> {
    let (unused, used) = std::mem::take(options)
        .into_iter()
        .partition::<Vec<_>, _>(|option| KEPT_ONLY.contains(&option.name.as_str()));
    *options = used;
    let set = unused.into_iter().filter(|option| option.from != "default");
    set.chain(others.into_iter().map(kept)).collect()
}

fn kept(option: OtherOption) -> api::SetOption {
    api::SetOption {
        name: option.name.to_owned(),
        value: option.value.unwrap_or_else(|| "(not shown)".to_owned()),
        from: option.place.to_string(),
    }
}

fn difference(other: &anchorhold_session::explain::Alternative) -> api::Difference {
    api::Difference {
        what: other.what.to_owned(),
        decision: other.decision.as_str().to_owned(),
        code: other.code.as_str().to_owned(),
        row: other.row,
    }
}

/// Options that are read with the others and that no session hangs on.
const KEPT_ONLY: &[&str] = &["NODename", "PASSWORDDIR", "TCPADMINPort"];

#[cfg(test)]
mod tests {
    use super::*;

    fn option(name: &str, from: &str) -> api::SetOption {
        api::SetOption {
            name: name.to_owned(),
            value: "v".to_owned(),
            from: from.to_owned(),
        }
    }

    #[test]
    fn what_no_session_hangs_on_stands_apart() {
        let mut options = vec![
            option("TCPPort", "dsm.sys:3"),
            option("NODename", "dsm.sys:4"),
            option("TCPADMINPort", "default"),
            option("SSL", "default"),
        ];
        let unused = set_apart(&mut options, Vec::new());
        let names = |all: &[api::SetOption]| -> Vec<String> {
            all.iter().map(|option| option.name.clone()).collect()
        };
        assert_eq!(names(&options), ["TCPPort", "SSL"]);
        assert_eq!(names(&unused), ["NODename"]);
    }
}
