//! What the attribute writes, what it refuses, and where its errors point.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Attribute, ItemFn};

use super::expand;

fn tokens(text: &str) -> TokenStream {
    text.parse().expect("the test's text is made of Rust tokens")
}

fn written(arguments: &str, function: &str) -> String {
    expand(tokens(arguments), tokens(function)).expect("an entry").to_string()
}

/// The error's words and the text it points at.
fn refusal(arguments: &str, function: &str) -> (String, String) {
    let error = expand(tokens(arguments), tokens(function)).expect_err("no entry");
    (error.to_string(), error.span().source_text().unwrap_or_default())
}

fn refused(function: &str, why: &str, place: &str) {
    let (said, pointed_at) = refusal("", function);
    assert!(said.contains(why), "{function}: {said}");
    assert_eq!(pointed_at, place, "{function}: {said}");
    assert!(!said.contains('\n'), "one sentence: {said}");
}

#[test]
fn a_function_becomes_one_that_hands_over_a_registered_type() {
    let expected = quote! {
        #[must_use]
        pub(crate) fn teller() -> impl ::holm::Entry<Message = Account, Argument = (u64, String)> {
            #[derive(Clone, Copy)]
            struct __Entry;

            impl ::holm::Entry for __Entry {
                type Message = Account;
                type Argument = (u64, String);
                const NAME: &'static str = ::core::concat!(::core::module_path!(), "::", "teller");
                fn body(
                    me: ::holm::Process<Account>,
                    argument: (u64, String)
                ) -> impl ::core::future::Future<Output: ::holm::IntoReason> + ::core::marker::Send + 'static {
                    async fn __teller(mut me: holm::Process<Account>, (cents, owner): (u64, String)) -> Result<(), Broke> {
                        Ok(())
                    }
                    __teller(me, argument)
                }
            }

            ::holm::inventory::submit! { ::holm::EntryPoint::of::<__Entry>() }

            __Entry
        }
    };
    let function = "pub(crate) async fn teller(mut me: holm::Process<Account>, (cents, owner): (u64, String)) \
        -> Result<(), Broke> { Ok(()) }";
    assert_eq!(written("", function), expected.to_string());
}

#[test]
fn an_entry_without_argument_is_started_with_nothing() {
    let written = written("", "async fn clock(_: Process<Tick>) {}");
    for part in [
        quote!(
            type Argument = ();
        ),
        quote!(fn body(me: ::holm::Process<Tick>, (): ()) ->),
        quote!(
            async fn __clock(_: Process<Tick>) {}
        ),
        quote!(__clock(me,)),
    ] {
        assert!(written.contains(&part.to_string()), "{part} in {written}");
    }
}

#[test]
fn a_given_name_replaces_module_path_and_identifier() {
    let written = written(r#"name = "the-clock""#, "async fn clock(me: Process<Tick>) {}");
    assert!(written.contains(r#"const NAME : & 'static str = "the-clock" ;"#), "{written}");
}

#[test]
fn a_raw_identifier_is_named_without_its_mark() {
    let written = written("", "async fn r#loop(me: Process<Tick>) {}");
    assert!(written.contains("fn r#loop ()") && written.contains("async fn __loop"), "{written}");
    assert!(written.contains(r#""::" , "loop""#), "{written}");
}

#[test]
fn attributes_go_where_they_mean_something() {
    let function = "/// Tells.\n #[cfg(unix)] #[deprecated] #[allow(unused)] #[expect(dead_code)] #[traced(a = 1)] \
        async fn teller(me: Process<Account>) {}";
    let outside: ItemFn =
        syn::parse2(expand(TokenStream::new(), tokens(function)).expect("an entry")).expect("a function");
    assert_eq!(paths(&outside.attrs), ["doc", "cfg", "deprecated", "allow", "expect", "must_use"]);
    let block = outside.block.to_token_stream().to_string();
    let inside = quote!(#[traced(a = 1)] async fn __teller).to_string();
    assert!(block.contains(&inside), "{block}");
}

fn paths(attributes: &[Attribute]) -> Vec<String> {
    attributes.iter().map(|attribute| attribute.path().require_ident().expect("one word").to_string()).collect()
}

#[test]
fn qualifiers_that_an_entry_cannot_have_are_refused() {
    refused("fn teller(me: Process<Account>) {}", "is an `async fn`", "fn");
    refused("const async fn teller(me: Process<Account>) {}", "take `const` away", "const");
    refused("async unsafe fn teller(me: Process<Account>) {}", "take `unsafe` away", "unsafe");
    refused(r#"async extern "C" fn teller(me: Process<Account>) {}"#, "take `extern` away", r#"extern "C""#);
}

#[test]
fn what_is_no_function_is_refused() {
    refused("struct Teller;", "an entry is an `async fn`", "struct Teller;");
}

#[test]
fn generics_are_refused_however_they_are_written() {
    refused("async fn teller<'a, T: Send>(me: Process<T>) {}", "has no generics", "'a, T: Send");
    refused("async fn teller(me: Process<u8>) where u8: Copy {}", "has no where-clause", "where u8: Copy");
    refused("async fn teller(me: Process<u8>, of: impl Send) {}", "`impl Trait` is one", "impl Send");
}

#[test]
fn parameters_are_one_or_two_and_never_self() {
    refused("async fn teller(&self, me: Process<u8>) {}", "has no `self`", "&self");
    refused("async fn teller() {}", "the first parameter is missing", "()");
    refused("async fn teller(me: Process<u8>, a: u8, b: u8) {}", "at most two parameters", "b: u8");
    refused("async fn teller(me: Process<u8>, name: &str) {}", "an argument is owned", "&str");
}

#[test]
fn a_first_parameter_that_names_no_message_is_told_what_an_entry_looks_like() {
    for place in ["u64", "Process", "&Process<u8>", "Process<u8, u8>", "Process<'static>", "Process<N = u8>"] {
        refused(
            &format!("async fn teller(me: {place}) {{}}"),
            "an entry looks like `async fn name(me: Process<Message>, argument: Argument) -> Reason`",
            place,
        );
    }
}

#[test]
fn unknown_arguments_are_refused_where_they_stand() {
    let function = "async fn teller(me: Process<u8>) {}";
    let (why, place) = refusal("local", function);
    assert!(why.starts_with("an entry can have a `name"), "{why}");
    assert_eq!(place, "local");
    let (why, _) = refusal(r#"name = "a", name = "b""#, function);
    assert_eq!(why, "the name is given twice");
    let (why, _) = refusal("name = \"\"", function);
    assert!(why.starts_with("the name is empty"), "{why}");
}
