//! A store in this process beside the same store in a runner, in one run on one machine.
//!
//! The store is one in memory, so that what is measured is the boundary and nothing else. Only
//! ratios and differences between lines of one run mean anything.
#![allow(missing_docs, reason = "the macros of the bench make public functions")]
#![expect(
    clippy::unwrap_used,
    reason = "a bench that cannot be set up says so and ends"
)]

use std::hint::black_box;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use anchorhold_boundary::batch::{Batch, Change};
use anchorhold_boundary::item::Item;
use anchorhold_boundary::link::{Code, Link, Program, Start};
use anchorhold_boundary::{CallLimits, OpenStore, Plugin, StoreConfig};
use anchorhold_sdk::testing::PLUGIN;
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};

/// How large a certificate is.
const SIZE: usize = 1000;

criterion_group! {
    name = benches;
    config = Criterion::default()
        .measurement_time(Duration::from_secs(3))
        .warm_up_time(Duration::from_millis(500))
        .without_plots();
    targets = listings, health, starts
}
criterion_main!(benches);

/// A whole listing, into owned items.
fn listings(criterion: &mut Criterion) {
    for count in [10, 150, 10_000, 100_000] {
        let mut group = criterion.benchmark_group("list");
        let stores: [(&str, Box<dyn OpenStore>); 2] = [
            ("in-process", in_process(count)),
            ("runner", in_runner(count)),
        ];
        for (place, store) in stores {
            group.bench_function(BenchmarkId::new(place, count), |bencher| {
                bencher.iter(|| black_box(store.list(&CallLimits::default()).unwrap()));
            });
        }
    }
}

/// One round trip, and what a verdict looks at while the answer is new enough.
fn health(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("health");
    let stores: [(&str, Box<dyn OpenStore>); 2] =
        [("in-process", in_process(10)), ("runner", in_runner(10))];
    for (place, store) in stores {
        group.bench_function(BenchmarkId::new("asked", place), |bencher| {
            bencher.iter(|| black_box(store.health().unwrap()));
        });
        group.bench_function(BenchmarkId::new("last", place), |bencher| {
            bencher.iter(|| black_box(store.last_health().unwrap()));
        });
    }
}

/// From nothing to the first listing, and its end.
fn starts(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("start");
    group.sample_size(20);
    group.bench_function("to-first-list", |bencher| {
        bencher.iter(|| {
            let link = Link::start(start()).unwrap();
            black_box(link.list(&CallLimits::default()).unwrap());
        });
    });
}

fn in_process(count: usize) -> Box<dyn OpenStore> {
    let config = StoreConfig::new(format!("bench-{count}"));
    let table = Plugin::builtin(PLUGIN.builtin()).unwrap().open(config);
    filled(Box::new(table.unwrap()), count)
}

fn in_runner(count: usize) -> Box<dyn OpenStore> {
    filled(Box::new(Link::start(start()).unwrap()), count)
}

fn filled(store: Box<dyn OpenStore>, count: usize) -> Box<dyn OpenStore> {
    let held = store.list(&CallLimits::default()).unwrap().items.len();
    let item = |number: usize| {
        let mut der = vec![0x30; SIZE];
        der.splice(..8, number.to_le_bytes());
        Change::Put(Item::certificate(der, format!("certificate {number}")))
    };
    let batch = Batch {
        changes: (held..count).map(item).collect(),
        ..Batch::default()
    };
    store.apply(&batch, &CallLimits::default()).unwrap();
    store
}

fn start() -> Start {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    let path = PROGRAM.get_or_init(|| {
        // The bench lies in `deps`, the example beside that.
        let here = std::env::current_exe().unwrap();
        let built = Command::new(env!("CARGO"))
            .args([
                "build",
                "--release",
                "--quiet",
                "--package",
                "anchorhold-boundary",
            ])
            .args(["--example", "runner", "--target-dir"])
            .arg(here.ancestors().nth(3).unwrap())
            .status();
        assert!(built.unwrap().success(), "the runner does not build");
        here.ancestors().nth(2).unwrap().join("examples/runner")
    });
    let program = Program {
        path: path.clone(),
        arguments: Vec::new(),
    };
    let code = Code::Builtin("anchorhold.testing.memory".to_owned());
    Start::new(program, code, StoreConfig::new("bench"))
}
