//! From the command line to the grid: what is asked for, and what is taken where nothing was said.

use holm_affinity::Layout;

use super::grid::{CELLS_MAX, Column, Grid, layouts_for};
use super::study::Binding;
use crate::args::BenchArgs;
use crate::machine::Site;
use crate::stop::Stop;
use crate::transport::Transport;

const SHARES: [f64; 7] = [0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0];
const SIZES: [u32; 2] = [64, 4096];
const WORKS: [u32; 2] = [0, 1];
const TRANSPORTS: [Transport; 2] = [Transport::Shm, Transport::Tcp];

const SHARES_QUICK: [f64; 3] = [0.0, 0.1, 1.0];
const SIZES_QUICK: [u32; 1] = [64];
const WORKS_QUICK: [u32; 1] = [0];

/// The grid, and who runs where in each of its layouts.
pub(crate) fn grid(args: &BenchArgs, site: &Site) -> Result<(Grid, Vec<Binding>), Stop> {
    let (columns, bindings) = columns(args, site)?;
    let (shares, sizes, works) = if args.quick {
        (&SHARES_QUICK[..], &SIZES_QUICK[..], &WORKS_QUICK[..])
    } else {
        (&SHARES[..], &SIZES[..], &WORKS[..])
    };
    let mut shares = given_or(&args.shares, shares);
    shares.sort_by(f64::total_cmp);
    let grid = Grid { columns, shares, sizes: given_or(&args.sizes, sizes), works: given_or(&args.work, works) };
    match grid.cells().len() {
        count if count > CELLS_MAX => Err(Stop::Usage(format!(
            "the sweep would have {count} cells; give shorter lists, {CELLS_MAX} cells are the most"
        ))),
        _ => Ok((grid, bindings)),
    }
}

fn columns(args: &BenchArgs, site: &Site) -> Result<(Vec<Column>, Vec<Binding>), Stop> {
    let layouts = layouts(args, site)?;
    let transports = given_or(&args.transports, &TRANSPORTS);
    let (mut columns, mut bindings) = (Vec::new(), Vec::new());
    for (index, layout) in layouts.iter().enumerate() {
        let seats = site.seats(*layout, args.seat.bind, args.seat.oversubscribe)?;
        let (nodes, schedulers, layout) = (seats.nodes, seats.schedulers, layout.to_string());
        let suggested = args.layouts.is_empty() && args.transports.is_empty() && index + 1 < layouts.len();
        let roads: Vec<Option<Transport>> = match nodes {
            1 => vec![None],
            _ if suggested => vec![Some(Transport::Shm)], // what lies between the extremes is measured over shm alone
            _ => transports.iter().copied().map(Some).collect(),
        };
        columns.extend(roads.into_iter().map(|transport| Column {
            layout: layout.clone(),
            nodes,
            schedulers,
            transport,
        }));
        bindings.push(Binding { layout, seats: seats.words });
    }
    Ok((columns, bindings))
}

/// The layouts that were given, or those that the machine suggests.
fn layouts(args: &BenchArgs, site: &Site) -> Result<Vec<Layout>, Stop> {
    if !args.layouts.is_empty() {
        return Ok(given_or(&args.layouts, &[]));
    }
    let cpus = match (site.usable(), args.seat.oversubscribe) {
        (1, true) => 2,
        (1, false) => {
            let sentence = "holm may use one CPU only, so there are no layouts to compare; \
                            `--oversubscribe` compares two schedulers on it all the same";
            return Err(Stop::failed(sentence));
        }
        (cpus, _) => cpus,
    };
    let suggested = layouts_for(cpus, site.numa_nodes(), site.caches());
    suggested.iter().map(|layout| layout.parse::<Layout>().map_err(|error| Stop::failed(error.to_string()))).collect()
}

/// What was given, each value once and in its first place, or else the default.
fn given_or<T: Copy + PartialEq>(given: &[T], default: &[T]) -> Vec<T> {
    let mut values: Vec<T> = Vec::new();
    for value in if given.is_empty() { default } else { given } {
        if !values.contains(value) {
            values.push(*value);
        }
    }
    values
}
