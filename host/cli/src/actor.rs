//! Who acts, for the journal.

use std::fs::File;
use std::io::Read;

use anchorhold_state::Actor;

use crate::invocation::PROGRAM;

/// The user that this process runs as, by name where the machine knows one.
pub(crate) fn here() -> Actor {
    Actor::new(user(rustix::process::getuid().as_raw()), PROGRAM)
}

/// A user, by name where the machine knows one.
pub(crate) fn user(uid: u32) -> String {
    let name = users().and_then(|users| name_of(&users, uid));
    name.unwrap_or_else(|| format!("uid {uid}"))
}

/// The machine's own list of users. Directory services are not asked: that may take long, and
/// a number says it as well.
fn users() -> Option<String> {
    let mut text = String::new();
    File::open("/etc/passwd")
        .ok()?
        .take(USERS_MAX)
        .read_to_string(&mut text)
        .ok()?;
    Some(text)
}

fn name_of(users: &str, uid: u32) -> Option<String> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        let number = fields.nth(1)?.parse::<u32>().ok()?;
        (number == uid).then(|| name.to_owned())
    })
}

const USERS_MAX: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_number() {
        let users =
            "root:x:0:0:root:/root:/bin/bash\n+::::::\nada:x:1000:1000::/home/ada:/bin/sh\n";
        assert_eq!(name_of(users, 0).as_deref(), Some("root"));
        assert_eq!(name_of(users, 1000).as_deref(), Some("ada"));
        assert_eq!(name_of(users, 1), None);
    }
}
