//! The ciphers of PKCS#12 files, each in CBC mode.

use aes::{Aes128, Aes192, Aes256};
use cbc::Decryptor;
use cbc::cipher::block_padding::Padding;
use cbc::cipher::{BlockCipherDecrypt, BlockModeDecrypt, InnerIvInit, KeyInit};
use des::{TdesEde2, TdesEde3};
use rc2::Rc2;

use super::ids;

/// A cipher that contents are encrypted with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cipher {
    Aes128,
    Aes192,
    Aes256,
    /// With a key of 5 bytes, which hides nothing from anybody today.
    Rc2With40Bits,
    Rc2With128Bits,
    TripleDes,
    /// The third of its keys is the first again.
    TripleDesWithTwoKeys,
}

/// The size of the largest block: that of AES.
pub(super) const MAX_BLOCK: usize = 16;

impl Cipher {
    /// The cipher of this identifier in PBES2.
    pub(super) fn of_scheme(oid: &[u8]) -> Option<Self> {
        match oid {
            ids::AES_128_CBC => Some(Self::Aes128),
            ids::AES_192_CBC => Some(Self::Aes192),
            ids::AES_256_CBC => Some(Self::Aes256),
            ids::TRIPLE_DES_CBC => Some(Self::TripleDes),
            _ => None,
        }
    }

    /// The cipher of this identifier among PKCS#12's own, which have SHA-1 in them.
    pub(super) fn of_pkcs12(oid: &[u8]) -> Option<Self> {
        match oid {
            ids::PBE_RC2_40 => Some(Self::Rc2With40Bits),
            ids::PBE_RC2_128 => Some(Self::Rc2With128Bits),
            ids::PBE_TRIPLE_DES => Some(Self::TripleDes),
            ids::PBE_TWO_KEY_TRIPLE_DES => Some(Self::TripleDesWithTwoKeys),
            _ => None,
        }
    }

    /// The size of its key, in bytes.
    pub(super) fn key_size(self) -> usize {
        match self {
            Self::Rc2With40Bits => 5,
            Self::Aes128 | Self::Rc2With128Bits | Self::TripleDesWithTwoKeys => 16,
            Self::Aes192 | Self::TripleDes => 24,
            Self::Aes256 => 32,
        }
    }

    /// The size of its blocks, in bytes.
    pub(super) fn block(self) -> usize {
        match self {
            Self::Aes128 | Self::Aes192 | Self::Aes256 => MAX_BLOCK,
            Self::Rc2With40Bits
            | Self::Rc2With128Bits
            | Self::TripleDes
            | Self::TripleDesWithTwoKeys => 8,
        }
    }

    /// Decrypts `bytes` where they are, and returns how many there are without the padding;
    /// none if that is wrong.
    pub(super) fn unpad<P: Padding>(
        self,
        key: &[u8],
        iv: &[u8],
        bytes: &mut [u8],
    ) -> Option<usize> {
        match self {
            Self::Aes128 => unpad::<_, P>(Aes128::new_from_slice(key).ok()?, iv, bytes),
            Self::Aes192 => unpad::<_, P>(Aes192::new_from_slice(key).ok()?, iv, bytes),
            Self::Aes256 => unpad::<_, P>(Aes256::new_from_slice(key).ok()?, iv, bytes),
            Self::Rc2With40Bits => unpad::<_, P>(Rc2::new_with_eff_key_len(key, 40), iv, bytes),
            Self::Rc2With128Bits => unpad::<_, P>(Rc2::new_with_eff_key_len(key, 128), iv, bytes),
            Self::TripleDes => unpad::<_, P>(TdesEde3::new_from_slice(key).ok()?, iv, bytes),
            Self::TripleDesWithTwoKeys => {
                unpad::<_, P>(TdesEde2::new_from_slice(key).ok()?, iv, bytes)
            }
        }
    }
}

fn unpad<C, P>(cipher: C, iv: &[u8], bytes: &mut [u8]) -> Option<usize>
where
    C: BlockCipherDecrypt,
    P: Padding,
{
    let mode = Decryptor::inner_iv_slice_init(cipher, iv).ok()?;
    mode.decrypt_padded::<P>(bytes).ok().map(<[u8]>::len)
}
