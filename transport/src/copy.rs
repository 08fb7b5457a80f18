//! Appending long runs of bytes without meeting the distances on which long copies crawl.
//!
//! Above 2 KiB, glibc copies with the CPU's string instruction, which on some machines runs at a tenth of its speed when
//! (to − from) mod 4096 is in 1..=31: just what a header of a few bytes before an aligned payload makes. Copies of 1 KiB
//! do not use that instruction.

/// The longest copy that glibc does not hand to the CPU's string instruction.
pub(crate) const BLOCK_LEN: usize = 1024;

/// The block in which `length` bytes are best copied between two addresses.
#[inline]
pub(crate) fn block_len(from: *const u8, to: *const u8, length: usize) -> usize {
    let distance = (to as usize).wrapping_sub(from as usize) % 4096;
    if length > BLOCK_LEN && (1..=31).contains(&distance) { BLOCK_LEN } else { length.max(1) }
}

/// Appends bytes to a buffer: [`Vec::extend_from_slice`], at full speed whatever the distance.
#[inline]
pub fn append(buffer: &mut Vec<u8>, bytes: &[u8]) {
    if bytes.len() <= BLOCK_LEN {
        return buffer.extend_from_slice(bytes);
    }
    buffer.reserve(bytes.len());
    let to = buffer.as_ptr().wrapping_add(buffer.len());
    for block in bytes.chunks(block_len(bytes.as_ptr(), to, bytes.len())) {
        buffer.extend_from_slice(block);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_and_distance_arrives_whole() {
        let source: Vec<u8> = (0..5 * BLOCK_LEN).map(|index| (index * 31) as u8).collect();
        for length in [0, 1, BLOCK_LEN - 1, BLOCK_LEN, BLOCK_LEN + 1, 5 * BLOCK_LEN - 40] {
            for offset in 0..40 {
                let mut buffer = vec![9; offset];
                append(&mut buffer, &source[offset..offset + length]);
                assert_eq!(buffer[offset..], source[offset..offset + length], "{length} bytes behind {offset}");
            }
        }
    }
}
