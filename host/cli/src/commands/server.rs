//! `server`: the ledger.

use anchorhold_api as api;
use anchorhold_kernel::certificate::rfc3339;
use anchorhold_kernel::{Held, ServerName};
use anchorhold_state as state;
use anchorhold_state::{Security, Standing};

use crate::args::{Allow, Server, ServerLower};
use crate::exit::Failure;
use crate::home::Home;
use crate::output::Reply;

/// Shows or changes the ledger.
pub(super) fn run(args: &Server, home: &Home) -> Result<Reply, Failure> {
    match args {
        Server::List => list(home),
        Server::Show(args) => {
            let name = home.known_name(&args.name)?;
            Ok(Reply::done(record(home, &name)?))
        }
        Server::Raise(args) => raise(&args.name, home),
        Server::Lower(args) => lower(args, home),
    }
}

fn list(home: &Home) -> Result<Reply, Failure> {
    let servers = home.servers()?;
    let mut names: Vec<ServerName> = servers
        .all
        .iter()
        .map(|server| server.name.clone())
        .collect();
    for record in home.state()?.servers()? {
        if !names.contains(&record.server) {
            names.push(record.server);
        }
    }
    let records = names
        .iter()
        .map(|name| record(home, name))
        .collect::<Result<_, _>>()?;
    let files = servers
        .files
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    Ok(Reply::done(api::RecordList {
        servers: records,
        files,
    }))
}

fn raise(name: &str, home: &Home) -> Result<Reply, Failure> {
    let name = home.known_name(name)?;
    home.settle()?;
    let before = home.state()?.server(&name)?;
    let now = home.now();
    let lowered = before.lowered(now.unix_timestamp()).is_some();
    let changed = !before.is_strict() || lowered;
    if changed {
        let mut change = home.state()?.write(&home.actor(), now)?;
        change.raise(&name);
        if lowered {
            change.end_lowered(&name);
        }
        change.commit()?;
    }
    let message = if changed {
        format!("{name} is strict: never plain again, never acceptance again")
    } else {
        format!("{name} was strict already")
    };
    Ok(Reply::done(api::RecordChange {
        record: record(home, &name)?,
        changed,
        message,
    }))
}

fn lower(args: &ServerLower, home: &Home) -> Result<Reply, Failure> {
    let name = home.known_name(&args.name)?;
    home.settle()?;
    let now = home.now();
    let until = args
        .lifetime
        .and_then(|lifetime| i64::try_from(lifetime.as_secs()).ok());
    let lowered = state::Lowered {
        allow: match args.allow {
            Allow::Accept => state::Allow::Accept,
            Allow::Plain => state::Allow::Plain,
        },
        until: until.map(|seconds| now.unix_timestamp().saturating_add(seconds)),
        reason: args.reason.clone(),
    };
    let mut change = home.state()?.write(&home.actor(), now)?;
    change.lower(&name, lowered);
    change.commit()?;
    let what = match args.allow {
        Allow::Accept => "one acceptance of its certificate is allowed",
        Allow::Plain => "plain sessions are allowed",
    };
    let raise = home.invocation.command(&["server", "raise", name.as_str()]);
    let end = match args.lifetime {
        Some(_) => "its next TLS session, or the time given, whichever is first",
        None => "its next TLS session",
    };
    let mut message = format!("{name}: {what} until {end}; this ends it at once: {raise}");
    if args.allow == Allow::Accept && holds_something(home, &name)? {
        message
            .push_str("; while a certificate is held for it, none is accepted: `remove` it first");
    }
    Ok(Reply::done(api::RecordChange {
        record: record(home, &name)?,
        changed: true,
        message,
    }))
}

/// Whether a certificate is held for the server, so far as its stores answer.
fn holds_something(home: &Home, name: &ServerName) -> Result<bool, Failure> {
    let server = home
        .servers()?
        .all
        .iter()
        .find(|server| server.name == *name);
    let stores = server.map_or_else(|| home.default_stores(), |server| home.stores_of(server))?;
    let scope = home.state()?.scope_for(name)?;
    Ok(matches!(
        home.kernel()?.view(name, &stores, scope).held(),
        Held::Yes(_)
    ))
}

fn record(home: &Home, name: &ServerName) -> Result<api::Record, Failure> {
    let standing = home.state()?.server(name)?;
    let configured = home.servers()?.knows(name);
    Ok(shown(
        name,
        &standing,
        configured,
        home.now().unix_timestamp(),
    ))
}

/// What the ledger says of a server.
pub(super) fn shown(
    name: &ServerName,
    standing: &Standing,
    configured: bool,
    now: i64,
) -> api::Record {
    let record = standing.record.as_ref();
    let security = if standing.is_strict() {
        Security::Strict
    } else {
        Security::Transitional
    };
    api::Record {
        server: record.map_or(name, |record| &record.server).to_string(),
        session_security: security.as_str().to_owned(),
        recorded: record.is_some(),
        lost: standing.lost,
        configured,
        level: record
            .and_then(|record| record.level.as_ref())
            .map(|level| api::RecordedLevel {
                value: level.value.clone(),
                evidence: level.evidence.clone(),
            }),
        announced: record.and_then(|record| record.announced.clone()),
        tls_version: record.and_then(|record| record.tls_version.clone()),
        certificate: record
            .and_then(|record| record.certificate)
            .map(|one| one.to_string()),
        endpoint: record
            .and_then(|record| record.endpoint.as_ref())
            .map(|endpoint| api::Endpoint {
                host: endpoint.host.clone(),
                port: endpoint.port,
            }),
        created: record.map(|record| rfc3339(record.created)),
        last_session: record.and_then(|record| record.last_session).map(rfc3339),
        lowered: standing.lowered(now).map(lowered),
    }
}

/// A lowering that still holds.
pub(super) fn lowered(lowered: &state::Lowered) -> api::Lowered {
    api::Lowered {
        allow: lowered.allow.as_str().to_owned(),
        until: lowered.until.map(rfc3339),
        reason: lowered.reason.clone(),
    }
}
