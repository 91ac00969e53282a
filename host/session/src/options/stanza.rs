//! A stanza: what the option files say of one server.

use std::fmt;

use super::place::{Place, Placed};
use super::value::REPLICATION;
use crate::decision::SslRequired;

/// What the option files say of one server. Where they say nothing, the vendor's default holds,
/// which the methods give.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stanza {
    /// The server's name as it was written; `NAME@repl` where a `REPLSERVERName` line names it.
    pub name: String,
    /// Which line opens it.
    pub kind: StanzaKind,
    /// Where it begins.
    pub place: Place,
    /// SSL. Of a replication server: what the stanza says that names it, as the next two.
    pub ssl: Option<Placed<bool>>,
    /// SSLREQuired.
    pub ssl_required: Option<Placed<SslRequired>>,
    /// SSLFIPSMODE.
    pub fips: Option<Placed<bool>>,
    /// SSLACCEPTCERTFROMSERV; never set of a replication server.
    pub accept: Option<Placed<bool>>,
    /// SSLDISABLELEGACYtls.
    pub disable_legacy_tls: Option<Placed<bool>>,
    /// COMMMethod.
    pub comm_method: Option<Placed<CommMethod>>,
    /// TCPServeraddress.
    pub address: Option<Placed<String>>,
    /// TCPPort.
    pub port: Option<Placed<u16>>,
    /// TCPADMINPort.
    pub admin_port: Option<Placed<u16>>,
    /// NODename.
    pub node_name: Option<Placed<String>>,
    /// PASSWORDDIR.
    pub password_dir: Option<Placed<String>>,
    /// MYREPLICATIONServer: the names of `REPLSERVERName` stanzas, without `@repl`.
    pub my_replication_servers: Vec<Placed<String>>,
    /// REPLTCPSERVERADDRESS.
    pub repl_address: Option<Placed<String>>,
    /// REPLTCPPort.
    pub repl_port: Option<Placed<u16>>,
    /// REPLSSLPORT.
    pub repl_ssl_port: Option<Placed<u16>>,
    /// REPLSERVERGUID, in small letters.
    pub repl_guid: Option<Placed<String>>,
    /// Of a replication server: the servers whose MYREPLICATIONServer names it.
    pub named_by: Vec<String>,
    /// The options that this host does not use, in the order of their lines.
    pub others: Vec<OtherOption>,
}

/// Which line opens a stanza.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StanzaKind {
    /// `SErvername`, or none: the only server of a file without stanzas.
    Server,
    /// `REPLSERVERName`.
    Replication,
}

/// The values of COMMMethod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CommMethod {
    /// TCP over IPv4.
    TcpIp,
    /// TCP over IPv6 and IPv4.
    V6TcpIp,
    /// Shared memory.
    SharedMem,
    /// A named pipe.
    NamedPipes,
}

impl fmt::Display for CommMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TcpIp => "TCPip",
            Self::V6TcpIp => "V6Tcpip",
            Self::SharedMem => "SHAREdmem",
            Self::NamedPipes => "NAMEdpipes",
        })
    }
}

/// An option of the vendor's client that this host does not use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherOption {
    /// Its name as the vendor prints it.
    pub name: &'static str,
    /// Its value as it was written, control characters escaped; `None` where it is a secret.
    pub value: Option<String>,
    /// Where it stands.
    pub place: Place,
}

impl Stanza {
    /// A stanza that says nothing yet.
    pub(super) fn new(name: &str, kind: StanzaKind, place: Place) -> Self {
        let name = match kind {
            StanzaKind::Server => name.to_owned(),
            StanzaKind::Replication => format!("{name}{REPLICATION}"),
        };
        Self {
            name,
            kind,
            place,
            ssl: None,
            ssl_required: None,
            fips: None,
            accept: None,
            disable_legacy_tls: None,
            comm_method: None,
            address: None,
            port: None,
            admin_port: None,
            node_name: None,
            password_dir: None,
            my_replication_servers: Vec::new(),
            repl_address: None,
            repl_port: None,
            repl_ssl_port: None,
            repl_guid: None,
            named_by: Vec::new(),
            others: Vec::new(),
        }
    }

    /// Whether this is the stanza of a replication server.
    pub fn is_replication(&self) -> bool {
        self.kind == StanzaKind::Replication
    }

    /// The name on the line that opens the stanza.
    pub fn bare_name(&self) -> &str {
        match self.kind {
            StanzaKind::Server => &self.name,
            StanzaKind::Replication => self.name.strip_suffix(REPLICATION).unwrap_or(&self.name),
        }
    }

    /// SSL; No by default.
    pub fn uses_ssl(&self) -> bool {
        said(&self.ssl).unwrap_or(false)
    }

    /// SSLREQuired; Default by default.
    pub fn ssl_requirement(&self) -> SslRequired {
        said(&self.ssl_required).unwrap_or(SslRequired::Default)
    }

    /// SSLFIPSMODE; No by default.
    pub fn uses_fips(&self) -> bool {
        said(&self.fips).unwrap_or(false)
    }

    /// SSLACCEPTCERTFROMSERV; Yes by default, and always No for a replication server, whose
    /// address came from another server.
    pub fn accepts_certificate(&self) -> bool {
        !self.is_replication() && said(&self.accept).unwrap_or(true)
    }

    /// COMMMethod; TCPip by default.
    pub fn transport(&self) -> CommMethod {
        said(&self.comm_method).unwrap_or(CommMethod::TcpIp)
    }

    /// The host to contact: this machine by default; `None` for a replication server of which no
    /// address is known.
    pub fn host(&self) -> Option<&str> {
        let (address, default) = match self.kind {
            StanzaKind::Server => (&self.address, Some(THIS_MACHINE)),
            StanzaKind::Replication => (&self.repl_address, None),
        };
        address
            .as_ref()
            .map(|address| address.value.as_str())
            .or(default)
    }

    /// The port to contact; 1500 by default. The SSL port of a replication server counts only
    /// with SSL Yes.
    pub fn port_number(&self) -> u16 {
        let port = match self.kind {
            StanzaKind::Server => said(&self.port),
            StanzaKind::Replication => said(&self.repl_ssl_port)
                .filter(|_| self.uses_ssl())
                .or_else(|| said(&self.repl_port)),
        };
        port.unwrap_or(DEFAULT_PORT)
    }

    /// The port for administrators; the other port by default.
    pub fn admin_port_number(&self) -> u16 {
        said(&self.admin_port).unwrap_or_else(|| self.port_number())
    }
}

fn said<T: Copy>(option: &Option<Placed<T>>) -> Option<T> {
    option.as_ref().map(|placed| placed.value)
}

const THIS_MACHINE: &str = "localhost";
pub(super) const DEFAULT_PORT: u16 = 1500;
