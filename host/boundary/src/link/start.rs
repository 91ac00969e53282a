//! From what a runner is started with to an open store.

use std::os::fd::BorrowedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::admit::AdmittedFile;
use crate::confinement::{Confinement, Sandbox};
use crate::link::call::{Call, Patience, Reply};
use crate::link::outbox::Outgoing;
use crate::link::process::Process;
use crate::link::reader::Reader;
use crate::link::session_bus::Bus;
use crate::link::shared::Shared;
use crate::link::turns::{self, Missed};
use crate::link::{Code, Link, Start};
use crate::load::Way;
use crate::open_store::Identity;
use crate::plugin::StoreConfig;
use crate::status::{CallError, Status};
use crate::wire::{self, File, Handed, Hello, NO_REQUEST, Ready, ToRunner, to_runner};

/// The code of a library that the loader did not take.
const NOT_LOADED: &str = "not-loaded";

/// Starts a runner and opens the store in it. Where the machine does not load a library from
/// memory, a private copy of it is tried.
pub(super) fn start(mut start: Start) -> Result<Link, CallError> {
    let error = match begin(&start) {
        Ok(link) => return Ok(link.keeping(start)),
        Err(error) => error,
    };
    let sealed =
        matches!(&start.code, Code::Library(library) if library.file().way() == Way::Sealed);
    if !sealed || error.code.as_deref() != Some(NOT_LOADED) {
        return Err(error);
    }
    let Code::Library(library) = start.code else {
        return Err(error);
    };
    let copied = library.into_copy().map_err(|refusal| {
        let mut error = CallError::new(Status::Refused, refusal.to_string());
        error.code = Some(refusal.code().into());
        error
    })?;
    start.sandbox.libraries.extend(copied.file().libraries());
    start.code = Code::Library(copied);
    begin(&start).map(|link| link.keeping(start))
}

fn begin(start: &Start) -> Result<Link, CallError> {
    let begun = Instant::now();
    let (mut hello, descriptors) = hello(start)?;
    let mut environment = start.environment.clone();
    let bus = Bus::reach(
        &mut hello.sandbox,
        &mut environment,
        &start.bus_proxies,
        start.open_within,
    )?;
    let (here, there) = UnixStream::pair().map_err(|error| not_started(&error))?;
    let mut process =
        Process::start(&start.program, &environment, there).map_err(|error| not_started(&error))?;
    process.keep(bus.proxy);
    let expected = match &start.code {
        Code::Builtin(id) => id,
        Code::Library(library) => &library.manifest().id,
    };
    let patience = Patience {
        short: start.hang_after,
        long: start.hang_after_long.max(start.hang_after),
    };
    let opening = Opening {
        config: &start.store,
        patience,
        // What the proxy took of it is gone.
        within: match bus.directory {
            Some(_) => start.open_within.saturating_sub(begun.elapsed()),
            None => start.open_within,
        },
        expected,
        require_full: start.require_full,
    };
    let mut link = opening.open(here, Some(process), hello, &descriptors)?;
    // A whole sandbox is a view of its own, in which the socket stays; nothing is left behind then,
    // however this process ends.
    link._bus = bus
        .directory
        .filter(|_| link.confinement.sandbox != Sandbox::Full);
    Ok(link)
}

/// What the runner is told, and the descriptors that go with it.
fn hello(start: &Start) -> Result<(Hello, Vec<BorrowedFd<'_>>), CallError> {
    let mut descriptors = Vec::new();
    let code = match &start.code {
        Code::Builtin(id) => wire::Code::Builtin(id.clone()),
        Code::Library(library) => {
            descriptors.push(library.file().descriptor());
            wire::Code::Library {
                file: Handed::of(library.file()),
                manifest: library.manifest_text().to_owned(),
            }
        }
    };
    let file = |(setting, file): &(String, AdmittedFile)| File {
        setting: setting.clone(),
        file: Handed::of(file),
    };
    let files: Vec<File> = start.files.iter().map(file).collect();
    descriptors.extend(start.files.iter().map(|(_, file)| file.descriptor()));
    let hello = Hello {
        code,
        store_name: start.store.store_name.clone(),
        settings: start.store.settings.clone(),
        files,
        state_dir: start.store.state_dir.clone(),
        sandbox: start.sandbox.clone(),
        require_full: start.require_full,
        prompts: start.store.prompter.is_some(),
    };
    to_runner::check_hello(&hello).map_err(|what| {
        CallError::new(
            Status::Limit,
            format!("{what} is more than a plugin is told"),
        )
    })?;
    Ok((hello, descriptors))
}

