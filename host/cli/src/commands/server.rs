//! `server`: the ledger.

use anchorhold_api as api;
use anchorhold_kernel::certificate::rfc3339;
use anchorhold_kernel::{Held, ServerName};
use anchorhold_session::server::Server;
use anchorhold_state as state;
use anchorhold_state::{Security, Standing};

use super::outlook;
use crate::args::{self, Allow, ServerLower};
use crate::exit::Failure;
use crate::home::Home;
use crate::output::Reply;

/// Shows or changes the ledger.
pub(super) fn run(args: &args::Server, home: &Home) -> Result<Reply, Failure> {
    match args {
        args::Server::List => list(home),
        args::Server::Show(args) => {
            let name = home.known_name(&args.name)?;
            Ok(Reply::done(record(home, &name)?))
        }
        args::Server::Raise(args) => raise(&args.name, home),
        args::Server::Lower(args) => lower(args, home),
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
    let changed = !before.is_strict() || lowered || before.lost;
    if changed {
        let mut change = home.state()?.write(&home.actor(), now)?;
        change.raise(&name);
        change.acknowledge(&name);
        if lowered {
            change.end_lowered(&name);
        }
        change.commit()?;
    }
    let message = match (changed, before.lost) {
        (true, true) => format!(
            "the loss of what was known of {name} is noted, and ledger-lost ends; it stays \
             strict: never plain again, never acceptance again"
        ),
        (true, false) => format!("{name} is strict: never plain again, never acceptance again"),
        (false, _) => format!("{name} was strict already"),
    };
    Ok(Reply::done(api::RecordChange {
        record: record(home, &name)?,
        changed,
        message,
    }))
}

fn lower(args: &ServerLower, home: &Home) -> Result<Reply, Failure> {
    let name = home.known_name(&args.name)?;
    if args.allow == Allow::Accept {
        accepts(&name, home)?;
    }
    home.settle()?;
    if !is_low(&name, home)? {
        return lower_strict(args, &name, home);
    }
    Ok(Reply::done(api::RecordChange {
        record: record(home, &name)?,
        changed: false,
        message: format!("{name} is transitional: there is nothing to lower"),
    }))
}

/// What no leave makes the server accept is refused as the leave of nothing.
fn accepts(name: &ServerName, home: &Home) -> Result<(), Failure> {
    let Some(server) = configured(name, home)? else {
        return Ok(());
    };
    if server.accept {
        return Ok(());
    }
    let why = match server.replication {
        true => "it is the target of a replication, whose address a server has told".to_owned(),
        false => {
            let option = server
                .options
                .iter()
                .find(|option| option.name == "SSLACCEPTCERTFROMSERV");
            let from = option.map(|option| format!(" ({})", option.from));
            format!("SSLACCEPTCERTFROMSERV is No{}", from.unwrap_or_default())
        }
    };
    let import = ["import", "--server", name.as_str(), "FILE"];
    Err(Failure::usage(
        "acceptance-off",
        format!("{name} never has a certificate accepted, lowered or not: {why}"),
    )
    .remedy(format!(
        "import its certificate: {}",
        home.invocation.command(&import)
    )))
}

/// Whether the server is as low as it can be: neither strict by itself or by its address, nor
/// lost, nor held to what it announced, nor lowered already.
fn is_low(name: &ServerName, home: &Home) -> Result<bool, Failure> {
    let standing = home.state()?.server(name)?;
    let now = home.now().unix_timestamp();
    let announced = standing
        .record
        .as_ref()
        .is_some_and(|record| record.announced.is_some());
    if standing.is_strict() || announced || standing.lowered(now).is_some() {
        return Ok(false);
    }
    match configured(name, home)? {
        None => Ok(true),
        Some(server) => Ok(!outlook::is_strict(server, home)?),
    }
}

fn lower_strict(args: &ServerLower, name: &ServerName, home: &Home) -> Result<Reply, Failure> {
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
    change.lower(name, lowered);
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
    if args.allow == Allow::Accept && holds_something(home, name)? {
        message
            .push_str("; while a certificate is held for it, none is accepted: `remove` it first");
    }
    Ok(Reply::done(api::RecordChange {
        record: record(home, name)?,
        changed: true,
        message,
    }))
}

/// Whether a certificate is held for the server, so far as its stores answer.
fn holds_something(home: &Home, name: &ServerName) -> Result<bool, Failure> {
    let stores = configured(name, home)?
        .map_or_else(|| home.default_stores(), |server| home.stores_of(server))?;
    let scope = home.scope_of(name, &stores)?;
    Ok(matches!(
        home.kernel()?.view(name, &stores, scope).held(),
        Held::Yes(_)
    ))
}

fn configured<'a>(name: &ServerName, home: &'a Home) -> Result<Option<&'a Server>, Failure> {
    let mut all = home.servers()?.all.iter();
    Ok(all.find(|server| server.name == *name))
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
