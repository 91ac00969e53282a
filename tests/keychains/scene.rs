//! A session of a test's own: a bus, a keychain on it, and a home whose store is in that.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Home, Identity, Openssl, Outcome, Watched, here};

/// A bus on which nothing is started by itself, with a home, and perhaps a keychain.
pub(crate) struct Scene {
    pub(crate) home: Home,
    pub(crate) openssl: Openssl,
    /// The stock certificate of the server TSM1.
    pub(crate) server: Identity,
    // They end in this order.
    keychain: Option<Watched>,
    bus: Watched,
}

impl Scene {
    /// A session with a keychain that its login has opened, and a store in that.
    pub(crate) fn new() -> Option<Self> {
        let mut scene = Self::bare()?;
        scene.start(Some(PASSWORD));
        scene.create();
        Some(scene)
    }

    /// A session without a keychain.
    pub(crate) fn bare() -> Option<Self> {
        let programs = [
            "dbus-daemon",
            "dbus-send",
            "gnome-keyring-daemon",
            "secret-tool",
        ];
        if programs.map(here).contains(&false) {
            return None;
        }
        let mut home = Home::new();
        let openssl = Openssl::find(home.directory())?;
        let server = openssl.stock("server");
        home.serve(1, &["SSL Yes"]);
        let bus = bus(&home);
        give_session(&mut home);
        Some(Self {
            home,
            openssl,
            server,
            keychain: None,
            bus,
        })
    }

    /// Another home in the same session.
    pub(crate) fn other_home(&self) -> Home {
        let mut home = Home::new();
        home.serve(1, &["SSL Yes"]);
        for (name, value) in surroundings(self.home.directory()) {
            home.give(name, value);
        }
        home
    }

    /// Starts the keychain; without a password it stays locked.
    pub(crate) fn start(&mut self, password: Option<&str>) {
        let mut command = self.command("gnome-keyring-daemon");
        command.args(["--foreground", "--components=secrets"]);
        command.args(password.map(|_| "--unlock"));
        command.stdin(Stdio::piped());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut process = Watched::start(&mut command, LIFETIME);
        let mut stdin = process.child().stdin.take().expect("a pipe");
        stdin
            .write_all(password.unwrap_or_default().as_bytes())
            .expect("written");
        drop(stdin);
        self.keychain = Some(process);
        let until = Instant::now() + LIFETIME;
        while !self.is_up() {
            assert!(Instant::now() < until, "the keychain comes up");
        }
    }

    /// Kills the keychain.
    pub(crate) fn kill(&mut self) {
        drop(self.keychain.take());
    }

    /// Kills the bus, and the keychain with it.
    pub(crate) fn kill_bus(&mut self) {
        self.kill();
        self.bus.kill();
    }

    /// Locks the collection, as another program does it.
    pub(crate) fn lock(&self) {
        let of = "org.freedesktop.Secret.Service.Lock";
        let outcome = self.send(&[of, &format!("array:objpath:{COLLECTION}")]);
        outcome.exits(0);
    }

    /// Makes the store `keychain`.
    pub(crate) fn create(&self) -> Value {
        create(&self.home)
    }

    /// Runs a program in the session, with something on its standard input.
    pub(crate) fn tool(&self, words: &[&str], input: &str) -> Outcome {
        let (program, words) = words.split_first().expect("a program");
        let mut command = self.command(program);
        command.args(words);
        Watched::output(&mut command, input.as_bytes(), Duration::from_secs(60))
    }

    /// Imports the certificate of the server.
    pub(crate) fn import(&self) -> Value {
        import(&self.home, &self.server)
    }

    /// What the store holds, as the program shows it.
    pub(crate) fn listed(&self) -> Vec<Value> {
        listed(&self.home)
    }

    /// What is said of the store.
    pub(crate) fn standing(&self) -> Value {
        standing(&self.home)
    }

    /// Everything that the keychain has of this program.
    pub(crate) fn entries(&self) -> String {
        let words = [
            "secret-tool",
            "search",
            "--all",
            "application",
            "anchorhold",
        ];
        let outcome = self.tool(&words, "");
        format!("{}{}", outcome.stdout, outcome.stderr)
    }

