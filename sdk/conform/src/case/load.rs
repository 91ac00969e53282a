//! The library and its tables.

use std::ffi::CStr;
use std::fs;
use std::time::Duration;

use anchorhold_abi as abi;

use crate::bench::Bench;
use crate::case::{Case, Finding, Outcome, bare, ensure};
use crate::elf;
use crate::job::Code;
use crate::library::{Loaded, Plugin};
use crate::machine;
use crate::read;

pub(super) const CASES: &[Case] = &[
    bare(
        "load.manifest",
        "the manifest is there, can be read, and names this library",
        manifest,
    ),
    bare(
        "load.symbols",
        "anchorhold_plugin_v1 is the one symbol that is exported",
        symbols,
    ),
    bare(
        "load.admissible",
        "the files may be registered where they lie",
        admissible,
    ),
    bare("load.entry", "the library loads, and has its entry", entry),
    bare(
        "load.quiet",
        "nothing is printed when the library is loaded",
        quiet,
    )
    .after("load.entry"),
    bare(
        "load.constant",
        "the entry returns the same table each time, at once",
        constant,
    )
    .after("load.entry"),
    bare(
        "load.table",
        "magic, major version, sizes and functions are those of the contract",
        table,
    )
    .after("load.entry"),
    bare(
        "load.texts",
        "id, name, version and manifest are UTF-8, and the id is the manifest's",
        texts,
    )
    .after("load.table"),
    bare(
        "load.flags",
        "the plugin's flags make sense together",
        flags,
    )
    .after("load.table"),
    bare(
        "load.extensions",
        "each table has its one answer, and an id that is not known has none",
        extensions,
    )
    .after("load.table"),
    bare("load.open", "a store opens and closes", open).after("load.table"),
    bare(
        "load.confined",
        "the sandbox of the runner is put on, and the plugin loads inside",
        confined,
    )
    .after("load.open"),
];

fn manifest(bench: &Bench) -> Outcome {
    let Code::Library(library) = &bench.job().code else {
        return Ok(Finding::Passed);
    };
    let Some(manifest) = bench.manifest() else {
        let faults = &bench.job().manifest_faults;
        return Err(match faults.as_slice() {
            [] => "there is no manifest beside the library that names it".to_owned(),
            faults => format!("its manifest cannot be used: {}", faults.join("; ")),
        });
    };
    let name = library.file_name().and_then(|name| name.to_str());
    ensure(manifest.library.as_deref() == name, || {
        format!(
            "the manifest names the library {:?}",
            manifest.library.as_deref().unwrap_or_default()
        )
    })?;
    Ok(Finding::Passed)
}

/// It is no fault of the plugin where it is one of the place that it lies in; what is one, the
/// other cases tell.
fn admissible(bench: &Bench) -> Outcome {
    Ok(match (&bench.job().code, &bench.job().refusal) {
        (Code::Builtin(_), _) => Finding::Skipped("it is linked into the program".to_owned()),
        (Code::Library(_), Some(why)) => Finding::Warning(format!("plugin add refuses it: {why}")),
        (Code::Library(_), None) => Finding::Passed,
    })
}

fn symbols(bench: &Bench) -> Outcome {
    let Code::Library(library) = &bench.job().code else {
        return Ok(Finding::Skipped("it is linked into the program".to_owned()));
    };
    let file = fs::read(library).map_err(|error| format!("it cannot be read: {error}"))?;
    let Some(symbols) = elf::exported(&file) else {
        return Ok(Finding::Skipped(
            "it is no ELF library of 64 bits with a table of sections".to_owned(),
        ));
    };
    ensure(
        symbols.iter().any(|one| one.name == "anchorhold_plugin_v1"),
        || {
            let mut names = symbols.iter().map(|symbol| symbol.name.as_str());
            match names.find(|name| name.contains("anchorhold_plugin_v1")) {
                Some(mangled) => format!(
                    "it exports {mangled}, the name that C++ makes of anchorhold_plugin_v1: \
                     declare that extern \"C\", as anchorhold.h does"
                ),
                None => "it does not export anchorhold_plugin_v1".to_owned(),
            }
        },
    )?;
    let others = symbols.iter().filter(|symbol| {
        // One library can serve several major versions.
        let major = symbol.name.strip_prefix("anchorhold_plugin_v");
        major.is_none_or(|major| major.parse::<u16>().is_err())
    });
    let (weak, strong): (Vec<_>, Vec<_>) = others.partition(|symbol| symbol.weak);
    let names = |symbols: &[&elf::Symbol]| {
        let names = symbols.iter().take(5).map(|symbol| symbol.name.as_str());
        let names: Vec<&str> = names.collect();
        let more = if symbols.len() > 5 { " and more" } else { "" };
        format!("{}{more}", names.join(", "))
    };
    if !strong.is_empty() {
        return Err(format!(
            "it exports {} besides anchorhold_plugin_v1",
            names(&strong)
        ));
    }
    if !weak.is_empty() {
        return Ok(Finding::Warning(format!(
            "it exports the weak {} besides anchorhold_plugin_v1",
            names(&weak)
        )));
    }
    Ok(Finding::Passed)
}

fn entry(bench: &Bench) -> Outcome {
    Loaded::load(&bench.job().code)?;
    Ok(Finding::Passed)
}

