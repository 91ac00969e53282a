//! The settings of a store, held against the plugin's manifest.

use std::collections::BTreeMap;

use anchorhold_boundary::admit::{AdmittedSettings, Refusal};
use anchorhold_boundary::manifest::{Manifest, SettingKind, Value};
use data_encoding::HEXLOWER_PERMISSIVE;

use crate::plan::StorePlan;
use crate::store::StoreErrorKind;

/// Holds the settings against the manifest, and admits the libraries among them.
pub(super) fn check(
    plan: &StorePlan,
    manifest: &Manifest,
) -> Result<AdmittedSettings, StoreErrorKind> {
    check_secrets(plan, manifest)?;
    let (given, pins) = pins(&plan.settings, manifest)?;
    let texts = manifest
        .check_settings(&given, &plan.base_dir)
        .map_err(StoreErrorKind::Setting)?;
    AdmittedSettings::admit(texts, &pins, manifest).map_err(|refusal| refused(&refusal))
}

/// A file that a setting names is pinned where that setting stands, and not by `plugin add`.
fn refused(refusal: &Refusal) -> StoreErrorKind {
    let remedy = match refusal {
        Refusal::PinMismatch { .. } => format!(
            "find out who changed it and why; only then write its new SHA-256 into the setting \
             that ends with {PIN}"
        ),
        other => other.remedy(),
    };
    StoreErrorKind::Refused {
        code: refusal.code().to_owned(),
        why: refusal.to_string(),
        remedy: Some(remedy),
    }
}

/// A source that nothing asks for is a slip, and the secret that was meant would be missed only
/// when it is needed.
fn check_secrets(plan: &StorePlan, manifest: &Manifest) -> Result<(), StoreErrorKind> {
    let is_secret = |key: &String| {
        let schema = manifest.settings.get(key);
        schema.is_some_and(|schema| schema.kind == SettingKind::Secret)
    };
    let Some(unknown) = plan.secrets.keys().find(|key| !is_secret(key)) else {
        return Ok(());
    };
    let known = manifest.settings.keys().filter(|key| is_secret(key));
    let known = known.cloned().collect::<Vec<_>>().join(", ");
    let known = match known.as_str() {
        "" => "it has none".to_owned(),
        known => format!("there are: {known}"),
    };
    Err(StoreErrorKind::Refused {
        code: "setting-invalid".to_owned(),
        why: format!("secrets.{unknown}: its plugin has no secret of this name; {known}"),
        remedy: None,
    })
}

/// Settings as the operator gave them, by key.
type Given = BTreeMap<String, Value>;

/// Takes the digests of libraries out of the settings: `module_sha256` is the host's.
fn pins(
    settings: &Given,
    manifest: &Manifest,
) -> Result<(Given, BTreeMap<String, [u8; 32]>), StoreErrorKind> {
    let (mut given, mut pins) = (settings.clone(), BTreeMap::new());
    for (key, schema) in &manifest.settings {
        let name = format!("{key}{PIN}");
        if schema.kind != SettingKind::Library || manifest.settings.contains_key(&name) {
            continue;
        }
        let Some(value) = given.remove(&name) else {
            continue;
        };
        let digest = match &value {
            Value::String(text) => HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok(),
            _ => None,
        };
        let digest = digest.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        let digest = digest.ok_or_else(|| StoreErrorKind::Refused {
            code: "pin-malformed".to_owned(),
            why: format!("{name} is no SHA-256 of 64 hexadecimal digits"),
            remedy: None,
        })?;
        pins.insert(key.clone(), digest);
    }
    Ok((given, pins))
}

/// What the name of a setting's pin ends with.
const PIN: &str = "_sha256";
