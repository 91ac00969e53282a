//! What the operator said of one store, checked by the host against the manifest.

use std::path::Path;
use std::time::Duration;

use anchorhold_abi as abi;
use anchorhold_abi::{ah_config, ah_setting};

use crate::error::Error;
use crate::foreign;

/// The name and the settings of one store.
///
/// Unknown keys, missing keys and wrong types never arrive here: the host has checked them against
/// the manifest. Secrets never stand here at all.
#[derive(Clone, Debug)]
pub struct Config<'a> {
    store_name: &'a str,
    state_dir: &'a str,
    settings: Vec<(&'a str, &'a str)>,
}

impl<'a> Config<'a> {
    /// A configuration that no host makes, for a plugin's own tests.
    pub fn new(store_name: &'a str, settings: &[(&'a str, &'a str)]) -> Self {
        Self {
            store_name,
            state_dir: "",
            settings: settings.to_vec(),
        }
    }

    /// # Safety
    ///
    /// R1, R3: `config` is NULL or the host's struct, lent with all it leads to for `'a`.
    pub(crate) unsafe fn adopt(config: *const ah_config) -> Result<Self, Error> {
        // SAFETY: R1, R3, as promised by the caller.
        let read = unsafe { abi::read(config) }.ok_or_else(|| {
            Error::invalid_argument("open without ah_config, or with a short one")
        })?;
        let count = usize::try_from(read.setting_count).unwrap_or(usize::MAX);
        let stride = abi::stride_of::<ah_setting>();
        let mut settings = Vec::new();
        let keep = |setting: ah_setting| {
            // SAFETY: R3: lent for `'a`.
            settings.push(unsafe { (foreign::text(setting.key)?, foreign::text(setting.value)?) });
            Ok(())
        };
        // SAFETY: R1, R3: ah_setting never grows, and the array is lent for `'a`.
        unsafe { foreign::elements(read.settings, count, stride, keep) }?;
        Ok(Self {
            // SAFETY: R3: lent for `'a`.
            store_name: unsafe { foreign::text(read.store_name) }?,
            // SAFETY: R3: lent for `'a`.
            state_dir: unsafe { foreign::text(read.state_dir) }?,
            settings,
        })
    }

    /// What the operator calls the store.
    pub fn store_name(&self) -> &'a str {
        self.store_name
    }

    /// A directory of the store's own, where the host gives it one.
    pub fn state_dir(&self) -> Option<&'a Path> {
        (!self.state_dir.is_empty()).then(|| Path::new(self.state_dir))
    }

    /// The text of a setting.
    pub fn text(&self, key: &str) -> Option<&'a str> {
        self.list(key).next()
    }

    /// The text of a setting that the manifest requires or has a default for.
    pub fn required(&self, key: &str) -> Result<&'a str, Error> {
        self.text(key).ok_or_else(|| {
            Error::invalid_argument(format!(
                "setting {key:?} is missing: is it in the manifest?"
            ))
        })
    }

    /// A setting of type `path` or `library`: absolute.
    pub fn path(&self, key: &str) -> Option<&'a Path> {
        self.text(key).map(Path::new)
    }

    /// A setting of type `bool`.
    pub fn flag(&self, key: &str) -> Result<Option<bool>, Error> {
        match self.text(key) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(Error::invalid_argument(format!(
                "setting {key:?} is no bool"
            ))),
        }
    }

    /// A setting of type `integer`.
    pub fn integer(&self, key: &str) -> Result<Option<i64>, Error> {
        let wrong = |_| Error::invalid_argument(format!("setting {key:?} is no integer"));
        self.text(key).map(str::parse).transpose().map_err(wrong)
    }

    /// A setting of type `duration`.
    pub fn duration(&self, key: &str) -> Result<Option<Duration>, Error> {
        let wrong = |_| Error::invalid_argument(format!("setting {key:?} is no duration"));
        Ok(self
            .text(key)
            .map(str::parse)
            .transpose()
            .map_err(wrong)?
            .map(Duration::from_millis))
    }

    /// The texts of a setting of type `list`, in order.
    pub fn list<'k>(&'k self, key: &'k str) -> impl Iterator<Item = &'a str> + use<'a, 'k> {
        self.settings
            .iter()
            .filter(move |(name, _)| *name == key)
            .map(|(_, value)| *value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_by_type() {
        let config = Config::new(
            "s",
            &[
                ("path", "/x"),
                ("on", "true"),
                ("n", "-3"),
                ("t", "1500"),
                ("l", "a"),
                ("l", "b"),
            ],
        );
        assert_eq!(config.path("path"), Some(Path::new("/x")));
        assert_eq!(config.flag("on"), Ok(Some(true)));
        assert_eq!(config.integer("n"), Ok(Some(-3)));
        assert_eq!(config.duration("t"), Ok(Some(Duration::from_millis(1500))));
        assert_eq!(config.list("l").collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(config.flag("absent"), Ok(None));
        assert_eq!(config.state_dir(), None);
    }

    #[test]
    fn wrong_types_are_named() {
        let config = Config::new("s", &[("on", "yes")]);
        assert!(config.flag("on").unwrap_err().message().contains("\"on\""));
        assert!(config.integer("on").is_err());
        assert!(config.duration("on").is_err());
        assert!(
            config
                .required("absent")
                .unwrap_err()
                .message()
                .contains("\"absent\"")
        );
    }
}
