//! `#[derive(Message)]`: the name and the codec of a type, as two small impls.
//!
//! It serves whoever defines what processes say to each other. It looks at no field: whether the parts can be encoded
//! is serde's question. Every token of the impls lies at the type's identifier, so that a missing `Serialize` is
//! reported under the type's name rather than under the derive, which lacks nothing.
//! Deriving serde's traits in the same breath was set aside: the user would lose serde's own attributes.

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use syn::{Attribute, Data, DeriveInput, Error, Generics, LitStr, Result, parse_quote};

use crate::name;

/// What the attribute `#[message(…)]` says.
#[derive(Default)]
struct Options {
    /// The message never leaves its node.
    local: bool,
    /// The name to be known by, in place of module path and identifier.
    name: Option<LitStr>,
}

/// The impls for the type in `input`, or why it cannot be a message.
pub(crate) fn expand(input: TokenStream) -> Result<TokenStream> {
    let input: DeriveInput = syn::parse2(input)?;
    refuse_union(&input.data)?;
    refuse_lifetimes(&input.generics)?;
    let options = Options::read(&input.attrs)?;
    Ok(implement(&input, &options))
}

fn refuse_union(data: &Data) -> Result<()> {
    match data {
        Data::Union(data) => Err(Error::new(
            data.union_token.span,
            "a message is a struct or an enum: nobody could tell which field of a union to send",
        )),
        Data::Struct(_) | Data::Enum(_) => Ok(()),
    }
}

fn refuse_lifetimes(generics: &Generics) -> Result<()> {
    match generics.lifetimes().next() {
        Some(borrow) => Err(Error::new(
            borrow.lifetime.span(),
            "a message is owned: its sender may end before it is read, so it cannot hold a borrow; \
             write `String` for `&str`, `Vec<T>` for `&[T]`",
        )),
        None => Ok(()),
    }
}

impl Options {
    fn read(attributes: &[Attribute]) -> Result<Self> {
        let mut options = Options::default();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("message")) {
            attribute.parse_nested_meta(|argument| {
                if argument.path.is_ident("name") {
                    name::read(&argument, &mut options.name)
                } else if argument.path.is_ident("local") {
                    options.local = true;
                    Ok(())
                } else {
                    Err(argument.error("a message can be `local` and can have a `name = \"…\"`, nothing else"))
                }
            })?;
        }
        Ok(options)
    }
}

fn implement(input: &DeriveInput, options: &Options) -> TokenStream {
    let identifier = &input.ident;
    let generics = bound(input.generics.clone(), options.local);
    let (parameters, arguments, conditions) = generics.split_for_impl();
    let name = name::expression(options.name.as_ref(), identifier);
    let at = Span::call_site().located_at(identifier.span());
    let wire = if options.local {
        quote_spanned!(at=> ::core::option::Option::None)
    } else {
        quote_spanned!(at=> ::core::option::Option::Some(::holm::Wire::of()))
    };
    let crosses = (!options.local).then(|| {
        quote_spanned! {at=>
            #[automatically_derived]
            impl #parameters ::holm::Crosses for #identifier #arguments #conditions {}
        }
    });
    quote_spanned! {at=>
        #[automatically_derived]
        impl #parameters ::holm::Message for #identifier #arguments #conditions {
            const NAME: &'static str = #name;
            const WIRE: ::core::option::Option<::holm::Wire<Self>> = #wire;
        }
        #crosses
    }
}

/// Asks of each type parameter what the message as a whole needs: to move freely, and to cross unless `local`.
fn bound(mut generics: Generics, local: bool) -> Generics {
    for parameter in generics.type_params_mut() {
        parameter.bounds.push(parse_quote!(::core::marker::Send));
        parameter.bounds.push(parse_quote!('static));
        if !local {
            parameter.bounds.push(parse_quote!(::holm::serde::Serialize));
            parameter.bounds.push(parse_quote!(::holm::serde::de::DeserializeOwned));
        }
    }
    generics
}

#[cfg(test)]
mod tests;
