//! The stage of one act: a home, stores and ledger in it, the servers, and the tap before each.

mod cast;
mod deed;
mod ledger;
mod report;
mod sweep;
mod trust;
mod wire;

pub(crate) use trust::{import, mark};

use crate::story::{Act, Observed, Part, Script, Step};
use crate::{Knife, MakePlans, OpenStores, StepResult, broken_off};
use anchorhold_kernel::plan::StorePlan;
use anchorhold_kernel::{Kernel, ServerName};
use anchorhold_session::accept;
use anchorhold_session::context::Context;
use anchorhold_session::options::{self, Source, SourceRole};
use anchorhold_session::server::Server;
use anchorhold_session::transport::{Dial, Dialling, Direct};
use anchorhold_state::{Actor, State};
use cast::{House, Notary};
use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use time::OffsetDateTime;
use tokio::time::timeout;

/// What all acts are played with.
pub(crate) struct Troupe {
    pub(crate) make_plans: MakePlans,
    pub(crate) open_stores: OpenStores,
    pub(crate) knife: Option<Knife>,
    /// The stores outlive the act, and were empty before it.
    pub(crate) shared_stores: bool,
}

/// Plays one act from an empty home; what goes wrong on the stage itself is a failed step.
pub(crate) async fn play(troupe: &Troupe, act: &Act) -> Vec<StepResult> {
    let mut steps = Vec::new();
    let playing = async {
        let mut stage = Stage::set(troupe, act).await?;
        for step in &act.steps {
            steps.push(stage.play(act, step).await);
        }
        stage.strike().await;
        Ok::<(), Trouble>(())
    };
    match timeout(LONGEST_ACT, playing).await {
        Ok(Ok(())) => {}
        Ok(Err(trouble)) => steps.push(broken_off(&trouble.to_string())),
        Err(_) => steps.push(broken_off("the act took too long")),
    }
    // The stores do not lie in the home, which is gone by now.
    if troupe.shared_stores
        && let Err(trouble) = sweep::sweep(troupe, Path::new("")).await
    {
        steps.push(broken_off(&format!(
            "the store was not emptied again: {trouble}"
        )));
    }
    steps
}

/// Something that does not work on the stage, and is no answer of the program.
#[derive(Debug)]
pub(crate) struct Trouble(String);

impl Trouble {
    fn absent(server: &str) -> Self {
        Self(format!("there is no server {server}"))
    }

    /// The error with all its causes, on one line.
    fn of(error: &dyn std::error::Error) -> Self {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        Self(text)
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<E: std::error::Error> From<E> for Trouble {
    fn from(error: E) -> Self {
        Self::of(&error)
    }
}

/// One server's stanza, and the server behind it.
struct Role {
    house: Arc<House>,
    script: Script,
}

/// What the program has open while it runs.
#[derive(Clone)]
struct Opened {
    kernel: Arc<Kernel>,
    state: Arc<State>,
}

/// The stage of one act.
struct Stage<'a> {
    troupe: &'a Troupe,
    home: TempDir,
    notary: Notary,
    roles: BTreeMap<&'static str, Role>,
    line: Arc<Line>,
    patience: Duration,
    store_down: bool,
    opened: Option<Opened>,
}

impl<'a> Stage<'a> {
    async fn set(troupe: &'a Troupe, act: &Act) -> Result<Self, Trouble> {
        let mut stage = Self {
            troupe,
            home: tempfile::Builder::new()
                .prefix("anchorhold-rehearsal-")
                .tempdir()?,
            notary: Notary::new(OffsetDateTime::now_utc())?,
            roles: BTreeMap::new(),
            line: Arc::default(),
            patience: act.patience,
            store_down: false,
            opened: None,
        };
        for part in &act.cast {
            let house = stage.house(part).await?;
            let script = part.script.clone();
            stage.roles.insert(part.name, Role { house, script });
        }
        Ok(stage)
    }

    async fn house(&self, part: &Part) -> Result<Arc<House>, Trouble> {
        match part.same_as {
            Some(name) => Ok(Arc::clone(&self.role(name)?.house)),
            None => Ok(Arc::new(House::open(part, &self.notary).await?)),
        }
    }

    async fn play(&mut self, act: &Act, step: &Step) -> StepResult {
        let mut observed = Observed::default();
        let mut trouble = None;
        for action in &step.actions {
            if let Err(why) = self.act(action, &mut observed).await {
                trouble = Some(why);
                break;
            }
        }
        let did = match act.name {
            "" => step.did.to_owned(),
            name => format!("{name}: {}", step.did),
        };
        StepResult {
            did,
            expected: step.expected.to_string(),
            got: match &trouble {
                Some(trouble) => format!("error: {trouble}"),
                None => step.expected.got(&observed),
            },
            passed: trouble.is_none() && step.expected.met_by(&observed),
        }
    }

