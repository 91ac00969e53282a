//! A process that is killed, and the evidence of what it was doing.

use std::fs;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::moment::Moment;
use super::scene::{Scene, Task};
use crate::support::Watched;

/// How a process ended.
#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    /// It was done before its moment came.
    Done {
        /// From its start to its end.
        life: Duration,
        /// From its first change on disk to its end, where somebody saw it.
        writing: Option<Duration>,
        /// How many lines it added to the journal.
        lines: usize,
    },
    /// It died of SIGKILL.
    Killed {
        /// Whether it had begun to write, and had neither finished nor acknowledged it.
        writing: bool,
        /// Whether it had acknowledged.
        acknowledged: bool,
    },
}

/// Starts the process of a task, and lets it live.
pub(super) fn leave_alone(scene: &Scene, task: &Task) -> End {
    let end = run(scene, task, Moment::AfterFirstWrite(LONG), 0);
    let journalled = matches!(end, End::Done { lines, .. } if lines > 0);
    assert!(journalled, "{task:?} is done and journalled: {end:?}");
    end
}

/// Starts the process of a task, and kills it when its moment has come.
///
/// One that is left alone adds `lines` lines to the journal, which is the last that it does
/// before it acknowledges: who dies with fewer has not finished.
pub(super) fn run(scene: &Scene, task: &Task, moment: Moment, lines: usize) -> End {
    let before = Trace::of(scene);
    let began = Instant::now();
    let mut process = start(scene, task);
    let mut wrote = None;
    while !process.has_ended() {
        let now = Instant::now();
        if wrote.is_none() && Trace::of(scene).differs_from(&before) {
            wrote = Some(now);
        }
        let over = match moment {
            Moment::AfterStart(time) => now >= began + time,
            Moment::AfterFirstWrite(time) => wrote.is_some_and(|wrote| now >= wrote + time),
        };
        if over {
            break;
        }
        std::thread::yield_now();
    }
    let ended = Instant::now();
    let status = process.kill();
    let after = Trace::of(scene);
    let printed = everything(process.child().stdout.take());
    let acknowledged = scene.act.acknowledges(&printed);
    let added = after.lines.saturating_sub(before.lines);
    if status.signal() != Some(SIGKILL) {
        let complaint = everything(process.child().stderr.take());
        let fine = status.success() && acknowledged;
        assert!(fine, "{task:?} ended with {status}\n{printed}\n{complaint}");
        return End::Done {
            life: ended - began,
            writing: wrote.map(|wrote| ended - wrote),
            lines: added,
        };
    }
    End::Killed {
        writing: after.differs_from(&before) && added < lines && !acknowledged,
        acknowledged,
    }
}

fn everything(pipe: Option<impl Read>) -> String {
    let mut text = String::new();
    pipe.expect("a pipe")
        .read_to_string(&mut text)
        .expect("text");
    text
}

fn start(scene: &Scene, task: &Task) -> Watched {
    let mut command = scene.command(task);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    Watched::start(&mut command, Duration::from_secs(60))
}

/// What can be seen of the files that hold what was decided; locks and shared memory are none.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Trace {
    files: Vec<(std::ffi::OsString, u64, u64, i64, i64)>,
    lines: usize,
}

impl Trace {
    fn of(scene: &Scene) -> Self {
        let mut files = Vec::new();
        for directory in ["h/stores", "h/state"] {
            for entry in fs::read_dir(scene.path(directory))
                .into_iter()
                .flatten()
                .flatten()
            {
                let name = entry.file_name();
                let is_memory = Path::new(&name).to_string_lossy().ends_with("-shm");
                // A file may vanish between its listing and its reading.
                let Ok(found) = entry.metadata() else {
                    continue;
                };
                if found.is_file() && !is_memory && found.len() > 0 {
                    files.push((
                        name,
                        found.ino(),
                        found.len(),
                        found.mtime(),
                        found.mtime_nsec(),
                    ));
                }
            }
        }
        files.sort();
        let journal = fs::read(scene.path("h/state/journal.jsonl")).unwrap_or_default();
        let lines = journal.iter().filter(|byte| **byte == b'\n').count();
        Self { files, lines }
    }

    fn differs_from(&self, before: &Self) -> bool {
        self.files != before.files
    }
}

/// Longer than any process lives.
const LONG: Duration = Duration::from_secs(600);

const SIGKILL: i32 = 9;
