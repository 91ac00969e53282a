//! A machine to attack, and what attacks it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::thread;

use anchorhold_boundary::confinement::Confinement;
use anchorhold_boundary::grant::Grant;
use anchorhold_boundary::link::{Code, Link, Program, Start};
use anchorhold_boundary::sandbox::{self, Landlock, Namespaces, SandboxSpec};
use anchorhold_boundary::{CallError, CallLimits, OpenStore, StoreConfig, admit};
use tempfile::TempDir;

use crate::program::program;

const NOBODY: u32 = 65534;

/// Whom the runner runs as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum User {
    /// As this test.
    Same,
    Nobody,
}

/// Whom it can run as here: root can become nobody.
pub(crate) fn users() -> &'static [User] {
    if rustix::process::geteuid().is_root() {
        &[User::Same, User::Nobody]
    } else {
        &[User::Same]
    }
}

/// Whether this machine lacks what the whole sandbox is made of. A test that does not run says so,
/// and is noted where the runner of the tests counts.
pub(crate) fn is_skipped() -> bool {
    let offered = sandbox::available();
    let landlock = matches!(offered.landlock, Landlock::Version(version) if version >= 6);
    if landlock && offered.seccomp && offered.namespaces == Namespaces::Usable {
        return false;
    }
    skip(&format!("this machine has no whole sandbox: {offered:?}"));
    true
}

/// Whether a program is missing that a test cannot do without; the test then does not run.
pub(crate) fn is_missing(program: &str) -> bool {
    let missing = !Path::new(program).exists();
    if missing {
        skip(&format!("there is no {program}"));
    }
    missing
}

fn skip(reason: &str) {
    let test = thread::current().name().unwrap_or("a test").to_owned();
    eprintln!("skipped {test}: {reason}");
    if let Some(list) = std::env::var_os("ANCHORHOLD_SKIPS") {
        let file = fs::OpenOptions::new().append(true).create(true).open(list);
        let line = format!("{test}: {reason}\n");
        file.unwrap().write_all(line.as_bytes()).unwrap();
    }
}

/// A C file of this test, compiled once a test process.
pub(crate) fn compiled(name: &str, flags: &[&str]) -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let process = std::process::id();
    let built = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.{process}"));
    let compiler = Command::new("cc")
        .args(["-std=gnu11", "-Wall", "-Wextra", "-Werror"])
        .args(flags)
        .arg("-o")
        .arg(&built)
        .arg("-I")
        .arg(here.join("../../sdk/c/include"))
        .arg(here.join("tests/hostile").join(name))
        .output()
        .expect("a C compiler is needed: apt-get install gcc libc6-dev");
    let said = String::from_utf8_lossy(&compiler.stderr);
    assert!(compiler.status.success(), "{said}");
    built
}

/// The hostile library.
pub(crate) fn library() -> &'static [u8] {
    static LIBRARY: OnceLock<Vec<u8>> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let built = compiled("hostile.c", &["-shared", "-fPIC", "-pthread"]);
        let bytes = fs::read(&built).unwrap();
        fs::remove_file(built).unwrap();
        bytes
    })
}

/// The program that withholds system calls from another one, in this directory.
pub(crate) fn withholding(directory: &Path) -> PathBuf {
    static WITHHOLD: OnceLock<PathBuf> = OnceLock::new();
    let built = WITHHOLD.get_or_init(|| {
        let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("withhold");
        fs::rename(compiled("withhold.c", &[]), &kept).unwrap();
        kept
    });
    let at = directory.join("withhold");
    copy_program(built, &at);
    at
}

/// Copies a program by another process: a child that another thread starts meanwhile would hold
/// the copy open for writing if this one wrote it, and what is open for writing cannot be run.
fn copy_program(from: &Path, to: &Path) {
    if !to.exists() {
        let copied = Command::new("cp").arg(from).arg(to).status().unwrap();
        assert!(copied.success());
    }
}

