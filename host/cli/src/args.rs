//! What may be typed: the commands and their options.

use std::path::PathBuf;
use std::time::Duration;

use anchorhold_kernel::CertificateKind;
use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use time::OffsetDateTime;

use crate::fingerprint::Prefix;

pub(crate) mod dsmcert;
pub(crate) mod export;
pub(crate) mod plugin;
pub(crate) mod store;
pub(crate) mod value;

use value::{
    certificate_file, expiry_days, label, level, lifetime, reason, server_name, store_name,
};

/// Holds trust anchors where the enterprise keeps them, and decides how a session may be secured.
#[derive(Debug, Parser)]
#[command(name = "anchorhold", version, max_term_width = 100)]
pub(crate) struct Arguments {
    /// What every command takes.
    #[command(flatten)]
    pub(crate) globals: Globals,
    /// The command.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Globals {
    /// Keep configuration, state and stores under DIR
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) home: Option<PathBuf>,
    /// Read the servers from this system options file (dsm.sys); may be repeated
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) options: Vec<PathBuf>,
    /// Read this user options file (dsm.opt) too; may be repeated
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) optfile: Vec<PathBuf>,
    /// Print one JSON document
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Name every option file that is read, and say more
    #[arg(long, short, global = true)]
    pub(crate) verbose: bool,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Play the stories of an upgrade against servers inside this process
    Rehearse(Rehearse),
    /// Import certificates for servers
    Import(Import),
    /// List what is held, where, for which servers and until when
    List(List),
    /// Show one certificate, whole
    Show(Show),
    /// Say which servers a certificate vouches for
    Scope(Scope),
    /// Take a certificate away from a server, or from all
    Remove(Remove),
    /// Write certificates to a file for other programs
    Export(export::Export),
    /// Judge a chain without a connection
    Verify(Verify),
    /// Sign on to a server, report how, and close; or join the session to a program
    Connect(Connect),
    /// Say what would be decided for a server, and why
    Explain(Explain),
    /// The ledger: what is known of each server, and how far it may go down
    #[command(subcommand)]
    Server(Server),
    /// The stores and their health
    #[command(subcommand)]
    Store(Store),
    /// Plugins: which there are, what they may reach, and what one call of one does
    #[command(subcommand)]
    Plugin(plugin::Plugin),
    /// What changed, when and by whom
    #[command(subcommand)]
    Journal(Journal),
    /// Say everything that is wrong or soon will be, and what mends it
    Doctor(Doctor),
}

/// `rehearse`
#[derive(Args, Debug)]
pub(crate) struct Rehearse {
    /// Play this story only; may be repeated
    #[arg(long = "story", value_name = "ID")]
    pub(crate) stories: Vec<String>,
    /// Play with this store of yours; it must be marked `scratch = true`
    #[arg(long = "store", value_name = "STORE", value_parser = store_name)]
    pub(crate) stores: Vec<String>,
}

/// `import`
#[derive(Args, Debug)]
#[command(group(ArgGroup::new("whom").required(true).args(["servers", "any_server"])))]
pub(crate) struct Import {
    /// Files of certificates: PEM (also .arm), DER, PKCS#7, PKCS#12, JKS or GSKit's .kdb, told by
    /// their content; `-` is standard input
    #[arg(required = true, value_name = "FILE", value_parser = certificate_file)]
    pub(crate) files: Vec<PathBuf>,
    /// The server that they vouch for; may be repeated
    #[arg(long = "server", value_name = "NAME", value_parser = server_name)]
    pub(crate) servers: Vec<String>,
    /// They vouch for every server; for certificates of a CA only
    #[arg(long)]
    pub(crate) any_server: bool,
    /// The store that takes them; may be repeated, then all of them take them or none
    #[arg(long = "store", value_name = "STORE", value_parser = store_name)]
    pub(crate) stores: Vec<String>,
    /// As what they vouch; by default what they are says it
    #[arg(long = "as", value_name = "KIND")]
    pub(crate) kind: Option<Kind>,
    /// Their label in the store
    #[arg(long, value_parser = label)]
    pub(crate) label: Option<String>,
    /// Take this certificate out in the same change
    #[arg(long, value_name = "FINGERPRINT")]
    pub(crate) replace: Option<Prefix>,
    /// Make the servers strict at once: never plain again, never acceptance again
    #[arg(long, conflicts_with = "any_server")]
    pub(crate) strict: bool,
    /// The password of the files that are protected by one, in a file that only you can read; by
    /// default that in the stash (.sth) beside each
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// Show what would be done, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// As what a certificate vouches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// A CA certificate from which paths may start
    Anchor,
    /// A CA certificate that helps to build paths and vouches for nothing by itself
    Intermediate,
    /// The server's own certificate, compared byte for byte
    Pin,
}

