//! The adverse stories, X1 to X12: attackers, mistakes and broken machines.

mod attacker;
mod certificate;
mod machine;
mod option;

use super::Story;

pub(super) fn stories() -> Vec<Story> {
    vec![
        attacker::x1(),
        certificate::x2(),
        certificate::x3(),
        certificate::x4(),
        machine::x5(),
        machine::x6(),
        attacker::x7(),
        machine::x8(),
        certificate::x9(),
        option::x10(),
        option::x11(),
        attacker::x12(),
    ]
}
