//! Adopting a table: what is refused, and what is read of tables of other versions.

use std::ffi::{c_char, c_void};
use std::ptr;

use anchorhold_abi as abi;
use anchorhold_abi::{Growing, ah_plugin, ah_store_ops, ah_str, ah_write_ops};
use anchorhold_sdk::testing::{MemoryStore, PLUGIN};

use crate::manifest::ManifestError;
use crate::plugin::{Fault, Plugin};

/// The table of a plugin that keeps the contract, changed.
fn adopted(change: impl FnOnce(&mut ah_plugin)) -> Result<Plugin, Fault> {
    let mut table = *PLUGIN.table();
    change(&mut table);
    // SAFETY: R3: leaked, so that it lives for ever.
    unsafe { Plugin::adopt(Box::leak(Box::new(table))) }
}

fn ops(change: impl FnOnce(&mut ah_store_ops)) -> Result<Plugin, Fault> {
    adopted(|table| {
        // SAFETY: R3: the SDK's own table lives for ever.
        let mut ops = unsafe { *table.ops };
        change(&mut ops);
        table.ops = Box::leak(Box::new(ops));
    })
}

const ID: &str = "anchorhold.testing.memory";

fn missing_call(name: &'static str) -> Fault {
    Fault::MissingCall {
        id: ID.to_owned(),
        name,
    }
}

fn too_short(name: &'static str, size: u32, least: u32) -> Fault {
    Fault::TableTooShort {
        id: ID.to_owned(),
        name,
        size,
        least,
    }
}

anchorhold_sdk::plugin! {
    static TWIN: store: MemoryStore, id: "anchorhold.testing.memory", name: "Twin", version: "1",
    manifest: "id = 'anchorhold.testing.memory'\nabi = 1"
}

anchorhold_sdk::plugin! {
    static LATER: store: MemoryStore, id: "org.example.later", name: "Later", version: "1",
    manifest: "id = 'org.example.later'\nabi = 1"
}

anchorhold_sdk::plugin! {
    static BROKEN: store: MemoryStore, id: "org.example.broken", name: "Broken", version: "1",
    manifest: ""
}

anchorhold_sdk::builtin!(LATER);
anchorhold_sdk::builtin!(BROKEN);
anchorhold_sdk::builtin!(PLUGIN);
anchorhold_sdk::builtin!(PLUGIN);
anchorhold_sdk::builtin!(TWIN);

#[test]
fn builtins_are_sorted_and_faults_are_told() {
    let builtins = Plugin::builtins();
    let ids: Vec<_> = builtins
        .iter()
        .filter_map(|found| found.as_ref().ok())
        .map(Plugin::id)
        .collect();
    assert_eq!(ids, [ID, "org.example.later"]);
    let faults: Vec<_> = builtins.into_iter().filter_map(Result::err).collect();
    assert_eq!(faults.len(), 2);
    assert!(faults.contains(&Fault::Duplicate { id: ID.to_owned() }));
    assert!(faults.contains(&Fault::Manifest {
        id: "org.example.broken".to_owned(),
        source: ManifestError::Empty,
    }));
}

#[test]
fn table_that_keeps_the_contract_is_adopted_once() {
    let first = adopted(|_| {}).unwrap();
    assert_eq!(first.id(), "anchorhold.testing.memory");
    let again = [PLUGIN.builtin(), PLUGIN.builtin()]
        .map(Plugin::builtin)
        .map(Result::unwrap);
    assert!(ptr::eq(again[0].manifest(), again[1].manifest()));
}

#[test]
fn what_does_not_start_as_a_plugin_is_none() {
    let found = abi::AH_MAGIC ^ 1;
    assert_eq!(
        adopted(|table| table.magic = found).unwrap_err(),
        Fault::MagicUnknown { found }
    );
    // SAFETY: R3: nothing is read through NULL.
    let null = unsafe { Plugin::adopt(ptr::null()) };
    assert_eq!(null.unwrap_err(), Fault::NotAPlugin);
}

#[test]
fn other_major_is_told_before_anything_else_is_believed() {
    let fault = adopted(|table| {
        table.abi_major = 2;
        table.ops = ptr::without_provenance(8);
        table.id = ah_str {
            ptr: ptr::without_provenance(8),
            len: 8,
        };
    });
    assert_eq!(fault.unwrap_err(), Fault::MajorUnknown { major: 2 });
}

