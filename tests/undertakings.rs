//! One change to several stores, of two formats of file and of somebody else's plugin, whose
//! processes are killed at any moment: all hold it or none does, and the ledger agrees.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anchorhold_state::{Actor, Fingerprint, ItemChange, State, StorePart, Undertaking};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use time::OffsetDateTime;

use crate::examples::built;
use crate::support::{Home, Openssl, Watched, stanza};

/// A home with a `.p12`, a `.kdb`, and a directory that a plugin in C keeps in a runner.
struct Bench {
    home: Home,
    /// The SHA-256 of the certificates that are imported together.
    all: Vec<String>,
}

/// Whether a process is killed, and which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Victim {
    /// The program, with its runners.
    Program,
    /// The runner of the plugin alone.
    Runner,
}

/// What of an import is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    All,
    Nothing,
}

impl Bench {
    fn set() -> Option<Self> {
        let text: String = ["TSM1", "TSM2"].map(|name| stanza(name, 1, &[])).concat();
        let home = Home::with_options(&text);
        let openssl = Openssl::find(home.directory())?;
        built(&home)?;
        let manifest = "c/examples/org.example.directory.plugin.toml";
        home.run(&["plugin", "add", manifest, "--no-store", "--yes"])
            .exits(0);
        fs::create_dir(home.path("certs")).expect("made");
        let certs = home.path("certs");
        let certs = certs.to_str().expect("text");
        home.configure(&format!(
            "{P12}{KDB}[[store]]\nname = \"files\"\nplugin = \"org.example.directory\"\n\
             settings = {{ dir = \"{certs}\" }}\n\
             grant = [\"read:{certs}\", \"write:{certs}\"]\n"
        ));
        let names: Vec<String> = (0..COUNT).map(|number| format!("c{number}")).collect();
        let mut pem = String::new();
        let mut all = Vec::new();
        for name in &names {
            let identity = openssl.stock(name);
            pem.push_str(&identity.pem());
            all.push(identity.sha256());
        }
        home.write("all.pem", pem);
        openssl.stock("other");
        let bench = Self { home, all };
        // All of it is there before, so that no moment is only the first of its kind.
        bench.home.run(&bench.import("other.pem")).exits(0);
        Some(bench)
    }

