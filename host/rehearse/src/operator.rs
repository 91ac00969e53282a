//! The operator's own servers, before and after their upgrade.
//!
//! The operator's home is only read. For each server a home of its own is made with what is known
//! of the server: its options and policy, whether it is strict, and whether a certificate is held
//! and until when. Nobody has the servers' keys here, so stand-ins are held and presented in the
//! place of the certificates that are really held, with the same dates.

mod known;
mod stand_in;

use crate::program::Markers;
use crate::server::{self, Character};
use crate::stage::{Trouble, blocking, down, import, mark, state_dir};
use crate::tap::Tap;
use crate::{AT_ONCE, MakePlans, Played, Progress, Running, StepResult, StoryResult, broken_off};
use anchorhold_kernel::{Kernel, KernelOptions, Registry};
use anchorhold_session::code::Code;
use anchorhold_session::connect::{Wish, connect};
use anchorhold_session::context::Context;
use anchorhold_session::level::Level;
use anchorhold_session::report::{Outcome, Report};
use anchorhold_session::server::Server;
use anchorhold_state::State;
use known::Known;
use stand_in::StandIns;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use time::OffsetDateTime;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// The operator's own servers, and what is known of them.
#[derive(Clone)]
pub struct OwnServers {
    /// The operator's stores and ledger, which are only read.
    pub context: Context,
    /// The servers, as option files and policies describe them.
    pub servers: Vec<Server>,
    /// Makes the store of a home that something stands in.
    pub make_plans: MakePlans,
    /// Is told of each server when it has been rehearsed.
    pub progress: Option<Progress>,
}

impl fmt::Debug for OwnServers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self
            .servers
            .iter()
            .map(|server| server.name.as_str())
            .collect();
        f.debug_struct("OwnServers")
            .field("servers", &names)
            .finish_non_exhaustive()
    }
}

/// Rehearses every server; one that would have no session, before or after, has not passed.
pub async fn play(own: &OwnServers) -> Played {
    let mut played = Played::default();
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let mut running = Vec::new();
    for server in &own.servers {
        let (own, owned, turns) = (own.clone(), server.clone(), Arc::clone(&turns));
        let rehearsing = Running::start(async move {
            // The semaphore is never closed; without a turn this would only come early.
            let _turn = turns.acquire_owned().await;
            to_the_end(&own, &owned).await
        });
        running.push((server, rehearsing));
    }
    for (server, rehearsing) in running {
        let steps = rehearsing.end().await;
        let title = "your own server, before and after its upgrade".to_owned();
        let result = StoryResult::new(server.name.to_string(), title, steps);
        if let Some(progress) = &own.progress {
            progress(&result);
        }
        played.add(result);
    }
    played
}

async fn to_the_end(own: &OwnServers, server: &Server) -> Vec<StepResult> {
    let mut steps = Vec::new();
    match timeout(LONGEST, rehearse(own, server, &mut steps)).await {
        Ok(Ok(())) => {}
        Ok(Err(trouble)) => steps.push(broken_off(&trouble.to_string())),
        Err(_) => steps.push(broken_off("the rehearsal took too long")),
    }
    steps
}

async fn rehearse(
    own: &OwnServers,
    server: &Server,
    steps: &mut Vec<StepResult>,
) -> Result<(), Trouble> {
    let (context, owned) = (own.context.clone(), server.clone());
    let known = blocking(move || Known::look(&context, &owned)).await?;
    steps.push(StepResult {
        did: "read what is known of it; stand-ins with the same dates play its certificates"
            .to_owned(),
        expected: "whatever is known".to_owned(),
        got: known.to_string(),
        passed: true,
    });
    let level = known.level.unwrap_or(EARLIER);
    let scene = Scene::set(own, server, &known, level, false).await?;
    let now = scene.sign_on().await?;
    if known.is_enhanced() {
        steps.push(outlook("as it is now, at an enhanced level", &now, None));
        scene.strike().await;
        return Ok(());
    }
    steps.push(outlook(
        "before the upgrade, at an earlier level",
        &now,
        None,
    ));
    scene.upgrade();
    let after = scene.sign_on().await?;
    scene.strike().await;
    let otherwise = match after.code {
        Code::AcceptedOnFirstUse => Some(with_ca(own, server, &known).await?),
        _ => None,
    };
    let did = "after the upgrade, at an enhanced level";
    steps.push(outlook(did, &after, otherwise.as_ref()));
    Ok(())
}

/// What acceptance comes to where the certificate is not self-signed, as it may well be.
async fn with_ca(own: &OwnServers, server: &Server, known: &Known) -> Result<Report, Trouble> {
    let scene = Scene::set(own, server, known, ENHANCED, true).await?;
    let report = scene.sign_on().await?;
    scene.strike().await;
    Ok(report)
}

