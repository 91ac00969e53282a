//! A store behind a PIN, held against its contract in the sandbox: the file of the PIN lies where
//! the plugin cannot reach it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what a test cannot do without, fails it"
)]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A vault whose PIN is 1234, in a directory of its own.
struct Vault {
    directory: tempfile::TempDir,
}

impl Vault {
    fn new() -> Self {
        let this = Self {
            directory: tempfile::Builder::new().suffix("vault").tempdir().unwrap(),
        };
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let source = repository.join("tests/plugins");
        let made = Command::new("cc")
            .args([
                "-std=gnu11",
                "-shared",
                "-fPIC",
                "-fvisibility=hidden",
                "-I",
            ])
            .arg(repository.join("sdk/c/include"))
            .arg("-o")
            .arg(this.path("libvault.so"))
            .arg(source.join("vault.c"))
            .status()
            .expect("a C compiler is needed: apt-get install build-essential");
        assert!(made.success());
        let manifest = "org.example.vault.plugin.toml";
        fs::copy(source.join(manifest), this.path(manifest)).unwrap();
        this
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn keep_pin(&self, mode: u32) -> PathBuf {
        let file = self.path("pin");
        fs::write(&file, "1234\n").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
        file
    }

    fn check(&self, pin: &Path) -> Output {
        Command::new(env!("CARGO_BIN_EXE_anchorhold-conform"))
            .args(["--scratch", "--only", "load", "--only", "read"])
            .args(["--only", "unlock", "--secret"])
            .arg(format!("pin={}", pin.display()))
            .arg(self.path("libvault.so"))
            .output()
            .expect("the kit runs")
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_secret_opens_the_store_inside_the_sandbox() {
    let vault = Vault::new();
    let output = vault.check(&vault.keep_pin(0o600));
    let told = text(&output.stdout);
    // The vault does not keep all of its contract; what has to do with its secret it does.
    for case in ["unlock.right-secret", "unlock.again", "unlock.wrong-secret"] {
        let line = told.lines().find(|line| line.contains(case)).unwrap();
        assert!(line.starts_with("passed"), "{told}");
    }
    assert!(!told.contains("vault/pin"), "{told}");
}

#[test]
fn a_secret_that_cannot_be_used_is_wrong_usage() {
    let vault = Vault::new();
    for (pin, said) in [
        (vault.path("absent"), "No such file or directory"),
        (vault.keep_pin(0o644), "(mode 0644)"),
    ] {
        let output = vault.check(&pin);
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.contains(said), "{told}");
        assert!(output.stdout.is_empty(), "{}", text(&output.stdout));
    }
}
