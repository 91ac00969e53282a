//! Processes: none is touched, none is started, and none stays.

use std::env;
use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

use anchorhold_boundary::confinement::Sandbox;
use anchorhold_boundary::{CallLimits, OpenStore, Status};
use rustix::process::Pid;

use crate::program::program;
use crate::scene::{Scene, is_missing, is_skipped, users, words};

#[test]
fn no_process_is_started_or_touched() {
    if is_skipped() {
        return;
    }
    for user in users() {
        let scene = Scene::new(*user);
        let confinement = scene.filtered(&touching());
        assert_eq!(confinement.sandbox, Sandbox::Full, "{confinement:?}");
    }
}

/// Starting a process, and reaching for another one.
pub(crate) fn touching() -> Vec<String> {
    let mut tries = words([
        "fork",
        "raw_fork",
        "clone_parent",
        "daemon",
        "setsid",
        "setpgid",
        "exec",
        "execveat",
        "spawn",
        "system",
        "kill",
        "kill_group",
        "ptrace",
        "traceme",
        "peek",
        "poke",
        "pidfd",
        "kcmp",
        "prlimit",
        "nice",
        "nice_user",
        "affinity",
        "raise_limit",
    ]);
    if cfg!(target_arch = "x86_64") {
        tries.push("vfork".to_owned());
    }
    tries
}

#[test]
fn granted_processes_end_with_the_runner() {
    if is_skipped() {
        return;
    }
    for user in users() {
        let scene = Scene::new(*user).granted("fork".to_owned());
        scene.denied(&words([
            "clone_parent",
            "clone3",
            "daemon",
            "exec",
            "spawn",
            "setsid",
        ]));
        let link = scene.open(&words(["fork", "raw_fork"]));
        let listing = link.list(&CallLimits::default()).unwrap();
        assert_eq!(listing.items[0].label, "fork=ok");
        let group = i32::try_from(link.pid()).unwrap();
        assert!(group_is_alive(group));
        drop(link);
        wait_until(|| !group_is_alive(group));
    }
}

#[test]
fn nothing_is_left_to_be_done_at_the_end() {
    if is_skipped() {
        return;
    }
    let scene = Scene::new(users()[0]);
    scene.make_dir("write");
    let mark = scene.word("write/mark");
    let directory = scene.word("write");
    let scene = scene.granted(format!("write:{directory}"));
    scene.allowed(&[format!("atexit {mark}")]);
    assert!(!Path::new(&mark).exists());
    // The mark would have been written.
    scene.allowed(&[format!("write {mark}")]);
    assert!(Path::new(&mark).exists());
}

#[test]
fn runner_without_a_host_says_so() {
    let alone = Command::new(program())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(alone.status.code(), Some(2));
    let said = String::from_utf8_lossy(&alone.stderr);
    assert!(said.contains("anchorhold starts it itself"), "{said}");
    let (here, there) = UnixStream::pair().unwrap();
    drop(here);
    let left = Command::new(program())
        .stdin(Stdio::from(OwnedFd::from(there)))
        .output()
        .unwrap();
    assert_eq!(left.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&left.stderr), "");
}

#[test]
fn health_waits_for_no_call() {
    if is_skipped() {
        return;
    }
    let scene = Scene::new(users()[0]);
    scene.make_dir("write");
    let mark = scene.word("write/mark");
    let directory = scene.word("write");
    let scene = scene.granted(format!("write:{directory}"));
    let link = scene.open(&[format!("hang {mark}")]);
    thread::scope(|scope| {
        let hanging = scope.spawn(|| link.list(&CallLimits::default()));
        wait_until(|| fs::read_to_string(&mark).is_ok_and(|mark| mark.ends_with('\n')));
        assert_eq!(link.health().unwrap().generation, 1);
        let runner = Pid::from_raw(link.pid().try_into().unwrap()).unwrap();
        rustix::process::kill_process(runner, rustix::process::Signal::KILL).unwrap();
        assert_eq!(hanging.join().unwrap().unwrap_err().status, Status::Crashed);
    });
}

