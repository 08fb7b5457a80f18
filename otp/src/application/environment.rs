//! The values that an application is configured with.

use parking_lot::RwLock;
use std::{any::Any, collections::BTreeMap, fmt, sync::Arc};

type Value = Arc<dyn Any + Send + Sync>;

/// Values by name, of any type. Clones are the same environment; all processes of the node may read and set it.
///
/// ```
/// use holm_otp::application::Environment;
///
/// let environment = Environment::new();
/// environment.set("port", 8080u16);
/// assert_eq!(environment.get("port"), Some(8080u16));
/// assert_eq!(environment.get::<String>("port"), None, "it is no text");
/// ```
#[derive(Clone, Default)]
pub struct Environment(Arc<RwLock<BTreeMap<String, Value>>>);

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.read().keys()).finish()
    }
}

impl Environment {
    /// Without values.
    pub fn new() -> Self {
        Self::default()
    }

    /// A value, if there is one of this name and type.
    pub fn get<T: Clone + 'static>(&self, name: &str) -> Option<T> {
        let value = self.0.read().get(name).cloned()?;
        value.downcast_ref().cloned()
    }

    /// Sets a value, also one that there is.
    pub fn set<T: Send + Sync + 'static>(&self, name: &str, value: T) {
        self.0.write().insert(name.to_string(), Arc::new(value));
    }

    /// Removes a value; false if there was none.
    pub fn unset(&self, name: &str) -> bool {
        self.0.write().remove(name).is_some()
    }
}
