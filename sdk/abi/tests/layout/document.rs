//! The page that says the contract in prose names the header that it was written for.

use sha2::{Digest, Sha256};

use crate::sdk;

#[test]
fn prose_was_read_again_when_the_header_changed() {
    let page = std::fs::read_to_string(sdk("ABI.md")).unwrap();
    let header = std::fs::read(sdk("c/include/anchorhold.h")).unwrap();
    let digest: String = Sha256::digest(header)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert!(
        page.contains(&digest),
        "read sdk/ABI.md again, then let it name the header {digest}"
    );
}

#[test]
fn prose_names_every_extension_and_every_rule() {
    let page = std::fs::read_to_string(sdk("ABI.md")).unwrap();
    for (name, text) in crate::constant::TEXTS {
        let text = text.to_str().unwrap();
        assert!(page.contains(text), "{name} is not explained: {text}");
    }
    for rule in 1..=8 {
        assert!(page.contains(&format!("| R{rule} ")), "R{rule} is missing");
    }
}
