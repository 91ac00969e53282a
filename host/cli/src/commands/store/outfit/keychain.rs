//! What a store in a keychain is given: the session's bus, or the key rings of the kernel.

use std::collections::BTreeMap;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use anchorhold_boundary::bus_address::{self, VARIABLE as ADDRESS};
use anchorhold_boundary::grant::Grant;
use anchorhold_boundary::manifest::Value;

use super::Outfit;
use crate::exit::Failure;

/// Adds what the keychain that the settings name is reached with.
pub(super) fn add(outfit: &mut Outfit, settings: &BTreeMap<String, Value>) -> Result<(), Failure> {
    let around = Session {
        address: std::env::var(ADDRESS).ok(),
        usual: bus_address::usual(),
    };
    add_of(outfit, settings, &around)
}

/// The session in which the store is made.
struct Session {
    address: Option<String>,
    usual: PathBuf,
}

fn add_of(
    outfit: &mut Outfit,
    settings: &BTreeMap<String, Value>,
    session: &Session,
) -> Result<(), Failure> {
    match settings.get("keychain") {
        Some(Value::String(kind)) if kind == "keyutils" => {
            outfit.grant(
                Grant::Keyring,
                "the key rings of the kernel are the keychain",
            );
        }
        Some(Value::String(kind)) if kind != "secret-service" => {}
        _ if cfg!(target_os = "linux") => {
            outfit.grant(
                Grant::SessionBus,
                "the keychain is a service on the session's bus",
            );
            bus(outfit, session)?;
        }
        _ => {}
    }
    Ok(())
}

/// Where the bus is, where that is not where it usually is. It is looked up when the store is made,
/// and shown, so that no environment decides later whom a secret is given to.
fn bus(outfit: &mut Outfit, session: &Session) -> Result<(), Failure> {
    if outfit.env.contains_key(ADDRESS) {
        return Ok(());
    }
    let Some(address) = session.address.as_deref().filter(|text| !text.is_empty()) else {
        if !is_socket(&session.usual) {
            outfit.notes.push(format!(
                "there is no session here: neither {ADDRESS} nor {} is there; {WITHOUT}",
                session.usual.display()
            ));
        }
        return Ok(());
    };
    let Some(path) = path_of(address) else {
        let message = format!(
            "the session's bus has the address {address}, and only one of the form \
             unix:path=/PATH can be let into a sandbox"
        );
        return Err(Failure::usage("bus-unreachable", message).remedy(format!(
            "give the address of a bus with a path, such as --env \
             {ADDRESS}=unix:path={}",
            session.usual.display()
        )));
    };
    if path == session.usual {
        return Ok(());
    }
    let why = "the bus of the session in which the store was made";
    outfit.variable(ADDRESS, &format!("unix:path={}", path.display()), why);
    outfit.notes.push(format!(
        "the session's bus is not in its usual place, {}: a session that has another one does not \
         reach this store",
        session.usual.display()
    ));
    Ok(())
}

/// The path of a bus that is reached by one, and by nothing else. What it says in other signs is
/// not written down.
fn path_of(address: &str) -> Option<PathBuf> {
    let path = bus_address::socket_of(address.as_ref());
    path.ok().filter(|_| !address.contains('%'))
}

fn is_socket(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|found| found.file_type().is_socket())
}

/// Why a keychain is nothing for a service of the system.
const WITHOUT: &str = "a keychain is unlocked by its owner's login, so that a service of the \
                       system has none; for one, keep the certificates in a key database or on a \
                       token";

#[cfg(test)]
mod tests {
    use super::*;

    fn outfit(kind: Option<&str>, address: Option<&str>) -> Result<Outfit, Failure> {
        let mut outfit = Outfit::default();
        let kind = kind.map(|kind| ("keychain".to_owned(), Value::String(kind.to_owned())));
        let session = Session {
            address: address.map(str::to_owned),
            usual: PathBuf::from("/nonexistent/run/user/7/bus"),
        };
        add_of(&mut outfit, &kind.into_iter().collect(), &session).map(|()| outfit)
    }

    fn grants(outfit: &Outfit) -> Vec<String> {
        let grants = outfit.grants.iter();
        grants.map(|(grant, _)| grant.to_string()).collect()
    }

    #[test]
    fn the_usual_bus_is_granted_and_not_written_down() {
        let usual = "unix:path=/nonexistent/run/user/7/bus,guid=00";
        let outfit = outfit(None, Some(usual)).expect("made");
        assert_eq!(grants(&outfit), ["session-bus"]);
        assert!(outfit.env.is_empty() && outfit.notes.is_empty());
    }

    #[test]
    fn a_bus_elsewhere_is_written_down_without_what_leads_nowhere() {
        let outfit = outfit(
            Some("secret-service"),
            Some("unix:guid=00,path=/tmp/dbus-x"),
        );
        let outfit = outfit.expect("made");
        assert_eq!(outfit.env[ADDRESS].0, "unix:path=/tmp/dbus-x");
        assert!(outfit.notes[0].contains("/nonexistent/run/user/7/bus"));
    }

    #[test]
    fn what_cannot_be_let_into_a_sandbox_is_refused() {
        for address in [
            "unix:abstract=/tmp/dbus-x",
            "unix:path=/a;unix:path=/b",
            "tcp:host=127.0.0.1,port=1",
            "unix:path=relative",
            "unix:path=/a%20b",
            "unix:",
        ] {
            let failure = outfit(None, Some(address)).expect_err(address);
            assert_eq!(failure.code, "bus-unreachable", "{address}");
            let remedy = failure.remedy.expect("a remedy");
            assert!(remedy.contains("--env DBUS_SESSION_BUS_ADDRESS=unix:path=/"));
        }
    }

    #[test]
    fn without_a_session_it_says_for_whom_a_keychain_is() {
        for address in [None, Some("")] {
            let outfit = outfit(None, address).expect("made");
            assert!(outfit.notes[0].contains("a service of the system has none"));
        }
    }

    #[test]
    fn the_key_rings_of_the_kernel_need_no_bus() {
        let outfit = outfit(Some("keyutils"), Some("tcp:host=x")).expect("made");
        assert_eq!(grants(&outfit), ["keyring"]);
        assert!(outfit.env.is_empty() && outfit.notes.is_empty());
        assert_eq!(
            grants(&self::outfit(Some("native"), None).expect("made")),
            Vec::<String>::new()
        );
    }
}