    /// Ends servers and taps before the home goes.
    async fn strike(mut self) {
        self.opened = None;
        for role in std::mem::take(&mut self.roles).into_values() {
            if let Some(house) = Arc::into_inner(role.house) {
                house.close().await;
            }
        }
    }

    fn role(&self, name: &str) -> Result<&Role, Trouble> {
        self.roles.get(name).ok_or_else(|| Trouble::absent(name))
    }

    /// The server as the option file and the policy make it, through the parser of option files.
    fn server(&self, name: &'static str) -> Result<Server, Trouble> {
        let role = self.role(name)?;
        let address = role.house.address(role.script.door)?;
        let mut text = format!(
            "SErvername {name}\n  TCPServeraddress {}\n  TCPPort {}\n",
            address.ip(),
            address.port()
        );
        for line in role.script.options {
            text.push_str(&format!("  {line}\n"));
        }
        let parsed = options::parse(&[Source {
            path: Path::new("dsm.sys"),
            bytes: text.as_bytes(),
            role: SourceRole::System,
        }])?;
        let stanza = parsed
            .stanza(name)
            .ok_or_else(|| Trouble(format!("no stanza is called {name}")))?;
        let mut policy = role.script.policy.clone().policy()?;
        if self.troupe.shared_stores && policy.accept_into.is_none() {
            // By itself acceptance writes to files only; here it is the store that is rehearsed.
            let plans = (self.troupe.make_plans)(self.home.path());
            policy.accept_into = plans.first().map(|plan| plan.name.clone());
        }
        Ok(Server::from_stanza(stanza, policy))
    }

    /// What the program has open; it opens everything at its first need, as a program does that
    /// starts.
    async fn opened(&mut self) -> Result<Opened, Trouble> {
        if let Some(opened) = &self.opened {
            return Ok(opened.clone());
        }
        let (plans, open_stores) = (self.plans(), Arc::clone(&self.troupe.open_stores));
        let state_dir = self.state_dir();
        let opened = blocking(move || {
            Ok(Opened {
                kernel: Arc::new(open_stores(plans)),
                state: Arc::new(State::open(&state_dir)?),
            })
        })
        .await?;
        self.opened = Some(opened.clone());
        Ok(opened)
    }

    /// The program ends and starts again, and settles what it finds.
    async fn restart(&mut self) -> Result<(), Trouble> {
        self.opened = None;
        let context = self.context().await?;
        blocking(move || {
            accept::settle(&context)?;
            Ok(())
        })
        .await
    }

    async fn context(&mut self) -> Result<Context, Trouble> {
        let opened = self.opened().await?;
        let clock = Arc::new(OffsetDateTime::now_utc);
        let mut context = Context::new(opened.kernel, opened.state, actor(), clock);
        context.limits.level = self.patience;
        let line: Arc<Line> = Arc::clone(&self.line);
        context.dial = line;
        if let Some(knife) = &self.troupe.knife {
            knife(&mut context);
        }
        Ok(context)
    }

    fn plans(&self) -> Vec<StorePlan> {
        let mut plans = (self.troupe.make_plans)(self.home.path());
        if self.store_down {
            plans.push(down(self.home.path()));
        }
        plans
    }

    fn state_dir(&self) -> PathBuf {
        state_dir(self.home.path())
    }
}

/// A store that cannot be opened, because its plugin is not there.
pub(crate) fn down(home: &Path) -> StorePlan {
    StorePlan::new("second", "anchorhold.rehearsal.absent", home)
}

/// The way to the servers. Where bytes are injected it waits until they have arrived, so that a
/// story about them cannot end differently on a slow machine.
#[derive(Debug, Default)]
struct Line {
    waits_for_bytes: AtomicBool,
}

impl Dial for Line {
    fn dial(&self, to: SocketAddr) -> Dialling {
        let waits = self.waits_for_bytes.load(Ordering::SeqCst);
        Box::pin(async move {
            let stream = Direct.dial(to).await?;
            if waits {
                timeout(INJECTION, stream.readable()).await??;
            }
            Ok(stream)
        })
    }
}

/// Where a home keeps its ledger.
pub(crate) fn state_dir(home: &Path) -> PathBuf {
    home.join("state")
}

fn actor() -> Actor {
    Actor::new("operator", "rehearsal")
}

fn name_of(server: &str) -> ServerName {
    ServerName::new(server)
}

/// Runs what waits for a disk or a lock where it holds up no other act.
pub(crate) async fn blocking<T, F>(work: F) -> Result<T, Trouble>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, Trouble> + Send + 'static,
{
    tokio::task::spawn_blocking(work).await?
}

/// No act takes longer, but on a machine where something hangs.
const LONGEST_ACT: Duration = Duration::from_secs(100);
const INJECTION: Duration = Duration::from_secs(10);
