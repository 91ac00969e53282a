//! Files: what is granted, and nothing beside it.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use anchorhold_boundary::confinement::Sandbox;

use crate::scene::{Scene, is_skipped, library, users, words};

#[test]
fn files_outside_are_out_of_reach() {
    if is_skipped() {
        return;
    }
    for user in users() {
        let scene = furnished(Scene::new(*user));
        let confinement = scene.denied(&outside(&scene));
        assert_eq!(confinement.sandbox, Sandbox::Full, "{confinement:?}");
        let secret = fs::read_to_string(scene.at("outside/secret")).unwrap();
        assert_eq!(secret, "secret");
    }
}

/// With a directory to read, one to write, and links that lead out of both.
pub(crate) fn furnished(scene: Scene) -> Scene {
    scene.make_dir("read");
    scene.file("read/it", "granted");
    scene.make_dir("write");
    scene.file("write/it", "granted");
    symlink(scene.at("outside/secret"), scene.at("read/link")).unwrap();
    symlink(scene.at("outside"), scene.at("write/link")).unwrap();
    let (read, write) = (scene.word("read"), scene.word("write"));
    let secret = scene.at("outside/secret");
    let mut scene = scene
        .granted(format!("read:{read}"))
        .granted(format!("write:{write}"));
    scene.environment = vec![("HOSTILE_FILE".into(), secret.into())];
    scene
}

/// What nothing leads to.
pub(crate) fn outside(scene: &Scene) -> Vec<String> {
    let mut tries = words([
        "constructor",
        "read /etc/shadow",
        "read /etc/profile",
        "append /etc/passwd",
        "user others",
        "list /",
        "list /etc",
        "list /home",
        "list /proc",
        "parent mem",
        "parent environ",
        "parent cmdline",
        "parent maps",
        "parent root/etc/passwd",
        "parent cwd",
        "read /proc/1/environ",
        "read /proc/self/mem",
        "tty",
        "list /dev",
        "list /sys",
        "list /run",
        "list /tmp",
        "write /usr/lib/anchorhold.hostile",
        "write /hostile",
        "append /etc/hosts",
        "chmod /usr/bin/env",
        "chown /usr/bin/env",
        "touch /usr/bin/env",
        "setxattr /usr/bin/env",
        "fchmod /usr/bin/env",
        "descriptors",
        "modes_of_descriptors",
        // Ways to files that lie in no view of the runner's.
        "chmod /proc/self/exe",
        "touch /proc/self/exe",
        "append /proc/self/exe",
        "chmod /proc/self/fd/0",
        "list /proc/self/root",
        "list /proc/self/cwd",
        "list /proc/self/task",
        "read /proc/self/maps",
        "chmod /dev/null",
        "touch /dev/null",
        "chmod /dev/urandom",
    ]);
    let home = std::env::var("HOME").unwrap_or_else(|_| "/root".to_owned());
    let (read, write) = (scene.word("read"), scene.word("write"));
    let secret = scene.word("outside/secret");
    for (what, argument) in [
        ("list", home),
        ("list", scene.word("outside")),
        ("list", scene.word("plugin")),
        ("read", scene.word("plugin/org.example.hostile.plugin.toml")),
        ("write", scene.word("outside/new")),
        ("mkdir", scene.word("outside/new")),
        // Through links that were there, and links of its own.
        ("read", scene.word("read/link")),
        ("read", scene.word("write/link/secret")),
        ("write", scene.word("write/link/new")),
        ("symlink", format!("{secret} {write}/own")),
        ("link", format!("{secret} {write}/hard")),
        ("rename", format!("{secret} {write}/moved")),
        (
            "rename",
            format!("{write}/it {}", scene.word("outside/moved")),
        ),
        ("dotdot", format!("{read} ../outside/secret")),
        (
            "dotdot",
            format!("{write} ../../../../../../../etc/profile"),
        ),
        // What is granted to be read is not changed.
        ("append", scene.word("read/it")),
        ("write", scene.word("read/new")),
        ("unlink", scene.word("read/it")),
        ("rename", format!("{read}/it {write}/moved")),
        ("link", format!("{read}/it {write}/linked")),
        ("chmod", scene.word("read/it")),
        ("fchmod", scene.word("read/it")),
        ("touch", scene.word("read/it")),
        ("append", scene.word("plugin/libhostile.so")),
        // What others could wait at.
        ("mknod", scene.word("write/device")),
        ("fifo", scene.word("write/pipe")),
    ] {
        tries.push(format!("{what} {argument}"));
    }
    for what in [
        "read", "append", "truncate", "unlink", "chmod", "chown", "touch", "setxattr", "handle",
    ] {
        tries.push(format!("{what} {secret}"));
    }
    tries
}

