//! How a store is opened: from the plan and its plugin to a plugin that answers, wherever it runs.

mod reach;
mod setting;

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anchorhold_boundary::admit::Refusal;
use anchorhold_boundary::confinement::{Confinement, Place};
use anchorhold_boundary::grant::Grant;
use anchorhold_boundary::link::{Code, Link, Start};
use anchorhold_boundary::load::LoadError;
use anchorhold_boundary::manifest::Manifest;
use anchorhold_boundary::question::Prompter;
use anchorhold_boundary::services::LogLevel;
use anchorhold_boundary::status::{CallError, Status};
use anchorhold_boundary::{OpenStore, Plugin, StoreConfig};
use data_encoding::HEXLOWER;

use crate::options::KernelOptions;
use crate::plan::{Isolation, StorePlan};
use crate::registry::{Entry, LibraryPlan, Registry};
use crate::store::StoreErrorKind;
use crate::store::answers::Answers;
use crate::verdict::quoted;

/// Opens one store, as often as it has to be.
pub(crate) struct Opener {
    plugin: Plugins,
    /// Which code it is: another one is a new beginning for what crashed.
    code: String,
    options: Arc<KernelOptions>,
    answers: Arc<Answers>,
}

/// What there is to open it with.
enum Plugins {
    Builtin(Plugin),
    Library(LibraryPlan),
    Missing(StoreErrorKind),
}

/// A store that was opened.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) store: Box<dyn OpenStore>,
    pub(crate) manifest: Arc<Manifest>,
    pub(crate) confinement: Confinement,
    /// The process that it runs in, where that is not this one.
    pub(crate) process: Option<u32>,
}

impl Opener {
    pub(crate) fn new(
        plan: &StorePlan,
        registry: &Registry,
        options: &Arc<KernelOptions>,
        answers: Arc<Answers>,
    ) -> Self {
        let plugin = match (registry.entry(&plan.plugin), registry.fault(&plan.plugin)) {
            (Some(Entry::Builtin(plugin)), _) => Plugins::Builtin(*plugin),
            (Some(Entry::Library(library)), _) => Plugins::Library(library.clone()),
            (None, Some(fault)) => Plugins::Missing(StoreErrorKind::Refused {
                code: "plugin-unusable".to_owned(),
                why: fault.to_string(),
                remedy: None,
            }),
            (None, None) => Plugins::Missing(no_plugin(plan, registry)),
        };
        Self {
            code: plugin.code(),
            plugin,
            options: Arc::clone(options),
            answers,
        }
    }

    /// The plugin, where it is part of this program.
    pub(crate) fn builtin(&self) -> Option<Plugin> {
        match self.plugin {
            Plugins::Builtin(plugin) => Some(plugin),
            Plugins::Library(_) | Plugins::Missing(_) => None,
        }
    }

    /// Which code it is.
    pub(crate) fn code(&self) -> &str {
        &self.code
    }

    /// Where the plugin runs.
    pub(crate) fn place(&self, plan: &StorePlan) -> Place {
        match (plan.isolation, &self.plugin) {
            (Some(Isolation::InProcess), _) => Place::InProcess,
            (Some(Isolation::Runner), _) | (None, Plugins::Library(_)) => Place::Runner,
            (None, Plugins::Builtin(plugin)) => {
                plugin.manifest().isolation.unwrap_or(Place::InProcess)
            }
            (None, Plugins::Missing(_)) => Place::InProcess,
        }
    }

    /// Why the plugin would not be started as it is at this moment, where that is so.
    pub(crate) fn refusal(&self) -> Option<StoreErrorKind> {
        match &self.plugin {
            Plugins::Library(library) => library
                .admit()
                .err()
                .map(|refusal| refused(&refusal, library)),
            Plugins::Builtin(_) | Plugins::Missing(_) => None,
        }
    }

    /// Opens the store. A library is admitted each time, however often it was before.
    pub(crate) fn open(&self, plan: &StorePlan) -> Result<Opened, StoreErrorKind> {
        let place = self.place(plan);
        if place == Place::InProcess && plan.require_sandbox {
            return Err(StoreErrorKind::Refused {
                code: SANDBOX.to_owned(),
                why: "it is configured to run in this process, where there is no sandbox, and to \
                      require one"
                    .to_owned(),
                remedy: Some("write isolation = \"runner\" for it".to_owned()),
            });
        }
        match &self.plugin {
            Plugins::Missing(why) => Err(why.clone()),
            Plugins::Builtin(plugin) if place == Place::InProcess => {
                self.open_here(plan, *plugin, BUILT_IN)
            }
            Plugins::Builtin(plugin) => {
                let code = Code::Builtin(plugin.id().to_owned());
                self.open_apart(plan, code, plugin.manifest(), &[])
            }
            Plugins::Library(library) => {
                let admitted = library.admit();
                let admitted = admitted.map_err(|refusal| refused(&refusal, library))?;
                if place == Place::InProcess {
                    let plugin =
                        Plugin::from_library(admitted).map_err(|error| unloaded(&error))?;
                    return self.open_here(plan, plugin, LIBRARY_HERE);
                }
                let manifest = admitted.manifest().clone();
                self.open_apart(plan, Code::Library(admitted), &manifest, &library.grants)
            }
        }
    }

