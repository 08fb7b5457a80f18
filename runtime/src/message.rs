//! What can be sent: a type of messages says by derive whether it may cross a wall.
//!
//! Between processes of one node a message is moved. Between nodes it is encoded with postcard, a compact and stable
//! serde format, and decoded with bounds: an element count in the input never reserves more than the input could hold.

use holm_transport::append;
use serde::{Serialize, de::DeserializeOwned};
use std::fmt;

/// A type of messages.
///
/// Derive it: `#[derive(Serialize, Deserialize, Message)]` for one that may cross a wall, and
/// `#[derive(Message)] #[message(local)]` for one that may not (it holds a socket, a closure, a pointer).
///
/// ```
/// use holm::{Message, Pid};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize, Message)]
/// enum Ask {
///     Double { number: u64, answer_to: Pid<u64> },
///     Stop,
/// }
///
/// #[derive(Message)]
/// #[message(local)]
/// struct Job(Box<dyn FnOnce() + Send>);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a type of messages",
    note = "derive it: #[derive(Serialize, Deserialize, Message)], or #[derive(Message)] #[message(local)]"
)]
pub trait Message: Send + Sized + 'static {
    /// The type's name: stable, and the same on every node.
    const NAME: &'static str;
    /// How it crosses a wall, or nothing if it cannot.
    const WIRE: Option<Wire<Self>>;
    /// The name as a number, which travels with each message.
    const HASH: u32 = hash(Self::NAME);
}

/// A message that may cross a wall.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot cross from one node to another",
    note = "derive Serialize, Deserialize and Message without #[message(local)]"
)]
pub trait Crosses: Message {}

/// How a type crosses a wall.
pub struct Wire<M> {
    pub(crate) encode: fn(&M, &mut Vec<u8>) -> Result<(), WireError>,
    pub(crate) decode: fn(&[u8]) -> Result<M, WireError>,
}

impl<M> Clone for Wire<M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for Wire<M> {}

impl<M> fmt::Debug for Wire<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

/// Why a value could not be encoded or decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WireError(pub(crate) String);

impl WireError {
    /// With this text: one lower-case clause.
    pub fn new(text: impl Into<String>) -> Self {
        WireError(text.into())
    }
}

impl<M> Wire<M> {
    /// By functions of the type's own: one appends the encoded message, the other reads exactly one and trusts nothing.
    /// For a type that wraps another and crosses when that does.
    pub const fn new(
        encode: fn(&M, &mut Vec<u8>) -> Result<(), WireError>,
        decode: fn(&[u8]) -> Result<M, WireError>,
    ) -> Self {
        Wire { encode, decode }
    }

    /// Appends the encoded message.
    ///
    /// # Errors
    ///
    /// If it cannot be encoded.
    pub fn encode(self, message: &M, into: &mut Vec<u8>) -> Result<(), WireError> {
        (self.encode)(message, into)
    }

    /// Reads one message, to the last byte.
    ///
    /// # Errors
    ///
    /// If the bytes are none.
    pub fn decode(self, bytes: &[u8]) -> Result<M, WireError> {
        (self.decode)(bytes)
    }
}

impl<M: Serialize + DeserializeOwned> Wire<M> {
    /// By serde, in postcard's format.
    pub const fn of() -> Self {
        Wire { encode: encode::<M>, decode: decode::<M> }
    }
}

fn encode<M: Serialize>(message: &M, into: &mut Vec<u8>) -> Result<(), WireError> {
    append_encoded(message, into).map_err(|error| WireError(error.to_string()))
}

/// Appends a value in postcard's format.
pub(crate) fn append_encoded<T: Serialize + ?Sized>(value: &T, into: &mut Vec<u8>) -> postcard::Result<()> {
    postcard::serialize_with_flavor(value, Appending(into))
}

fn decode<M: DeserializeOwned>(bytes: &[u8]) -> Result<M, WireError> {
    match postcard::take_from_bytes(bytes) {
        Ok((message, [])) => Ok(message),
        Ok((_, rest)) => Err(WireError(format!("{} bytes too many", rest.len()))),
        Err(error) => Err(WireError(error.to_string())),
    }
}

