//! Words for options that forbid what they are asked for.

use super::Words;
use super::case::Case;
use crate::report::Remedy;

pub(super) fn fips_unavailable(case: &Case<'_>) -> Words {
    let message = format!(
        "SSLFIPSMODE Yes for {}, and this build has no certified module",
        case.name()
    );
    let remedy = Remedy::advice("set SSLFIPSMODE No, or use a build with the module");
    Words::refusal(message, remedy)
}

pub(super) fn ssl_required_but_off(case: &Case<'_>) -> Words {
    let message = format!(
        "SSLREQUIRED demands SSL for {}, and SSL No switches it off",
        case.name()
    );
    let remedy = Remedy::advice(format!("{}, or set SSLREQUIRED No", case.ssl_yes()));
    Words::refusal(message, remedy)
}

pub(super) fn ssl_required_by_ldap(case: &Case<'_>) -> Words {
    let message = format!(
        "{} authenticates with LDAP, which demands SSL, and SSL is No",
        case.name()
    );
    Words::refusal(message, Remedy::advice(case.ssl_yes()))
}

pub(super) fn transport_unsupported(case: &Case<'_>) -> Words {
    let message = format!(
        "COMMMethod of {} is not TCPip or V6Tcpip, and nothing else can be secured",
        case.name()
    );
    Words::refusal(message, Remedy::advice("set COMMMethod TCPip"))
}
