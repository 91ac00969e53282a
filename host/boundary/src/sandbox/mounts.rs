//! A view of the files of its own for a runner: what is granted, and nothing else.

use std::ffi::CStr;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, symlink};
use std::path::{Component, Path, PathBuf};

use rustix::fs::CWD;
use rustix::mount::{
    MountFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags,
};
use rustix::thread::{CapabilitySet, UnshareFlags};

use super::limits;
use super::reach::{May, Reached};
use super::text::texts;
use crate::sandbox::SandboxSpec;

/// Where the new root is put together: the first that is a directory. What lies there is still
/// found by what was opened before.
const PLACES: [&str; 4] = ["/tmp", "/run", "/var", "/usr"];

/// How the new root is mounted: it holds directories, links and a few short texts.
const ROOT: &CStr = c"mode=0755,size=1m,nr_inodes=16k";

/// Where the runner's own texts lie.
const OWN: &str = ".own";

/// The most links on the way to one file.
const LINKS_MAX: usize = 40;

/// Moves this process into namespaces of its own, where there is nothing but what is reached. It
/// must have one thread. After an error it sees what it saw before.
pub(super) fn enter(spec: &SandboxSpec, reached: &[Reached]) -> Result<(), String> {
    separate(!spec.reaches_network())?;
    rustix::mount::mount_change(
        "/",
        MountPropagationFlags::REC | MountPropagationFlags::PRIVATE,
    )
    .map_err(|why| failed("mounts could not be made private", why))?;
    let mut sources = sources(reached)?;
    // A text goes where the link of its name leads.
    let texts: Vec<(PathBuf, String)> = texts(spec)
        .into_iter()
        .map(|(path, text)| {
            let real = follow(Path::new(path), &mut sources.links);
            (real.unwrap_or_else(|_| path.into()), text)
        })
        .collect();
    let root = PLACES
        .iter()
        .map(Path::new)
        .find(|place| place.is_dir())
        .ok_or("there is no directory to put a root together in")?;
    rustix::mount::mount(
        "none",
        root,
        "tmpfs",
        MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC,
        ROOT,
    )
    .map_err(|why| failed("no file system in memory could be mounted", why))?;
    build(root, &sources, &texts)
        .and_then(|()| change_root(root))
        .inspect_err(|_| {
            // The error is told already; what lay below is seen again.
            let _gone = rustix::mount::unmount(root, UnmountFlags::DETACH);
        })
}

/// New namespaces: with the privileges that are there, or else those of a new user namespace. One
/// of the network comes with them where it can be had: nothing is in it, and nothing rests on it.
fn separate(network: bool) -> Result<(), String> {
    let network = if network {
        UnshareFlags::NEWNET
    } else {
        UnshareFlags::empty()
    };
    let privileged = limits::holds(CapabilitySet::SYS_ADMIN).unwrap_or(false);
    let mut failures = Vec::new();
    // A service may be allowed some kinds of namespaces only.
    for flags in [network, UnshareFlags::empty()] {
        if privileged {
            match unshare(flags | UnshareFlags::NEWNS) {
                Ok(()) => return Ok(()),
                Err(why) => failures.push(why.to_string()),
            }
        }
        let user = (rustix::process::geteuid(), rustix::process::getegid());
        match unshare(flags | UnshareFlags::NEWNS | UnshareFlags::NEWUSER) {
            Ok(()) => {
                return keep_user(user.0.as_raw(), user.1.as_raw())
                    .map_err(|why| failed("the user could not be kept", why));
            }
            Err(why) => failures.push(why.to_string()),
        }
    }
    failures.dedup();
    Err(failed("no namespace could be made", failures.join(", ")))
}

fn unshare(flags: UnshareFlags) -> io::Result<()> {
    // SAFETY: descriptors are not unshared, so that whoever owns one still does.
    unsafe { rustix::thread::unshare_unsafe(flags) }.map_err(io::Error::from)
}

/// In a new user namespace, the process is who it was.
fn keep_user(user: u32, group: u32) -> io::Result<()> {
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/gid_map", format!("{group} {group} 1"))?;
    fs::write("/proc/self/uid_map", format!("{user} {user} 1"))
}

