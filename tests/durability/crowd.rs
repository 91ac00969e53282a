//! Many processes at once with one database.

use std::collections::BTreeSet;
use std::thread;

use super::scene::{Kind, PATIENCE, Scene};
use crate::support::Watched;

/// How many processes there are at any time.
const PROCESSES: usize = 20;

#[test]
fn a_crowd_of_importers_loses_nothing_in_a_kdb() {
    crowd(Kind::Kdb);
}

#[test]
fn a_crowd_of_importers_loses_nothing_in_a_p12() {
    crowd(Kind::P12);
}

/// Each of the processes is followed by others, every one with a certificate of its own, and all
/// of them succeed: nobody is told of a conflict or of a lock.
fn crowd(kind: Kind) {
    let scene = Scene::new(kind, PROCESSES);
    let imports = imports();
    let all: BTreeSet<String> = (0..PROCESSES * imports)
        .map(|number| scene.certificate(&format!("{number}.pem")))
        .collect();
    thread::scope(|threads| {
        for process in 0..PROCESSES {
            let scene = &scene;
            threads.spawn(move || {
                for turn in 0..imports {
                    let file = format!("{}.pem", process * imports + turn);
                    let mut command = scene.command(process, &file);
                    let outcome = Watched::output(&mut command, b"", PATIENCE).exits(0);
                    let document = outcome.document();
                    assert_eq!(document["imported"][0]["outcome"], "new", "{document:#}");
                }
            });
        }
    });
    assert_eq!(scene.held(), Some(all.clone()));
    let list = scene.home.json(0, &["list"]);
    let listed = list["certificates"].as_array().expect("a list");
    assert_eq!(listed.len(), all.len());
    for one in listed {
        assert_eq!(one["servers"].as_array().map(Vec::len), Some(1), "{one:#}");
    }
    assert_eq!(scene.home.json(0, &["journal", "verify"])["whole"], true);
    scene.is_sound();
}

/// How many follow each other: that of the environment, or few.
fn imports() -> usize {
    let given = std::env::var("ANCHORHOLD_IMPORTS").ok();
    let given = given.map(|text| text.parse().expect("ANCHORHOLD_IMPORTS is a number"));
    given.unwrap_or(FEW)
}

/// Enough to be in each other's way, on a machine that is busy with everything else.
const FEW: usize = 10;
