//! Why a process ended.

use crate::message::Crosses;
use serde::{Deserialize, Serialize};
use std::{fmt, sync::Arc};

/// Why a process ended, as its links and monitors learn it. See the exit signals in `docs/processes.md`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Reason {
    /// It did its work and returned.
    Normal,
    /// It was asked to stop in good order.
    Shutdown,
    /// It ended itself with this reason; a signal with it cannot be trapped when it is sent by [`crate::exit`].
    Kill,
    /// It was ended by an untrappable [`Reason::Kill`].
    Killed,
    /// There was no such process.
    NoProc,
    /// The node of the process cannot be reached (any more).
    NoConnection,
    /// Its code panicked.
    Panic(Arc<PanicReason>),
    /// It ended with an error, as text: what a body returned as `Err`.
    Error(Arc<str>),
    /// A value of the program's; see [`Reason::value`].
    Value(Arc<ValueReason>),
    /// Its mailbox was full, and it was to end then: [`crate::Overflow::Kill`].
    Overflow,
    /// As [`Reason::Shutdown`], and a value that says more; see [`Reason::shutdown`].
    ShutdownWith(Arc<ValueReason>),
}

/// What is known of a panic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PanicReason {
    /// The panic's message; `a panic without text` if its payload is none.
    pub message: String,
    /// Where it panicked: file, line, column. Nothing if the panic hook did not see it.
    pub location: Option<String>,
    /// Which process: the first of its registered names, if it has any, and its pid.
    pub process: String,
}

impl fmt::Display for PanicReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "panic: {}", self.message)?;
        self.location.iter().try_for_each(|location| write!(f, " (at {location})"))
    }
}

/// An encoded value with the name of its type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValueReason {
    name: String,
    #[serde(with = "serde_bytes_vec")]
    bytes: Vec<u8>,
}

/// Bytes as bytes, and not as a sequence of numbers.
mod serde_bytes_vec {
    use bytes::Bytes;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(bytes)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        Ok(Bytes::deserialize(deserializer)?.to_vec())
    }
}

impl Reason {
    /// A value of the program's own as a reason. It is encoded at once, so that it is the same on every node.
    ///
    /// ```
    /// use holm::Reason;
    ///
    /// let reason = Reason::value(&(404u32, "not here".to_string()));
    /// assert_eq!(reason.get::<(u32, String)>(), Some((404, "not here".to_string())));
    /// assert_eq!(reason.get::<u64>(), None);
    /// ```
    pub fn value<T: Crosses>(value: &T) -> Reason {
        encoded(value).map_or_else(|error| error, Reason::Value)
    }

    /// A shutdown that says more by a value, Erlang's `{shutdown, Value}`: an end in good order.
    ///
    /// ```
    /// use holm::Reason;
    ///
    /// let reason = Reason::shutdown(&"drained".to_string());
    /// assert!(reason.is_orderly());
    /// assert_eq!(reason.get::<String>().as_deref(), Some("drained"));
    /// ```
    pub fn shutdown<T: Crosses>(value: &T) -> Reason {
        encoded(value).map_or_else(|error| error, Reason::ShutdownWith)
    }

    /// The value, if the reason is one of this type.
    pub fn get<T: Crosses>(&self) -> Option<T> {
        match self {
            Reason::Value(value) | Reason::ShutdownWith(value) if value.name == T::NAME => {
                (T::WIRE?.decode)(&value.bytes).ok()
            }
            _ => None,
        }
    }

    /// An error, as text.
    pub fn error(text: impl fmt::Display) -> Reason {
        Reason::Error(text.to_string().into())
    }

    /// True for [`Reason::Normal`]: linked processes live on.
    pub fn is_normal(&self) -> bool {
        matches!(self, Reason::Normal)
    }

    /// True for an end in good order: [`Reason::Normal`], [`Reason::Shutdown`], [`Reason::ShutdownWith`].
    pub fn is_orderly(&self) -> bool {
        matches!(self, Reason::Normal | Reason::Shutdown | Reason::ShutdownWith(_))
    }
}

/// The value, encoded, or the reason that says why it cannot be.
fn encoded<T: Crosses>(value: &T) -> Result<Arc<ValueReason>, Reason> {
    let mut bytes = Vec::new();
    match T::WIRE.map(|wire| (wire.encode)(value, &mut bytes)) {
        Some(Ok(())) => Ok(Arc::new(ValueReason { name: T::NAME.to_string(), bytes })),
        Some(Err(error)) => Err(Reason::error(format!("a reason of type {} cannot be encoded: {error}", T::NAME))),
        None => Err(Reason::error(format!("a reason of type {} cannot cross", T::NAME))),
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Normal => f.write_str("normal"),
            Reason::Shutdown => f.write_str("shutdown"),
            Reason::Kill => f.write_str("kill"),
            Reason::Killed => f.write_str("killed"),
            Reason::NoProc => f.write_str("no such process"),
            Reason::NoConnection => f.write_str("no connection"),
            Reason::Panic(panic) => write!(f, "panic: {}", panic.message),
            Reason::Error(text) => write!(f, "error: {text}"),
            Reason::Value(value) => write!(f, "value of type {}", value.name),
            Reason::Overflow => f.write_str("mailbox overflow"),
            Reason::ShutdownWith(value) => write!(f, "shutdown with a value of type {}", value.name),
        }
    }
}

/// What a process's body may return.
///
/// | returned | reason |
/// | --- | --- |
/// | `()` | [`Reason::Normal`] |
/// | `Ok(x)` | that of `x` |
/// | `Err(error)` | [`Reason::Error`] with its text |
/// | a [`Reason`] | itself |
/// | nothing: it loops for ever | whatever ends it from outside |
pub trait IntoReason {
    /// The reason with which the process ends.
    fn into_reason(self) -> Reason;
}

impl IntoReason for () {
    fn into_reason(self) -> Reason {
        Reason::Normal
    }
}

impl IntoReason for Reason {
    fn into_reason(self) -> Reason {
        self
    }
}

impl<T: IntoReason, E: fmt::Display> IntoReason for Result<T, E> {
    fn into_reason(self) -> Reason {
        self.map_or_else(Reason::error, IntoReason::into_reason)
    }
}

/// Stable Rust has no name for the type of a body that loops for ever, but a function pointer that never returns has it
/// as its output.
#[doc(hidden)]
pub trait Output {
    /// The type.
    type Type;
}

impl<T> Output for fn() -> T {
    type Type = T;
}

impl IntoReason for <fn() -> ! as Output>::Type {
    fn into_reason(self) -> Reason {
        self
    }
}

impl IntoReason for std::convert::Infallible {
    fn into_reason(self) -> Reason {
        match self {}
    }
}
