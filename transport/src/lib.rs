//! How bytes cross a wall between two nodes.
//!
//! Two halves that do not know each other. A [`Session`] is the protocol: bytes and `now` go in, events, bytes and the next
//! deadline come out; it owns no socket and no clock. A [`Road`] carries bytes: a ring in shared memory, a TCP or Unix
//! socket, or a pipe inside one process for tests. Whoever owns both moves bytes from one to the other.
//!
//! The crate has no clock, no thread, and knows no tasks, pids or messages: an application signal is a slice of bytes with
//! an *order key*.
//!
//! # Examples
//!
//! ```
//! use holm_transport::{Event, Identity, Lane, Limits, NodeName, Role, Secret, Session};
//! use std::time::Duration;
//!
//! let secret = Secret::generate()?;
//! let node = |name: &str, node| Identity { name: NodeName::new(name).unwrap(), node };
//! let mut a = Session::new(Role::Initiator, node("a", 1), &secret, Limits::default(), holm_transport::nonce()?, Duration::ZERO);
//! let mut b = Session::new(Role::Acceptor, node("b", 2), &secret, Limits::default(), holm_transport::nonce()?, Duration::ZERO);
//!
//! a.send(Lane::Data, 7, |out| out.extend_from_slice(b"hello")).unwrap();
//! let mut heard = Vec::new();
//! for _ in 0..3 {
//!     let bytes = a.out().to_vec();
//!     a.wrote(bytes.len());
//!     b.receive(&bytes, Duration::ZERO, &mut |event| {
//!         if let Event::Signal(signal) = event {
//!             heard.extend_from_slice(signal);
//!         }
//!     })?;
//!     let bytes = b.out().to_vec();
//!     b.wrote(bytes.len());
//!     a.receive(&bytes, Duration::ZERO, &mut |_| {})?;
//! }
//! assert_eq!(heard, b"hello");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod bounds;
pub mod ring;
pub mod trial;
pub mod wire;

mod copy;
mod credit;
mod features;
mod handshake;
mod identity;
mod incoming;
mod outgoing;
mod pulse;
mod secret;
mod session;
mod sync;

#[cfg(not(loom))]
pub mod fdpass;
#[cfg(not(loom))]
pub mod road;
#[cfg(not(loom))]
mod segment;

pub use bounds::Limits;
pub use copy::append;
pub use features::{Features, VERSION_MAX, VERSION_MIN};
pub use handshake::Refusal;
pub use identity::{BadName, Identity, NODE_NAME_LEN_MAX, NodeName, Role};
pub use incoming::Violation;
pub use outgoing::{Lane, SendRefused};
#[cfg(not(loom))]
pub use road::{MemoryRoad, Road, ShmRoad, StreamRoad, shm};
pub use secret::{NoRandomness, SECRET_LEN_MIN, Secret, ShortSecret, nonce};
pub use session::{Event, Session, SessionError};
