//! `#[entry]`: a function becomes a type that another node can find by its name.
//!
//! It serves whoever starts processes. A function has no name that a constant could carry and no type that one could
//! write, so a unit struct takes its place and the function moves inside `body`:
//!
//! ```text
//! pub async fn teller(mut me: Process<Account>, cents: u64) -> Done { … }
//!
//! pub struct teller;                                              what callers name
//! const _: () = {                                                 one roof, for one `cfg` and one `allow`
//!     impl Entry for teller {                                     what the runtime starts
//!         fn body(me: Process<Account>, argument: u64) -> impl Future {
//!             async fn __teller(mut me: Process<Account>, cents: u64) -> Done { … }
//!             __teller(me, argument)
//!         }
//!     }
//!     inventory::submit! { EntryPoint::of::<teller>() }           how a node finds it by name
//! };
//! ```
//!
//! The inner function carries underscores because it would otherwise hide the struct from its own body, and an entry
//! that starts itself (each tree of processes has one) would name the wrong thing. A plain `async` block in its place
//! was set aside: `return` and `?` inside it would not know the declared type.
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

/// The struct, its impl and its registration for the function `item`, or why it cannot be an entry.
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

fn write(mut function: ItemFn, shape: &Shape, given: Option<&LitStr>) -> TokenStream {
    let Attributes { conditions, outer, inner } = Attributes::sort(std::mem::take(&mut function.attrs));
    let visibility = std::mem::replace(&mut function.vis, Visibility::Inherited);
    let identifier = function.sig.ident.clone();
    let name = name::expression(given, &identifier);
    let types = write_types(shape);
    let body = write_body(function, shape, &inner);
    quote! {
        #(#conditions)*
        #(#outer)*
        #[allow(non_camel_case_types)]
        #[derive(Clone, Copy, Debug)]
        #visibility struct #identifier;

        #(#conditions)*
        #[allow(deprecated)]
        const _: () = {
            impl ::holm::Entry for #identifier {
                #types
                const NAME: &'static str = #name;
                #body
            }
            ::holm::inventory::submit! { ::holm::EntryPoint::of::<#identifier>() }
        };
    }
}

/// The associated types, lying at the types in the signature: a private type of a public entry is reported there.
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
