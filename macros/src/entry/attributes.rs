//! Where each attribute of the function goes, now that a struct and a function stand in its place.
//!
//! | attribute | struct | roof | function |
//! | --- | --- | --- | --- |
//! | `cfg` | yes | yes | its roof has it |
//! | `doc`, `deprecated` | yes | | |
//! | `allow`, `warn`, `deny`, `forbid` | yes | | yes |
//! | any other, also `expect` and `cfg_attr` | | | yes |
//!
//! `expect` goes to one place only, for in the other it would be unfulfilled; the function is where most lints look.

use syn::Attribute;

/// The function's attributes, by where they go.
#[derive(Default)]
pub(super) struct Attributes {
    /// On the struct and on the roof over its impl and registration.
    pub(super) conditions: Vec<Attribute>,
    /// On the struct.
    pub(super) outer: Vec<Attribute>,
    /// On the function.
    pub(super) inner: Vec<Attribute>,
}

impl Attributes {
    pub(super) fn sort(attributes: Vec<Attribute>) -> Self {
        let mut sorted = Attributes::default();
        for attribute in attributes {
            match attribute.path().get_ident().map(ToString::to_string).as_deref() {
                Some("cfg") => sorted.conditions.push(attribute),
                Some("doc" | "deprecated") => sorted.outer.push(attribute),
                Some("allow" | "warn" | "deny" | "forbid") => {
                    sorted.outer.push(attribute.clone());
                    sorted.inner.push(attribute);
                }
                _ => sorted.inner.push(attribute),
            }
        }
        sorted
    }
}
