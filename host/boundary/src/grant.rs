//! What the operator lets a plugin reach.

use std::fmt;
use std::net::Ipv6Addr;
use std::path::{Component, Path, PathBuf};

use crate::manifest::Need;

/// The most bytes of a host's name.
const HOST_MAX: usize = 253;

/// Something that the operator lets a plugin do. It takes effect only where the plugin's manifest
/// names the same need.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Grant {
    /// TCP connections to a host and port: `connect:HOST:PORT`.
    Connect {
        /// A name or an address.
        host: String,
        /// The port.
        port: u16,
    },
    /// Starting processes of its own: `fork`.
    Fork,
    /// The kernel's key rings: `keyring`.
    Keyring,
    /// TCP connections to wherever it likes: `network`.
    Network,
    /// A file or a directory to read: `read:/PATH`.
    Read(PathBuf),
    /// The keyring service of the session's bus: `session-bus`.
    SessionBus,
    /// A Unix socket to connect to, or a directory and all sockets in it: `unix:/PATH`.
    Unix(PathBuf),
    /// A file or a directory to change: `write:/PATH`.
    Write(PathBuf),
}

/// A grant that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantError {
    /// What was written.
    pub grant: String,
    /// What is wrong.
    pub what: String,
}

impl Grant {
    /// Reads a grant as the operator writes it.
    pub fn parse(text: &str) -> Result<Self, GrantError> {
        let wrong = |what: String| GrantError {
            grant: text.to_owned(),
            what,
        };
        let at = |path: &str| plain_path(path).map_err(wrong);
        Ok(match text.split_once(':') {
            None => match text {
                "fork" => Self::Fork,
                "keyring" => Self::Keyring,
                "network" => Self::Network,
                "session-bus" => Self::SessionBus,
                _ => return Err(wrong(KNOWN.to_owned())),
            },
            Some(("connect", to)) => {
                let (host, port) = endpoint(to).map_err(wrong)?;
                Self::Connect { host, port }
            }
            Some(("read", path)) => Self::Read(at(path)?),
            Some(("unix", path)) => Self::Unix(at(path)?),
            Some(("write", path)) => Self::Write(at(path)?),
            Some(_) => return Err(wrong(KNOWN.to_owned())),
        })
    }

    /// What of this grant a need asks for, which is the narrower of both; nothing where they have
    /// nothing in common.
    pub fn narrowed(&self, need: &Need) -> Option<Self> {
        match (self, need) {
            (Self::Fork, Need::Fork)
            | (Self::Keyring, Need::Keyring)
            | (Self::SessionBus, Need::SessionBus)
            | (Self::Network | Self::Connect { .. }, Need::Network) => Some(self.clone()),
            (Self::Network, Need::Connect(to)) => connect(to),
            (Self::Connect { .. }, Need::Connect(to)) => {
                connect(to).filter(|needed| needed == self)
            }
            (Self::Read(granted), Need::ReadPath(needed) | Need::WritePath(needed))
            | (Self::Write(granted), Need::ReadPath(needed)) => {
                Some(Self::Read(narrower(granted, needed)?))
            }
            (Self::Write(granted), Need::WritePath(needed)) => {
                Some(Self::Write(narrower(granted, needed)?))
            }
            (Self::Unix(granted), Need::Unix(needed)) => {
                Some(Self::Unix(narrower(granted, needed)?))
            }
            _ => None,
        }
    }
}

/// A path that says where it leads: absolute, and without a way back up.
pub(crate) fn plain_path(text: &str) -> Result<PathBuf, String> {
    let path = Path::new(text);
    if !path.is_absolute() {
        return Err("the path must be absolute".to_owned());
    }
    if text.contains(char::is_control) {
        return Err("the path has a control character in it".to_owned());
    }
    if path.components().any(|part| part == Component::ParentDir) {
        return Err("the path must not have \"..\" in it".to_owned());
    }
    // Collected anew, so that what means the same is the same.
    Ok(path.components().collect())
}

/// A host, without the brackets of an IPv6 address, and a port.
pub(crate) fn endpoint(text: &str) -> Result<(String, u16), String> {
    let (host, port) = text.rsplit_once(':').ok_or("it must end in a port")?;
    let port = port
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| port.parse().ok())
        .flatten()
        .filter(|port| *port != 0)
        .ok_or("the port must be a number from 1 to 65535")?;
    if let Some(inner) = host.strip_prefix('[') {
        let address = inner
            .strip_suffix(']')
            .and_then(|inner| inner.parse::<Ipv6Addr>().ok())
            .ok_or("what stands in brackets must be an IPv6 address")?;
        return Ok((address.to_string(), port));
    }
    // It is written into a file of hosts, so it has to be a name and nothing else.
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if host.is_empty() || host.len() > HOST_MAX || !host.bytes().all(allowed) {
        return Err("the host must be a name, an IPv4 address or an [IPv6 address]".to_owned());
    }
    Ok((host.to_ascii_lowercase(), port))
}

const KNOWN: &str = "it must be one of read:/PATH, write:/PATH, unix:/PATH, connect:HOST:PORT, \
                     network, fork, keyring and session-bus";

fn connect(to: &str) -> Option<Grant> {
    let (host, port) = endpoint(to).ok()?;
    Some(Grant::Connect { host, port })
}

