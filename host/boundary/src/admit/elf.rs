//! Which libraries a library asks the loader for, and where it has them looked for: as much of an
//! ELF file as that takes.

pub(super) mod kind;

use std::fs::File;
use std::os::unix::fs::FileExt;

/// What the loader is asked to load as well.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Wants {
    /// Directories, as they are written; `$ORIGIN` is the library's own.
    pub(super) search: Vec<Vec<u8>>,
    /// File names, or paths where there is a slash in them.
    pub(super) needed: Vec<Vec<u8>>,
}

impl Wants {
    /// Reads them. Of a file that is no ELF file of this machine, or a broken one, it is nothing:
    /// the loader will say what is wrong with it.
    pub(super) fn read(file: &File) -> Self {
        Elf::read(file)
            .and_then(|elf| elf.wants())
            .unwrap_or_default()
    }

    /// The directories beside the library, each by its path from there.
    pub(super) fn beside(&self) -> impl Iterator<Item = &[u8]> {
        self.search
            .iter()
            .filter_map(|directory| Self::beside_of(directory))
    }

    /// Where a directory is from the library's own, where it is written so.
    pub(super) fn beside_of(directory: &[u8]) -> Option<&[u8]> {
        let after = directory
            .strip_prefix(b"$ORIGIN")
            .or_else(|| directory.strip_prefix(b"${ORIGIN}"))?;
        match after {
            [] => Some(after),
            [b'/', path @ ..] => Some(path),
            _ => None,
        }
    }

    /// Whether anything is looked for beside the library.
    pub(super) fn are_beside(&self) -> bool {
        self.beside().next().is_some()
    }
}

/// The parts of a file that are read; every place in it is checked against what is there.
struct Elf<'a> {
    file: &'a File,
    wide: bool,
    segments: Vec<Segment>,
}

/// A part of the file that is loaded, or that says how.
struct Segment {
    kind: u32,
    offset: u64,
    address: u64,
    size: u64,
}

impl<'a> Elf<'a> {
    fn read(file: &'a File) -> Option<Self> {
        let mut head = [0; 64];
        let got = file.read_at(&mut head, 0).ok()?;
        let head = head.get(..got)?;
        let native = if cfg!(target_endian = "little") { 1 } else { 2 };
        if head.get(..4)? != b"\x7fELF" || head.get(5) != Some(&native) {
            return None;
        }
        let wide = match head.get(4)? {
            1 => false,
            2 => true,
            _ => return None,
        };
        let (table, stride, count) = if wide {
            (word(head, 32, true)?, half(head, 54)?, half(head, 56)?)
        } else {
            (word(head, 28, false)?, half(head, 42)?, half(head, 44)?)
        };
        let least = if wide { 56 } else { 32 };
        if stride < least || count > SEGMENTS_MAX {
            return None;
        }
        let bytes = read_at(file, table, usize::from(stride) * usize::from(count))?;
        let segments = bytes
            .chunks_exact(usize::from(stride))
            .map(|bytes| Segment::read(bytes, wide))
            .collect::<Option<_>>()?;
        Some(Self {
            file,
            wide,
            segments,
        })
    }

    fn wants(&self) -> Option<Wants> {
        let entries = self.dynamic()?;
        let last = |tag: u64| {
            let mut found = entries.iter().rev();
            found.find(|(one, _)| *one == tag).map(|(_, value)| *value)
        };
        let texts = self.place_of(last(DT_STRTAB)?)?;
        let length = last(DT_STRSZ)?;
        let text = |at: u64| {
            let most = usize::try_from(length.checked_sub(at)?).ok()?.min(TEXT_MAX);
            let bytes = read_at(self.file, texts.checked_add(at)?, most)?;
            let end = bytes.iter().position(|byte| *byte == 0)?;
            bytes.get(..end).map(<[u8]>::to_vec)
        };
        let all = |wanted: u64| {
            let of_tag = entries.iter().filter(move |(tag, _)| *tag == wanted);
            of_tag.map(|(_, value)| text(*value))
        };
        // Where there is a RUNPATH, the loader does not look at the RPATH.
        let searched = match last(DT_RUNPATH) {
            Some(_) => DT_RUNPATH,
            None => DT_RPATH,
        };
        let mut search = Vec::new();
        for list in all(searched) {
            search.extend(list?.split(|byte| *byte == b':').map(<[u8]>::to_vec));
        }
        Some(Wants {
            search,
            needed: NEEDED.into_iter().flat_map(all).collect::<Option<_>>()?,
        })
    }

