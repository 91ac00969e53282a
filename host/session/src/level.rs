//! A server's level: version.release.level.sublevel, and the era it belongs to.

use std::fmt;
use std::str::FromStr;

/// The level of a server, such as 8.1.2.0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Level {
    /// V of V.R.L.S.
    pub version: u16,
    /// R of V.R.L.S.
    pub release: u16,
    /// L of V.R.L.S.
    pub level: u16,
    /// S of V.R.L.S.
    pub sublevel: u16,
}

/// On which side of the change to TLS a level stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Era {
    /// The existing protocol: up to 7.1.7, 8.0.x, 8.1.0 and 8.1.1.
    Earlier,
    /// TLS on the common port: 8.1.2 and later, and 7.1.8 and later below 8.0.
    Enhanced,
}

impl Level {
    /// A level from its four numbers.
    pub const fn new(version: u16, release: u16, level: u16, sublevel: u16) -> Self {
        Self {
            version,
            release,
            level,
            sublevel,
        }
    }

    /// On which side of the change to TLS the level stands.
    pub fn era(self) -> Era {
        let late_seven = self >= Self::new(7, 1, 8, 0) && self < Self::new(8, 0, 0, 0);
        if late_seven || self >= Self::new(8, 1, 2, 0) {
            Era::Enhanced
        } else {
            Era::Earlier
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}.{}.{}.{}",
            self.version, self.release, self.level, self.sublevel
        )
    }
}

/// Text that is no level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotALevel(String);

impl fmt::Display for NotALevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "\"{}\" is no level: two to four numbers joined by dots, such as 8.1.2.0",
            self.0
        )
    }
}

impl std::error::Error for NotALevel {}

impl FromStr for Level {
    type Err = NotALevel;

    fn from_str(text: &str) -> Result<Self, NotALevel> {
        let refused = || NotALevel(text.to_owned());
        let mut numbers = [0_u16; 4];
        let mut count = 0;
        for part in text.split('.') {
            // `parse` alone would take a sign.
            if !part.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(refused());
            }
            let slot = numbers.get_mut(count).ok_or_else(refused)?;
            *slot = part.parse().map_err(|_| refused())?;
            count += 1;
        }
        if count < 2 {
            return Err(refused());
        }
        let [version, release, level, sublevel] = numbers;
        Ok(Self {
            version,
            release,
            level,
            sublevel,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_change_lies_at_8_1_2_and_7_1_8() {
        for (text, era) in [
            ("6.4.0.0", Era::Earlier),
            ("7.1.7.999", Era::Earlier),
            ("7.1.8.0", Era::Enhanced),
            ("7.1.14", Era::Enhanced),
            ("7.2", Era::Enhanced),
            ("8.0.0.0", Era::Earlier),
            ("8.0.99.1", Era::Earlier),
            ("8.1.0.0", Era::Earlier),
            ("8.1.1.300", Era::Earlier),
            ("8.1.2", Era::Enhanced),
            ("8.2.0.0", Era::Enhanced),
            ("9.0", Era::Enhanced),
        ] {
            assert_eq!(text.parse::<Level>().map(Level::era), Ok(era), "{text}");
        }
    }

    #[test]
    fn what_is_no_level_is_refused() {
        for text in [
            "",
            "8",
            "8.",
            ".8",
            "8.1.2.0.0",
            "+8.1",
            "8.1.x",
            "8.1.65536",
            "8 .1",
        ] {
            assert!(text.parse::<Level>().is_err(), "{text}");
        }
    }
}
