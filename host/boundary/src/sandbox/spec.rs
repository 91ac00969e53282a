//! From what a plugin needs and the operator grants to what its runner may reach.

use std::net::{IpAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};

use crate::grant::{Grant, GrantError};
use crate::manifest::{Manifest, Need, SettingKind};

/// What a runner may reach, as the host has worked it out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SandboxSpec {
    /// Files and directories to read.
    pub read: Vec<PathBuf>,
    /// Files and directories to read and change.
    pub write: Vec<PathBuf>,
    /// Unix sockets to connect to, and directories of such sockets.
    pub unix: Vec<PathBuf>,
    /// Where TCP connections may go: a host, its addresses as the host has resolved them, a port.
    pub connect: Vec<Endpoint>,
    /// TCP connections to anywhere.
    pub network: bool,
    /// Processes of its own.
    pub fork: bool,
    /// The kernel's key rings.
    pub keyring: bool,
    /// The keyring service of the session's bus.
    pub session_bus: SessionBus,
    /// Libraries to load; the libraries that lie beside them are readable with them, and nothing
    /// else that lies there.
    pub libraries: Vec<PathBuf>,
    /// The most bytes of memory for data; 0 is the default.
    pub memory: u64,
    /// A forbidden call ends the process, so that it can be named, instead of failing.
    pub trap: bool,
    /// Other processes of this user may look into it, as a debugger does.
    pub debugger: bool,
}

/// What a runner reaches of the session's bus.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SessionBus {
    /// Nothing, since it is not granted.
    #[default]
    None,
    /// It is granted, and how it is reached is found out when the runner is started.
    Granted,
    /// A proxy that lets nothing through but the keyring service, whose socket is among those of
    /// the runner, and what is to be said of the bus behind it, if anything.
    Filtered(String),
    /// The bus itself, whose socket is among those of the runner, and why there is no proxy.
    Whole(String),
}

/// Where connections may go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// As the operator wrote it.
    pub host: String,
    /// What it resolved to.
    pub addresses: Vec<IpAddr>,
    /// The port.
    pub port: u16,
}

impl SandboxSpec {
    /// What a store's plugin may reach: whatever its manifest names as a need and the operator
    /// grants, the paths that the operator wrote into its settings, its own directory, and its own
    /// library. The notes say which grants have no effect, which needs are not met, and which
    /// grants reach far; they are fit to be shown.
    ///
    /// Hosts are not resolved yet: [`resolve`](Self::resolve) does that.
    pub fn work_out(
        manifest: &Manifest,
        grants: &[Grant],
        settings: &[(String, String)],
        state_dir: Option<&Path>,
        library: Option<&Path>,
    ) -> Result<(Self, Vec<String>), GrantError> {
        let mut spec = Self::default();
        let mut notes = Vec::new();
        for grant in grants {
            let mut met = manifest
                .grantable()
                .filter_map(|need| grant.narrowed(need))
                .peekable();
            if met.peek().is_none() {
                notes.push(format!(
                    "the grant {grant} has no effect: the plugin's manifest does not need it"
                ));
            }
            met.for_each(|narrowed| spec.allow(narrowed));
        }
        for need in &manifest.needs {
            spec.allow_setting(need, settings);
            if need.is_for_operator() && !grants.iter().any(|grant| grant.narrowed(need).is_some())
            {
                notes.push(format!("the plugin needs {need}, which is not granted"));
            }
        }
        spec.write.extend(state_dir.map(Path::to_owned));
        spec.libraries.extend(library.map(Path::to_owned));
        spec.libraries.extend(library_settings(manifest, settings));
        spec.check()?;
        notes.extend(spec.far_reaching());
        Ok((spec, notes))
    }

    /// Looks the granted hosts up, as the runner itself cannot. A host that is not found keeps no
    /// address, and a note says so.
    pub fn resolve(&mut self) -> Vec<String> {
        let mut notes = Vec::new();
        for endpoint in &mut self.connect {
            match (endpoint.host.as_str(), endpoint.port).to_socket_addrs() {
                Ok(found) => {
                    endpoint.addresses = found.map(|found| found.ip()).collect();
                    endpoint.addresses.sort_unstable();
                    endpoint.addresses.dedup();
                }
                Err(error) => {
                    endpoint.addresses.clear();
                    notes.push(format!("{} is not found: {error}", endpoint.host));
                }
            }
        }
        notes
    }