    /// The entries of the dynamic section, up to its end.
    fn dynamic(&self) -> Option<Vec<(u64, u64)>> {
        let segment = self.segments.iter().find(|one| one.kind == PT_DYNAMIC)?;
        let size = usize::try_from(segment.size).ok()?.min(DYNAMIC_MAX);
        let width = if self.wide { 8 } else { 4 };
        let bytes = read_at(self.file, segment.offset, size)?;
        let entries = bytes.chunks_exact(2 * width).map(|entry| {
            let tag = word(entry, 0, self.wide)?;
            Some((tag, word(entry, width, self.wide)?))
        });
        entries
            .take_while(|entry| !matches!(entry, Some((DT_NULL, _))))
            .collect()
    }

    /// Where in the file a loaded address is.
    fn place_of(&self, address: u64) -> Option<u64> {
        let loaded = self.segments.iter().filter(|one| one.kind == PT_LOAD);
        loaded
            .filter_map(|segment| {
                let within = address.checked_sub(segment.address)?;
                (within < segment.size).then_some(segment.offset.checked_add(within)?)
            })
            .next()
    }
}

impl Segment {
    fn read(bytes: &[u8], wide: bool) -> Option<Self> {
        let kind = u32::from_ne_bytes(bytes.get(..4)?.try_into().ok()?);
        let [offset, address, size] = if wide { [8, 16, 32] } else { [4, 8, 16] };
        Some(Self {
            kind,
            offset: word(bytes, offset, wide)?,
            address: word(bytes, address, wide)?,
            size: word(bytes, size, wide)?,
        })
    }
}

/// So many bytes, or as many as the file has from there.
fn read_at(file: &File, at: u64, length: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; length];
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        let from = at.checked_add(u64::try_from(filled).ok()?)?;
        match file.read_at(rest, from).ok()? {
            0 => break,
            got => filled += got,
        }
    }
    bytes.truncate(filled);
    Some(bytes)
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    let bytes = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_ne_bytes(bytes.try_into().ok()?))
}

fn word(bytes: &[u8], at: usize, wide: bool) -> Option<u64> {
    if wide {
        let bytes = bytes.get(at..at.checked_add(8)?)?;
        Some(u64::from_ne_bytes(bytes.try_into().ok()?))
    } else {
        let bytes = bytes.get(at..at.checked_add(4)?)?;
        Some(u32::from_ne_bytes(bytes.try_into().ok()?).into())
    }
}

const PT_LOAD: u32 = 1;
const PT_DYNAMIC: u32 = 2;

const DT_NULL: u64 = 0;
const DT_NEEDED: u64 = 1;
const DT_STRTAB: u64 = 5;
const DT_STRSZ: u64 = 10;
const DT_RPATH: u64 = 15;
const DT_RUNPATH: u64 = 29;
const DT_AUXILIARY: u64 = 0x7fff_fffd;
const DT_FILTER: u64 = 0x7fff_ffff;
/// A library that another one stands in for is loaded as well.
const NEEDED: [u64; 3] = [DT_NEEDED, DT_AUXILIARY, DT_FILTER];

const SEGMENTS_MAX: u16 = 128;
const DYNAMIC_MAX: usize = 64 << 10;
const TEXT_MAX: usize = 4096;

#[cfg(test)]
mod tests;
