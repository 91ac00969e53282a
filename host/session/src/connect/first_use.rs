//! First contact: see what the server presents, ask the table again, and accept or refuse.

use super::ending::Refusal;
use super::held::without_key;
use super::{Ended, SignOn};
use crate::accept::{Accepted, accept};
use crate::client_key::ClientKey;
use crate::decision::{Decision, Presented, Then};
use crate::error::ConnectError;
use crate::handshake::{Failure, Handshaken};
use crate::report::Used;
use anchorhold_kernel::acceptance::{self, Presented as Seen};
use anchorhold_kernel::certificate::moment;
use anchorhold_kernel::tls::Verifier;
use anchorhold_kernel::{self as kernel, How, NameCheck, Question};
use anchorhold_state::Fingerprint;
use rustls_pki_types::CertificateDer;

impl SignOn<'_> {
    pub(super) async fn go_first_use(
        mut self,
        decision: Decision,
    ) -> Result<Option<Ended>, ConnectError> {
        // Nothing is accepted for a session that then cannot be.
        let key = match self.find_key().await? {
            Ok(key) => key,
            Err(error) => {
                let refusal = without_key(decision.row, &error);
                return self.refuse(refusal).await.map(Some);
            }
        };
        let shaken = match self.shake_first().await {
            Ok(shaken) => shaken,
            Err(failure) => return self.fail(decision, failure).await.map(Some),
        };
        let chain = shaken.chain();
        let seen = self.take_presented(&chain);
        let decision = self.decide();
        let (Then::Accept, Seen::SelfSigned(fingerprint), [certificate]) =
            (decision.then, &seen, &chain[..])
        else {
            return self
                .refuse(Refusal::by(decision).told(words(&seen)))
                .await
                .map(Some);
        };
        if let Some(refusal) = self.below_tls_floor(decision.row, &shaken) {
            return self.refuse(refusal).await.map(Some);
        }
        if let Some(refusal) = self.below_level_floor(decision.row) {
            return self.refuse(refusal).await.map(Some);
        }
        self.take_certificate(decision, shaken, key, *fingerprint, certificate.to_vec())
            .await
    }

    /// Shakes hands with a server that nothing vouches for yet. The client's own key is not shown
    /// to it: whoever answers has proved that it has some key, and not that it is the server.
    ///
    /// One that does not go on without is refused, and nothing is accepted from it.
    async fn shake_first(&mut self) -> Result<Handshaken, Failure> {
        let mut shaken = self.shake(Verifier::capture(), self.protocols()).await?;
        self.take_chain(&shaken.chain());
        shaken.confirm(self.context.limits.level).await?;
        Ok(shaken)
    }

    async fn take_certificate(
        mut self,
        decision: Decision,
        shaken: Handshaken,
        key: Option<ClientKey>,
        fingerprint: Fingerprint,
        der: Vec<u8>,
    ) -> Result<Option<Ended>, ConnectError> {
        let used = Used {
            fingerprint,
            store: String::new(),
            how: How::Pin,
        };
        let learnt = self.learnt(&shaken, &used);
        let (server, facts) = (self.server.clone(), self.situation.facts);
        let accepted = self
            .context
            .blocking(move |context| accept(context, &server, der, &learnt, &facts))
            .await?;
        match accepted {
            Accepted::Overtaken => Ok(None),
            // The key is shown on a connection of its own, to a server that the certificate which
            // is held from now on vouches for.
            Accepted::Kept { .. } if key.is_some() && shaken.is_asked() => {
                drop(shaken);
                self.look_again().await?;
                self.go_with(key, decision).await.map(Some)
            }
            Accepted::Kept { store } => {
                self.take_shown(key.as_ref(), &shaken);
                self.open(decision, shaken, Used { store, ..used })
                    .await
                    .map(Some)
            }
            Accepted::Refused { code, why } => self
                .refuse(Refusal::of(decision.row, code).told(why))
                .await
                .map(Some),
        }
    }

    /// A handshake that broke on the certificate itself is refused for what the certificate is.
    pub(super) async fn refuse_unreadable(
        mut self,
        chain: &[CertificateDer<'static>],
        why: String,
    ) -> Result<Ended, ConnectError> {
        let mut seen = self.take_presented(chain);
        if let Seen::SelfSigned(_) = seen {
            self.situation.facts.presented = Presented::Unacceptable;
            seen = Seen::Unacceptable(why);
        }
        let decision = self.decide();
        self.refuse(Refusal::by(decision).told(words(&seen))).await
    }

    /// Takes down what was presented, and says what it is.
    fn take_presented(&mut self, chain: &[CertificateDer<'static>]) -> Seen {
        self.take_chain(chain);
        let seen = self.assess(chain);
        self.situation.facts.presented = match &seen {
            Seen::CaSigned(_) => Presented::CaSigned,
            Seen::SelfSigned(_) => Presented::SelfSigned,
            Seen::Unacceptable(_) => Presented::Unacceptable,
        };
        seen
    }

    /// What the acceptance rows see in a chain: the policy's and the stores' word included.
    fn assess(&self, chain: &[CertificateDer<'static>]) -> Seen {
        let at = moment(self.context.now().unix_timestamp());
        let seen = acceptance::assess(chain, at);
        let Seen::SelfSigned(fingerprint) = &seen else {
            return seen;
        };
        if let Some(expected) = self
            .server
            .policy
            .expect
            .filter(|expect| expect != fingerprint)
        {
            return Seen::Unacceptable(format!(
                "it is {fingerprint}, and the policy expects {expected}"
            ));
        }
        let question = Question {
            name: &NameCheck::Off,
            at,
            checks: self.context.checks,
        };
        let verdict = self.situation.view.judge(chain, &question);
        if verdict.code == kernel::Code::Distrusted {
            return Seen::Unacceptable(verdict.message);
        }
        seen
    }
}

fn words(seen: &Seen) -> String {
    match seen {
        Seen::CaSigned(why) | Seen::Unacceptable(why) => why.clone(),
        Seen::SelfSigned(fingerprint) => fingerprint.to_string(),
    }
}