    /// Whether any connection over TCP is allowed.
    pub(crate) fn reaches_network(&self) -> bool {
        self.network || !self.connect.is_empty()
    }

    fn allow(&mut self, grant: Grant) {
        match grant {
            Grant::Connect { host, port } => once(
                &mut self.connect,
                Endpoint {
                    host,
                    addresses: Vec::new(),
                    port,
                },
            ),
            Grant::Fork => self.fork = true,
            Grant::Keyring => self.keyring = true,
            Grant::Network => self.network = true,
            Grant::Read(path) => once(&mut self.read, path),
            Grant::SessionBus => self.session_bus = SessionBus::Granted,
            Grant::Unix(path) => once(&mut self.unix, path),
            Grant::Write(path) => once(&mut self.write, path),
        }
    }

    /// Writing the path into a setting was the grant. Files are replaced, not changed in place, so
    /// that it is the directory of a file that has to be reached.
    fn allow_setting(&mut self, need: &Need, settings: &[(String, String)]) {
        let (key, list) = match need {
            Need::ReadSetting(key) => (key, &mut self.read),
            Need::WriteSetting(key) => (key, &mut self.write),
            _ => return,
        };
        for (_, value) in settings.iter().filter(|(name, _)| name == key) {
            let path = Path::new(value);
            let directory = if path.is_dir() {
                Some(path)
            } else {
                path.parent()
            };
            if let Some(directory) = directory {
                once(list, directory.to_owned());
            }
        }
    }

    /// The paths in it mean the same to the runner, whose working directory is another.
    fn check(&self) -> Result<(), GrantError> {
        let paths = [&self.read, &self.write, &self.unix, &self.libraries];
        match paths.into_iter().flatten().find(|path| !path.is_absolute()) {
            None => Ok(()),
            Some(path) => Err(GrantError {
                grant: path.display().to_string(),
                what: "the path must be absolute".to_owned(),
            }),
        }
    }

    /// Refuses it where the plugin could change what is not its own: `own` is the configuration and
    /// the state of the host, in which nothing but the store's own directory is the plugin's, and
    /// what other stores keep.
    pub fn spare(&self, own: &[PathBuf], state_dir: Option<&Path>) -> Result<(), GrantError> {
        let own: Vec<PathBuf> = own.iter().map(|path| real(path)).collect();
        let granted = self
            .write
            .iter()
            .filter(|path| Some(path.as_path()) != state_dir);
        for path in granted {
            let leads_to = real(path);
            let met = own
                .iter()
                .find(|own| own.starts_with(&leads_to) || leads_to.starts_with(own));
            if let Some(own) = met {
                return Err(GrantError {
                    grant: format!("write:{}", path.display()),
                    what: format!(
                        "the plugin could change {}, which is not its own: what it keeps has to lie \
                         in a directory apart",
                        own.display()
                    ),
                });
            }
        }
        Ok(())
    }

    /// What of it lets the plugin reach more than anything of its own; fit to be shown.
    pub fn far_reaching(&self) -> Vec<String> {
        let note = |verb: &str, path: &PathBuf| {
            reaches_far(path).then(|| {
                format!(
                    "the plugin may {verb} whatever lies in {} and this user may {verb}",
                    path.display()
                )
            })
        };
        let read = self.read.iter().filter_map(|path| note("read", path));
        let write = self.write.iter().filter_map(|path| note("change", path));
        let listens = |path: &PathBuf| {
            (reaches_far(path) && path.is_dir()).then(|| {
                format!(
                    "the plugin may connect to whatever listens in {} and lets this user",
                    path.display()
                )
            })
        };
        let unix = self.unix.iter().filter_map(listens);
        read.chain(write).chain(unix).collect()
    }
}

fn library_settings<'a>(
    manifest: &'a Manifest,
    settings: &'a [(String, String)],
) -> impl Iterator<Item = PathBuf> + 'a {
    let is_library = |key: &str| {
        let schema = manifest.settings.get(key);
        schema.is_some_and(|schema| schema.kind == SettingKind::Library)
    };
    settings
        .iter()
        .filter(move |(key, _)| is_library(key))
        .map(|(_, value)| PathBuf::from(value))
}

/// Where a path leads, as far as there is anything.
fn real(path: &Path) -> PathBuf {
    let found = path.ancestors().find_map(|above| {
        let rest = path.strip_prefix(above).ok()?;
        Some(above.canonicalize().ok()?.join(rest))
    });
    found.unwrap_or_else(|| path.to_owned())
}

