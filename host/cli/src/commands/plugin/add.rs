//! `plugin add`: a library becomes a plugin, as it is at this moment and no other.

use std::collections::BTreeMap;
use std::io::{self, BufRead, IsTerminal, Write};

use anchorhold_api as api;
use anchorhold_boundary::admit::{self, Inspected};
use anchorhold_boundary::manifest::Value;
use anchorhold_boundary::sandbox::SandboxSpec;
use anchorhold_kernel::{LibraryPlan, Registry};
use anchorhold_state::Event;

use super::file::PluginFile;
use super::refused;
use super::registration::{digest, library, stores_of, text, texts};
use super::setting::{missing, required, typed};
use crate::args::plugin::PluginAdd;
use crate::config::plugins::Registered;
use crate::exit::Failure;
use crate::home::Home;
use crate::invocation::quote;
use crate::output::{Page, Reply};

/// Shows what would be registered, asks, and registers it.
pub(super) fn run(args: &PluginAdd, home: &Home) -> Result<Reply, Failure> {
    let wanted = Wanted::look(args, home)?;
    if wanted.is_unchanged(args) {
        return Ok(Reply::done(wanted.document("unchanged", home)?));
    }
    wanted.confirm(args, home)?;
    let outcome = wanted.register(home)?;
    Ok(Reply::done(wanted.document(outcome, home)?))
}

/// What is to be registered.
struct Wanted {
    plan: LibraryPlan,
    inspected: Inspected,
    /// How it is registered already.
    known: Option<Registered>,
    file: PluginFile,
    store: Option<String>,
    /// The stores whose settings are changed.
    changed: Vec<String>,
    notes: Vec<String>,
}

impl Wanted {
    fn look(args: &PluginAdd, home: &Home) -> Result<Self, Failure> {
        let manifest = std::path::absolute(&args.manifest).map_err(|error| {
            Failure::usage("input-unreadable", text(&args.manifest)).because(&error)
        })?;
        if manifest.to_str().is_none() {
            let message = format!("{}: its path is not UTF-8", manifest.display());
            return Err(Failure::usage("input-unreadable", message));
        }
        let inspected =
            admit::inspect(&manifest).map_err(|refusal| refused(&refusal, &manifest))?;
        let id = inspected.manifest.id.clone();
        check_builtin(&id)?;
        let known = home.config()?.plugins.iter().find(|one| one.plan.id == id);
        let known = known.cloned();
        let file = PluginFile::of(&id, home)?;
        let mut plan = LibraryPlan {
            id,
            manifest,
            pins: inspected.pins,
            grants: args.grants.clone(),
        };
        if let Some(known) = &known {
            check_known(known, &plan, args, &file)?;
            // What was granted before stays granted, unless it is said anew.
            if plan.grants.is_empty() {
                plan.grants.clone_from(&known.plan.grants);
            }
        }
        let worked_out = SandboxSpec::work_out(&inspected.manifest, &plan.grants, &[], None, None);
        let (_, notes) =
            worked_out.map_err(|error| Failure::usage("grant-invalid", error.to_string()))?;
        let mut wanted = Self {
            plan,
            inspected,
            known,
            file,
            store: None,
            changed: Vec::new(),
            notes,
        };
        wanted.plan_store(args, home)?;
        Ok(wanted)
    }

    /// Decides on the store that is made for it.
    fn plan_store(&mut self, args: &PluginAdd, home: &Home) -> Result<(), Failure> {
        let manifest = &self.inspected.manifest;
        let settings = typed(manifest, &args.settings)?;
        let has_one = !stores_of(&self.plan.id, home)?.is_empty();
        if args.no_store || (has_one && args.store.is_none()) {
            return self.plan_change(&settings, home);
        }
        let asked_for = args.store.is_some() || !settings.is_empty();
        if let Some(missing) = self.missing(&settings, home)? {
            if asked_for {
                return Err(missing);
            }
            let note = format!(
                "no store was made for it, for {}; {}",
                missing.message,
                self.mend()
            );
            self.notes.push(note);
            return Ok(());
        }
        let name = match &args.store {
            Some(name) => name.clone(),
            None => default_name(&self.plan.id),
        };
        if home.config()?.stores.iter().any(|store| store.name == name) {
            let message = format!("there is a store \"{name}\" already");
            return Err(Failure::usage("store-known", message)
                .remedy("choose another name with --store NAME, or make none with --no-store"));
        }
        self.file.add_store(&name, &self.plan.id, &settings);
        self.store = Some(name);
        Ok(())
    }

