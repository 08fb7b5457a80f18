//! Numbers as a reader wants them: three digits that matter, a unit, no more.
//!
//! Also the way back for the few that are typed (`4KiB`, `0.05`). Results on disk never pass through here: they keep
//! all their digits.

/// Largest message that a command line may ask for.
pub(crate) const SIZE_MAX: u32 = 16 << 20;
/// Longest work per message that a command line may ask for, in microseconds.
pub(crate) const WORK_US_MAX: u32 = 1_000_000;

/// Three significant digits: `0.0123`, `1.23`, `12.3`, `123`, `12300`.
pub(crate) fn three(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return if value == 0.0 { "0".to_owned() } else { "–".to_owned() };
    }
    let rounded = format!("{value:.2e}"); // 9.996 becomes 1.00e1: the digits are counted behind the rounding
    let exponent: i32 = rounded.split_once('e').and_then(|(_, exponent)| exponent.parse().ok()).unwrap_or(0);
    let decimals = (2 - exponent).clamp(0, 9) as usize;
    format!("{value:.decimals$}")
}

/// Three significant digits with k, M or G: `12.3 M`.
pub(crate) fn short(value: f64) -> String {
    let (scale, letter) = match value.abs() {
        v if v >= 999.5e6 => (1e9, " G"),
        v if v >= 999.5e3 => (1e6, " M"),
        v if v >= 9_999.5 => (1e3, " k"),
        _ => (1.0, ""),
    };
    three(value / scale) + letter
}

/// A factor: `×1.24`.
pub(crate) fn times(ratio: f64) -> String {
    format!("×{}", three(ratio))
}

/// A share of the messages as it was measured: `0.05`.
pub(crate) fn share(share: f64) -> String {
    without_zeros(three(share))
}

/// A share of the messages that was computed: two digits, for it is no more certain than that.
pub(crate) fn share_rounded(share: f64) -> String {
    without_zeros(two(share))
}

/// A share of the messages that was computed, in per cent: `8.3 %`.
pub(crate) fn percent(share: f64) -> String {
    format!("{} %", without_zeros(two(share * 100.0)))
}

fn two(value: f64) -> String {
    let rounded: f64 = format!("{value:.1e}").parse().unwrap_or(value);
    three(rounded)
}

fn without_zeros(text: String) -> String {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A message size: `64 B`, `4 KiB`.
pub(crate) fn size(bytes: u32) -> String {
    match bytes {
        b if b >= 1 << 20 && b % (1 << 20) == 0 => format!("{} MiB", b >> 20),
        b if b >= 1 << 10 && b % (1 << 10) == 0 => format!("{} KiB", b >> 10),
        b => format!("{b} B"),
    }
}

/// The work done for each message: `no work`, `1 µs of work`.
pub(crate) fn work(work_us: u32) -> String {
    if work_us == 0 { "no work".to_owned() } else { format!("{work_us} µs of work") }
}

/// Reads a message size: `64`, `64B`, `4KiB`, `1MiB`.
pub(crate) fn parse_size(text: &str) -> Result<u32, String> {
    let lower = text.to_ascii_lowercase();
    let digits = lower.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor: Option<u32> = match lower[digits.len()..].trim() {
        "" | "b" => Some(1),
        "k" | "kb" | "kib" => Some(1 << 10),
        "m" | "mb" | "mib" => Some(1 << 20),
        _ => None,
    };
    let bytes = factor.zip(digits.trim().parse::<u32>().ok()).and_then(|(factor, count)| count.checked_mul(factor));
    bytes
        .filter(|bytes| (1..=SIZE_MAX).contains(bytes))
        .ok_or_else(|| format!("`{text}` is no message size; write bytes from 1 to 16MiB, such as 64 or 4KiB"))
}

/// Reads a share of messages between 0 and 1.
pub(crate) fn parse_share(text: &str) -> Result<f64, String> {
    text.parse::<f64>()
        .ok()
        .filter(|share| (0.0..=1.0).contains(share))
        .map(|share| share + 0.0) // -0 becomes 0
        .ok_or_else(|| format!("`{text}` is no share of messages; write a number from 0 to 1, such as 0.05"))
}

/// Reads the work per message in microseconds.
pub(crate) fn parse_work(text: &str) -> Result<u32, String> {
    text.parse::<u32>()
        .ok()
        .filter(|work| *work <= WORK_US_MAX)
        .ok_or_else(|| format!("`{text}` is no work per message; write whole microseconds from 0 to {WORK_US_MAX}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_three_digits() {
        assert_eq!([0.01234, 0.9996, 12.34, 123.4, 12345.0].map(three), ["0.0123", "1.00", "12.3", "123", "12345"]);
        assert_eq!(
            [0.0, 950.0, 12_345.0, 999_600.0, 12.34e6, 3.2e9].map(short),
            ["0", "950", "12.3 k", "1.00 M", "12.3 M", "3.20 G"]
        );
        assert_eq!(three(f64::NAN), "–");
    }

    #[test]
    fn shares_read_as_they_were_typed() {
        let measured = [0.0, 0.01, 0.05, 0.125, 0.5, 1.0];
        assert_eq!(measured.map(share), ["0", "0.01", "0.05", "0.125", "0.5", "1"]);
    }

    #[test]
    fn computed_shares_have_two_digits() {
        assert_eq!([0.083333, 0.000504, 0.5, 0.996].map(share_rounded), ["0.083", "0.0005", "0.5", "1"]);
        assert_eq!([0.083333, 0.000504, 0.126, 1.0, 0.0].map(percent), ["8.3 %", "0.05 %", "13 %", "100 %", "0 %"]);
    }

    #[test]
    fn sizes_go_both_ways() {
        for (text, bytes) in [("64", 64), ("64B", 64), ("4KiB", 4096), ("4k", 4096), ("1 MiB", 1 << 20)] {
            assert_eq!(parse_size(text), Ok(bytes));
        }
        assert_eq!([64, 4096, 1 << 20, 1000].map(size), ["64 B", "4 KiB", "1 MiB", "1000 B"]);
    }

    #[test]
    fn bad_numbers_are_named_with_what_would_be_right() {
        for text in ["", "0", "-1", "64x", "17MiB", "99999999999", "4294967296k"] {
            let sentence = parse_size(text).unwrap_err();
            assert!(sentence.contains(&format!("`{text}`")) && sentence.contains("4KiB"), "{sentence}");
        }
        for text in ["1.01", "-0.1", "NaN", "half", "inf"] {
            assert!(parse_share(text).unwrap_err().contains("from 0 to 1"));
        }
        assert!(parse_work("1000001").unwrap_err().contains("1000000"));
    }
}
