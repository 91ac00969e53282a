//! `list`: what is held, where, for which servers and until when.

use anchorhold_api as api;
use anchorhold_kernel::{Entry, ServerName};

use super::holding::{Holding, certificate, check_stores, exit_of};
use super::missing;
use crate::args::List;
use crate::exit::Failure;
use crate::home::Home;
use crate::output::Reply;

/// Lists what is held.
pub(super) fn run(args: &List, home: &Home) -> Result<Reply, Failure> {
    let named: Vec<String> = args.store.iter().cloned().collect();
    check_stores(home, &named)?;
    let server = args
        .server
        .as_deref()
        .map(|name| home.known_name(name))
        .transpose()?;
    let stores = match &server {
        Some(server) => stores_of(home, server, &named)?,
        None => named,
    };
    let holding = Holding::look(home, &stores)?;
    let now = home.now();
    let soon = args.expiring.map(|days| now.unix_timestamp() + days * DAY);
    let shown = holding.entries.iter().filter(|entry| {
        server
            .as_ref()
            .is_none_or(|server| entry.servers.contains(server))
            && soon.is_none_or(|soon| ends_before(entry, soon))
    });
    // One store, or what expires, is a question about what is there.
    let missing = match args.store.is_none() && soon.is_none() {
        true => missing::look(home, server.as_ref(), &holding)?,
        false => Vec::new(),
    };
    let list = api::List {
        certificates: shown.map(|entry| certificate(entry, now)).collect(),
        failed_stores: holding.failed.clone(),
        missing,
    };
    Ok(Reply::new(exit_of(&list.failed_stores), list))
}

/// The stores of a server among those that are named.
fn stores_of(home: &Home, server: &ServerName, named: &[String]) -> Result<Vec<String>, Failure> {
    let configured = home.servers()?.all.iter().find(|one| one.name == *server);
    let its = configured.map(|server| home.stores_of(server));
    let mut stores = its.unwrap_or_else(|| home.default_stores())?;
    let its_names = stores.join(", ");
    stores.retain(|store| named.is_empty() || named.contains(store));
    if stores.is_empty() {
        let message = format!("store \"{}\" is none of {server}'s", named.join(", "));
        let its = format!("the stores of {server} are: {its_names}");
        return Err(Failure::usage("unknown-store", message).remedy(its));
    }
    Ok(stores)
}

fn ends_before(entry: &Entry, moment: i64) -> bool {
    entry.is_certificate() && entry.facts().is_ok_and(|facts| facts.not_after < moment)
}

const DAY: i64 = 24 * 60 * 60;
