//! Whether a file is a library of this machine that can be a plugin at all, by its head and by the
//! symbols that it exports.

use std::env::consts::ARCH;
use std::fs::File;

use super::{Elf, half, read_at, word};

/// Why a file is no library of this machine: what it is instead.
pub(in crate::admit) fn odd(file: &File) -> Option<String> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    // What cannot be read is told by whoever hashes it.
    let head = read_at(file, 0, HEAD)?;
    if head.is_empty() {
        return Some("an empty file".to_owned());
    }
    if !head.starts_with(b"\x7fELF") {
        return Some("no ELF file at all".to_owned());
    }
    of_elf(file, &head).unwrap_or_else(|| Some("an ELF file that is cut off".to_owned()))
}

/// What is expected instead of what is odd.
pub(in crate::admit) fn expected() -> String {
    format!("an ELF library for {ARCH}")
}

/// The outer `None` is a head that is not whole, the inner one nothing odd.
fn of_elf(file: &File, head: &[u8]) -> Option<Option<String>> {
    let (class, data) = (*head.get(4)?, *head.get(5)?);
    let bits = match class {
        1 => 32,
        2 => 64,
        _ => return Some(Some(format!("an ELF file of the unknown class {class}"))),
    };
    let order = match data {
        1 => "little",
        2 => "big",
        _ => {
            return Some(Some(format!(
                "an ELF file of the unknown byte order {data}"
            )));
        }
    };
    if bits != usize::BITS || (order == "little") != cfg!(target_endian = "little") {
        return Some(Some(format!(
            "an ELF file of {bits} bits with the {order} end first"
        )));
    }
    let (kind, machine) = (half(head, 16)?, half(head, 18)?);
    // The last field that every head has.
    half(head, if bits == 64 { 62 } else { 50 })?;
    let is_own = |(name, number): &&(&str, u16)| *name == ARCH && *number != machine;
    if MACHINES.iter().any(|known| is_own(&known)) {
        let named = MACHINES.iter().find(|(_, number)| *number == machine);
        return Some(Some(match named {
            Some((name, _)) => format!("an ELF file for {name}"),
            None => format!("an ELF file for the machine of number {machine}"),
        }));
    }
    Some(match kind {
        ET_DYN if is_program(file) => Some("an ELF program".to_owned()),
        ET_DYN => None,
        ET_REL => Some("an ELF object that is not linked yet".to_owned()),
        ET_EXEC => Some("an ELF program".to_owned()),
        ET_CORE => Some("the memory of a process that crashed".to_owned()),
        other => Some(format!("an ELF file of the unknown type {other}")),
    })
}

/// Whether it is a program that is loaded anywhere, as a library is.
fn is_program(file: &File) -> bool {
    let entries = Elf::read(file).and_then(|elf| elf.dynamic());
    let mut entries = entries.into_iter().flatten();
    entries.any(|(tag, value)| tag == DT_FLAGS_1 && value & DF_1_PIE != 0)
}

/// Whether it exports this name; `None` where that cannot be seen without the loader.
pub(in crate::admit) fn exports(file: &File, name: &[u8]) -> Option<bool> {
    let elf = Elf::read(file)?;
    let entries = elf.dynamic()?;
    let value = |wanted: u64| {
        let found = entries.iter().find(|(tag, _)| *tag == wanted);
        found.and_then(|(_, value)| elf.place_of(*value))
    };
    let symbols = Symbols {
        elf: &elf,
        table: value(DT_SYMTAB)?,
        texts: value(super::DT_STRTAB)?,
    };
    if let Some(hashes) = value(DT_GNU_HASH) {
        return symbols.find_by_hash(hashes, name);
    }
    symbols.find_among_all(value(DT_HASH)?, name)
}

/// The symbols for the loader.
struct Symbols<'a> {
    elf: &'a Elf<'a>,
    table: u64,
    texts: u64,
}

impl Symbols<'_> {
    /// By the table that the loader itself looks in.
    fn find_by_hash(&self, at: u64, name: &[u8]) -> Option<bool> {
        let head = [0, 1, 2].map(|index| self.number(at.checked_add(index * 4)?));
        let [Some(buckets), Some(first), Some(filters)] = head else {
            return None;
        };
        let width = if self.elf.wide { 8 } else { 4 };
        let hash = gnu_hash(name);
        let table = at.checked_add(16 + u64::from(filters) * width)?;
        let bucket = u64::from(hash.checked_rem(buckets)?);
        let mut index = self.number(table.checked_add(bucket * 4)?)?;
        if index == 0 {
            return Some(false);
        }
        let chain = table.checked_add(u64::from(buckets) * 4)?;
        for _ in 0..SYMBOLS_MAX {
            let from = u64::from(index.checked_sub(first)?) * 4;
            let found = self.number(chain.checked_add(from)?)?;
            if found | 1 == hash | 1 && self.is(index, name)? {
                return Some(true);
            }
            // The end of a chain is marked.
            if found & 1 == 1 {
                return Some(false);
            }
            index = index.checked_add(1)?;
        }
        None
    }

    /// One after the other.
    fn find_among_all(&self, at: u64, name: &[u8]) -> Option<bool> {
        let count = self.number(at.checked_add(4)?)?;
        if count > SYMBOLS_MAX {
            return None;
        }
        for index in 0..count {
            if self.is(index, name)? {
                return Some(true);
            }
        }
        Some(false)
    }

    /// Whether a symbol has this name, and is there for others.
    fn is(&self, index: u32, name: &[u8]) -> Option<bool> {
        let wide = self.elf.wide;
        let size = if wide { 24 } else { 16 };
        let at = self.table.checked_add(u64::from(index) * size)?;
        let symbol = read_at(self.elf.file, at, usize::try_from(size).ok()?)?;
        let text = self.texts.checked_add(word(&symbol, 0, false)?)?;
        let length = name.len().checked_add(1)?;
        let text = read_at(self.elf.file, text, length)?;
        if text.strip_suffix(b"\0") != Some(name) {
            return Some(false);
        }
        let [info, section] = if wide { [4, 6] } else { [12, 14] };
        let is_local = symbol.get(info)? >> 4 == 0;
        Some(!is_local && half(&symbol, section)? != 0)
    }

    fn number(&self, at: u64) -> Option<u32> {
        let bytes = read_at(self.elf.file, at, 4)?;
        Some(u32::from_ne_bytes(bytes.try_into().ok()?))
    }
}

fn gnu_hash(name: &[u8]) -> u32 {
    name.iter().fold(5381_u32, |hash, byte| {
        hash.wrapping_mul(33).wrapping_add(u32::from(*byte))
    })
}

/// Machines by the names that Rust has for them, and their numbers in ELF.
const MACHINES: &[(&str, u16)] = &[
    ("x86", 3),
    ("powerpc64", 21),
    ("s390x", 22),
    ("arm", 40),
    ("x86_64", 62),
    ("aarch64", 183),
    ("riscv64", 243),
    ("loongarch64", 258),
];

const HEAD: usize = 64;
const ET_REL: u16 = 1;
const ET_EXEC: u16 = 2;
const ET_DYN: u16 = 3;
const ET_CORE: u16 = 4;
const DT_HASH: u64 = 4;
const DT_SYMTAB: u64 = 6;
const DT_GNU_HASH: u64 = 0x6fff_fef5;
const DT_FLAGS_1: u64 = 0x6fff_fffb;
const DF_1_PIE: u64 = 0x0800_0000;
/// More symbols than this are not looked at one by one.
const SYMBOLS_MAX: u32 = 1 << 16;
