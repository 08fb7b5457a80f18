//! Which protocol version and which features two ends use: a pure function of both Hellos.
//!
//! Each end offers a range of versions and a set of features, and may require some of its features. The highest common
//! version and the common features are used; a required feature that the other end does not offer is refused. Both ends
//! compute the same answer from the same bytes, and the proofs cover those bytes, so nobody on the way can strip a bit.
//! Set aside: an extra message that states the result; it could only disagree.

use crate::Refusal;
use std::fmt;

/// The oldest wire version this crate speaks.
pub const VERSION_MIN: u16 = 1;
/// The newest wire version this crate speaks.
pub const VERSION_MAX: u16 = 1;

/// A set of optional abilities, one bit each. Bits 0..16 belong to this crate (none is used yet), the others to its user.
#[derive(Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Features(u64);

impl Features {
    /// No feature at all.
    pub const NONE: Features = Features(0);

    /// The set with exactly these bits.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Features {
        Features(bits)
    }

    /// The bits of this set.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// What is in this set or in the other.
    #[must_use]
    pub const fn with(self, other: Features) -> Features {
        Features(self.0 | other.0)
    }

    /// What is in both sets.
    #[must_use]
    pub const fn common(self, other: Features) -> Features {
        Features(self.0 & other.0)
    }

    /// Is all of `other` in this set?
    #[must_use]
    pub const fn has(self, other: Features) -> bool {
        self.0 & other.0 == other.0
    }
}

impl fmt::Debug for Features {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Features({:#x})", self.0)
    }
}

/// What one end says about versions and features.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Offer {
    pub(crate) version_min: u16,
    pub(crate) version_max: u16,
    pub(crate) offered: Features,
    pub(crate) required: Features,
}

/// The version and features both ends use.
pub(crate) fn agree(ours: Offer, theirs: Offer) -> Result<(u16, Features), Refusal> {
    let version = ours.version_max.min(theirs.version_max);
    if version < ours.version_min || version < theirs.version_min {
        return Err(Refusal::Version);
    }
    if !theirs.offered.has(ours.required) || !ours.offered.has(theirs.required) {
        return Err(Refusal::Feature);
    }
    Ok((version, ours.offered.common(theirs.offered)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(version_min: u16, version_max: u16, offered: u64, required: u64) -> Offer {
        Offer { version_min, version_max, offered: Features(offered), required: Features(required) }
    }

    #[test]
    fn the_highest_common_version_and_the_common_features_are_used() {
        let agreed = agree(offer(1, 3, 0b110, 0), offer(2, 9, 0b011, 0b010));
        assert_eq!(agreed, Ok((3, Features(0b010))));
    }

    #[test]
    fn ranges_that_do_not_meet_are_refused_whoever_is_newer() {
        assert_eq!(agree(offer(1, 1, 0, 0), offer(2, 3, 0, 0)), Err(Refusal::Version));
        assert_eq!(agree(offer(2, 3, 0, 0), offer(1, 1, 0, 0)), Err(Refusal::Version));
    }

    #[test]
    fn a_required_feature_the_other_end_lacks_is_refused_on_either_side() {
        assert_eq!(agree(offer(1, 1, 1, 1), offer(1, 1, 0, 0)), Err(Refusal::Feature));
        assert_eq!(agree(offer(1, 1, 0, 0), offer(1, 1, 1, 1)), Err(Refusal::Feature));
    }

    #[test]
    fn agreement_does_not_depend_on_who_asks() {
        for (a, b) in [(offer(1, 3, 7, 1), offer(2, 2, 5, 4)), (offer(1, 1, 0, 0), offer(1, 2, 3, 0))] {
            assert_eq!(agree(a, b), agree(b, a));
        }
    }
}
