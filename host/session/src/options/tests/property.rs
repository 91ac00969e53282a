//! Whatever the bytes, parsing ends, and every mistake has a line of the file.

use std::path::Path;

use crate::options::{Source, SourceRole, parse};

/// A small generator, so that a failure is the same on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let sides = u64::try_from(sides).expect("it fits");
        usize::try_from(self.0 % sides).expect("it is below the sides")
    }

    fn pick<'a>(&mut self, from: &[&'a [u8]]) -> &'a [u8] {
        from[self.roll(from.len())]
    }
}

const WORDS: &[&[u8]] = &[
    b"SErvername",
    b"se",
    b"REPLSERVERName",
    b"DEFAULTServer",
    b"SSL",
    b"SSLREQ",
    b"SSLACCEPT",
    b"SSLACCEPTCERTFROMSERV",
    b"SSLFIPSMODE=",
    b"COMMMethod",
    b"TCPS",
    b"tcpp",
    b"REPLTCPPort",
    b"REPLSERVERGUID",
    b"REPLTCPSERVERADDRESS",
    b"MYREPLICATIONServer",
    b"NODename",
    b"PASSWORDDIR",
    b"PASsword",
    b"passwordaccess",
    b"DOMain",
    b"*",
    b"yes",
    b"No",
    b"\"a b\"",
    b"a",
    b"b",
    b"a,b",
    b"1500",
    b"99999",
    b"::1",
    b"V6Tcpip",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\xc3",
    b"\0",
    b"=",
    b"\x1a",
    "ẞ".as_bytes(),
    "İ".as_bytes(),
];
const GAPS: &[&[u8]] = &[
    b" ", b" ", b"\t", b"\n", b"\n", b"\r\n", b"\r", b"", b"\n  ",
];

#[test]
fn no_bytes_upset_the_parser() {
    let mut dice = Dice(0x2545_f491_4f6c_dd1d);
    for round in 0..2_000 {
        let mut bytes = Vec::new();
        for _ in 0..dice.roll(40) {
            bytes.extend_from_slice(dice.pick(WORDS));
            bytes.extend_from_slice(dice.pick(GAPS));
            if dice.roll(8) == 0 {
                bytes.push(u8::try_from(dice.roll(256)).expect("a byte"));
            }
        }
        let cut = dice.roll(bytes.len() + 1);
        let roles = [SourceRole::System, SourceRole::User, SourceRole::System];
        check(&[(&bytes, roles[round % 3])]);
        check(&[(&bytes[..cut], roles[0]), (&bytes[cut..], roles[round % 2])]);
    }
}

fn check(files: &[(&[u8], SourceRole)]) {
    let paths = [Path::new("one"), Path::new("two")];
    let sources: Vec<Source<'_>> = files
        .iter()
        .zip(paths)
        .map(|((bytes, role), path)| Source {
            path,
            bytes,
            role: *role,
        })
        .collect();
    match parse(&sources) {
        Ok(options) => {
            for stanza in &options.stanzas {
                assert!(options.stanza(&stanza.name).is_some());
                assert!(!stanza.effective().is_empty());
                assert!(!(stanza.is_replication() && stanza.accepts_certificate()));
            }
            options.default_stanza();
        }
        Err(error) => {
            assert!(!error.mistakes.is_empty());
            for mistake in &error.mistakes {
                let source = sources
                    .iter()
                    .find(|source| source.path == &*mistake.place.file)
                    .expect("the mistake is in a file that was read");
                let lines = source.bytes.split(|byte| *byte == b'\n').count();
                assert!((1..=lines).contains(&mistake.place.line), "{mistake}");
                assert_eq!(mistake.to_string().lines().count(), 1, "{mistake}");
                assert!(!mistake.to_string().chars().any(char::is_control));
            }
        }
    }
}
