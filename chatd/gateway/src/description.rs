//! OpenAPI, made from the routes.

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
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
    api.security = Some(vec![SecurityRequirement::new("bearer", Vec::<String>::new())]);
    let mut text = api.to_pretty_json().unwrap_or_default();
    text.push('\n');
    Text(text.into())
}

impl IntoResponse for Text {
    fn into_response(self) -> Response {
        ([(CONTENT_TYPE, "application/json")], self.0.to_string()).into_response()
    }
}
