//! Texts of a runner's own, which it sees in place of the machine's.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use crate::sandbox::SandboxSpec;

/// What the C library looks up who a process runs as in.
pub(super) const USERS: [&str; 2] = ["/etc/group", "/etc/passwd"];

/// The most bytes that are looked through for one line.
const LOOKED_THROUGH: u64 = 4 << 20;

/// The texts, each with its path. What is granted is seen as it is.
pub(super) fn texts(spec: &SandboxSpec) -> Vec<(&'static str, String)> {
    let is_granted = |path: &str| {
        let mut granted = spec.read.iter().chain(&spec.write);
        granted.any(|granted| Path::new(path).starts_with(granted))
    };
    let users = users().into_iter().filter(|(path, _)| !is_granted(path));
    names(spec).into_iter().chain(users).collect()
}

/// Whom this process runs as, and nobody else: a library that asks finds that it is somebody, and
/// no home of anybody's.
fn users() -> [(&'static str, String); 2] {
    let (user, group) = (
        rustix::process::geteuid().as_raw().to_string(),
        rustix::process::getegid().as_raw().to_string(),
    );
    let [groups, passwords] = USERS;
    let named = |path, number: &str| name(path, number).unwrap_or_else(|| format!("u{number}"));
    let (user_name, group_name) = (named(passwords, &user), named(groups, &group));
    [
        (groups, format!("{group_name}:x:{group}:\n")),
        (
            passwords,
            format!("{user_name}:x:{user}:{group}::/nonexistent:/usr/sbin/nologin\n"),
        ),
    ]
}

/// The name of a number, in a file in which it is the third field of a line, and the name the
/// first.
fn name(path: &str, number: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let file = File::open(path).ok()?;
    file.take(LOOKED_THROUGH).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let name = text.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == number).then_some(name)
    })?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (!name.is_empty() && name.bytes().all(is_plain)).then(|| name.to_owned())
}

/// The files that names of hosts are looked up in, as the runner is to see them: where only some
/// hosts are granted, it knows those and no other.
fn names(spec: &SandboxSpec) -> Vec<(&'static str, String)> {
    if !spec.reaches_network() {
        return Vec::new();
    }
    let mut hosts = "127.0.0.1 localhost\n::1 localhost\n".to_owned();
    for endpoint in &spec.connect {
        for address in &endpoint.addresses {
            // An address needs no name.
            if endpoint.host.parse::<std::net::IpAddr>().is_err() {
                hosts.push_str(&format!("{address} {}\n", endpoint.host));
            }
        }
    }
    let mut ways = "passwd: files\ngroup: files\nhosts: files".to_owned();
    let mut servers = String::new();
    if spec.network {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        hosts.push_str(&read("/etc/hosts"));
        ways.push_str(" dns");
        // Servers of names are asked over TCP, since there is no UDP.
        servers = format!("{}\noptions use-vc\n", read("/etc/resolv.conf"));
    }
    ways.push('\n');
    vec![
        ("/etc/hosts", hosts),
        ("/etc/nsswitch.conf", ways),
        ("/etc/resolv.conf", servers),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runner_knows_its_own_user_and_no_other() {
        let [(groups, group), (passwords, user)] = users();
        assert_eq!([groups, passwords], USERS);
        let number = rustix::process::geteuid().as_raw();
        assert!(user.contains(&format!(":x:{number}:")), "{user}");
        assert!(user.contains(":/nonexistent:"), "{user}");
        assert_eq!(user.lines().count(), 1);
        assert_eq!(group.lines().count(), 1);
        assert_eq!(name("/etc/passwd", "0").as_deref(), Some("root"));
        assert_eq!(name("/etc/passwd", "no number"), None);
        assert_eq!(name("/nowhere", "0"), None);
    }

    #[test]
    fn what_is_granted_is_seen_as_it_is() {
        let seen = |read: &str| {
            let spec = SandboxSpec {
                read: vec![read.into()],
                ..SandboxSpec::default()
            };
            texts(&spec).into_iter().map(|(path, _)| path).collect()
        };
        let all: Vec<&str> = seen("/srv");
        assert_eq!(all, USERS);
        let none: [Vec<&str>; 2] = [seen("/"), seen("/etc")];
        assert!(none.iter().all(Vec::is_empty));
        let groups: Vec<&str> = seen("/etc/passwd");
        assert_eq!(groups, ["/etc/group"]);
    }
}
