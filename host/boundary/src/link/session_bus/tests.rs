//! How a bus is found, and what its proxy lets through.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;

/// What no test waits for.
const LONG: Duration = Duration::from_secs(60);

fn granted() -> SandboxSpec {
    SandboxSpec {
        session_bus: SessionBus::Granted,
        ..SandboxSpec::default()
    }
}

fn reached(bus: &str, proxies: &[PathBuf]) -> (SandboxSpec, OsString, Bus) {
    let mut sandbox = granted();
    let mut environment = vec![
        ("A".into(), "b".into()),
        (VARIABLE.into(), format!("unix:path={bus}").into()),
    ];
    let bus = Bus::reach(&mut sandbox, &mut environment, proxies, LONG).unwrap();
    let (name, address) = environment.remove(1);
    assert_eq!(name, VARIABLE);
    let told = environment.pop().filter(|(name, _)| name == BEHIND_PROXY);
    assert_eq!(told.is_some(), bus.proxy.is_some());
    (sandbox, address, bus)
}

/// A program that runs this in a shell.
fn program(directory: &Path, body: &str) -> PathBuf {
    let path = directory.join("xdg-dbus-proxy");
    fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
    // By another process: what this one has open for writing cannot be run meanwhile.
    let made = Command::new("chmod").arg("755").arg(&path).status();
    assert!(made.unwrap().success());
    path
}

/// Why there is no proxy, where it is this program.
fn why(program: PathBuf, within: Duration) -> String {
    let bus = Path::new("/nowhere/bus");
    start(bus, &[program], within).unwrap_err()
}

#[test]
fn bus_is_this_users_unless_the_store_says_otherwise() {
    let own = format!("/run/user/{}/bus", rustix::process::geteuid().as_raw());
    assert_eq!(bus(&[]).unwrap(), Path::new(&own));
    let named = |text: &str| (OsString::from(VARIABLE), OsString::from(text));
    let environment = [named("unix:path=/a"), named("unix:path=/b")];
    assert_eq!(bus(&environment).unwrap(), Path::new("/b"));
    let refused = bus(&[named("unix:abstract=x")]).unwrap_err();
    assert_eq!(refused.status, Status::Refused);
    assert_eq!(refused.code.as_deref(), Some("grant-invalid"));
}

#[test]
fn what_is_not_granted_is_not_reached() {
    let mut sandbox = SandboxSpec::default();
    let mut environment = vec![(VARIABLE.into(), "tcp:".into())];
    let proxies = [PathBuf::from("/nowhere")];
    let bus = Bus::reach(&mut sandbox, &mut environment, &proxies, LONG).unwrap();
    assert!(bus.proxy.is_none() && bus.directory.is_none());
    assert_eq!(sandbox, SandboxSpec::default());
    assert_eq!(environment, [(VARIABLE.into(), "tcp:".into())]);
}

#[test]
fn without_a_proxy_the_bus_itself_is_reached_and_that_is_told() {
    let (sandbox, address, bus) = reached("/run/user/1/bus", &["/nowhere/proxy".into()]);
    let why = "xdg-dbus-proxy is not installed".to_owned();
    assert_eq!(sandbox.session_bus, SessionBus::Whole(why));
    assert_eq!(sandbox.unix, [PathBuf::from("/run/user/1/bus")]);
    assert_eq!(address, "unix:path=/run/user/1/bus");
    assert!(bus.proxy.is_none() && bus.directory.is_none());
}

#[test]
fn proxy_that_fails_is_no_proxy_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let ended = why(program(dir.path(), "exit 1"), LONG);
    assert!(ended.ends_with("ended before it listened"), "{ended}");
    let told = dir.path().join("told");
    let hangs = format!(
        "echo $$ $3 >{0}.new; mv {0}.new {0}; exec sleep 1000",
        told.display()
    );
    let program = program(dir.path(), &hangs);
    let begun = Instant::now();
    // However slow the machine is, it is asked again until the program has begun to hang.
    let silent = std::iter::repeat_with(|| why(program.clone(), Duration::from_millis(200)))
        .find(|_| told.exists())
        .unwrap();
    assert!(silent.ends_with("did not listen within 200 ms"), "{silent}");
    assert!(begun.elapsed() < LONG);
    let told = fs::read_to_string(told).unwrap();
    let (process, socket) = told.trim().split_once(' ').unwrap();
    assert!(!Path::new("/proc").join(process).exists(), "{told}");
    assert!(!Path::new(socket).parent().unwrap().exists(), "{told}");
}

#[test]
fn program_that_others_may_change_is_not_run() {
    let dir = tempfile::tempdir().unwrap();
    let program = program(dir.path(), "exit 1");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o775)).unwrap();
    let refused = why(program, LONG);
    assert!(refused.contains("others than root may change"), "{refused}");
}

/// What the proxy lets through, and that it ends, is seen with the real ones.
mod real {
    use std::io::{BufRead, BufReader};
    use std::process::Child;

    use super::*;

    const BUS: &str = "--dest=org.freedesktop.DBus";
    const STARTS: &str = "org.example.starts";

