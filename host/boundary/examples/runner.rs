//! A program that is a runner and nothing else: its plugins are a store in memory, and one that
//! does to its own process what no plugin may do.

use std::io::Write as _;
use std::process::{self, ExitCode};
use std::thread;
use std::time::Duration;

use anchorhold_sdk::{
    Batch, Call, Config, Error, Health, HealthState, Host, Items, LogLevel, Outcomes, Page,
    TrustStore, Write,
};

fn main() -> ExitCode {
    anchorhold_boundary::runner::main()
}

/// A store that does what its settings say.
struct Faulty {
    host: Host,
    list: String,
    apply: String,
}

anchorhold_sdk::plugin! {
    /// The plugin `anchorhold.testing.faulty`.
    pub static PLUGIN:
    store: Faulty,
    id: "anchorhold.testing.faulty",
    name: "Faulty, for tests",
    version: env!("CARGO_PKG_VERSION"),
    manifest: r#"
        id = "anchorhold.testing.faulty"
        abi = 1
        needs = ["read", "write"]

        [settings.open]
        type = "string"
        help = "What is done when the store is opened."

        [settings.list]
        type = "string"
        help = "What is done when it is listed."

        [settings.apply]
        type = "string"
        help = "What is done when it is changed."
    "#,
    also: [Write],
}

anchorhold_sdk::plugin! {
    /// The plugin `anchorhold.testing.affine`: the same on a thread of its own.
    pub static AFFINE:
    store: Faulty,
    id: "anchorhold.testing.affine",
    name: "Faulty on one thread, for tests",
    version: env!("CARGO_PKG_VERSION"),
    manifest: r#"
        id = "anchorhold.testing.affine"
        abi = 1
        needs = ["read", "write"]

        [settings.list]
        type = "string"
        help = "What is done when it is listed."

        [settings.apply]
        type = "string"
        help = "What is done when it is changed."
    "#,
    also: [Write],
    threads: One,
}

anchorhold_sdk::builtin!(PLUGIN);
anchorhold_sdk::builtin!(AFFINE);
anchorhold_sdk::builtin!(anchorhold_sdk::testing::PLUGIN);

impl TrustStore for Faulty {
    fn open(host: Host, config: &Config<'_>) -> Result<Self, Error> {
        let fault = |key| config.text(key).unwrap_or_default().to_owned();
        let store = Self {
            host,
            list: fault("list"),
            apply: fault("apply"),
        };
        store.commit(&fault("open"));
        Ok(store)
    }

    fn health(&self) -> Health {
        Health::new(HealthState::Ready).writable(true)
    }

    fn list(&self, _: &Call<'_>, _: &mut Page, _: &mut Items<'_>) -> Result<(), Error> {
        self.commit(&self.list);
        Ok(())
    }
}

impl Write for Faulty {
    const ATOMIC: bool = false;

    fn apply(&self, _: &Call<'_>, _: &Batch<'_>, _: &mut Outcomes<'_>) -> Result<(), Error> {
        self.commit(&self.apply);
        Ok(())
    }
}

impl Faulty {
    fn commit(&self, fault: &str) {
        match fault {
            "" => {}
            "abort" => {
                eprintln!("about to abort");
                process::abort();
            }
            "exit" => {
                println!("about to exit");
                process::exit(3);
            }
            "flood" => {
                for _ in 0..5000 {
                    self.host.log(LogLevel::Info, "flood");
                }
            }
            "hang" => loop {
                thread::park_timeout(Duration::from_secs(60));
            },
            "print" => {
                // More than a pipe holds.
                for number in 0..20_000 {
                    println!("line {number} of what nobody asked for");
                }
                let _flushed = std::io::stdout().flush();
            }
            other => panic!("the fault {other:?} is not known"),
        }
    }
}