#[test]
fn shorter_table_is_refused() {
    // R1
    for size in [0, 8, 11, 12, ah_plugin::SIZE - 1] {
        let fault = adopted(|table| table.struct_size = size).unwrap_err();
        assert_eq!(
            fault,
            Fault::TooShort {
                size,
                least: ah_plugin::SIZE
            }
        );
    }
    let fault = ops(|ops| ops.struct_size = ah_store_ops::SIZE - 1).unwrap_err();
    assert_eq!(
        fault,
        too_short("ops", ah_store_ops::SIZE - 1, ah_store_ops::SIZE)
    );
    let fault = adopted(|table| table.ops = ptr::null()).unwrap_err();
    let missing = Fault::MissingTable {
        id: ID.to_owned(),
        name: "ops",
    };
    assert_eq!(fault, missing);
}

#[test]
fn longer_table_of_a_later_version_is_read_as_far_as_it_is_known() {
    // R1
    #[repr(C)]
    struct Longer(ah_plugin, [u64; 8]);
    let mut table = Longer(*PLUGIN.table(), [u64::MAX; 8]);
    table.0.struct_size = u32::try_from(size_of::<Longer>()).unwrap();
    table.0.abi_minor = 9;
    table.0.flags |= 1 << 31;
    let table: &'static Longer = Box::leak(Box::new(table));
    // SAFETY: R1, R3: leaked, and as long as it states.
    let plugin = unsafe { Plugin::adopt(ptr::from_ref(table).cast()) }.unwrap();
    assert!(plugin.can_write());
}

#[test]
fn missing_function_is_named() {
    for (fault, name) in [
        (adopted(|table| table.open = None), "open"),
        (ops(|ops| ops.close = None), "ops.close"),
        (ops(|ops| ops.health = None), "ops.health"),
        (ops(|ops| ops.list = None), "ops.list"),
    ] {
        assert_eq!(fault.unwrap_err(), missing_call(name));
    }
}

#[test]
fn extension_is_whole_or_not_there() {
    unsafe extern "C" fn empty(id: *const c_char) -> *const c_void {
        static WRITE: ah_write_ops = ah_write_ops {
            struct_size: ah_write_ops::SIZE,
            flags: 0,
            apply: None,
        };
        // SAFETY: R3: a constant of the host's.
        if unsafe { std::ffi::CStr::from_ptr(id) } == abi::AH_EXT_WRITE {
            return (&raw const WRITE).cast();
        }
        ptr::null()
    }
    unsafe extern "C" fn short(_id: *const c_char) -> *const c_void {
        static WRITE: ah_write_ops = ah_write_ops {
            struct_size: 8,
            flags: 0,
            apply: None,
        };
        (&raw const WRITE).cast()
    }
    let fault = adopted(|table| table.extension = Some(empty)).unwrap_err();
    assert_eq!(fault, missing_call("write.apply"));
    let fault = adopted(|table| table.extension = Some(short)).unwrap_err();
    assert_eq!(fault, too_short("write", 8, ah_write_ops::SIZE));
    assert!(!adopted(|table| table.extension = None).unwrap().can_write());
}

#[test]
fn texts_are_utf8_and_somewhere() {
    static LATIN: &[u8] = b"Z\xfcrich";
    let latin = || ah_str {
        ptr: LATIN.as_ptr().cast(),
        len: LATIN.len(),
    };
    let nowhere = || ah_str {
        ptr: ptr::null(),
        len: 1,
    };
    let fault = adopted(|table| table.name = latin()).unwrap_err();
    assert_eq!(fault, Fault::TextMalformed { name: "name" });
    let fault = adopted(|table| table.version = nowhere()).unwrap_err();
    assert_eq!(fault, Fault::TextMalformed { name: "version" });
}

#[test]
fn id_is_a_name_and_the_manifests() {
    let fault = adopted(|table| table.id = ah_str::new("../\x1b[2J")).unwrap_err();
    assert_eq!(
        fault,
        Fault::IdMalformed {
            id: "../[2J".to_owned()
        }
    );
    let fault = adopted(|table| table.id = ah_str::new("org.example.other")).unwrap_err();
    assert!(matches!(fault, Fault::IdMismatch { .. }), "{fault}");
    let fault = adopted(|table| table.manifest = ah_str::EMPTY).unwrap_err();
    assert!(
        matches!(
            fault,
            Fault::Manifest {
                source: ManifestError::Empty,
                ..
            }
        ),
        "{fault}"
    );
}

#[test]
fn plugin_that_aborts_on_panic_is_refused() {
    let fault = adopted(|table| table.flags |= abi::AH_PLUGIN_PANIC_IS_ABORT).unwrap_err();
    assert!(fault.to_string().contains("panic = \"unwind\""), "{fault}");
}