/// A copy of one mount, or of a part of it, that is not attached anywhere yet.
struct Source {
    tree: OwnedFd,
    /// Where it goes, without any link on the way.
    path: PathBuf,
    is_directory: bool,
}

/// What the new root is made of.
#[derive(Default)]
struct Sources {
    trees: Vec<Source>,
    /// Links on the way, by their own path, and what they say.
    links: Vec<(PathBuf, PathBuf)>,
}

fn sources(reached: &[Reached]) -> Result<Sources, String> {
    let mut sources = Sources::default();
    let mut places = Vec::new();
    for reached in reached {
        // What has gone meanwhile is not reached.
        if let Ok(real) = follow(&reached.path, &mut sources.links) {
            places.push((real, reached.may));
        }
    }
    // What lies above comes first, and of one place what allows the most.
    places.sort_by(|(path, may), (other, other_may)| path.cmp(other).then(other_may.cmp(may)));
    let mut done: Vec<(PathBuf, May)> = Vec::new();
    for (path, may) in places {
        let covers =
            |(above, above_may): &(PathBuf, May)| path.starts_with(above) && *above_may >= may;
        if !done.iter().any(covers) {
            sources.trees.push(copy(&path, may)?);
            done.push((path, may));
        }
    }
    sources.trees.push(own_descriptors()?);
    Ok(sources)
}

fn copy(path: &Path, may: May) -> Result<Source, String> {
    let told = |why: io::Error| failed(&format!("{} could not be taken", path.display()), why);
    let kind = path.metadata().map_err(told)?.file_type();
    let tree = tree(path).map_err(|why| told(why.into()))?;
    let mut flags = libc::MOUNT_ATTR_NOSUID;
    let is_device = kind.is_char_device() || kind.is_block_device();
    if !is_device {
        flags |= libc::MOUNT_ATTR_NODEV;
    }
    // What is written to a device is not written to where its name lies.
    if is_device || may != May::Write {
        flags |= libc::MOUNT_ATTR_RDONLY;
    }
    set_flags(tree.as_fd(), flags, true).map_err(told)?;
    Ok(Source {
        tree,
        path: path.to_owned(),
        is_directory: kind.is_dir(),
    })
}

/// The descriptors of this process, through which libraries in memory are opened. The rest of what
/// `/proc` has of it leads out of this view: to its own program, to begin with.
fn own_descriptors() -> Result<Source, String> {
    let path = PathBuf::from(format!("/proc/{}/fd", std::process::id()));
    let told = |why: io::Error| failed("/proc could not be taken", why);
    let tree = tree(Path::new("/proc/self/fd")).map_err(|why| told(why.into()))?;
    let flags = libc::MOUNT_ATTR_NOSUID
        | libc::MOUNT_ATTR_NODEV
        | libc::MOUNT_ATTR_NOEXEC
        | libc::MOUNT_ATTR_RDONLY;
    set_flags(tree.as_fd(), flags, true).map_err(told)?;
    Ok(Source {
        tree,
        path,
        is_directory: true,
    })
}

fn tree(path: &Path) -> rustix::io::Result<OwnedFd> {
    // Recursive, since a part of what lies over another may not be seen without it.
    rustix::mount::open_tree(
        CWD,
        path,
        OpenTreeFlags::OPEN_TREE_CLONE
            | OpenTreeFlags::OPEN_TREE_CLOEXEC
            | OpenTreeFlags::AT_RECURSIVE,
    )
}

fn set_flags(tree: BorrowedFd<'_>, flags: u64, recursive: bool) -> io::Result<()> {
    let attributes = libc::mount_attr {
        attr_set: flags,
        attr_clr: 0,
        propagation: 0,
        userns_fd: 0,
    };
    let mut at = libc::AT_EMPTY_PATH;
    if recursive {
        at |= libc::AT_RECURSIVE;
    }
    // SAFETY: the path is empty and ends in a NUL, and the attributes live meanwhile.
    let set = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            tree.as_raw_fd(),
            c"".as_ptr(),
            at,
            &raw const attributes,
            size_of::<libc::mount_attr>(),
        )
    };
    if set == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Where a path leads, step by step; every link on the way is noted.