impl Kind {
    /// The same as the kernel knows it.
    pub(crate) const fn of_certificate(self) -> CertificateKind {
        match self {
            Self::Anchor => CertificateKind::Anchor,
            Self::Intermediate => CertificateKind::Intermediate,
            Self::Pin => CertificateKind::Pin,
        }
    }
}

/// `list`
#[derive(Args, Debug)]
pub(crate) struct List {
    /// Only what vouches for this server
    #[arg(long, value_name = "NAME", value_parser = server_name)]
    pub(crate) server: Option<String>,
    /// Only what this store holds
    #[arg(long, value_name = "STORE", value_parser = store_name)]
    pub(crate) store: Option<String>,
    /// Only what has expired, or will within DAYS
    #[arg(long, value_name = "DAYS", value_parser = expiry_days)]
    pub(crate) expiring: Option<i64>,
}

/// `show`
#[derive(Args, Debug)]
pub(crate) struct Show {
    /// The certificate: its SHA-256, or at least the first 8 digits of it
    #[arg(value_name = "FINGERPRINT")]
    pub(crate) fingerprint: Prefix,
}

/// `scope`
#[derive(Args, Debug)]
#[command(group(
    ArgGroup::new("whom").required(true).args(["servers", "any_server", "none", "propose"])
))]
pub(crate) struct Scope {
    /// The certificates
    #[arg(
        value_name = "FINGERPRINT",
        required_unless_present = "propose",
        conflicts_with = "propose"
    )]
    pub(crate) fingerprints: Vec<Prefix>,
    /// The server that they vouch for; may be repeated
    #[arg(long = "server", value_name = "NAME", value_parser = server_name)]
    pub(crate) servers: Vec<String>,
    /// They vouch for every server; for certificates of a CA only
    #[arg(long)]
    pub(crate) any_server: bool,
    /// They vouch for nobody
    #[arg(long)]
    pub(crate) none: bool,
    /// As what they vouch; by default what they are says it
    #[arg(long = "as", value_name = "KIND", conflicts_with_all = ["none", "propose"])]
    pub(crate) kind: Option<Kind>,
    /// Show what the labels of a store suggest, and ask
    #[arg(long)]
    pub(crate) propose: bool,
    /// The store whose labels are looked at
    #[arg(long, value_name = "STORE", conflicts_with_all = ["servers", "any_server", "none"], value_parser = store_name)]
    pub(crate) store: Option<String>,
    /// Take what is proposed without asking
    #[arg(long, conflicts_with_all = ["servers", "any_server", "none"])]
    pub(crate) yes: bool,
}

/// `remove`
#[derive(Args, Debug)]
#[command(group(ArgGroup::new("whom").required(true).args(["server", "all"])))]
pub(crate) struct Remove {
    /// The certificate
    #[arg(value_name = "FINGERPRINT")]
    pub(crate) fingerprint: Prefix,
    /// Take it away from this server
    #[arg(long, value_name = "NAME", value_parser = server_name)]
    pub(crate) server: Option<String>,
    /// Take it away from every server
    #[arg(long)]
    pub(crate) all: bool,
    /// Take it out of this store only; may be repeated
    #[arg(long = "store", value_name = "STORE", value_parser = store_name)]
    pub(crate) stores: Vec<String>,
}

/// `verify`
#[derive(Args, Debug)]
#[command(group(ArgGroup::new("against").required(true).args(["server", "anchors"])))]
pub(crate) struct Verify {
    /// The chain, PEM, the server's own certificate first; `-` is standard input
    #[arg(value_name = "CHAIN.pem")]
    pub(crate) chain: PathBuf,
    /// Judge it as a session with this server would
    #[arg(long, value_name = "NAME", value_parser = server_name)]
    pub(crate) server: Option<String>,
    /// Judge it by the anchors of this file and nothing else
    #[arg(long, value_name = "FILE")]
    pub(crate) anchors: Option<PathBuf>,
    /// Certificates that help to build paths
    #[arg(long, value_name = "FILE", conflicts_with = "server")]
    pub(crate) intermediates: Option<PathBuf>,
    /// Revocation lists
    #[arg(long, value_name = "FILE", conflicts_with = "server", hide = true)]
    pub(crate) crl: Vec<PathBuf>,
    /// The host name or address that the certificate must be for
    #[arg(long, value_name = "NAME", conflicts_with = "server")]
    pub(crate) name: Option<String>,
    /// Judge it as of this time, such as 2026-01-31T12:00:00Z
    #[arg(long, value_name = "RFC3339", conflicts_with = "server", value_parser = value::instant)]
    pub(crate) at: Option<OffsetDateTime>,
    /// How strictly to judge
    #[arg(long, conflicts_with = "server", hide = true)]
    pub(crate) profile: Option<Profile>,
}

/// How strictly a chain is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Profile {
    /// As a session does
    Default,
    /// More strictly
    Strict,
}

