//! How a sign-on ends: with a refusal, with a failure, or with a session.

use super::{Ended, SignOn};
use crate::channel::{ALPN, Control, DataChannel, Session};
use crate::code::Code;
use crate::decision::{Decision, Security};
use crate::error::ConnectError;
use crate::handshake::{Failure, Handshaken, Unwelcome};
use crate::learnt;
use crate::level::Era;
use crate::report::{Authentication, Evidence, Outcome, Protection, Report, Used};
use crate::transport::reach;
use crate::wording::{self, Cause, Told};
use anchorhold_kernel::certificate::fingerprint;
use anchorhold_kernel::{Fingerprint, Verdict};
use rustls_pki_types::CertificateDer;

/// What a report says of its ending.
pub(super) struct Refusal {
    row: u8,
    code: Code,
    cause: Cause,
    detail: String,
    /// What the verdict itself says to do.
    advice: Option<String>,
    /// What the verdict says is held as another kind than would help.
    misfiled: Option<Fingerprint>,
}

impl Refusal {
    /// By a row of the table.
    pub(super) fn by(decision: Decision) -> Self {
        Self::of(decision.row, decision.code)
    }

    /// After a row of the table had let the sign-on go on.
    pub(super) fn of(row: u8, code: Code) -> Self {
        Self {
            row,
            code,
            cause: Cause::Rules,
            detail: String::new(),
            advice: None,
            misfiled: None,
        }
    }

    /// With what is known besides.
    pub(super) fn told(self, detail: impl Into<String>) -> Self {
        Self {
            detail: detail.into(),
            ..self
        }
    }

    /// With what a verdict says happened, and what to do about it.
    fn judged(self, verdict: Verdict) -> Self {
        Self {
            detail: verdict.message,
            advice: verdict.remedy,
            misfiled: verdict.misfiled,
            ..self
        }
    }

    /// With what led to it.
    pub(super) fn because(self, cause: Cause) -> Self {
        Self { cause, ..self }
    }
}

