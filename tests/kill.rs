//! Three hundred deaths at random moments, and what must have survived them.

mod moment;
mod scene;
mod victim;

use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime};

use moment::{Aim, Chance, Moment};
use scene::{Act, Scene};
use victim::End;

/// Deaths altogether, and of those during a write.
const KILLS: usize = 300;
const WRITES: usize = 50;

/// How long it may all take on a machine that is busy with everything else.
const PATIENCE: Duration = Duration::from_secs(180);

#[test]
fn whatever_was_acknowledged_survives_three_hundred_deaths() {
    let seed = seed();
    println!("ANCHORHOLD_SEED={seed}");
    let began = Instant::now();
    let aims = Act::ALL.map(|act| Mutex::new(Aim::at(&mut Scene::new(act))));
    println!("{aims:#?}");
    let tally = Mutex::new(Tally::default());
    std::thread::scope(|scope| {
        for worker in 0..WORKERS {
            let (tally, aims) = (&tally, &aims);
            scope.spawn(move || {
                let mut chance = Chance::new(seed.wrapping_add(worker));
                while let Some(act) = next(tally) {
                    live_and_die(act, &aims[act.index()], &mut chance, tally);
                    assert!(began.elapsed() < PATIENCE, "{tally:#?}");
                }
            });
        }
    });
    let tally = tally.into_inner().expect("not poisoned");
    println!("{tally:#?} in {:?}, {aims:#?}", began.elapsed());
    assert!(tally.is_enough(), "{tally:#?}");
}

/// The act that has died least; nothing once it is enough.
fn next(tally: &Mutex<Tally>) -> Option<Act> {
    let tally = tally.lock().expect("not poisoned");
    let least = Act::ALL
        .into_iter()
        .min_by_key(|act| tally.kills[act.index()]);
    least.filter(|_| !tally.is_enough())
}

/// Plays one scene from an empty home for a while, with deaths on the way.
fn live_and_die(act: Act, aim: &Mutex<Aim>, chance: &mut Chance, tally: &Mutex<Tally>) {
    let mut scene = Scene::new(act);
    for _ in 0..ROUNDS {
        let Some(task) = scene.task() else { break };
        let now = *aim.lock().expect("not poisoned");
        let moment = Moment::choose(chance, &now);
        let end = victim::run(&scene, &task, moment, now.lines);
        aim.lock().expect("not poisoned").correct(moment, &end);
        tally.lock().expect("not poisoned").add(act, &end);
        let acknowledged = matches!(
            end,
            End::Done { .. }
                | End::Killed {
                    acknowledged: true,
                    ..
                }
        );
        if acknowledged {
            scene.acknowledged();
        }
        scene.is_sound(&task);
        if !acknowledged && scene.is_done(&task) {
            // It was done, and there was no time to say so.
            scene.acknowledged();
        }
        if tally.lock().expect("not poisoned").is_enough() {
            break;
        }
    }
    scene.goes_on();
}

/// What has been done so far, in the order of the acts.
#[derive(Debug, Default)]
struct Tally {
    /// Processes that died of the signal.
    kills: [usize; 3],
    /// Those among them that had begun to write, and had neither finished nor acknowledged it.
    writes: [usize; 3],
    /// Those among them that had acknowledged.
    acknowledged: [usize; 3],
    /// Processes that were faster.
    done: [usize; 3],
}

impl Tally {
    fn add(&mut self, act: Act, end: &End) {
        let at = act.index();
        match *end {
            End::Done { .. } => self.done[at] += 1,
            End::Killed {
                writing,
                acknowledged,
            } => {
                self.kills[at] += 1;
                self.writes[at] += usize::from(writing);
                self.acknowledged[at] += usize::from(acknowledged);
            }
        }
    }

    fn is_enough(&self) -> bool {
        self.kills.iter().sum::<usize>() >= KILLS
            && self.writes.iter().sum::<usize>() >= WRITES
            && self.kills.iter().all(|kills| *kills >= KILLS / 4)
    }
}

/// The seed of all moments: that of the environment, or another one each time.
fn seed() -> u64 {
    let given = std::env::var("ANCHORHOLD_SEED").ok();
    let given = given.map(|text| text.parse().expect("ANCHORHOLD_SEED is a number"));
    given.unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        u64::from(now.expect("after 1970").subsec_nanos())
    })
}

/// How many processes are started in one home.
const ROUNDS: usize = 15;

/// How many homes live and die at the same time.
const WORKERS: u64 = 2;
