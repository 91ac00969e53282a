//! The whole sign-on: ask, decide, shake hands, accept or judge, record, and only then a session.

mod ending;
mod first_use;
mod floor;
mod held;
mod learning;

use crate::accept;
use crate::channel::{Control, Session};
use crate::code::Code;
use crate::context::Context;
use crate::decision::{Decision, Then};
use crate::error::ConnectError;
use crate::handshake::Failure;
use crate::learnt;
use crate::level::Level;
use crate::precondition::refused_before_contact;
use crate::report::{Authentication, Evidence, Outcome, Protection, Report, Shown};
use crate::server::Server;
use crate::situation::Situation;
use crate::transport::{reach, resolve};
use anchorhold_state::Fingerprint;
use ending::Refusal;
use std::net::SocketAddr;

/// What a caller wants of a session besides the session.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wish {
    /// A data channel, where SSL is No and the peer has one.
    pub data_channel: bool,
}

/// What a sign-on came to: the report, and the session where there is one.
pub type Ended = (Report, Option<Session>);

/// Signs on to a server. A refusal is a report; an error is a fault of this machine.
pub async fn connect(
    context: &Context,
    server: &Server,
    wish: Wish,
) -> Result<Ended, ConnectError> {
    for _ in 0..ATTEMPTS {
        let owned = server.clone();
        let situation = context
            .blocking(move |context| {
                accept::settle_server(context, &owned)?;
                Situation::look(context, &owned)
            })
            .await?;
        let sign_on = SignOn::new(context, server, wish, situation);
        if let Some(ended) = sign_on.run().await? {
            return Ok(ended);
        }
    }
    Err(ConnectError::Overtaken)
}

/// How often a sign-on begins again because another process came first; once is enough for the
/// other to have accepted or imported what this one then finds.
const ATTEMPTS: usize = 3;

/// A sign-on under way.
struct SignOn<'a> {
    context: &'a Context,
    server: &'a Server,
    situation: Situation,
    wish: Wish,
    addresses: Vec<SocketAddr>,
    /// The level that was decided by.
    level: Option<Level>,
    evidence: Evidence,
    /// The highest level that the server claimed to have, in clear or inside TLS.
    claim: Option<Level>,
    presented: Vec<Fingerprint>,
    /// The client's own certificate, once a server has asked for it and got it.
    shown: Option<Shown>,
}

impl<'a> SignOn<'a> {
    fn new(context: &'a Context, server: &'a Server, wish: Wish, situation: Situation) -> Self {
        Self {
            context,
            server,
            situation,
            wish,
            addresses: Vec::new(),
            level: None,
            evidence: Evidence::NotAsked,
            claim: None,
            presented: Vec::new(),
            shown: None,
        }
    }

    /// `None` where another process changed what is held, and all has to be asked again.
    async fn run(mut self) -> Result<Option<Ended>, ConnectError> {
        let first = self.decide();
        if first.code == Code::TransportUnsupported {
            return self.refuse(Refusal::by(first)).await.map(Some);
        }
        if let Some(code) = refused_before_contact(self.server) {
            return self.refuse(Refusal::of(first.row, code)).await.map(Some);
        }
        let limit = self.context.limits.connect;
        match resolve(&self.server.host, self.server.port, limit).await {
            Ok(addresses) => self.addresses = addresses,
            Err(error) => {
                return self
                    .fail(first, Failure::Unreachable(error))
                    .await
                    .map(Some);
            }
        }
        if let Err(failure) = self.learn_level().await {
            let decision = self.decide();
            return self.fail(decision, failure).await.map(Some);
        }
        let decision = self.decide();
        match decision.then {
            Then::Refuse => self.refuse(Refusal::by(decision)).await.map(Some),
            Then::Plain => self.go_plain(decision).await,
            Then::Tls => self.go_held(decision).await.map(Some),
            Then::Accept | Then::Look => self.go_first_use(decision).await,
        }
    }

    fn decide(&self) -> Decision {
        self.context.rules.decide(&self.situation.facts)
    }

    /// The existing protocol goes on, on a connection of its own.
    async fn go_plain(mut self, decision: Decision) -> Result<Option<Ended>, ConnectError> {
        let dial = self.context.dial.as_ref();
        let stream = match reach(dial, &self.addresses, self.context.limits.connect).await {
            Ok((stream, _)) => stream,
            Err(error) => {
                return self
                    .fail(decision, Failure::Unreachable(error))
                    .await
                    .map(Some);
            }
        };
        // The answer took its time, and another process may have made the server strict.
        self.look_again().await?;
        let decision = self.decide();
        match decision.then {
            Then::Plain => {}
            Then::Refuse => return self.refuse(Refusal::by(decision)).await.map(Some),
            Then::Accept | Then::Look | Then::Tls => return Ok(None),
        }
        let mut report = self.report(Outcome::Plain, &Refusal::by(decision));
        report.authentication = Some(Authentication::Existing);
        report.object_data = Some(Protection::Clear);
        report.metadata = Some(Protection::Clear);
        Ok(Some((
            report,
            Some(Session::new(Control::plain(stream), None)),
        )))
    }

    /// Records the contact, and takes a fresh look at ledger and stores.
    async fn look_again(&mut self) -> Result<(), ConnectError> {
        let (server, claim, told) = (self.server.clone(), self.claim, self.situation.facts);
        self.situation = self
            .context
            .blocking(move |context| {
                learnt::contact(context, &server, claim, &[])?;
                Ok(Situation::look(context, &server)?.told(&told))
            })
            .await?;
        Ok(())
    }
}

const NAME_MISMATCH: Code = Code::Verdict(anchorhold_kernel::Code::NameMismatch);
