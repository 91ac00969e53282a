//! The roots that the system itself hands out.

use std::env;

use anchorhold_sdk::Error;

use crate::pem;
use crate::roots::Gathered;
use crate::stamp::Stamps;

/// What of the environment would stand in for the system.
const VARIABLES: [&str; 2] = ["SSL_CERT_FILE", "SSL_CERT_DIR"];

/// The system.
#[derive(Debug, Default)]
pub(crate) struct System;

impl System {
    /// Reads them; where they were.
    pub(super) fn read(&self, into: &mut Gathered) -> Result<String, Error> {
        // The only call there is for this system looks at them first, so that it is not made.
        let set = |name: &&&str| env::var_os(name).is_some();
        if let Some(name) = VARIABLES.iter().find(set) {
            return Err(Error::unavailable(format!(
                "{name} is set, which would stand in for the roots of the system: unset it, or \
                 name its place with the setting file or directory"
            )));
        }
        let read = rustls_native_certs::load_native_certs();
        pem::take(&read, PLACE, into);
        Ok(PLACE.to_owned())
    }

    /// The system does not tell whether it changed.
    pub(super) fn stamps(&self) -> Option<Stamps> {
        None
    }
}

const PLACE: &str = "the system's own store";