    /// Changes the settings of the stores that it has.
    fn plan_change(
        &mut self,
        settings: &BTreeMap<String, Value>,
        home: &Home,
    ) -> Result<(), Failure> {
        if settings.is_empty() {
            return Ok(());
        }
        // What is missing here may stand in the file already.
        self.missing(settings, home)?;
        self.changed = self.file.change_settings(settings);
        if self.changed.is_empty() {
            let message = format!(
                "the stores of {} do not stand in {}, so that no setting of theirs is changed",
                self.plan.id,
                self.file.path().display()
            );
            return Err(Failure::usage("store-known", message).remedy(
                "change `settings` of its [[store]] in anchorhold.toml, or make another store \
                 with --store NAME",
            ));
        }
        Ok(())
    }

    /// What a store would lack that has these settings and no others.
    fn missing(
        &self,
        settings: &BTreeMap<String, Value>,
        home: &Home,
    ) -> Result<Option<Failure>, Failure> {
        let instead = format!(
            "add it with --no-store, and make its store after that: anchorhold store create --name \
             NAME --plugin {} --secret KEY=file:PATH",
            self.plan.id
        );
        missing(&self.inspected.manifest, settings, &[], home, &instead)
    }

    /// How a store comes to a plugin that has none, for want of settings.
    fn mend(&self) -> String {
        let manifest = &self.inspected.manifest;
        let (keys, secrets) = required(manifest);
        let set: String = keys.iter().map(|key| format!(" --set {key}=…")).collect();
        if secrets.is_empty() {
            return format!(
                "say the same again with{set}, or write a [[store]] for it into anchorhold.toml"
            );
        }
        let secrets: String = secrets
            .iter()
            .map(|key| format!(" --secret {key}=file:PATH"))
            .collect();
        format!(
            "make one: anchorhold store create --name NAME --plugin {}{set}{secrets}",
            self.plan.id
        )
    }

    fn is_unchanged(&self, args: &PluginAdd) -> bool {
        let same = |known: &Registered| known.plan == self.plan;
        !args.update
            && self.store.is_none()
            && args.settings.is_empty()
            && self.known.as_ref().is_some_and(same)
    }

    /// Shows it, and asks on the terminal; with nobody there it has to be said before.
    fn confirm(&self, args: &PluginAdd, home: &Home) -> Result<(), Failure> {
        if args.yes {
            return Ok(());
        }
        let alone =
            home.globals().json || !io::stdin().is_terminal() || !io::stderr().is_terminal();
        if alone {
            let message = format!(
                "whether to register {} has to be confirmed, and nobody is here to ask",
                self.plan.id
            );
            return Err(Failure::usage("confirmation-needed", message)
                .remedy("look at its manifest, and say --yes"));
        }
        let mut stderr = io::stderr().lock();
        let asked = self
            .show(&mut Page::plain(&mut stderr, home.globals().verbose))
            .and_then(|()| write!(stderr, "Register it, so that its code runs? [y/N] "))
            .and_then(|()| stderr.flush());
        let mut answer = String::new();
        let read = asked.and_then(|()| io::stdin().lock().read_line(&mut answer));
        if read.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes") {
            return Ok(());
        }
        let message = match &self.known {
            Some(_) => format!("{} stays registered as it was", self.plan.id),
            None => format!("{} is not registered", self.plan.id),
        };
        Err(Failure::usage("not-confirmed", message))
    }

    fn show(&self, page: &mut Page<'_>) -> io::Result<()> {
        let pins = &self.plan.pins;
        page.line(&format!("plugin {}", self.plan.id))?;
        page.field("manifest", &text(&self.plan.manifest))?;
        page.field("  SHA-256", &digest(&pins.manifest))?;
        page.field("library", &text(&self.inspected.library))?;
        page.field("  SHA-256", &digest(&pins.library))?;
        if let Some(known) = &self.known {
            page.field("  was", &digest(&known.plan.pins.library))?;
        }
        let manifest = &self.inspected.manifest;
        page.field("needs", &or_nothing(&texts(&manifest.needs)))?;
        if !manifest.may_need.is_empty() {
            page.field("may need", &texts(&manifest.may_need).join(", "))?;
        }
        let grants: Vec<String> = self.plan.grants.iter().map(ToString::to_string).collect();
        page.field("is granted", &or_nothing(&grants))?;
        if let Some(store) = &self.store {
            page.field("store", store)?;
        }
        if !self.changed.is_empty() {
            page.field("new settings", &self.changed.join(", "))?;
        }
        page.advice(&self.notes, None, None)
    }

    /// Writes it down, in file and journal, or in neither.
    fn register(&self, home: &Home) -> Result<&'static str, Failure> {
        let (outcome, kind) = match &self.known {
            Some(_) => ("updated", "plugin-updated"),
            None => ("added", "plugin-added"),
        };
        let mut change = home.state()?.write(&home.actor(), home.now())?;
        self.file.write(&self.plan, home)?;
        let grants: Vec<String> = self.plan.grants.iter().map(ToString::to_string).collect();
        let detail = format!(
            "{}: manifest {} sha256 {}, library {} sha256 {}, granted: {}",
            self.plan.id,
            self.plan.manifest.display(),
            digest(&self.plan.pins.manifest),
            self.inspected.library.display(),
            digest(&self.plan.pins.library),
            or_nothing(&grants)
        );
        let event = Event::new(kind, detail);
        change.note(match &self.store {
            Some(store) => event.store(store),
            None => event,
        });
        // A name may have been another store's, whose plugin crashed.
        for store in stores_of(&self.plan.id, home)?.iter().chain(&self.store) {
            change.release(store, "its plugin was registered anew");
        }
        change.commit().inspect_err(|_| self.file.restore())?;
        Ok(outcome)
    }

    fn document(&self, outcome: &str, home: &Home) -> Result<api::PluginAdd, Failure> {
        let mut stores = stores_of(&self.plan.id, home)?;
        stores.extend(self.store.clone());
        Ok(api::PluginAdd {
            plugin: library(&self.plan, stores, home),
            outcome: outcome.to_owned(),
            file: text(self.file.path()),
            store: self.store.clone(),
            changed: self.changed.clone(),
            notes: self.notes.clone(),
        })
    }
}

