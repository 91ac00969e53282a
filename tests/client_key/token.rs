//! A token of SoftHSM with keys that never were anywhere else, and certificates for them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::support::{
    Home, Identity, Openssl, Outcome, Program, SOFTHSM, Served, Watched, here, make_token, module,
    sha256, shim, stanza,
};

/// A home whose store `hsm` is a token, and whose server TSM1 has a stock certificate.
pub(super) struct Token {
    pub(super) home: Home,
    pub(super) openssl: Openssl,
    pub(super) server: Identity,
    module: PathBuf,
}

/// A certificate for a key on the token.
pub(super) struct Issued {
    der: PathBuf,
}

impl Issued {
    pub(super) fn sha256(&self) -> String {
        sha256(&fs::read(&self.der).expect("it is there"))
    }
}

impl Token {
    /// A token that is called corp, with nothing on it, and the PIN stored; nothing where SoftHSM
    /// or what speaks to it is missing.
    pub(super) fn new() -> Option<Self> {
        let all = ["openssl", "softhsm2-util", "pkcs11-tool"].map(here);
        if all.contains(&false) {
            return None;
        }
        let module = module(SOFTHSM)?;
        let home = Home::new();
        let openssl = Openssl::find(home.directory())?;
        let server = openssl.stock("server");
        openssl.self_signed("root", "/CN=Client Root", &[]);
        let token = Self {
            home,
            openssl,
            server,
            module,
        };
        make_token(&token.home, "corp");
        token.keep_pin("1234");
        token.name_key("backup-client");
        Some(token)
    }

    /// What the store is told to unlock its token with.
    pub(super) fn keep_pin(&self, pin: &str) {
        self.home.write_secret("pin", pin);
    }

    /// Writes the configuration: what TSM1 is signed on to with.
    pub(super) fn name_key(&self, label: &str) {
        let key = format!("client_key = {{ store = \"hsm\", label = \"{label}\" }}\n");
        self.configure("secrets = { pin = { file = \"PIN\" } }\n", &key);
    }

    /// Writes the configuration, with these lines for the store and for the server.
    pub(super) fn configure(&self, of_store: &str, of_server: &str) {
        self.configure_module(&self.module, "", of_store, of_server);
    }

    /// Writes the configuration of a key that is behind a module in which things go wrong, as
    /// `tests/bad/p11-shim.c` says.
    pub(super) fn fail(&self, fault: &str) {
        let library = shim(&self.home);
        let real = self.module.display();
        let env = format!(", P11_REAL = \"{real}\", P11_SHIM = \"{fault}\"");
        let key = "client_key = { store = \"hsm\", label = \"backup-client\" }\n";
        let pin = "secrets = { pin = { file = \"PIN\" } }\ntimeout = \"1s\"\n";
        self.configure_module(&library, &env, pin, key);
    }

    /// Writes the configuration of a token that alone is asked for TSM1, and that its security
    /// officer marks the certificates on.
    pub(super) fn mark_as_officer(&self) {
        let path = self.home.write_secret("so-pin", "12345678");
        let so_pin = path.display();
        let secrets = format!(
            "secrets = {{ pin = {{ file = \"PIN\" }}, so_pin = {{ file = \"{so_pin}\" }} }}\n"
        );
        self.configure(
            &secrets,
            "client_key = { store = \"hsm\", label = \"backup-client\" }\n",
        );
        let file = self.home.path("h/anchorhold.toml");
        let text = fs::read_to_string(&file).expect("written");
        let text = text.replace(
            "token = \"corp\"",
            "token = \"corp\", trust = \"cka-trusted\"",
        );
        let stores = "stores = [\"hsm\"]\naccept_into = \"hsm\"";
        let text = text.replace("stores = [\"keydb\"]", stores);
        fs::write(&file, text).expect("written");
    }

    fn configure_module(&self, module: &Path, env: &str, of_store: &str, of_server: &str) {
        let path = |name: &str| self.home.path(name).display().to_string();
        let of_store = of_store.replace("PIN", &path("pin"));
        self.home.configure(&format!(
            "[[store]]\nname = \"keydb\"\nplugin = \"anchorhold.keydb\"\n\
             settings = {{ path = \"stores/anchorhold.p12\" }}\n\
             [[store]]\nname = \"hsm\"\nplugin = \"anchorhold.pkcs11\"\n\
             settings = {{ module = \"{module}\", token = \"corp\" }}\n\
             env = {{ SOFTHSM2_CONF = \"{conf}\"{env} }}\n\
             grant = [\"read:{conf}\", \"read:{real}\", \"write:{tokens}\"]\n{of_store}\
             [server.TSM1]\nstores = [\"keydb\"]\nlevel = \"8.1.2.0\"\n{of_server}",
            module = module.display(),
            real = self.module.display(),
            conf = path("softhsm2.conf"),
            tokens = path("tokens"),
        ));
    }

    fn run(&self, program: &str, words: &[&str]) -> Outcome {
        let mut command = Command::new(program);
        command.current_dir(self.home.directory()).args(words);
        command.env("SOFTHSM2_CONF", self.home.path("softhsm2.conf"));
        Watched::output(&mut command, b"", Duration::from_secs(60)).exits(0)
    }

    /// Runs pkcs11-tool, logged in.
    pub(super) fn tool(&self, words: &[&str]) -> Outcome {
        let module = self.module.to_string_lossy();
        let login = ["--module", &*module, "--token-label", "corp"];
        let login = [&login[..], &["--login", "--pin", "1234"]].concat();
        self.run("pkcs11-tool", &[&login[..], words].concat())
    }