/// A buffer that postcard appends to.
struct Appending<'a>(&'a mut Vec<u8>);

impl postcard::ser_flavors::Flavor for Appending<'_> {
    type Output = ();

    #[inline]
    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    #[inline]
    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        append(self.0, bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

/// FNV-1a, in constants.
const fn hash(name: &str) -> u32 {
    let (bytes, mut hash, mut at) = (name.as_bytes(), 0x811c_9dc5_u32, 0);
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u32).wrapping_mul(0x0100_0193);
        at += 1;
    }
    hash
}

/// The name's hash of a type that is made of others.
pub(crate) const fn mix(outer: &str, inner: u32) -> u32 {
    hash(outer).rotate_left(5) ^ inner.wrapping_mul(0x9e37_79b1)
}

macro_rules! plain {
    ($($type:ty),* $(,)?) => {$(
        impl Message for $type {
            const NAME: &'static str = stringify!($type);
            const WIRE: Option<Wire<Self>> = Some(Wire::of());
        }
        impl Crosses for $type {}
    )*};
}

plain!((), bool, char, u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize, f32, f64, String, bytes::Bytes);
plain!(crate::Reason, crate::Pid, crate::NodeId);

macro_rules! made_of {
    ($name:literal, $($part:ident)+ => $type:ty) => {
        impl<$($part: Crosses + Serialize + DeserializeOwned),+> Message for $type {
            const NAME: &'static str = $name;
            const WIRE: Option<Wire<Self>> = Some(Wire::of());
            const HASH: u32 = { let hash = hash($name); $(let hash = mix($name, hash ^ $part::HASH);)+ hash };
        }
        impl<$($part: Crosses + Serialize + DeserializeOwned),+> Crosses for $type {}
    };
}

made_of!("Vec", A => Vec<A>);
made_of!("Option", A => Option<A>);
made_of!("Box", A => Box<A>);
made_of!("Result", A B => Result<A, B>);
made_of!("(A,)", A => (A,));
made_of!("(A, B)", A B => (A, B));
made_of!("(A, B, C)", A B C => (A, B, C));
made_of!("(A, B, C, D)", A B C D => (A, B, C, D));

impl<M: 'static> Message for crate::Pid<M>
where
    M: Message,
{
    const NAME: &'static str = "Pid<M>";
    const WIRE: Option<Wire<Self>> = Some(Wire::of());
    const HASH: u32 = mix("Pid<M>", M::HASH);
}

impl<M: Message> Crosses for crate::Pid<M> {}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip<M: Message + PartialEq + fmt::Debug>(message: M) {
        let mut bytes = vec![9];
        (M::WIRE.unwrap().encode)(&message, &mut bytes).unwrap();
        assert_eq!((M::WIRE.unwrap().decode)(&bytes[1..]), Ok(message));
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        round_trip((7u64, "words".to_string(), vec![Some(1u8), None]));
        round_trip(bytes::Bytes::from(vec![3; 100_000]));
        round_trip(crate::Reason::value(&5u32));
    }

    #[test]
    fn a_length_of_a_million_million_is_an_error_and_no_reservation() {
        let bomb = [0xff, 0xff, 0xff, 0xff, 0xff, 0x1f];
        assert!((<Vec<u64> as Message>::WIRE.unwrap().decode)(&bomb).is_err());
        assert!((<String as Message>::WIRE.unwrap().decode)(&bomb).is_err());
        assert!((<bytes::Bytes as Message>::WIRE.unwrap().decode)(&bomb).is_err());
    }

    #[test]
    fn bytes_behind_the_message_are_an_error() {
        assert_eq!((<u8 as Message>::WIRE.unwrap().decode)(&[1, 2]), Err(WireError("1 bytes too many".into())));
    }

    #[test]
    fn other_types_have_other_hashes() {
        assert_ne!(<Vec<u8>>::HASH, <Option<u8>>::HASH);
        assert_ne!(<(u8, u16)>::HASH, <(u16, u8)>::HASH);
        assert_ne!(<crate::Pid<u8>>::HASH, <crate::Pid<u16>>::HASH);
    }
}
