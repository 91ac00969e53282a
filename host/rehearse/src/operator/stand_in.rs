//! Certificates that stand in for those of a server whose key nobody has here.

use super::known::Known;
use crate::certificate::{Authority, Credential, Leaf, Validity, stock};
use crate::stage::Trouble;
use anchorhold_kernel::CertificateKind;
use anchorhold_session::policy::Name;
use anchorhold_session::server::Server;
use time::OffsetDateTime;

/// What is presented and held in the place of the real ones, with their dates.
pub(super) struct StandIns {
    pub(super) presented: Credential,
    pub(super) held: Vec<(Vec<u8>, CertificateKind)>,
}

impl StandIns {
    /// One for each that is held. The server presents the pin that is valid longest, else a leaf
    /// of the anchor that is, else what it made for itself or what some CA has signed.
    pub(super) fn make(
        known: &Known,
        server: &Server,
        ca_signed: bool,
        now: OffsetDateTime,
    ) -> Result<Self, Trouble> {
        let name = match &server.policy.name {
            Name::Other(name) => name.as_str(),
            Name::Address | Name::Off => "127.0.0.1",
        };
        let leaf = Leaf {
            name,
            for_servers: true,
            validity: Validity::current(now),
        };
        let mut held = Vec::new();
        let mut pin: Option<(OffsetDateTime, Credential)> = None;
        let mut signed: Option<(OffsetDateTime, Credential)> = None;
        for one in &known.held {
            let until = one.validity.until;
            match one.kind {
                CertificateKind::Pin => {
                    let made = stock(one.validity)?;
                    held.push((made.end_entity().to_vec(), one.kind));
                    longest(&mut pin, until, made);
                }
                CertificateKind::Anchor => {
                    let authority = Authority::new("Stand-in Root", one.validity)?;
                    held.push((authority.root().to_vec(), one.kind));
                    longest(&mut signed, until, authority.issue(&leaf)?);
                }
                CertificateKind::Intermediate => {
                    let authority = Authority::new("Stand-in Intermediate", one.validity)?;
                    held.push((authority.root().to_vec(), one.kind));
                }
            }
        }
        let presented = match pin.or(signed) {
            Some((_, credential)) => credential,
            None if ca_signed => Authority::new("Some CA", Validity::current(now))?.issue(&leaf)?,
            None => stock(Validity::current(now))?,
        };
        Ok(Self { presented, held })
    }
}

fn longest(
    best: &mut Option<(OffsetDateTime, Credential)>,
    until: OffsetDateTime,
    made: Credential,
) {
    if best.as_ref().is_none_or(|(known, _)| *known < until) {
        *best = Some((until, made));
    }
}
