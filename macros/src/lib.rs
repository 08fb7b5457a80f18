//! The macros of holm: what a program writes above a type or a function so that it can cross from one node to another.
//!
//! [`Message`](derive@Message) gives a type the stable name and the codec under which it crosses;
//! [`entry`](macro@entry) gives a function the stable name under which another node can start it. Programs reach both
//! through the crate `holm`, whose items the expansions name by their full paths (`::holm::Message`, `::holm::Entry`).
//!
//! The macros know syntax and nothing else: they look up no type, decide no codec and keep no list. What a type lacks,
//! the compiler says about the expansion, and the expansion's spans make it say so at the user's own words.
//! Function-like macros for `spawn` or `receive` were set aside: methods say the same and complete in an editor.
//!
//! Reading order: `name` (the stable name that both give), `message`, `entry`.

mod entry;
mod message;
mod name;

use proc_macro::TokenStream;

/// Makes a struct or an enum a message: something that `pid.send` accepts.
///
/// A message crosses to other nodes unless it says that it stays, so it needs serde's two derives beside this one:
///
/// ```text
/// #[derive(holm::Message, serde::Serialize, serde::Deserialize)]
/// enum Account {
///     Deposit { cents: u64 },
///     Balance { reply_to: Pid<Balance> },
/// }
/// ```
///
/// | attribute | meaning |
/// | --- | --- |
/// | none | the type crosses, under its module path and identifier: `bank::Account` |
/// | `#[message(name = "bank-account")]` | it crosses under this name, which outlives moving or renaming the type |
/// | `#[message(local)]` | it never leaves its node; it needs no serde, and may hold a socket or an `Arc` |
///
/// A message is owned, because the process that sent it may end first: a type with a lifetime parameter is refused,
/// and each type parameter `T` gets the bounds `Send + 'static`, and serde's two when the message crosses. All
/// instances of a generic type share one name. Unions are refused.
#[proc_macro_derive(Message, attributes(message))]
pub fn derive_message(input: TokenStream) -> TokenStream {
    answer(message::expand(input.into()))
}

/// Makes an `async` function an entry: a body that a process can be started with, in this node or in another.
///
/// ```text
/// #[holm::entry]
/// async fn teller(mut me: Process<Account>, opening_cents: u64) -> Result<(), TellerError> { … }
///
/// #[holm::entry(name = "clock")]
/// async fn clock(me: Process<Tick>) { … }
/// ```
///
/// What is left under the function's name and visibility is a function without parameters that returns the entry:
///
/// ```text
/// fn teller() -> impl holm::Entry<Message = Account, Argument = u64>
/// ```
///
/// Hand it on by its name, without calling it: `me.spawn_entry(teller, 500, options)`. The entry is registered when
/// the program is linked under its module path and identifier (`bank::teller`) or under the name that it is given. No
/// code address ever crosses: the other node looks the name up. An entry can start itself: its name means the entry
/// within its own body too. And a variable may have the name of its entry: `let teller = me.spawn_entry(teller, …)`.
///
/// The first parameter names the messages that the process understands; the second, if there is one, is the value
/// that it is started with; what it returns is its exit reason. Since an entry is found by name, nothing about it may
/// depend on its caller: it has no generics, no where-clause, no `self`, and borrows nothing. The two types are part of
/// the entry's interface: a `pub` entry needs them `pub`, and the compiler warns where they are not.
///
/// Attributes stay: documentation, `#[deprecated]`, `#[cfg]` and lint levels on the whole, every other one on the
/// `async` function inside.
#[proc_macro_attribute]
pub fn entry(arguments: TokenStream, item: TokenStream) -> TokenStream {
    answer(entry::expand(arguments.into(), item.into()))
}

/// The expansion, or the error as the compiler is to show it.
fn answer(expanded: syn::Result<proc_macro2::TokenStream>) -> TokenStream {
    expanded.unwrap_or_else(|error| error.into_compile_error()).into()
}
