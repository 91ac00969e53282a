//! The servers: stanzas of the option files, and those that anchorhold.toml gives an address.

use std::path::{Path, PathBuf};

use anchorhold_kernel::ServerName;
use anchorhold_session::options::{self, Found, Options};
use anchorhold_session::server::Server;

use crate::args::Globals;
use crate::config::{Config, Said};
use crate::exit::Failure;
use crate::paths::Paths;

/// Every server there is, and the files that say so.
#[derive(Clone, Debug, Default)]
pub(crate) struct Servers {
    /// The option files that were read.
    pub(crate) files: Vec<PathBuf>,
    /// The servers, in the order of their stanzas.
    pub(crate) all: Vec<Server>,
    /// What of the option files is allowed but worth saying.
    pub(crate) notes: Vec<String>,
    /// What of anchorhold.toml says nothing.
    pub(crate) warnings: Vec<String>,
    /// What the options say that no stanza of this host uses.
    options: Options,
    config: Option<PathBuf>,
    searched: Vec<PathBuf>,
}

impl Servers {
    /// Reads the option files, and joins to them what anchorhold.toml says.
    pub(crate) fn read(globals: &Globals, config: &Config, paths: &Paths) -> Result<Self, Failure> {
        let mut searched = Vec::new();
        let found = option_files(globals, paths, &mut searched);
        let options = options::read(&found.system, &found.user)
            .map_err(|error| Failure::usage("options-invalid", error.to_string()))?;
        let mut servers = Self {
            files: options.files.clone(),
            notes: options.notes.iter().map(ToString::to_string).collect(),
            config: config.file.clone(),
            searched,
            ..Self::default()
        };
        for stanza in &options.stanzas {
            let said = config.policies.get(&ServerName::new(stanza.name.as_str()));
            if let Some(said) = said.filter(|said| said.policy.address.is_some()) {
                return Err(servers.twice(&stanza.name, said, &stanza.place.to_string()));
            }
            let policy = said.map(|said| said.policy.clone()).unwrap_or_default();
            servers.all.push(Server::from_stanza(stanza, policy));
        }
        servers.add_addresses(config);
        servers.options = options;
        Ok(servers)
    }

    /// The server of a name; the error lists the names that there are.
    pub(crate) fn find(&self, name: &str) -> Result<&Server, Failure> {
        let name = ServerName::new(name);
        self.all
            .iter()
            .find(|server| server.name == name)
            .ok_or_else(|| self.unknown(&name))
    }

    /// Whether there is a server of that name.
    pub(crate) fn knows(&self, name: &ServerName) -> bool {
        self.all.iter().any(|server| server.name == *name)
    }

    /// Why a name means nothing here.
    pub(crate) fn unknown(&self, name: &ServerName) -> Failure {
        let known: Vec<&str> = self.all.iter().map(|server| server.name.as_str()).collect();
        let known = match known.is_empty() {
            true => "no server is known".to_owned(),
            false => format!("known: {}", known.join(", ")),
        };
        let message = format!("no server \"{name}\" in {}; {known}", self.sources());
        Failure::usage("unknown-server", message)
            .remedy("name one of those that are known, or its options file with --options FILE")
    }

    /// The options of a server's stanza that this host does not use.
    pub(crate) fn others(&self, server: &Server) -> Vec<options::OtherOption> {
        let stanza = self.options.stanza(server.name.as_str());
        let own = stanza
            .map(|stanza| stanza.others.clone())
            .unwrap_or_default();
        own.into_iter()
            .chain(self.options.others.iter().cloned())
            .collect()
    }

    fn add_addresses(&mut self, config: &Config) {
        for (name, said) in &config.policies {
            match &said.policy.address {
                Some((host, port)) => {
                    let (name, policy) = (name.clone(), said.policy.clone());
                    self.all
                        .push(Server::from_address(name, host.clone(), *port, policy));
                }
                None if !self.knows(name) => {
                    let note = format!(
                        "{}: [server.{name}] is no stanza of the option files and has no \
                         address, so that it says nothing",
                        place(config.file.as_deref(), said.line)
                    );
                    self.warnings.push(note);
                }
                None => {}
            }
        }
    }

    fn twice(&self, name: &str, said: &Said, stanza: &str) -> Failure {
        let place = place(self.config.as_deref(), said.line);
        Failure::usage(
            "server-twice",
            format!("server \"{name}\" is a stanza at {stanza} and has an address at {place}"),
        )
        .remedy(format!(
            "take the address out of [server.{name}], or give one of them another name"
        ))
    }

    /// The files that could have named a server.
    fn sources(&self) -> String {
        let mut read: Vec<String> = self
            .files
            .iter()
            .map(|file| file.display().to_string())
            .collect();
        read.extend(self.config.iter().map(|file| file.display().to_string()));
        if !read.is_empty() {
            return read.join(", ");
        }
        let searched: Vec<String> = self
            .searched
            .iter()
            .map(|directory| directory.display().to_string())
            .collect();
        format!("any option file (there is none in {})", searched.join(", "))
    }
}

