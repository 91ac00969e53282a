//! Structs of the contract in the sizes that hosts of other versions give them.

use std::marker::PhantomData;

use anchorhold_abi::Growing;

use crate::arena::{Loan, Use};
use crate::voice::breach;
use crate::word::{Call, Thing};

/// In which version's size structs are lent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Size {
    /// As version 1.0 had them.
    First,
    /// As this version has them.
    #[default]
    Own,
    /// As a later version may have them: with more behind what is known.
    Longer,
}

/// What a later version has more, in bytes.
const MORE: usize = 32;
/// What stands there.
const UNKNOWN: u8 = 0x5a;

impl Size {
    /// How many bytes the struct has.
    pub(crate) fn of<T: Growing>(self) -> u32 {
        match self {
            Self::First => T::SIZE_1_0,
            Self::Own => T::SIZE,
            Self::Longer => T::SIZE.saturating_add(32),
        }
    }

    /// The bytes of the struct in this size.
    fn bytes<T: Growing>(self, value: &T) -> Vec<u8> {
        // SAFETY: R1: the structs of the contract have no padding, so all their bytes are values.
        let own = unsafe {
            std::slice::from_raw_parts(std::ptr::from_ref(value).cast::<u8>(), size_of::<T>())
        };
        let mut bytes = own.to_vec();
        let size = self.of::<T>();
        bytes.resize(usize::try_from(size).unwrap_or(0), UNKNOWN);
        if let Some(stated) = bytes.get_mut(..size_of::<u32>()) {
            stated.copy_from_slice(&size.to_ne_bytes());
        }
        bytes
    }
}

/// Lends a struct in a size.
pub(crate) fn lend<T: Growing>(
    call: Call,
    thing: Thing,
    value: &T,
    size: Size,
) -> Result<Loan, String> {
    Loan::new(call, thing, Use::In, &size.bytes(value))
}

/// A struct that the plugin fills, lent until it is taken back.
#[derive(Debug)]
pub(crate) struct Out<T> {
    loan: Loan,
    call: Call,
    thing: Thing,
    size: Size,
    value: PhantomData<T>,
}

impl<T: Growing> Out<T> {
    /// Lends one.
    pub(crate) fn new(call: Call, thing: Thing, value: &T, size: Size) -> Result<Self, String> {
        Ok(Self {
            loan: Loan::new(call, thing, Use::Out, &size.bytes(value))?,
            call,
            thing,
            size,
            value: PhantomData,
        })
    }

    /// As the plugin sees it.
    pub(crate) fn address(&self) -> *mut T {
        self.loan.address_mut()
    }

    /// What the plugin wrote, and notes what it must not have written.
    pub(crate) fn take(self) -> T {
        let (call, thing) = (self.call, self.thing);
        if self.loan.is_underrun() {
            breach(format!("wrote before the beginning of {thing} in {call}"));
        }
        let bytes = self.loan.contents();
        let stated = self.size.of::<T>().to_ne_bytes();
        if bytes.get(..stated.len()) != Some(&stated[..]) {
            breach(format!("changed the struct_size of {thing} in {call}"));
        }
        let more = bytes.get(size_of::<T>()..).unwrap_or_default();
        if self.size == Size::Longer && (more.len() != MORE || more.iter().any(|b| *b != UNKNOWN)) {
            breach(format!(
                "wrote to fields of {thing} that it does not know, in {call}"
            ));
        }
        let mut value = T::blank();
        let known = bytes.len().min(size_of::<T>());
        // SAFETY: R1: `value` has at least `known` bytes, and any bytes are a value of it.
        unsafe {
            (&raw mut value)
                .cast::<u8>()
                .copy_from_nonoverlapping(bytes.as_ptr(), known);
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::voice::take_breaches;
    use anchorhold_abi::ah_health;

    #[test]
    fn what_is_written_within_the_size_is_taken() {
        // R1
        for size in [Size::First, Size::Own, Size::Longer] {
            let out = Out::new(Call::Health, Thing::Health, &ah_health::blank(), size).unwrap();
            // SAFETY: R1: `state` lies within the size of version 1.0.
            unsafe { (*out.address()).state = 3 };
            assert_eq!(out.take().state, 3);
        }
    }

    #[test]
    fn what_is_written_beyond_is_noted() {
        // R1
        let longer = Size::Longer;
        let out = Out::new(Call::Health, Thing::Health, &ah_health::blank(), longer).unwrap();
        // SAFETY: R1: a later version has 32 bytes behind the struct.
        unsafe {
            out.address().add(1).cast::<u8>().write(0);
            (*out.address()).struct_size = 1;
        }
        out.take();
        let breaches = take_breaches().join("\n");
        assert!(breaches.contains("changed the struct_size of ah_health in health"));
        assert!(breaches.contains("wrote to fields of ah_health that it does not know"));
    }
}
