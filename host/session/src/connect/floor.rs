//! What a server once had: its TLS version and its level, and what less than that leads to.

use super::SignOn;
use super::ending::Refusal;
use crate::client_key::ClientKey;
use crate::code::Code;
use crate::handshake::{Failure, Handshaken};
use crate::learnt::level_of;
use crate::level::Level;
use crate::policy::Floor;
use crate::report::Evidence;
use crate::wording::Cause;
use anchorhold_state::Record;
use tokio::time::timeout;

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

    /// Asks for the level inside TLS before the session's own handshake, for some servers take
    /// one connection at a time; all of it within the time that an answer may take.
    ///
    /// The session stands without an answer, and what is not told is not recorded. So a server
    /// is asked at its first session, and later only if it answered once.
    ///
    /// The client's own key is shown with the question as with the session, for the server is
    /// judged before; but not one that wants its PIN for every signature. The one failure that
    /// ends the sign-on is that of the key's store, which would not be different the next time.
    pub(super) async fn learn_recorded_level(
        &mut self,
        key: Option<&ClientKey>,
    ) -> Result<(), Failure> {
        let record = self.situation.standing.record.as_ref();
        let first = record.is_none_or(|record| record.tls_version.is_none());
        let answers = record.is_some_and(|record| record.answers_inside);
        if !answers && (!first || self.evidence == Evidence::Unknown) {
            return Ok(());
        }
        let key = key.filter(|key| !key.asks_each_use());
        let (judge, limit) = (self.judge(), self.context.limits.level);
        match timeout(limit, self.ask_inside(judge, key)).await {
            Ok(Ok(Some(identity))) => self.take_inside(&identity),
            Ok(Err(failure @ Failure::Key(_))) => return Err(failure),
            _ => {}
        }
        Ok(())
    }

    /// The refusal where the level that is told inside TLS is lower than recorded, or is not told
    /// where it was before, and the policy holds it.
    pub(super) fn below_level_floor(&mut self, row: u8) -> Option<Refusal> {
        let before = inside(self.situation.standing.record.as_ref()?)?;
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
}

/// The recorded level, where it was told inside TLS: what was told in clear may be forged, and
/// would hold a true one off.
fn inside(record: &Record) -> Option<Level> {
    let evidence = record.level.as_ref()?.evidence.as_str();
    level_of(record).filter(|_| evidence == Evidence::InsideTls.as_str())
}
