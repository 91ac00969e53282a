//! A certificate authority: roots, intermediates and leaves, made by `openssl ca`.

use std::fs;

use super::{Identity, Openssl};

/// A CA and its key.
#[derive(Clone, Debug)]
pub(crate) struct Authority {
    openssl: Openssl,
    identity: Identity,
}

/// A certificate to be signed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leaf<'a> {
    /// The name of its files.
    pub(crate) name: &'a str,
    /// Its common name.
    pub(crate) common: &'a str,
    /// Its alternative names as openssl writes them; none where empty.
    pub(crate) names: &'a str,
    /// Its extended key usage.
    pub(crate) usage: &'a str,
    /// The first and the last moment of its validity.
    pub(crate) validity: (&'a str, &'a str),
    /// The kind of its key as `openssl genpkey` names it, and an option of that.
    pub(crate) key: (&'a str, &'a str),
}

impl Leaf<'_> {
    /// A good leaf for a server on this machine.
    pub(crate) const GOOD: Leaf<'static> = Leaf {
        name: "leaf",
        common: "server.example",
        names: "DNS:server.example,IP:127.0.0.1",
        usage: "serverAuth",
        validity: ("20200101000000Z", "20991231235959Z"),
        key: ("EC", "ec_paramgen_curve:P-256"),
    };

    fn extensions(&self) -> String {
        let mut text = format!(
            "basicConstraints=critical,CA:false\nextendedKeyUsage={}\n",
            self.usage
        );
        if !self.names.is_empty() {
            text.push_str(&format!("subjectAltName={}\n", self.names));
        }
        text
    }
}

impl Authority {
    /// A root.
    pub(crate) fn root(openssl: &Openssl, name: &str) -> Self {
        let identity = issue(openssl, None, &named(name), CA);
        let openssl = openssl.clone();
        Self { openssl, identity }
    }

    /// A CA below this one.
    pub(crate) fn intermediate(&self, name: &str) -> Self {
        self.below(name, "")
    }

    /// A CA below this one that may vouch for some names only, as openssl writes them.
    pub(crate) fn constrained(&self, name: &str, names: &str) -> Self {
        self.below(name, &format!("nameConstraints=critical,{names}\n"))
    }

    /// A certificate for a server.
    pub(crate) fn sign(&self, leaf: &Leaf<'_>) -> Identity {
        issue(
            &self.openssl,
            Some(&self.identity),
            leaf,
            &leaf.extensions(),
        )
    }

    /// A certificate that is signed with its own key.
    pub(crate) fn itself(openssl: &Openssl, leaf: &Leaf<'_>) -> Identity {
        issue(openssl, None, leaf, &leaf.extensions())
    }

    /// The CA's own certificate.
    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }

    fn below(&self, name: &str, more: &str) -> Self {
        let extensions = format!("{CA}{more}");
        let identity = issue(
            &self.openssl,
            Some(&self.identity),
            &named(name),
            &extensions,
        );
        let openssl = self.openssl.clone();
        Self { openssl, identity }
    }
}

/// What a CA's certificate says, as far as it is like that of a leaf.
fn named(name: &str) -> Leaf<'_> {
    Leaf {
        name,
        common: name,
        ..Leaf::GOOD
    }
}

/// Makes a key and a certificate for it, signed by that key itself where there is no signer.
fn issue(
    openssl: &Openssl,
    signer: Option<&Identity>,
    leaf: &Leaf<'_>,
    extensions: &str,
) -> Identity {
    let file = |ending: &str| format!("{}.{ending}", leaf.name);
    let (key, request, certificate) = (file("key"), file("csr"), file("pem"));
    let (extension, configuration) = (file("ext"), file("cnf"));
    let write = |name: &str, text: &str| fs::write(openssl.path(name), text).expect("written");
    write(&extension, extensions);
    write(&configuration, &CONFIGURATION.replace("NAME", leaf.name));
    write(&file("index"), "");
    let (kind, option) = leaf.key;
    openssl.run(&[
        "genpkey",
        "-algorithm",
        kind,
        "-pkeyopt",
        option,
        "-out",
        &key,
    ]);
    let subject = format!("/O=Example/CN={}", leaf.common);
    openssl.run(&[
        "req", "-new", "-key", &key, "-subj", &subject, "-out", &request,
    ]);
    let mut words = vec!["ca", "-batch", "-notext", "-rand_serial"];
    words.extend(["-config", &configuration, "-extfile", &extension]);
    words.extend(["-startdate", leaf.validity.0, "-enddate", leaf.validity.1]);
    words.extend(["-in", &request, "-out", &certificate]);
    let own = signer.map(|signer| {
        let text = |path: &std::path::Path| path.to_string_lossy().into_owned();
        (text(&signer.certificate), text(&signer.key))
    });
    match &own {
        Some((signer, signer_key)) => words.extend(["-cert", signer, "-keyfile", signer_key]),
        None => words.extend(["-selfsign", "-keyfile", &key]),
    }
    openssl.run(&words);
    Identity {
        certificate: openssl.path(&certificate),
        key: openssl.path(&key),
    }
}

const CA: &str = "\
basicConstraints=critical,CA:true
keyUsage=critical,keyCertSign,cRLSign
";

const CONFIGURATION: &str = "\
[ca]
default_ca = this
[this]
database = NAME.index
serial = NAME.serial
new_certs_dir = .
default_md = sha256
unique_subject = no
policy = any
[any]
organizationName = optional
commonName = supplied
";
