//! In what order applications start: each after all that it depends on. Plain data.

use super::ApplicationError;
use std::collections::BTreeMap;

/// What each application depends on.
pub(super) type Dependencies = BTreeMap<String, Vec<String>>;

/// An application and all that it depends on, directly or not, in an order in which they can start: dependencies first,
/// and in the order in which they are named where that leaves a choice.
pub(super) fn start_order(name: &str, dependencies: &Dependencies) -> Result<Vec<String>, ApplicationError> {
    let mut walk = Walk { dependencies, path: Vec::new(), order: Vec::new() };
    walk.visit(name)?;
    Ok(walk.order)
}

struct Walk<'a> {
    dependencies: &'a Dependencies,
    /// From the first application to the one that is looked at.
    path: Vec<String>,
    order: Vec<String>,
}

impl Walk<'_> {
    fn visit(&mut self, name: &str) -> Result<(), ApplicationError> {
        if self.order.iter().any(|done| done == name) {
            return Ok(());
        }
        if let Some(at) = self.path.iter().position(|above| above == name) {
            let cycle = self.path[at..].iter().cloned().chain([name.to_string()]);
            return Err(ApplicationError::Cycle(cycle.collect()));
        }
        let Some(needs) = self.dependencies.get(name) else {
            return Err(match self.path.last() {
                Some(by) => ApplicationError::Missing { application: name.into(), needed_by: by.clone() },
                None => ApplicationError::NotLoaded(name.into()),
            });
        };
        self.path.push(name.to_string());
        needs.iter().try_for_each(|needed| self.visit(needed))?;
        self.path.pop();
        self.order.push(name.to_string());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loaded(applications: &[(&str, &[&str])]) -> Dependencies {
        let owned = |names: &[&str]| names.iter().map(|name| name.to_string()).collect();
        applications.iter().map(|(name, needs)| (name.to_string(), owned(needs))).collect()
    }

    #[test]
    fn each_comes_after_what_it_needs_and_once() {
        let all = loaded(&[("web", &["store", "log"]), ("store", &["log", "disk"]), ("log", &[]), ("disk", &["log"])]);
        assert_eq!(start_order("web", &all).unwrap(), ["log", "disk", "store", "web"]);
        assert_eq!(start_order("log", &all).unwrap(), ["log"]);
    }

    #[test]
    fn what_is_missing_and_what_goes_round_is_named() {
        let all = loaded(&[("a", &["b"]), ("b", &["c", "x"]), ("c", &["b"]), ("d", &["x"]), ("e", &["e"])]);
        let error = start_order("a", &all).unwrap_err();
        assert_eq!(error.to_string(), "applications depend on each other: b, c, b");
        assert_eq!(start_order("d", &all).unwrap_err().to_string(), "x, which d needs, is not loaded");
        assert_eq!(start_order("e", &all).unwrap_err(), ApplicationError::Cycle(vec!["e".into(), "e".into()]));
        assert_eq!(start_order("f", &all).unwrap_err(), ApplicationError::NotLoaded("f".into()));
    }
}
