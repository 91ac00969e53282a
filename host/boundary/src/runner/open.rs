//! From the first message to an open store.

use std::error::Error;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use crate::admit::{Refusal, Stamp};
use crate::confinement::Place;
use crate::load::{self, Loadable, Way};
use crate::plugin::{Plugin, StoreConfig};
use crate::runner::calls::Calls;
use crate::runner::outbox::Outbox;
use crate::runner::prompt::Asker;
use crate::status::{CallError, Status};
use crate::table::Table;
use crate::wire::{self, Code, Handed, Hello, Ready, ToHost};

/// A store that is open.
pub(super) struct Store {
    pub(super) table: Table,
    /// Whether several calls may be made at a time.
    pub(super) thread_safe: bool,
    /// The only open call, where they may not.
    pub(super) only: Arc<AtomicU32>,
}

impl Store {
    /// What the host is told of it.
    pub(super) fn ready(&self) -> ToHost {
        ToHost::Ready(Box::new(Ready {
            identity: self.table.identity().clone(),
            thread_safe: self.thread_safe,
            health: self.table.health(),
        }))
    }
}

/// Lets the sandbox open what is to be loaded by its path.
pub(super) fn make_readable(hello: &mut Hello) {
    let paths: Vec<PathBuf> = handed(hello)
        .filter_map(|file| match &file.way {
            Way::ByPath => Some(file.path.clone()),
            Way::Copied(copy) => Some(copy.clone()),
            Way::Sealed => None,
        })
        .collect();
    hello.sandbox.libraries.extend(paths);
}

/// Looks at every file that is to be loaded while all of them can be seen.
pub(super) fn look(hello: &Hello) -> Result<(), ToHost> {
    handed(hello)
        .try_for_each(|file| load::look_at_all(&file.looks))
        .map_err(|refusal| refused(refusal.code(), chain(&refusal)))
}

/// Opens anew, from inside the sandbox, what came open from outside and is not in memory: through a
/// descriptor of the outside the mode of a file could be changed there.
pub(super) fn seen_from_here(
    hello: &Hello,
    descriptors: Vec<OwnedFd>,
) -> Result<Vec<OwnedFd>, ToHost> {
    handed(hello)
        .zip(descriptors)
        .map(|(file, outside)| match &file.way {
            Way::ByPath => opened_again(&file.path, outside),
            Way::Copied(copy) => opened_again(copy, outside),
            Way::Sealed => Ok(outside),
        })
        .collect::<Result<_, _>>()
        .map_err(|refusal: Refusal| refused(refusal.code(), chain(&refusal)))
}

/// The files that are to be loaded, in the order of their descriptors.
fn handed(hello: &Hello) -> impl Iterator<Item = &Handed> {
    let library = match &hello.code {
        Code::Builtin(_) => None,
        Code::Library { file, .. } => Some(file),
    };
    library
        .into_iter()
        .chain(hello.files.iter().map(|file| &file.file))
}

fn opened_again(path: &Path, outside: OwnedFd) -> Result<OwnedFd, Refusal> {
    let unreadable = |why: std::io::Error| Refusal::Unreadable {
        path: path.to_owned(),
        why: why.to_string(),
    };
    let outside = File::from(outside).metadata().map_err(unreadable)?;
    let inside = File::open(path).map_err(unreadable)?;
    if Stamp::of(&inside.metadata().map_err(unreadable)?) != Stamp::of(&outside) {
        return Err(Refusal::Replaced {
            path: path.to_owned(),
        });
    }
    Ok(inside.into())
}

/// Loads the plugin and opens the store. An error is what the host is told.
pub(super) fn open(
    hello: Hello,
    descriptors: Vec<OwnedFd>,
    outbox: &Arc<Outbox>,
    calls: &Arc<Calls>,
) -> Result<Store, ToHost> {
    let mut descriptors = descriptors.into_iter();
    let plugin = plugin(hello.code, &mut descriptors)?;
    let only = Arc::new(AtomicU32::default());
    let mut config = StoreConfig::new(hello.store_name);
    config.settings = hello.settings;
    for wire::File { setting, file } in hello.files {
        config
            .settings
            .push((setting, library_text(file, &mut descriptors)?));
    }
    // As the settings of every store stand: by key, and of one key in the order given.
    config
        .settings
        .sort_by(|(one, _), (other, _)| one.cmp(other));
    config.state_dir = hello.state_dir;
    connect(&mut config, outbox);
    if hello.prompts {
        config.prompter = Some(Arc::new(Asker {
            outbox: Arc::clone(outbox),
            calls: Arc::clone(calls),
            only: Arc::clone(&only),
        }));
    }
    let mut table = plugin.open(config).map_err(|error| ToHost::Refused {
        code: String::new(),
        error,
    })?;
    // The host waits no longer than its callers do, and kills what is silent for too long.
    table.wait_to_the_end();
    let adopted = plugin.adopted();
    Ok(Store {
        table,
        thread_safe: adopted.thread_safe && !adopted.thread_affine,
        only,
    })
}

/// Lets the host hear what the store logs and announces.
fn connect(config: &mut StoreConfig, outbox: &Arc<Outbox>) {
    let said = Arc::clone(outbox);
    config.log = Arc::new(move |level, line| said.log(level, line));
    let told = Arc::clone(outbox);
    config.announce = Some(Arc::new(move |generation| told.announce(generation)));
}

fn plugin(code: Code, descriptors: &mut impl Iterator<Item = OwnedFd>) -> Result<Plugin, ToHost> {
    match code {
        Code::Builtin(id) => Plugin::builtins()
            .into_iter()
            .flatten()
            .find(|plugin| plugin.id() == id)
            .ok_or_else(|| {
                refused(
                    "unknown-plugin",
                    format!("this program has no usable plugin {id:?} of its own"),
                )
            }),
        Code::Library { file, manifest } => {
            let library = received(file, descriptors)?;
            load::load(&library, &manifest, Place::Runner)
                .map_err(|error| refused(error.code(), chain(&error)))
        }
    }
}

/// What a plugin is told of a library that it loads for itself: the path that was checked, or the
/// copy that was made of it.
fn library_text(
    file: Handed,
    descriptors: &mut impl Iterator<Item = OwnedFd>,
) -> Result<String, ToHost> {
    use std::os::fd::AsRawFd;
    let library = received(file, descriptors)?;
    let has_to_be_there = library.way == Way::ByPath;
    for look in &library.looks {
        look.again(has_to_be_there)
            .map_err(|refusal| refused(refusal.code(), chain(&refusal)))?;
    }
    let path = match library.way {
        Way::ByPath => library.path,
        Way::Copied(copy) => copy,
        Way::Sealed => PathBuf::from(format!("/proc/self/fd/{}", library.descriptor.as_raw_fd())),
    };
    path.into_os_string().into_string().map_err(|path| {
        refused(
            "library-name",
            format!(
                "the library {} has a name that is not UTF-8",
                path.display()
            ),
        )
    })
}

fn received(
    file: Handed,
    descriptors: &mut impl Iterator<Item = OwnedFd>,
) -> Result<Loadable, ToHost> {
    // As many came as were announced.
    descriptors
        .next()
        .map(|descriptor| file.received(descriptor))
        .ok_or_else(|| refused("internal", "a descriptor is missing".to_owned()))
}

fn refused(code: &str, why: String) -> ToHost {
    ToHost::Refused {
        code: code.to_owned(),
        error: CallError::new(Status::Refused, why),
    }
}

fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}
