//! Every struct of the contract with its size and its offsets, checked when this crate compiles.
//!
//! The numbers are those of a 64-bit machine, the same ones that stand in `sdk/abi.lock`.

#[allow(
    clippy::wildcard_imports,
    reason = "everything that there is, is listed here"
)]
use crate::*;

/// Where one field stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// As in C.
    pub name: &'static str,
    /// From the start of the struct.
    pub offset: usize,
    /// In bytes.
    pub size: usize,
}

/// How one struct is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// As in C.
    pub name: &'static str,
    /// In bytes.
    pub size: usize,
    /// In order.
    pub fields: &'static [Field],
}

macro_rules! layouts {
    ($($name:ident $size:literal { $($field:ident $(as $c_name:literal)? $offset:literal),+ })+) => {
        /// Every struct, in the order of the header.
        pub const LAYOUTS: &[Layout] = &[$(Layout {
            name: stringify!($name),
            size: size_of::<$name>(),
            fields: &[$(Field {
                name: layouts!(@name $field $($c_name)?),
                offset: core::mem::offset_of!($name, $field),
                size: field_size(|value: &$name| &raw const value.$field),
            }),+],
        }),+];

        #[cfg(target_pointer_width = "64")]
        const _: () = {
            $(
                assert!(size_of::<$name>() == $size, concat!("size of ", stringify!($name)));
                $(assert!(
                    core::mem::offset_of!($name, $field) == $offset,
                    concat!("offset of ", stringify!($name), ".", stringify!($field)),
                );)+
            )+
        };
    };
    (@name $field:ident) => { stringify!($field) };
    (@name $field:ident $c_name:literal) => { $c_name };
}

const fn field_size<T, F>(_: fn(&T) -> *const F) -> usize {
    size_of::<F>()
}

layouts! {
    ah_str 16 { ptr 0, len 8 }
    ah_bytes 16 { ptr 0, len 8 }
    ah_error 256 {
        struct_size 0, status 4, native_code 8, retry_after_ms 12, native_domain 16, message 32
    }
    ah_call 40 {
        struct_size 0, flags 4, timeout_ms 8, reserved 12, trace_id 16, impl_ as "impl" 24,
        cancelled 32
    }
    ah_setting 32 { key 0, value 16 }
    ah_config 48 { struct_size 0, setting_count 4, settings 8, store_name 16, state_dir 32 }
    ah_query 48 { struct_size 0, by 4, kinds 8, purpose 12, key 16, serial 32 }
    ah_rule 16 { purpose 0, decision 4, issued_before 8 }
    ah_item 128 {
        struct_size 0, kind 4, flags 8, rule_stride 12, created 16, modified 24, rules 32,
        rule_count 40, id 48, der 64, label 80, name_constraints 96, scope 112
    }
    ah_item_sink 24 { struct_size 0, reserved 4, impl_ as "impl" 8, push 16 }
    ah_byte_sink 24 { struct_size 0, reserved 4, impl_ as "impl" 8, put 16 }
    ah_page 152 { struct_size 0, limit 4, generation 8, cursor_len 16, reserved 20, cursor 24 }
    ah_health 168 {
        struct_size 0, state 4, flags 8, attempts_left 12, generation 16, item_count 24,
        last_success 32, detail 40
    }
    ah_store_ops 32 { struct_size 0, reserved 4, close 8, health 16, list 24 }
    ah_find_ops 16 { struct_size 0, reserved 4, find 8 }
    ah_change 32 { action 0, reserved 4, item 8, id 16 }
    ah_batch 40 {
        struct_size 0, flags 4, change_stride 8, reserved 12, if_generation 16, changes 24,
        change_count 32
    }
    ah_outcome 32 { struct_size 0, index 4, what 8, reserved 12, id 16 }
    ah_outcome_sink 24 { struct_size 0, reserved 4, impl_ as "impl" 8, push 16 }
    ah_write_ops 16 { struct_size 0, flags 4, apply 8 }
    ah_unlock_ops 24 { struct_size 0, reserved 4, unlock 8, lock 16 }
    ah_sign_ops 24 { struct_size 0, reserved 4, schemes 8, sign 16 }
    ah_host 64 {
        struct_size 0, reserved 4, impl_ as "impl" 8, name 16, version 32, log 48, extension 56
    }
    ah_prompt 64 {
        struct_size 0, kind 4, attempts_left 8, flags 12, setting 16, title 32, detail 48
    }
    ah_host_prompt 16 { struct_size 0, reserved 4, ask 8 }
    ah_host_notify 16 { struct_size 0, reserved 4, changed 8 }
    ah_host_secret_mem 24 { struct_size 0, reserved 4, take 8, give_back 16 }
    ah_plugin 104 {
        struct_size 0, magic 4, abi_major 8, abi_minor 10, flags 12, id 16, name 32, version 48,
        manifest 64, ops 80, extension 88, open 96
    }
}

macro_rules! growing {
    ($($name:ident)+) => { $(
        // SAFETY: the struct is `repr(C)`, starts with `struct_size`, and is made of numbers,
        // pointers and nullable functions, for all of which zero is a value (R1). Nothing has been
        // added since version 1.0.
        unsafe impl Growing for $name {
            const SIZE_1_0: u32 = <$name as Growing>::SIZE;
        }
    )+ };
}

growing! {
    ah_error ah_call ah_config ah_query ah_item ah_item_sink ah_byte_sink ah_page ah_health
    ah_store_ops ah_find_ops ah_batch ah_outcome ah_outcome_sink ah_write_ops ah_unlock_ops
    ah_sign_ops ah_host ah_prompt ah_host_prompt ah_host_notify ah_host_secret_mem ah_plugin
}
