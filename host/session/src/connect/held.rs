//! TLS from byte 0, where a held certificate has to vouch.

use super::ending::Refusal;
use super::{Ended, NAME_MISMATCH, SignOn};
use crate::code::Code;
use crate::decision::Decision;
use crate::error::ConnectError;
use crate::handshake::Handshaken;
use crate::learnt::{self, Learnt};
use crate::report::{Evidence, Used};
use crate::wording::Cause;
use anchorhold_kernel::How;
use anchorhold_kernel::tls::Verifier;
use std::sync::Arc;

impl SignOn<'_> {
    pub(super) async fn go_held(mut self, decision: Decision) -> Result<Ended, ConnectError> {
        self.learn_recorded_level().await;
        let shaken = match self.shake(self.judge(), self.protocols()).await {
            Ok(shaken) => shaken,
            Err(failure) => return self.fail(decision, failure).await,
        };
        self.take_chain(&shaken.chain());
        let Some(used) = self.take_verdict(&shaken) else {
            // A verifier that let a handshake pass has said by what; without that it does not
            // count.
            let why = "no verdict was reached";
            return self
                .refuse(Refusal::of(decision.row, Code::TlsFailed).told(why))
                .await;
        };
        if let Some(refusal) = self.moved(decision.row, &used) {
            return self.refuse(refusal).await;
        }
        if let Some(refusal) = self.below_tls_floor(decision.row, &shaken) {
            return self.refuse(refusal).await;
        }
        if let Some(refusal) = self.below_level_floor(decision.row) {
            return self.refuse(refusal).await;
        }
        let learnt = self.learnt(&shaken, &used);
        let server = self.server.clone();
        self.context
            .blocking(move |context| learnt::session(context, &server, &learnt))
            .await?;
        self.open(decision, shaken, used).await
    }

    pub(super) fn judge(&self) -> Arc<Verifier> {
        let view = Arc::clone(&self.situation.view);
        Verifier::judge(view, self.server.name_check(), self.context.checks)
    }

    /// By what the verdict was yes; what it warns of is worth knowing either way.
    fn take_verdict(&mut self, shaken: &Handshaken) -> Option<Used> {
        let verdict = shaken.verdict()?;
        self.take_warnings(&verdict.warnings);
        let by = verdict.by.filter(|_| verdict.trusted)?;
        Some(Used {
            fingerprint: by.fingerprint,
            store: by.store,
            how: by.how,
        })
    }

    pub(super) fn take_warnings(&mut self, warnings: &[String]) {
        for text in warnings {
            self.situation.warn("verdict", text.clone());
        }
    }

    /// The refusal where a server has told another address for a replication server, and only a
    /// name under an anchor speaks for it there.
    fn moved(&mut self, row: u8, used: &Used) -> Option<Refusal> {
        let record = self.situation.standing.record.as_ref()?;
        let before = record
            .endpoint
            .clone()
            .filter(|_| self.server.replication)?;
        let now = self.server.endpoint();
        if before.same_as(&now) {
            return None;
        }
        let text = format!("its address was {before} and is {now}, as its source server told");
        self.situation.warn("address-changed", text.clone());
        let refusal = Refusal::of(row, NAME_MISMATCH)
            .told(text)
            .because(Cause::Moved);
        (used.how == How::Anchor).then_some(refusal)
    }

    /// What a completed session tells the ledger.
    pub(super) fn learnt(&self, shaken: &Handshaken, used: &Used) -> Learnt {
        Learnt {
            level: self.level.map(|level| (level, self.evidence)),
            answers_inside: self.evidence == Evidence::InsideTls,
            tls_version: shaken.version(),
            certificate: used.fingerprint,
            warnings: self.situation.warnings.clone(),
        }
    }
}
