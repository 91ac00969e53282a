//! Where the bus of a session is: one socket with a path, since nothing else can be granted alone.

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use crate::grant::plain_path;

/// The variable that tells a program where the bus is.
pub const VARIABLE: &str = "DBUS_SESSION_BUS_ADDRESS";

/// Where the bus of this user's session usually is.
pub fn usual() -> PathBuf {
    let user = rustix::process::geteuid().as_raw();
    PathBuf::from(format!("/run/user/{user}/bus"))
}

/// The path in `unix:path=/PATH`. What else there is of such addresses cannot be told apart from
/// what is not granted.
pub fn socket_of(address: &OsStr) -> Result<PathBuf, String> {
    const FORM: &str = "it must be one address of the form unix:path=/PATH";
    let address = address.to_str().ok_or(FORM)?;
    let keys = address.strip_prefix("unix:").ok_or(FORM)?;
    if keys.contains(';') {
        return Err(FORM.to_owned());
    }
    let mut path = None;
    for pair in keys.split(',') {
        match pair.split_once('=') {
            Some(("path", value)) if path.is_none() => path = Some(value),
            // It says which bus it is, and leads nowhere.
            Some(("guid", _)) => {}
            Some(("abstract", _)) => {
                return Err(format!(
                    "an abstract socket cannot be granted without all others: {FORM}"
                ));
            }
            _ => return Err(FORM.to_owned()),
        }
    }
    let path = unescaped(path.ok_or(FORM)?).ok_or(FORM)?;
    let path = OsString::from_vec(path).into_string().map_err(|_| FORM)?;
    plain_path(&path)
}

/// The bytes of a value in an address, in which `%` and two digits are one byte.
fn unescaped(value: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut left = value.bytes();
    while let Some(byte) = left.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [left.next()?, left.next()?];
        let is_hex = digits.iter().all(u8::is_ascii_hexdigit);
        let digits = std::str::from_utf8(&digits).ok().filter(|_| is_hex)?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
    }
    Some(bytes)
}

/// The address of a socket.
pub(crate) fn address(socket: &Path) -> String {
    let mut address = "unix:path=".to_owned();
    for byte in socket.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"-_/.".contains(byte) {
            address.push(char::from(*byte));
        } else {
            // Nothing fails that writes to a text.
            let _written = write!(address, "%{byte:02x}");
        }
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_path_of_a_socket_is_an_address() {
        let read = |text: &str| socket_of(OsStr::new(text));
        for (text, path) in [
            ("unix:path=/run/user/1/bus", "/run/user/1/bus"),
            ("unix:path=/run/user/1/bus,guid=00ff", "/run/user/1/bus"),
            ("unix:guid=00ff,path=/tmp/a%20b%2c", "/tmp/a b,"),
            ("unix:path=/tmp//dbus-x/", "/tmp/dbus-x"),
        ] {
            assert_eq!(read(text).unwrap(), Path::new(path), "{text}");
        }
        for text in [
            "",
            "unix:",
            "unix:path=",
            "unix:path=run/bus",
            "unix:path=/run/../bus",
            "unix:path=/a,path=/b",
            "unix:path=/a;unix:path=/b",
            "unix:path=/a%2",
            "unix:path=/a%zz",
            "unix:path=/a%+1",
            "unix:path=/a%00b",
            "unix:path=/a%ff",
            "unix:tmpdir=/tmp",
            "unix:runtime=yes",
            "tcp:host=localhost,port=1",
            "unixexec:path=/bin/sh",
            "autolaunch:",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
        let all = read("unix:abstract=/tmp/dbus-x").unwrap_err();
        assert!(all.contains("without all others"), "{all}");
        let odd = Path::new("/tmp/a b;c,d%e=\u{e9}");
        assert_eq!(read(&address(odd)).unwrap(), odd);
    }
}
