//! Confining this process, step by step, and telling what came of it.

use std::path::{Path, PathBuf};

use super::{files, filter, limits, mounts, probe, reach};
use crate::confinement::{Confinement, Sandbox};
use crate::sandbox::{SandboxSpec, SessionBus};

/// Sockets behind which something starts programs for whoever asks.
const WAYS_OUT: [&str; 7] = [
    "/run/containerd/containerd.sock",
    "/run/dbus/system_bus_socket",
    "/run/docker.sock",
    "/run/podman/podman.sock",
    "/run/snapd.socket",
    "/run/systemd/private",
    "/var/run/docker.sock",
];

/// What a plugin can do that reaches the whole of a session's bus.
const BUS_STARTS: &str = "the session bus can start programs outside the sandbox";

/// How many entries of the granted directories are looked at for sockets.
const ENTRIES_MAX: usize = 4096;

/// What came of the steps.
#[derive(Debug, Default)]
struct Report {
    /// What is less than the whole.
    lacks: Vec<String>,
    /// What is whole, and yet worth knowing.
    notes: Vec<String>,
    files: bool,
    calls: bool,
}

/// Confines this process, for ever. It is called while there is one thread.
pub fn enforce(spec: &SandboxSpec) -> Confinement {
    let mut report = Report::default();
    let alone = probe::one_thread();
    report.step(limits::no_new_privileges());
    report.step(limits::bound(spec.memory));
    limits::give_way();
    let (reached, missing) = reach::reached(spec);
    report.notes.extend(missing);
    report.grants(spec);
    let entered = mounts::enter(spec, &reached);
    report.view(spec, entered.as_ref());
    if !spec.debugger {
        // Later than the namespaces: the user of such a process cannot be kept in a new one.
        report.step(limits::close_to_others());
    }
    match files::restrict(spec, &reached, entered.is_ok()) {
        Ok(()) => report.files = true,
        Err(lack) => {
            report.files = lack.enforced;
            report.lacks.push(lack.why);
        }
    }
    report.step(limits::drop_capabilities());
    // What `/proc` has of a process leads to files that lie in no view.
    let named_only = entered.is_ok() && !reaches_processes(spec);
    match filter::install(spec, named_only) {
        Ok(()) => report.calls = true,
        Err(why) => report
            .lacks
            .push(format!("system calls are not filtered: {why}")),
    }
    report.verify(spec);
    report.only_thread(alone);
    report.confinement()
}

impl Report {
    fn step(&mut self, done: Result<(), String>) {
        self.lacks.extend(done.err());
    }

    /// What the grants themselves open, however well they are enforced.
    fn grants(&mut self, spec: &SandboxSpec) {
        if spec.network {
            self.lacks.push("any address on any port".to_owned());
        } else if !spec.connect.is_empty() {
            let mut ports: Vec<u16> = spec.connect.iter().map(|endpoint| endpoint.port).collect();
            ports.sort_unstable();
            ports.dedup();
            let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
            let word = if ports.len() == 1 { "port" } else { "ports" };
            self.lacks
                .push(format!("any address on {word} {}", ports.join(", ")));
        }
        match &spec.session_bus {
            SessionBus::None | SessionBus::Granted => {}
            SessionBus::Filtered(note) if note.is_empty() => {}
            SessionBus::Filtered(note) => self.notes.push(note.clone()),
            SessionBus::Whole(why) => self.lacks.push(format!("{BUS_STARTS}: {why}")),
        }
        let is_told = matches!(spec.session_bus, SessionBus::Whole(_));
        for path in &spec.unix {
            if holds_session_bus(path) {
                if !is_told {
                    self.lacks.push(BUS_STARTS.to_owned());
                }
            } else if WAYS_OUT.iter().any(|way| leads_to(path, Path::new(way))) {
                self.lacks.push(format!(
                    "what listens on {} can start programs outside the sandbox",
                    path.display()
                ));
            }
        }
        if spec.debugger {
            self.notes
                .push("other processes of this user may look into it".to_owned());
        }
    }

    /// Whether only granted sockets can be named.
    fn view(&mut self, spec: &SandboxSpec, entered: Result<&(), &String>) {
        if spec.unix.is_empty() && !spec.reaches_network() {
            return;
        }
        match entered {
            Err(why) if spec.unix.is_empty() => self
                .lacks
                .push(format!("it has no view of the files of its own ({why})")),
            Err(why) => self.lacks.push(format!(
                "every Unix socket of this machine can be connected to ({why})"
            )),
            Ok(_) if spec.unix.is_empty() || probe::unix_is_handled() => {}
            Ok(_) => {
                if let Some(socket) = socket_beside(spec) {
                    self.lacks.push(format!(
                        "{} lies in a granted directory and can be connected to",
                        socket.display()
                    ));
                }
            }
        }
    }

    /// What was enforced is tried.
    fn verify(&mut self, spec: &SandboxSpec) {
        if self.files {
            self.lacks.extend(probe::files(spec));
        }
        if self.calls
            && let Err(why) = probe::calls(spec)
        {
            self.calls = false;
            self.lacks.push(why);
        }
    }

    /// Whether all of the process is held: what is enforced holds for the thread that enforces it,
    /// and for those that it starts.
    fn only_thread(&mut self, alone: Result<(), String>) {
        if let Err(why) = alone {
            (self.files, self.calls) = (false, false);
            self.lacks.insert(0, why);
        }
    }

    fn confinement(self) -> Confinement {
        let sandbox = if !self.files && !self.calls {
            Sandbox::None
        } else if self.lacks.is_empty() {
            Sandbox::Full
        } else {
            Sandbox::Partial
        };
        let mut said = self.lacks;
        said.extend(self.notes);
        Confinement::in_runner(sandbox, said.join("; "))
    }
}

