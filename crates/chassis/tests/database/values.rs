//! Values of statements.

use crate::{database, one};
use groundplan_chassis::database::{
    Bind, Columns as _, Sql, decode_array, decode_interval, decode_jsonb, decode_numeric_u64, decode_timestamptz,
    execute, oid,
};
use groundplan_chassis::settings::{DatabaseSettings, defaults};
use groundplan_testkit::TestDatabase;

#[tokio::test]
async fn all_types_round_trip() {
    let test = TestDatabase::new().await;
    let database = database(&test, &defaults()).await;
    let row = one(
        &database,
        "SELECT ?::bigint, ?::integer, ?::double precision, ?::boolean, ?::text, ?::bytea, ?::uuid, ?::timestamptz,
                ?::interval, ?::jsonb, ?::numeric, ?::text[], ?::text, ?::bigint[]",
        &[
            Bind::i64(i64::MIN),
            Bind::i32(-7),
            Bind::f64(f64::NEG_INFINITY),
            Bind::bool(true),
            Bind::text("Grüße"),
            Bind::bytes(vec![0, 255]),
            Bind::uuid([9; 16]),
            Bind::timestamptz(1_500_000),
            Bind::interval(-5),
            Bind::jsonb(br#"{"a":1}"#.to_vec()),
            Bind::numeric(u64::MAX),
            Bind::array(oid::TEXT, &[Bind::text("a"), Bind::Null, Bind::text("")]),
            Bind::Null,
            Bind::array(oid::INT8, &[]),
        ],
    )
    .await;
    assert_eq!(row.i64(0).unwrap(), Some(i64::MIN));
    assert_eq!(row.i32(1).unwrap(), Some(-7));
    assert_eq!(row.array(2).unwrap().map(f64::from_be_bytes), Some(f64::NEG_INFINITY));
    assert_eq!(row.bool(3).unwrap(), Some(true));
    assert_eq!(row.text(4).unwrap().as_deref(), Some("Grüße"));
    assert_eq!(row.bytes(5, |bytes| bytes.map(<[u8]>::to_vec)).unwrap(), Some(vec![0, 255]));
    assert_eq!(row.array(6).unwrap(), Some([9; 16]));
    assert_eq!(row.bytes(7, |bytes| bytes.and_then(decode_timestamptz)).unwrap(), Some(1_500_000));
    assert_eq!(row.bytes(8, |bytes| bytes.and_then(decode_interval)).unwrap(), Some(-5));
    let json = row.bytes(9, |bytes| bytes.and_then(decode_jsonb).map(<[u8]>::to_vec)).unwrap();
    assert_eq!(json, Some(br#"{"a": 1}"#.to_vec()));
    assert_eq!(row.bytes(10, |bytes| bytes.and_then(decode_numeric_u64)).unwrap(), Some(u64::MAX));
    let texts = row.bytes(11, |bytes| {
        let elements = decode_array(bytes.unwrap()).unwrap();
        elements.map(|element| element.map(<[u8]>::to_vec)).collect::<Vec<_>>()
    });
    assert_eq!(texts.unwrap(), [Some(b"a".to_vec()), None, Some(Vec::new())]);
    assert_eq!(row.text(12).unwrap(), None);
    assert_eq!(row.bytes(13, |bytes| decode_array(bytes.unwrap()).unwrap().count()).unwrap(), 0);
    assert!(row.i64(14).is_err(), "the column does not exist");
    assert!(row.i64(4).is_err(), "a text is not a number");
}

#[tokio::test]
async fn postgres_reads_values_as_intended() {
    let test = TestDatabase::new().await;
    let database = database(&test, &defaults()).await;
    let row = one(
        &database,
        "SELECT ?::timestamptz::text, ?::interval::text, ?::numeric::text, ?::numeric::text, ?::text[]::text, ?::timestamptz::text",
        &[
            Bind::timestamptz(-62_135_596_800_000_000),
            Bind::interval(3_723_000_001),
            Bind::numeric(u64::MAX),
            Bind::numeric(100_000_000),
            Bind::array(oid::TEXT, &[Bind::text("NULL"), Bind::Null]),
            Bind::timestamptz(253_402_300_799_999_999),
        ],
    )
    .await;
    let texts: Vec<_> = (0..6).map(|column| row.text(column).unwrap().unwrap()).collect();
    assert_eq!(
        texts,
        [
            "0001-01-01 00:00:00+00",
            "01:02:03.000001",
            "18446744073709551615",
            "100000000",
            r#"{"NULL",NULL}"#,
            "9999-12-31 23:59:59.999999+00"
        ]
    );
    // Values that SQL users write can be read, too.
    let row =
        one(&database, "SELECT interval '1 month 1 day 1 second', 12345678901234567890::numeric, 1.5::numeric", &[])
            .await;
    let interval = row.bytes(0, |bytes| decode_interval(bytes.unwrap())).unwrap();
    assert_eq!(interval, Some(31 * 86_400_000_000 + 1_000_000));
    assert_eq!(row.bytes(1, |bytes| decode_numeric_u64(bytes.unwrap())).unwrap(), Some(12_345_678_901_234_567_890));
    assert_eq!(row.bytes(2, |bytes| decode_numeric_u64(bytes.unwrap())).unwrap(), None);
}

#[tokio::test]
async fn the_number_of_values_must_match() {
    let test = TestDatabase::new().await;
    let database = database(&test, &defaults()).await;
    let sql = Sql::new("SELECT ?::bigint");
    let mut lease = database.lease().await.unwrap();
    for binds in [vec![], vec![Bind::Null, Bind::Null]] {
        let error = lease.run(async |connection| execute(connection, &sql, &binds).await).await.unwrap_err();
        assert!(error.to_string().contains("takes 1 values"), "{error}");
    }
}

#[tokio::test]
async fn a_statement_is_prepared_once() {
    let test = TestDatabase::new().await;
    let database = database(&test, &DatabaseSettings { db_pool_size: 1, ..defaults() }).await;
    for value in 0..3 {
        one(&database, "SELECT ?::bigint + 1", &[Bind::i64(value)]).await;
    }
    let count = "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE 'SELECT $1::bigint + 1%'";
    assert_eq!(one(&database, count, &[]).await.i64(0).unwrap(), Some(1));
}
