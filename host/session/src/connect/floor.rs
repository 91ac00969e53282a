//! What a server once had: its TLS version and its level, and what less than that leads to.

use super::SignOn;
use super::ending::Refusal;
use crate::code::Code;
use crate::handshake::Handshaken;
use crate::level::{Era, Level};
use crate::policy::Floor;
use crate::report::Evidence;
use crate::wording::Cause;
use anchorhold_state::RecordedLevel;

impl SignOn<'_> {
    /// The refusal where the TLS version is lower than recorded and the policy holds it.
    pub(super) fn below_tls_floor(&mut self, row: u8, shaken: &Handshaken) -> Option<Refusal> {
        let version = shaken.version();
        let before = self
            .situation
            .standing
            .record
            .as_ref()?
            .tls_version
            .clone()?;
        if before.as_str() <= version {
            return None;
        }
        let text = format!("TLS {version}, and TLS {before} was used before");
        self.situation.warn("tls-version-fell", text.clone());
        let held = self.server.policy.tls_floor == Floor::Hold;
        held.then(|| Refusal::of(row, Code::TlsVersionFell).told(text))
    }

    /// The refusal where the level that is told inside TLS is lower than recorded, or is not told
    /// where it was before, and the policy holds it.
    pub(super) async fn below_level_floor(
        &mut self,
        row: u8,
        shaken: &Handshaken,
    ) -> Option<Refusal> {
        if !self.wants_level(shaken) {
            return None;
        }
        let judge = self.judge();
        // The session stands without an answer; what is not told is not recorded.
        match self.ask_inside(judge).await {
            Ok(Some(identity)) => self.take_inside(&identity),
            Ok(None) | Err(_) => {}
        }
        let recorded = self.situation.standing.record.as_ref()?.level.clone()?;
        let before = inside(&recorded)?;
        let told = self.level.filter(|_| self.evidence == Evidence::InsideTls);
        let text = match told {
            Some(told) if told >= before => return None,
            Some(told) => format!("level {told} is told inside TLS, and it was {before} before"),
            None => format!("no level is told inside TLS any more, and it was {before} before"),
        };
        self.situation
            .warn("level-lower-than-recorded", text.clone());
        let held = self.server.policy.level_floor == Floor::Hold;
        held.then(|| {
            Refusal::of(row, Code::LevelFell)
                .told(text)
                .because(Cause::LevelFloor)
        })
    }

    /// Whether the level is worth a question inside TLS: at the first session, where the version
    /// of TLS changed, and where the policy holds the level. A server that was asked in clear and
    /// kept silent is not asked again.
    fn wants_level(&self, shaken: &Handshaken) -> bool {
        let record = self.situation.standing.record.as_ref();
        let before = record.and_then(|record| record.tls_version.as_deref());
        let first = before.is_none() && self.evidence != Evidence::Unknown;
        let answers = record.is_some_and(|record| record.answers_inside);
        let changed = before.is_some_and(|before| before != shaken.version());
        first || (answers && (changed || self.server.policy.level_floor == Floor::Hold))
    }

    /// On which side of the change to TLS the server stands; where nobody asked, as recorded.
    pub(super) fn era(&self) -> Option<Era> {
        let record = self.situation.standing.record.as_ref();
        let recorded = record.and_then(|record| record.level.as_ref());
        let recorded = recorded.and_then(|level| level.value.parse::<Level>().ok());
        let told = self.situation.facts.levels.for_acceptance();
        told.or_else(|| recorded.map(Level::era))
    }
}

/// The recorded level, where it was told inside TLS: what was told in clear may be forged, and
/// would hold a true one off.
fn inside(recorded: &RecordedLevel) -> Option<Level> {
    let told = recorded.evidence == Evidence::InsideTls.as_str();
    recorded.value.parse().ok().filter(|_| told)
}
