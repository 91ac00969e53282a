//! What refuses a server before anybody talks to it, for sign-on and explanation alike.

use crate::code::Code;
use crate::decision::Transport;
use crate::server::Server;
use rustls::crypto::aws_lc_rs::default_provider;

/// Why a server is refused without contact, whatever the rules would say.
pub(crate) fn refused_before_contact(server: &Server) -> Option<Code> {
    if server.transport != Transport::Tcp {
        return Some(Code::TransportUnsupported);
    }
    (server.fips && !default_provider().fips()).then_some(Code::FipsUnavailable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::server;

    #[test]
    fn an_ordinary_server_may_be_contacted() {
        assert_eq!(refused_before_contact(&server("TSM1")), None);
    }

    #[test]
    fn approved_algorithms_need_a_certified_module() {
        let server = Server {
            fips: true,
            ..server("TSM1")
        };
        let certified = default_provider().fips();
        let expected = (!certified).then_some(Code::FipsUnavailable);
        assert_eq!(refused_before_contact(&server), expected);
    }

    #[test]
    fn shared_memory_is_refused_whatever_else_is_asked() {
        let server = Server {
            transport: Transport::Other,
            fips: true,
            ..server("TSM1")
        };
        assert_eq!(
            refused_before_contact(&server),
            Some(Code::TransportUnsupported)
        );
    }
}
