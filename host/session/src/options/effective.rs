//! What holds for a server: every option that counts, its value, and where that comes from.

use std::fmt::Display;

use super::place::Placed;
use super::stanza::{DEFAULT_PORT, Stanza, StanzaKind};
use crate::decision::SslRequired;

/// One option in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effective {
    /// Its name as the vendor prints it.
    pub name: &'static str,
    /// The value in force, as the vendor prints it.
    pub value: String,
    /// Its file and line, or `default`.
    pub from: String,
}

impl Stanza {
    /// The options in force, in the order in which a person asks for them.
    ///
    /// What the host does not use is in `others`.
    pub fn effective(&self) -> Vec<Effective> {
        let mut list = match self.kind {
            StanzaKind::Server => self.contact(),
            StanzaKind::Replication => self.replication_contact(),
        };
        list.push(line("SSL", switch(self.uses_ssl()), &self.ssl));
        let requirement = requirement(self.ssl_requirement());
        list.push(line("SSLREQuired", requirement, &self.ssl_required));
        list.push(self.acceptance());
        list.push(line("SSLFIPSMODE", switch(self.uses_fips()), &self.fips));
        list.push(self.legacy_tls());
        list.extend(given("NODename", &self.node_name));
        list.extend(given("PASSWORDDIR", &self.password_dir));
        list.extend(self.my_replication_servers.iter().map(|server| Effective {
            name: "MYREPLICATIONServer",
            value: server.value.clone(),
            from: server.place.to_string(),
        }));
        list
    }

    fn contact(&self) -> Vec<Effective> {
        vec![
            line("COMMMethod", self.transport(), &self.comm_method),
            line(
                "TCPServeraddress",
                self.host().unwrap_or_default(),
                &self.address,
            ),
            line("TCPPort", self.port_number(), &self.port),
            line("TCPADMINPort", self.admin_port_number(), &self.admin_port),
        ]
    }

    fn replication_contact(&self) -> Vec<Effective> {
        let mut list = Vec::new();
        list.extend(given("REPLTCPSERVERADDRESS", &self.repl_address));
        let port = self
            .repl_port
            .as_ref()
            .map_or(DEFAULT_PORT, |port| port.value);
        list.push(line("REPLTCPPort", port, &self.repl_port));
        list.extend(given("REPLSSLPORT", &self.repl_ssl_port));
        list.extend(given("REPLSERVERGUID", &self.repl_guid));
        list
    }

    fn acceptance(&self) -> Effective {
        let name = "SSLACCEPTCERTFROMSERV";
        if self.is_replication() {
            return Effective {
                name,
                value: switch(false).to_owned(),
                from: "replication server".to_owned(),
            };
        }
        line(name, switch(self.accepts_certificate()), &self.accept)
    }

    /// Nothing below TLS 1.2 is ever offered, so that the default is Yes whatever the server's
    /// level.
    fn legacy_tls(&self) -> Effective {
        let disabled = self.disable_legacy_tls.as_ref().is_none_or(|no| no.value);
        line(
            "SSLDISABLELEGACYtls",
            switch(disabled),
            &self.disable_legacy_tls,
        )
    }
}

fn line<T>(name: &'static str, value: impl Display, said: &Option<Placed<T>>) -> Effective {
    Effective {
        name,
        value: value.to_string(),
        from: said
            .as_ref()
            .map_or_else(|| "default".to_owned(), |placed| placed.place.to_string()),
    }
}

fn given<T: Display>(name: &'static str, said: &Option<Placed<T>>) -> Option<Effective> {
    said.as_ref().map(|placed| line(name, &placed.value, said))
}

fn switch(on: bool) -> &'static str {
    if on { "Yes" } else { "No" }
}

fn requirement(required: SslRequired) -> &'static str {
    match required {
        SslRequired::Default => "Default",
        SslRequired::Yes => "Yes",
        SslRequired::No => "No",
        SslRequired::ServerOnly => "SERVERonly",
    }
}
