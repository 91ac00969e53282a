//! Rule R1 in two functions: reading and writing a struct of the other side by its stated size.

/// A struct that starts with `struct_size`.
///
/// # Safety
///
/// The type is `#[repr(C)]`, starts with a `u32` named `struct_size`, is valid when every byte is
/// zero, owns nothing, and has `SIZE_1_0` bytes in version 1.0 of the contract.
pub unsafe trait Growing: Copy {
    /// How long the struct was in version 1.0: less is refused.
    const SIZE_1_0: u32;

    /// How long it is now, the value of `struct_size` in a struct of ours.
    const SIZE: u32 = stride_of::<Self>();

    /// A struct of ours: `struct_size` is set, the rest is zero.
    fn blank() -> Self {
        // SAFETY: R1: the trait promises that all zeroes are a value.
        let mut value: Self = unsafe { core::mem::zeroed() };
        // SAFETY: R1: the trait promises that the first four bytes are `struct_size`.
        unsafe { (&raw mut value).cast::<u32>().write(Self::SIZE) };
        value
    }
}

/// The size of a type as the contract has sizes: what stands beside an array of it.
pub const fn stride_of<T>() -> u32 {
    assert!(
        size_of::<T>() <= 1 << 16,
        "no struct of the contract is as large as this"
    );
    #[expect(
        clippy::cast_possible_truncation,
        reason = "asserted in the line before"
    )]
    let size = size_of::<T>() as u32;
    size
}

/// Copies a struct of the other side into one of ours: what is not there reads as zero, what is
/// not known is left out. `None` where `from` is NULL, not aligned, or shorter than in version 1.0.
/// `struct_size` keeps the value that the other side gave it.
///
/// # Safety
///
/// `from` is NULL or points to `struct_size` readable bytes (R1), which nobody writes meanwhile.
pub unsafe fn read<T: Growing>(from: *const T) -> Option<T> {
    // SAFETY: R1, as promised by the caller.
    let size = unsafe { stated_size(from) }?;
    let mut value = T::blank();
    // SAFETY: R1: `from` has `size` bytes, `value` has no fewer than the minimum of both, and one
    // of them is a local.
    unsafe {
        core::ptr::copy_nonoverlapping(
            from.cast::<u8>(),
            (&raw mut value).cast::<u8>(),
            size.min(size_of::<T>()),
        );
    }
    Some(value)
}

/// Copies a struct of ours into one of the other side, as far as that reaches; its `struct_size`
/// stays. False, and nothing is touched, where `to` is NULL, not aligned, or shorter than in
/// version 1.0.
///
/// # Safety
///
/// `to` is NULL or points to `struct_size` writable bytes (R1), which nobody else uses meanwhile.
pub unsafe fn write<T: Growing>(to: *mut T, value: &T) -> bool {
    // SAFETY: R1, as promised by the caller.
    let Some(size) = (unsafe { stated_size(to) }) else {
        return false;
    };
    let skip = size_of::<u32>();
    // SAFETY: R1: both sides have at least the minimum of both sizes, and version 1.0 is longer
    // than `struct_size` itself.
    unsafe {
        core::ptr::copy_nonoverlapping(
            core::ptr::from_ref(value).cast::<u8>().add(skip),
            to.cast::<u8>().add(skip),
            size.min(size_of::<T>()) - skip,
        );
    }
    true
}

/// The `struct_size` of a struct that is long enough.
///
/// # Safety
///
/// `from` is NULL or points to `struct_size` readable bytes (R1).
unsafe fn stated_size<T: Growing>(from: *const T) -> Option<usize> {
    if from.is_null() || !from.is_aligned() {
        return None;
    }
    // SAFETY: R1: the struct starts with its size, and the pointer is aligned for more than that.
    let size = unsafe { from.cast::<u32>().read() };
    if size < T::SIZE_1_0 {
        return None;
    }
    usize::try_from(size).ok()
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;

    /// A struct that had two fields in version 1.0 and has three now.
    #[repr(C)]
    #[derive(Clone, Copy, Debug, PartialEq)]
    struct Grown {
        struct_size: u32,
        first: u32,
        later: u64,
    }

    // SAFETY: `repr(C)`, starts with `struct_size`, made of numbers (R1).
    unsafe impl Growing for Grown {
        const SIZE_1_0: u32 = 8;
    }

    const POISON: u64 = 0xdead_beef_dead_beef;

    #[test]
    fn what_an_older_side_does_not_have_reads_as_zero() {
        // R1
        let older = Grown {
            struct_size: 8,
            first: 7,
            later: POISON,
        };
        // SAFETY: R1: longer than it states.
        let read = unsafe { read(&raw const older) };
        assert_eq!(
            read,
            Some(Grown {
                struct_size: 8,
                first: 7,
                later: 0
            })
        );
    }

    #[test]
    fn what_a_newer_side_has_more_is_left_out() {
        // R1
        let newer = [Grown {
            struct_size: 32,
            first: 7,
            later: 8,
        }; 2];
        // SAFETY: R1: as long as the first one states.
        let read = unsafe { read(newer.as_ptr()) };
        assert_eq!(read, Some(newer[0]));
    }

    #[test]
    fn what_is_shorter_than_the_first_version_is_refused() {
        // R1
        let mut short = Grown {
            struct_size: 7,
            first: 7,
            later: 8,
        };
        // SAFETY: R1: longer than it states, and NULL.
        unsafe {
            assert_eq!(read(&raw const short), None);
            assert_eq!(read(core::ptr::null::<Grown>()), None);
            assert!(!write(&raw mut short, &Grown::blank()));
        }
        assert_eq!(short.first, 7);
    }

    #[test]
    fn only_what_the_other_side_has_is_written() {
        // R1
        let ours = Grown {
            struct_size: Grown::SIZE,
            first: 1,
            later: 2,
        };
        let mut older = Grown {
            struct_size: 8,
            first: 7,
            later: POISON,
        };
        let mut newer = [Grown {
            struct_size: 32,
            first: 7,
            later: 8,
        }; 2];
        // SAFETY: R1: each is at least as long as it states.
        unsafe {
            assert!(write(&raw mut older, &ours));
            assert!(write(newer.as_mut_ptr(), &ours));
        }
        assert_eq!(
            older,
            Grown {
                struct_size: 8,
                first: 1,
                later: POISON
            }
        );
        assert_eq!(
            newer[0],
            Grown {
                struct_size: 32,
                first: 1,
                later: 2
            }
        );
        assert_eq!(
            newer[1],
            Grown {
                struct_size: 32,
                first: 7,
                later: 8
            }
        );
    }

    #[test]
    fn pointer_that_is_not_aligned_is_refused() {
        let bytes = [Grown::blank(); 2];
        let odd = bytes.as_ptr().wrapping_byte_add(1);
        // SAFETY: R1: nothing is read of a pointer that is not aligned.
        assert_eq!(unsafe { read(odd) }, None);
    }

    #[test]
    fn blank_knows_its_size() {
        assert_eq!(
            Grown::blank(),
            Grown {
                struct_size: 16,
                first: 0,
                later: 0
            }
        );
    }
}