    fn is_up(&self) -> bool {
        let of = "org.freedesktop.Secret.Service.ReadAlias";
        let outcome = self.send(&[of, "string:default"]);
        outcome.stdout.contains(COLLECTION)
    }

    fn send(&self, words: &[&str]) -> Outcome {
        let first = ["dbus-send", "--session", "--print-reply"];
        let to = ["--dest=org.freedesktop.secrets", "/org/freedesktop/secrets"];
        self.tool(&[&first[..], &to, words].concat(), "")
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.home.directory());
        // What a desktop around the test has is none of its business.
        for name in [
            "DISPLAY",
            "WAYLAND_DISPLAY",
            "XDG_DATA_HOME",
            "XDG_CONFIG_HOME",
        ] {
            command.env_remove(name);
        }
        command.env("LC_ALL", "C.UTF-8");
        command.envs(surroundings(self.home.directory()));
        command
    }
}

/// Makes the store `keychain` of a home.
pub(crate) fn create(home: &Home) -> Value {
    let words = ["store", "create", "--name", "keychain"];
    home.json(
        0,
        &[&words[..], &["--plugin", "anchorhold.keychain"]].concat(),
    )
}

/// Imports a certificate for TSM1.
pub(crate) fn import(home: &Home, identity: &Identity) -> Value {
    let certificate = identity.certificate.to_string_lossy().into_owned();
    let words = ["import", "--server", "TSM1", "--store", "keychain"];
    home.json(0, &[&words[..], &[&certificate]].concat())
}

/// What the store of a home holds.
pub(crate) fn listed(home: &Home) -> Vec<Value> {
    let list = home.json(0, &["list", "--store", "keychain"]);
    list["certificates"].as_array().expect("a list").clone()
}

/// What is said of the store of a home.
pub(crate) fn standing(home: &Home) -> Value {
    let outcome = home.run(&["store", "list", "--json"]);
    let stores = outcome.document()["stores"].clone();
    let found = stores.as_array().expect("a list").iter();
    let mut found = found.filter(|one| one["name"] == "keychain");
    found.next().expect("it is there").clone()
}

/// The file of the store of a home.
pub(crate) fn file(home: &Home) -> PathBuf {
    home.path("h/state/stores/keychain/keychain.anchors")
}

fn bus(home: &Home) -> Watched {
    let rules = "<policy context=\"default\"><allow send_destination=\"*\"/>\
                 <allow receive_sender=\"*\"/><allow own=\"*\"/></policy>";
    let text = format!(
        "<busconfig><type>session</type><listen>unix:path={}</listen>{rules}</busconfig>",
        home.path("bus").display()
    );
    let config = home.write("bus.conf", text);
    let mut command = Command::new("dbus-daemon");
    command.args(["--nofork", "--nopidfile", "--print-address=1"]);
    command.arg(format!("--config-file={}", config.display()));
    command.stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut process = Watched::start(&mut command, LIFETIME);
    let mut line = String::new();
    let told = process.child().stdout.take().expect("a pipe");
    BufReader::new(told).read_line(&mut line).expect("a line");
    assert!(line.starts_with("unix:path="), "{line}");
    process
}

/// Gives the program a session of its own, with its bus and its directories.
fn give_session(home: &mut Home) {
    for name in ["user", "run"] {
        fs::create_dir(home.path(name)).expect("made");
        fs::set_permissions(home.path(name), fs::Permissions::from_mode(0o700)).expect("set");
    }
    for (name, value) in surroundings(home.directory()) {
        home.give(name, value);
    }
}

fn surroundings(directory: &Path) -> [(&'static str, String); 3] {
    let path = |name: &str| directory.join(name).display().to_string();
    [
        (
            "DBUS_SESSION_BUS_ADDRESS",
            format!("unix:path={}", path("bus")),
        ),
        ("HOME", path("user")),
        ("XDG_RUNTIME_DIR", path("run")),
    ]
}

/// What opens the keychain.
pub(crate) const PASSWORD: &str = "testpw";
/// The collection that a login opens.
const COLLECTION: &str = "/org/freedesktop/secrets/collection/login";
/// How long a bus or a keychain may run.
const LIFETIME: Duration = Duration::from_secs(180);
