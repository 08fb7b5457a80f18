//! Letters: what lies at a process's door and in its mailbox.
//!
//! ```text
//!  0  link, label     16   the scheduler's parcel; the label is the generation that the letter is for, in its upper half
//!                          the alias that it came through, 0 for none
//! 16  kind             8   what the body is, and how to free it
//! 24  body                 a message, an answer, or a control signal
//! ```
//!
//! A sender may be late: the process it wrote to has ended, and another lives in its slot. That one finds a label that
//! is not its own, and frees the letter unread.

use crate::{
    mailbox::{Gate, Place},
    signal::{Control, Notice},
};
use holm_scheduler::Parcel;
use std::{any::TypeId, ptr::NonNull, sync::Arc};

/// What a letter's body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    Message,
    Control,
    Answer,
    Notice,
    /// Something lies behind the process's gate.
    Bell,
}

/// What a letter's body is, and how to free it without knowing its type.
#[derive(Debug)]
pub(crate) struct Kind {
    pub(crate) sort: Sort,
    body: TypeId,
    discard: unsafe fn(NonNull<Parcel>),
    /// Where a message has its place in a bounded mailbox, if it has one.
    place: Option<unsafe fn(NonNull<Parcel>) -> NonNull<Place>>,
}

/// Bytes of a letter with a message.
pub(crate) const fn size<M>() -> usize {
    size_of::<Letter<M>>()
}

/// Bytes of a letter with a message to a process with a gate.
pub(crate) const fn placed_size<M>() -> usize {
    size_of::<Letter<Placed<M>>>()
}

/// The body of an answer to a call; the number comes first, see [`Owned::call`].
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Answer<T> {
    pub(crate) call: u64,
    pub(crate) value: T,
}

/// The body of a message to a process with a gate. The place is given up when the letter is opened or dropped.
#[derive(Debug)]
struct Placed<M> {
    place: Place,
    message: M,
}

#[repr(C)]
struct Letter<T> {
    parcel: Parcel,
    kind: &'static Kind,
    body: T,
}

/// A letter that somebody owns; dropping it frees it.
#[derive(Debug)]
pub(crate) struct Owned(NonNull<Parcel>);

// SAFETY: bodies are `Send`, which `message`, `answer` and `control` ask for.
unsafe impl Send for Owned {}

const fn kind<T: 'static>(sort: Sort) -> Kind {
    // SAFETY: (of the call inside) `discard` is called with a letter of this kind, so of this body.
    Kind { sort, body: TypeId::of::<T>(), discard: |parcel| drop(unsafe { open::<T>(parcel) }), place: None }
}

const fn placed<M: 'static>() -> Kind {
    // SAFETY: (of the field inside) the function is called with a letter of this kind, and reads nothing.
    let place = |parcel: NonNull<Parcel>| unsafe {
        NonNull::new_unchecked(&raw mut (*parcel.cast::<Letter<Placed<M>>>().as_ptr()).body.place)
    };
    Kind { place: Some(place), ..kind::<Placed<M>>(Sort::Message) }
}

/// The label of a letter.
#[inline]
pub(crate) fn label(generation: u32, alias: u32) -> u64 {
    u64::from(alias) << 32 | u64::from(generation)
}

struct KindOf<T>(T);

impl<T: 'static> KindOf<T> {
    const MESSAGE: &'static Kind = &kind::<T>(Sort::Message);
    const ANSWER: &'static Kind = &kind::<T>(Sort::Answer);
    const CONTROL: &'static Kind = &kind::<T>(Sort::Control);
    const NOTICE: &'static Kind = &kind::<T>(Sort::Notice);
    const BELL: &'static Kind = &kind::<T>(Sort::Bell);
    const PLACED: &'static Kind = &placed::<T>();
}

/// The only place that makes letters.
#[inline]
fn pack<T>(label: u64, kind: &'static Kind, body: T) -> Owned {
    let letter = Box::new(Letter { parcel: Parcel::new(label), kind, body });
    Owned(NonNull::from(Box::leak(letter)).cast())
}

