//! A bus of a test's own, and a keychain on it that behaves as it is told.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use tempfile::TempDir;
use zbus::Address;
use zbus::blocking::connection::Builder;
use zbus::blocking::{Connection, MessageIterator};
use zbus::message::{Message, Type};
use zbus::zvariant::{ObjectPath, Value};

/// A bus on which nothing is started by itself.
pub(super) struct Daemon {
    child: Child,
    pub(super) address: Address,
    _directory: TempDir,
}

impl Daemon {
    /// Starts one; where there is no such program the test is skipped.
    pub(super) fn start() -> Option<Self> {
        if !Path::new(PROGRAM).exists() {
            skip(&format!("{PROGRAM} is not installed"));
            return None;
        }
        let directory = tempfile::tempdir().unwrap();
        let config = directory.path().join("bus.conf");
        let socket = directory.path().join("bus");
        let rules = "<policy context=\"default\"><allow send_destination=\"*\"/>\
                     <allow receive_sender=\"*\"/><allow own=\"*\"/></policy>";
        let text = format!(
            "<busconfig><type>session</type><listen>unix:path={}</listen>{rules}</busconfig>",
            socket.display()
        );
        std::fs::write(&config, text).unwrap();
        let mut child = Command::new(PROGRAM)
            .args(["--nofork", "--nopidfile", "--print-address=1"])
            .arg(format!("--config-file={}", config.display()))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let told = child.stdout.take().unwrap();
        BufReader::new(told).read_line(&mut line).unwrap();
        let address = line.trim().parse().unwrap();
        Some(Self {
            child,
            address,
            _directory: directory,
        })
    }

    /// Puts a keychain there; what it was called for is noted.
    pub(super) fn keychain(&self, manner: Manner) -> Calls {
        let connection = Builder::address(self.address.clone())
            .unwrap()
            .name("org.freedesktop.secrets")
            .unwrap()
            .build()
            .unwrap();
        let calls = Calls::default();
        let noted = calls.clone();
        // It ends with the bus.
        thread::spawn(move || {
            for message in MessageIterator::from(&connection) {
                let Ok(message) = message else { break };
                if message.message_type() == Type::MethodCall {
                    noted.note(&message);
                    answer(&connection, &message, &manner);
                }
            }
        });
        calls
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ended = self.child.kill().and_then(|()| self.child.wait());
    }
}

/// How a keychain behaves.
#[derive(Clone, Debug)]
pub(super) struct Manner {
    pub(super) is_silent: bool,
    pub(super) is_locked: bool,
    pub(super) has_default: bool,
    /// Whether a prompt is said to be dismissed; without it nothing is ever said of it.
    pub(super) dismissed: Option<bool>,
    /// The error that every search ends with.
    pub(super) search: Option<&'static str>,
}

impl Default for Manner {
    fn default() -> Self {
        Self {
            is_silent: false,
            is_locked: false,
            has_default: true,
            dismissed: None,
            search: None,
        }
    }
}

/// What a keychain was called for.
#[derive(Clone, Debug, Default)]
pub(super) struct Calls(Arc<Mutex<Vec<String>>>);

impl Calls {
    pub(super) fn has(&self, member: &str) -> bool {
        self.0.lock().unwrap().iter().any(|call| call == member)
    }

    fn note(&self, message: &Message) {
        let member = message.header().member().map(ToString::to_string);
        self.0.lock().unwrap().extend(member);
    }
}

fn answer(bus: &Connection, message: &Message, manner: &Manner) {
    let header = message.header();
    let path = |text: &'static str| ObjectPath::from_static_str_unchecked(text);
    let nothing = Vec::<ObjectPath<'_>>::new();
    let member = header.member().map(ToString::to_string);
    let sent = match member.as_deref().unwrap_or_default() {
        _ if manner.is_silent => Ok(()),
        "OpenSession" => bus.reply(&header, &(Value::from(vec![2_u8; 128]), path("/session"))),
        "ReadAlias" if manner.has_default => bus.reply(&header, &path("/collection")),
        "ReadAlias" => bus.reply(&header, &path("/")),
        "Get" => bus.reply(&header, &Value::from(manner.is_locked)),
        "Unlock" => bus.reply(&header, &(nothing, path("/prompt"))),
        "SearchItems" => match manner.search {
            Some(name) => bus.reply_error(&header, name, &"told to fail"),
            None => bus.reply(&header, &vec![path("/item")]),
        },
        "Delete" => bus.reply(&header, &path("/prompt")),
        "Prompt" => bus.reply(&header, &()).and_then(|()| {
            let Some(dismissed) = manner.dismissed else {
                return Ok(());
            };
            let interface = "org.freedesktop.Secret.Prompt";
            let body = (dismissed, Value::from(nothing));
            let to = header.sender().cloned();
            bus.emit_signal(to, "/prompt", interface, "Completed", &body)
        }),
        "Dismiss" => bus.reply(&header, &()),
        other => panic!("nobody was to call {other}"),
    };
    // Whoever asked may be gone already.
    let _sent = sent;
}

fn skip(reason: &str) {
    let test = thread::current().name().unwrap_or("a test").to_owned();
    eprintln!("skipped {test}: {reason}");
    if let Some(list) = std::env::var_os("ANCHORHOLD_SKIPS") {
        let file = std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(list);
        let line = format!("{test}: {reason}\n");
        std::io::Write::write_all(&mut file.unwrap(), line.as_bytes()).unwrap();
    }
}

const PROGRAM: &str = "/usr/bin/dbus-daemon";
