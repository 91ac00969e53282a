//! A bus of a session: its keyring service through a proxy, and nothing else of it.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anchorhold_boundary::confinement::{Confinement, Sandbox};
use anchorhold_boundary::{CallLimits, OpenStore, Status};

use crate::scene::{Scene, User, is_missing, is_skipped, words};

/// A bus of its own, which ends with this.
struct Bus(Child);

impl Bus {
    /// Starts one that listens at this path.
    fn start(socket: &Path) -> Self {
        let mut bus = Command::new("/usr/bin/dbus-daemon")
            .args(["--session", "--nofork", "--nopidfile", "--print-address=1"])
            .arg(format!("--address=unix:path={}", socket.display()))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let told = bus.stdout.take().unwrap();
        BufReader::new(told).read_line(&mut line).unwrap();
        assert!(line.starts_with("unix:path="), "{line}");
        Self(bus)
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Proxies of one test at a time, so that what one leaves behind is known for its own.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn scene() -> Scene {
    Scene::new(User::Same).granted("session-bus".to_owned())
}

fn names(scene: &mut Scene, address: String) {
    let variable: OsString = "DBUS_SESSION_BUS_ADDRESS".into();
    scene.environment = vec![(variable, address.into())];
}

fn lacks_programs() -> bool {
    is_skipped() || is_missing("/usr/bin/dbus-daemon") || is_missing("/usr/bin/xdg-dbus-proxy")
}

#[test]
fn granted_bus_is_reached_through_a_proxy_and_in_no_other_way() {
    if lacks_programs() {
        return;
    }
    let _alone = alone();
    let mut scene = scene();
    let socket = scene.word("bus");
    let _bus = Bus::start(Path::new(&socket));
    names(&mut scene, format!("unix:path={socket},guid=0123"));
    let confinement = scene.allowed(&words(["bus"]));
    assert_eq!(confinement, whole());
    scene.denied(&[format!("bus {socket}"), "tcp".to_owned()]);
}

/// The whole sandbox, of which nothing is to be said.
fn whole() -> Confinement {
    Confinement::in_runner(Sandbox::Full, "")
}

#[test]
fn bus_may_come_after_the_runner() {
    if lacks_programs() {
        return;
    }
    let _alone = alone();
    let mut scene = scene();
    let socket = scene.word("bus");
    names(&mut scene, format!("unix:path={socket}"));
    let link = scene.open(&words(["bus"]));
    let note = format!("there is no session bus at {socket}");
    let expected = Confinement::in_runner(Sandbox::Full, note);
    assert_eq!(link.confinement(), &expected);
    let _bus = Bus::start(Path::new(&socket));
    let listing = link.list(&CallLimits::default()).unwrap();
    assert_eq!(listing.items[0].label, "bus=ok");
}

#[test]
fn bus_that_is_not_granted_is_not_there() {
    if lacks_programs() {
        return;
    }
    let mut scene = Scene::new(User::Same);
    let socket = scene.word("bus");
    let _bus = Bus::start(Path::new(&socket));
    names(&mut scene, format!("unix:path={socket}"));
    assert_eq!(scene.denied(&words(["bus"])), whole());
}

#[test]
fn bus_without_a_proxy_is_told_and_refused_where_the_whole_sandbox_is_demanded() {
    if is_skipped() || is_missing("/usr/bin/dbus-daemon") {
        return;
    }
    let _alone = alone();
    let mut scene = scene();
    let socket = scene.word("bus");
    let _bus = Bus::start(Path::new(&socket));
    names(&mut scene, format!("unix:path={socket}"));
    scene.bus_proxies = Some(Vec::new());
    let told = "the session bus can start programs outside the sandbox: xdg-dbus-proxy is not \
                installed";
    let confinement = scene.allowed(&words(["bus"]));
    assert_eq!(confinement, Confinement::in_runner(Sandbox::Partial, told));
    let refused = scene.try_open(&words(["bus"]), true).unwrap_err();
    assert!(refused.to_string().contains(told), "{refused}");
}

#[test]
fn socket_of_a_proxy_goes_with_its_runner() {
    if lacks_programs() {
        return;
    }
    let own = format!("anchorhold-{}-", std::process::id());
    let left = || -> Vec<PathBuf> {
        let places = [
            "/run".to_owned(),
            format!("/run/user/{}", uid()),
            "/var/tmp".to_owned(),
        ];
        let entries = places.iter().flat_map(fs::read_dir).flatten().flatten();
        let sockets = entries.map(|entry| entry.path().join("proxy"));
        sockets
            .filter(|path| path.display().to_string().contains(&own) && path.exists())
            .collect()
    };
    let _alone = alone();
    let mut scene = scene();
    let address = format!("unix:path={}", scene.word("bus"));
    names(&mut scene, address);
    scene.withheld = vec!["unshare=1"];
    // Without a view of its own, the runner finds the socket where it lies.
    let link = scene.open(&words(["pair"]));
    assert_eq!(link.confinement().sandbox, Sandbox::Partial);
    assert!(!left().is_empty());
    drop(link);
    assert_eq!(left(), Vec::<PathBuf>::new());
}

fn uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

#[test]
fn address_that_leads_elsewhere_is_refused() {
    let _alone = alone();
    let mut scene = scene();
    for address in [
        "unix:abstract=/tmp/dbus-x",
        "tcp:host=localhost,port=1",
        "unix:path=/a;unix:path=/b",
        "autolaunch:",
        "",
    ] {
        names(&mut scene, address.to_owned());
        let refused = scene.try_open(&[], false).unwrap_err();
        assert_eq!(refused.status, Status::Refused, "{address}");
        assert_eq!(refused.code.as_deref(), Some("grant-invalid"));
        assert!(refused.message.contains("unix:path=/PATH"), "{refused}");
    }
}
