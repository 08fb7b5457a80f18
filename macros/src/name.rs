//! The stable name under which a message or an entry is known in every node.
//!
//! It serves both macros: the argument `name = "…"` is read here, and the default is written here. The default is made
//! of text, module path and identifier, so it is the same in each node of one program. The compiler's own `type_name`
//! and `TypeId` were set aside: neither is promised to stay the same between two builds, and names end up in logs.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::ext::IdentExt;
use syn::meta::ParseNestedMeta;
use syn::{Error, LitStr, Result};

/// Reads the value of `name = "…"` into `name`, which can be given once and cannot be empty.
pub(crate) fn read(argument: &ParseNestedMeta<'_>, name: &mut Option<LitStr>) -> Result<()> {
    if name.is_some() {
        return Err(argument.error("the name is given twice"));
    }
    let given: LitStr = argument.value()?.parse()?;
    if given.value().is_empty() {
        return Err(Error::new(
            given.span(),
            "the name is empty; leave it out to be known by module path and identifier",
        ));
    }
    *name = Some(given);
    Ok(())
}

/// The constant expression for the name: the one given, or `module::path::identifier`.
pub(crate) fn expression(given: Option<&LitStr>, identifier: &Ident) -> TokenStream {
    match given {
        Some(name) => quote!(#name),
        None => {
            let identifier = identifier.unraw().to_string();
            quote!(::core::concat!(::core::module_path!(), "::", #identifier))
        }
    }
}
