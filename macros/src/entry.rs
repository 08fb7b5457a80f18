//! `#[entry]`: a function becomes a name that processes can be started by, on any node.
//!
//! It serves whoever starts processes. A function has no name that a constant could carry and no type that one could
//! write, so a type of its own stands for it. Users see a function that hands that type over, and all else is inside:
//!
//! ```text
//! pub async fn teller(mut me: Process<Account>, cents: u64) -> Done { … }
//!
//! pub fn teller() -> impl Entry<Message = Account, Argument = u64> {      what callers name
//!     struct __Entry;
//!     impl Entry for __Entry {                                            what the runtime starts
//!         fn body(me: Process<Account>, argument: u64) -> impl Future {
//!             async fn __teller(mut me: Process<Account>, cents: u64) -> Done { … }
//!             __teller(me, argument)
//!         }
//!     }
//!     inventory::submit! { EntryPoint::of::<__Entry>() }                  how a node finds it by name
//!     __Entry
//! }
//! ```
//!
//! What is inside carries underscores because it would otherwise hide what the user's words mean there: an entry that
//! starts itself (each tree of processes has one) names the function outside.
//!
//! Set aside: a public unit struct `teller` in place of the function, since a unit struct is a pattern, and
//! `let teller = …` would then be refused as a mismatch of types; a plain `async` block in place of `__teller`, since
//! `return` and `?` inside it would not know the declared type.
//! What an entry may look like is `shape.rs`; where its attributes go is `attributes.rs`.

mod attributes;
mod shape;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::parse::Parser;
use syn::spanned::Spanned;
use syn::{Attribute, Item, ItemFn, LitStr, Result, ReturnType, Signature, Visibility};

use self::attributes::Attributes;
use self::shape::Shape;
use crate::name;

/// The function that stands for `item` with all that is inside it, or why `item` cannot be an entry.
pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let given = read_name(arguments)?;
    let function = match syn::parse2(item)? {
        Item::Fn(function) => function,
        other => return Err(shape::no_function(&other)),
    };
    let shape = Shape::read(&function.sig)?;
    Ok(write(function, &shape, given.as_ref()))
}

fn read_name(arguments: TokenStream) -> Result<Option<LitStr>> {
    let mut given = None;
    let parser = syn::meta::parser(|argument| {
        if argument.path.is_ident("name") {
            name::read(&argument, &mut given)
        } else {
            Err(argument.error("an entry can have a `name = \"…\"`, nothing else"))
        }
    });
    parser.parse2(arguments)?;
    Ok(given)
}

/// The function that callers see. It lies at the name that the user wrote, as if the user had written it whole: the
/// compiler then says of it what it says of a function that is never used, lacks documentation or shows a private type.
fn write(mut function: ItemFn, shape: &Shape, given: Option<&LitStr>) -> TokenStream {
    let Attributes { outer, inner } = Attributes::sort(std::mem::take(&mut function.attrs));
    let visibility = std::mem::replace(&mut function.vis, Visibility::Inherited);
    let identifier = function.sig.ident.clone();
    let (message, argument) = (&shape.message, shape.argument_type());
    let inside = write_inside(function, shape, &inner, given);
    quote_spanned! {identifier.span()=>
        #(#outer)*
        #[must_use]
        #visibility fn #identifier() -> impl ::holm::Entry<Message = #message, Argument = #argument> {
            #inside
        }
    }
}

/// The type, its impl and its registration.
fn write_inside(function: ItemFn, shape: &Shape, attributes: &[Attribute], given: Option<&LitStr>) -> TokenStream {
    let name = name::expression(given, &function.sig.ident);
    let types = write_types(shape);
    let body = write_body(function, shape, attributes);
    quote! {
        #[derive(Clone, Copy)]
        struct __Entry;

        impl ::holm::Entry for __Entry {
            #types
            const NAME: &'static str = #name;
            #body
        }

        ::holm::inventory::submit! { ::holm::EntryPoint::of::<__Entry>() }

        __Entry
    }
}

/// The associated types, lying at the types in the signature: what a type lacks is reported there.
fn write_types(shape: &Shape) -> TokenStream {
    let (message, argument) = (&shape.message, shape.argument_type());
    let message_type = quote_spanned!(located(message.span())=> type Message = #message;);
    let argument_type = quote_spanned!(located(argument.span())=> type Argument = #argument;);
    quote!(#message_type #argument_type)
}

/// `fn body`, with the function inside it. Each part lies where the user wrote what it stands for: a wrong first
/// parameter, argument or return type, or a future that is not `Send`, is then reported there.
fn write_body(mut function: ItemFn, shape: &Shape, attributes: &[Attribute]) -> TokenStream {
    let inner = inner_name(&function.sig.ident);
    let at = located(inner.span());
    let output = write_output(&function.sig);
    function.sig.ident = inner.clone();
    let message = &shape.message;
    let me = Ident::new("me", located(shape.process_span));
    let (parameter, rest) = match &shape.argument {
        Some(argument) => {
            let value = Ident::new("argument", located(argument.span()));
            (quote!(#value: #argument), Some(value))
        }
        None => (quote!((): ()), None),
    };
    quote_spanned! {at=>
        fn body(
            #me: ::holm::Process<#message>,
            #parameter
        ) -> #output {
            #(#attributes)*
            #function
            #inner(#me, #rest)
        }
    }
}

/// The declared future of `body`, lying at the function's return type, or at its name when it has none.
fn write_output(signature: &Signature) -> TokenStream {
    let at = match &signature.output {
        ReturnType::Default => signature.ident.span(),
        ReturnType::Type(_, output) => output.span(),
    };
    quote_spanned! {located(at)=>
        impl ::core::future::Future<Output: ::holm::IntoReason> + ::core::marker::Send + 'static
    }
}

/// Underscores and the entry's name: the future's name in the compiler's errors and in profiles.
fn inner_name(identifier: &Ident) -> Ident {
    format_ident!("__{}", identifier.unraw(), span = identifier.span())
}

/// The place of `span` for code that the macro wrote: errors point there, lints know that no user wrote it.
fn located(span: Span) -> Span {
    Span::call_site().located_at(span)
}

#[cfg(test)]
mod tests;
