//! A store of a plugin that is opened for one call, in a runner or in this process.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anchorhold_boundary::admit::{self, Admitted, AdmittedSettings};
use anchorhold_boundary::link::{Code, Link, Start};
use anchorhold_boundary::manifest::{Manifest, SettingKind, Value};
use anchorhold_boundary::sandbox::SandboxSpec;
use anchorhold_boundary::{OpenStore, Plugin, StoreConfig};
use anchorhold_kernel::PluginEntry;
use anchorhold_kernel::plan::StorePlan;

use super::super::refused;
use super::super::setting::{typed, without_pins, wrong};
use super::{failed, unusable};
use crate::args::plugin::PluginRun;
use crate::config::plugins::unhex;
use crate::exit::Failure;
use crate::home::{Home, runner};
use crate::output::say;
use crate::prompter;

/// An open store, and the process in which its plugin is.
pub(super) struct Opened {
    pub(super) store: Box<dyn OpenStore>,
    pub(super) process: u32,
    /// What the sandbox has to say of needs and grants.
    pub(super) notes: Vec<String>,
    /// What was loaded into this process, kept where a debugger finds it.
    _here: Option<Admitted>,
}

impl Opened {
    /// Admits the library and opens a store of it.
    pub(super) fn open(args: &PluginRun, home: &Home) -> Result<Self, Failure> {
        let path = std::path::absolute(&args.manifest).map_err(|error| {
            let message = args.manifest.display().to_string();
            Failure::usage("input-unreadable", message).because(&error)
        })?;
        let source = match builtin(args, home)? {
            Some(plugin) => Source::Builtin(plugin),
            None => {
                let mut admitted = admitted(&path, home)?;
                if args.hold || args.in_process {
                    admitted = for_debugger(admitted, &path, home)?;
                }
                Source::Library(Box::new(admitted))
            }
        };
        let settings = settings(args, source.manifest())?;
        let id = source.manifest().id.clone();
        let mut config = StoreConfig::new(STORE);
        config.log = Arc::new(|level, text| {
            let level = format!("{level:?}").to_lowercase();
            say("log", &format!("{level}: {text}"));
        });
        let plan = StorePlan::new(STORE, id, &home.paths.base);
        config.prompter = Some(match &args.pin_file {
            Some(file) => prompter::from_file(file)?,
            None => prompter::at_terminal()(&plan),
        });
        if args.in_process {
            here(source, settings, config)
        } else {
            apart(args, source, settings, config, home)
        }
    }
}

/// What is opened.
enum Source {
    Builtin(Plugin),
    Library(Box<Admitted>),
}

impl Source {
    fn manifest(&self) -> &Manifest {
        match self {
            Self::Builtin(plugin) => plugin.manifest(),
            Self::Library(admitted) => admitted.manifest(),
        }
    }
}

/// The plugin that is part of this program and is named by its id; a file of that name comes first.
fn builtin(args: &PluginRun, home: &Home) -> Result<Option<Plugin>, Failure> {
    let id = args.manifest.to_str().filter(|_| !args.manifest.exists());
    let Some(id) = id else { return Ok(None) };
    Ok(match home.registry()?.entry(id) {
        Some(PluginEntry::Builtin(plugin)) => Some(*plugin),
        _ => None,
    })
}

/// The library as it was registered, or where it was not, as it is now.
fn admitted(manifest: &Path, home: &Home) -> Result<Admitted, Failure> {
    let mut registered = home.config()?.plugins.iter();
    let pins = match registered.find(|one| one.plan.manifest == manifest) {
        Some(one) => one.plan.pins,
        None => {
            let inspected = admit::inspect(manifest);
            inspected
                .map_err(|refusal| refused(&refusal, manifest))?
                .pins
        }
    };
    admit::admit(manifest, &pins).map_err(|refusal| refused(&refusal, manifest))
}

