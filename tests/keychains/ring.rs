//! The key rings of the kernel: each test in a session's ring of its own.

use std::fs;

use serde_json::Value;

use super::scene::{file, standing};
use crate::support::{Home, Identity, Openssl, Outcome, confines, here, skip};

/// A home whose store is in the key rings.
struct Scene {
    home: Home,
    server: Identity,
}

impl Scene {
    fn new() -> Option<Self> {
        if !here("keyctl") {
            return None;
        }
        let mut home = Home::new();
        let openssl = Openssl::find(home.directory())?;
        let server = openssl.stock("server");
        home.serve(1, &["SSL Yes"]);
        Some(Self { home, server })
    }

    /// Runs lines in a new session's ring, in which `$A` is the program and `$KEY` what the key of
    /// the store is called.
    fn lines(&self, before: &str, lines: &str) -> Outcome {
        let account = self.account();
        let text = format!(
            "A='anchorhold --home h --options dsm.sys'\nKEY='keyring:{account}@anchorhold'\n{lines}"
        );
        let script = self.home.write("lines.sh", text);
        self.home.shell(&format!(
            "{before} keyctl session - sh {}",
            script.display()
        ))
    }

    /// The same, and each line succeeds.
    #[track_caller]
    fn run(&self, lines: &str) -> Outcome {
        self.lines("", &format!("set -e\n{lines}")).exits(0)
    }

    /// What the entries of the store are called.
    fn account(&self) -> String {
        let directory = self.home.path("h/state/stores/keychain");
        let digest = crate::support::sha256(directory.as_os_str().as_encoded_bytes());
        format!("keychain-{}", &digest[..8])
    }

    fn certificate(&self) -> String {
        self.server.certificate.display().to_string()
    }
}

impl Drop for Scene {
    /// The ring that outlives sessions is not left with the keys of tests.
    fn drop(&mut self) {
        self.lines("", "keyctl get_persistent @s\nkeyctl purge user $KEY");
    }
}

const CREATE: &str = "$A store create --name keychain --plugin anchorhold.keychain \
                      --set keychain=keyutils\n";
const IMPORT: &str = "$A import --server TSM1 --store keychain server.pem\n";
const LIST: &str = "$A list --store keychain\n";

#[test]
fn a_certificate_is_imported_listed_and_removed() {
    let Some(scene) = Scene::new() else {
        return;
    };
    let sha256 = scene.server.sha256();
    let made = scene
        .run(CREATE)
        .says("keyring (the key rings of the kernel");
    assert!(!made.stdout.contains("DBUS_SESSION"), "{}", made.shown());
    // One session's ring is not another's; what was kept is there in each.
    scene.run(IMPORT).says("read back from every store");
    scene.run(LIST).says(&sha256[..16]);
    scene.run(IMPORT).says("unchanged");
    let verify = format!("$A verify {} --server TSM1 --json", scene.certificate());
    let verdict: Value = scene.run(&verify).document();
    assert_eq!(verdict["by"]["store"], "keychain", "{verdict:#}");
    let standing = standing(&scene.home);
    assert_eq!(standing["health"], "ready", "{standing:#}");
    if confines() {
        assert_eq!(standing["sandbox"], "full", "{standing:#}");
    }
    scene.run(&format!("$A remove {sha256} --all --store keychain"));
    let listed = scene.run(LIST);
    assert!(!listed.stdout.contains(&sha256[..16]), "{}", listed.shown());
}

#[test]
fn a_key_that_was_taken_away_is_told_with_what_helps() {
    for how in [
        "keyctl get_persistent @s\nkeyctl purge user $KEY",
        "keyctl get_persistent @s\nkeyctl invalidate $(keyctl search @s user $KEY)",
        "keyctl get_persistent @s\nkeyctl revoke $(keyctl search @s user $KEY)",
    ] {
        let Some(scene) = Scene::new() else {
            return;
        };
        scene.run(&format!("{CREATE}{IMPORT}{how}"));
        let outcome = scene.lines("", LIST).exits(3);
        outcome.says("forgot").says("import again");
        let outcome = scene.lines("", IMPORT);
        assert!(!outcome.status.success(), "{}", outcome.shown());
        // What the message says helps.
        fs::remove_file(file(&scene.home)).expect("removed");
        scene.run(IMPORT).says("read back from every store");
    }
}

#[test]
fn a_ring_that_is_cleared_is_filled_from_the_one_that_lasts() {
    let Some(scene) = Scene::new() else {
        return;
    };
    scene.run(&format!("{CREATE}{IMPORT}keyctl clear @s\n{LIST}"));
}

#[test]
fn a_store_without_the_grant_says_what_it_needs() {
    let Some(scene) = Scene::new() else {
        return;
    };
    if !confines() {
        return;
    }
    scene.run(&format!("{CREATE}{IMPORT}"));
    let path = scene.home.path("h/stores.d/keychain.toml");
    let text = fs::read_to_string(&path).expect("there");
    let text = text.replace("grant = [\"keyring\"]", "grant = []");
    fs::write(path, text).expect("written");
    let outcome = scene.lines("", LIST).exits(3);
    outcome.says("keyring");
}

#[test]
fn rings_that_are_full_are_told_and_what_is_there_stays() {
    let Some(scene) = Scene::new() else {
        return;
    };
    let Some(ordinary) = ordinary(&scene.home) else {
        return;
    };
    // Whatever the kernel allows, it is used up in steps that become smaller.
    let fill = "for size in 16000 4000 1000 250 60 15 4 1; do\nn=0\nwhile \
                head -c $size /dev/zero | keyctl padd user $size.$n @s 2>/dev/null >&2\n\
                do n=$((n+1)); done\ndone\n";
    let clean = "keyctl get_persistent @s\nkeyctl purge user $KEY";
    let openssl = Openssl::find(scene.home.directory()).expect("it was there");
    openssl.stock("other");
    let lines = format!(
        "{CREATE}{IMPORT}{fill}$A import --server TSM1 --store keychain other.pem && exit 1\n\
         {LIST}{clean}"
    );
    scene.home.shell("chown -R 65534:65534 .").exits(0);
    let outcome = scene.lines(&ordinary, &lines).exits(0);
    let outcome = outcome.says("the key rings of this user are full");
    let outcome = outcome.says("/proc/sys/kernel/keys/maxbytes");
    assert!(
        outcome.stdout.contains(&scene.server.sha256()[..16]),
        "{}",
        outcome.shown()
    );
}

/// What makes a command that of an ordinary user, for whom the kernel has a small limit.
fn ordinary(home: &Home) -> Option<String> {
    if !here("setpriv") {
        return None;
    }
    let words = "setpriv --reuid 65534 --regid 65534 --clear-groups";
    let tried = home.shell(&format!("{words} anchorhold --version"));
    if !tried.status.success() {
        skip("the program cannot be run as another user");
        return None;
    }
    Some(words.to_owned())
}
