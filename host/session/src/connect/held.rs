//! TLS from byte 0, where a held certificate has to vouch.

use super::ending::Refusal;
use super::{Ended, NAME_MISMATCH, SignOn};
use crate::client_key::{self, ClientKey};
use crate::code::Code;
use crate::decision::Decision;
use crate::error::ConnectError;
use crate::handshake::{Failure, Handshaken};
use crate::learnt::{self, Learnt};
use crate::report::{Evidence, Shown, Used};
use crate::wording::Cause;
use anchorhold_kernel::tls::Verifier;
use anchorhold_kernel::{How, KeyPairError, Unlocking};
use std::sync::Arc;

impl SignOn<'_> {
    pub(super) async fn go_held(mut self, decision: Decision) -> Result<Ended, ConnectError> {
        let key = match self.find_key().await? {
            Ok(key) => key,
            Err(error) => return self.refuse(without_key(decision.row, &error)).await,
        };
        if let Err(failure) = self.learn_recorded_level(key.as_ref()).await {
            return self.fail(decision, failure).await;
        }
        self.go_with(key, decision).await
    }

    /// The session's own handshake, with the client's own key where the policy names one.
    pub(super) async fn go_with(
        mut self,
        key: Option<ClientKey>,
        decision: Decision,
    ) -> Result<Ended, ConnectError> {
        let shaken = self.shake_held(key.as_ref()).await;
        let shaken = match shaken {
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

    /// Shakes hands with a server that a held certificate has to vouch for, and hears whether it
    /// takes the client's own.
    async fn shake_held(&mut self, key: Option<&ClientKey>) -> Result<Handshaken, Failure> {
        let shaken = self.shake_with(self.judge(), key, self.protocols());
        let confirmed = match shaken.await {
            Ok(mut shaken) => {
                let heard = shaken.confirm(self.context.limits.level).await;
                heard.map(|heard| (shaken, heard))
            }
            Err(failure) => Err(failure),
        };
        if let (Err(Failure::Unwelcome(_)), Some(key)) = (&confirmed, key) {
            self.warn_of_time(key);
        }
        let (shaken, heard) = confirmed?;
        self.take_shown(key, &shaken);
        if !heard && shaken.is_signed() {
            let text = "the server has not said whether it takes the client's certificate";
            self.situation
                .warn("client-key-unconfirmed", text.to_owned());
        }
        Ok(shaken)
    }

    /// The client's own key, where the policy names one.
    pub(super) async fn find_key(
        &self,
    ) -> Result<Result<Option<ClientKey>, KeyPairError>, ConnectError> {
        let server = self.server.clone();
        self.context
            .blocking(move |context| Ok(ClientKey::find(context, &server, Unlocking::Anybody)))
            .await
    }

    /// Whether the server asked for the client's certificate, and which one it was shown.
    pub(super) fn take_shown(&mut self, key: Option<&ClientKey>, shaken: &Handshaken) {
        let Some(key) = key else {
            if shaken.is_asked() {
                let text = "the server asks for a certificate of the client, and went on without";
                self.situation.warn("client-key-wanted", text.to_owned());
            }
            return;
        };
        if !shaken.is_signed() {
            let text = match shaken.is_asked() {
                true => {
                    "the server asks for signatures that client_key does not make, and went on \
                         without"
                }
                false => "the server asked for no certificate, so that client_key was not used",
            };
            self.situation.warn("client-key-unused", text.to_owned());
            return;
        }
        self.warn_of_time(key);
        self.shown = Some(Shown::of(key));
    }

    fn warn_of_time(&mut self, key: &ClientKey) {
        if let Some(text) = key.out_of_time(self.context) {
            self.situation.warn("client-key-out-of-time", text);
        }
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

/// The refusal where the client's own key is not to be had.
pub(super) fn without_key(row: u8, error: &KeyPairError) -> Refusal {
    Refusal::of(row, client_key::code(error))
        .told(error.to_string())
        .because(Cause::ClientKey)
}