fn narrower(one: &Path, other: &Path) -> Option<PathBuf> {
    if one.starts_with(other) {
        Some(one.to_owned())
    } else if other.starts_with(one) {
        Some(other.to_owned())
    } else {
        None
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect { host, port } if host.contains(':') => {
                write!(f, "connect:[{host}]:{port}")
            }
            Self::Connect { host, port } => write!(f, "connect:{host}:{port}"),
            Self::Fork => f.write_str("fork"),
            Self::Keyring => f.write_str("keyring"),
            Self::Network => f.write_str("network"),
            Self::Read(path) => write!(f, "read:{}", path.display()),
            Self::SessionBus => f.write_str("session-bus"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Write(path) => write!(f, "write:{}", path.display()),
        }
    }
}

impl fmt::Display for GrantError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the grant {:?}: {}", self.grant, self.what)
    }
}

impl std::error::Error for GrantError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Grant {
        Grant::parse(text).unwrap()
    }

    fn wrong(text: &str) -> String {
        Grant::parse(text).unwrap_err().what
    }

    #[test]
    fn grant_is_shown_as_it_is_read() {
        for text in [
            "read:/etc/softhsm2.conf",
            "write:/var/lib/softhsm",
            "unix:/run/pcscd/pcscd.comm",
            "connect:ldap.example:636",
            "connect:192.0.2.1:636",
            "connect:[2001:db8::1]:636",
            "network",
            "fork",
            "keyring",
            "session-bus",
            "read:/",
        ] {
            assert_eq!(parsed(text).to_string(), text);
        }
        assert_eq!(parsed("read:/etc//./x/").to_string(), "read:/etc/x");
        assert_eq!(
            parsed("connect:LDAP.example:636").to_string(),
            "connect:ldap.example:636"
        );
    }

    #[test]
    fn path_says_where_it_leads() {
        assert!(wrong("read:etc").contains("absolute"));
        assert!(wrong("read:").contains("absolute"));
        assert!(wrong("write:/var/../etc").contains(".."));
        assert!(wrong("unix:/run/..").contains(".."));
        assert!(wrong("read:/a\0b").contains("control character"));
        assert!(wrong("read:/a\nb").contains("control character"));
        // No way up, and only looks like one.
        assert_eq!(parsed("read:/a/..b").to_string(), "read:/a/..b");
    }

    #[test]
    fn endpoint_is_one_host_and_one_port() {
        for text in [
            "connect:ldap.example",
            "connect:ldap.example:0",
            "connect:ldap.example:99999",
            "connect:ldap.example:+80",
            "connect::636",
            "connect:a b:636",
            "connect:a\nb:636",
            "connect:#:636",
            "connect:2001:db8::1:636",
            "connect:[192.0.2.1]:636",
            "connect:[::1:636",
            "connect:*:636",
        ] {
            assert!(Grant::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_not_known_names_what_is() {
        for text in ["", "everything", "exec:/bin/sh", "Read:/x", "fork:", "read"] {
            let error = Grant::parse(text).unwrap_err();
            assert_eq!(error.grant, text);
            assert!(error.to_string().contains("connect:HOST:PORT"), "{error}");
        }
    }

    fn narrowed(grant: &str, need: &Need) -> Option<String> {
        parsed(grant).narrowed(need).map(|both| both.to_string())
    }

    #[test]
    fn narrower_of_grant_and_need_holds() {
        let read = |path: &str| Need::ReadPath(path.into());
        let write = |path: &str| Need::WritePath(path.into());
        let both = |text: &str| Some(text.to_owned());
        assert_eq!(
            narrowed("read:/etc/a/b", &read("/etc/a")),
            both("read:/etc/a/b")
        );
        assert_eq!(
            narrowed("read:/etc", &read("/etc/a/b")),
            both("read:/etc/a/b")
        );
        assert_eq!(narrowed("read:/etc/ab", &read("/etc/a")), None);
        assert_eq!(narrowed("write:/v", &read("/v/a")), both("read:/v/a"));
        assert_eq!(narrowed("read:/v/a", &write("/v")), both("read:/v/a"));
        assert_eq!(narrowed("write:/v/a", &write("/v")), both("write:/v/a"));
        assert_eq!(narrowed("read:/run/s", &Need::Unix("/run/s".into())), None);
        assert_eq!(
            narrowed("unix:/run/user/1/bus", &Need::Unix("/run/user".into())),
            both("unix:/run/user/1/bus")
        );
        assert_eq!(narrowed("read:/etc", &Need::Read), None);
        assert_eq!(narrowed("write:/etc", &Need::Write), None);
        assert_eq!(narrowed("fork", &Need::Keyring), None);
        assert_eq!(narrowed("fork", &Need::Fork), both("fork"));
        let bus = Need::Unix("/run/user/1/bus".into());
        assert_eq!(narrowed("session-bus", &bus), None);
        assert_eq!(narrowed("unix:/run/user/1/bus", &Need::SessionBus), None);
        assert_eq!(
            narrowed("session-bus", &Need::SessionBus),
            both("session-bus")
        );
    }

    #[test]
    fn network_and_connections_narrow_each_other() {
        let host = || Need::Connect("a.example:636".to_owned());
        let both = |text: &str| Some(text.to_owned());
        assert_eq!(
            narrowed("connect:a.example:636", &Need::Network),
            both("connect:a.example:636")
        );
        assert_eq!(narrowed("network", &host()), both("connect:a.example:636"));
        assert_eq!(
            narrowed("connect:a.example:636", &host()),
            both("connect:a.example:636")
        );
        assert_eq!(narrowed("connect:a.example:389", &host()), None);
        assert_eq!(narrowed("connect:b.example:636", &host()), None);
        assert_eq!(narrowed("network", &Need::Network), both("network"));
    }
}
