//! A watch on a directory, or on the nearest one above it while it is not there.

use std::ffi::OsStr;
use std::fs;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;

/// A watch on the directory that files are in.
#[derive(Debug)]
pub(super) struct Directory {
    inotify: OwnedFd,
    /// What is to be watched.
    path: PathBuf,
    /// The names in it that matter.
    names: Vec<Box<OsStr>>,
    watched: Option<Watched>,
}

/// What is watched now.
#[derive(Debug)]
struct Watched {
    number: i32,
    path: PathBuf,
    identity: (u64, u64),
}

impl Directory {
    /// Nothing is watched yet.
    pub(super) fn new(path: &Path, files: [&Path; 2]) -> Result<Self, Errno> {
        Ok(Self {
            inotify: inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?,
            path: path.to_owned(),
            names: files
                .iter()
                .filter_map(|file| file.file_name())
                .map(Box::from)
                .collect(),
            watched: None,
        })
    }

    /// Watches what is nearest to the directory now, and whether that is the directory itself.
    pub(super) fn renew(&mut self) -> bool {
        let path = self.path.clone();
        // Somebody may be making the directories above it one by one.
        for _ in 0..ATTEMPTS {
            let Some((nearest, identity)) = nearest(&path) else {
                break;
            };
            let same = |watched: &Watched| watched.path == nearest && watched.identity == identity;
            if !self.watched.as_ref().is_some_and(same) {
                self.forget();
                let flags = if nearest == path { FLAGS } else { ABOVE };
                match inotify::add_watch(&self.inotify, nearest, flags) {
                    Ok(number) => {
                        self.watched = Some(Watched {
                            number,
                            path: nearest.to_owned(),
                            identity,
                        });
                    }
                    // It has just gone, or cannot be had, which the next look tries again.
                    Err(Errno::NOENT | Errno::NOTDIR) => {}
                    Err(_) => break,
                }
                // What came between the look and the watch was not heard of.
                continue;
            }
            return nearest == path;
        }
        self.forget();
        false
    }

    /// Takes all that was heard, and whether there is a reason to look.
    pub(super) fn heard(&mut self) -> bool {
        let mut buffer = [MaybeUninit::uninit(); BUFFER];
        let mut reader = inotify::Reader::new(&self.inotify, &mut buffer);
        let mut reason = false;
        let mut gone = false;
        let current = self.watched.as_ref().map(|watched| watched.number);
        // It ends where nothing is left to be read.
        while let Ok(event) = reader.next() {
            let events = event.events();
            if events.contains(ReadFlags::QUEUE_OVERFLOW) {
                reason = true;
            }
            if current != Some(event.wd()) {
                continue;
            }
            gone |= events.intersects(GONE);
            reason |= match event.file_name() {
                Some(name) => {
                    let at_goal = self.watched.as_ref().is_some_and(|w| w.path == self.path);
                    let name = OsStr::from_bytes(name.to_bytes());
                    !at_goal || self.names.iter().any(|known| **known == *name)
                }
                None => true,
            };
        }
        if gone {
            self.forget();
        }
        reason
    }

    fn forget(&mut self) {
        if let Some(watched) = self.watched.take() {
            // The system has forgotten one whose directory is gone.
            let _ = inotify::remove_watch(&self.inotify, watched.number);
        }
    }
}

impl AsFd for Directory {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inotify.as_fd()
    }
}

/// Whether there is a directory, and all changes in it are made by this machine, so that it hears
/// of them.
pub(super) fn is_local(directory: &Path) -> bool {
    rustix::fs::statfs(directory).is_ok_and(|system| {
        // 32 bits count; in what the system keeps them, signed or not, depends on the machine.
        LOCAL.contains(&(i128::from(system.f_type) & 0xffff_ffff))
    })
}

/// The directory or the nearest one above it that is there, and which one that is.
fn nearest(path: &Path) -> Option<(&Path, (u64, u64))> {
    path.ancestors().find_map(|path| {
        let metadata = fs::metadata(path).ok()?;
        let identity = (metadata.dev(), metadata.ino());
        metadata.is_dir().then_some((path, identity))
    })
}

/// What is a reason to look: a name comes or goes, a file is written or its mode changes, and the
/// directory itself goes.
const FLAGS: WatchFlags = WatchFlags::ATTRIB
    .union(WatchFlags::CLOSE_WRITE)
    .union(WatchFlags::CREATE)
    .union(WatchFlags::DELETE)
    .union(WatchFlags::DELETE_SELF)
    .union(WatchFlags::MODIFY)
    .union(WatchFlags::MOVED_FROM)
    .union(WatchFlags::MOVED_TO)
    .union(WatchFlags::MOVE_SELF)
    .union(WatchFlags::ONLYDIR);

/// What is a reason to look while the directory is not there: a name comes, or what is watched
/// goes.
const ABOVE: WatchFlags = WatchFlags::CREATE
    .union(WatchFlags::DELETE_SELF)
    .union(WatchFlags::MOVED_TO)
    .union(WatchFlags::MOVE_SELF)
    .union(WatchFlags::ONLYDIR);

/// What ends a watch, or leaves it on a directory that is elsewhere by now.
const GONE: ReadFlags = ReadFlags::DELETE_SELF
    .union(ReadFlags::IGNORED)
    .union(ReadFlags::MOVE_SELF)
    .union(ReadFlags::UNMOUNT);

/// The file systems that only this machine writes to. One that is not known may be one of a
/// network, as NFS, SMB, 9p, AFS, Ceph and what is behind FUSE are.
const LOCAL: [i128; 20] = [
    0xef53,      // ext2, ext3, ext4
    0x5846_5342, // XFS
    0x9123_683e, // Btrfs
    0x0102_1994, // tmpfs
    0x8584_58f6, // ramfs
    0x794c_7630, // overlayfs
    0xf2f5_2010, // F2FS
    0x2fc1_2fc1, // ZFS
    0xca45_1a4e, // bcachefs
    0x3153_464a, // JFS
    0x5265_4973, // ReiserFS
    0x3434,      // NILFS
    0xf15f,      // eCryptfs
    0x4d44,      // FAT
    0x2011_bab0, // exFAT
    0x5346_544e, // NTFS
    0x7366_746e, // NTFS, the newer driver
    0x482b,      // HFS+
    0x9660,      // ISO 9660
    0x7371_7368, // SquashFS
];

/// How often the nearest directory is looked for in one go.
const ATTEMPTS: usize = 64;
/// Many events: each has a name of at most 255 bytes.
const BUFFER: usize = 4096;