/// A plugin in a directory of its own, what lies around it, and what it is granted.
pub(crate) struct Scene {
    dir: TempDir,
    pub(crate) user: User,
    pub(crate) needs: Vec<String>,
    pub(crate) grants: Vec<String>,
    pub(crate) environment: Vec<(OsString, OsString)>,
    /// System calls, and what they answer instead.
    pub(crate) withheld: Vec<&'static str>,
    /// Where a proxy of the session's bus is looked for, if elsewhere than usual.
    pub(crate) bus_proxies: Option<Vec<PathBuf>>,
    pub(crate) memory: u64,
    pub(crate) trap: bool,
    pub(crate) debugger: bool,
}

impl Scene {
    pub(crate) fn new(user: User) -> Self {
        Self::within(&std::env::temp_dir(), user)
    }

    /// In a directory of its own in this one.
    pub(crate) fn within(directory: &Path, user: User) -> Self {
        let scene = Self {
            dir: tempfile::tempdir_in(directory).unwrap(),
            user,
            needs: Vec::new(),
            grants: Vec::new(),
            environment: Vec::new(),
            withheld: Vec::new(),
            bus_proxies: None,
            memory: 0,
            trap: false,
            debugger: false,
        };
        open_to_all(scene.dir.path());
        fs::create_dir(scene.at("plugin")).unwrap();
        open_to_all(&scene.at("plugin"));
        fs::write(scene.at("plugin/libhostile.so"), library()).unwrap();
        scene.make_dir("outside");
        scene.file("outside/secret", "secret");
        scene
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A path as a word of an attempt.
    pub(crate) fn word(&self, name: &str) -> String {
        self.at(name).to_str().unwrap().to_owned()
    }

    /// A directory that the runner's user owns.
    pub(crate) fn make_dir(&self, name: &str) {
        fs::create_dir(self.at(name)).unwrap();
        open_to_all(&self.at(name));
        self.own(name);
    }

    /// A file that the runner's user owns.
    pub(crate) fn file(&self, name: &str, text: &str) {
        fs::write(self.at(name), text).unwrap();
        self.own(name);
    }

    fn own(&self, name: &str) {
        if self.user == User::Nobody {
            chown(self.at(name), Some(NOBODY), Some(NOBODY)).unwrap();
        }
    }

    /// The plugin needs it, and the operator grants it.
    pub(crate) fn granted(mut self, grant: String) -> Self {
        self.needs.push(grant.clone());
        self.grants.push(grant);
        self
    }

    /// Opens the store in a runner.
    pub(crate) fn open(&self, tries: &[String]) -> Link {
        self.try_open(tries, false).unwrap()
    }

    pub(crate) fn try_open(&self, tries: &[String], require_full: bool) -> Result<Link, CallError> {
        let manifest = self.at("plugin/org.example.hostile.plugin.toml");
        let text = format!(
            "id = 'org.example.hostile'\nlibrary = 'libhostile.so'\nabi = 1\nneeds = {:?}\n\
             [settings]\ntry.type = 'list'\n",
            self.needs
        );
        fs::write(&manifest, text).unwrap();
        let inspected = admit::inspect(&manifest).unwrap();
        let admitted = admit::admit(&manifest, &inspected.pins).unwrap();
        let mut store = StoreConfig::new("hostile");
        let setting = |what: &String| ("try".to_owned(), what.clone());
        store.settings = tries.iter().map(setting).collect();
        let grants: Result<Vec<_>, _> = self.grants.iter().map(|text| Grant::parse(text)).collect();
        let worked = SandboxSpec::work_out(
            admitted.manifest(),
            &grants.unwrap(),
            &store.settings,
            None,
            Some(&inspected.library),
        );
        let mut start = Start::new(self.program(), Code::Library(admitted), store);
        start.sandbox = worked.unwrap().0;
        start.sandbox.memory = self.memory;
        start.sandbox.trap = self.trap;
        start.sandbox.debugger = self.debugger;
        for endpoint in &mut start.sandbox.connect {
            // Every host of a scene is this one, whatever it is called.
            endpoint.addresses = vec![Ipv4Addr::LOCALHOST.into()];
        }
        start.environment = self.environment.clone();
        start.require_full = require_full;
        if let Some(proxies) = &self.bus_proxies {
            start.bus_proxies = proxies.clone();
        }
        Link::start(start)
    }

    /// The runner, as whom and with what it is to run.
    fn program(&self) -> Program {
        let mut words: Vec<OsString> = Vec::new();
        if self.user == User::Nobody {
            let id = NOBODY.to_string();
            let become_nobody = ["/usr/bin/setpriv", "--reuid", &id, "--regid", &id];
            words.extend(become_nobody.map(OsString::from));
            words.push("--clear-groups".into());
        }
        if !self.withheld.is_empty() {
            words.push(withholding(self.dir.path()).into());
            words.extend(self.withheld.iter().map(OsString::from));
            words.push("--".into());
        }
        if self.user == User::Same {
            words.push(program().into());
        } else {
            // Whoever it runs as must be able to run it.
            let runner = self.at("runner");
            copy_program(program(), &runner);
            words.push(runner.into());
        }
        Program {
            path: words.remove(0).into(),
            arguments: words,
        }
    }

    /// What came of each attempt, in order.
    pub(crate) fn attempt(&self, tries: &[String]) -> (BTreeMap<String, String>, Confinement) {
        let link = self.open(tries);
        let listing = link.list(&CallLimits::default()).unwrap();
        assert_eq!(listing.items.len(), tries.len());
        let told = listing.items.iter().map(|item| {
            let (what, how) = item.label.rsplit_once('=').unwrap();
            (what.to_owned(), how.to_owned())
        });
        (told.collect(), link.confinement().clone())
    }

    /// Each of these must be denied.
    pub(crate) fn denied(&self, tries: &[String]) -> Confinement {
        let (told, confinement) = self.attempt(tries);
        let answers = ["ok", "unknown", "EINVAL", "EFAULT"];
        let is_wrong = |(_, how): &(&String, &String)| answers.contains(&how.as_str());
        let wrong: Vec<_> = told.iter().filter(is_wrong).collect();
        let (user, grants) = (self.user, &self.grants);
        assert!(wrong.is_empty(), "{wrong:?}, as {user:?}, with {grants:?}");
        confinement
    }

    /// Each of these must be answered by the filter of system calls.
    pub(crate) fn filtered(&self, tries: &[String]) -> Confinement {
        let (told, confinement) = self.attempt(tries);
        for (what, how) in told {
            assert_eq!(how, "EPERM", "{what}, as {:?}", self.user);
        }
        confinement
    }

    /// Each of these must work.
    pub(crate) fn allowed(&self, tries: &[String]) -> Confinement {
        let (told, confinement) = self.attempt(tries);
        for (what, how) in &told {
            assert_eq!(how, "ok", "{what}, as {:?}, {confinement:?}", self.user);
        }
        confinement
    }
}

fn open_to_all(path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

pub(crate) fn words<const N: usize>(list: [&str; N]) -> Vec<String> {
    list.map(str::to_owned).into()
}

/// Answers every byte with itself.
fn echo(mut stream: impl Read + Write) {
    let mut byte = [0];
    while stream.read_exact(&mut byte).is_ok() && stream.write_all(&byte).is_ok() {}
}

/// A Unix socket that answers.
pub(crate) fn unix(scene: &Scene, name: &str) -> String {
    let listener = UnixListener::bind(scene.at(name)).unwrap();
    fs::set_permissions(scene.at(name), fs::Permissions::from_mode(0o777)).unwrap();
    serve_unix(listener);
    scene.word(name)
}

/// An abstract socket that answers, as an attempt names it.
pub(crate) fn abstract_unix(scene: &Scene) -> String {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::SocketAddr;
    let name = scene.word("abstract");
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    serve_unix(UnixListener::bind_addr(&address).unwrap());
    format!("@{name}")
}

fn serve_unix(listener: UnixListener) {
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || echo(stream));
        }
    });
}

/// A port on the local host that answers.
pub(crate) fn port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || echo(stream));
        }
    });
    port
}
