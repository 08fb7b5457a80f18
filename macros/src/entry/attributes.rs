//! Where each attribute of the function goes, now that there is a function outside and one inside.
//!
//! | attribute | outside | inside |
//! | --- | --- | --- |
//! | `cfg`, `doc`, `deprecated` | yes | |
//! | `allow`, `expect`, `warn`, `deny`, `forbid` | yes, and thereby inside too | |
//! | any other, also `cfg_attr` | | yes |

use syn::Attribute;

/// The function's attributes, by where they go.
#[derive(Default)]
pub(super) struct Attributes {
    /// On the function that callers name.
    pub(super) outer: Vec<Attribute>,
    /// On the function that the user wrote.
    pub(super) inner: Vec<Attribute>,
}

impl Attributes {
    pub(super) fn sort(attributes: Vec<Attribute>) -> Self {
        let mut sorted = Attributes::default();
        for attribute in attributes {
            match attribute.path().get_ident().map(ToString::to_string).as_deref() {
                Some("cfg" | "doc" | "deprecated" | "allow" | "expect" | "warn" | "deny" | "forbid") => {
                    sorted.outer.push(attribute);
                }
                _ => sorted.inner.push(attribute),
            }
        }
        sorted
    }
}
