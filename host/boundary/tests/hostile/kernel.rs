//! The kernel: what no plugin asks of it.

use std::os::unix::fs::MetadataExt;

use anchorhold_boundary::confinement::Sandbox;
use anchorhold_boundary::{CallLimits, OpenStore, Status};

use crate::scene::{Scene, User, is_skipped, users, words};

#[test]
fn kernel_is_kept_small() {
    if is_skipped() {
        return;
    }
    for user in users() {
        let scene = Scene::new(*user);
        let confinement = scene.filtered(&asking());
        assert_eq!(confinement.sandbox, Sandbox::Full, "{confinement:?}");
        let (told, _) = scene.attempt(&words(["newest", "clone3"]));
        assert!(told.values().all(|how| how == "ENOSYS"), "{told:?}");
    }
}

/// What the filter of system calls answers itself.
pub(crate) fn asking() -> Vec<String> {
    words([
        "io_uring",
        "bpf",
        "perf",
        "userfaultfd",
        "keyctl",
        "add_key",
        "unshare_user",
        "unshare_mounts",
        "unshare_time",
        "setns",
        "mount",
        "remount /usr",
        "umount /usr",
        "chroot",
        "pivot_root",
        "open_tree",
        "fsopen",
        "shm",
        "sysv_all",
        "queue",
        "sti",
        "wide_sti",
        "become_root",
    ])
}

#[test]
fn key_rings_can_be_granted() {
    if is_skipped() {
        return;
    }
    let scene = Scene::new(User::Same).granted("keyring".to_owned());
    let (told, _) = scene.attempt(&words(["keyctl", "bpf"]));
    // Not every kernel has key rings; the filter answers in no such way.
    assert_ne!(told["keyctl"], "EPERM");
    assert_eq!(told["bpf"], "EPERM");
}

#[test]
fn memory_is_bounded() {
    if is_skipped() {
        return;
    }
    let mut scene = Scene::new(User::Same);
    scene.denied(&words(["much_memory"]));
    scene.memory = 8 << 30;
    scene.allowed(&words(["much_memory"]));
}

#[test]
fn runner_ends_before_others_where_the_machine_runs_out_of_memory() {
    if is_skipped() {
        return;
    }
    for user in users() {
        let link = Scene::new(*user).open(&[]);
        let score = std::fs::read_to_string(format!("/proc/{}/oom_score_adj", link.pid()));
        assert_eq!(score.unwrap(), "1000\n", "as {user:?}");
    }
}

#[test]
#[cfg(target_arch = "x86_64")]
fn other_calling_conventions_end_the_runner() {
    if is_skipped() {
        return;
    }
    let scene = Scene::new(User::Same);
    for what in ["x32", "int80"] {
        let link = scene.open(&words([what]));
        let error = link.list(&CallLimits::default()).unwrap_err();
        assert_eq!(error.status, Status::Crashed, "{what}: {error}");
        assert!(error.to_string().contains("SIGSYS"), "{error}");
    }
}

#[test]
fn trapped_call_is_named() {
    if is_skipped() {
        return;
    }
    let mut scene = Scene::new(User::Same);
    scene.trap = true;
    for (what, name) in [
        ("tcp", "socket"),
        ("io_uring", "io_uring_setup"),
        ("exec", "execve"),
        ("fork", "clone"),
        ("shm", "shmget"),
    ] {
        let link = scene.open(&words([what]));
        let error = link.list(&CallLimits::default()).unwrap_err();
        assert_eq!(error.status, Status::Crashed, "{what}: {error}");
        let expected = format!("forbidden system call {name} (");
        assert!(error.to_string().contains(&expected), "{error}");
    }
    // What any library does goes on as it does elsewhere.
    scene.allowed(&words(["thread", "urandom", "pair", "own_limit"]));
}

#[test]
fn debugger_looks_into_a_runner_only_where_it_may() {
    if is_skipped() {
        return;
    }
    let mut scene = Scene::new(User::Same);
    for debugger in [false, true] {
        scene.debugger = debugger;
        let link = scene.open(&[]);
        let note = link.confinement().note.contains("look into it");
        assert_eq!(note, debugger);
        // What is closed to others belongs to root; root looks into everything.
        let owner = std::fs::metadata(format!("/proc/{}/environ", link.pid())).unwrap();
        let own = rustix::process::geteuid();
        assert_eq!(owner.uid() == own.as_raw(), debugger || own.is_root());
    }
}

#[test]
fn less_than_the_whole_is_refused_where_the_whole_is_demanded() {
    if is_skipped() {
        return;
    }
    let scene = Scene::new(User::Same);
    assert!(scene.try_open(&[], true).is_ok());
    let scene = scene.granted("network".to_owned());
    let error = scene.try_open(&[], true).unwrap_err();
    assert_eq!(error.status, Status::Refused);
    let said = error.to_string();
    assert!(said.contains("partial: any address on any port"), "{said}");
}
