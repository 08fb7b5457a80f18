//! What the derive writes, what it refuses, and where its errors and its tokens lie.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{File, Item, ItemImpl};

use super::expand;

fn tokens(text: &str) -> TokenStream {
    text.parse().expect("the test's text is made of Rust tokens")
}

fn impls(text: &str) -> Vec<ItemImpl> {
    let file: File = syn::parse2(expand(tokens(text)).expect("a message")).expect("items");
    file.items
        .into_iter()
        .map(|item| match item {
            Item::Impl(item) => item,
            other => panic!("expected impls alone, not {}", quote!(#other)),
        })
        .collect()
}

/// The trait of an impl, without spaces.
fn implemented(item: &ItemImpl) -> String {
    let path = &item.trait_.as_ref().expect("an impl of a trait").1;
    quote!(#path).to_string().replace(' ', "")
}

fn written(text: &str) -> String {
    expand(tokens(text)).expect("a message").to_string()
}

/// The error's words and the text it points at.
fn refusal(text: &str) -> (String, String) {
    let error = expand(tokens(text)).expect_err("no message");
    (error.to_string(), error.span().source_text().unwrap_or_default())
}

#[test]
fn a_message_has_a_name_and_a_codec_and_crosses() {
    let expected = quote! {
        #[automatically_derived]
        impl ::holm::Message for Ask {
            const NAME: &'static str = ::core::concat!(::core::module_path!(), "::", "Ask");
            const WIRE: ::core::option::Option<::holm::Wire<Self>> = ::core::option::Option::Some(::holm::Wire::of());
        }
        #[automatically_derived]
        impl ::holm::Crosses for Ask {}
    };
    assert_eq!(written("struct Ask { question: String }"), expected.to_string());
}

#[test]
fn a_local_message_has_no_codec_and_does_not_cross() {
    let expected = quote! {
        #[automatically_derived]
        impl ::holm::Message for Ask {
            const NAME: &'static str = ::core::concat!(::core::module_path!(), "::", "Ask");
            const WIRE: ::core::option::Option<::holm::Wire<Self>> = ::core::option::Option::None;
        }
    };
    assert_eq!(written("#[message(local)] enum Ask { Now }"), expected.to_string());
}

#[test]
fn a_given_name_replaces_module_path_and_identifier() {
    for text in [
        r#"#[message(name = "ask-1")] struct Ask;"#,
        r#"#[message(local, name = "ask-1")] struct Ask;"#,
        r#"#[message(name = "ask-1")] #[message(local)] struct Ask;"#,
    ] {
        let written = written(text);
        assert!(written.contains(r#"const NAME : & 'static str = "ask-1" ;"#), "{written}");
        assert_eq!(written.contains("Crosses"), !text.contains("local"), "{text}");
    }
}

#[test]
fn a_raw_identifier_is_named_without_its_mark() {
    assert!(written("struct r#type;").contains(r#""::" , "type""#));
}

#[test]
fn type_parameters_are_asked_for_what_the_message_needs() {
    let items = impls("struct Ask<T: Clone, const N: usize> where T: Copy { of: [T; N] }");
    assert_eq!(items.iter().map(implemented).collect::<Vec<_>>(), ["::holm::Message", "::holm::Crosses"]);
    for item in items {
        let (parameters, _, conditions) = item.generics.split_for_impl();
        let expected = quote! {
            <T: Clone + ::core::marker::Send + 'static + ::holm::serde::Serialize + ::holm::serde::de::DeserializeOwned,
            const N: usize>
        };
        assert_eq!(quote!(#parameters).to_string(), expected.to_string());
        assert_eq!(quote!(#conditions).to_string(), "where T : Copy");
        let itself = &item.self_ty;
        assert_eq!(quote!(#itself).to_string(), "Ask < T , N >");
    }
}

#[test]
fn a_local_message_asks_nothing_of_serde() {
    let [item] = &impls("#[message(local)] struct Ask<T = u8>(T);")[..] else { panic!("expected one impl") };
    let (parameters, ..) = item.generics.split_for_impl();
    assert_eq!(quote!(#parameters).to_string(), quote!(<T: ::core::marker::Send + 'static>).to_string());
}

#[test]
fn the_impl_lies_at_the_type_so_that_missing_traits_are_reported_there() {
    let input = tokens("struct Ask { question: String }");
    let place = input.clone().into_iter().nth(1).expect("the identifier").span().start();
    for token in expand(input).expect("a message") {
        assert_eq!(token.span().start(), place, "{token}");
    }
}

#[test]
fn borrowing_types_are_refused_at_the_lifetime() {
    let (why, place) = refusal("struct Ask<'a, T> { question: &'a T }");
    assert!(why.starts_with("a message is owned"), "{why}");
    assert_eq!(place, "'a");
}

#[test]
fn unions_are_refused() {
    let (why, place) = refusal("union Ask { a: u8, b: i8 }");
    assert!(why.starts_with("a message is a struct or an enum"), "{why}");
    assert_eq!(place, "union");
}

#[test]
fn unknown_words_in_the_attribute_are_refused_where_they_stand() {
    let (why, place) = refusal("#[message(remote)] struct Ask;");
    assert!(why.starts_with("a message can be `local`"), "{why}");
    assert_eq!(place, "remote");
}

#[test]
fn a_name_is_given_once_and_is_not_empty() {
    let (why, _) = refusal(r#"#[message(name = "a")] #[message(name = "b")] struct Ask;"#);
    assert_eq!(why, "the name is given twice");
    let (why, place) = refusal(r#"#[message(name = "")] struct Ask;"#);
    assert!(why.starts_with("the name is empty"), "{why}");
    assert_eq!(place, r#""""#);
}
