//! Sockets: none without a grant, and with one no other.

use std::fs;

use anchorhold_boundary::confinement::Sandbox;
use anchorhold_boundary::{CallLimits, OpenStore};

use crate::scene::{Scene, abstract_unix, is_skipped, port, unix, users, words};

#[test]
fn no_socket_is_made_without_a_grant() {
    if is_skipped() {
        return;
    }
    for user in users() {
        let scene = Scene::new(*user);
        let mut tries = no_sockets();
        tries.extend(words(["tcp", "tcp6", "unix_stream", "listen"]));
        tries.push(format!("unix {}", unix(&scene, "socket")));
        tries.push(format!("port {}", port()));
        tries.push(format!("fast_port {}", port()));
        let confinement = scene.filtered(&tries);
        assert_eq!(confinement.sandbox, Sandbox::Full, "{confinement:?}");
        assert_eq!(confinement.note, "");
    }
}

/// Sockets that nobody makes, whatever is granted.
pub(crate) fn no_sockets() -> Vec<String> {
    words([
        "udp",
        "udp6",
        "raw",
        "packet",
        "netlink",
        "mptcp",
        "sctp",
        "smc",
        "vsock",
        "alg",
        "unix_datagram",
        "unix_packets",
        "datagram_pair",
    ])
}

#[test]
fn granted_unix_socket_is_the_only_one() {
    if is_skipped() {
        return;
    }
    for user in users() {
        let scene = Scene::new(*user);
        scene.make_dir("sockets");
        let granted = unix(&scene, "sockets/granted");
        let mut tries = no_sockets();
        tries.extend(words(["tcp", "tcp6"]));
        tries.extend([
            format!("unix {}", unix(&scene, "sockets/beside")),
            format!("unix {}", unix(&scene, "above")),
            format!("unix {}/../above", scene.word("sockets")),
            format!("unix {}", abstract_unix(&scene)),
            format!("unlink {granted}"),
            format!("list {}", scene.word("sockets")),
            format!("port {}", port()),
        ]);
        let scene = scene.granted(format!("unix:{granted}"));
        let confinement = scene.denied(&tries);
        assert_eq!(confinement.sandbox, Sandbox::Full, "{confinement:?}");
        scene.allowed(&[format!("unix {granted}")]);
    }
}

#[test]
fn sockets_of_a_granted_directory_are_reached_whenever_they_came_and_nothing_else_of_it() {
    if is_skipped() {
        return;
    }
    for user in users() {
        let scene = Scene::new(*user);
        scene.make_dir("sockets");
        scene.make_dir("beside");
        scene.file("sockets/file", "secret");
        let before = unix(&scene, "sockets/before");
        let mut tries = no_sockets();
        tries.extend([
            format!("unix {}", unix(&scene, "beside/socket")),
            format!("unix {}", unix(&scene, "above")),
            format!("unix {}/../above", scene.word("sockets")),
            format!("list {}", scene.word("sockets")),
            format!("read {}", scene.word("sockets/file")),
            format!("write {}", scene.word("sockets/new")),
            format!("chmod {}", scene.word("sockets/file")),
            format!("unlink {before}"),
        ]);
        let directory = scene.word("sockets");
        let scene = scene.granted(format!("unix:{directory}"));
        let confinement = scene.denied(&tries);
        assert_eq!(confinement.sandbox, Sandbox::Full, "{confinement:?}");
        assert_eq!(confinement.note, "");
        // Whoever listens there may be started again.
        let after = scene.word("sockets/after");
        let link = scene.open(&[format!("unix {before}"), format!("unix {after}")]);
        fs::remove_file(&before).unwrap();
        unix(&scene, "sockets/before");
        unix(&scene, "sockets/after");
        let listing = link.list(&CallLimits::default()).unwrap();
        let told: Vec<_> = listing.items.iter().map(|item| &*item.label).collect();
        let expected = [format!("unix {before}=ok"), format!("unix {after}=ok")];
        assert_eq!(told, expected);
    }
}

