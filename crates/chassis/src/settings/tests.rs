use super::{
    CredentialSettings, DatabaseSettings, PostgresSettings, Secret, ServerSettings, SettingRow, SettingSource,
    TelemetrySettings, defaults, describe, mask_url, parse_duration, parse_size,
};
use clap::{CommandFactory, Parser};
use std::time::Duration;

#[derive(Parser)]
struct Everything {
    #[command(flatten)]
    database: DatabaseSettings,
    #[command(flatten)]
    server: ServerSettings,
    #[command(flatten)]
    credentials: CredentialSettings,
    #[command(flatten)]
    telemetry: TelemetrySettings,
    #[command(flatten)]
    _postgres: PostgresSettings,
}

fn rows(arguments: &[&str]) -> Vec<SettingRow> {
    let command = Everything::command();
    let matches = command.clone().try_get_matches_from(arguments).unwrap();
    describe(&command, &matches)
}

fn row(rows: &[SettingRow], variable: &str) -> SettingRow {
    rows.iter().find(|row| row.variable == variable).unwrap().clone()
}

#[test]
fn secrets_are_never_printed() {
    let everything = Everything::try_parse_from([
        "groundplan",
        "--api-key=hunter2hunter2",
        "--db-url=postgres://groundplan:hunter2@db/groundplan",
    ])
    .unwrap();
    let printed = format!("{:?} {:?}", everything.credentials, everything.database);
    assert!(!printed.contains("hunter2"), "{printed}");
    assert!(!Secret::new("hunter2").to_string().contains("hunter2"));
    assert_eq!(everything.credentials.api_key.unwrap().expose(), "hunter2hunter2");
}

#[test]
fn descriptions_mask_secrets_and_name_sources() {
    let rows = rows(&[
        "groundplan",
        "--api-key=hunter2hunter2",
        "--db-url=postgres://groundplan:hunter2@db/groundplan",
        "--port=4000",
    ]);
    assert!(!format!("{rows:?}").contains("hunter2"));
    assert_eq!(row(&rows, "DB_URL").value.unwrap(), "postgres://groundplan:********@db/groundplan");
    assert_eq!(
        (row(&rows, "PORT").value.unwrap(), row(&rows, "PORT").source),
        ("4000".to_owned(), SettingSource::Flag)
    );
    let pool = row(&rows, "GROUNDPLAN_DB_POOL_SIZE");
    assert_eq!(
        (pool.value.unwrap(), pool.source, pool.flag),
        ("16".to_owned(), SettingSource::Default, "--db-pool-size".to_owned())
    );
    assert_eq!(row(&rows, "GROUNDPLAN_PG_BIN").value, None);
    assert!(rows.iter().all(|row| !row.help.is_empty()), "every setting has a help text");
}

#[test]
fn passwords_are_masked_in_every_form_of_url() {
    for (url, masked) in [
        ("postgres://a:secret@h/d", "postgres://a:********@h/d"),
        ("postgres://a:sec/ret@x@h/d", "postgres://a:********@h/d"),
        ("postgres://a@h/d?password=secret&user=b", "postgres://a@h/d?password=********&user=b"),
        ("host=h password=secret user=a", "host=h password=******** user=a"),
        ("host=h PASSWORD = 'se cr\\'et' user=a", "host=h PASSWORD=******** user=a"),
        ("host=h password='secret", "host=h password=********"),
        ("host=h user=a", "host=h user=a"),
        ("postgres://h/d", "postgres://h/d"),
    ] {
        assert_eq!(mask_url(url), masked);
    }
}

#[test]
fn invalid_values_are_rejected_with_a_remedy() {
    for (argument, word) in [
        ("--db-statement-timeout=60", "unit"),
        ("--max-message=4MB", "MiB"),
        ("--max-headers=1", "8KiB"),
        ("--api-key=", "unset"),
        ("--db-url=", "unset"),
        ("--db-pool-size=0", "1..=1000"),
    ] {
        let error = Everything::try_parse_from(["groundplan", argument]).err().unwrap().to_string();
        assert!(error.contains(word), "{argument}: {error}");
    }
}

#[test]
fn durations_and_sizes_need_valid_units() {
    assert_eq!(parse_duration("500ms").unwrap(), Duration::from_millis(500));
    assert_eq!(parse_duration("2m").unwrap(), Duration::from_secs(120));
    for invalid in ["", "5", "s", "1.5s", "-1s", "18446744073709551615h"] {
        assert!(parse_duration(invalid).is_err(), "{invalid}");
    }
    assert_eq!(parse_size("4MiB").unwrap(), 4 << 20);
    assert_eq!(parse_size("17").unwrap(), 17);
    for invalid in ["", "MiB", "1kb", "18446744073709551615GiB"] {
        assert!(parse_size(invalid).is_err(), "{invalid}");
    }
}

#[test]
fn defaults_are_those_of_the_manual() {
    let server: ServerSettings = defaults();
    assert_eq!(
        (server.port, server.max_message, server.max_streams, server.max_headers),
        (3000, 4 << 20, 100, 32 << 10)
    );
    assert_eq!(server.drain_grace, Duration::from_secs(20));
    assert!(server.listen.is_loopback());
    assert!(defaults::<DatabaseSettings>().db_url.is_none());
    let telemetry: TelemetrySettings = defaults();
    assert_eq!(telemetry.log, "info");
    let everything = Everything::try_parse_from(["groundplan"]).unwrap();
    assert_eq!(everything.server.port, 3000);
    assert_eq!(everything.telemetry.log, "info");
}
