//! Which checks a verdict makes: all of them, always, except under a test's knife.

/// The checks of a verdict; a program has all of them and no way to have fewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checks {
    pin: bool,
    validity: bool,
    name: bool,
    purpose: bool,
}

impl Checks {
    /// Every check.
    pub const fn all() -> Self {
        Self {
            pin: true,
            validity: true,
            name: true,
            purpose: true,
        }
    }

    /// Whether a pin is compared byte for byte.
    pub(crate) const fn pin(self) -> bool {
        self.pin
    }

    /// Whether dates are looked at.
    pub(crate) const fn validity(self) -> bool {
        self.validity
    }

    /// Whether the name is looked at.
    pub(crate) const fn name(self) -> bool {
        self.name
    }

    /// Whether the purpose is looked at.
    pub(crate) const fn purpose(self) -> bool {
        self.purpose
    }
}

impl Default for Checks {
    fn default() -> Self {
        Self::all()
    }
}

#[cfg(feature = "sabotage")]
mod sabotage {
    use super::Checks;

    /// One check of a verdict.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub enum Check {
        /// Whether the server's address is one of the certificate's names.
        Name,
        /// Whether a pin equals what is presented; without it any end entity matches any pin.
        Pin,
        /// Whether the certificate is for servers.
        Purpose,
        /// Whether the dates hold.
        Validity,
    }

    impl Checks {
        /// Every check but one, so that a test can see that its absence is noticed.
        pub const fn without(check: Check) -> Self {
            let mut checks = Self::all();
            match check {
                Check::Name => checks.name = false,
                Check::Pin => checks.pin = false,
                Check::Purpose => checks.purpose = false,
                Check::Validity => checks.validity = false,
            }
            checks
        }
    }
}

#[cfg(feature = "sabotage")]
pub use sabotage::Check;

#[cfg(all(test, feature = "sabotage"))]
mod tests;
