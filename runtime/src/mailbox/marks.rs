//! What a pid says of its process's mailbox, in the bits of the slot's number that no slot uses.

/// See the module's text.
///
/// ```text
/// | 31   | 30           | 29     | 28 … 0 |
/// | gate | acknowledges | is busy |  slot  |
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Marks(pub(crate) u32);

impl Marks {
    const IS_GATE: u32 = 1 << 31;
    const ACKNOWLEDGES: u32 = 1 << 30;
    const IS_BUSY: u32 = 1 << 29;

    /// All bits that are marks.
    pub(crate) const ALL: u32 = Self::IS_GATE | Self::ACKNOWLEDGES | Self::IS_BUSY;

    /// No gate.
    pub(crate) const NONE: Marks = Marks(0);
    /// A gate that lets every message in.
    pub(crate) const GATE: Marks = Marks(Self::IS_GATE);
    /// A gate before which senders wait.
    pub(crate) const WAIT: Marks = Marks(Self::IS_GATE | Self::ACKNOWLEDGES);
    /// A gate that sends senders away.
    pub(crate) const BUSY: Marks = Marks(Self::IS_GATE | Self::ACKNOWLEDGES | Self::IS_BUSY);

    pub(crate) fn has_gate(self) -> bool {
        self.0 & Self::IS_GATE != 0
    }

    /// Whether other nodes are told when a message is in.
    pub(crate) fn acknowledges(self) -> bool {
        self.0 & Self::ACKNOWLEDGES != 0
    }

    /// Whether senders wait for room.
    pub(crate) fn makes_wait(self) -> bool {
        self == Marks::WAIT
    }
}
