//! One server as meant: its stanza and the operator's policy together.

use crate::decision::{SslRequired, Transport};
use crate::options::{CommMethod, Effective, Stanza};
use crate::policy::{Name, Policy};
use anchorhold_kernel::NameCheck;
use anchorhold_state::Endpoint;
use anchorhold_state::ServerName;

/// One server, as meant.
#[derive(Clone, Debug)]
pub struct Server {
    /// Its name: the stanza's, or that of its policy.
    pub name: ServerName,
    /// The host: a name or an address.
    pub host: String,
    /// The port.
    pub port: u16,
    /// COMMMethod.
    pub transport: Transport,
    /// SSL.
    pub ssl: bool,
    /// SSLREQUIRED.
    pub ssl_required: SslRequired,
    /// SSLACCEPTCERTFROMSERV; never for a replication server.
    pub accept: bool,
    /// SSLFIPSMODE.
    pub fips: bool,
    /// The operator's policy.
    pub policy: Policy,
    /// Every option, with the place that it comes from.
    pub options: Vec<Effective>,
    /// Whether it is the target of a replication, whose address a server has told.
    pub replication: bool,
}

impl Server {
    /// The server that a stanza and a policy describe.
    pub fn from_stanza(stanza: &Stanza, policy: Policy) -> Self {
        let replication = stanza.is_replication();
        Self {
            name: ServerName::new(stanza.name.as_str()),
            // A replication server whose address nobody told has none, and is not reached.
            host: stanza.host().unwrap_or_default().to_owned(),
            port: stanza.port_number(),
            transport: match stanza.transport() {
                CommMethod::TcpIp | CommMethod::V6TcpIp => Transport::Tcp,
                CommMethod::SharedMem | CommMethod::NamedPipes => Transport::Other,
            },
            ssl: stanza.uses_ssl(),
            ssl_required: stanza.ssl_requirement(),
            accept: stanza.accepts_certificate() && !replication,
            fips: stanza.uses_fips(),
            policy,
            options: stanza.effective(),
            replication,
        }
    }

    /// A server that no stanza describes, with the vendor's defaults; its policy has an address.
    pub fn from_address(name: ServerName, host: String, port: u16, policy: Policy) -> Self {
        Self {
            name,
            host,
            port,
            transport: Transport::Tcp,
            ssl: false,
            ssl_required: SslRequired::Default,
            accept: true,
            fips: false,
            policy,
            options: Vec::new(),
            replication: false,
        }
    }

    /// Where it is reached.
    pub fn endpoint(&self) -> Endpoint {
        Endpoint {
            host: self.host.clone(),
            port: self.port,
        }
    }

    /// What the name in a certificate is compared with.
    pub fn name_check(&self) -> NameCheck {
        match &self.policy.name {
            Name::Address => NameCheck::Address(self.host.clone()),
            Name::Off => NameCheck::Off,
            Name::Other(name) => NameCheck::Name(name.clone()),
        }
    }

    /// Whether it is known to authenticate with LDAP; unknown counts as local.
    pub fn ldap(&self) -> bool {
        self.policy.ldap.unwrap_or(false)
    }
}
