//! What a library exports, read from its file without loading it.

/// One symbol that a library exports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Symbol {
    /// Its name.
    pub(crate) name: String,
    /// Whether another library may have its own of the same name, as compilers make them for C++.
    pub(crate) weak: bool,
}

/// The symbols that an ELF library of 64 bits exports; `None` where the file is none, or has no
/// table of sections.
pub(crate) fn exported(file: &[u8]) -> Option<Vec<Symbol>> {
    let file = File(file);
    if file.0.get(..6)? != b"\x7fELF\x02\x01" {
        return None;
    }
    let (start, size, count) = (file.word(0x28)?, file.half(0x3a)?, file.half(0x3c)?);
    let sections = (0..count).map_while(|index| {
        let at = start.checked_add(index.checked_mul(size)?)?;
        file.section(at)
    });
    let sections: Vec<Section> = sections.collect();
    let dynamic = sections.iter().find(|section| section.kind == DYNAMIC)?;
    let names = sections.get(dynamic.link)?;
    let mut symbols = Vec::new();
    for index in 0..dynamic.size / SYMBOL_SIZE {
        let at = dynamic
            .offset
            .checked_add(index.checked_mul(SYMBOL_SIZE)?)?;
        symbols.extend(file.symbol(at, names)?);
    }
    Some(symbols)
}

struct File<'a>(&'a [u8]);

struct Section {
    kind: usize,
    offset: usize,
    size: usize,
    link: usize,
}

impl File<'_> {
    fn number<const N: usize>(&self, at: usize) -> Option<usize> {
        let bytes = self.0.get(at..at.checked_add(N)?)?;
        let mut whole = [0_u8; 8];
        whole.get_mut(..N)?.copy_from_slice(bytes);
        usize::try_from(u64::from_le_bytes(whole)).ok()
    }

    fn half(&self, at: usize) -> Option<usize> {
        self.number::<2>(at)
    }

    fn word(&self, at: usize) -> Option<usize> {
        self.number::<8>(at)
    }

    fn section(&self, at: usize) -> Option<Section> {
        Some(Section {
            kind: self.number::<4>(at.checked_add(4)?)?,
            offset: self.word(at.checked_add(0x18)?)?,
            size: self.word(at.checked_add(0x20)?)?,
            link: self.number::<4>(at.checked_add(0x28)?)?,
        })
    }

    /// A symbol, where it is one that is exported.
    fn symbol(&self, at: usize, names: &Section) -> Option<Option<Symbol>> {
        let name = self.number::<4>(at)?;
        let info = self.number::<1>(at.checked_add(4)?)?;
        let visibility = self.number::<1>(at.checked_add(5)?)? & 3;
        let section = self.half(at.checked_add(6)?)?;
        let (binding, kind) = (info >> 4, info & 0xf);
        let is_code_or_data = matches!(kind, 0..=2 | 6 | 10);
        let is_public = section != 0 && matches!(visibility, 0 | 3) && binding != 0;
        if !is_public || !is_code_or_data {
            return Some(None);
        }
        let rest = self.0.get(names.offset.checked_add(name)?..)?;
        let end = rest.iter().position(|byte| *byte == 0)?;
        let name = String::from_utf8_lossy(rest.get(..end)?).into_owned();
        if LINKER.contains(&name.as_str()) {
            return Some(None);
        }
        Some(Some(Symbol {
            name,
            weak: binding != 1,
        }))
    }
}

/// The type of the section of symbols for the loader.
const DYNAMIC: usize = 11;
const SYMBOL_SIZE: usize = 24;
/// What linkers export of themselves.
const LINKER: &[&str] = &["_init", "_fini", "_edata", "_end", "__bss_start", "__end__"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_library_has_no_symbols() {
        for file in [&b""[..], b"\x7fELF", b"#!/bin/sh\n", &[0x7f; 4096]] {
            assert_eq!(exported(file), None);
        }
    }

    #[test]
    fn a_library_that_is_cut_is_no_library() {
        let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        assert!(exported(&program).is_some());
        for end in [16, 64, program.len() / 2] {
            assert_eq!(exported(&program[..end]), None, "{end}");
        }
    }
}