fn quiet(bench: &Bench) -> Outcome {
    let (loaded, printed) = machine::printed(|| Loaded::load(&bench.job().code))?;
    let loaded = loaded?;
    let (_, more) = machine::printed(|| loaded.table())?;
    let printed = [printed, more].concat();
    ensure(printed.is_empty(), || {
        let text = String::from_utf8_lossy(&printed);
        let line: String = text
            .lines()
            .next()
            .unwrap_or_default()
            .chars()
            .take(80)
            .collect();
        format!("it printed {line:?} when it was loaded")
    })?;
    Ok(Finding::Passed)
}

fn constant(bench: &Bench) -> Outcome {
    let loaded = Loaded::load(&bench.job().code)?;
    let first = loaded.table();
    let mut least = Duration::MAX;
    for _ in 0..10 {
        let before = machine::processor_time();
        let again = loaded.table();
        least = least.min(machine::processor_time().saturating_sub(before));
        ensure(again == first, || {
            "the entry returned another table when it was called again".to_owned()
        })?;
    }
    ensure(least < Duration::from_millis(1), || {
        format!("the entry needs {least:?}, and must return a constant")
    })?;
    Ok(Finding::Passed)
}

fn table(bench: &Bench) -> Outcome {
    bench.plugin()?;
    Ok(Finding::Passed)
}

fn texts(bench: &Bench) -> Outcome {
    let table = bench.plugin()?.table;
    let text = |name: &str, text| {
        // SAFETY: R3: what the plugin's table leads to is there for ever.
        unsafe { read::text(text) }.map_err(|why| format!("the {name} of the plugin {why}"))
    };
    let (id, name) = (text("id", table.id)?, text("name", table.name)?);
    let (version, manifest) = (
        text("version", table.version)?,
        text("manifest", table.manifest)?,
    );
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._+-".contains(&byte);
    ensure(
        (1..=128).contains(&id.len()) && id.bytes().all(allowed) && id.contains('.'),
        || format!("the id {id:?} is no reverse DNS name of letters, digits, '.', '_', '+', '-'"),
    )?;
    ensure(!name.is_empty() && !version.is_empty(), || {
        "the plugin's name or version is empty".to_owned()
    })?;
    if let Some(written) = bench.manifest() {
        ensure(written.id == id, || {
            format!("the table says {id:?}, and the manifest {:?}", written.id)
        })?;
    }
    let file = bench.job().manifest.as_deref().unwrap_or_default();
    ensure(manifest.is_empty() || manifest == file, || {
        "the manifest in the table is not the very text of the file".to_owned()
    })?;
    Ok(Finding::Passed)
}

fn flags(bench: &Bench) -> Outcome {
    let plugin = bench.plugin()?;
    let known =
        abi::AH_PLUGIN_THREAD_SAFE | abi::AH_PLUGIN_THREAD_AFFINE | abi::AH_PLUGIN_PANIC_IS_ABORT;
    let both = abi::AH_PLUGIN_THREAD_SAFE | abi::AH_PLUGIN_THREAD_AFFINE;
    ensure(plugin.table.flags & both != both, || {
        "it says that any thread will do, and that there must be one".to_owned()
    })?;
    let unknown = plugin.table.flags & !known;
    if unknown != 0 {
        return Ok(Finding::Warning(format!(
            "it sets the flags {unknown:#x}, which hosts of this version ignore"
        )));
    }
    if plugin.has(abi::AH_PLUGIN_PANIC_IS_ABORT) {
        return Ok(Finding::Warning(
            "it is built with panic = \"abort\": a panic ends its process, and it is never run \
             inside the host's"
                .to_owned(),
        ));
    }
    Ok(Finding::Passed)
}

fn extensions(bench: &Bench) -> Outcome {
    let plugin = bench.plugin()?;
    for id in KNOWN {
        let first = plugin.extension(id)?;
        ensure(first == plugin.extension(id)?, || {
            format!("{} has another answer each time", id.to_string_lossy())
        })?;
    }
    for id in UNKNOWN {
        ensure(plugin.extension(id)?.is_null(), || {
            format!("it has a table of {:?}, which nobody defined", id)
        })?;
    }
    let before = tables(&plugin)?;
    let store = bench.open_with(&bench.setup());
    ensure(before == tables(&plugin)?, || {
        "its tables are others once a store was opened".to_owned()
    })?;
    drop(store);
    Ok(Finding::Passed)
}

fn tables(plugin: &Plugin) -> Result<Vec<usize>, String> {
    let tables = KNOWN.iter().map(|id| plugin.extension(id));
    tables
        .map(|table| table.map(|table| table.addr()))
        .collect()
}

fn open(bench: &Bench) -> Outcome {
    let store = bench.open()?;
    store.close();
    Ok(Finding::Passed)
}

fn confined(bench: &Bench) -> Outcome {
    if matches!(bench.job().code, Code::Builtin(_)) {
        return Ok(Finding::Skipped("it is linked into the program".to_owned()));
    }
    if !bench.job().confined {
        return Ok(Finding::Skipped("the sandbox is left off".to_owned()));
    }
    match &bench.confinement {
        None => Ok(Finding::Passed),
        Some(note) => Ok(Finding::Warning(note.clone())),
    }
}

/// The tables that this version defines.
const KNOWN: &[&CStr] = &[
    abi::AH_EXT_FIND,
    abi::AH_EXT_WRITE,
    abi::AH_EXT_UNLOCK,
    abi::AH_EXT_SIGN,
];

/// Ids that nobody has defined.
const UNKNOWN: &[&CStr] = &[
    c"",
    c"anchorhold.find",
    c"anchorhold.find/",
    c"anchorhold.find/99",
    c"org.example.anchorhold-conform.nothing/1",
];
