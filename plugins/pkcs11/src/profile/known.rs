//! The profiles that are part of this program, in the order in which they are looked through.

use super::Profile;

/// Every profile.
pub(super) fn all() -> impl Iterator<Item = Profile> {
    // Each is read by a test; one that could not be would be none.
    TEXTS.iter().filter_map(|text| toml::from_str(text).ok())
}

pub(super) const TEXTS: &[&str] = &[
    include_str!("../../profiles/cloudhsm.toml"),
    include_str!("../../profiles/luna.toml"),
    include_str!("../../profiles/nshield.toml"),
    include_str!("../../profiles/nss.toml"),
    include_str!("../../profiles/opencryptoki.toml"),
    include_str!("../../profiles/opensc.toml"),
    include_str!("../../profiles/p11-kit-proxy.toml"),
    include_str!("../../profiles/p11-kit-trust.toml"),
    include_str!("../../profiles/softhsm.toml"),
    include_str!("../../profiles/tpm2.toml"),
];
