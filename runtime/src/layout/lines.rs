//! Lines: cuts what a node prints into whole lines.
//!
//! Serves `relay`, which passes the lines of many nodes to one terminal: two nodes that print at once must not meet
//! inside a line. Pure: bytes in, bytes out; it reads and writes nothing.
//!
//! A line longer than [`LINE_LEN_MAX`] goes out in pieces, and then another node's line may come between them: the price
//! of a bound. A last line without its end gets one, so that the next node's line does not stick to it.

/// Bytes of an unfinished line that are held back at most.
pub(super) const LINE_LEN_MAX: usize = 64 * 1024;

/// What one stream of one node has printed of its present line.
#[derive(Debug)]
pub(super) struct Lines {
    prefix: String,
    unfinished: Vec<u8>,
    /// Whether a piece of the present line went out already.
    in_pieces: bool,
}

impl Lines {
    /// Every line will begin with `prefix`.
    pub(super) fn new(prefix: String) -> Self {
        Lines { prefix, unfinished: Vec::new(), in_pieces: false }
    }

    /// Takes what was printed and gives the whole lines that it completes.
    pub(super) fn push(&mut self, printed: &[u8]) -> Vec<u8> {
        let mut whole = Vec::with_capacity(self.unfinished.len() + printed.len());
        for piece in printed.split_inclusive(|byte| *byte == b'\n') {
            self.unfinished.extend_from_slice(piece);
            if piece.ends_with(b"\n") || self.unfinished.len() >= LINE_LEN_MAX {
                self.release(&mut whole);
            }
        }
        whole
    }

    /// Gives the last line, ended if the node did not end it.
    pub(super) fn finish(&mut self) -> Vec<u8> {
        let mut last = Vec::new();
        if !self.unfinished.is_empty() || self.in_pieces {
            self.unfinished.push(b'\n');
            self.release(&mut last);
        }
        last
    }

    fn release(&mut self, to: &mut Vec<u8>) {
        if !self.in_pieces {
            to.extend_from_slice(self.prefix.as_bytes());
        }
        self.in_pieces = !self.unfinished.ends_with(b"\n");
        to.append(&mut self.unfinished);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_out_whole_however_they_came_in() {
        let text = b"first\n\nthird line\nlast";
        for step in 1..text.len() {
            let mut lines = Lines::new(String::new());
            let mut out = Vec::new();
            for piece in text.chunks(step) {
                let whole = lines.push(piece);
                assert!(whole.is_empty() || whole.ends_with(b"\n"), "{step}: {whole:?}");
                out.extend(whole);
            }
            out.extend(lines.finish());
            assert_eq!(out, b"first\n\nthird line\nlast\n");
            assert_eq!(lines.finish(), b"", "a stream finishes once");
        }
    }

    #[test]
    fn every_line_gets_its_prefix_once() {
        let mut lines = Lines::new("[n1] ".to_owned());
        assert_eq!(lines.push(b"a"), b"");
        assert_eq!(lines.push(b"b\nc\n"), b"[n1] ab\n[n1] c\n");
        assert_eq!(lines.finish(), b"");
    }

    #[test]
    fn an_endless_line_goes_out_in_pieces_instead_of_growing() {
        let mut lines = Lines::new("> ".to_owned());
        let piece = vec![b'x'; LINE_LEN_MAX / 2];
        assert_eq!(lines.push(&piece), b"");
        assert_eq!(lines.push(&piece).len(), "> ".len() + LINE_LEN_MAX);
        assert_eq!(lines.push(b"end\nnext\n"), b"end\n> next\n");
        assert_eq!(lines.push(&[b'y'; LINE_LEN_MAX]).len(), "> ".len() + LINE_LEN_MAX);
        assert_eq!(lines.finish(), b"\n", "a line in pieces is ended too");
    }
}
