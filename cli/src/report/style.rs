//! How charts and page look, in light and in dark, and how text gets into them.
//!
//! The curves use the colours of Okabe and Ito ("Color Universal Design", 2008), which people with any colour vision can
//! tell apart; blue and sky blue change places in the dark, where blue is too faint.

/// Colours before they repeat, as classes c0, c1, …
pub(crate) const COLOURS: usize = 7;

/// What a chart needs to be seen.
pub(crate) const STYLE: &str = "
:root{--paper:#fff;--ink:#1c2126;--soft:#5b6670;--rule:#dfe4e8;--axis:#8a949d;
--c0:#0072b2;--c1:#d55e00;--c2:#009e73;--c3:#cc79a7;--c4:#e69f00;--c5:#56b4e9;--c6:#000}
@media(prefers-color-scheme:dark){:root{--paper:#14181c;--ink:#e8ebee;--soft:#a3adb6;--rule:#2b3238;--axis:#6d7780;
--c0:#56b4e9;--c1:#e87722;--c2:#1fb98c;--c3:#d992ba;--c4:#f0b429;--c5:#3d9bd8;--c6:#fff}}
.c0{--c:var(--c0)}.c1{--c:var(--c1)}.c2{--c:var(--c2)}.c3{--c:var(--c3)}.c4{--c:var(--c4)}.c5{--c:var(--c5)}.c6{--c:var(--c6)}
.chart{font:12.5px system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;display:block;width:100%;height:auto}
.chart text{fill:var(--ink)}.chart .tick{fill:var(--soft);font-size:12px}.chart .name{fill:var(--soft)}
.paper{fill:var(--paper)}.grid{stroke:var(--rule)}.axis{stroke:var(--axis)}
.chart path{fill:none}.line{stroke:var(--c);stroke-width:2.2;stroke-linejoin:round;stroke-linecap:round}
.d1 .line{stroke-dasharray:9 4}.d2 .line{stroke-dasharray:2.5 4.5}.d3 .line{stroke-dasharray:10 4 2 4}
.chart .band{fill:var(--c);opacity:.16}.whisker{stroke:var(--c);stroke-width:1.4}
.chart .dot{fill:var(--c);stroke:var(--paper);stroke-width:1.3}
.mark path{stroke:var(--ink);stroke-width:1.2;stroke-dasharray:4 3}.gap{stroke:var(--c);stroke-width:2;stroke-linecap:round}
.chart .mark text{fill:var(--soft);paint-order:stroke;stroke:var(--paper);stroke-width:4px;stroke-linejoin:round}.chart .strong{font-weight:600;fill:var(--ink)}.chart .title{font-size:16px;font-weight:600}
.touch{fill:var(--ink);opacity:0}.touch:hover{opacity:.06}
";

/// Text that means nothing to HTML or SVG, inside and outside of attributes.
pub(crate) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            control if control.is_control() && control != '\n' => safe.push('\u{fffd}'),
            plain => safe.push(plain),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_could_be_markup_survives() {
        assert_eq!(
            escape("<a href=\"x\">'&'</a>\u{1}"),
            "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;\u{fffd}"
        );
        assert_eq!(escape("50 µs\n±"), "50 µs\n±");
    }

    #[test]
    fn every_colour_is_defined_for_light_and_dark() {
        for colour in 0..COLOURS {
            assert_eq!(STYLE.matches(&format!("--c{colour}:")).count(), 2);
            assert!(STYLE.contains(&format!(".c{colour}{{--c:var(--c{colour})}}")));
        }
    }
}
