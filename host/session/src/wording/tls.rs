//! Words for connections and handshakes that come to nothing.

use super::Words;
use super::case::Case;
use crate::report::Remedy;

impl Case<'_> {
    /// Where TLS is spoken.
    pub(super) fn port_with_tls(&self) -> Remedy {
        Remedy::advice(format!(
            "check that {} names a port with TLS: the common port of a server at 8.1.2 or later, \
             or the SSL port of an earlier one",
            self.port()
        ))
    }

    /// Who, and where.
    pub(super) fn peer(&self) -> String {
        format!("{} at {}", self.name(), self.server.endpoint())
    }
}

pub(super) fn early_bytes(case: &Case<'_>) -> Words {
    let endpoint = case.server.endpoint();
    let message = format!(
        "{}: something at {endpoint} sent bytes before the TLS handshake; nothing was sent",
        case.name()
    );
    let remedy = Remedy::advice(format!(
        "find out what answers at {endpoint}: a server waits for the client to speak first, so \
         {} may lead to something else, or somebody on the way adds bytes",
        case.address()
    ));
    Words::refusal(message, remedy)
}

pub(super) fn failed(case: &Case<'_>) -> Words {
    let message = format!(
        "the TLS handshake with {} failed{}",
        case.peer(),
        case.because()
    );
    let remedy = Remedy::advice(format!(
        "sign on again; if it fails the same way, read the server's activity log, and check that \
         {} lead to the server itself",
        case.address()
    ));
    Words::refusal(message, remedy)
}

pub(super) fn incompatible(case: &Case<'_>) -> Words {
    let message = format!(
        "{} and this client have no TLS version or suite in common (TLS 1.2 and 1.3 are \
         offered){}",
        case.peer(),
        case.because()
    );
    let remedy = Remedy::advice(
        "let the server speak TLS 1.2 or later, which an earlier one may need SSLTLS12 Yes among \
         its own options for, or upgrade it; nothing lower is ever offered",
    );
    Words::refusal(message, remedy)
}

pub(super) fn unavailable(case: &Case<'_>) -> Words {
    let message = format!("{} speaks no TLS{}", case.peer(), case.because());
    Words::refusal(message, case.port_with_tls())
}

pub(super) fn version_fell(case: &Case<'_>) -> Words {
    let message = format!(
        "{} negotiated less than recorded{}",
        case.name(),
        case.because()
    );
    let remedy = Remedy::advice(format!(
        "restore the TLS level of the server, or set tls_floor = \"warn\" in {}",
        case.policy()
    ));
    Words::refusal(message, remedy)
}

pub(super) fn unreachable(case: &Case<'_>) -> Words {
    if case.server.host.is_empty() {
        let message = format!("the address of {} is not known", case.name());
        let remedy = Remedy::advice(format!("set {} in its stanza", case.address()));
        return Words::refusal(message, remedy);
    }
    let message = format!("{} cannot be reached{}", case.peer(), case.because());
    let remedy = Remedy::advice(format!("check {}, and the network", case.address()));
    Words::refusal(message, remedy)
}
