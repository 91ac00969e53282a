//! What a plugin's environment may say; it is empty but for what somebody wrote down.

/// Why no runner gets a variable of the loader.
pub const LOADER: &str = "a variable of the loader could bring code into the runner that nobody \
                          has admitted";

/// Refuses what is no variable, and what would load code that nobody admitted.
pub fn check(name: &str, value: &str) -> Result<(), &'static str> {
    if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
        return Err("this is no environment variable");
    }
    match is_of_loader(name) {
        true => Err(LOADER),
        false => Ok(()),
    }
}

/// Whether a variable tells the loader, or the C library, which code to load.
fn is_of_loader(name: &str) -> bool {
    name.starts_with("LD_") || matches!(name, "GCONV_PATH" | "GLIBC_TUNABLES")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_loads_code_is_no_variable_of_a_plugin() {
        for name in [
            "LD_PRELOAD",
            "LD_LIBRARY_PATH",
            "GCONV_PATH",
            "GLIBC_TUNABLES",
        ] {
            assert_eq!(check(name, "/x"), Err(LOADER), "{name}");
        }
        for (name, value) in [("", "x"), ("A=B", "x"), ("A\0", "x"), ("A", "x\0")] {
            assert!(check(name, value).is_err(), "{name:?} {value:?}");
        }
        assert_eq!(check("SOFTHSM2_CONF", "/etc/softhsm2.conf"), Ok(()));
        assert_eq!(check("A", ""), Ok(()));
    }
}
