//! A runner that is a thread, and does what a test tells it.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Mutex;
use std::thread::{self, JoinHandle};

use super::*;
use crate::confinement::Sandbox;
use crate::health::{Health, HealthState};
use crate::item::Item;
use crate::services::LogLevel;
use crate::wire::to_host::PageEnd;
use crate::wire::{Code, Decoder, Hello, Ready, ToHost, ToRunner};

/// The id of its plugin.
pub(super) const ID: &str = "org.example.fake";

/// The runner's end.
pub(super) struct Fake {
    pub(super) socket: UnixStream,
    decoder: Decoder,
}

/// What a test sees of a link whose runner is played.
pub(super) struct Played {
    pub(super) link: Link,
    runner: Option<JoinHandle<()>>,
    pub(super) log: Arc<Mutex<Vec<(LogLevel, String)>>>,
}

impl Fake {
    /// The next message of the host's; none at the end.
    pub(super) fn next(&mut self) -> Option<(u32, ToRunner)> {
        loop {
            let found = self.decoder.next().unwrap().map(|packet| {
                let message = ToRunner::read(packet.kind, packet.payload).unwrap();
                (packet.request, message)
            });
            if found.is_some() {
                return found;
            }
            let count = match self.socket.read(self.decoder.room()) {
                Ok(0) | Err(_) => return None,
                Ok(count) => count,
            };
            self.decoder.filled(count);
        }
    }

    /// The request of the next message.
    pub(super) fn request(&mut self) -> u32 {
        self.next().unwrap().0
    }

    /// Sends a message, if anybody still listens.
    pub(super) fn say(&mut self, request: u32, message: &ToHost) {
        let mut bytes = Vec::new();
        message.put(request, &mut bytes);
        self.write(&bytes);
    }

    /// Says that its store is open.
    pub(super) fn opens_with(&mut self, ready: Ready) {
        self.say(0, &ToHost::Confined(confined()));
        self.say(0, &ToHost::Ready(Box::new(ready)));
    }

    /// Sends any bytes.
    pub(super) fn write(&mut self, bytes: &[u8]) {
        let _gone = self.socket.write_all(bytes);
    }

    /// Reads until the host ends the connection, or wants to.
    pub(super) fn until_the_end(&mut self) {
        while let Some((_, message)) = self.next() {
            if matches!(message, ToRunner::Close) {
                break;
            }
        }
    }

    /// A page with these items, and nothing after it.
    pub(super) fn last_page(&mut self, request: u32, items: Vec<Item>) {
        if !items.is_empty() {
            self.say(request, &ToHost::Items(items));
        }
        self.say(request, &ToHost::PageEnd(PageEnd::default()));
    }
}

pub(super) fn health(generation: u64) -> Health {
    Health {
        state: HealthState::Ready,
        writable: true,
        watching: false,
        asks_write: false,
        generation,
        item_count: None,
        attempts_left: None,
        last_success: 0,
        detail: String::new(),
    }
}

pub(super) fn ready() -> Ready {
    let identity = Identity {
        id: ID.to_owned(),
        can_find: true,
        can_write: true,
        can_unlock: true,
        can_sign: true,
        ..Identity::default()
    };
    Ready {
        identity,
        thread_safe: false,
        health: Ok(health(1)),
    }
}

pub(super) fn confined() -> Confinement {
    Confinement::in_runner(Sandbox::Full, "")
}

pub(super) fn item(number: u8) -> Item {
    let mut item = Item::certificate(vec![0x30, number], format!("item {number}"));
    item.id = ItemId(vec![number]);
    item
}

pub(super) fn hello() -> Hello {
    Hello {
        code: Code::Builtin(ID.to_owned()),
        store_name: "fake".to_owned(),
        settings: Vec::new(),
        files: Vec::new(),
        state_dir: None,
        sandbox: SandboxSpec::default(),
        require_full: false,
        prompts: false,
    }
}

/// How a played runner is opened.
pub(super) struct Stage {
    pub(super) config: StoreConfig,
    pub(super) patience: Patience,
    pub(super) within: Duration,
    pub(super) require_full: bool,
}

impl Stage {
    pub(super) fn new() -> Self {
        Self {
            config: StoreConfig::new("fake"),
            patience: Patience {
                short: Duration::from_secs(60),
                long: Duration::from_secs(600),
            },
            within: Duration::from_secs(60),
            require_full: false,
        }
    }

    /// Opens a link whose runner does what the script says, from the hello on.
    pub(super) fn open(
        mut self,
        script: impl FnOnce(&mut Fake) + Send + 'static,
    ) -> Result<Played, CallError> {
        let log = Arc::<Mutex<Vec<_>>>::default();
        let kept = Arc::clone(&log);
        self.config.log = Arc::new(move |level, line: &str| {
            kept.lock().unwrap().push((level, line.to_owned()));
        });
        let (here, there) = UnixStream::pair().unwrap();
        let runner = thread::spawn(move || {
            script(&mut Fake {
                socket: there,
                decoder: Decoder::of_runner(),
            });
        });
        let opening = Opening {
            config: &self.config,
            patience: self.patience,
            within: self.within,
            expected: ID,
            require_full: self.require_full,
        };
        let link = opening.open(here, None, hello(), &[])?;
        Ok(Played {
            link,
            runner: Some(runner),
            log,
        })
    }
}

impl Played {
    /// Ends the link, and sees that the script came to its end.
    pub(super) fn end(self) {
        let Self { link, runner, .. } = self;
        drop(link);
        runner.unwrap().join().unwrap();
    }

    /// The lines of the log that hold this text.
    pub(super) fn lines_with(&self, text: &str) -> usize {
        let log = self.log.lock().unwrap();
        log.iter().filter(|(_, line)| line.contains(text)).count()
    }
}

/// A link whose runner is ready, and then does what the script says.
pub(super) fn opened(script: impl FnOnce(&mut Fake) + Send + 'static) -> Played {
    opened_with(Stage::new(), script)
}

pub(super) fn opened_with(stage: Stage, script: impl FnOnce(&mut Fake) + Send + 'static) -> Played {
    let opened = stage.open(|fake| {
        assert!(matches!(fake.next(), Some((0, ToRunner::Hello(_)))));
        fake.opens_with(ready());
        script(fake);
    });
    opened.unwrap()
}
