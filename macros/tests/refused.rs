//! Programs that the macros or the bounds in their expansions refuse, with the words that the user reads.
//!
//! The words of `refused/*_lacks_*.rs` are partly the compiler's own and change with it; `TRYBUILD=overwrite` takes
//! down the new ones, and what is to be checked by eye is that the arrows still point at the user's types.

#[test]
fn refused_programs_are_told_why_where_it_matters() {
    trybuild::TestCases::new().compile_fail("tests/refused/*.rs");
}
