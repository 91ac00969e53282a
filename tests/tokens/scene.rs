//! A home whose store `hsm` is a token of one maker or another.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::support::{
    Home, Identity, Openssl, Outcome, SOFTHSM, Watched, find_module, here, make_token, module, shim,
};

/// A home whose store `hsm` is a token, beside the store `keydb` that it begins with.
pub(crate) struct Scene {
    pub(crate) home: Home,
    pub(crate) openssl: Openssl,
    /// The stock certificate of the server TSM1.
    pub(crate) server: Identity,
    pub(crate) maker: Maker,
}

/// Whose token it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Maker {
    Nss,
    SoftHsm,
    Trust,
}

impl Scene {
    /// A token of SoftHSM that is called corp.
    pub(crate) fn softhsm() -> Option<Self> {
        if [here("softhsm2-util"), here("pkcs11-tool")].contains(&false) {
            return None;
        }
        let module = module(SOFTHSM)?;
        let scene = Self::new(Maker::SoftHsm)?;
        fs::create_dir(scene.home.path("told")).expect("made");
        scene.initialize("corp");
        scene.keep_pin("1234");
        scene.configure(&module, "token = \"corp\"", "");
        Some(scene)
    }

    /// An NSS database without a password.
    pub(crate) fn nss() -> Option<Self> {
        if !here("certutil") {
            return None;
        }
        let module = module("libsoftokn3.so").or_else(|| module("nss/libsoftokn3.so"))?;
        let scene = Self::new(Maker::Nss)?;
        fs::create_dir(scene.home.path("nss")).expect("made");
        let database = format!("sql:{}", scene.home.path("nss").display());
        scene.tool("certutil", &["-N", "-d", &database, "--empty-password"]);
        let settings = format!(
            "token = \"NSS Certificate DB\", configdir = \"{}\"",
            scene.home.path("nss").display()
        );
        scene.configure(&module, &settings, "");
        Some(scene)
    }

    /// A directory of certificates as p11-kit's trust module shows it.
    pub(crate) fn trust() -> Option<Self> {
        let module = module("pkcs11/p11-kit-trust.so")?;
        let scene = Self::new(Maker::Trust)?;
        fs::create_dir_all(scene.home.path("trust/blocklist")).expect("made");
        fs::create_dir_all(scene.home.path("trust/anchors")).expect("made");
        let trust = scene.home.path("trust");
        let settings = format!("reserved = \"paths='{}'\"", trust.display());
        let grant = format!("grant = [\"read:{}\"]\n", trust.display());
        scene.write_configuration(&module, &settings, &grant);
        Some(scene)
    }

    fn new(maker: Maker) -> Option<Self> {
        let mut home = Home::new();
        let openssl = Openssl::find(home.directory())?;
        let server = openssl.stock("server");
        home.serve(1, &["SSL Yes"]);
        Some(Self {
            home,
            openssl,
            server,
            maker,
        })
    }

    /// Makes another token of SoftHSM.
    pub(crate) fn initialize(&self, label: &str) {
        make_token(&self.home, label);
    }

    /// What the store unlocks its token with.
    pub(crate) fn keep_pin(&self, pin: &str) {
        self.home.write_secret("pin", pin);
    }

    /// Writes the configuration of a store on SoftHSM or NSS, with these settings and more lines.
    pub(crate) fn configure(&self, module: &Path, settings: &str, more: &str) {
        self.configure_with("", module, settings, more);
    }

    /// Writes the configuration of a store on SoftHSM behind the shim, in which this goes wrong, as
    /// `tests/bad/p11-shim.c` says.
    pub(crate) fn fail(&self, faults: &str, settings: &str, more: &str) {
        let told = self.home.path("told/calls");
        let env = format!(
            ", P11_REAL = \"{}\", P11_SHIM = \"{faults}\", P11_TOLD = \"{}\"",
            real_softhsm().display(),
            told.display()
        );
        self.configure_with(&env, &self.shim(), settings, more);
    }

    /// Which faults of the shim happened since this was asked last.
    pub(crate) fn happened(&self) -> Vec<String> {
        let told = self.home.path("told/calls");
        let lines = fs::read_to_string(&told).unwrap_or_default();
        let _ = fs::remove_file(told);
        lines.lines().map(str::to_owned).collect()
    }

    /// The shim, beside the token.
    pub(crate) fn shim(&self) -> PathBuf {
        shim(&self.home)
    }

    fn configure_with(&self, env: &str, module: &Path, settings: &str, more: &str) {
        let path = |name: &str| self.home.path(name).display().to_string();
        let (conf, tokens, told) = (path("softhsm2.conf"), path("tokens"), path("told"));
        let of_maker = match self.maker {
            Maker::SoftHsm => format!(
                "env = {{ SOFTHSM2_CONF = \"{conf}\"{env} }}\n\
                 grant = [\"read:{conf}\", \"write:{tokens}\", \"write:{told}\", \"read:{}\"]\n\
                 secrets = {{ pin = {{ file = \"{}\" }}, so_pin = {{ file = \"{}\" }} }}\n",
                self.home.directory().display(),
                path("pin"),
                path("so-pin"),
            ),
            Maker::Nss | Maker::Trust => String::new(),
        };
        self.write_configuration(module, settings, &format!("{of_maker}{more}"));
    }

