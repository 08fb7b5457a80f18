//! A set of CPU numbers, written the way Linux writes it: `0-3,8`.
//!
//! Everybody who speaks of several CPUs uses it: masks, nodes of a layout, error messages. It is a sorted list
//! rather than the customary bitmap: a bitmap must have a size, and the usual one (1024) is what makes other
//! libraries abort on larger machines; a machine has hundreds of CPUs and the sets are made at start, so the few
//! nanoseconds of a binary search do not matter. It is not made for hot paths.

use std::fmt;
use std::str::FromStr;

/// The largest CPU number that is read from text; Linux itself stops at 8191.
///
/// It bounds what a short text such as `0-4000000000` can make us allocate.
pub const CPU_NUMBER_MAX: u32 = 65_535;

/// A set of operating system CPU numbers.
///
/// # Examples
///
/// ```
/// use holm_affinity::CpuSet;
///
/// let cpus: CpuSet = "8,0-3".parse()?;
/// assert_eq!(cpus.len(), 5);
/// assert!(cpus.contains(2));
/// assert_eq!(cpus.to_string(), "0-3,8");
/// # Ok::<(), holm_affinity::CpuSetError>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct CpuSet {
    /// Ascending, without repetitions.
    numbers: Vec<u32>,
}

/// Why a text is not a set of CPUs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CpuSetError {
    /// A part is neither a number nor two numbers with a dash.
    #[error("{0:?} is not a CPU number or range such as 4 or 0-3")]
    NotARange(String),
    /// A range that ends before it starts.
    #[error("the CPU range {0}-{1} runs backwards")]
    Backwards(u32, u32),
    /// A number beyond [`CPU_NUMBER_MAX`].
    #[error("cpu {0} is beyond the largest CPU number, {CPU_NUMBER_MAX}")]
    TooLarge(u32),
}

impl CpuSet {
    /// The empty set.
    pub fn new() -> CpuSet {
        CpuSet::default()
    }

    /// Whether `cpu` is in the set.
    pub fn contains(&self, cpu: u32) -> bool {
        self.numbers.binary_search(&cpu).is_ok()
    }

    /// Adds `cpu`; `false` if it was there already.
    pub fn insert(&mut self, cpu: u32) -> bool {
        match self.numbers.binary_search(&cpu) {
            Ok(_) => false,
            Err(place) => {
                self.numbers.insert(place, cpu);
                true
            }
        }
    }

    /// How many CPUs are in the set.
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// The numbers, ascending.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = u32> + '_ {
        self.numbers.iter().copied()
    }

    /// The smallest number.
    pub fn first(&self) -> Option<u32> {
        self.numbers.first().copied()
    }

    /// The CPUs that are in both sets.
    pub fn intersection(&self, other: &CpuSet) -> CpuSet {
        self.iter().filter(|&cpu| other.contains(cpu)).collect()
    }

    /// The CPUs that are in this set and not in `other`.
    pub fn difference(&self, other: &CpuSet) -> CpuSet {
        self.iter().filter(|&cpu| !other.contains(cpu)).collect()
    }

    /// The set as ranges of neighbours, ends included: what `Display` writes.
    fn ranges(&self) -> Vec<(u32, u32)> {
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        for cpu in self.iter() {
            match ranges.last_mut() {
                Some((_, last)) if *last + 1 == cpu => *last = cpu,
                _ => ranges.push((cpu, cpu)),
            }
        }
        ranges
    }
}

impl FromIterator<u32> for CpuSet {
    fn from_iter<I: IntoIterator<Item = u32>>(cpus: I) -> CpuSet {
        let mut numbers: Vec<u32> = cpus.into_iter().collect();
        numbers.sort_unstable();
        numbers.dedup();
        CpuSet { numbers }
    }
}

impl FromStr for CpuSet {
    type Err = CpuSetError;

    /// Reads `0-3,8`; the empty text is the empty set, as in the kernel's files.
    fn from_str(text: &str) -> Result<CpuSet, CpuSetError> {
        if text.trim().is_empty() {
            return Ok(CpuSet::new());
        }
        let mut ranges = text.trim().split(',').map(|part| range(part.trim())).collect::<Result<Vec<_>, _>>()?;
        ranges.sort_unstable();
        let mut numbers: Vec<u32> = Vec::new();
        for (first, last) in ranges {
            let unseen = numbers.last().map_or(0, |last| last + 1);
            numbers.extend(first.max(unseen)..=last);
        }
        Ok(CpuSet { numbers })
    }
}

/// `4` or `0-3`, ends included, within the bound.
fn range(part: &str) -> Result<(u32, u32), CpuSetError> {
    let number = |text: &str| match text.parse::<u32>() {
        Ok(number) if number > CPU_NUMBER_MAX => Err(CpuSetError::TooLarge(number)),
        Ok(number) if !text.starts_with('+') => Ok(number),
        _ => Err(CpuSetError::NotARange(part.to_owned())),
    };
    let (first, last) = part.split_once('-').unwrap_or((part, part));
    let (first, last) = (number(first)?, number(last)?);
    if first > last {
        return Err(CpuSetError::Backwards(first, last));
    }
    Ok((first, last))
}

impl fmt::Display for CpuSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (first, last)) in self.ranges().into_iter().enumerate() {
            let comma = if place == 0 { "" } else { "," };
            match first == last {
                true => write!(f, "{comma}{first}")?,
                false => write!(f, "{comma}{first}-{last}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for CpuSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CpuSet({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_as_it_is_read() {
        for text in ["", "0", "0-3,8", "1,3,5", "1022-1026,4096", "65535"] {
            assert_eq!(text.parse::<CpuSet>().unwrap().to_string(), text);
        }
        assert_eq!("0-9,2-3,5".parse::<CpuSet>().unwrap().to_string(), "0-9");
        assert_eq!("3,1-2,2\n".parse::<CpuSet>().unwrap().to_string(), "1-3");
    }

    #[test]
    fn knows_what_is_in_it_beyond_1024() {
        let mut set: CpuSet = [2000, 4, 2000].into_iter().collect();
        assert_eq!((set.len(), set.contains(2000), set.contains(1024)), (2, true, false));
        assert!(set.insert(1024) && !set.insert(1024));
        assert_eq!(set.iter().collect::<Vec<_>>(), [4, 1024, 2000]);
    }

    #[test]
    fn bad_text_is_named_and_never_allocates_much() {
        let error = |text: &str| text.parse::<CpuSet>().unwrap_err().to_string();
        assert_eq!(error("0-4000000000"), "cpu 4000000000 is beyond the largest CPU number, 65535");
        assert_eq!(error("5-2"), "the CPU range 5-2 runs backwards");
        for bad in ["a", "1,,2", "1-", "-1", "1-2-3", "+1", "99999999999", "0:2"] {
            assert!(matches!(bad.parse::<CpuSet>(), Err(CpuSetError::NotARange(_))), "{bad}");
        }
        let long = vec!["0-65535"; 200].join(",");
        assert_eq!(long.parse::<CpuSet>().unwrap().len(), 65_536);
    }

    #[test]
    fn sets_meet_and_part() {
        let (left, right): (CpuSet, CpuSet) = ("0-5".parse().unwrap(), "4-9".parse().unwrap());
        assert_eq!(left.intersection(&right).to_string(), "4-5");
        assert_eq!(left.difference(&right).to_string(), "0-3");
    }
}
