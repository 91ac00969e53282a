//! What a command works on, each part opened when it is first needed.

use std::cell::OnceCell;
use std::sync::Arc;

use anchorhold_boundary::link::Program;
use anchorhold_boundary::services::{LogLevel, LogSink};
use anchorhold_kernel::import::{self, KnownServer};
use anchorhold_kernel::incidents::LedgerIncidents;
use anchorhold_kernel::plan::StorePlan;
use anchorhold_kernel::{Kernel, KernelOptions, PluginEntry, Registry, ServerName};
use anchorhold_session::accept;
use anchorhold_session::context::Context;
use anchorhold_session::error::ConnectError;
use anchorhold_session::server::Server;
use anchorhold_state::{Actor, ScopeTable, State};
use time::OffsetDateTime;

use crate::actor;
use crate::args::Globals;
use crate::builtin;
use crate::commands::from_import;
use crate::config::Config;
use crate::exit::{Exit, Failure};
use crate::invocation::Invocation;
use crate::output::say;
use crate::ownership::STATE_UNAVAILABLE;
use crate::paths::Paths;
use crate::program::RUNNER;
use crate::prompter;
use crate::servers::Servers;
use crate::settled;

/// What a command works on.
#[derive(Debug)]
pub(crate) struct Home {
    /// Where things are.
    pub(crate) paths: Paths,
    /// How the program was called.
    pub(crate) invocation: Invocation,
    globals: Globals,
    config: OnceCell<Config>,
    servers: OnceCell<Servers>,
    registry: OnceCell<Registry>,
    kernel: OnceCell<Arc<Kernel>>,
    state: OnceCell<Arc<State>>,
}

impl Home {
    /// A home of which nothing is opened yet.
    pub(crate) fn new(paths: Paths, invocation: Invocation, globals: Globals) -> Self {
        Self {
            paths,
            invocation,
            globals,
            config: OnceCell::new(),
            servers: OnceCell::new(),
            registry: OnceCell::new(),
            kernel: OnceCell::new(),
            state: OnceCell::new(),
        }
    }

    /// The options that every command takes.
    pub(crate) fn globals(&self) -> &Globals {
        &self.globals
    }

    /// anchorhold.toml.
    pub(crate) fn config(&self) -> Result<&Config, Failure> {
        open(&self.config, || Config::read(&self.paths))
    }

    /// Takes what of the configuration can be used, and tells all that is wrong with the rest.
    pub(crate) fn salvage(&self) -> Vec<Failure> {
        let (config, faults) = Config::salvage(&self.paths);
        // What was read before is whole, and stays.
        let _ = self.config.set(config);
        faults
    }

    /// The servers; the files that name them, and what is odd about them, are told once.
    pub(crate) fn servers(&self) -> Result<&Servers, Failure> {
        open(&self.servers, || {
            let servers = Servers::read(&self.globals, self.config()?, &self.paths)?;
            if self.globals.verbose {
                if let Some(file) = &self.config()?.file {
                    say("config", &file.display().to_string());
                }
                for file in &servers.files {
                    say("options", &file.display().to_string());
                }
                servers.notes.iter().for_each(|note| say("note", note));
            }
            for warning in &servers.warnings {
                say("warning", warning);
            }
            Ok(servers)
        })
    }

    /// The stores.
    pub(crate) fn kernel(&self) -> Result<&Arc<Kernel>, Failure> {
        open(&self.kernel, || {
            let (plans, registry) = (self.plans()?, self.registry()?);
            Ok(Arc::new(Kernel::open(plans, registry, self.options())))
        })
    }

    /// The stores as the operator means them.
    pub(crate) fn plans(&self) -> Result<Vec<StorePlan>, Failure> {
        let plans = self.config()?.stores.iter().cloned();
        plans.map(|plan| self.seated(plan)).collect()
    }

    /// A store with a directory of its own, where its plugin gets one.
    pub(crate) fn seated(&self, mut plan: StorePlan) -> Result<StorePlan, Failure> {
        // What is linked in keeps what it has where its settings say, but for the keychain, which
        // has room for little.
        let keeps = match self.registry()?.entry(&plan.plugin) {
            Some(PluginEntry::Library(_)) => true,
            Some(PluginEntry::Builtin(_)) => plan.plugin == builtin::KEYCHAIN,
            None => false,
        };
        if keeps {
            plan.state_dir = Some(self.paths.state.join(STORES).join(&plan.name));
        }
        Ok(plan)
    }

    /// The same home, of which nothing is opened yet: what was read of it is old.
    pub(crate) fn again(&self) -> Self {
        Self::new(
            self.paths.clone(),
            self.invocation.clone(),
            self.globals.clone(),
        )
    }

    /// The plugins that stores may name.
    pub(crate) fn registry(&self) -> Result<&Registry, Failure> {
        open(&self.registry, || {
            let libraries = self.config()?.plugins.iter();
            let libraries = libraries.map(|plugin| plugin.plan.clone()).collect();
            Ok(Registry::builtin().with_libraries(libraries))
        })
    }

    /// What stores are opened with.
    pub(crate) fn options(&self) -> KernelOptions {
        let now = Arc::new(OffsetDateTime::now_utc);
        let incidents = LedgerIncidents::new(&self.paths.state, self.actor(), now, self.log());
        KernelOptions::default()
            .with_log(self.log())
            .with_program(runner())
            .with_prompters(prompter::at_terminal())
            .with_incidents(Arc::new(incidents))
            .with_own(self.paths.own())
    }