    /// Makes a key on the token, of a kind as pkcs11-tool calls it.
    pub(super) fn make_key(&self, id: &str, kind: &str, label: &str) {
        let words = ["--keypairgen", "--key-type", kind];
        self.tool(&[&words[..], &["--id", id, "--label", label]].concat());
        let (raw, public) = (format!("{id}.pub"), format!("{id}.spki"));
        self.tool(&["--read-object", "--type", "pubkey", "--id", id, "-o", &raw]);
        let words = ["pkey", "-pubin", "-inform", "DER"];
        self.openssl
            .run(&[&words[..], &["-in", &raw, "-out", &public]].concat());
    }

    /// Brings a key onto the token that pkcs11-tool can make and not read; it cannot be taken out
    /// again.
    pub(super) fn bring_key(&self, id: &str, group: &str, label: &str) {
        let (key, public) = (format!("{id}.key"), format!("{id}.spki"));
        let group = format!("ec_paramgen_curve:{group}");
        let words = ["genpkey", "-algorithm", "EC", "-pkeyopt", &group];
        self.openssl.run(&[&words[..], &["-out", &key]].concat());
        self.openssl
            .run(&["pkey", "-in", &key, "-pubout", "-out", &public]);
        let words = ["--import", &key, "--token", "corp", "--pin", "1234"];
        let name = ["--id", id, "--label", label];
        self.run("softhsm2-util", &[&words[..], &name].concat());
    }

    /// Has `root` issue a certificate for a key on the token.
    pub(super) fn issue(&self, id: &str, subject: &str) -> Issued {
        self.issue_by("root", id, subject)
    }

    /// Has a CA issue a certificate for a key on the token.
    pub(super) fn issue_by(&self, ca: &str, id: &str, subject: &str) -> Issued {
        let public = format!("{id}.spki");
        let name = subject.trim_start_matches("/CN=").replace(' ', "-");
        let (pem, der) = (format!("{name}.pem"), format!("{name}.der"));
        let (ca_pem, ca_key) = (format!("{ca}.pem"), format!("{ca}.key"));
        let mut words = vec!["x509", "-new", "-force_pubkey", &public, "-subj", subject];
        words.extend(["-CA", &ca_pem, "-CAkey", &ca_key, "-out", &pem]);
        words.extend(["-days", "3650"]);
        self.openssl.run(&words);
        self.openssl
            .run(&["x509", "-in", &pem, "-outform", "DER", "-out", &der]);
        Issued {
            der: self.openssl.path(&der),
        }
    }

    /// Has `root` issue a certificate that ended long ago, which openssl has no words for; nothing
    /// where no Python has the package cryptography.
    pub(super) fn issue_expired(&self, id: &str) -> Option<PathBuf> {
        let python = Program::pyca(self.home.directory())?;
        python.run(&["-c", EXPIRED, &format!("{id}.spki")]);
        Some(self.home.path("expired.der"))
    }

    /// Puts a certificate on the token.
    pub(super) fn put(&self, certificate: &Path, id: &str, label: &str) {
        let certificate = certificate.to_string_lossy();
        let words = ["--write-object", &*certificate, "--type", "cert"];
        self.tool(&[&words[..], &["--id", id, "--label", label]].concat());
    }

    /// A key on a curve with its certificate, as the policy names them.
    pub(super) fn with_key(self) -> (Self, Issued) {
        self.make_key("01", "EC:prime256v1", "backup-client");
        let issued = self.issue("01", "/CN=client one");
        self.put(&issued.der, "01", "backup-client");
        (self, issued)
    }

    /// Starts `openssl s_server`, makes it the address of TSM1, and imports its certificate.
    pub(super) fn serve(&mut self, more: &[&str]) -> Served {
        let served = self.start(more);
        let certificate = self.server.certificate.clone();
        let certificate = certificate.to_string_lossy();
        let words = [
            "import",
            "--server",
            "TSM1",
            "--store",
            "keydb",
            &*certificate,
        ];
        self.home.run(&words).exits(0);
        served
    }

    /// The same, without importing anything.
    pub(super) fn start(&mut self, more: &[&str]) -> Served {
        let served = Served::start(&self.server, more);
        self.home
            .write("dsm.sys", stanza("TSM1", served.port, &["SSL Yes"]));
        self.home.take_options(&["--options", "dsm.sys"]);
        served
    }

    /// Options of a server that goes on with nobody who does not show a certificate of a CA.
    pub(super) fn demanding<'a>(&'a self, ca: &'a str, more: &[&'a str]) -> Vec<&'a str> {
        let words = ["-Verify", "2", "-verify_return_error", "-CAfile", ca];
        [&words[..], more].concat()
    }
}

impl Issued {
    /// The certificate, DER.
    pub(super) fn path(&self) -> &Path {
        &self.der
    }
}

const EXPIRED: &str = "
import datetime, sys
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
def read(path): return open(path, 'rb').read()
name = lambda text: x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])
key = serialization.load_pem_private_key(read('root.key'), None)
made = (x509.CertificateBuilder()
    .issuer_name(name('Client Root')).subject_name(name('client one'))
    .public_key(serialization.load_pem_public_key(read(sys.argv[1]))).serial_number(7)
    .not_valid_before(datetime.datetime(2020, 1, 1)).not_valid_after(datetime.datetime(2021, 1, 1))
    .sign(key, hashes.SHA256()))
open('expired.der', 'wb').write(made.public_bytes(serialization.Encoding.DER))
";