/// The only place that frees letters.
///
/// # Safety
///
/// The parcel is a letter that was packed with a body of type `T`, and the caller's.
#[inline]
unsafe fn open<T>(parcel: NonNull<Parcel>) -> T {
    // SAFETY: `pack` made the box with this type.
    unsafe { Box::from_raw(parcel.cast::<Letter<T>>().as_ptr()) }.body
}

/// Frees a letter that came too late; see [`holm_scheduler::Config::discard`].
pub(crate) unsafe fn discard(parcel: *mut Parcel) {
    let _ending = crate::reap::Ending::with(crate::Reason::NoProc);
    // SAFETY: the scheduler gives back only what was left, and only letters are left.
    drop(unsafe { Owned::from_raw(NonNull::new_unchecked(parcel)) });
}

impl Owned {
    #[inline]
    pub(crate) fn message<M: Send + 'static>(label: u64, message: M) -> Self {
        pack(label, KindOf::<M>::MESSAGE, message)
    }

    /// A message to a process with a gate.
    pub(crate) fn placed<M: Send + 'static>(label: u64, message: M, place: Place) -> Self {
        pack(label, KindOf::<M>::PLACED, Placed { place, message })
    }

    /// Says that something lies behind a gate.
    pub(crate) fn bell(generation: u32, gate: Arc<Gate>) -> Self {
        pack(generation.into(), KindOf::<Arc<Gate>>::BELL, gate)
    }

    #[inline]
    pub(crate) fn answer<T: Send + 'static>(generation: u32, answer: Answer<T>) -> Self {
        const { assert!(align_of::<T>() <= 8, "an answer is aligned to 8 bytes at most") };
        pack(generation.into(), KindOf::<Answer<T>>::ANSWER, answer)
    }

    #[inline]
    pub(crate) fn control(generation: u32, control: Control) -> Self {
        pack(generation.into(), KindOf::<Control>::CONTROL, control)
    }

    /// A notice is made by the process that reads it, out of a control signal.
    pub(crate) fn notice(generation: u32, notice: Notice) -> Self {
        pack(generation.into(), KindOf::<Notice>::NOTICE, notice)
    }

    /// Takes over a letter from a chain.
    ///
    /// # Safety
    ///
    /// The parcel is a letter, and nobody else owns it.
    #[inline]
    pub(crate) unsafe fn from_raw(parcel: NonNull<Parcel>) -> Self {
        Owned(parcel)
    }

    /// Gives the letter away, as the parcel that it is.
    #[inline]
    pub(crate) fn into_raw(self) -> NonNull<Parcel> {
        let parcel = self.0;
        std::mem::forget(self);
        parcel
    }

    #[inline]
    fn parcel(&self) -> &Parcel {
        // SAFETY: an owned letter is alive.
        unsafe { self.0.as_ref() }
    }

    #[inline]
    fn kind(&self) -> &'static Kind {
        // SAFETY: the kind lies at the same place whatever the body is.
        unsafe { self.0.cast::<Letter<()>>().as_ref() }.kind
    }

    /// The generation that the letter is for, and the alias that it came through.
    #[inline]
    pub(crate) fn label(&self) -> u64 {
        self.parcel().label()
    }

    /// The generation that the letter is for.
    #[inline]
    pub(crate) fn generation(&self) -> u32 {
        self.label() as u32
    }

    /// The alias that the letter came through; 0 if it came to the pid.
    pub(crate) fn alias(&self) -> u32 {
        (self.label() >> 32) as u32
    }

    /// True if it says that the receiver was given a name.
    pub(crate) fn is_naming(&self) -> bool {
        // SAFETY: control letters hold a `Control`.
        self.sort() == Sort::Control
            && matches!(unsafe { &self.0.cast::<Letter<Control>>().as_ref().body }, Control::Named)
    }

    #[inline]
    pub(crate) fn sort(&self) -> Sort {
        self.kind().sort
    }

    #[inline]
    fn holds<T: 'static>(&self, expected: &'static Kind) -> bool {
        // The address decides in nearly all cases; a constant may have more than one.
        let kind = self.kind();
        std::ptr::eq(kind, expected) || (kind.sort == expected.sort && kind.body == TypeId::of::<T>())
    }

    /// The message, if it is one of this type.
    #[inline]
    pub(crate) fn into_message<M: 'static>(self) -> Result<M, Self> {
        match self.holds::<M>(KindOf::<M>::MESSAGE) {
            // SAFETY: just checked.
            true => Ok(unsafe { open(self.into_raw()) }),
            false => self.into_placed(),
        }
    }

    #[cold]
    fn into_placed<M: 'static>(self) -> Result<M, Self> {
        match self.holds::<Placed<M>>(KindOf::<M>::PLACED) {
            // SAFETY: just checked.
            true => Ok(unsafe { open::<Placed<M>>(self.into_raw()) }.message),
            false => Err(self),
        }
    }

    /// A look at the message, if it is one of this type.
    #[inline]
    pub(crate) fn as_message<M: 'static>(&self) -> Option<&M> {
        if self.holds::<M>(KindOf::<M>::MESSAGE) {
            // SAFETY: just checked.
            return Some(unsafe { &self.0.cast::<Letter<M>>().as_ref().body });
        }
        let is = self.holds::<Placed<M>>(KindOf::<M>::PLACED);
        // SAFETY: just checked.
        is.then(|| unsafe { &self.0.cast::<Letter<Placed<M>>>().as_ref().body.message })
    }

    /// A letter that is not in any mailbox has no place to give up.
    pub(crate) fn without_place(self) -> Self {
        if let Some(place) = self.kind().place {
            // SAFETY: the letter is of this kind, and ours alone.
            unsafe { place(self.0).as_mut() }.forget();
        }
        self
    }

    /// The gate behind which something lies, if the letter says so.
    pub(crate) fn into_bell(self) -> Result<Arc<Gate>, Self> {
        match self.sort() {
            // SAFETY: bells hold a gate.
            Sort::Bell => Ok(unsafe { open(self.into_raw()) }),
            _ => Err(self),
        }
    }

    /// The answer, if it is one of this type.
    #[inline]
    pub(crate) fn into_answer<T: 'static>(self) -> Result<Answer<T>, Self> {
        match self.holds::<Answer<T>>(KindOf::<Answer<T>>::ANSWER) {
            // SAFETY: just checked.
            true => Ok(unsafe { open(self.into_raw()) }),
            false => Err(self),
        }
    }

    /// The number of the call that an answer is for.
    #[inline]
    pub(crate) fn call(&self) -> Option<u64> {
        // SAFETY: the parcel aligns a letter to 8, so a `u64` at its body's start lies where a body of alignment 8 or
        // less begins; `answer` refuses others at compile time. The number is the first thing in it.
        (self.sort() == Sort::Answer).then(|| unsafe { self.0.cast::<Letter<u64>>().as_ref().body })
    }

    /// The notice, if it is one.
    pub(crate) fn into_notice(self) -> Result<Notice, Self> {
        match self.sort() {
            // SAFETY: notice letters hold a `Notice`.
            Sort::Notice => Ok(unsafe { open(self.into_raw()) }),
            _ => Err(self),
        }
    }

    /// A look at the notice, if it is one.
    pub(crate) fn as_notice(&self) -> Option<&Notice> {
        // SAFETY: as in `into_notice`.
        (self.sort() == Sort::Notice).then(|| unsafe { &self.0.cast::<Letter<Notice>>().as_ref().body })
    }

    /// The control signal, if it is one.
    #[inline]
    pub(crate) fn into_control(self) -> Result<Control, Self> {
        match self.sort() {
            // SAFETY: control letters hold a `Control`.
            Sort::Control => Ok(unsafe { open(self.into_raw()) }),
            _ => Err(self),
        }
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        // A message's destructor may panic, and letters are freed where nothing may.
        // SAFETY: the letter is ours, and its kind says what it is.
        holm_scheduler::quietly(|| unsafe { (self.kind().discard)(self.0) });
    }
}

