//! `plugin`: which plugins there are, which files they are, and what they may reach.

mod add;
mod check;
pub(super) mod file;
mod list;
mod new;
pub(super) mod registration;
mod remove;
mod run;
pub(super) mod setting;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anchorhold_boundary::admit::Refusal;

use crate::args::plugin::Plugin;
use crate::exit::{Exit, Failure};
use crate::home::Home;
use crate::invocation::quote;
use crate::output::Reply;

/// Lists, registers, removes or runs plugins.
pub(super) fn run(args: &Plugin, home: &Home) -> Result<Reply, Failure> {
    match args {
        Plugin::Add(args) => add::run(args, home),
        Plugin::Check(args) => check::run(args, home),
        Plugin::List => list::run(home),
        Plugin::New(args) => new::run(args, home),
        Plugin::Remove(args) => remove::run(args, home),
        Plugin::Run(args) => run::run(args, home),
    }
}

/// What keeps a file from being a plugin: whoever named it, or keeps it, must act.
fn refused(refusal: &Refusal, manifest: &Path) -> Failure {
    let names_library = matches!(
        refusal,
        Refusal::ManifestInvalid { path, .. } | Refusal::TooLarge { path, .. }
            if path == manifest && is_library(path)
    );
    if names_library {
        let message = format!(
            "{}: this is a library, and its manifest is expected",
            manifest.display()
        );
        return Failure::usage("manifest-invalid", message)
            .remedy("name the manifest that stands beside it: ID.plugin.toml");
    }
    let remedy = match refusal {
        Refusal::LibraryMissing { .. } => {
            "build the library, or put it beside its manifest; if it was built elsewhere, name the \
             manifest that stands beside it there"
                .to_owned()
        }
        Refusal::LibraryUnnamed { .. } => {
            "write library = \"NAME.so\" into it, the file beside it".to_owned()
        }
        Refusal::ManifestInvalid { .. } => {
            "mend it; where it is somebody else's, ask its author for one that this release \
             understands"
                .to_owned()
        }
        Refusal::NoEntry { .. } => format!(
            "check that its manifest names the library that was meant; to see all that is wrong \
             with it: anchorhold plugin check {}",
            quote(manifest.as_os_str())
        ),
        _ => refusal.remedy_of("ID", &quote(manifest.as_os_str())),
    };
    Failure::from_error(Exit::Usage, refusal.code(), refusal).remedy(remedy)
}

/// Whether a file is an ELF object, as a library is.
fn is_library(path: &Path) -> bool {
    let mut start = [0; 4];
    File::open(path)
        .and_then(|mut file| file.read_exact(&mut start))
        .is_ok_and(|()| start == *b"\x7fELF")
}
