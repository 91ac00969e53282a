//! Files exchanged with GnuTLS's certtool.

use super::*;
use crate::edit::Edits;

fn certtool(workshop: &Workshop, words: &[&str]) -> Vec<u8> {
    workshop.run("certtool", &[words, &["--password", PASSWORD]].concat())
}

#[test]
fn what_certtool_writes_is_read() {
    let Some((workshop, der)) = bench(&["certtool"]) else {
        return;
    };
    let fixed = ["--to-p12", "--outder", "--p12-name", "Own"];
    let certificate = ["--load-certificate", "Anchor.pem"];
    let key = ["--load-privkey", "Anchor.key"];
    // The many rounds that it has take their time.
    for more in [
        &[][..],
        &key,
        &["--pkcs-cipher", "3des", key[0], key[1]],
        &["--pkcs-cipher", "3des-pkcs12", key[0], key[1]],
        &["--pkcs-cipher", "rc2-40", key[0], key[1]],
    ] {
        let archive = opened(certtool(
            &workshop,
            &[&fixed[..], &certificate, more].concat(),
        ));
        let keys = usize::from(!more.is_empty());
        assert_eq!((archive.keys(), archive.len()), (keys, 1), "{more:?}");
        let found = archive.get(0).unwrap();
        assert_eq!(found.der, der, "{more:?}");
        assert_eq!(found.of_key, keys == 1, "{more:?}");
    }
}

#[test]
fn no_password_of_certtool_is_an_empty_one() {
    let Some((workshop, der)) = bench(&["certtool"]) else {
        return;
    };
    for none in ["--empty-password", "--null-password"] {
        let words = ["--to-p12", "--outder", "--p12-name", "Own", none];
        let certificate = ["--load-certificate", "Anchor.pem"];
        let bytes = workshop.run("certtool", &[&words[..], &certificate].concat());
        let archive = read(bytes.clone(), &mut Password::new("")).unwrap();
        assert_eq!(archive.get(0).unwrap().der, der, "{none}");
        let mut password = Password::new("");
        let edits = Edits {
            added: vec![Entry {
                label: "Added",
                der: &der,
            }],
            ..Edits::default()
        };
        let after = rewrite(bytes, &edits, &mut password, &RANDOM).unwrap();
        assert_eq!(
            read(after.clone(), &mut Password::new("")).unwrap().len(),
            2
        );
        workshop.write("after.p12", &after);
        let words = ["pkcs12", "-in", "after.p12", "-passin", "pass:"];
        let listed = workshop.run("openssl", &words);
        assert_eq!(certificates_in(&listed).len(), 2, "{none}");
    }
}

#[test]
fn certtool_reads_what_is_written() {
    let Some((workshop, der)) = bench(&["certtool"]) else {
        return;
    };
    write_ours(&workshop, &["one", "two"], &der);
    let words = ["--p12-info", "--inder", "--infile", "ours.p12"];
    let listed = certtool(&workshop, &words);
    assert_eq!(certificates_in(&listed), [der.clone(), der.clone()]);
    let text = String::from_utf8_lossy(&listed);
    assert_eq!(text.matches("Friendly name: ").count(), 2, "{text}");
    write_ours(&workshop, &[], &der);
    certtool(&workshop, &words);
}
