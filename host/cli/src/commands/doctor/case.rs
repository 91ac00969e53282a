//! What there is to look at: each part that could be opened, and a finding for each that could not.

use std::path::Path;
use std::sync::Arc;

use anchorhold_boundary::confinement::Place;
use anchorhold_kernel::plan::{Isolation, StorePlan};
use anchorhold_kernel::{Kernel, PluginEntry, Store};
use anchorhold_session::options::{self, Mistake, OptionError, Options};
use anchorhold_state::{State, StateError};

use super::finding::{Findings, of_server, on_file, told};
use crate::config::Config;
use crate::exit::Failure;
use crate::home::Home;
use crate::invocation::quote;
use crate::servers::{self, Servers};

/// What there is to look at.
#[derive(Debug)]
pub(super) struct Case<'a> {
    /// The home.
    pub(super) home: &'a Home,
    /// What of the configuration can be used.
    pub(super) config: Config,
    /// Whether that is all of it: else nothing follows from what is not there.
    pub(super) whole: bool,
    /// The servers, where the option files can be read.
    pub(super) servers: Option<Servers>,
    /// What the option files say, where they can be read.
    pub(super) options: Option<Options>,
    /// The stores.
    pub(super) kernel: Option<&'a Arc<Kernel>>,
    /// Ledger, scope and journal.
    pub(super) state: Option<&'a Arc<State>>,
    /// Now, in seconds since 1970.
    pub(super) now: i64,
    /// The stores that answered when they were listed; no other is asked again, so that no look
    /// counts a crash twice.
    pub(super) answered: Vec<String>,
}

impl<'a> Case<'a> {
    /// Opens what can be opened.
    pub(super) fn open(home: &'a Home, findings: &mut Findings<'_>) -> Self {
        let faults = home.salvage();
        for fault in &faults {
            configuration(fault, home, findings);
        }
        // Only what was kept a moment ago is asked for.
        let config = home.config().cloned().unwrap_or_default();
        let options = options(home, findings);
        let servers = options.as_ref().and_then(|_| {
            let servers = Servers::read(home.globals(), &config, &home.paths);
            servers.map_err(|failure| twice(&failure, findings)).ok()
        });
        let kernel = home.kernel();
        let kernel = kernel
            .map_err(|failure| findings.failed("the stores", &failure))
            .ok();
        Self {
            whole: faults.is_empty(),
            state: state(home, findings),
            now: home.now().unix_timestamp(),
            answered: Vec::new(),
            home,
            config,
            servers,
            options,
            kernel,
        }
    }

    /// The stores that there are.
    pub(super) fn stores(&self) -> &[Arc<Store>] {
        self.kernel.map_or(&[], |kernel| kernel.stores())
    }

    /// The file in which a store stands, as people are told to look there.
    pub(super) fn file_of(&self, store: &str) -> String {
        let placed = self.config.placed.get(store);
        let file = placed.cloned().unwrap_or_else(|| self.home.paths.file());
        file.display().to_string()
    }

    /// Whether a store answered when it was listed.
    pub(super) fn answers(&self, store: &str) -> bool {
        self.answered.iter().any(|name| name == store)
    }

    /// Whether the plugin of a store runs in a process of its own.
    pub(super) fn in_runner(&self, plan: &StorePlan) -> bool {
        let registry = self.home.registry().ok();
        match (
            plan.isolation,
            registry.and_then(|all| all.entry(&plan.plugin)),
        ) {
            (Some(isolation), _) => isolation == Isolation::Runner,
            (None, Some(PluginEntry::Library(_))) => true,
            (None, Some(PluginEntry::Builtin(plugin))) => {
                plugin.manifest().isolation == Some(Place::Runner)
            }
            (None, None) => false,
        }
    }

    /// Whether a plugin is a library that the operator registered.
    pub(super) fn is_library(&self, id: &str) -> bool {
        self.config.plugins.iter().any(|known| known.plan.id == id)
    }
}

