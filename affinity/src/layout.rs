//! How the schedulers of a program are dealt out over OS processes, as the user writes it.
//!
//! `1x8` is one OS process with eight schedulers, `8x1` eight with one each; `numa` and `l3` let the machine decide.
//! This file knows no machine: what a layout means on one is `plan.rs`.

use std::fmt;
use std::str::FromStr;

/// The most nodes (OS processes) a layout may have.
pub const MAX_NODES: u32 = 256;
/// The most schedulers a layout may have over all its nodes.
pub const MAX_SCHEDULERS: u32 = 1024;

/// How schedulers are dealt out over nodes, that is, OS processes.
///
/// # Examples
///
/// ```
/// use holm_affinity::Layout;
///
/// assert_eq!("2x4".parse(), Ok(Layout::Grid { nodes: 2, schedulers_per_node: 4 }));
/// assert_eq!("numa".parse(), Ok(Layout::Numa));
/// assert_eq!("0x4".parse::<Layout>().unwrap_err().to_string(), "layout 0x4 has no node; the least is 1x1");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Layout {
    /// `PxS`: P nodes with S schedulers each.
    Grid {
        /// P, 1 to [`MAX_NODES`].
        nodes: u32,
        /// S; P times S is at most [`MAX_SCHEDULERS`].
        schedulers_per_node: u32,
    },
    /// One node per NUMA node, one scheduler per allowed CPU in it.
    Numa,
    /// One node per last-level cache, one scheduler per allowed CPU below it.
    L3,
}

/// Why a text or a pair of numbers is not a layout.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    /// Neither a grid nor one of the names.
    #[error("{0:?} is not a layout; write nodes x schedulers such as 1x8, 8x1, 2x4, or numa, or l3")]
    Unknown(String),
    /// P is 0.
    #[error("layout {0} has no node; the least is 1x1")]
    NoNode(String),
    /// S is 0.
    #[error("layout {0} has no scheduler in its nodes; the least is 1x1")]
    NoScheduler(String),
    /// P is beyond [`MAX_NODES`].
    #[error("layout {0} has more than {MAX_NODES} nodes")]
    TooManyNodes(String),
    /// P times S is beyond [`MAX_SCHEDULERS`].
    #[error("layout {0} has more than {MAX_SCHEDULERS} schedulers in all")]
    TooManySchedulers(String),
}

impl Layout {
    /// A checked grid of `nodes` with `schedulers_per_node` each.
    ///
    /// # Errors
    ///
    /// When a number is 0 or beyond its bound.
    pub fn grid(nodes: u32, schedulers_per_node: u32) -> Result<Layout, LayoutError> {
        let layout = Layout::Grid { nodes, schedulers_per_node };
        layout.check()?;
        Ok(layout)
    }

    /// Whether the numbers lie within the bounds; for grids that were not made by [`Layout::grid`].
    pub(crate) fn check(&self) -> Result<(), LayoutError> {
        let Layout::Grid { nodes, schedulers_per_node } = *self else { return Ok(()) };
        let name = self.to_string();
        match (nodes, schedulers_per_node) {
            (0, _) => Err(LayoutError::NoNode(name)),
            (_, 0) => Err(LayoutError::NoScheduler(name)),
            (nodes, _) if nodes > MAX_NODES => Err(LayoutError::TooManyNodes(name)),
            (nodes, each) if u64::from(nodes) * u64::from(each) > u64::from(MAX_SCHEDULERS) => {
                Err(LayoutError::TooManySchedulers(name))
            }
            _ => Ok(()),
        }
    }
}

impl FromStr for Layout {
    type Err = LayoutError;

    fn from_str(text: &str) -> Result<Layout, LayoutError> {
        match text {
            "numa" => return Ok(Layout::Numa),
            "l3" => return Ok(Layout::L3),
            _ => {}
        }
        let unknown = || LayoutError::Unknown(text.to_owned());
        let (nodes, each) = text.split_once('x').ok_or_else(unknown)?;
        if !is_number(nodes) || !is_number(each) {
            return Err(unknown());
        }
        // Digits that do not fit are only too many, and the bounds say so better than "not a number".
        let number = |digits: &str| digits.parse().unwrap_or(u32::MAX);
        Layout::grid(number(nodes), number(each))
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Layout::Grid { nodes, schedulers_per_node } => write!(f, "{nodes}x{schedulers_per_node}"),
            Layout::Numa => f.write_str("numa"),
            Layout::L3 => f.write_str("l3"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts_are_written_as_they_are_read() {
        for text in ["1x1", "1x8", "8x1", "2x4", "256x4", "1x1024", "numa", "l3"] {
            assert_eq!(text.parse::<Layout>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_bad_layout_is_refused_with_one_sentence() {
        let error = |text: &str| text.parse::<Layout>().unwrap_err();
        assert!(matches!(error("0x4"), LayoutError::NoNode(_)));
        assert!(matches!(error("4x0"), LayoutError::NoScheduler(_)));
        assert!(matches!(error("9999x1"), LayoutError::TooManyNodes(_)));
        assert!(matches!(error("256x5"), LayoutError::TooManySchedulers(_)));
        assert!(matches!(error("1x99999999999999999999"), LayoutError::TooManySchedulers(_)));
        for text in ["axb", "", "x", "4", "4x", "x4", "-1x4", "+1x4", "1x2x3", "1 x 2", "NUMA", "1X2"] {
            assert!(matches!(error(text), LayoutError::Unknown(_)), "{text}");
        }
        assert_eq!(error("9999x1").to_string(), "layout 9999x1 has more than 256 nodes");
        assert_eq!(
            error("axb").to_string(),
            "\"axb\" is not a layout; write nodes x schedulers such as 1x8, 8x1, 2x4, or numa, or l3"
        );
    }

    #[test]
    fn a_grid_written_as_a_value_is_checked_alike() {
        assert!(Layout::grid(2, 4).is_ok());
        assert!(Layout::grid(0, 4).is_err() && Layout::grid(u32::MAX, u32::MAX).is_err());
    }
}