fn check_builtin(id: &str) -> Result<(), Failure> {
    if Registry::builtin().entry(id).is_none() {
        return Ok(());
    }
    let message =
        format!("the plugin {id} is part of this program, and no library takes its place");
    Err(Failure::usage("plugin-builtin", message)
        .remedy("ask the author of this library for one with an id of its own"))
}

/// Files that are not those registered are taken where that is asked for, and only there.
fn check_known(
    known: &Registered,
    plan: &LibraryPlan,
    args: &PluginAdd,
    file: &PluginFile,
) -> Result<(), Failure> {
    let id = &plan.id;
    if known.file != file.path() {
        let message = format!("the plugin {id} is registered in {}", known.file.display());
        return Err(Failure::usage("plugin-known", message).remedy(format!(
            "write there: manifest = \"{}\", sha256 = \"{}\", manifest_sha256 = \"{}\"",
            plan.manifest.display(),
            digest(&plan.pins.library),
            digest(&plan.pins.manifest)
        )));
    }
    let same_files = (&known.plan.manifest, known.plan.pins) == (&plan.manifest, plan.pins);
    let same_grants = plan.grants.is_empty() || known.plan.grants == plan.grants;
    if args.update || (same_files && same_grants) {
        return Ok(());
    }
    let what = if same_files {
        let grants: Vec<String> = known.plan.grants.iter().map(ToString::to_string).collect();
        format!("with other grants: {}", or_nothing(&grants))
    } else {
        format!(
            "with other files: manifest {} sha256 {}, library sha256 {}",
            known.plan.manifest.display(),
            digest(&known.plan.pins.manifest),
            digest(&known.plan.pins.library)
        )
    };
    let message = format!("the plugin {id} is registered already, {what}");
    let again: String = args
        .grants
        .iter()
        .map(|grant| format!(" --grant {}", quote(grant.to_string().as_ref())))
        .collect();
    let why = match same_files {
        true => "those named now take the place of those; if that is meant",
        false => "once you know why they differ",
    };
    Err(Failure::usage("plugin-known", message).remedy(format!(
        "{why}: anchorhold plugin add {} --update{again}",
        quote(args.manifest.as_os_str())
    )))
}

/// The last part of an id, as the name of a store.
fn default_name(id: &str) -> String {
    let last = id.rsplit('.').find(|part| !part.is_empty()).unwrap_or(id);
    last.replace('+', "-").chars().take(64).collect()
}

fn or_nothing(words: &[String]) -> String {
    if words.is_empty() {
        "nothing".to_owned()
    } else {
        words.join(", ")
    }
}
