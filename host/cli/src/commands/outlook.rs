//! What a server could do now, were it to announce one level or another.

use anchorhold_kernel::ServerName;
use anchorhold_session::code::Code;
use anchorhold_session::decision::Security;
use anchorhold_session::explain::explain;
use anchorhold_session::level::Level;
use anchorhold_session::report::{Outcome, Report};
use anchorhold_session::server::Server;

use crate::exit::Failure;
use crate::home::{Home, from_connect};

/// Whether the session would be plain if the server announced an earlier level now.
pub(super) fn could_be_plain(server: &Server, home: &Home) -> Result<bool, Failure> {
    Ok(at(EARLIER, server, home)?.decision == Outcome::Plain)
}

/// Whether the server is strict: by its record, by the loss of it, or by its address.
pub(super) fn is_strict(server: &Server, home: &Home) -> Result<bool, Failure> {
    Ok(at(EARLIER, server, home)?.session_security == Security::Strict)
}

/// Warns of each server that could now have any certificate accepted.
pub(super) fn warn_of_acceptance<'a>(
    names: impl IntoIterator<Item = &'a ServerName>,
    home: &Home,
) -> Result<Vec<String>, Failure> {
    let servers = home.servers()?;
    let mut warnings = Vec::new();
    for name in names {
        let Ok(server) = servers.find(name.as_str()) else {
            continue;
        };
        let report = at(ENHANCED, server, home)?;
        if report.decision == Outcome::Tls && report.code == Code::AcceptedOnFirstUse {
            let raise = home.invocation.command(&["server", "raise", name.as_str()]);
            warnings.push(format!(
                "{name} may now take the first certificate it is shown; this forbids it: {raise}"
            ));
        }
    }
    Ok(warnings)
}

fn at(level: Level, server: &Server, home: &Home) -> Result<Report, Failure> {
    let explained = explain(&home.context()?, server, Some(level));
    Ok(explained.map_err(|error| from_connect(&error))?.report)
}

/// The highest level whose servers may talk in plain.
const EARLIER: Level = Level::new(8, 1, 1, 0);

/// The lowest level whose servers may have a certificate accepted.
const ENHANCED: Level = Level::new(8, 1, 2, 0);
