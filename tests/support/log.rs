//! What a running process prints, line by line, and how to wait for a line.

use std::io::{BufRead, BufReader, Read};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The lines that a running process has printed so far.
#[derive(Debug)]
pub(crate) struct Log {
    lines: Arc<Mutex<Vec<String>>>,
    news: Mutex<Receiver<()>>,
    teller: Sender<()>,
}

impl Log {
    /// A log that follows nothing yet.
    pub(crate) fn new() -> Self {
        let (teller, news) = mpsc::channel();
        Self {
            lines: Arc::default(),
            news: Mutex::new(news),
            teller,
        }
    }

    /// Follows a pipe until it ends.
    pub(crate) fn follow(&self, pipe: impl Read + Send + 'static) {
        let lines = Arc::clone(&self.lines);
        let teller = self.teller.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                lines.lock().expect("not poisoned").push(line);
                // Nobody may be waiting for it.
                let _ = teller.send(());
            }
        });
    }

    /// The lines so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.lock().expect("not poisoned").clone()
    }

    /// Waits for a line that tells something.
    #[track_caller]
    pub(crate) fn wait_for<T>(&self, what: &str, tells: impl Fn(&str) -> Option<T>) -> T {
        let end = Instant::now() + PATIENCE;
        let news = self.news.lock().expect("not poisoned");
        loop {
            if let Some(told) = self.lines().iter().find_map(|line| tells(line)) {
                return told;
            }
            let left = end.saturating_duration_since(Instant::now());
            if news.recv_timeout(left) == Err(RecvTimeoutError::Timeout) {
                panic!("{what} is not printed: {:#?}", self.lines());
            }
        }
    }
}

/// How long a process may take until it has printed what it is to print.
const PATIENCE: Duration = Duration::from_secs(30);
