//! OpenAPI, made from the routes; a description of whichever kind as an answer.

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use edge::door::PUBLIC as PUBLIC_PATHS;
use serde::Serialize;
use std::sync::Arc;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Components, InfoBuilder, LicenseBuilder, OpenApi};

/// A rendered description, cheap to answer with.
#[derive(Clone, Debug)]
pub struct Text(Arc<str>);

/// Title and explanation of an API.
#[derive(Clone, Copy, Debug)]
pub struct About {
    pub title: &'static str,
    pub description: &'static str,
}

/// The API that everybody may use.
pub(crate) const PUBLIC: About = About {
    title: "chatd",
    description: "One-to-one chat. Errors are application/problem+json with a stable `code`; times are RFC 3339 UTC \
                  with milliseconds; lists answer `nextCursor` while there is more. Real-time traffic is STOMP on `/ws`.",
};

/// Renders the description of these routes: indented, with a line end, the same for the same routes.
pub fn describe(mut api: OpenApi, about: About) -> Text {
    api.info = InfoBuilder::new()
        .title(about.title)
        .description(Some(about.description))
        .version(env!("CARGO_PKG_VERSION"))
        .license(Some(LicenseBuilder::new().name("MIT").identifier(Some("MIT")).build()))
        .build();
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    api.components
        .get_or_insert_with(Components::new)
        .add_security_scheme("bearer", SecurityScheme::Http(bearer));
    for (path, item) in &mut api.paths.paths {
        if PUBLIC_PATHS.contains(&path.as_str()) || path.starts_with("/.well-known/") {
            let calls = [&mut item.get, &mut item.put, &mut item.post, &mut item.patch, &mut item.delete];
            for call in calls.into_iter().flatten() {
                call.security = Some(vec![SecurityRequirement::default()]);
            }
        }
    }
    api.security = Some(vec![SecurityRequirement::new("bearer", Vec::<String>::new())]);
    Text::of(&api)
}

/// The description of the whole, as it is checked in: a test compares it with the routes.
pub(crate) fn checked_in() -> Text {
    Text(include_str!("../../../schema/openapi.json").into())
}

impl Text {
    /// The JSON of a document: indented, with a line end.
    pub(crate) fn of(document: &impl Serialize) -> Self {
        let mut text = serde_json::to_string_pretty(document).unwrap_or_default();
        text.push('\n');
        Self(text.into())
    }

    #[cfg(test)]
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl IntoResponse for Text {
    fn into_response(self) -> Response {
        ([(CONTENT_TYPE, "application/json")], self.0.to_string()).into_response()
    }
}
