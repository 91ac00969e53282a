//! The store that the tests play with: the built-in file store.

// Linked in, it registers itself.
use anchorhold_kernel::plan::StoreTable;
use anchorhold_keydb as _;
use anchorhold_rehearse::MakePlans;
use std::sync::Arc;

/// One file store in each home.
pub(crate) fn plans() -> MakePlans {
    Arc::new(|home| {
        let table: StoreTable = toml::from_str(TABLE).expect("a table");
        vec![table.plan(home).expect("a plan")]
    })
}

const TABLE: &str = r#"
name = "keydb"
plugin = "anchorhold.keydb"
settings = { path = "stores/anchorhold.p12" }
"#;