#[test]
fn library_that_only_root_can_change_stays_as_it_is() {
    if is_skipped() || users().len() == 1 {
        // Nobody but root can put it there.
        return;
    }
    for user in users() {
        // Nobody but root changes what lies here, so that it is loaded by its path.
        let scene = Scene::within(Path::new("/run"), *user);
        let mut tries = words(["modes_of_descriptors", "append /proc/self/fd/4"]);
        for what in ["append", "chmod", "fchmod", "touch", "chown", "setxattr"] {
            tries.push(format!("{what} {}", scene.word("plugin/libhostile.so")));
            tries.push(format!("{what} /proc/self/fd/4"));
        }
        let confinement = scene.denied(&tries);
        assert_eq!(confinement.sandbox, Sandbox::Full, "{confinement:?}");
    }
}

#[test]
fn files_that_are_granted_are_there() {
    if is_skipped() {
        return;
    }
    for user in users() {
        let mut scene = furnished(Scene::new(*user));
        scene.file("single", "granted");
        scene.file("write/other", "old");
        scene.make_dir("real");
        symlink("real", scene.at("linked")).unwrap();
        let linked = scene.word("linked");
        let single = scene.word("single");
        scene = scene
            .granted(format!("read:{single}"))
            .granted(format!("write:{linked}"));
        scene.environment = vec![("SOFTHSM2_CONF".into(), "/etc/softhsm2.conf".into())];
        fs::write(scene.at("plugin/libneighbour.so.1"), library()).unwrap();
        let mut tries = words([
            "environment SOFTHSM2_CONF",
            "read /usr/bin/env",
            "dev_null",
            "urandom",
            "thread",
            "pair",
            "own_limit",
            "user",
        ]);
        for (what, argument) in [
            ("read", scene.word("read/it")),
            ("list", scene.word("read")),
            ("read", single),
            ("read", scene.word("write/it")),
            ("append", scene.word("write/it")),
            ("replace", scene.word("write/it")),
            ("mkdir", scene.word("write/directory")),
            ("chmod", scene.word("write/other")),
            ("unlink", scene.word("write/other")),
            ("write", format!("{linked}/new")),
            ("read", format!("{linked}/new")),
            ("read", scene.word("plugin/libhostile.so")),
            ("read", scene.word("plugin/libneighbour.so.1")),
        ] {
            tries.push(format!("{what} {argument}"));
        }
        let confinement = scene.allowed(&tries);
        assert_eq!(confinement.sandbox, Sandbox::Full, "{confinement:?}");
        assert_eq!(fs::read_to_string(scene.at("write/it")).unwrap(), "new");
        assert_eq!(fs::read_to_string(scene.at("real/new")).unwrap(), "");
    }
}

/// Every way to a file that lends its owner's identity to whoever runs it.
pub(crate) fn lending(scene: &Scene) -> Vec<String> {
    let own = scene.word("write/it");
    let mut tries = vec![
        format!("set_id_chmod {own}"),
        format!("set_id_group {own}"),
        format!("set_id_nameless {}", scene.word("write")),
    ];
    for way in ["fchmod", "open", "openat2", "mknod"] {
        tries.push(format!(
            "set_id_{way} {}",
            scene.word(&format!("write/{way}"))
        ));
    }
    tries
}

#[test]
fn no_file_that_is_granted_lends_its_owners_identity() {
    if is_skipped() {
        return;
    }
    for user in users() {
        let scene = furnished(Scene::new(*user));
        let confinement = scene.denied(&lending(&scene));
        assert_eq!(confinement.sandbox, Sandbox::Full, "{confinement:?}");
        for entry in fs::read_dir(scene.at("write")).unwrap() {
            let entry = entry.unwrap();
            let mode = entry.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o6000, 0, "{entry:?}");
        }
    }
}

#[test]
fn grant_without_a_need_opens_nothing() {
    if is_skipped() {
        return;
    }
    let mut scene = Scene::new(users()[0]);
    scene.grants = vec![
        format!("read:{}", scene.word("outside")),
        "network".to_owned(),
        "fork".to_owned(),
    ];
    let mut tries = words(["tcp", "fork"]);
    tries.push(format!("read {}", scene.word("outside/secret")));
    let confinement = scene.denied(&tries);
    assert_eq!(confinement.sandbox, Sandbox::Full);
}

#[test]
fn everything_that_is_granted_leaves_other_processes_alone() {
    if is_skipped() {
        return;
    }
    let scene = Scene::new(users()[0]).granted("read:/".to_owned());
    let confinement = scene.denied(&words([
        "parent mem",
        "parent environ",
        "parent root/etc/passwd",
        "kill",
        "append /etc/hosts",
        "chmod /usr/bin/env",
    ]));
    assert_eq!(confinement.sandbox, Sandbox::Full, "{confinement:?}");
    scene.allowed(&words(["list /", "read /etc/passwd", "list /proc"]));
}

#[test]
fn what_is_granted_and_not_there_is_told() {
    if is_skipped() {
        return;
    }
    let scene = Scene::new(users()[0]);
    let gone = scene.word("gone");
    let scene = scene.granted(format!("read:{gone}"));
    let confinement = scene.allowed(&words(["urandom"]));
    assert_eq!(confinement.sandbox, Sandbox::Full);
    assert_eq!(confinement.note, format!("{gone} is not there"));
}
