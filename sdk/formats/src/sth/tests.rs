//! Tests of stash files.

use data_encoding::HEXLOWER;
use proptest::prelude::*;

use super::*;

const PASSWORD: &[u8] = b"Example-Pass-1";
const FILLER: [u8; MAX_PASSWORD] = [0x55; MAX_PASSWORD];

fn salt() -> [u8; SALT] {
    core::array::from_fn(|index| u8::try_from(index).unwrap())
}

fn sha256(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}

// These two vectors were opened by GSKit 8.0.60.5.
#[test]
fn a_random_password_is_as_random_as_its_bytes_and_plain() {
    let mut random = [0; RANDOM_PASSWORD];
    let mut passwords = std::collections::BTreeSet::new();
    for byte in 0..64 {
        random[0] = byte;
        let password = random_password(&random);
        assert_eq!(password.len(), RANDOM_PASSWORD);
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"._".contains(byte);
        assert!(password.iter().all(plain));
        passwords.insert(password.to_vec());
    }
    assert_eq!(passwords.len(), 64);
}

#[test]
fn the_older_form_is_written_to_the_byte() {
    let stash = write_v1(PASSWORD, &FILLER).unwrap();
    assert_eq!(stash.len(), 129);
    assert_eq!(stash[14], MASK);
    assert_eq!(stash[15..], [0x55 ^ MASK; 114]);
    assert_eq!(
        sha256(&stash),
        "0b28f77b36fce811b4de7cf89959526ad6f2fd2c759046550ab6c8a7e34b7f2f"
    );
    assert_eq!(*read(&stash).unwrap(), PASSWORD);
}

#[test]
fn the_current_form_is_written_to_the_byte() {
    let stash = write_v2(PASSWORD, &salt(), &FILLER).unwrap();
    assert_eq!(stash.len(), 193);
    assert_eq!(
        sha256(&stash),
        "53c86180f5750fa5e26ba3b16f32787f7d0c0ae6666404886742ccd15f966446"
    );
    assert_eq!(*read(&stash).unwrap(), PASSWORD);
}

// A real GSKit opens this one too, and none that is made without the one hash.
#[test]
fn a_salt_whose_search_would_end_at_once_is_hashed_once_all_the_same() {
    let salt = [0x33; SALT];
    let first = Sha256::new()
        .chain_update(salt)
        .chain_update(check_of(&salt));
    assert_eq!(first.finalize()[8], 3);
    let stash = write_v2(PASSWORD, &salt, &FILLER).unwrap();
    assert_eq!(
        sha256(&stash),
        "eb79e8205341cfe16d886c40f54cf76e70cb4a5b8b77ef5e82f1628e6bb97643"
    );
    assert_eq!(*read(&stash).unwrap(), PASSWORD);
}

#[test]
fn a_changed_salt_or_check_is_noticed() {
    let stash = write_v2(PASSWORD, &salt(), &FILLER).unwrap();
    for position in 0..SALT + CHECK {
        let mut changed = stash.to_vec();
        changed[position] ^= 0x10;
        assert_eq!(read(&changed), Err(SthError::Damaged), "{position}");
    }
}

#[test]
fn any_byte_that_is_changed_is_an_error_another_password_or_filler() {
    let filler = PASSWORD.len() + 1;
    for (stash, start) in [
        (write_v1(PASSWORD, &FILLER).unwrap(), 0),
        (write_v2(PASSWORD, &salt(), &FILLER).unwrap(), SALT + CHECK),
    ] {
        for position in 0..stash.len() {
            for flip in 1..=u8::MAX {
                let mut changed = stash.to_vec();
                changed[position] ^= flip;
                let read = read(&changed);
                match position.checked_sub(start) {
                    None => assert_eq!(read, Err(SthError::Damaged), "{position}"),
                    // Neither form authenticates the password: the database then tells.
                    Some(place) if place < filler => {
                        assert!(read.is_err() || *read.unwrap() != PASSWORD, "{position}");
                    }
                    Some(_) => assert_eq!(*read.unwrap(), PASSWORD, "{position}"),
                }
            }
        }
    }
}

#[test]
fn other_lengths_are_no_stash() {
    for length in [0, 1, 128, 130, 192, 194, 100_000] {
        assert_eq!(
            read(&vec![0x41; length]),
            Err(SthError::Length { found: length })
        );
    }
}

#[test]
fn a_stash_without_terminator_or_password_is_refused() {
    assert_eq!(read(&[1 ^ MASK; 129]), Err(SthError::Damaged));
    assert_eq!(read(&[MASK; 129]), Err(SthError::NoPassword));
}

#[test]
fn passwords_that_do_not_fit_are_refused() {
    let longest = [b'a'; 128];
    assert_eq!(
        *read(&write_v1(&longest, &FILLER).unwrap()).unwrap(),
        longest
    );
    for (password, error) in [
        (&[b'a'; 129][..], SthError::PasswordTooLong),
        (b"", SthError::NoPassword),
        (b"a\0b", SthError::PasswordHasZero),
    ] {
        assert_eq!(write_v1(password, &FILLER), Err(error));
        assert_eq!(write_v2(password, &salt(), &FILLER), Err(error));
    }
}

#[test]
fn a_zero_in_the_filler_is_written_as_one() {
    let stash = write_v1(PASSWORD, &[0; MAX_PASSWORD]).unwrap();
    assert_eq!(stash.iter().filter(|byte| **byte == MASK).count(), 1);
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(
        bytes in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..256),
            prop::collection::vec(any::<u8>(), 129..=129),
            prop::collection::vec(any::<u8>(), 193..=193),
        ],
    ) {
        let _ = read(&bytes);
    }

    #[test]
    fn what_was_written_is_read(
        password in prop::collection::vec(1_u8.., 1..=128),
        salt: [u8; 32],
        filler in prop::collection::vec(any::<u8>(), 128),
    ) {
        let filler: [u8; 128] = filler.try_into().unwrap();
        prop_assert_eq!(&*read(&write_v1(&password, &filler).unwrap()).unwrap(), &password);
        prop_assert_eq!(&*read(&write_v2(&password, &salt, &filler).unwrap()).unwrap(), &password);
    }
}
