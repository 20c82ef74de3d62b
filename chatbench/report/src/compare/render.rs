//! A comparison for people.

use super::{Comparison, Difference};
use std::fmt::Write;

fn number(value: Option<f64>, unit: &str) -> String {
    value.map_or("-".to_owned(), |value| match unit {
        "msg/s" | "bytes" => format!("{value:.0} {unit}"),
        _ => format!("{value:.2} {unit}"),
    })
}

fn verdict(figure: &Difference) -> &'static str {
    match figure.better {
        Some(true) => "better",
        Some(false) => "worse",
        None => "",
    }
}

/// How the figures are to be read.
pub(crate) fn foot(comparison: &Comparison) -> String {
    format!(
        "Figures are means over the seconds of the hold, p50 and p99 those of a second. Each interval is right {:.1} times in 100, all together 95.",
        comparison.confidence
    )
}

/// As text.
#[must_use]
pub fn text(comparison: &Comparison) -> String {
    let (a, b) = comparison.runs;
    let mut out = format!("{:24}{:>16}{:>16}\n", "", format!("A ({a} runs)"), format!("B ({b} runs)"));
    for figure in &comparison.figures {
        let (a, b) = (number(figure.a, &figure.unit), number(figure.b, &figure.unit));
        let words = format!("{} {}", figure.words, verdict(figure));
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{:24}{a:>16}{b:>16}   {}", figure.name, words.trim_end());
    }
    let _ = writeln!(out, "\n{}", foot(comparison));
    comparison.caveats.iter().for_each(|caveat| {
        let _ = writeln!(out, "caveat: {caveat}");
    });
    out
}

/// As Markdown.
#[must_use]
pub fn markdown(comparison: &Comparison) -> String {
    let (a, b) = comparison.runs;
    let mut out =
        format!("## chatbench compare\n\n| | A ({a} runs) | B ({b} runs) | | |\n|---|--:|--:|---|---|\n");
    for figure in &comparison.figures {
        let (a, b) = (number(figure.a, &figure.unit), number(figure.b, &figure.unit));
        let verdict = match figure.better {
            Some(false) => "**worse**",
            _ => verdict(figure),
        };
        let _ = writeln!(out, "| {} | {a} | {b} | {} | {verdict} |", figure.name, figure.words);
    }
    let _ = writeln!(out, "\n{}", foot(comparison));
    if !comparison.caveats.is_empty() {
        out.push('\n');
    }
    comparison.caveats.iter().for_each(|caveat| {
        let _ = writeln!(out, "- **Caveat:** {}", crate::markdown::cell(caveat));
    });
    out
}
