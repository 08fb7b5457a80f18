//! What an entry looks like, and why a function does not.
//!
//! It serves the expansion, which reads the two types it needs from a [`Shape`]; and the user, who gets one sentence
//! for the first thing that is wrong, under that thing. Only syntax is judged: whether the first parameter really is
//! a `holm::Process`, and whether the argument crosses, is for the compiler to say about the expansion.

use proc_macro2::Span;
use quote::ToTokens;
use syn::spanned::Spanned;
use syn::{Error, FnArg, GenericArgument, Item, PathArguments, Result, Signature, Type, parse_quote};

/// The types that an entry is made of.
pub(super) struct Shape {
    /// `M` of the first parameter's `Process<M>`.
    pub(super) message: Type,
    /// Where the first parameter's type was written.
    pub(super) process_span: Span,
    /// The second parameter's type, if there is a second.
    pub(super) argument: Option<Type>,
}

impl Shape {
    pub(super) fn read(signature: &Signature) -> Result<Self> {
        refuse_qualifiers(signature)?;
        refuse_generics(signature)?;
        let (process, argument) = parameters(signature)?;
        let message = message_of(process)?;
        if let Some(argument) = argument {
            refuse_unowned(argument)?;
        }
        Ok(Shape { message, process_span: process.span(), argument: argument.cloned() })
    }

    /// The argument's type; an entry without a second parameter is started with `()`.
    pub(super) fn argument_type(&self) -> Type {
        self.argument.clone().unwrap_or_else(|| parse_quote!(()))
    }
}

/// Why `item`, which is a struct or anything else but a function, is no entry.
pub(super) fn no_function(item: &Item) -> Error {
    refused(item, &looks_like("an entry is an `async fn`"))
}

fn refuse_qualifiers(signature: &Signature) -> Result<()> {
    if let Some(word) = &signature.constness {
        return Err(refused(word, "an entry runs in a process, never at compile time: take `const` away"));
    }
    if let Some(word) = &signature.unsafety {
        return Err(refused(
            word,
            "an entry is started from afar, where no caller can promise anything: take `unsafe` away",
        ));
    }
    if let Some(abi) = &signature.abi {
        return Err(refused(abi, "an entry is called by holm alone: take `extern` away"));
    }
    if signature.asyncness.is_none() {
        return Err(refused(
            signature.fn_token,
            "an entry is an `async fn`: its process waits without holding a thread",
        ));
    }
    Ok(())
}

fn refuse_generics(signature: &Signature) -> Result<()> {
    let generics = &signature.generics;
    if !generics.params.is_empty() {
        return Err(refused(&generics.params, "an entry has no generics: another node finds it by its name alone"));
    }
    match &generics.where_clause {
        Some(clause) => Err(refused(clause, "an entry has no where-clause: it has no generics to constrain")),
        None => Ok(()),
    }
}

/// The types of the first parameter and of the second, if there is one.
fn parameters(signature: &Signature) -> Result<(&Type, Option<&Type>)> {
    let mut types = Vec::with_capacity(2);
    for parameter in &signature.inputs {
        match parameter {
            FnArg::Receiver(receiver) => {
                return Err(refused(receiver, "an entry has no `self`: it stands in a module, not in an impl"));
            }
            FnArg::Typed(parameter) if types.len() == 2 => {
                return Err(refused(
                    parameter,
                    "an entry takes at most two parameters: put several values in a struct or tuple",
                ));
            }
            FnArg::Typed(parameter) => types.push(&*parameter.ty),
        }
    }
    match types[..] {
        [process] => Ok((process, None)),
        [process, argument] => Ok((process, Some(argument))),
        _ => Err(Error::new(signature.paren_token.span.join(), looks_like("the first parameter is missing"))),
    }
}

/// `M` from `Process<M>`, however the path before the last segment is written.
fn message_of(process: &Type) -> Result<Type> {
    let last = match ungrouped(process) {
        Type::Path(path) => path.path.segments.last(),
        _ => None,
    };
    if let Some(PathArguments::AngleBracketed(arguments)) = last.map(|segment| &segment.arguments)
        && arguments.args.len() == 1
        && let Some(GenericArgument::Type(message)) = arguments.args.first()
    {
        return Ok(message.clone());
    }
    Err(refused(process, &looks_like("this type does not say which messages the process understands")))
}

fn refuse_unowned(argument: &Type) -> Result<()> {
    match ungrouped(argument) {
        Type::Reference(_) => Err(refused(
            argument,
            "an argument is owned: whoever starts the process may end before it; write `String` for `&str`",
        )),
        Type::ImplTrait(_) => {
            Err(refused(argument, "an entry has no generics, and `impl Trait` is one: name the argument's type"))
        }
        _ => Ok(()),
    }
}

/// The type without the invisible group around it that a `macro_rules` fragment brings.
fn ungrouped(mut of: &Type) -> &Type {
    while let Type::Group(group) = of {
        of = &group.elem;
    }
    of
}

fn looks_like(what: &str) -> String {
    format!("{what}; an entry looks like `async fn name(me: Process<Message>, argument: Argument) -> Reason`")
}

fn refused(what: impl ToTokens, why: &str) -> Error {
    Error::new_spanned(what, why)
}
