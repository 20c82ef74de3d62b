//! The page around the parts, and the templates that they are made with.

use super::chart::Chart;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, syntax::SyntaxConfig, value::Serde};
use serde::Serialize;

const TEMPLATES: [(&str, &str); 8] = [
    ("page.html", include_str!("templates/page.html")),
    ("summary.html", include_str!("templates/summary.html")),
    ("run.html", include_str!("templates/run.html")),
    ("search.html", include_str!("templates/search.html")),
    ("compare.html", include_str!("templates/compare.html")),
    ("calibrate.html", include_str!("templates/calibrate.html")),
    ("steps.html", include_str!("templates/steps.html")),
    ("chart.html", include_str!("templates/chart.html")),
];
const STYLE: &str = include_str!("templates/style.css");
const HOVER: &str = include_str!("templates/hover.js");

/// A whole page. `data`: the file beside it that has everything.
pub(super) fn wrap(title: &str, data: &str, body: &str) -> String {
    #[derive(Serialize)]
    struct Page<'a> {
        title: &'a str,
        version: &'a str,
        data: &'a str,
        body: &'a str,
        style: &'a str,
        hover: &'a str,
    }
    let version = env!("CARGO_PKG_VERSION");
    fill("page.html", &Page { title, version, data, body, style: STYLE, hover: HOVER })
}

/// A chart, as HTML.
pub(super) fn chart(chart: &Chart) -> String {
    fill("chart.html", chart)
}

/// Fills a template; values are escaped.
#[expect(clippy::expect_used, reason = "the templates are constants, and the tests fill every one of them")]
pub(super) fn fill(name: &str, values: &impl Serialize) -> String {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    environment.set_syntax(syntax.expect("the usual syntax"));
    for (name, text) in TEMPLATES {
        environment.add_template(name, text).expect("a constant template");
    }
    environment
        .get_template(name)
        .and_then(|template| template.render(Serde(values)))
        .expect("a constant template")
}