/// Whether `/proc` can be read.
fn reaches_processes(spec: &SandboxSpec) -> bool {
    let processes = Path::new("/proc");
    spec.read.iter().chain(&spec.write).any(|path| {
        let real = path.canonicalize();
        let real = real.as_deref().unwrap_or(path);
        real.starts_with(processes) || processes.starts_with(real)
    })
}

/// The bus on which a desktop starts programs, by the names that it has: `/run/user/UID/bus`, and
/// `/tmp/dbus-…` where there is no such directory.
fn is_session_bus(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name == "bus" || name.starts_with("dbus-"))
}

/// Whether a socket is such a bus, or a directory has one in it.
fn holds_session_bus(path: &Path) -> bool {
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    is_session_bus(path)
        || entries
            .into_iter()
            .any(|entry| is_session_bus(&entry.path()))
}

/// Whether a path is the way, or a directory that it lies in.
fn leads_to(path: &Path, way: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    way.starts_with(path) || real(way).starts_with(real(path))
}

/// A socket that was not granted and lies in a directory that was: whoever may make sockets can
/// connect to it.
fn socket_beside(spec: &SandboxSpec) -> Option<PathBuf> {
    use std::os::unix::fs::FileTypeExt;
    let is_granted = |path: &Path| spec.unix.iter().any(|granted| path.starts_with(granted));
    let mut left: Vec<PathBuf> = spec.read.iter().chain(&spec.write).cloned().collect();
    let mut seen = 0;
    while let Some(directory) = left.pop() {
        let Ok(entries) = std::fs::read_dir(&directory) else {
            continue;
        };
        for entry in entries.flatten() {
            seen += 1;
            let path = entry.path();
            match entry.file_type() {
                Ok(kind) if kind.is_socket() && !is_granted(&path) => return Some(path),
                Ok(kind) if kind.is_dir() => left.push(path),
                _ => {}
            }
            if seen > ENTRIES_MAX {
                // Too much to look through is as good as found.
                return Some(directory);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lacks(spec: &SandboxSpec) -> String {
        let mut report = Report::default();
        report.grants(spec);
        report.lacks.join("; ")
    }

    #[test]
    fn socket_that_starts_programs_is_a_way_out() {
        let unix = |path: &str| SandboxSpec {
            unix: vec![path.into()],
            ..SandboxSpec::default()
        };
        assert_eq!(lacks(&unix("/run/user/1000/bus")), BUS_STARTS);
        assert_eq!(lacks(&unix("/tmp/dbus-Xb7c")), BUS_STARTS);
        let bus = |session_bus| SandboxSpec {
            session_bus,
            ..unix("/run/user/1000/bus")
        };
        let whole = bus(SessionBus::Whole("no proxy".to_owned()));
        assert_eq!(lacks(&whole), format!("{BUS_STARTS}: no proxy"));
        let mut filtered = bus(SessionBus::Filtered("no bus".to_owned()));
        filtered.unix = vec!["/run/anchorhold-1-0/proxy".into()];
        assert_eq!(lacks(&filtered), "");
        let docker = lacks(&unix("/run/docker.sock"));
        assert!(docker.contains("/run/docker.sock can start"), "{docker}");
        assert_eq!(lacks(&unix("/run/pcscd/pcscd.comm")), "");
        let above = lacks(&unix("/run"));
        assert!(above.contains("on /run can start"), "{above}");
        let dir = tempfile::tempdir().unwrap();
        let directory = dir.path().to_str().unwrap();
        assert_eq!(lacks(&unix(directory)), "");
        std::fs::write(dir.path().join("bus"), "").unwrap();
        assert_eq!(lacks(&unix(directory)), BUS_STARTS);
    }

    #[test]
    fn granted_ports_are_told_once_and_in_order() {
        let endpoint = |port| crate::sandbox::Endpoint {
            host: "a.example".to_owned(),
            addresses: Vec::new(),
            port,
        };
        let mut spec = SandboxSpec {
            connect: vec![endpoint(636), endpoint(389), endpoint(636)],
            ..SandboxSpec::default()
        };
        assert_eq!(lacks(&spec), "any address on ports 389, 636");
        spec.network = true;
        assert_eq!(lacks(&spec), "any address on any port");
    }

    #[test]
    fn processes_are_reached_from_above_and_from_within() {
        let reads = |path: &str| {
            reaches_processes(&SandboxSpec {
                read: vec![path.into()],
                ..SandboxSpec::default()
            })
        };
        assert!(reads("/") && reads("/proc") && reads("/proc/self"));
        assert!(!reads("/etc") && !reads("/usr"));
    }

    #[test]
    fn level_is_what_was_enforced() {
        let confinement = |files, calls, lack: Option<&str>| {
            let report = Report {
                lacks: lack.map(str::to_owned).into_iter().collect(),
                notes: vec!["a note".to_owned()],
                files,
                calls,
            };
            let confinement = report.confinement();
            (confinement.sandbox, confinement.note)
        };
        let note = |text: &str| text.to_owned();
        assert_eq!(
            confinement(true, true, None),
            (Sandbox::Full, note("a note"))
        );
        assert_eq!(
            confinement(true, true, Some("x")),
            (Sandbox::Partial, note("x; a note"))
        );
        assert_eq!(confinement(false, true, Some("x")).0, Sandbox::Partial);
        assert_eq!(confinement(false, false, Some("x")).0, Sandbox::None);
    }
}
