//! Setting options of a server: each one once, and only where it counts.

use super::entry::Entry;
use super::error::{Mistake, OptionError};
use super::known::Used;
use super::line::shown;
use super::place::Placed;
use super::stanza::Stanza;
use super::value::{self, Kind};

/// Sets a used option in a stanza, unless it does not count there.
pub(super) fn set_option(
    stanza: &mut Stanza,
    used: Used,
    entry: &Entry<'_>,
) -> Result<(), OptionError> {
    let option = entry.known.name;
    if is_replication(used) != stanza.is_replication() {
        match used {
            Used::NodeName | Used::PasswordDir => {}
            _ if stanza.is_replication() => {
                return Err(entry.wrong(Mistake::ReplicationStanza { option }));
            }
            _ => return Err(entry.wrong(Mistake::NoReplicationStanza { option })),
        }
    }
    match used {
        Used::TcpServerAddress => set_address(&mut stanza.address, entry),
        Used::ReplTcpServerAddress => set_address(&mut stanza.repl_address, entry),
        Used::Ssl => set_value(&mut stanza.ssl, entry, &value::SWITCH),
        Used::SslAcceptCertFromServ => set_value(&mut stanza.accept, entry, &value::SWITCH),
        Used::SslFipsMode => set_value(&mut stanza.fips, entry, &value::SWITCH),
        Used::SslDisableLegacyTls => {
            set_value(&mut stanza.disable_legacy_tls, entry, &value::SWITCH)
        }
        Used::SslRequired => set_value(&mut stanza.ssl_required, entry, &value::SSL_REQUIRED),
        Used::CommMethod => set_value(&mut stanza.comm_method, entry, &value::COMM_METHOD),
        Used::TcpPort => set_value(&mut stanza.port, entry, &value::PORT),
        Used::TcpAdminPort => set_value(&mut stanza.admin_port, entry, &value::PORT),
        Used::ReplTcpPort => set_value(&mut stanza.repl_port, entry, &value::PORT),
        Used::ReplSslPort => set_value(&mut stanza.repl_ssl_port, entry, &value::PORT),
        Used::ReplServerGuid => set_value(&mut stanza.repl_guid, entry, &value::GUID),
        Used::PasswordDir => set_value(&mut stanza.password_dir, entry, &value::DIRECTORY),
        Used::NodeName => set_name(&mut stanza.node_name, entry),
        Used::MyReplicationServer => add_servers(&mut stanza.my_replication_servers, entry),
        // These open stanzas or stand outside them; they never come here.
        Used::ServerName | Used::ReplServerName | Used::DefaultServer => Ok(()),
    }
}

fn set_value<T: PartialEq>(
    slot: &mut Option<Placed<T>>,
    entry: &Entry<'_>,
    kind: &Kind<T>,
) -> Result<(), OptionError> {
    set(slot, entry.read(kind)?, entry.known.name, T::eq)
}

fn set_address(slot: &mut Option<Placed<String>>, entry: &Entry<'_>) -> Result<(), OptionError> {
    let address = entry.read(&value::ADDRESS)?;
    set(slot, address, entry.known.name, |a, b| same_name(a, b))
}

/// Sets the name of a server or node.
pub(super) fn set_name(
    slot: &mut Option<Placed<String>>,
    entry: &Entry<'_>,
) -> Result<(), OptionError> {
    let name = entry.read(&value::NAME)?;
    set(slot, name, entry.known.name, |a, b| same_name(a, b))
}

/// Sets what is said once. Saying the same again changes nothing; which of two different values
/// the vendor's client takes is not documented, so neither is taken.
fn set<T>(
    slot: &mut Option<Placed<T>>,
    placed: Placed<T>,
    option: &'static str,
    same: impl Fn(&T, &T) -> bool,
) -> Result<(), OptionError> {
    match slot {
        Some(first) if !same(&first.value, &placed.value) => Err(wrong(
            &placed,
            Mistake::Contradiction {
                option,
                said: shown(first.written.as_bytes()),
                first: first.place.clone(),
            },
        )),
        Some(_) => Ok(()),
        None => {
            *slot = Some(placed);
            Ok(())
        }
    }
}

/// Adds the servers of a list, which may go on over several lines.
fn add_servers(list: &mut Vec<Placed<String>>, entry: &Entry<'_>) -> Result<(), OptionError> {
    let servers = entry.read(&value::NAMES)?;
    for server in servers.value {
        if list.iter().any(|known| same_name(&known.value, &server)) {
            continue;
        }
        if list.len() == MOST_SERVERS {
            return Err(entry.wrong(Mistake::ThirdServer));
        }
        list.push(Placed {
            value: server,
            written: servers.written.clone(),
            place: servers.place.clone(),
        });
    }
    Ok(())
}

pub(super) fn wrong<T>(placed: &Placed<T>, what: Mistake) -> OptionError {
    OptionError {
        place: placed.place.clone(),
        word: shown(placed.written.as_bytes()),
        what,
    }
}

/// Whether the option counts in a `REPLSERVERName` stanza only.
pub(super) fn is_replication(used: Used) -> bool {
    matches!(
        used,
        Used::ReplTcpServerAddress | Used::ReplTcpPort | Used::ReplSslPort | Used::ReplServerGuid
    )
}

/// Whether two names are one; case does not count.
pub(super) fn same_name(left: &str, right: &str) -> bool {
    left.to_lowercase() == right.to_lowercase()
}

/// So many replication servers may one server have.
const MOST_SERVERS: usize = 2;