    /// Where the lines go that stores write.
    fn log(&self) -> LogSink {
        let most = if self.globals.verbose {
            LogLevel::Debug
        } else {
            LogLevel::Warn
        };
        Arc::new(move |level, text| {
            if level <= most {
                say(
                    if level <= LogLevel::Warn {
                        "warning"
                    } else {
                        "log"
                    },
                    text,
                );
            }
        })
    }

    /// Ledger, scope and journal.
    pub(crate) fn state(&self) -> Result<&Arc<State>, Failure> {
        open(&self.state, || {
            let state = State::open(&self.paths.state)?;
            for warning in state.warnings() {
                say("warning", &warning);
            }
            Ok(Arc::new(state))
        })
    }

    /// What a sign-on works with.
    pub(crate) fn context(&self) -> Result<Context, Failure> {
        let servers = self.servers()?.all.iter();
        let neighbours = servers.map(|server| (server.name.clone(), server.endpoint()));
        Ok(Context {
            neighbours: neighbours.collect(),
            ..self.context_of_none()?
        })
    }

    /// The same where no server is signed on to.
    fn context_of_none(&self) -> Result<Context, Failure> {
        let kernel = Arc::clone(self.kernel()?);
        let state = Arc::clone(self.state()?);
        let actor = self.actor();
        let mut context = Context::new(kernel, state, actor, Arc::new(OffsetDateTime::now_utc));
        context.default_stores = self.default_stores()?;
        Ok(context)
    }

    /// The stores of a server that names none.
    pub(crate) fn default_stores(&self) -> Result<Vec<String>, Failure> {
        let used = self
            .kernel()?
            .stores()
            .iter()
            .filter(|store| store.plugin_id() != builtin::SYSTEM);
        Ok(used.map(|store| store.name().to_owned()).collect())
    }

    /// The stores of a server, in order.
    pub(crate) fn stores_of(&self, server: &Server) -> Result<Vec<String>, Failure> {
        server
            .policy
            .stores
            .clone()
            .map_or_else(|| self.default_stores(), Ok)
    }

    /// The part of the scope table that a view of these stores for a server needs.
    pub(crate) fn scope_of(
        &self,
        server: &ServerName,
        stores: &[String],
    ) -> Result<ScopeTable, Failure> {
        let state = self.state()?;
        Ok(if self.kernel()?.believes_stores(stores) {
            state.scope()?
        } else {
            state.scope_for(server)?
        })
    }

    /// Every server with its stores, for the preview of a change.
    pub(crate) fn known_servers(&self) -> Result<Vec<KnownServer>, Failure> {
        let known = self.servers()?.all.iter().map(|server| {
            Ok(KnownServer {
                name: server.name.clone(),
                stores: self.stores_of(server)?,
                accepts: server.accept,
            })
        });
        known.collect()
    }

    /// Who acts.
    pub(crate) fn actor(&self) -> Actor {
        actor::here()
    }

    /// The time.
    pub(crate) fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }

    /// Completes or undoes what was open when a machine died; every change begins with it.
    pub(crate) fn settle(&self) -> Result<(), Failure> {
        let changes = import::settle(self.kernel()?, self.state()?, &self.actor(), self.now());
        for one in changes.map_err(|error| from_import(&error))? {
            let (word, text) = settled::change(&one);
            say(word, &text);
        }
        let acceptances = accept::settle(&self.context_of_none()?);
        for one in acceptances.map_err(|error| from_connect(&error))? {
            say("note", &settled::acceptance(&one));
        }
        Ok(())
    }

    /// The server name, where an option file, anchorhold.toml or the ledger knows it.
    pub(crate) fn known_name(&self, name: &str) -> Result<ServerName, Failure> {
        let servers = self.servers()?;
        let name = ServerName::new(name);
        if let Some(server) = servers.all.iter().find(|server| server.name == name) {
            return Ok(server.name.clone());
        }
        let standing = self.state()?.server(&name)?;
        if let Some(record) = standing.record {
            return Ok(record.server);
        }
        if standing.lost || standing.lowered.is_some() {
            return Ok(name);
        }
        Err(servers.unknown(&name))
    }
}

/// This program, started again to run a plugin: the very file that runs, also where another one
/// has its name by now.
pub(crate) fn runner() -> Program {
    Program {
        path: "/proc/self/exe".into(),
        arguments: vec![RUNNER.into()],
    }
}

/// A fault of this machine during a sign-on.
pub(crate) fn from_connect(error: &ConnectError) -> Failure {
    let code = match error {
        ConnectError::Interrupted => "interrupted",
        ConnectError::State(_) => STATE_UNAVAILABLE,
        ConnectError::Store(_) => "store-unavailable",
        ConnectError::Tls(_) => "tls-setup",
        _ => "bug",
    };
    Failure::from_error(Exit::Failed, code, error)
}

/// The folder of what plugins keep, beside ledger and journal.
const STORES: &str = "stores";

fn open<T>(cell: &OnceCell<T>, make: impl FnOnce() -> Result<T, Failure>) -> Result<&T, Failure> {
    if let Some(made) = cell.get() {
        return Ok(made);
    }
    let made = make()?;
    Ok(cell.get_or_init(|| made))
}