    fn write_configuration(&self, module: &Path, settings: &str, more: &str) {
        self.home.configure(&format!(
            "[[store]]\nname = \"keydb\"\nplugin = \"anchorhold.keydb\"\n\
             settings = {{ path = \"stores/anchorhold.p12\" }}\n\
             [[store]]\nname = \"hsm\"\nplugin = \"anchorhold.pkcs11\"\n\
             settings = {{ module = \"{}\", {settings} }}\n{more}",
            module.display(),
        ));
    }

    /// Runs a program with the environment of the token.
    pub(crate) fn tool(&self, program: &str, words: &[&str]) -> Outcome {
        let mut command = Command::new(program);
        command.current_dir(self.home.directory()).args(words);
        command.env("SOFTHSM2_CONF", self.home.path("softhsm2.conf"));
        Watched::output(&mut command, b"", Duration::from_secs(60)).exits(0)
    }

    /// Runs pkcs11-tool on the token of this label.
    pub(crate) fn pkcs11(&self, label: &str, words: &[&str]) -> Outcome {
        let module = real_softhsm();
        let module = module.to_string_lossy();
        let first = ["--module", &*module, "--token-label", label];
        self.tool("pkcs11-tool", &[&first[..], words].concat())
    }

    /// Puts a certificate there with another program.
    pub(crate) fn put_foreign(&self, certificate: &Path, label: &str) {
        let pem = certificate.to_string_lossy();
        match self.maker {
            Maker::SoftHsm => {
                let der = self.home.path("foreign.der").display().to_string();
                self.openssl
                    .run(&["x509", "-in", &pem, "-outform", "DER", "-out", &der]);
                let words = ["--login", "--pin", "1234", "--write-object", &*der];
                let more = ["--type", "cert", "--id", "99", "--label", label];
                self.pkcs11("corp", &[&words[..], &more[..]].concat());
            }
            Maker::Nss => {
                let database = format!("sql:{}", self.home.path("nss").display());
                let words = ["-A", "-d", &database, "-n", label, "-t", "C,,", "-a"];
                self.tool("certutil", &[&words[..], &["-i", &pem]].concat());
            }
            Maker::Trust => {
                let place = self.home.path(&format!("trust/anchors/{label}.pem"));
                fs::copy(certificate, place).expect("copied");
            }
        }
    }

    /// The server's certificate, imported into the token.
    pub(crate) fn import(&self) -> serde_json::Value {
        let certificate = self.server.certificate.to_string_lossy().into_owned();
        let words = ["import", "--server", "TSM1", "--store", "hsm", &certificate];
        self.home.json(0, &words)
    }

    /// Has the token hold the server's certificate as its pin: imported, or where the module only
    /// reads put there by another program.
    pub(crate) fn hold(&self) {
        if self.maker != Maker::Trust {
            self.import();
            return;
        }
        self.put_foreign(&self.server.certificate, "anchor");
        let sha256 = self.server.sha256();
        let words = ["scope", &sha256, "--server", "TSM1", "--as", "pin"];
        self.home.run(&words).exits(0);
    }

    /// What is said of a store.
    pub(crate) fn standing(&self, name: &str) -> serde_json::Value {
        let list = self.home.json(0, &["store", "list"]);
        let stores = list["stores"].as_array().expect("a list").iter();
        let mut found = stores.filter(|one| one["name"] == name);
        found.next().expect("it is there").clone()
    }

    /// The plugin with the settings, variables and grants of the store `hsm`, as words of commands.
    pub(crate) fn told(&self) -> Vec<String> {
        let text = fs::read_to_string(self.home.path("h/anchorhold.toml")).expect("there");
        let text: toml::Table = text.parse().expect("TOML");
        let stores = text["store"].as_array().expect("stores").iter();
        let mut hsm = stores.filter(|store| store["name"].as_str() == Some("hsm"));
        let hsm = hsm.next().expect("it is there");
        let pairs = |key: &str, option: &str| {
            let table = hsm.get(key).and_then(toml::Value::as_table);
            let pairs = table.into_iter().flatten().map(|(name, value)| {
                let value = value.as_str().expect("a text");
                format!("--{option}={name}={value}")
            });
            pairs.collect::<Vec<_>>()
        };
        let mut words = vec!["anchorhold.pkcs11".to_owned()];
        words.extend(pairs("settings", "set"));
        words.extend(pairs("env", "env"));
        let grants = hsm.get("grant").and_then(toml::Value::as_array);
        for grant in grants.into_iter().flatten() {
            words.push(format!("--grant={}", grant.as_str().expect("a text")));
        }
        words
    }

    /// What the token holds, as the program shows it.
    pub(crate) fn listed(&self) -> Vec<serde_json::Value> {
        let list = self.home.json(0, &["list", "--store", "hsm"]);
        list["certificates"].as_array().expect("a list").clone()
    }
}

/// The module of SoftHSM.
pub(crate) fn real_softhsm() -> PathBuf {
    find_module(SOFTHSM).unwrap_or_default()
}