    /// A bus of its own, which ends with this.
    struct Daemon(Child);

    impl Drop for Daemon {
        fn drop(&mut self) {
            self.0.kill().unwrap();
            self.0.wait().unwrap();
        }
    }

    /// Starts one in a directory, which starts a program for whoever asks: that makes the file
    /// `started` there.
    fn daemon(directory: &Path, socket: &Path) -> Daemon {
        let at = |name: &str| directory.join(name);
        let service = format!(
            "[D-BUS Service]\nName={STARTS}\nExec=/bin/sh -c \"touch {}; exit 1\"\n",
            at("started").display()
        );
        fs::write(at(&format!("{STARTS}.service")), service).unwrap();
        let rules = "<policy context=\"default\"><allow send_destination=\"*\"/>\
                     <allow eavesdrop=\"true\"/><allow own=\"*\"/></policy>";
        let config = format!(
            "<busconfig><type>session</type><listen>{}</listen><servicedir>{}</servicedir>{rules}\
             </busconfig>",
            address(socket),
            directory.display()
        );
        fs::write(at("bus.conf"), config).unwrap();
        let mut daemon = Command::new("/usr/bin/dbus-daemon")
            .args(["--nofork", "--nopidfile", "--print-address=1"])
            .arg(format!("--config-file={}", at("bus.conf").display()))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let told = daemon.stdout.take().unwrap();
        BufReader::new(told).read_line(&mut line).unwrap();
        assert!(line.starts_with("unix:path="), "{line}");
        Daemon(daemon)
    }

    fn is_skipped(test: &str) -> bool {
        let programs = ["/usr/bin/dbus-daemon", "/usr/bin/dbus-send", PROXIES[0]];
        let missing = programs.iter().find(|program| !Path::new(program).exists());
        let Some(missing) = missing else { return false };
        let reason = format!("there is no {missing}");
        eprintln!("skipped {test}: {reason}");
        if let Some(list) = std::env::var_os("ANCHORHOLD_SKIPS") {
            let file = fs::OpenOptions::new().append(true).create(true).open(list);
            let line = format!("{test}: {reason}\n");
            io::Write::write_all(&mut file.unwrap(), line.as_bytes()).unwrap();
        }
        true
    }

    /// Asks the bus for something; what it said, or what was wrong with that.
    fn asked(at: &OsStr, call: &[&str]) -> Result<String, String> {
        let output = Command::new("/usr/bin/dbus-send")
            .arg(format!("--bus={}", at.to_str().unwrap()))
            .args(["--print-reply", "--reply-timeout=20000"])
            .args(call)
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        match output.status.success() {
            true => Ok(text(output.stdout)),
            false => Err(text(output.stderr)),
        }
    }

    #[test]
    fn only_the_keyring_service_is_let_through() {
        if is_skipped("only_the_keyring_service_is_let_through") {
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("bus");
        let _daemon = daemon(dir.path(), &socket);
        let (sandbox, at, bus) = reached(socket.to_str().unwrap(), &PROXIES.map(PathBuf::from));
        assert_eq!(sandbox.session_bus, SessionBus::Filtered(String::new()));
        let path = sandbox.unix[0].clone();
        let mode = path.parent().unwrap().metadata().unwrap().mode();
        assert_eq!(mode & 0o7777, 0o700);
        asked(&at, &[BUS, "/", "org.freedesktop.DBus.GetId"]).unwrap();
        // Nobody provides it here, which only the bus itself can say.
        let ping = "org.freedesktop.DBus.Peer.Ping";
        let keyring = asked(&at, &["--dest=org.freedesktop.secrets", "/", ping]);
        let said = keyring.unwrap_err();
        assert!(
            said.contains("was not provided by any .service files"),
            "{said}"
        );
        let service = format!("string:{STARTS}");
        let destination = format!("--dest={STARTS}");
        let start = "org.freedesktop.DBus.StartServiceByName";
        let starts = [BUS, "/", start, &service, "uint32:0"];
        let own = "org.freedesktop.DBus.RequestName";
        for call in [
            &starts[..],
            &[&destination, "/", ping],
            &[BUS, "/", own, &service, "uint32:0"],
        ] {
            asked(&at, call).unwrap_err();
        }
        assert!(!dir.path().join("started").exists());
        // The same call does it on the bus itself, though what it starts provides nothing.
        asked(OsStr::new(&address(&socket)), &starts).unwrap_err();
        assert!(dir.path().join("started").exists());
        drop(bus);
        assert!(!path.parent().unwrap().exists());
    }

    #[test]
    fn proxy_ends_when_whoever_started_it_does() {
        if is_skipped("proxy_ends_when_whoever_started_it_does") {
            return;
        }
        let (.., bus) = reached("/nowhere/bus", &PROXIES.map(PathBuf::from));
        let Proxy { _process, _held } = bus.proxy.unwrap();
        assert!(!_process.ends_within(Duration::ZERO));
        // The kernel does this for a process that is killed.
        drop(_held);
        assert!(_process.ends_within(LONG));
    }
}
