//! The first message: all that a runner needs to know.

use std::ffi::OsStr;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::NAME_MAX;
use crate::admit::{AdmittedFile, Look, Stamp};
use crate::load::{self, Loadable, Way};
use crate::sandbox::{Endpoint, SandboxSpec, SessionBus};
use crate::wire::field::{Reader, Writer};
use crate::wire::{DESCRIPTORS_MAX, VERSION, WireError};

/// The most bytes of a path.
const PATH_MAX: usize = 4096;
/// The most elements of a list: settings, paths, endpoints.
const LIST_MAX: usize = 4096;
/// The most bytes of a manifest, or of a setting's value.
const VALUE_MAX: usize = 64 << 10;

/// The most bytes of a reason.
const WHY_MAX: usize = 1024;

/// All that a runner needs to know. The descriptors come with it: of the library first, where
/// there is one, then those of the files, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hello {
    /// What to open.
    pub(crate) code: Code,
    /// What the operator calls the store.
    pub(crate) store_name: String,
    /// Its settings, without those that are files to be loaded.
    pub(crate) settings: Vec<(String, String)>,
    /// The files that the plugin loads for itself.
    pub(crate) files: Vec<File>,
    /// Its own directory, where it has one.
    pub(crate) state_dir: Option<PathBuf>,
    /// What it may reach.
    pub(crate) sandbox: SandboxSpec,
    /// Whether less than the whole sandbox is refused.
    pub(crate) require_full: bool,
    /// Whether somebody answers questions.
    pub(crate) prompts: bool,
}

/// What a runner opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    /// A plugin of the program, by its id.
    Builtin(String),
    /// A library, whose descriptor comes first.
    Library {
        /// The library.
        file: Handed,
        /// The very text of its manifest.
        manifest: String,
    },
}

/// A file that the plugin loads for itself, whose descriptor comes along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct File {
    /// The setting that names it.
    pub(crate) setting: String,
    /// The file.
    pub(crate) file: Handed,
}

/// A file that is handed over to be loaded, all but its descriptor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Handed {
    /// How it is loaded.
    pub(crate) way: Way,
    /// Where it lies, without any link.
    pub(crate) path: PathBuf,
    /// The SHA-256 of what is loaded.
    pub(crate) digest: [u8; 32],
    /// What to look at again just before.
    pub(crate) looks: Vec<Look>,
}

impl Handed {
    /// What is to be handed over of an admitted file.
    pub(crate) fn of(file: &AdmittedFile) -> Self {
        Self {
            way: file.way(),
            path: file.real().to_owned(),
            digest: *file.digest(),
            looks: file.looks().to_vec(),
        }
    }

    /// The file with its descriptor, which is never closed from now on.
    pub(crate) fn received(self, descriptor: OwnedFd) -> Loadable {
        Loadable {
            descriptor: load::leak(descriptor),
            way: self.way,
            path: self.path,
            digest: self.digest,
            looks: self.looks,
        }
    }
}

impl Hello {
    /// How many descriptors come along.
    pub(crate) fn descriptors(&self) -> usize {
        usize::from(matches!(self.code, Code::Library { .. })) + self.files.len()
    }
}

pub(super) fn write(out: &mut Writer<'_>, hello: &Hello) {
    let Hello {
        code,
        store_name,
        settings,
        files,
        state_dir,
        sandbox,
        require_full,
        prompts,
    } = hello;
    // The versions that this host speaks: from, and to.
    out.u16(VERSION);
    out.u16(VERSION);
    match code {
        Code::Builtin(id) => {
            out.u8(0);
            out.text(id);
        }
        Code::Library { file, manifest } => {
            out.u8(1);
            write_file(out, file);
            out.text(manifest);
        }
    }
    out.text(store_name);
    out.count(settings.len());
    for (key, value) in settings {
        out.text(key);
        out.text(value);
    }
    out.count(files.len());
    for File { setting, file } in files {
        out.text(setting);
        write_file(out, file);
    }
    out.maybe(state_dir.as_deref(), write_path);
    write_sandbox(out, sandbox);
    out.flag(*require_full);
    out.flag(*prompts);
}

