//! What a kernel is opened with, beside its stores and plugins.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use anchorhold_boundary::link::Program;
use anchorhold_boundary::question::Prompter;
use anchorhold_boundary::services::LogSink;

use crate::clock::Clock;
use crate::incidents::{Incidents, Unrecorded};
use crate::plan::StorePlan;

/// Makes what answers the questions of a store where a person has to.
pub type Prompters = Arc<dyn Fn(&StorePlan) -> Arc<dyn Prompter> + Send + Sync>;

/// What a kernel is opened with, beside its stores and plugins.
///
/// By default nothing is logged, nobody can be asked, nothing is written down, and there is no
/// program to run plugins in: a store that needs a runner is a failed store.
#[derive(Clone)]
#[non_exhaustive]
pub struct KernelOptions {
    /// Where the lines go that stores write.
    pub log: LogSink,
    /// The program that is started as a runner.
    pub program: Option<Program>,
    /// Who is asked where a person has to answer.
    pub prompters: Option<Prompters>,
    /// Where incidents are written down.
    pub incidents: Arc<dyn Incidents>,
    /// The configuration and the state of the program, which no plugin in a runner is granted to
    /// change.
    pub own: Vec<PathBuf>,
    /// What the age of listings and the pauses between starts are measured with.
    pub clock: Clock,
}

impl Default for KernelOptions {
    fn default() -> Self {
        Self {
            log: Arc::new(|_, _| {}),
            program: None,
            prompters: None,
            incidents: Arc::new(Unrecorded),
            own: Vec::new(),
            clock: Clock::monotonic(),
        }
    }
}

impl KernelOptions {
    /// The same with a log.
    #[must_use]
    pub fn with_log(mut self, log: LogSink) -> Self {
        self.log = log;
        self
    }

    /// The same with a program to run plugins in.
    #[must_use]
    pub fn with_program(mut self, program: Program) -> Self {
        self.program = Some(program);
        self
    }

    /// The same with people who can be asked.
    #[must_use]
    pub fn with_prompters(mut self, prompters: Prompters) -> Self {
        self.prompters = Some(prompters);
        self
    }

    /// The same with a place where incidents are written down.
    #[must_use]
    pub fn with_incidents(mut self, incidents: Arc<dyn Incidents>) -> Self {
        self.incidents = incidents;
        self
    }

    /// The same with files and directories that are the program's own.
    #[must_use]
    pub fn with_own(mut self, own: Vec<PathBuf>) -> Self {
        self.own = own;
        self
    }

    /// The same with a clock of the caller's.
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }
}

impl fmt::Debug for KernelOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KernelOptions")
            .field("program", &self.program)
            .field("incidents", &self.incidents)
            .finish_non_exhaustive()
    }
}
