//! Paths whose service runs in another process. Its door knows the caller, counts the call, and tells other
//! sites' pages what they may read; a door in front of it that did the same would do it twice.

use axum::http::{HeaderMap, Method, Request, Uri, Version};
use std::fmt;
use std::sync::Arc;

/// Tells which paths are passed on to another process. By default none is.
#[derive(Clone, Default)]
pub struct Relays(Option<Arc<Tells>>);

type Tells = dyn Fn(&str) -> bool + Send + Sync;

impl Relays {
    /// The paths of which this says so. Asked at each request, so it must not block.
    pub fn new(relayed: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(relayed)))
    }

    /// Whether another process's door stands before this path.
    pub(crate) fn covers(&self, path: &str) -> bool {
        self.0.as_ref().is_some_and(|relayed| relayed(path))
    }
}

impl fmt::Debug for Relays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Relays(some)" } else { "Relays(none)" })
    }
}

/// As an extension of a response: another process's door has made it what it is. What is said to other sites'
/// pages stays as it says.
#[derive(Clone, Copy, Debug)]
pub struct Relayed;

/// What a request said, without its body, for whoever needs it once the request is gone.
pub(crate) struct Head(Method, Uri, Version, HeaderMap);

impl Head {
    pub(crate) fn of<B>(request: &Request<B>) -> Self {
        Self(request.method().clone(), request.uri().clone(), request.version(), request.headers().clone())
    }

    /// The same request with nothing in it.
    pub(crate) fn request<B: Default>(self) -> Request<B> {
        let mut request = Request::new(B::default());
        (*request.method_mut(), *request.uri_mut()) = (self.0, self.1);
        (*request.version_mut(), *request.headers_mut()) = (self.2, self.3);
        request
    }
}