/// A home with what is known of one server, and a server that stands in for it.
struct Scene {
    /// Goes last: the stores and the ledger are in it.
    home: TempDir,
    context: Context,
    server: Server,
    running: server::Server,
    tap: Tap,
}

impl Scene {
    async fn set(
        own: &OwnServers,
        server: &Server,
        known: &Known,
        level: Level,
        ca_signed: bool,
    ) -> Result<Self, Trouble> {
        let home = tempfile::Builder::new()
            .prefix("anchorhold-rehearsal-")
            .tempdir()?;
        let stand_ins = StandIns::make(known, server, ca_signed, OffsetDateTime::now_utc())?;
        let mut character = Character::new(level, stand_ins.presented.clone());
        character.ldap = server.ldap();
        let running = server::Server::start(character, server.ssl).await?;
        let port = running
            .ssl_only_address()
            .unwrap_or_else(|| running.address());
        let tap = Tap::open(port).await?;
        let mut moved = server.clone();
        moved.host = tap.address().ip().to_string();
        moved.port = tap.address().port();
        moved.policy.stores = None;
        moved.policy.accept_into = None;
        moved.policy.expect = None;
        let context = open(own, &home, known).await?;
        let (opened, name, known) = (context.clone(), server.name.clone(), known.clone());
        blocking(move || {
            for (der, kind) in &stand_ins.held {
                import(&opened.kernel, &opened.state, der, &name, Some(*kind))?;
            }
            mark(&opened.state, &name, known.strict, known.lowered)
        })
        .await?;
        Ok(Self {
            home,
            context,
            server: moved,
            running,
            tap,
        })
    }

    /// Signs on and sends the markers; a session over which they do not arrive is none.
    async fn sign_on(&self) -> Result<Report, Trouble> {
        let wish = Wish { data_channel: true };
        let (report, session) = connect(&self.context, &self.server, wish).await?;
        if let Some(mut session) = session {
            let delivered = Markers::fresh()?.send(&mut session).await;
            session.close().await;
            delivered?;
        }
        Ok(report)
    }

    fn upgrade(&self) {
        self.running.change(|character| {
            character.level = ENHANCED;
            character.versions = server::Versions::Both;
        });
    }

    async fn strike(self) {
        drop(self.tap);
        self.running.stop().await;
        drop(self.context);
        drop(self.home);
    }
}

async fn open(own: &OwnServers, home: &TempDir, known: &Known) -> Result<Context, Trouble> {
    let mut plans = (own.make_plans)(home.path());
    if known.is_silent() {
        plans.push(down(home.path()));
    }
    let state_dir = state_dir(home.path());
    let actor = own.context.actor.clone();
    blocking(move || {
        let kernel = Kernel::open(plans, &Registry::builtin(), KernelOptions::default());
        let state = State::open(&state_dir)?;
        let clock = Arc::new(OffsetDateTime::now_utc);
        Ok(Context::new(
            Arc::new(kernel),
            Arc::new(state),
            actor,
            clock,
        ))
    })
    .await
}

fn outlook(did: &str, report: &Report, otherwise: Option<&Report>) -> StepResult {
    let mut got = told(report);
    if let Some(other) = otherwise {
        let code = other.code;
        let note = remedy(other);
        got.push_str(&format!("; were its certificate CA-signed: {code}{note}"));
    }
    StepResult {
        did: did.to_owned(),
        expected: "a session".to_owned(),
        got,
        passed: report.decision != Outcome::Refuse,
    }
}

fn told(report: &Report) -> String {
    let mut parts = vec![format!("{}, {}", report.decision.as_str(), report.code)];
    if report.row != 0 {
        parts.push(format!("row {}", report.row));
    }
    if let Some(version) = report.tls_version {
        parts.push(format!("TLS {version}"));
    }
    if let (Some(metadata), Some(object)) = (report.metadata, report.object_data) {
        parts.push(format!("metadata {}", metadata.as_str()));
        parts.push(format!("object data {}", object.as_str()));
    }
    for warning in &report.warnings {
        parts.push(format!("warning {}", warning.code));
    }
    let mut text = parts.join(", ");
    if report.decision == Outcome::Refuse {
        text.push_str(&remedy(report));
    }
    text
}

/// What is missing: the command that gives it, or the advice.
fn remedy(report: &Report) -> String {
    let Some(remedy) = &report.remedy else {
        return String::new();
    };
    let note = &remedy.note;
    match remedy.command.join(" ") {
        command if command.is_empty() => format!("; missing: {note}"),
        command if note.is_empty() => format!("; missing: anchorhold {command}"),
        command => format!("; missing: anchorhold {command} ({note})"),
    }
}

const EARLIER: Level = Level::new(8, 1, 1, 0);
const ENHANCED: Level = Level::new(8, 1, 2, 0);
const LONGEST: Duration = Duration::from_secs(60);
