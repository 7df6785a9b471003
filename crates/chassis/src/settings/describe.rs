//! Descriptions of all settings, with their values and sources.

use super::{Secret, mask_url};
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};
use std::fmt;

/// One setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingRow {
    /// The flag, such as `--db-url`.
    pub flag: String,
    /// The environment variable.
    pub variable: String,
    /// The value, masked if it is secret; none if the setting is unset.
    pub value: Option<String>,
    /// The source of the value.
    pub source: SettingSource,
    /// The help text.
    pub help: String,
}

/// The source of a setting's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingSource {
    /// Unset.
    Default,
    /// The environment.
    Environment,
    /// The command line.
    Flag,
}

impl fmt::Display for SettingSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Default => "default",
            Self::Environment => "environment",
            Self::Flag => "flag",
        })
    }
}

/// Lists the settings of `command` and of the selected subcommand: the arguments with a variable.
pub fn describe(command: &Command, matches: &ArgMatches) -> Vec<SettingRow> {
    let mut rows: Vec<SettingRow> = Vec::new();
    let (mut command, mut matches) = (command, matches);
    loop {
        for row in command.get_arguments().filter_map(|arg| row(arg, matches)) {
            // A global argument is listed once.
            if !rows.iter().any(|known| known.variable == row.variable) {
                rows.push(row);
            }
        }
        let Some((name, inner)) = matches.subcommand() else { return rows };
        let Some(subcommand) = command.find_subcommand(name) else { return rows };
        (command, matches) = (subcommand, inner);
    }
}

/// Returns the row of an argument, if it is a setting.
fn row(arg: &Arg, matches: &ArgMatches) -> Option<SettingRow> {
    let variable = arg.get_env()?.to_string_lossy().into_owned();
    let id = arg.get_id().as_str();
    let source = match matches.try_contains_id(id).ok().and_then(|_| matches.value_source(id)) {
        Some(ValueSource::EnvVariable) => SettingSource::Environment,
        Some(ValueSource::CommandLine) => SettingSource::Flag,
        _ => SettingSource::Default,
    };
    let value = matches.try_get_raw(id).ok().flatten().map(|values| {
        let values: Vec<_> = values.map(|value| value.to_string_lossy()).collect();
        displayed_value(arg, &variable, &values.join(","))
    });
    Some(SettingRow {
        flag: arg.get_long().map(|long| format!("--{long}")).unwrap_or_default(),
        variable,
        value,
        source,
        help: arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default(),
    })
}

/// Returns the value, masked if it is secret.
fn displayed_value(arg: &Arg, variable: &str, value: &str) -> String {
    match (variable, arg.is_hide_env_values_set()) {
        ("DB_URL", _) => mask_url(value),
        (_, true) => Secret::new(value).to_string(),
        (_, false) => value.to_owned(),
    }
}