/// The option files that are named, or else those of the first directory that has any.
pub(crate) fn option_files(globals: &Globals, paths: &Paths, searched: &mut Vec<PathBuf>) -> Found {
    if !globals.options.is_empty() {
        return Found {
            system: globals.options.clone(),
            user: globals.optfile.clone(),
        };
    }
    searched.push(paths.config.clone());
    searched.extend(options::vendor_directories());
    let mut found = options::find(&*searched).unwrap_or_default();
    if !globals.optfile.is_empty() {
        found.user.clone_from(&globals.optfile);
    }
    found
}

fn place(file: Option<&Path>, line: usize) -> String {
    let file = file.unwrap_or_else(|| Path::new("anchorhold.toml"));
    format!("{}:{line}", file.display())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paths::Surroundings;

    struct Dir(tempfile::TempDir);

    impl Dir {
        fn new(files: &[(&str, &str)]) -> Self {
            let dir = tempfile::tempdir().expect("a directory");
            for (name, text) in files {
                std::fs::write(dir.path().join(name), text).expect("written");
            }
            Self(dir)
        }

        fn servers(&self, options: &[&str]) -> Result<Servers, Failure> {
            let paths = Paths::find(Some(self.0.path()), &Surroundings::default())?;
            let config = Config::read(&paths)?;
            let options = options
                .iter()
                .map(|name| self.0.path().join(name))
                .collect();
            Servers::read(
                &Globals {
                    options,
                    ..Globals::default()
                },
                &config,
                &paths,
            )
        }
    }

    fn names(servers: &Servers) -> Vec<&str> {
        servers
            .all
            .iter()
            .map(|server| server.name.as_str())
            .collect()
    }

    const ONE: &str = "SErvername TSM1\n TCPServeraddress 127.0.0.1\n TCPPort 15001\n";

    #[test]
    fn stanzas_and_addresses_are_servers() {
        let dir = Dir::new(&[
            ("dsm.sys", ONE),
            (
                "anchorhold.toml",
                "[server.billing]\naddress = \"db1.example:5432\"\n",
            ),
        ]);
        let servers = dir.servers(&[]).expect("valid");
        assert_eq!(names(&servers), ["TSM1", "billing"]);
        assert_eq!(servers.files, [dir.0.path().join("dsm.sys")]);
        let found = servers.find("tsm1").expect("found without case");
        assert_eq!((found.host.as_str(), found.port), ("127.0.0.1", 15001));
    }

    #[test]
    fn a_policy_joins_its_stanza() {
        let dir = Dir::new(&[
            ("x.sys", ONE),
            ("anchorhold.toml", "[server.tsm1]\nlevel = \"8.1.2\"\n"),
        ]);
        let servers = dir.servers(&["x.sys"]).expect("valid");
        assert!(servers.find("TSM1").expect("found").policy.level.is_some());
        assert!(servers.warnings.is_empty());
    }

    #[test]
    fn an_address_for_a_stanza_is_an_error_that_names_both_places() {
        let dir = Dir::new(&[
            ("dsm.sys", ONE),
            ("anchorhold.toml", "\n[server.tsm1]\naddress = \"h:1\"\n"),
        ]);
        let failure = dir.servers(&[]).expect_err("refused");
        assert_eq!((failure.code, failure.exit.status()), ("server-twice", 2));
        assert!(failure.message.contains("dsm.sys:1"), "{failure}");
        assert!(failure.message.contains("anchorhold.toml:2"), "{failure}");
    }

    #[test]
    fn an_unknown_name_lists_the_names_and_the_files() {
        let dir = Dir::new(&[("a.sys", ONE), ("b.sys", "SErvername TSM2\n")]);
        let servers = dir.servers(&["a.sys", "b.sys"]).expect("valid");
        let failure = servers.find("TSM3").expect_err("unknown");
        assert_eq!((failure.code, failure.exit.status()), ("unknown-server", 2));
        for part in ["TSM3", "TSM1, TSM2", "a.sys", "b.sys"] {
            assert!(failure.message.contains(part), "{part}: {failure}");
        }
    }

    #[test]
    fn a_policy_for_nobody_is_noted() {
        let dir = Dir::new(&[
            ("dsm.sys", ONE),
            ("anchorhold.toml", "[server.TSM9]\nplain = \"never\"\n"),
        ]);
        let servers = dir.servers(&[]).expect("valid");
        let [note] = &servers.warnings[..] else {
            panic!("{:?}", servers.warnings)
        };
        assert!(
            note.contains("anchorhold.toml:1") && note.contains("[server.TSM9]"),
            "{note}"
        );
    }

    #[test]
    fn an_options_file_that_is_named_must_be_there() {
        let dir = Dir::new(&[]);
        let failure = dir.servers(&["none.sys"]).expect_err("refused");
        assert_eq!(
            (failure.code, failure.exit.status()),
            ("options-invalid", 2)
        );
        assert!(failure.message.contains("none.sys"), "{failure}");
    }

    #[test]
    fn without_stanza_the_server_is_called_default() {
        let dir = Dir::new(&[("dsm.opt", "TCPServeraddress 127.0.0.1\n")]);
        let servers = dir.servers(&[]).expect("valid");
        assert_eq!(names(&servers), ["default"]);
    }
}