/// The root, a directory in it, or somebody's home: more than one plugin's own.
fn reaches_far(path: &Path) -> bool {
    path.components().count() <= 2 || path.parent() == Some(Path::new("/home"))
}

fn once<T: PartialEq>(list: &mut Vec<T>, value: T) {
    if !list.contains(&value) {
        list.push(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(needs: &str) -> Manifest {
        Manifest::parse(&format!(
            "id = 'org.example.x'\nabi = 1\nneeds = [{needs}]\n[settings]\n\
             path.type = 'path'\nmodule.type = 'library'\n"
        ))
        .unwrap()
    }

    fn work_out(needs: &str, grants: &[&str]) -> (SandboxSpec, Vec<String>) {
        let grants: Vec<Grant> = grants
            .iter()
            .map(|text| Grant::parse(text).unwrap())
            .collect();
        SandboxSpec::work_out(&manifest(needs), &grants, &[], None, None).unwrap()
    }

    fn paths(list: &[&str]) -> Vec<PathBuf> {
        list.iter().map(PathBuf::from).collect()
    }

    #[test]
    fn only_what_both_name_is_allowed() {
        let (spec, notes) = work_out(
            "'read', 'read:/etc/x', 'write:/var/lib/x', 'unix:/run/x', 'fork'",
            &["read:/etc/x/y", "write:/var/lib/x", "read:/opt", "network"],
        );
        assert_eq!(spec.read, paths(&["/etc/x/y"]));
        assert_eq!(spec.write, paths(&["/var/lib/x"]));
        assert!(spec.unix.is_empty() && spec.connect.is_empty());
        assert!(!spec.network && !spec.fork && !spec.keyring);
        assert_eq!(
            notes,
            [
                "the grant read:/opt has no effect: the plugin's manifest does not need it",
                "the grant network has no effect: the plugin's manifest does not need it",
                "the plugin needs unix:/run/x, which is not granted",
                "the plugin needs fork, which is not granted",
            ]
        );
    }

    #[test]
    fn what_may_be_needed_is_allowed_where_granted_and_not_missed() {
        let manifest = Manifest::parse(
            "id = 'a'\nabi = 1\nneeds = ['read', 'fork']\n\
             may_need = ['read:/', 'unix:/run', 'session-bus', 'keyring']",
        );
        let manifest = manifest.unwrap();
        let work_out = |grants: &[&str]| {
            let grants: Vec<_> = grants
                .iter()
                .map(|text| Grant::parse(text).unwrap())
                .collect();
            SandboxSpec::work_out(&manifest, &grants, &[], None, None).unwrap()
        };
        let missed = ["the plugin needs fork, which is not granted"];
        let (spec, notes) = work_out(&[]);
        assert_eq!(spec, SandboxSpec::default());
        assert_eq!(notes, missed);
        let (spec, notes) = work_out(&["read:/etc/hsm", "unix:/run/pcscd", "session-bus"]);
        assert_eq!(spec.read, paths(&["/etc/hsm"]));
        assert_eq!(spec.unix, paths(&["/run/pcscd"]));
        assert_eq!(spec.session_bus, SessionBus::Granted);
        assert!(!spec.keyring);
        assert_eq!(notes, missed);
        let (_, notes) = work_out(&["write:/etc/hsm"]);
        assert_eq!(notes, missed);
    }

    #[test]
    fn nothing_named_is_nothing_allowed() {
        let (spec, notes) = work_out("'read', 'write', 'sign', 'prompt'", &[]);
        assert_eq!(spec, SandboxSpec::default());
        assert!(notes.is_empty(), "{notes:?}");
    }

    #[test]
    fn network_is_narrowed_by_connections() {
        let (spec, notes) = work_out("'network'", &["connect:a.example:636"]);
        assert!(!spec.network);
        assert_eq!(spec.connect.len(), 1);
        assert_eq!(spec.connect[0].host, "a.example");
        assert!(notes.is_empty(), "{notes:?}");
        let (spec, _) = work_out("'connect:a.example:636'", &["network"]);
        assert!(!spec.network);
        assert_eq!(spec.connect[0].port, 636);
    }

    #[test]
    fn path_in_a_setting_is_granted_with_its_directory() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("store.p12");
        let directory = dir.path().to_owned();
        let settings = |path: &Path| vec![("path".to_owned(), path.display().to_string())];
        for path in [&file, &directory] {
            let worked = SandboxSpec::work_out(
                &manifest("'write:$path'"),
                &[],
                &settings(path),
                Some(Path::new("/var/lib/state")),
                None,
            );
            let (spec, notes) = worked.unwrap();
            assert_eq!(
                spec.write,
                [directory.clone(), PathBuf::from("/var/lib/state")]
            );
            assert!(spec.read.is_empty() && notes.is_empty(), "{notes:?}");
        }
        let (spec, _) =
            SandboxSpec::work_out(&manifest("'read:$path'"), &[], &settings(&file), None, None)
                .unwrap();
        assert_eq!((spec.read, spec.write), (vec![directory], vec![]));
        // A path that no need names is a text.
        let (spec, _) =
            SandboxSpec::work_out(&manifest(""), &[], &settings(&file), None, None).unwrap();
        assert_eq!(spec, SandboxSpec::default());
    }

    #[test]
    fn libraries_are_the_plugins_own_and_those_of_its_settings() {
        let settings = [("module".to_owned(), "/opt/x/libm.so".to_owned())];
        let library = Path::new("/usr/lib/p/libp.so");
        let (spec, _) =
            SandboxSpec::work_out(&manifest(""), &[], &settings, None, Some(library)).unwrap();
        assert_eq!(
            spec.libraries,
            paths(&["/usr/lib/p/libp.so", "/opt/x/libm.so"])
        );
        let error =
            SandboxSpec::work_out(&manifest(""), &[], &[], None, Some(Path::new("libp.so")));
        assert!(error.is_err());
    }

    #[test]
    fn nobody_is_granted_to_change_what_decides_on_grants() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        for name in ["state/stores/x", "stores", "plugins.d"] {
            std::fs::create_dir_all(at(name)).unwrap();
        }
        std::os::unix::fs::symlink(dir.path(), at("stores/out")).unwrap();
        let own = [at("anchorhold.toml"), at("plugins.d"), at("state")];
        let state_dir = at("state/stores/x");
        let spare = |path: PathBuf| {
            let spec = SandboxSpec {
                write: vec![path, state_dir.clone()],
                ..SandboxSpec::default()
            };
            spec.spare(&own, Some(&state_dir))
        };
        for path in [
            at("stores"),
            at("stores/new"),
            at("state2"),
            "/srv/x".into(),
        ] {
            assert_eq!(spare(path.clone()), Ok(()), "{}", path.display());
        }
        for path in [
            dir.path().to_owned(),
            "/".into(),
            at("anchorhold.toml"),
            at("plugins.d"),
            at("plugins.d/x"),
            at("state"),
            at("state/stores/y"),
            at("stores/out"),
            at("stores/out/plugins.d"),
        ] {
            let refused = spare(path.clone());
            let error = refused.expect_err(&path.display().to_string());
            assert!(error.grant.starts_with("write:/"), "{error}");
        }
    }

    #[test]
    fn grants_that_reach_far_are_noted() {
        let sockets = work_out("'unix:/run'", &["unix:/run"]).1;
        assert!(
            sockets[0].contains("whatever listens in /run"),
            "{sockets:?}"
        );
        let socket = work_out("'unix:/x.sock'", &["unix:/x.sock"]).1;
        assert!(socket.is_empty(), "{socket:?}");
        let (spec, notes) = work_out("'read:/', 'write:/home'", &["read:/", "write:/home/ann"]);
        assert_eq!(spec.read, paths(&["/", "/home", "/home/ann"]));
        assert_eq!(spec.write, paths(&["/home/ann"]));
        let notes = notes.join("\n");
        assert!(notes.contains("may read whatever lies in / and"), "{notes}");
        assert!(
            notes.contains("may change whatever lies in /home/ann"),
            "{notes}"
        );
    }

    #[test]
    fn hosts_are_resolved_by_the_host() {
        // No label of a name is that long, so nobody is asked for it.
        let nowhere = "a".repeat(64);
        let third = format!("connect:{nowhere}:3");
        let (mut spec, _) = work_out(
            "'network'",
            &["connect:127.0.0.1:1", "connect:[::1]:2", &third],
        );
        let notes = spec.resolve();
        assert_eq!(spec.connect[0].addresses, [IpAddr::from([127, 0, 0, 1])]);
        assert!(spec.connect[1].addresses[0].is_ipv6());
        assert!(spec.connect[2].addresses.is_empty());
        assert_eq!(notes.len(), 1);
        assert!(notes[0].contains("a is not found"), "{notes:?}");
    }
}