    fn import<'a>(&self, file: &'a str) -> Vec<&'a str> {
        let mut words = vec!["import", "--server", "TSM1", file, "--json"];
        STORES
            .iter()
            .for_each(|name| words.extend(["--store", name]));
        words
    }

    /// Takes everything out again, and tells how long an import takes that is left alone.
    fn measure(&self) -> Duration {
        let began = Instant::now();
        self.home.run(&self.import("all.pem")).exits(0);
        let life = began.elapsed();
        assert_eq!(self.held("nothing was killed"), Held::All);
        self.take_out();
        life
    }

    fn take_out(&self) {
        for digits in &self.all {
            self.home.run(&["remove", digits, "--all"]).exits(0);
        }
        assert_eq!(self.held("all were taken out"), Held::Nothing);
    }

    /// Starts an import, and kills a process of it once it has lived for so long.
    fn kill(&self, victim: Victim, life: Duration) {
        let mut command = self.home.command(&self.import("all.pem"));
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut process = Watched::start(&mut command, Duration::from_secs(60));
        let began = Instant::now();
        while !process.has_ended() && began.elapsed() < life {
            std::thread::yield_now();
        }
        match victim {
            Victim::Program => {
                process.kill();
            }
            Victim::Runner => {
                kill_children(process.child().id());
                process.wait();
            }
        }
    }

    /// What the stores hold of it, if that is the same in all of them and the ledger agrees.
    #[track_caller]
    fn held(&self, when: &str) -> Held {
        let list = self.home.json(0, &["list"]);
        let listed = list["certificates"].as_array().expect("a list");
        let count = |store: &str| {
            let in_store = listed.iter().filter(|one| one["store"] == store);
            let ours = in_store.filter(|one| {
                let digits = one["sha256"].as_str().expect("text");
                self.all.iter().any(|own| own == digits)
            });
            ours.inspect(|one| {
                let scoped = one["servers"][0] == "TSM1" && one["kind"] == "pin";
                assert!(scoped, "{when}: the ledger does not know {one:#}");
            })
            .count()
        };
        let counts = STORES.map(count);
        let missing = self.home.json(0, &["store", "check"])["missing"].clone();
        assert_eq!(
            missing,
            Value::Array(Vec::new()),
            "{when}: the stores lack some"
        );
        match counts {
            [0, 0, 0] => Held::Nothing,
            [COUNT, COUNT, COUNT] => Held::All,
            _ => panic!("{when}: {counts:?} of {COUNT} are held in {STORES:?}"),
        }
    }

    /// Lets whoever comes next settle what is open; tells whether something was.
    fn settle(&self, when: &str) -> bool {
        let code = self.home.run(&["store", "check", "--json"]);
        let check = code.document();
        let open = check["undertakings"].as_array().expect("a list");
        if let [one] = &open[..] {
            assert_eq!(one["what"], "import", "{when}: {check:#}");
            assert_eq!(one["under_way_by"], Value::Null, "{when}: {check:#}");
            assert_eq!(check["passed"], false, "{when}: {check:#}");
            let doctor = self.home.run(&["doctor", "--json"]).document();
            let findings = doctor["findings"].as_array().expect("a list");
            assert!(
                findings.iter().any(|one| one["code"] == "change-open"),
                "{when}: {doctor:#}"
            );
        }
        assert!(open.len() <= 1, "{when}: {check:#}");
        // A plugin that crashed is started again at once, when somebody says so.
        self.home.run(&["store", "release", "files"]).exits(0);
        // Whatever changes anything settles it.
        self.home.run(&["server", "raise", "TSM2"]).exits(0);
        let check = self.home.json(0, &["store", "check"]);
        assert_eq!(check["undertakings"], Value::Array(Vec::new()), "{when}");
        !open.is_empty()
    }
}