pub(super) fn read(from: &mut Reader<'_>) -> Result<Hello, WireError> {
    let (least, most) = (from.u16()?, from.u16()?);
    if !(least..=most).contains(&VERSION) {
        return Err(WireError::VersionUnknown { least, most });
    }
    let code = match from.u8()? {
        0 => Code::Builtin(from.text(NAME_MAX, "id")?.to_owned()),
        1 => Code::Library {
            file: read_file(from)?,
            manifest: from.text(VALUE_MAX, "manifest")?.to_owned(),
        },
        _ => return Err(WireError::Malformed { what: "code" }),
    };
    let store_name = from.text(NAME_MAX, "name of the store")?.to_owned();
    let settings = list(from, 8, LIST_MAX, |from| {
        let key = from.text(NAME_MAX, "key of a setting")?.to_owned();
        Ok((key, from.text(VALUE_MAX, "value of a setting")?.to_owned()))
    })?;
    let files = list(from, 49, DESCRIPTORS_MAX - 1, |from| {
        Ok(File {
            setting: from.text(NAME_MAX, "key of a setting")?.to_owned(),
            file: read_file(from)?,
        })
    })?;
    Ok(Hello {
        code,
        store_name,
        settings,
        files,
        state_dir: from.maybe(read_path)?,
        sandbox: read_sandbox(from)?,
        require_full: from.flag()?,
        prompts: from.flag()?,
    })
}

/// Why the other end would not read this hello, where it would not.
pub(super) fn check(hello: &Hello) -> Result<(), &'static str> {
    let fits = |fits: bool, what: &'static str| if fits { Ok(()) } else { Err(what) };
    let SandboxSpec {
        read,
        write,
        unix,
        libraries,
        ..
    } = &hello.sandbox;
    fits(hello.store_name.len() <= NAME_MAX, "the name of the store")?;
    fits(hello.settings.len() <= LIST_MAX, "the number of settings")?;
    fits(hello.files.len() < DESCRIPTORS_MAX, "the number of files")?;
    for (key, value) in &hello.settings {
        fits(key.len() <= NAME_MAX, "the key of a setting")?;
        fits(value.len() <= VALUE_MAX, "the value of a setting")?;
    }
    for list in [read, write, unix, libraries] {
        fits(list.len() <= LIST_MAX, "the number of granted paths")?;
    }
    fits(
        hello.sandbox.connect.len() <= LIST_MAX,
        "the number of granted connections",
    )
}

fn write_file(out: &mut Writer<'_>, file: &Handed) {
    let Handed {
        way,
        path,
        digest,
        looks,
    } = file;
    write_way(out, way);
    write_path(out, path);
    out.bytes(digest);
    out.count(looks.len());
    for Look { path, stamp } in looks {
        write_path(out, path);
        for word in stamp.0 {
            out.u64(word);
        }
    }
}

fn read_file(from: &mut Reader<'_>) -> Result<Handed, WireError> {
    let way = read_way(from)?;
    let path = read_path(from)?;
    let digest = from.bytes(32, "digest")?;
    let digest =
        <[u8; 32]>::try_from(digest).map_err(|_| WireError::Malformed { what: "digest" })?;
    let looks = list(from, 4 + 8 * Stamp::WORDS, LIST_MAX, |from| {
        let path = read_path(from)?;
        let mut words = [0; Stamp::WORDS];
        for word in &mut words {
            *word = from.u64()?;
        }
        Ok(Look {
            path,
            stamp: Stamp(words),
        })
    })?;
    Ok(Handed {
        way,
        path,
        digest,
        looks,
    })
}

fn write_way(out: &mut Writer<'_>, way: &Way) {
    match way {
        Way::ByPath => out.u8(0),
        Way::Copied(copy) => {
            out.u8(1);
            write_path(out, copy);
        }
        Way::Sealed => out.u8(2),
    }
}

fn read_way(from: &mut Reader<'_>) -> Result<Way, WireError> {
    Ok(match from.u8()? {
        0 => Way::ByPath,
        1 => Way::Copied(read_path(from)?),
        2 => Way::Sealed,
        _ => return Err(WireError::Malformed { what: "way" }),
    })
}

