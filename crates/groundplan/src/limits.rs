//! `groundplan limits`: lists every limit on requests and responses.

use crate::error::CliError;
use crate::output::{Output, print, table};
use groundplan_error::Limit;
use serde_json::json;

/// List every limit on requests, models and responses
///
/// The list comes from the constants that the code checks. Limits that name a setting can be changed by it.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct Args {
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

pub(crate) fn run(args: &Args) -> Result<(), CliError> {
    match args.output {
        Output::Json => print(json(&all_limits()))?,
        Output::Text => text(&all_limits()).into_iter().try_for_each(print)?,
    }
    Ok(())
}

/// Returns the limits of each crate, in the order in which a request meets them.
fn all_limits() -> Vec<(&'static str, Limit)> {
    let areas: [(&str, &[Limit]); 6] = [
        ("models", groundplan_model::LIMITS),
        ("models", groundplan_schema::LIMITS),
        ("records", groundplan_codec::LIMITS),
        ("filters and rules", groundplan_expr::limits::LIMITS),
        ("calls", groundplan_records::LIMITS),
        ("credentials", groundplan_chassis::layers::LIMITS),
    ];
    areas.into_iter().flat_map(|(area, limits)| limits.iter().map(move |limit| (area, limit.clone()))).collect()
}

fn text(limits: &[(&str, Limit)]) -> Vec<String> {
    let mut cells = vec![["AREA", "WHAT", "LIMIT", "NOTE"].map(str::to_owned)];
    cells.extend(
        limits
            .iter()
            .map(|(area, limit)| [(*area).to_owned(), limit.what.to_owned(), limit.text(), limit.note.to_owned()]),
    );
    table(&cells)
}

fn json(limits: &[(&str, Limit)]) -> serde_json::Value {
    let one = |(area, limit): &(&str, Limit)| json!({ "area": area, "what": limit.what, "limit": limit.text(), "most": limit.most, "note": limit.note });
    limits.iter().map(one).collect()
}
