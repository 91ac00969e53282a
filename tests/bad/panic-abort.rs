//! A panic of it ends the whole process: it is built with `panic = "abort"`, and panics when listed.

use anchorhold_sdk::{Call, Config, Error, Health, HealthState, Host, Items, Page, TrustStore};

struct Panicking;

impl TrustStore for Panicking {
    fn open(_: Host, _: &Config<'_>) -> Result<Self, Error> {
        Ok(Self)
    }

    fn health(&self) -> Health {
        Health::new(HealthState::Ready)
    }

    fn list(&self, _: &Call<'_>, _: &mut Page, _: &mut Items<'_>) -> Result<(), Error> {
        panic!("out of luck")
    }
}

anchorhold_sdk::plugin! {
    static PLUGIN:
    store: Panicking,
    id: "org.example.bad",
    name: "Bad",
    version: "1.0.0",
    manifest: "",
}

anchorhold_sdk::export!(PLUGIN);
