//! `/docs`: the API to read and to try, out of the binary alone. Nothing is fetched from anywhere else, and the
//! page's policy would not let it.

use axum::Router;
use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use edge::Problem;
use schema::Code;
use std::sync::Arc;
use utoipa_swagger_ui::Config;

const PAGE: &str = include_str!("docs/index.html");
const STYLE: &str = include_str!("docs/docs.css");
const SCRIPT: &str = include_str!("docs/docs.js");
/// The files of Swagger UI that the page names; the rest of it stays unserved.
const PARTS: [&str; 3] = ["swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"];
/// Only what this server sends, no script in the page itself, and nobody's frame. Swagger UI draws with inline
/// styles and with pictures in its style sheet.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                      img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";
/// The files change with the binary only.
const AN_HOUR: &str = "public, max-age=3600";

pub(crate) fn routes() -> Router {
    Router::new()
        // With the slash, so that the page's files have short names.
        .route("/docs", get(|| async { Redirect::permanent("/docs/") }))
        .route("/docs/", get(|| async { file("text/html; charset=utf-8", PAGE) }))
        .route("/docs/{file}", get(part))
}

fn file(media_type: &'static str, text: &'static str) -> Response {
    let headers =
        [(CONTENT_TYPE, media_type), (CONTENT_SECURITY_POLICY, POLICY), (CACHE_CONTROL, "no-cache")];
    (headers, text).into_response()
}

async fn part(Path(name): Path<String>) -> Result<Response, Problem> {
    let missing = || Problem::new(Code::NotFound, "there is nothing under this path");
    match name.as_str() {
        "docs.css" => return Ok(file("text/css; charset=utf-8", STYLE)),
        "docs.js" => return Ok(file("text/javascript; charset=utf-8", SCRIPT)),
        _ if !PARTS.contains(&name.as_str()) => return Err(missing()),
        _ => {}
    }
    let part = utoipa_swagger_ui::serve(&name, Arc::new(Config::default()))
        .map_err(|error| Problem::new(Code::Internal, "the server failed on this call").caused_by(error))?;
    let part = part.ok_or_else(missing)?;
    let headers = [(CONTENT_TYPE, part.content_type), (CACHE_CONTROL, AN_HOUR.to_owned())];
    Ok((headers, part.bytes.into_owned()).into_response())
}