fn follow(path: &Path, links: &mut Vec<(PathBuf, PathBuf)>) -> io::Result<PathBuf> {
    let mut real = PathBuf::from("/");
    let mut left: Vec<PathBuf> = parts(path);
    let mut followed = 0;
    while let Some(part) = left.pop() {
        if part == Path::new("..") {
            real.pop();
            continue;
        }
        let next = real.join(&part);
        if !next.symlink_metadata()?.is_symlink() {
            real = next;
            continue;
        }
        followed += 1;
        if followed > LINKS_MAX {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let target = fs::read_link(&next)?;
        if target.is_absolute() {
            real = PathBuf::from("/");
        }
        left.extend(parts(&target));
        let link = (next, target);
        if !links.contains(&link) {
            links.push(link);
        }
    }
    Ok(real)
}

/// The parts of a path, the last one first.
fn parts(path: &Path) -> Vec<PathBuf> {
    let named = |part: &Component<'_>| matches!(part, Component::Normal(_) | Component::ParentDir);
    let parts = path.components().rev().filter(named);
    parts.map(|part| PathBuf::from(part.as_os_str())).collect()
}

fn build(root: &Path, sources: &Sources, texts: &[(PathBuf, String)]) -> Result<(), String> {
    let told = |path: &Path, why: io::Error| {
        failed(&format!("{} could not be laid out", path.display()), why)
    };
    for source in &sources.trees {
        attach(root, source).map_err(|why| told(&source.path, why))?;
    }
    let process = PathBuf::from(std::process::id().to_string());
    let own = (PathBuf::from("/proc/self"), process);
    for (link, target) in sources.links.iter().chain([&own]) {
        let at = below(root, link);
        // In a directory that was taken whole it is there already.
        if at.symlink_metadata().is_err() {
            parent(&at)
                .and_then(|()| symlink(target, &at))
                .map_err(|why| told(link, why))?;
        }
    }
    for (path, text) in texts {
        lay_text(root, path, text).map_err(|why| told(path, why))?;
    }
    let whole = rustix::mount::open_tree(CWD, root, OpenTreeFlags::OPEN_TREE_CLOEXEC)
        .map_err(|why| failed("the new root could not be opened", why))?;
    set_flags(whole.as_fd(), libc::MOUNT_ATTR_RDONLY, false)
        .map_err(|why| failed("the new root could not be closed for writing", why))
}

fn attach(root: &Path, source: &Source) -> io::Result<()> {
    let at = below(root, &source.path);
    if source.is_directory {
        fs::create_dir_all(&at)?;
    } else if !at.exists() {
        parent(&at)?;
        File::create(&at)?;
    }
    rustix::mount::move_mount(
        &source.tree,
        c"",
        CWD,
        &at,
        MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH,
    )?;
    Ok(())
}

/// Lays a text of the runner's own over where it is looked for.
fn lay_text(root: &Path, path: &Path, text: &str) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default();
    let own = root.join(OWN).join(name);
    parent(&own)?;
    fs::write(&own, text)?;
    let tree = tree(&own)?;
    let flags = libc::MOUNT_ATTR_NOSUID
        | libc::MOUNT_ATTR_NODEV
        | libc::MOUNT_ATTR_NOEXEC
        | libc::MOUNT_ATTR_RDONLY;
    set_flags(tree.as_fd(), flags, false)?;
    attach(
        root,
        &Source {
            tree,
            path: path.to_owned(),
            is_directory: false,
        },
    )
}

fn change_root(root: &Path) -> Result<(), String> {
    let told = |why: rustix::io::Errno| failed("the new root could not be entered", why);
    rustix::process::chdir(root).map_err(told)?;
    rustix::process::pivot_root(".", ".").map_err(told)?;
    // The old root lies over the new one now.
    rustix::mount::unmount(".", UnmountFlags::DETACH).map_err(told)?;
    rustix::process::chdir("/").map_err(told)
}

fn below(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

fn parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)
}

fn failed(what: &str, why: impl std::fmt::Display) -> String {
    format!("{what}: {why}")
}