impl SignOn<'_> {
    /// A refusal: the ledger learns of the contact, and nothing else happens.
    pub(super) async fn refuse(self, refusal: Refusal) -> Result<Ended, ConnectError> {
        self.remember_contact().await?;
        Ok((self.report(Outcome::Refuse, &refusal), None))
    }

    /// What went wrong on the way, in the words of the rules.
    pub(super) async fn fail(
        mut self,
        decision: Decision,
        failure: Failure,
    ) -> Result<Ended, ConnectError> {
        let disproved = matches!(failure, Failure::BadSignature);
        let refused = |code| Refusal::of(decision.row, code);
        let refusal = match failure {
            Failure::Setup(error) => return Err(ConnectError::Tls(error)),
            Failure::BadSignature => {
                refused(Code::TlsFailed).told("its signature does not fit its certificate")
            }
            Failure::Broken(why) => refused(Code::TlsFailed).told(why),
            Failure::EarlyBytes => refused(Code::BytesBeforeTls),
            Failure::Incompatible(why) => refused(Code::TlsIncompatible).told(why),
            Failure::Key(error) => refused(Code::StoreUnavailable)
                .told(error.to_string())
                .because(Cause::ClientKey),
            Failure::NotTls(why) => refused(self.no_tls()).told(why).because(Cause::NoTls),
            Failure::Unreadable(chain, why) => return self.refuse_unreadable(&chain, why).await,
            Failure::Unreachable(error) => refused(Code::ServerUnreachable).told(error.to_string()),
            Failure::Unwelcome(unwelcome) => unwelcome_refusal(decision.row, unwelcome),
            Failure::Verdict(verdict) => {
                self.presented.clone_from(&verdict.chain);
                self.take_warnings(&verdict.warnings);
                refused(verdict.code.into()).judged(*verdict)
            }
        };
        self.remember_contact().await?;
        let mut report = self.report(Outcome::Refuse, &refusal);
        report.disproved = disproved;
        Ok((report, None))
    }

    /// The peer speaks no TLS; what that means hangs on what was known of it.
    fn no_tls(&self) -> Code {
        if self.situation.facts.security == Security::Strict {
            Code::Downgrade
        } else if self.evidence == Evidence::Unknown {
            Code::LevelUnknown
        } else {
            Code::TlsUnavailable
        }
    }

    pub(super) fn report(&self, outcome: Outcome, ending: &Refusal) -> Report {
        let (situation, code) = (&self.situation, ending.code);
        let told = Told {
            code,
            cause: ending.cause,
            detail: &ending.detail,
            advice: ending.advice.as_deref(),
            misfiled: ending.misfiled,
            presented: &self.presented,
        };
        let words = wording::of(self.server, situation, told);
        let mut report = Report::new(self.server, situation, outcome, ending.row, code, words);
        (report.level, report.evidence) = (self.level, self.evidence);
        report.presented.clone_from(&self.presented);
        report.client_certificate.clone_from(&self.shown);
        report
    }

    pub(super) fn take_chain(&mut self, chain: &[CertificateDer<'_>]) {
        self.presented = chain.iter().map(|der| fingerprint(der)).collect();
    }

    /// A contact without TLS session leaves a record, the highest claim, and in the journal what
    /// is worth a line there.
    async fn remember_contact(&self) -> Result<(), ConnectError> {
        let (server, claim) = (self.server.clone(), self.claim);
        let warnings = self.situation.warnings.clone();
        self.context
            .blocking(move |context| learnt::contact(context, &server, claim, &warnings))
            .await
    }

    /// The session opens: the ledger knows, so something may be sent.
    pub(super) async fn open(
        mut self,
        decision: Decision,
        shaken: Handshaken,
        used: Used,
    ) -> Result<Ended, ConnectError> {
        self.situation.facts.security = Security::Strict;
        let ending = Refusal::by(decision).told(used.store.as_str());
        let mut report = self.report(Outcome::Tls, &ending);
        report.tls_version = Some(shaken.version());
        report.key_exchange = shaken.group();
        report.metadata = Some(Protection::Encrypted);
        report.object_data = Some(Protection::Encrypted);
        report.certificate = Some(used);
        report.authentication = Some(match self.situation.era() {
            Some(Era::Earlier) => Authentication::Existing,
            Some(Era::Enhanced) | None => Authentication::Tls,
        });
        let data = self.open_data(&shaken, &mut report).await;
        let control = Control::tls(shaken.into_stream());
        Ok((report, Some(Session::new(control, data))))
    }

    /// What is offered: the data channel, where it would be used.
    pub(super) fn protocols(&self) -> &'static [&'static [u8]] {
        if self.wish.data_channel && !self.server.ssl {
            &[ALPN]
        } else {
            &[]
        }
    }

    /// Opens the data channel, where SSL is No, it was offered, and the peer agreed inside TLS.
    ///
    /// TLS 1.2 has none: nothing there tells this side that the master secret is the extended
    /// one, without which an exporter proves nothing.
    async fn open_data(&self, shaken: &Handshaken, report: &mut Report) -> Option<DataChannel> {
        if self.server.ssl {
            return None;
        }
        let missing = [
            (!shaken.offered(), "data-channel-not-offered"),
            (!shaken.selected(ALPN), "peer-has-no-data-channel"),
            (shaken.version() == "1.2", "tls-1.2-has-no-data-channel"),
        ];
        if let Some((_, reason)) = missing.into_iter().find(|(is, _)| *is) {
            report.object_data_reason = Some(reason);
            return None;
        }
        let limit = self.context.limits.connect;
        let opened = async {
            let (stream, _) = reach(self.context.dial.as_ref(), &[shaken.address], limit).await?;
            DataChannel::open(stream, shaken.connection()).await
        };
        let Ok(data) = opened.await else {
            report.object_data_reason = Some("data-channel-failed");
            return None;
        };
        report.object_data = Some(Protection::Clear);
        Some(data)
    }
}

/// The refusal where a server that wants a certificate of the client did not go on.
fn unwelcome_refusal(row: u8, unwelcome: Unwelcome) -> Refusal {
    let (said, cause) = match unwelcome {
        Unwelcome::NoScheme(said) => (
            format!("the key signs in no way that the server asks for, and {said}"),
            Cause::ClientKey,
        ),
        Unwelcome::Refused(said) => (said, Cause::ClientKey),
        Unwelcome::Unshown(said) => (said, Cause::ClientKeyWanted),
    };
    Refusal::of(row, Code::TlsFailed).told(said).because(cause)
}