/// Something of anchorhold.toml, plugins.d or stores.d that cannot be used.
fn configuration(fault: &Failure, home: &Home, findings: &mut Findings<'_>) {
    let message = unquoted(&told(fault));
    let (place, what) = match message.split_once(": ") {
        Some((place, what)) if Path::new(place).is_absolute() => (place, what),
        _ => ("the configuration", &*message),
    };
    let remedy = match (&fault.remedy, fault.code) {
        (Some(remedy), _) => remedy.clone(),
        (None, "config-invalid") => format!("correct {place}; nothing that it says counts before"),
        (None, _) => format!(
            "make it a file that this program can read: {}",
            quote(home.paths.file().as_os_str())
        ),
    };
    findings.error(fault.code, place, what, remedy);
}

/// The message without a text that stands where something else belongs: that may be a secret, and
/// what is found is sent to others.
fn unquoted(message: &str) -> String {
    let Some((before, rest)) = message.split_once(": string \"") else {
        return message.to_owned();
    };
    match rest.rsplit_once("\", expected ") {
        Some((_, expected)) => format!("{before}: a text, expected {expected}"),
        None => format!("{before}: a text"),
    }
}

/// Reads the option files; every mistake in them is one finding.
fn options(home: &Home, findings: &mut Findings<'_>) -> Option<Options> {
    let found = servers::option_files(home.globals(), &home.paths, &mut Vec::new());
    let error = match options::read(&found.system, &found.user) {
        Ok(options) => return Some(options),
        Err(error) => error,
    };
    for (path, why) in &error.unreadable {
        findings.error(
            "options-unreadable",
            path.display().to_string(),
            format!("the option file cannot be read: {why}"),
            "name an option file that is there and that this user can read: --options FILE",
        );
    }
    for mistake in &error.mistakes {
        let about = mistake.place.to_string();
        let what = mistake.to_string();
        let what = what.strip_prefix(&about).unwrap_or(&what);
        let what = what.trim_start_matches(": ").to_owned();
        let remedy = format!("correct {about}; no server is known before");
        findings.error(code_of(mistake), about, what, remedy);
    }
    None
}

fn code_of(mistake: &OptionError) -> &'static str {
    match mistake.what {
        Mistake::SecondStanza { .. } | Mistake::SecondDefault { .. } => SERVER_TWICE,
        Mistake::UnknownOption { .. } | Mistake::TooShort { .. } | Mistake::Ambiguous { .. } => {
            "option-unknown"
        }
        _ => "options-invalid",
    }
}

/// A server that is a stanza, and has an address in anchorhold.toml as well.
fn twice(failure: &Failure, findings: &mut Findings<'_>) {
    let name = failure.message.split('"').nth(1);
    let about = match name {
        Some(name) if failure.code == SERVER_TWICE => of_server(&name),
        _ => "the servers".to_owned(),
    };
    findings.failed(about, failure);
}

/// Opens the state, unless that is unsafe.
fn state<'a>(home: &'a Home, findings: &mut Findings<'_>) -> Option<&'a Arc<State>> {
    let path = &home.paths.state;
    if let Err(StateError::Refused { path, why }) = State::open(path) {
        let writable = why.contains("go-w");
        let remedy = match writable {
            true => on_file("chmod go-w", &path),
            false => format!(
                "let it be a directory of the user who runs this program: {}",
                quote(path.as_os_str())
            ),
        };
        findings.error("state-unsafe", path.display().to_string(), why, remedy);
        return None;
    }
    match home.state() {
        Ok(state) => {
            for warning in state.warnings() {
                let about = path.display().to_string();
                findings.warning("state-readable", about, warning, on_file("chmod 700", path));
            }
            Some(state)
        }
        Err(mut failure) => {
            crate::ownership::name_obstacle(&mut failure, path);
            findings.failed(path.display().to_string(), &failure);
            None
        }
    }
}

/// The code of a server that is told of in two places.
const SERVER_TWICE: &str = "server-twice";

#[cfg(test)]
mod tests {
    use super::unquoted;

    #[test]
    fn what_stands_in_a_wrong_place_is_not_told() {
        for (message, expected) in [
            ("/a:1: unknown field `x`", "/a:1: unknown field `x`"),
            (
                "/a:1: invalid type: string \"my, \\\"pin\", expected a map",
                "/a:1: invalid type: a text, expected a map",
            ),
            (
                "/a:1: invalid type: string \"my pin",
                "/a:1: invalid type: a text",
            ),
        ] {
            assert_eq!(unquoted(message), expected);
        }
    }
}
