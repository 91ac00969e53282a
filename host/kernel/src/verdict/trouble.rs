//! Why something that is held does not vouch.

use crate::Fingerprint;
use crate::certificate::rfc3339;
use crate::verdict::Code;

/// Why something that is held, and would vouch, does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub(crate) code: Code,
    /// A sentence without its full stop.
    pub(crate) what: String,
    pub(crate) remedy: String,
    /// What is held and would vouch, had it been imported as another kind. In a box, so that a
    /// trouble stays small.
    pub(crate) misfiled: Option<Box<Fingerprint>>,
}

impl Trouble {
    pub(crate) fn new(code: Code, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            code,
            what: what.into(),
            remedy: remedy.into(),
            misfiled: None,
        }
    }

    /// The same, because of something that was imported as the wrong kind.
    pub(crate) fn of_misfiled(mut self, fingerprint: Fingerprint) -> Self {
        self.misfiled = Some(Box::new(fingerprint));
        self
    }

    /// What is wrong with a certificate's dates at a time, if anything is.
    pub(crate) fn of_dates(subject: &str, validity: (i64, i64), at: i64) -> Option<Self> {
        let (not_before, not_after) = validity;
        if at < not_before {
            return Some(Self::new(
                Code::CertificateNotYetValid,
                format!(
                    "at {} {subject} is not valid yet, only from {}; if the former is what the \
                     clock of this machine says, that may be wrong",
                    rfc3339(at),
                    rfc3339(not_before)
                ),
                "check the clock of this machine; if it is right, wait, or have the certificate \
                 issued anew",
            ));
        }
        (at > not_after).then(|| {
            Self::new(
                Code::CertificateExpired,
                format!(
                    "at {} {subject} has expired: it was valid until {}",
                    rfc3339(at),
                    rfc3339(not_after)
                ),
                "have the certificate renewed and import the new one beside the old",
            )
        })
    }

    /// Something about a certificate is not acceptable.
    pub(crate) fn weak(what: impl Into<String>) -> Self {
        Self::new(
            Code::CertificateWeak,
            what,
            "have a certificate issued that is X.509 v3, for servers, with an RSA key of at least \
             2048 bits or an EC key (P-256, P-384, P-521) or Ed25519, signed with SHA-256 or \
             better",
        )
    }

    /// A store distrusts a certificate.
    pub(crate) fn distrusted(which: &str, fingerprint: &Fingerprint, store: &str) -> Self {
        Self::new(
            Code::Distrusted,
            format!("{which} ({fingerprint}) is distrusted by store \"{store}\""),
            format!(
                "ask the server's administrator for another certificate; only if the distrust is \
                 an error, take it out of store \"{store}\""
            ),
        )
    }
}
