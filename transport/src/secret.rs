//! The secret that both ends of a session must know, and the random bytes a session starts with.
//!
//! There is no default secret and no short one: 256 bits or more, drawn by [`Secret::generate`] or read by the node from
//! wherever it keeps them. Set aside: a passphrase that is stretched; people would type one.

use std::fmt;
use zeroize::Zeroizing;

/// The shortest secret, in bytes.
pub const SECRET_LEN_MIN: usize = 32;

/// A shared secret of at least 256 bits, wiped from memory when dropped and never shown.
#[derive(Clone)]
pub struct Secret(Zeroizing<Box<[u8]>>);

/// The secret is too short to be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a secret of {0} bytes is too short; at least 32 are needed")]
pub struct ShortSecret(pub usize);

/// The operating system gave no random bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gave no random bytes: {0}")]
pub struct NoRandomness(getrandom::Error);

impl Secret {
    /// The secret with these bytes.
    ///
    /// # Errors
    /// When there are fewer than 32 of them.
    pub fn from_bytes(bytes: &[u8]) -> Result<Secret, ShortSecret> {
        if bytes.len() < SECRET_LEN_MIN {
            return Err(ShortSecret(bytes.len()));
        }
        Ok(Secret(Zeroizing::new(bytes.into())))
    }

    /// A fresh random secret of 32 bytes.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub fn generate() -> Result<Secret, NoRandomness> {
        let bytes = Zeroizing::new(nonce()?);
        Ok(Secret(Zeroizing::new(bytes.as_slice().into())))
    }

    /// The bytes themselves, to be handed to a child node or kept in a private file.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Secret({} bytes, hidden)", self.0.len())
    }
}

/// 32 fresh random bytes: what each [`crate::Session`] wants at its start.
///
/// # Errors
/// When the operating system gives no random bytes.
pub fn nonce() -> Result<[u8; 32], NoRandomness> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(NoRandomness)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_of_31_bytes_is_refused_and_one_of_32_is_kept_but_not_shown() {
        assert_eq!(Secret::from_bytes(&[7; 31]).err(), Some(ShortSecret(31)));
        let secret = Secret::from_bytes(&[7; 32]).unwrap();
        assert_eq!(secret.expose(), &[7; 32]);
        assert_eq!(format!("{secret:?}"), "Secret(32 bytes, hidden)");
    }

    #[test]
    fn two_generated_secrets_differ() {
        assert_ne!(Secret::generate().unwrap().expose(), Secret::generate().unwrap().expose());
    }
}