/// `connect`
#[derive(Args, Debug)]
pub(crate) struct Connect {
    /// The server
    #[arg(value_name = "NAME", value_parser = server_name)]
    pub(crate) name: String,
    /// Join the session to standard input and output
    #[arg(long)]
    pub(crate) pipe: bool,
    /// Write the report to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
}

/// `explain`
#[derive(Args, Debug)]
pub(crate) struct Explain {
    /// The server
    #[arg(value_name = "NAME", value_parser = server_name)]
    pub(crate) name: String,
    /// Explain it as if the server announced this level
    #[arg(long, value_name = "V.R.L.S", value_parser = level)]
    pub(crate) level: Option<anchorhold_session::level::Level>,
    /// Explain a verdict that was written down
    #[arg(long, value_name = "FILE", hide = true)]
    pub(crate) receipt: Option<PathBuf>,
}

/// `server`
#[derive(Debug, Subcommand)]
pub(crate) enum Server {
    /// Every server, and how far it may go down
    List,
    /// What is known of one server
    Show(ServerShow),
    /// Make a server strict without contact: never plain again, never acceptance again
    Raise(ServerRaise),
    /// Let a strict server go down once, for a reason
    Lower(ServerLower),
}

/// `server show`
#[derive(Args, Debug)]
pub(crate) struct ServerShow {
    /// The server
    #[arg(value_name = "NAME", value_parser = server_name)]
    pub(crate) name: String,
}

/// `server raise`
#[derive(Args, Debug)]
pub(crate) struct ServerRaise {
    /// The server
    #[arg(value_name = "NAME", value_parser = server_name)]
    pub(crate) name: String,
}

/// `server lower`
#[derive(Args, Debug)]
pub(crate) struct ServerLower {
    /// The server
    #[arg(value_name = "NAME", value_parser = server_name)]
    pub(crate) name: String,
    /// Why, for the journal
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub(crate) reason: String,
    /// What it may do until its next TLS session: talk in plain, or have a certificate accepted
    #[arg(long, value_name = "WHAT")]
    pub(crate) allow: Allow,
    /// For how long at most, such as 24h or 7d; by default until its next TLS session
    #[arg(long = "for", value_name = "TIME", value_parser = lifetime)]
    pub(crate) lifetime: Option<Duration>,
}

/// What a lowered server may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Allow {
    /// Have a certificate accepted, once
    Accept,
    /// Talk in plain
    Plain,
}

/// `store`
#[derive(Debug, Subcommand)]
pub(crate) enum Store {
    /// Every store and its health
    List,
    /// List every store afresh, and say what is wrong
    Check(StoreCheck),
    /// Make a store, or adopt a key database that is there, the vendor's among them
    Create(store::StoreCreate),
    /// Copy what one store holds into another, in one change
    Copy(store::StoreCopy),
    /// Open the lock of a store, with a PIN or password that is stored or that you type
    Unlock(StoreUnlock),
    /// Close the lock of a store
    Lock(StoreName),
    /// Let the plugin of a store be started again after it crashed too often, or let no change wait
    /// for a store that is gone for good
    Release(StoreName),
    /// Write the password of a file store to a new file that only you can read
    Password(StorePassword),
}

/// `store check`
#[derive(Args, Debug)]
pub(crate) struct StoreCheck {
    /// Only these stores
    #[arg(value_name = "STORE", value_parser = store_name)]
    pub(crate) names: Vec<String>,
}

/// `store unlock`
#[derive(Args, Debug)]
pub(crate) struct StoreUnlock {
    /// The store
    #[arg(value_name = "STORE", value_parser = store_name)]
    pub(crate) name: String,
    /// Take the PIN or password from this file, which only you can read
    #[arg(long, value_name = "FILE", conflicts_with = "pin_fd")]
    pub(crate) pin_file: Option<PathBuf>,
    /// Take the PIN or password from this file descriptor
    #[arg(long, value_name = "FD", value_parser = clap::value_parser!(u32).range(3..))]
    pub(crate) pin_fd: Option<u32>,
}

/// `store lock`, `store release`
#[derive(Args, Debug)]
pub(crate) struct StoreName {
    /// The store
    #[arg(value_name = "STORE", value_parser = store_name)]
    pub(crate) name: String,
}

/// `store password`
#[derive(Args, Debug)]
pub(crate) struct StorePassword {
    /// The store
    #[arg(value_name = "STORE", value_parser = store_name)]
    pub(crate) name: String,
    /// The file to make
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: PathBuf,
}

/// `journal`
#[derive(Clone, Copy, Debug, Subcommand)]
pub(crate) enum Journal {
    /// Every entry, oldest first
    Show,
    /// Whether the chain is whole and agrees with the ledger
    Verify,
}

/// `doctor`
#[derive(Args, Debug)]
pub(crate) struct Doctor {
    /// Make this file for support: everything that helps, and no secret
    #[arg(long, value_name = "FILE")]
    pub(crate) bundle: Option<PathBuf>,
}

#[cfg(test)]
mod tests;
