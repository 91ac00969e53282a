//! Asking for the level, in clear and inside TLS, each only where the answer can matter.

use super::SignOn;
use crate::client_key::ClientKey;
use crate::decision::{Levels, Then};
use crate::handshake::{Failure, Handshaken, handshake};
use crate::identify::Identity;
use crate::level::Level;
use crate::question::ask;
use crate::report::Evidence;
use crate::transport::reach;
use anchorhold_kernel::tls::Verifier;
use std::sync::Arc;

impl SignOn<'_> {
    /// Learns what the decision hangs on.
    pub(super) async fn learn_level(&mut self) -> Result<(), Failure> {
        if let Some(level) = self.server.policy.level {
            (self.level, self.evidence) = (Some(level), Evidence::Declared);
        }
        if self.situation.facts.ask_in_clear() {
            self.ask_in_clear().await?;
        }
        let decision = self.decide();
        let told = self.situation.facts.levels.for_acceptance();
        let hangs_on_it = decision.then == Then::Look
            || (decision.row == ROW_ACCEPTS_FROM_ENHANCED && told.is_none());
        if hangs_on_it && let Some(identity) = self.ask_inside(Verifier::capture(), None).await? {
            self.take_inside(&identity);
        }
        Ok(())
    }

    /// The question on a connection of its own; the session later goes to the same address.
    async fn ask_in_clear(&mut self) -> Result<(), Failure> {
        let dial = self.context.dial.as_ref();
        let reached = reach(dial, &self.addresses, self.context.limits.connect).await;
        let (mut stream, address) = reached.map_err(Failure::Unreachable)?;
        self.addresses = vec![address];
        match ask(&mut stream, self.context.limits.level).await {
            Ok(identity) => {
                (self.level, self.evidence) = (Some(identity.level), Evidence::Announced);
                self.take_claim(identity.level);
                self.situation.announced(identity.level);
            }
            Err(why) if self.server.policy.level.is_none() => {
                self.evidence = Evidence::Unknown;
                self.situation
                    .warn("level-unanswered", format!("the level is unknown: {why}"));
            }
            Err(_) => {}
        }
        Ok(())
    }

    /// The question inside TLS, on a connection of its own that is then closed.
    pub(super) async fn ask_inside(
        &mut self,
        verifier: Arc<Verifier>,
        key: Option<&ClientKey>,
    ) -> Result<Option<Identity>, Failure> {
        let shaken = self.shake_with(verifier, key, &[]).await?;
        let mut stream = shaken.into_stream();
        Ok(ask(&mut stream, self.context.limits.level).await.ok())
    }

    pub(super) fn take_inside(&mut self, identity: &Identity) {
        let levels = &mut self.situation.facts.levels;
        *levels = Levels {
            inside: Some(identity.level.era()),
            ..*levels
        };
        self.situation.facts.ldap |= identity.ldap;
        (self.level, self.evidence) = (Some(identity.level), Evidence::InsideTls);
        self.take_claim(identity.level);
    }

    /// The highest claim is what a later one is held against, wherever it was made.
    fn take_claim(&mut self, level: Level) {
        self.claim = self.claim.max(Some(level));
    }

    /// Connects and shakes hands; what follows goes to the same address.
    pub(super) async fn shake(
        &mut self,
        verifier: Arc<Verifier>,
        protocols: &[&[u8]],
    ) -> Result<Handshaken, Failure> {
        self.shake_with(verifier, None, protocols).await
    }

    /// The same, with a key that is shown to the server where it asks for a certificate.
    pub(super) async fn shake_with(
        &mut self,
        verifier: Arc<Verifier>,
        key: Option<&ClientKey>,
        protocols: &[&[u8]],
    ) -> Result<Handshaken, Failure> {
        let addresses = &self.addresses;
        let (context, server) = (self.context, self.server);
        let shaken = handshake(context, server, addresses, verifier, key, protocols).await?;
        self.addresses = vec![shaken.address];
        Ok(shaken)
    }
}

/// The row that lets acceptance apply to enhanced servers only.
const ROW_ACCEPTS_FROM_ENHANCED: u8 = 13;