/// What is opened at the other end of a socket.
pub(super) struct Opening<'a> {
    pub(super) config: &'a StoreConfig,
    pub(super) patience: Patience,
    pub(super) within: Duration,
    /// The plugin's id.
    pub(super) expected: &'a str,
    pub(super) require_full: bool,
}

impl Opening<'_> {
    /// Says hello, and waits until the store is open.
    pub(super) fn open(
        &self,
        socket: UnixStream,
        process: Option<Process>,
        hello: Hello,
        descriptors: &[BorrowedFd<'_>],
    ) -> Result<Link, CallError> {
        socket
            .set_nonblocking(true)
            .map_err(|error| not_started(&error))?;
        let socket = Arc::new(socket);
        let (woken, wake) = UnixStream::pair().map_err(|error| not_started(&error))?;
        for end in [&woken, &wake] {
            end.set_nonblocking(true)
                .map_err(|error| not_started(&error))?;
        }
        let shared = Shared::new(Arc::clone(&socket), wake, self.config, self.patience);
        let shared = Arc::new(shared);
        let number = process.as_ref().map_or(0, Process::id);
        // Nothing was sent before, so that the descriptors go with the first bytes.
        let mut bytes = Vec::new();
        ToRunner::Hello(Box::new(hello)).put(NO_REQUEST, &mut bytes);
        shared.outbox.send_with(Outgoing::Plain(bytes), descriptors);
        let call = shared.begin_start();
        let reader = Reader::new(Arc::clone(&shared), socket, woken, process);
        let reader = thread::Builder::new()
            .name("anchorhold-link".to_owned())
            .spawn(move || reader.run())
            .map_err(|error| not_started(&error))?;
        let mut link = Link {
            shared,
            reader: Some(reader),
            process: number,
            identity: Identity::default(),
            confinement: Confinement::in_runner(Sandbox::None, ""),
            _bus: None,
            _code: None,
        };
        let ready = self.wait(&link.shared, &call);
        let ready = ready.and_then(|(ready, confinement)| {
            self.check(&ready, &confinement)?;
            Ok((ready, confinement))
        });
        let (ready, confinement) = ready.inspect_err(|_| link.shared.close_at_once())?;
        link.shared.health.begin(ready.health);
        if ready.thread_safe {
            link.shared.allow_many();
        }
        link.identity = ready.identity;
        link.confinement = confinement;
        Ok(link)
    }

    fn wait(&self, shared: &Shared, call: &Call) -> Result<(Ready, Confinement), CallError> {
        let deadline = Instant::now().checked_add(self.within);
        let mut state = call.state();
        loop {
            match state.result.take() {
                Some(Ok(Reply::Ready(ready, confinement))) => return Ok((*ready, confinement)),
                Some(Ok(_)) => return Err(CallError::protocol("it is not ready")),
                Some(Err(error)) => return Err(error),
                None => {}
            }
            state = match turns::wait(&call.bell, state, deadline, None) {
                Ok(state) => state,
                Err(Missed::Ended) => return Err(shared.end_error()),
                Err(_) => {
                    let message = format!(
                        "the plugin did not open the store within {} ms",
                        self.within.as_millis()
                    );
                    return Err(CallError::new(Status::Timeout, message));
                }
            };
        }
    }

    /// What a runner says of itself is believed only as far as it does not matter.
    fn check(&self, ready: &Ready, confinement: &Confinement) -> Result<(), CallError> {
        if ready.identity.id != self.expected {
            return Err(CallError::protocol(format!(
                "the plugin {:?} was opened as {:?}",
                self.expected, ready.identity.id
            )));
        }
        if self.require_full && confinement.sandbox != Sandbox::Full {
            return Err(CallError::protocol(
                "it opened the store though its sandbox is less than is demanded",
            ));
        }
        Ok(())
    }
}

impl Link {
    fn keeping(mut self, start: Start) -> Self {
        self._code = Some((start.code, start.files));
        self
    }
}

fn not_started(error: &std::io::Error) -> CallError {
    CallError::new(
        Status::Unavailable,
        format!("the process for the plugin cannot be started: {error}"),
    )
}
