//! Buses and keychains that are absent, silent, or behave as no real one can be told to.

mod fake;

use std::os::unix::net::UnixListener;

use fake::{Calls, Daemon, Manner};
use zbus::Address;

use super::*;
use crate::settings::Kind;

/// Enough for whatever answers at all.
const LONG: Duration = Duration::from_secs(60);
/// For what never answers.
const SHORT: Duration = Duration::from_millis(300);

fn settings() -> Settings {
    Settings {
        kind: Kind::SecretService,
        collection: None,
        account: "keychain-1".to_owned(),
        directory: "/nonexistent".into(),
    }
}

fn open(address: &Address, limit: Duration) -> Result<Service, Error> {
    Service::on(Bus::at(address, limit)?, &settings())
}

fn refused(address: &str, limit: Duration) -> Error {
    let address = address.parse().unwrap();
    open(&address, limit).err().expect("no keychain is there")
}

/// A keychain that behaves like this, and the bus that it is on.
fn scene(manner: Manner, limit: Duration) -> Option<(Daemon, Calls, Service)> {
    let daemon = Daemon::start()?;
    let calls = daemon.keychain(manner);
    let service = open(&daemon.address, limit).unwrap();
    Some((daemon, calls, service))
}

#[test]
fn no_bus_is_told_from_no_keychain() {
    let error = refused("unix:path=/nonexistent/bus", LONG);
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.message().contains("no session's bus"), "{error}");
    let Some(daemon) = Daemon::start() else {
        return;
    };
    let error = refused(&daemon.address.to_string(), LONG);
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.message().contains("no keychain answers"), "{error}");
}

#[test]
fn only_a_local_bus_is_asked() {
    let error = refused("tcp:host=127.0.0.1,port=1", LONG);
    assert!(error.message().contains("local socket"), "{error}");
}

#[test]
fn a_bus_that_never_answers_is_left_at_the_deadline() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("bus");
    let _listener = UnixListener::bind(&path).unwrap();
    let error = refused(&format!("unix:path={}", path.display()), SHORT);
    assert_eq!(error.kind(), ErrorKind::TimedOut);
}

#[test]
fn a_keychain_that_never_answers_is_left_at_the_deadline() {
    let Some(daemon) = Daemon::start() else {
        return;
    };
    let manner = Manner {
        is_silent: true,
        ..Manner::default()
    };
    let _calls = daemon.keychain(manner);
    let error = open(&daemon.address, SHORT).err().expect("it is silent");
    assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
}

#[test]
fn a_keychain_without_a_default_collection_is_told() {
    let manner = Manner {
        has_default: false,
        ..Manner::default()
    };
    let Some((_daemon, _, service)) = scene(manner, LONG) else {
        return;
    };
    assert_eq!(
        service.is_locked().unwrap_err().kind(),
        ErrorKind::NotPresent
    );
}

#[test]
fn a_locked_collection_is_asked_for_nothing() {
    let manner = Manner {
        is_locked: true,
        ..Manner::default()
    };
    let Some((_daemon, calls, service)) = scene(manner, LONG) else {
        return;
    };
    assert!(service.is_locked().unwrap());
    let errors = [
        service.read(&Name::Master).map(drop),
        service.write(&Name::Master, "key", b"secret"),
        service.remove(&Name::Master),
        service.records().map(drop),
    ];
    for error in errors {
        assert_eq!(error.unwrap_err().kind(), ErrorKind::Locked);
    }
    for call in ["Unlock", "Prompt", "SearchItems", "CreateItem"] {
        assert!(!calls.has(call), "{call}");
    }
}

#[test]
fn a_prompt_that_is_dismissed_or_answered_wrongly_leaves_it_locked() {
    // A prompt that is said to have gone well, and after which it is locked all the same.
    for dismissed in [true, false] {
        let manner = Manner {
            is_locked: true,
            dismissed: Some(dismissed),
            ..Manner::default()
        };
        let Some((_daemon, calls, service)) = scene(manner, LONG) else {
            return;
        };
        let error = service.unlock().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PromptRefused, "{error}");
        assert!(calls.has("Prompt"));
    }
}

#[test]
fn a_prompt_that_nobody_answers_is_left_at_the_deadline() {
    let manner = Manner {
        is_locked: true,
        ..Manner::default()
    };
    let Some((_daemon, calls, service)) = scene(manner, SHORT * 15) else {
        return;
    };
    let error = service.unlock().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
    assert!(calls.has("Prompt"));
}

#[test]
fn a_keychain_that_asks_before_it_removes_is_not_let() {
    let Some((_daemon, calls, service)) = scene(Manner::default(), LONG) else {
        return;
    };
    let error = service.remove(&Name::Master).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PromptRefused, "{error}");
    assert!(calls.has("Dismiss") && !calls.has("Prompt"));
}

#[test]
fn errors_of_the_service_say_what_happened() {
    for (name, kind) in [
        ("org.freedesktop.Secret.Error.IsLocked", ErrorKind::Locked),
        (
            "org.freedesktop.Secret.Error.NoSession",
            ErrorKind::Unavailable,
        ),
        (
            "org.freedesktop.Secret.Error.NoSuchObject",
            ErrorKind::NotPresent,
        ),
        ("org.freedesktop.DBus.Error.AccessDenied", ErrorKind::Denied),
        (
            "org.freedesktop.DBus.Error.UnknownObject",
            ErrorKind::NotPresent,
        ),
        ("org.example.Odd", ErrorKind::Unavailable),
    ] {
        let manner = Manner {
            search: Some(name),
            ..Manner::default()
        };
        let Some((_daemon, _, service)) = scene(manner, LONG) else {
            return;
        };
        let error = service.read(&Name::Master).unwrap_err();
        assert_eq!(error.kind(), kind, "{name}: {error}");
    }
}

#[test]
fn an_entry_that_cannot_be_read_is_not_taken_for_one_that_is_gone() {
    // What it answers for the attributes of its entry are none.
    let Some((_daemon, _, service)) = scene(Manner::default(), LONG) else {
        return;
    };
    let error = service.records().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
}

#[test]
fn a_bus_that_ends_meanwhile_is_told() {
    let Some((daemon, _, service)) = scene(Manner::default(), LONG) else {
        return;
    };
    drop(daemon);
    let error = service.read(&Name::Master).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(error.message().contains("ask again"), "{error}");
}