/// Where the host whose end is tested keeps what its plugin writes, and how that hangs.
const MARK: &str = "HOSTILE_TEST_MARK";
const HOW: &str = "HOSTILE_TEST_HOW";

#[test]
fn runner_ends_with_its_host_even_while_it_hangs() {
    if is_skipped() {
        return;
    }
    for how in ["list", "load", "fork", "bus"] {
        let dir = tempfile::tempdir().unwrap();
        let mark = dir.path().join("mark");
        let mut host = Command::new(env::current_exe().unwrap())
            .args(["--exact", "processes::host_that_is_killed", "--nocapture"])
            .env("TMPDIR", dir.path())
            .env(MARK, &mark)
            .env(HOW, how)
            .spawn()
            .unwrap();
        // The plugin hangs once it has written its number.
        let mut runner = String::new();
        wait_until(|| {
            assert_eq!(host.try_wait().unwrap(), None, "{how}");
            runner = fs::read_to_string(&mark).unwrap_or_default();
            runner.ends_with('\n')
        });
        let group = runner.trim().parse().unwrap();
        assert!(group_is_alive(group), "{how}");
        let proxies = children(&host, "xdg-dbus-prox");
        let expected = usize::from(how == "bus" && !is_missing(PROXY));
        assert_eq!(proxies.len(), expected, "{how}");
        host.kill().unwrap();
        host.wait().unwrap();
        wait_until(|| !group_is_alive(group));
        for proxy in proxies {
            wait_until(|| !group_is_alive(proxy));
        }
    }
}

const PROXY: &str = "/usr/bin/xdg-dbus-proxy";

/// The children of a process that run a program, by the name that the kernel keeps of it.
fn children(process: &Child, name: &str) -> Vec<i32> {
    let parent = process.id().to_string();
    let is_one = |stat: &str| {
        let (before, after) = stat.rsplit_once(')').unwrap();
        let (_, called) = before.split_once('(').unwrap();
        called.starts_with(name) && after.split_whitespace().nth(1) == Some(&parent)
    };
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let stats = processes.filter_map(|entry| fs::read_to_string(entry.path().join("stat")).ok());
    let ones = stats.filter(|stat| is_one(stat));
    ones.map(|stat| stat.split_once(' ').unwrap().0.parse().unwrap())
        .collect()
}

#[test]
fn host_that_is_killed() {
    let (Some(mark), Some(how)) = (env::var_os(MARK), env::var_os(HOW)) else {
        // It is started by the test above only.
        return;
    };
    let mark = mark.into_string().unwrap();
    let directory = Path::new(&mark).parent().unwrap().display().to_string();
    let mut scene = Scene::new(users()[0])
        .granted(format!("write:{directory}"))
        .granted("fork".to_owned());
    let mut tries = vec![format!("hang {mark}")];
    match how.to_str().unwrap() {
        "load" => scene.environment = vec![("HOSTILE_HANG".into(), mark.into())],
        "fork" => tries.insert(0, "fork".to_owned()),
        "bus" => scene = scene.granted("session-bus".to_owned()),
        _ => {}
    }
    let link = scene.open(&tries);
    let _killed = link.list(&CallLimits::default());
}

fn wait_until(mut is_so: impl FnMut() -> bool) {
    while !is_so() {
        thread::yield_now();
    }
}

/// Whether a process of the group has not ended. One that is not reaped yet has.
fn group_is_alive(group: i32) -> bool {
    if rustix::process::test_kill_process_group(Pid::from_raw(group).unwrap()).is_err() {
        return false;
    }
    let is_of_group = |stat: &str| {
        let fields: Vec<&str> = stat
            .rsplit_once(')')
            .unwrap()
            .1
            .split_whitespace()
            .collect();
        fields[0] != "Z" && fields[2] == group.to_string()
    };
    fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| fs::read_to_string(entry.path().join("stat")).ok())
        .any(|stat| is_of_group(&stat))
}