fn write_sandbox(out: &mut Writer<'_>, sandbox: &SandboxSpec) {
    // Named one by one, so that nothing that is added there is forgotten here.
    let SandboxSpec {
        read,
        write,
        unix,
        connect,
        network,
        fork,
        keyring,
        session_bus,
        libraries,
        memory,
        trap,
        debugger,
    } = sandbox;
    for paths in [read, write, unix, libraries] {
        out.count(paths.len());
        for path in paths {
            write_path(out, path);
        }
    }
    out.count(connect.len());
    for Endpoint {
        host,
        addresses,
        port,
    } in connect
    {
        out.text(host);
        out.u16(*port);
        out.count(addresses.len());
        for address in addresses {
            match address {
                IpAddr::V4(address) => out.bytes(&address.octets()),
                IpAddr::V6(address) => out.bytes(&address.octets()),
            }
        }
    }
    for flag in [network, fork, keyring, trap, debugger] {
        out.flag(*flag);
    }
    out.u64(*memory);
    match session_bus {
        SessionBus::None => out.u8(0),
        SessionBus::Granted => out.u8(1),
        SessionBus::Filtered(note) => {
            out.u8(2);
            out.cut_text(note, WHY_MAX);
        }
        SessionBus::Whole(why) => {
            out.u8(3);
            out.cut_text(why, WHY_MAX);
        }
    }
}

fn read_sandbox(from: &mut Reader<'_>) -> Result<SandboxSpec, WireError> {
    let read = list(from, 4, LIST_MAX, read_path)?;
    let write = list(from, 4, LIST_MAX, read_path)?;
    let unix = list(from, 4, LIST_MAX, read_path)?;
    let libraries = list(from, 4, LIST_MAX, read_path)?;
    let connect = list(from, 10, LIST_MAX, |from| {
        Ok(Endpoint {
            host: from.text(NAME_MAX, "host")?.to_owned(),
            port: from.u16()?,
            addresses: list(from, 8, LIST_MAX, read_address)?,
        })
    })?;
    Ok(SandboxSpec {
        read,
        write,
        unix,
        libraries,
        connect,
        network: from.flag()?,
        fork: from.flag()?,
        keyring: from.flag()?,
        trap: from.flag()?,
        debugger: from.flag()?,
        memory: from.u64()?,
        session_bus: match from.u8()? {
            0 => SessionBus::None,
            1 => SessionBus::Granted,
            2 => SessionBus::Filtered(from.text(WHY_MAX, "note")?.to_owned()),
            3 => SessionBus::Whole(from.text(WHY_MAX, "reason")?.to_owned()),
            _ => return Err(WireError::Malformed { what: "bus" }),
        },
    })
}

fn read_address(from: &mut Reader<'_>) -> Result<IpAddr, WireError> {
    let octets = from.bytes(16, "address")?;
    if let Ok(octets) = <[u8; 4]>::try_from(octets) {
        return Ok(Ipv4Addr::from(octets).into());
    }
    let octets =
        <[u8; 16]>::try_from(octets).map_err(|_| WireError::Malformed { what: "address" })?;
    Ok(Ipv6Addr::from(octets).into())
}

fn write_path(out: &mut Writer<'_>, path: &Path) {
    out.bytes(path.as_os_str().as_bytes());
}

fn read_path(from: &mut Reader<'_>) -> Result<PathBuf, WireError> {
    let path = from.bytes(PATH_MAX, "path")?;
    if path.contains(&0) {
        return Err(WireError::Malformed { what: "path" });
    }
    Ok(PathBuf::from(OsStr::from_bytes(path)))
}

fn list<'a, T>(
    from: &mut Reader<'a>,
    each: usize,
    most: usize,
    mut read: impl FnMut(&mut Reader<'a>) -> Result<T, WireError>,
) -> Result<Vec<T>, WireError> {
    let count = from.count(each, most, "list")?;
    let mut list = Vec::new();
    for _ in 0..count {
        list.push(read(from)?);
    }
    Ok(list)
}