/// The library in a file, where a debugger reads its symbols. Where no copy can be made, it is
/// loaded as everywhere else.
fn for_debugger(library: Admitted, manifest: &Path, home: &Home) -> Result<Admitted, Failure> {
    library.into_copy().or_else(|refusal| {
        say(
            "note",
            &format!("a debugger will miss its symbols: {refusal}"),
        );
        admitted(manifest, home)
    })
}

fn here(
    source: Source,
    settings: AdmittedSettings,
    mut config: StoreConfig,
) -> Result<Opened, Failure> {
    let (plugin, kept) = match source {
        Source::Builtin(plugin) => (plugin, None),
        Source::Library(admitted) => {
            let plugin = Plugin::from_kept_library(&admitted)
                .map_err(|error| unusable(error.code(), &error).remedy(error.remedy()))?;
            (plugin, Some(*admitted))
        }
    };
    config.settings = settings.into_here();
    let table = plugin
        .open(config)
        .map_err(|error| unusable("plugin-failed", &error))?;
    Ok(Opened {
        store: Box::new(table),
        process: std::process::id(),
        notes: Vec::new(),
        _here: kept,
    })
}

fn apart(
    args: &PluginRun,
    source: Source,
    settings: AdmittedSettings,
    mut config: StoreConfig,
    home: &Home,
) -> Result<Opened, Failure> {
    let manifest = source.manifest();
    let id = manifest.id.clone();
    let worked_out = SandboxSpec::work_out(manifest, &args.grants, &settings.texts, None, None);
    let (mut sandbox, mut notes) =
        worked_out.map_err(|error| Failure::usage("grant-invalid", error.to_string()))?;
    let spared = sandbox.spare(&home.paths.own(), None);
    spared.map_err(|error| Failure::usage("grant-invalid", error.to_string()))?;
    notes.extend(sandbox.resolve());
    if let Source::Library(admitted) = &source {
        sandbox.libraries.extend(admitted.file().libraries());
    }
    for (_, file) in &settings.files {
        sandbox.libraries.extend(file.libraries());
    }
    config.settings = settings.without_files();
    let code = match source {
        Source::Builtin(_) => Code::Builtin(id.clone()),
        Source::Library(admitted) => Code::Library(*admitted),
    };
    let mut start = Start::new(runner(), code, config);
    start.files = settings.files;
    start.environment.clone_from(&args.environment);
    start.sandbox = sandbox;
    if args.hold {
        start.sandbox.debugger = true;
        // Whoever looks at it with a debugger keeps it silent for long.
        for limit in [&mut start.hang_after, &mut start.hang_after_long] {
            *limit = HELD;
        }
    }
    let link = Link::start(start).map_err(|error| failed(args, &id, "open", &error, home))?;
    Ok(Opened {
        process: link.pid(),
        store: Box::new(link),
        notes,
        _here: None,
    })
}

/// The settings as a plugin gets them, and the files among them that were admitted.
fn settings(args: &PluginRun, manifest: &Manifest) -> Result<AdmittedSettings, Failure> {
    let given = typed(manifest, &args.settings)?;
    let texts = manifest
        .check_settings(&without_pins(manifest, &given), Path::new("/"))
        .map_err(|error| Failure::usage("setting-invalid", error.to_string()))?;
    let mut pins = BTreeMap::new();
    for (key, schema) in &manifest.settings {
        let pin = format!("{key}_sha256");
        if schema.kind == SettingKind::Library
            && !manifest.settings.contains_key(&pin)
            && let Some(Value::String(text)) = given.get(&pin)
        {
            pins.insert(key.clone(), digest(&pin, text)?);
        }
    }
    AdmittedSettings::admit(texts, &pins, manifest)
        .map_err(|refusal| refused(&refusal, &args.manifest))
}

fn digest(key: &str, text: &str) -> Result<[u8; 32], Failure> {
    unhex(text).ok_or_else(|| wrong(key, "it takes 64 hexadecimal digits"))
}

/// What the store is called.
const STORE: &str = "plugin-run";

/// How long a runner may be silent that somebody looks at with a debugger.
const HELD: Duration = Duration::from_secs(24 * 60 * 60);
