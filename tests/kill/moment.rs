//! When a process dies: a matter of chance, and of aim.

use std::time::Duration;

use super::scene::Scene;
use super::victim::{self, End};

/// Random numbers that a seed brings back (SplitMix64).
#[derive(Clone, Debug)]
pub(super) struct Chance(u64);

impl Chance {
    /// The numbers of a seed.
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Some time up to a longest one.
    fn up_to(&mut self, longest: Duration) -> Duration {
        let micros = u64::try_from(longest.as_micros()).expect("not for ages");
        Duration::from_micros(self.number() % (micros + 1))
    }
}

/// When a process is to die.
#[derive(Clone, Copy, Debug)]
pub(super) enum Moment {
    /// So long after its start.
    AfterStart(Duration),
    /// So long after it was first seen to write.
    AfterFirstWrite(Duration),
}

impl Moment {
    /// One in three dies at any moment of its life, the others while they write.
    pub(super) fn choose(chance: &mut Chance, aim: &Aim) -> Self {
        if chance.number().is_multiple_of(3) {
            Self::AfterStart(chance.up_to(aim.life))
        } else {
            Self::AfterFirstWrite(chance.up_to(aim.writing))
        }
    }
}

/// How long a process lives and writes, as far as is known: the machine may be busy or idle.
#[derive(Clone, Copy, Debug)]
pub(super) struct Aim {
    /// From its start to its end.
    life: Duration,
    /// From its first change on disk to its end.
    writing: Duration,
    /// How many lines it adds to the journal when it is left alone.
    pub(super) lines: usize,
}

impl Aim {
    /// Looks at a few processes that are left alone.
    pub(super) fn at(scene: &mut Scene) -> Self {
        let mut aim = Self {
            life: Duration::ZERO,
            writing: Duration::ZERO,
            lines: 0,
        };
        for _ in 0..ROUNDS {
            let task = scene.task().expect("there are tasks enough");
            let End::Done {
                life,
                writing,
                lines,
            } = victim::leave_alone(scene, &task)
            else {
                panic!("nobody kills it");
            };
            scene.acknowledged();
            aim.life = aim.life.max(life);
            aim.writing = aim.writing.max(writing.unwrap_or_default());
            aim.lines = lines;
        }
        aim
    }

    /// Whoever was faster shows how fast they are; whoever died may have had time left.
    pub(super) fn correct(&mut self, moment: Moment, end: &End) {
        match (end, moment) {
            (End::Done { life, .. }, Moment::AfterStart(_)) => self.life = *life,
            (End::Done { writing, .. }, Moment::AfterFirstWrite(_)) => {
                self.writing = writing.unwrap_or(self.writing / 2);
            }
            (End::Killed { .. }, Moment::AfterStart(_)) => self.life += self.life / 20 + TICK,
            (End::Killed { .. }, Moment::AfterFirstWrite(_)) => {
                self.writing += self.writing / 20 + TICK;
            }
        }
    }
}

/// The least that an aim is corrected by.
const TICK: Duration = Duration::from_micros(50);

/// How many processes are left alone at first.
const ROUNDS: usize = 3;
