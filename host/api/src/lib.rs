//! Every JSON document that another program may rely on, as a type; documents only ever grow.
//!
//! The files under `schema/` say the same for readers in other languages; a test holds a sample of
//! every document against its schema.
#![forbid(unsafe_code)]

mod change;
mod conformance;
mod doctor;
mod error;
mod export;
mod import;
mod journal;
mod list;
mod plugin;
mod reach;
mod rehearsal;
mod server;
mod session;
mod show;
mod store;
mod verdict;

pub use change::{Change, Changed, Proposal, Proposed, ServerChange};
pub use conformance::{CheckedCase, PluginCheck};
pub use doctor::{
    Bundle, BundledServer, ConfiguredStore, Diagnosis, Finding, Offer, Places, Platform, Setting,
};
pub use error::{Error, ErrorBody};
pub use export::{Export, Exported};
pub use import::{Import, Imported, Replaced};
pub use journal::{Journal, JournalCheck, JournalEntry};
pub use list::{Certificate, FailedStore, List, Missing, Servers};
pub use plugin::{
    Plugin, PluginAdd, PluginList, PluginNew, PluginRemove, PluginRun, RunHealth, RunItem,
};
pub use reach::{Given, Profile, Reach};
pub use rehearsal::{Rehearsal, Step, Story};
pub use server::{Endpoint, Lowered, Record, RecordChange, RecordList, RecordedLevel};
pub use session::{
    Difference, Explanation, Level, OwnCertificate, Row, Session, SetOption, StoreState, Used,
    Warning,
};
pub use show::{Place, Shown};
pub use store::{
    Copied, CreatedStore, LeftOut, NotAdopted, OpenIntent, OpenUndertaking, Password,
    SearchedPlace, Store, StoreCheck, StoreCopy, StoreCreate, StoreList, StoreTurn,
};
pub use verdict::{By, Verdict};
