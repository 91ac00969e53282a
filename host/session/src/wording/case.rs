//! What words are found for: the server, what is known of it, and what came of it.

use super::Told;
use crate::decision::{Facts, Levels, Rules, Security, Then};
use crate::level::Era;
use crate::report::Remedy;
use crate::server::Server;
use crate::situation::Situation;

/// What words are found for.
pub(super) struct Case<'a> {
    pub(super) server: &'a Server,
    pub(super) situation: &'a Situation,
    pub(super) told: Told<'a>,
}

impl Case<'_> {
    pub(super) fn name(&self) -> &str {
        self.server.name.as_str()
    }

    /// Detail and colon, where there is detail.
    pub(super) fn because(&self) -> String {
        match self.told.detail {
            "" => String::new(),
            detail => format!(": {detail}"),
        }
    }

    /// The settings that say where the server is reached.
    pub(super) fn address(&self) -> String {
        if self.server.replication {
            format!("REPLTCPSERVERADDRESS and {}", self.port())
        } else if self.server.policy.address.is_some() {
            format!("address in {}", self.policy())
        } else {
            "TCPServeraddress and TCPPort".to_owned()
        }
    }

    /// The setting that says at which port.
    pub(super) fn port(&self) -> String {
        match (self.server.replication, self.server.ssl) {
            (true, true) => "REPLSSLPORT".to_owned(),
            (true, false) => "REPLTCPPort".to_owned(),
            (false, _) if self.server.policy.address.is_some() => self.address(),
            (false, _) => "TCPPort".to_owned(),
        }
    }

    /// The table of the server's policy, as it is typed.
    pub(super) fn policy(&self) -> String {
        let name = self.name();
        let bare = |letter: u8| letter.is_ascii_alphanumeric() || b"-_".contains(&letter);
        if !name.is_empty() && name.bytes().all(bare) {
            format!("[server.{name}] of anchorhold.toml")
        } else {
            format!("[server.\"{name}\"] of anchorhold.toml")
        }
    }

    /// How an earlier server is reached by TLS.
    pub(super) fn ssl_yes(&self) -> String {
        if self.server.replication {
            "set SSL Yes in the stanza whose MYREPLICATIONServer names it, and REPLSSLPORT to its \
             SSL port"
                .to_owned()
        } else if self.server.policy.address.is_some() {
            format!(
                "give it a stanza, in place of the address in {}, with SSL Yes and TCPPort set to \
                 its SSL port",
                self.policy()
            )
        } else {
            "set SSL Yes and TCPPort to the server's SSL port".to_owned()
        }
    }

    /// The command that imports the server's own certificate.
    pub(super) fn import(&self, note: impl Into<String>) -> Remedy {
        Remedy::command(&["import", "--server", self.name(), "cert256.arm"], note)
    }

    /// The same, where the server has shown a certificate.
    pub(super) fn import_presented(&self, condition: &str) -> Remedy {
        match self.told.presented {
            [] => self.import(format!("{condition}{ITS_OWN}")),
            [shown] => self.import(format!(
                "{condition}cert256.arm from the server's instance directory must have the \
                 SHA-256 {shown}"
            )),
            [shown, ..] => self.import(format!(
                "{condition}the file with the server's own certificate must have the SHA-256 \
                 {shown}; or import the root certificate of its CA"
            )),
        }
    }

    /// What the verdict says to do, or else this.
    pub(super) fn advised(&self, otherwise: impl Into<String>) -> Remedy {
        match self.told.advice {
            Some(advice) => Remedy::advice(advice),
            None => Remedy::advice(otherwise),
        }
    }

    /// The command that lets a plain session happen.
    pub(super) fn lower_to_plain(&self) -> Remedy {
        Remedy::command(
            &[
                "server",
                "lower",
                self.name(),
                "--allow",
                "plain",
                "--reason",
                "why",
            ],
            format!(
                "only if the server really went back to an earlier level; otherwise check {} and \
                 who answers there: somebody may be in between",
                self.address()
            ),
        )
    }

    /// Whether lowering by hand would let a plain session happen with a server that went back.
    pub(super) fn lowering_opens_plain(&self) -> bool {
        let facts = Facts {
            security: Security::Transitional,
            levels: Levels {
                announced: Some(Era::Earlier),
                ..self.situation.facts.levels
            },
            level_fell: false,
            plain: self.server.policy.plain,
            accept: false,
            ..self.situation.facts
        };
        Rules::all().decide(&facts).then == Then::Plain
    }
}

/// Where a self-signed certificate is found.
pub(super) const ITS_OWN: &str = "cert256.arm is the certificate file in the server's instance \
                                  directory; bring it over on a way that you trust";
