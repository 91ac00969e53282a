//! A CA, and a home whose one server has a certificate of it.

use serde_json::Value;

use super::{Authority, Home, Identity, Leaf, Openssl, Served, stanza};

/// A root, an intermediate below it, and a home whose one server is yet to be started.
#[derive(Debug)]
pub(crate) struct Corp {
    /// The home.
    pub(crate) home: Home,
    /// The maker of everything.
    pub(crate) openssl: Openssl,
    /// The root.
    pub(crate) root: Authority,
    /// The CA below it.
    pub(crate) intermediate: Authority,
}

impl Corp {
    /// The CA, or nothing where there is no openssl.
    pub(crate) fn found() -> Option<Self> {
        let home = Home::new();
        let openssl = Openssl::find(home.directory())?;
        let root = Authority::root(&openssl, "root");
        let intermediate = root.intermediate("intermediate");
        Some(Self {
            home,
            openssl,
            root,
            intermediate,
        })
    }

    /// Starts a server with a certificate of the intermediate, which it sends along.
    pub(crate) fn serve(&mut self, leaf: &Leaf<'_>, more: &[&str]) -> Served {
        let identity = self.intermediate.sign(leaf);
        self.present(&identity, more)
    }

    /// Starts a server with this certificate, and names it TSM1.
    pub(crate) fn present(&mut self, identity: &Identity, more: &[&str]) -> Served {
        let chain = self.intermediate.identity().certificate.clone();
        let server = Served::with_chain(identity, &chain, more);
        self.name(&server, &[]);
        server
    }

    /// Makes the stanza of TSM1 point at a server; with SSL Yes no level has to be waited for,
    /// which openssl does not tell.
    pub(crate) fn name(&mut self, server: &Served, options: &[&str]) {
        let options = [SSL, options].concat();
        self.home
            .write("dsm.sys", stanza("TSM1", server.port, &options));
        self.home.take_options(&["--options", "dsm.sys"]);
    }

    /// Imports the root as what it is.
    pub(crate) fn anchor(&self) {
        let words = ["import", "--server", "TSM1", "--as", "anchor", "root.pem"];
        self.home.run(&words).exits(0);
    }

    /// Connects, and the answer is no.
    #[track_caller]
    pub(crate) fn refused(&self, code: &str) -> Value {
        let report = self.home.json(1, &["connect", "TSM1"]);
        assert_eq!(report["code"], code, "{report:#}");
        assert_eq!(report["decision"], "refuse", "{report:#}");
        assert_eq!(report["session_security"], "transitional", "{report:#}");
        report
    }

    /// Connects, and a CA vouches.
    #[track_caller]
    pub(crate) fn vouched(&self) -> Value {
        let report = self.home.json(0, &["connect", "TSM1"]);
        assert_eq!(report["code"], "held-certificate", "{report:#}");
        assert_eq!(report["certificate"]["how"], "anchor", "{report:#}");
        report
    }
}

/// With TLS from the beginning.
pub(crate) const SSL: &[&str] = &["SSL Yes"];