#[test]
fn socket_in_a_granted_directory_is_told() {
    if is_skipped() {
        return;
    }
    let scene = Scene::new(users()[0]);
    scene.make_dir("sockets");
    let granted = unix(&scene, "sockets/granted");
    let beside = unix(&scene, "sockets/beside");
    let directory = scene.word("sockets");
    let scene = scene
        .granted(format!("unix:{granted}"))
        .granted(format!("read:{directory}"));
    let confinement = scene.allowed(&[format!("unix {granted}")]);
    assert_eq!(confinement.sandbox, Sandbox::Partial);
    assert!(confinement.note.contains(&beside), "{confinement:?}");
}

#[test]
fn granted_port_is_the_only_one() {
    if is_skipped() {
        return;
    }
    for user in users() {
        let scene = Scene::new(*user);
        let granted = port();
        let mut tries = no_sockets();
        tries.extend(other_ports(granted));
        tries.push(format!("unix {}", unix(&scene, "socket")));
        tries.extend(words(["unix_stream", "host anchorhold.invalid 1"]));
        let scene = scene.granted(format!("connect:localhost:{granted}"));
        let confinement = scene.denied(&tries);
        assert_eq!(confinement.sandbox, Sandbox::Partial);
        let note = format!("any address on port {granted}");
        assert_eq!(confinement.note, note);
        scene.allowed(&ways_to(granted));
    }
}

/// Ways to another port than the granted one, and ways past who would look.
pub(crate) fn other_ports(granted: u16) -> Vec<String> {
    let other = port();
    vec![
        format!("port {other}"),
        format!("late_port {other}"),
        format!("host localhost {other}"),
        format!("fast_port {other}"),
        format!("fast_message {other}"),
        format!("fast_port {granted}"),
        "bind 0".to_owned(),
        format!("bind {granted}"),
        "listen".to_owned(),
    ]
}

pub(crate) fn ways_to(granted: u16) -> [String; 3] {
    [
        format!("host localhost {granted}"),
        format!("port {granted}"),
        format!("late_port {granted}"),
    ]
}

#[test]
fn connection_of_tcp_stays_one() {
    if is_skipped() {
        return;
    }
    for user in users() {
        let scene = Scene::new(*user).granted("network".to_owned());
        scene.filtered(&words(["other_protocol"]));
    }
}

#[test]
fn granted_host_is_found_by_its_name_and_no_other_is() {
    if is_skipped() {
        return;
    }
    for user in users() {
        let granted = port();
        let scene = Scene::new(*user).granted(format!("connect:backend.example:{granted}"));
        scene.allowed(&[format!("host backend.example {granted}")]);
        scene.denied(&[format!("host other.example {granted}")]);
    }
}

#[test]
fn sockets_of_both_kinds_stay_apart() {
    if is_skipped() {
        return;
    }
    for user in users() {
        let scene = Scene::new(*user);
        let (granted, socket) = (port(), unix(&scene, "granted"));
        let mut tries = no_sockets();
        tries.extend(other_ports(granted));
        // The network is shared then, and with it the names of abstract sockets.
        tries.push(format!("unix {}", abstract_unix(&scene)));
        tries.push(format!("unix {}", unix(&scene, "beside")));
        let scene = scene
            .granted(format!("connect:127.0.0.1:{granted}"))
            .granted(format!("unix:{socket}"));
        scene.denied(&tries);
        scene.allowed(&[format!("port {granted}"), format!("unix {socket}")]);
    }
}

#[test]
fn network_is_tcp_and_nothing_else() {
    if is_skipped() {
        return;
    }
    for user in users() {
        let scene = Scene::new(*user).granted("network".to_owned());
        let mut tries = no_sockets();
        tries.extend(words(["listen", "bind 0", "unix_stream"]));
        tries.push(format!("fast_port {}", port()));
        let confinement = scene.denied(&tries);
        assert_eq!(confinement.sandbox, Sandbox::Partial);
        assert_eq!(confinement.note, "any address on any port");
        scene.allowed(&ways_to(port()));
    }
}