/// A list of letters, oldest first, linked through them: what a process has received and not yet taken.
#[derive(Debug)]
pub(crate) struct Queue {
    oldest: Option<NonNull<Parcel>>,
    newest: Option<NonNull<Parcel>>,
}

impl Queue {
    pub(crate) const fn new() -> Self {
        Queue { oldest: None, newest: None }
    }

    #[inline]
    pub(crate) fn push(&mut self, letter: Owned) {
        let parcel = letter.into_raw();
        // SAFETY: what is in the queue is alive and the queue's.
        unsafe { parcel.as_ref() }.set_next(std::ptr::null_mut());
        match self.newest.replace(parcel) {
            // SAFETY: as above.
            Some(newest) => unsafe { newest.as_ref() }.set_next(parcel.as_ptr()),
            None => self.oldest = Some(parcel),
        }
    }

    /// Takes the oldest letter.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<Owned> {
        let parcel = self.oldest?;
        // SAFETY: as in `push`.
        self.oldest = NonNull::new(unsafe { parcel.as_ref() }.next());
        if self.oldest.is_none() {
            self.newest = None;
        }
        Some(Owned(parcel))
    }

    /// Takes the oldest letter that is wanted; the others stay in their order.
    #[inline]
    pub(crate) fn take(&mut self, mut wanted: impl FnMut(&Owned) -> bool) -> Option<Owned> {
        // Only looked at: the queue owns it until it is unlinked.
        let oldest = std::mem::ManuallyDrop::new(Owned(self.oldest?));
        match wanted(&oldest) {
            true => self.pop(),
            false => self.take_behind(oldest.0, wanted),
        }
    }

    fn take_behind(&mut self, first: NonNull<Parcel>, mut wanted: impl FnMut(&Owned) -> bool) -> Option<Owned> {
        let mut before = first;
        // SAFETY: as in `push`.
        let mut at = NonNull::new(unsafe { first.as_ref() }.next());
        while let Some(parcel) = at {
            // SAFETY: as in `push`.
            let next = NonNull::new(unsafe { parcel.as_ref() }.next());
            // Only looked at: the queue owns it until it is unlinked.
            let letter = std::mem::ManuallyDrop::new(Owned(parcel));
            if wanted(&letter) {
                let link = next.map_or(std::ptr::null_mut(), NonNull::as_ptr);
                // SAFETY: as in `push`.
                unsafe { before.as_ref() }.set_next(link);
                if next.is_none() {
                    self.newest = Some(before);
                }
                return Some(std::mem::ManuallyDrop::into_inner(letter));
            }
            (before, at) = (parcel, next);
        }
        None
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        while let Some(letter) = self.pop() {
            drop(letter);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(queue: &mut Queue) -> Vec<u64> {
        std::iter::from_fn(|| queue.pop()).map(|letter| letter.into_message().unwrap()).collect()
    }

    #[test]
    fn a_letter_opens_as_what_it_is_and_as_nothing_else() {
        let letter = Owned::message(3, 7u64);
        assert_eq!(letter.generation(), 3);
        let letter = letter.into_message::<u32>().expect_err("it is a u64");
        let letter = letter.into_answer::<u64>().expect_err("it is no answer");
        assert_eq!(letter.into_message::<u64>().unwrap(), 7);
        let answer = Owned::answer(0, Answer { call: 99, value: "text" });
        assert_eq!(answer.call(), Some(99));
        assert_eq!(answer.into_answer::<&str>().unwrap().value, "text");
    }

    #[test]
    fn taking_from_the_middle_keeps_the_order_of_the_rest() {
        for wanted in 0..4 {
            let mut queue = Queue::new();
            (0..4u64).for_each(|n| queue.push(Owned::message(0, n)));
            let taken = queue.take(|letter| letter.as_message() == Some(&wanted)).unwrap();
            assert_eq!(taken.into_message::<u64>().unwrap(), wanted);
            queue.push(Owned::message(0, 9u64));
            let rest: Vec<u64> = (0..4).filter(|&n| n != wanted).chain([9]).collect();
            assert_eq!(numbers(&mut queue), rest);
        }
    }

    #[test]
    fn every_body_is_dropped_once() {
        let count = std::sync::Arc::new(());
        let mut queue = Queue::new();
        (0..3).for_each(|_| queue.push(Owned::message(0, count.clone())));
        drop(queue.pop());
        drop(queue.pop().unwrap().into_message::<std::sync::Arc<()>>().unwrap());
        drop(queue);
        assert_eq!(std::sync::Arc::strong_count(&count), 1);
    }
}
