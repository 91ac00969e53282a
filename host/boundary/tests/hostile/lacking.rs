//! Machines that have less: what is left still holds, and what is missing is told.

use std::fs;
use std::process::Command;

use anchorhold_boundary::confinement::Sandbox;
use anchorhold_boundary::sandbox::{self, Landlock};

use crate::files::{furnished, lending, outside};
use crate::kernel::asking;
use crate::processes::touching;
use crate::scene::{
    Scene, User, abstract_unix, compiled, is_skipped, port, unix, users, withholding, words,
};
use crate::sockets::{no_sockets, other_ports, ways_to};

/// Without namespaces.
fn bare(user: User) -> Scene {
    let mut scene = Scene::new(user);
    scene.withheld = vec!["unshare=1"];
    scene
}

#[test]
fn files_and_processes_need_no_namespace() {
    if is_skipped() {
        return;
    }
    for user in users() {
        let scene = furnished(bare(*user));
        let confinement = scene.denied(&outside(&scene));
        assert_eq!(confinement.sandbox, Sandbox::Full, "{confinement:?}");
        let secret = fs::read_to_string(scene.at("outside/secret")).unwrap();
        assert_eq!(secret, "secret");
        let scene = bare(*user);
        scene.filtered(&touching());
        scene.filtered(&asking());
        let mut tries = no_sockets();
        tries.extend(words(["tcp", "tcp6", "unix_stream"]));
        scene.filtered(&tries);
    }
}

#[test]
fn granted_files_need_no_namespace() {
    if is_skipped() {
        return;
    }
    for user in users() {
        let scene = furnished(bare(*user));
        scene.allowed(&[
            format!("read {}", scene.word("read/it")),
            format!("replace {}", scene.word("write/it")),
            format!("read {}", scene.word("plugin/libhostile.so")),
            "read /usr/bin/env".to_owned(),
            "dev_null".to_owned(),
            "thread".to_owned(),
        ]);
        // Without a view of its own nobody can tell whose file it is.
        let (told, _) = scene.attempt(&[format!("chmod {}", scene.word("write/it"))]);
        assert!(told.values().all(|how| how == "EPERM"), "{told:?}");
        scene.denied(&lending(&scene));
    }
}

#[test]
fn sockets_need_a_namespace() {
    if is_skipped() {
        return;
    }
    for user in users() {
        let scene = bare(*user);
        let granted = unix(&scene, "granted");
        let name = abstract_unix(&scene);
        let scene = scene.granted(format!("unix:{granted}"));
        let confinement = scene.allowed(&[format!("unix {granted}")]);
        assert_eq!(confinement.sandbox, Sandbox::Partial);
        let note = "every Unix socket of this machine can be connected to (no namespace";
        assert!(confinement.note.starts_with(note), "{confinement:?}");
        let mut tries = no_sockets();
        tries.extend(words(["tcp", "tcp6"]));
        tries.push(format!("unix {name}"));
        scene.filtered(&tries);
    }
}

#[test]
fn ports_need_no_namespace() {
    if is_skipped() {
        return;
    }
    for user in users() {
        let granted = port();
        let scene = bare(*user).granted(format!("connect:localhost:{granted}"));
        let confinement = scene.denied(&other_ports(granted));
        assert_eq!(confinement.sandbox, Sandbox::Partial);
        scene.allowed(&ways_to(granted));
    }
}

#[test]
fn namespace_that_cannot_be_filled_is_left_out() {
    if is_skipped() {
        return;
    }
    for user in users() {
        let mut scene = furnished(Scene::new(*user));
        scene.withheld = vec!["mount_setattr=38"];
        let confinement = scene.denied(&outside(&scene));
        assert_eq!(confinement.sandbox, Sandbox::Full, "{confinement:?}");
    }
}

#[test]
fn missing_landlock_is_told_and_why() {
    if is_skipped() {
        return;
    }
    for (withheld, why) in [
        ("landlock=1", "a filter of system calls forbids Landlock"),
        ("landlock=38", "this kernel has no Landlock"),
        ("landlock=95", "Landlock is not enabled in this kernel"),
    ] {
        let mut scene = Scene::new(User::Same);
        scene.withheld = vec![withheld];
        // The view of the files holds for itself.
        let mut tries = words(["read /etc/profile", "user others", "tcp"]);
        tries.push(format!("read {}", scene.word("outside/secret")));
        let confinement = scene.denied(&tries);
        assert_eq!(confinement.sandbox, Sandbox::Partial);
        assert!(confinement.note.contains(why), "{confinement:?}");
        let error = scene.try_open(&[], true).unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
    }
}

#[test]
fn missing_filter_is_told() {
    if is_skipped() {
        return;
    }
    let mut scene = Scene::new(User::Same);
    scene.withheld = vec!["seccomp=1"];
    let confinement = scene.denied(&[format!("read {}", scene.word("outside/secret"))]);
    assert_eq!(confinement.sandbox, Sandbox::Partial);
    let why = "system calls are not filtered";
    assert!(confinement.note.contains(why), "{confinement:?}");
    scene.withheld = vec!["seccomp=1", "landlock=1", "unshare=1"];
    let confinement = scene.allowed(&[format!("read {}", scene.word("outside/secret"))]);
    assert_eq!(confinement.sandbox, Sandbox::None);
    // What is denied elsewhere is what the sandbox denies.
    scene.allowed(&words([
        "tcp",
        "udp",
        "netlink",
        "datagram_pair",
        "shm",
        "fork",
    ]));
}

#[test]
fn thread_before_the_sandbox_is_told() {
    if is_skipped() {
        return;
    }
    let library = compiled("thread.c", &["-shared", "-fPIC", "-pthread"]);
    let mut scene = Scene::new(User::Same);
    scene.environment = vec![("LD_PRELOAD".into(), library.clone().into())];
    let (_, confinement) = scene.attempt(&words(["tcp"]));
    assert_eq!(confinement.sandbox, Sandbox::None, "{confinement:?}");
    let why = "a thread was there before the sandbox, which does not hold it";
    assert!(confinement.note.starts_with(why), "{confinement:?}");
    let error = scene.try_open(&[], true).unwrap_err();
    assert!(error.to_string().contains(why), "{error}");
    fs::remove_file(library).unwrap();
}

/// What the test below is to find.
const EXPECTED: &str = "HOSTILE_TEST_EXPECTED";

#[test]
fn what_is_withheld_is_seen() {
    if is_skipped() {
        return;
    }
    for (withheld, expected) in [
        ("landlock=1", "Forbidden true Usable"),
        ("landlock=38", "NotBuilt true Usable"),
        ("landlock=95", "NotEnabled true Usable"),
        ("seccomp=1", "Version false Usable"),
        ("unshare=1", "Version true Forbidden"),
        ("unshare=38", "Version true NotBuilt"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let seen = Command::new(withholding(dir.path()))
            .args([withheld, "--"])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "lacking::expected_is_available", "--nocapture"])
            .env(EXPECTED, expected)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&seen.stderr);
        assert!(seen.status.success(), "{withheld}: {said}");
    }
}

#[test]
fn expected_is_available() {
    let Ok(expected) = std::env::var(EXPECTED) else {
        // It is started by the test above only.
        return;
    };
    let offered = sandbox::available();
    let landlock = match offered.landlock {
        Landlock::Version(_) => "Version".to_owned(),
        other => format!("{other:?}"),
    };
    let seen = format!("{landlock} {} {:?}", offered.seccomp, offered.namespaces);
    assert_eq!(seen, expected);
}