/// Kills the processes that a process has started.
fn kill_children(parent: u32) {
    let list = Path::new("/proc").join(parent.to_string());
    let list = list.join("task").join(parent.to_string()).join("children");
    let children = fs::read_to_string(list).unwrap_or_default();
    for child in children.split_ascii_whitespace() {
        if let Some(pid) = child.parse().ok().and_then(Pid::from_raw) {
            // It may have ended by itself.
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

#[test]
fn whatever_is_killed_at_any_moment_all_stores_hold_it_or_none() {
    let Some(bench) = Bench::set() else { return };
    let life = bench.measure();
    let (mut open, mut held) = (0, [0, 0]);
    for victim in [Victim::Program, Victim::Runner] {
        for moment in 0..MOMENTS {
            let time = life * moment / MOMENTS;
            let when = format!("{victim:?} killed after {time:?} of {life:?}");
            bench.kill(victim, time);
            open += usize::from(bench.settle(&when));
            match bench.held(&when) {
                Held::All => {
                    held[0] += 1;
                    bench.take_out();
                }
                Held::Nothing => held[1] += 1,
            }
            let journal = bench.home.json(0, &["journal", "verify"]);
            assert_eq!(journal["whole"], true, "{when}: {journal:#}");
        }
    }
    println!(
        "{open} were open; {} were held afterwards and {} not",
        held[0], held[1]
    );
}

#[test]
fn a_preview_says_which_servers_it_concerns_and_so_does_the_import() {
    let text: String = ["TSM1", "TSM2"].map(|name| stanza(name, 1, &[])).concat();
    let home = Home::with_options(&text);
    let Some(openssl) = Openssl::find(home.directory()) else {
        return;
    };
    let digits = openssl.stock("one").sha256();
    let import = ["import", "--server", "TSM1", "one.pem"];
    let mut preview = import.to_vec();
    preview.push("--dry-run");
    let told = home.json(0, &preview)["changes"].clone();
    assert_eq!(told.as_array().map(Vec::len), Some(1), "{told:#}");
    assert_eq!(told[0]["server"], "TSM1", "{told:#}");
    assert_eq!(told[0]["gains"][0], &*digits, "{told:#}");
    assert_eq!(told[0]["gains_total"], 1, "{told:#}");
    assert_eq!(told[0]["acceptance_stops"], true, "{told:#}");
    home.run(&preview).exits(0).says("TSM1: gains 1");
    assert_eq!(home.json(0, &import)["changes"], told);
    // Nothing changes any more.
    assert_eq!(home.json(0, &import)["changes"], Value::Array(Vec::new()));
    let scoped = home.json(0, &["scope", &digits, "--server", "TSM2"]);
    assert_eq!(
        scoped["changes"].as_array().map(Vec::len),
        Some(2),
        "{scoped:#}"
    );
    let removed = home.json(0, &["remove", &digits, "--all"]);
    assert_eq!(removed["changes"][0]["server"], "TSM2", "{removed:#}");
    assert_eq!(removed["changes"][0]["loses"][0], &*digits, "{removed:#}");
    assert_eq!(removed["changes"][0]["nothing_left"], true, "{removed:#}");
}

#[test]
fn a_store_that_is_gone_keeps_a_change_open_until_nothing_waits_for_it() {
    let home = Home::with_options(&stanza("TSM1", 1, &[]));
    let part = |store: &str| StorePart {
        store: store.to_owned(),
        items: vec![ItemChange {
            fingerprint: Fingerprint([7; 32]),
            before: None,
            // A certificate that is an anchor, and its label.
            after: Some(b"\x01\x00\x00one".to_vec()),
        }],
    };
    let undertaking = Undertaking {
        what: "import".to_owned(),
        stores: vec![part("keydb"), part("gone")],
        ..Undertaking::default()
    };
    let state = State::open(&home.path("h/state")).expect("a state");
    let actor = Actor::new("tester", "test");
    let mut change = state
        .write(&actor, OffsetDateTime::UNIX_EPOCH)
        .expect("a change");
    change.begin_undertaking(Arc::new(undertaking));
    change.commit().expect("written");

    let check = home.json(1, &["store", "check"]);
    assert_eq!(check["undertakings"][0]["gone"][0], "gone", "{check:#}");
    let told = check["problems"][0].as_str().expect("a problem");
    assert!(
        told.contains("store \"gone\", which is not configured"),
        "{told}"
    );
    let remedy = check["remedies"][0].as_str().expect("a remedy");
    assert!(remedy.contains("store release gone"), "{remedy}");
    // It stays open whatever is done.
    let raised = home.run(&["server", "raise", "TSM1"]).exits(0);
    assert!(raised.stderr.contains("stays open"), "{}", raised.shown());
    home.json(1, &["store", "check"]);
    // A name that nothing waits for is a slip.
    home.run(&["store", "release", "other"]).exits(2);
    let released = home.json(0, &["store", "release", "gone"]);
    assert_eq!(released["changed"], true, "{released:#}");
    let check = home.json(0, &["store", "check"]);
    assert_eq!(check["undertakings"], Value::Array(Vec::new()), "{check:#}");
    assert_eq!(home.json(0, &["journal", "verify"])["whole"], true);
}

/// How many certificates are imported at once.
const COUNT: usize = 6;
/// At how many moments each of the two is killed.
const MOMENTS: u32 = 12;
const STORES: [&str; 3] = ["files", "p12", "kdb"];
const P12: &str = "[[store]]\nname = \"p12\"\nplugin = \"anchorhold.keydb\"\n\
                   settings = { path = \"stores/a.p12\" }\n\n";
const KDB: &str = "[[store]]\nname = \"kdb\"\nplugin = \"anchorhold.keydb\"\n\
                   settings = { path = \"stores/b.kdb\" }\n\n";
