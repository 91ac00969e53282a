//! The commands, one file each.

mod connect;
mod damage;
mod doctor;
mod effect;
mod explain;
mod export;
mod holding;
mod import;
mod journal;
mod list;
mod missing;
mod outlook;
mod plugin;
mod rehearse;
mod remove;
mod scope;
mod server;
mod session;
mod show;
mod source;
mod store;
mod undertaking;
mod validity;
mod vendor;
mod verify;

use crate::args::Command;
use crate::args::dsmcert::Action;
use crate::exit::Failure;
use crate::home::Home;
use crate::output::Reply;

/// Does what was typed.
pub(crate) fn run(command: &Command, home: &Home) -> Result<Reply, Failure> {
    match command {
        Command::Rehearse(args) => rehearse::run(args, home),
        Command::Import(args) => import::run(args, home),
        Command::List(args) => list::run(args, home),
        Command::Show(args) => show::run(args, home),
        Command::Scope(args) => scope::run(args, home),
        Command::Remove(args) => remove::run(args, home),
        Command::Export(args) => export::run(args, home),
        Command::Verify(args) => verify::run(args, home),
        Command::Connect(args) => connect::run(args, home),
        Command::Explain(args) => explain::run(args, home),
        Command::Server(args) => server::run(args, home),
        Command::Store(args) => store::run(args, home),
        Command::Plugin(args) => plugin::run(args, home),
        Command::Journal(args) => journal::run(*args, home),
        Command::Doctor(args) => doctor::run(args, home),
    }
}

pub(crate) use import::from_import;

/// Does what was typed to the vendor's utility.
pub(crate) fn run_vendor(action: &Action, home: &Home) -> Result<Reply, Failure> {
    vendor::run(action, home)
}
