//! A desk with a certificate on it, and a home that it is imported into.

use serde_json::Value;

use super::{Home, Identity, Openssl, stanza};

/// A home with one stanza, and a certificate for it.
#[derive(Debug)]
pub(crate) struct Desk {
    /// The home.
    pub(crate) home: Home,
    /// The maker of certificates.
    pub(crate) openssl: Openssl,
    /// A certificate for TSM1.
    pub(crate) identity: Identity,
}

impl Desk {
    /// The desk, or nothing where there is no openssl.
    pub(crate) fn set() -> Option<Self> {
        let home = Home::with_options(&stanza("TSM1", 1500, &[]));
        let openssl = Openssl::find(home.directory())?;
        let identity = openssl.stock("cert256");
        Some(Self {
            home,
            openssl,
            identity,
        })
    }

    /// The file is imported into a fresh home, and is the certificate.
    #[track_caller]
    pub(crate) fn takes(&self, what: &str, content: &[u8]) {
        let home = Home::with_options(&stanza("TSM1", 1500, &[]));
        home.write("file", content);
        let imported = home.run(&["import", "--server", "TSM1", "file", "--json"]);
        assert_eq!(
            imported.status.code(),
            Some(0),
            "{what}\n{}",
            imported.shown()
        );
        let document = imported.document();
        let taken = document["imported"].as_array().expect("a list");
        assert_eq!(taken.len(), 1, "{what}: {taken:#?}");
        assert_eq!(
            taken[0]["sha256"].as_str(),
            Some(&*self.identity.sha256()),
            "{what}"
        );
        assert_eq!(taken[0]["outcome"], "new", "{what}");
    }

    /// The file is wrong input: exit 2, with a document that says so, and nothing is written.
    #[track_caller]
    pub(crate) fn refuses(&self, what: &str, content: &[u8]) -> Value {
        self.home.write("file", content);
        let document = self.home.json(2, &["import", "--server", "TSM1", "file"]);
        assert!(
            document["error"]["code"].is_string(),
            "{what}: {document:#}"
        );
        let message = document["error"]["message"].as_str().expect("a message");
        // Of several files or certificates, it says which.
        assert!(
            message.contains("file") || message.contains("CN="),
            "{what}: {message}"
        );
        assert!(
            self.home.snapshot().is_empty(),
            "{what}: nothing is written"
        );
        document
    }

    /// Imports for TSM1.
    #[track_caller]
    pub(crate) fn import(&self, words: &[&str]) -> Value {
        let mut all = vec!["import", "--server", "TSM1"];
        all.extend(words);
        self.home.json(0, &all)
    }
}