    fn open_here(
        &self,
        plan: &StorePlan,
        plugin: Plugin,
        note: &str,
    ) -> Result<Opened, StoreErrorKind> {
        let manifest = plugin.manifest();
        let settings = setting::check(plan, manifest)?;
        let state_dir = self.state_dir(plan);
        let config = self.config(plan, settings.into_here(), state_dir);
        let table = plugin.open(config).map_err(StoreErrorKind::Call)?;
        Ok(Opened {
            store: Box::new(table),
            manifest: Arc::new(manifest.clone()),
            confinement: Confinement::in_process(note),
            process: None,
        })
    }

    fn open_apart(
        &self,
        plan: &StorePlan,
        code: Code,
        manifest: &Manifest,
        grants: &[Grant],
    ) -> Result<Opened, StoreErrorKind> {
        let Some(program) = self.options.program.clone() else {
            return Err(StoreErrorKind::NoRunner);
        };
        let settings = setting::check(plan, manifest)?;
        reach::make_parents(plan, manifest, &settings.texts)?;
        let state_dir = self.state_dir(plan);
        let grants = [grants, &plan.grants].concat();
        let own = &self.options.own;
        let (mut sandbox, mut notes) = reach::sandbox(
            manifest,
            &grants,
            &code,
            &settings,
            state_dir.as_deref(),
            own,
        )?;
        notes.extend(reach::resolve(&mut sandbox, plan.timeout));
        let config = self.config(plan, settings.without_files(), state_dir);
        let mut start = Start::new(program, code, config);
        start.files = settings.files;
        start.environment = plan
            .env
            .iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        start.sandbox = sandbox;
        start.require_full = plan.require_sandbox;
        start.hang_after = plan.hang_after;
        start.hang_after_long = plan.hang_after.max(LONG);
        start.open_within = plan.timeout;
        let link = Link::start(start).map_err(not_started)?;
        let mut confinement = link.confinement().clone();
        for note in notes {
            if !confinement.note.is_empty() {
                confinement.note.push_str("; ");
            }
            confinement.note.push_str(&note);
        }
        Ok(Opened {
            process: Some(link.pid()),
            store: Box::new(link),
            manifest: Arc::new(manifest.clone()),
            confinement,
        })
    }
}

impl Opener {
    fn config(
        &self,
        plan: &StorePlan,
        settings: Vec<(String, String)>,
        state_dir: Option<PathBuf>,
    ) -> StoreConfig {
        let mut config = StoreConfig::new(&plan.name);
        config.settings = settings;
        config.state_dir = state_dir;
        let (log, store) = (Arc::clone(&self.options.log), plan.name.clone());
        config.log = Arc::new(move |level, line| log(level, &format!("store \"{store}\": {line}")));
        let answers: Arc<dyn Prompter> = self.answers.clone();
        config.prompter = Some(answers);
        config
    }

    /// The store's own directory, made where it is missing. Without it the plugin keeps nothing.
    fn state_dir(&self, plan: &StorePlan) -> Option<PathBuf> {
        let directory = plan.state_dir.as_ref()?;
        if directory.is_dir() {
            return Some(directory.clone());
        }
        let mut builder = DirBuilder::new();
        match builder.recursive(true).mode(0o700).create(directory) {
            Ok(()) => Some(directory.clone()),
            Err(error) => {
                let line = format!(
                    "store \"{}\" has no directory of its own: {}: {error}",
                    plan.name,
                    directory.display()
                );
                (self.options.log)(LogLevel::Info, &line);
                None
            }
        }
    }
}

impl Plugins {
    fn code(&self) -> String {
        match self {
            Self::Builtin(plugin) => format!("{} {}", plugin.id(), plugin.version()),
            Self::Library(library) => {
                let pins = [library.pins.library, library.pins.manifest].concat();
                HEXLOWER.encode(&pins)
            }
            Self::Missing(_) => String::new(),
        }
    }
}

fn refused(refusal: &Refusal, library: &LibraryPlan) -> StoreErrorKind {
    let manifest = quoted(&library.manifest.display().to_string());
    StoreErrorKind::Refused {
        code: refusal.code().to_owned(),
        why: refusal.to_string(),
        remedy: Some(refusal.remedy_of(&library.id, &manifest)),
    }
}

fn unloaded(error: &LoadError) -> StoreErrorKind {
    StoreErrorKind::Refused {
        code: error.code().to_owned(),
        why: error.to_string(),
        remedy: Some(error.remedy()),
    }
}

/// Why a runner does not answer: what it runs is refused, or something happened to it.
fn not_started(error: CallError) -> StoreErrorKind {
    if error.status != Status::Refused {
        return StoreErrorKind::Call(error);
    }
    StoreErrorKind::Refused {
        why: error.message,
        code: error.code.unwrap_or_else(|| "refused".into()).into(),
        remedy: None,
    }
}

fn no_plugin(plan: &StorePlan, registry: &Registry) -> StoreErrorKind {
    let known = registry.entries().iter();
    StoreErrorKind::NoPlugin {
        id: plan.plugin.clone(),
        known: known.map(|known| known.id().to_owned()).collect(),
    }
}

/// The code of a store whose sandbox is less than it has to be.
const SANDBOX: &str = "sandbox";
/// How long a runner may be silent while a person answers, or a write is under way.
const LONG: Duration = Duration::from_secs(600);
const BUILT_IN: &str = "a built-in plugin, part of this program";
const LIBRARY_HERE: &str = "its configuration lets this library run in this process, where it can \
                            do whatever this program can";

#[cfg(test)]
mod tests;
