//! Aggregates of every type, of nothing, and of too much.

use super::fixture::{Fixture, thing};
use super::list_keyset::{MODELS, fill};
use groundplan_chassis::database::Columns;
use groundplan_model::catalog::MethodKind::{Aggregate, Create};
use serde_json::{Value, json};
use tonic::{Code, Status};
use tonic_types::StatusExt;

/// Aggregates, each as a function and a field.
fn request(group_by: &[&str], aggregations: &[(&str, &str)]) -> Value {
    let aggregations: Vec<Value> = aggregations
        .iter()
        .map(|(function, field)| json!({"function": format!("FUNCTION_{function}"), "field": field}))
        .collect();
    json!({"groupBy": group_by, "aggregations": aggregations})
}

fn reason(status: &Status) -> String {
    status.get_error_details().error_info().unwrap().reason.clone()
}

const EVERY: &str = "
    bool flag = 2; int32 small = 3; int64 whole = 4; uint32 usmall = 5; uint64 big = 6; double real = 7; float single = 8;
    string text = 9; bytes raw = 10; google.protobuf.Timestamp at = 11; google.protobuf.Duration span = 12;
    Kind kind = 13; optional int64 maybe = 14; google.protobuf.Int64Value wrapped = 15; Inner inner = 16;
    repeated int64 many = 17; map<string, string> named = 18; google.protobuf.Struct free = 19;";

fn every() -> String {
    let imports = "import \"google/protobuf/timestamp.proto\"; import \"google/protobuf/duration.proto\"; \
                   import \"google/protobuf/wrappers.proto\"; import \"google/protobuf/struct.proto\"; enum Kind { NONE = 0; SOME = 1; } \
                   message Inner { int64 number = 1; string text = 2; repeated string list = 3; }";
    thing(EVERY).replacen("import \"groundplan", &format!("{imports}\nimport \"groundplan"), 1)
}

#[tokio::test]
async fn every_type_has_its_value() {
    let fixture = Fixture::empty().await;
    fixture.apply(1, &every()).await.unwrap();
    for at in 1_i64..=4 {
        let (span, text, raw) = match at {
            1 => ("-1.5s", "ä", "/w=="),
            2 => ("0.000001s", "Z", "AA=="),
            3 => ("3s", "a", ""),
            _ => ("0s", "", "gA=="),
        };
        let mut thing = json!({
            "flag": at == 2, "small": -at, "whole": (at * 10).to_string(), "usmall": at, "big": (1_u64 << 60).to_string(),
            "real": at as f64 / 2.0, "single": 0.25, "text": text,
            "raw": raw, "kind": "SOME",
            "at": format!("2024-01-0{at}T00:00:00.000001Z"), "span": span,
        });
        if at > 2 {
            thing["maybe"] = json!(at.to_string());
            thing["wrapped"] = json!(at.to_string());
            thing["inner"] = json!({"number": at.to_string(), "text": "x", "list": ["x"]});
            thing["many"] = json!(["1"]);
            thing["named"] = json!({"a": "b"});
            thing["free"] = json!({"a": 1});
        }
        fixture.call("Thing", Create, json!({"thing": thing})).await.unwrap();
    }
    let call = async |aggregations: &[(&str, &str)]| {
        let answer = fixture.call("Thing", Aggregate, request(&[], aggregations)).await.unwrap();
        assert_eq!(answer["groups"].as_array().unwrap().len(), 1);
        answer["groups"][0]["values"].clone()
    };
    assert_eq!(
        call(&[("COUNT", "many"), ("COUNT", "named"), ("COUNT", "inner"), ("COUNT", "free"), ("COUNT", " inner.list")])
            .await,
        json!({
            "count_many": {"int64Value": "2"}, "count_named": {"int64Value": "2"}, "count_inner": {"int64Value": "2"},
            "count_free": {"int64Value": "2"}, "count__inner_list": {"int64Value": "2"},
        })
    );
    assert_eq!(
        call(&[("COUNT", ""), ("COUNT", "maybe"), ("COUNT", "text"), ("COUNT", "inner.number")]).await,
        json!({
            "count": {"int64Value": "4"}, "count_maybe": {"int64Value": "2"}, "count_text": {"int64Value": "3"},
            "count_inner_number": {"int64Value": "2"},
        })
    );
    assert_eq!(
        call(&[
            ("SUM", "small"),
            ("SUM", "usmall"),
            ("SUM", "big"),
            ("SUM", "real"),
            ("SUM", "single"),
            ("SUM", "span")
        ])
        .await,
        json!({
            "sum_small": {"int64Value": "-10"}, "sum_usmall": {"uint64Value": "10"},
            "sum_big": {"uint64Value": (1_u64 << 62).to_string()}, "sum_real": {"doubleValue": 5.0},
            "sum_single": {"doubleValue": 1.0}, "sum_span": {"durationValue": "1.500001s"},
        })
    );
    assert_eq!(
        call(&[("AVERAGE", "whole"), ("AVERAGE", "maybe"), ("AVERAGE", "real"), ("AVERAGE", "span")]).await,
        json!({
            "average_whole": {"doubleValue": 25.0}, "average_maybe": {"doubleValue": 3.5},
            "average_real": {"doubleValue": 1.25}, "average_span": {"durationValue": "0.375s"},
        })
    );
    let fields =
        ["flag", "small", "big", "real", "text", "raw", "at", "span", "kind", "maybe", "wrapped", "inner.number"];
    let smallest: Vec<_> = fields.iter().map(|field| ("MIN", *field)).collect();
    assert_eq!(
        call(&smallest).await,
        json!({
            "min_flag": {"boolValue": false}, "min_small": {"int64Value": "-4"},
            "min_big": {"uint64Value": (1_u64 << 60).to_string()}, "min_real": {"doubleValue": 0.5},
            "min_text": {"stringValue": ""}, "min_raw": {"bytesValue": ""},
            "min_at": {"timestampValue": "2024-01-01T00:00:00.000001Z"}, "min_span": {"durationValue": "-1.500s"},
            "min_kind": {"int64Value": "1"}, "min_maybe": {"int64Value": "3"}, "min_wrapped": {"int64Value": "3"},
            "min_inner_number": {"int64Value": "0"},
        })
    );
    let largest: Vec<_> = fields.iter().map(|field| ("MAX", *field)).collect();
    let largest = call(&largest).await;
    assert_eq!(largest["max_flag"], json!({"boolValue": true}));
    assert_eq!(largest["max_text"], json!({"stringValue": "ä"}));
    assert_eq!(largest["max_raw"], json!({"bytesValue": "/w=="}));
    assert_eq!(largest["max_at"], json!({"timestampValue": "2024-01-04T00:00:00.000001Z"}));
    let ids = call(&[("MIN", "id"), ("MAX", "id")]).await;
    let rows = fixture.query("SELECT id::text FROM test_v1.thing ORDER BY id").await;
    assert_eq!(ids["min_id"]["stringValue"], json!(rows[0].text(0).unwrap().unwrap()));
    assert_eq!(ids["max_id"]["stringValue"], json!(rows[3].text(0).unwrap().unwrap()));
}

#[tokio::test]
async fn of_nothing_there_is_a_count_and_no_values() {
    let fixture = Fixture::empty().await;
    fixture.apply(1, &every()).await.unwrap();
    let all = [
        ("COUNT", ""),
        ("SUM", "whole"),
        ("SUM", "span"),
        ("AVERAGE", "real"),
        ("AVERAGE", "span"),
        ("MIN", "raw"),
        ("MAX", "flag"),
    ];
    let answer = fixture.call("Thing", Aggregate, request(&[], &all)).await.unwrap();
    assert_eq!(answer, json!({"groups": [{"values": {"count": {"int64Value": "0"}}}]}));
    let answer = fixture.call("Thing", Aggregate, request(&["text"], &all)).await.unwrap();
    assert_eq!(answer, json!({}));
}

#[tokio::test]
async fn groups_are_complete_and_in_order() {
    let fixture = Fixture::empty().await;
    fixture.apply(1, MODELS).await.unwrap();
    fixture.query(&fill(500)).await;
    for (fields, sql) in [
        (&["bucket"][..], "bucket::text, '', ''"),
        (&["note"], r#"note COLLATE "C", '', ''"#),
        (&["color", "seen_at", "rank"], "color::text, seen_at::text, rank::text"),
        (&["weight", "touched"], "weight::text, touched::text, ''"),
        (&["span"], "span::text, '', ''"),
    ] {
        let names = fields.join(", ");
        // Without the alias, ORDER BY would mean the texts that are selected.
        let by = format!("r.{}", fields.join(", r.")).replace("note", "note COLLATE \"C\"");
        let rows =
            format!("SELECT {sql}, count(*), sum(bucket)::bigint FROM test_v1.row r GROUP BY {by} ORDER BY {by}");
        let rows = fixture.query(&rows).await;
        let answer =
            fixture.call("Row", Aggregate, request(fields, &[("COUNT", ""), ("SUM", "bucket")])).await.unwrap();
        let groups = answer["groups"].as_array().unwrap();
        assert_eq!(groups.len(), rows.len(), "{names}");
        for (group, row) in groups.iter().zip(&rows) {
            assert_eq!(
                group["values"]["count"]["int64Value"],
                json!(row.i64(3).unwrap().unwrap().to_string()),
                "{names}: {group}"
            );
            assert_eq!(group["values"]["sum_bucket"]["int64Value"], json!(row.i64(4).unwrap().unwrap().to_string()));
            for (at, field) in fields.iter().enumerate() {
                assert_eq!(group["keys"].get(field).is_none(), row.text(at).unwrap().is_none(), "{group}");
            }
        }
        let total: usize = groups
            .iter()
            .map(|group| group["values"]["count"]["int64Value"].as_str().unwrap().parse::<usize>().unwrap())
            .sum();
        assert_eq!(total, 500);
    }
    let mut filtered = request(&["bucket"], &[("COUNT", "")]);
    filtered["filter"] = json!("bucket in [1, 2] && title != 'x'");
    let answer = fixture.call("Row", Aggregate, filtered).await.unwrap();
    assert_eq!(answer["groups"].as_array().unwrap().len(), 2);
    let status = fixture.call("Row", Aggregate, request(&["id"], &[("COUNT", "")])).await;
    assert_eq!(status.unwrap()["groups"].as_array().unwrap().len(), 500);
}

#[tokio::test]
async fn too_many_groups_are_refused() {
    let fixture = Fixture::empty().await;
    fixture.apply(1, MODELS).await.unwrap();
    fixture.query(&fill(1_001)).await;
    let refused = fixture.call("Row", Aggregate, request(&["id"], &[("COUNT", "")])).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "ANSWER_TOO_LARGE"));
    fixture.query("DELETE FROM test_v1.row WHERE id = (SELECT id FROM test_v1.row LIMIT 1) RETURNING 1").await;
    let answer = fixture.call("Row", Aggregate, request(&["id"], &[("COUNT", "")])).await.unwrap();
    assert_eq!(answer["groups"].as_array().unwrap().len(), 1_000);
}

#[tokio::test]
async fn sums_that_do_not_fit_are_refused() {
    let fixture = Fixture::empty().await;
    fixture.apply(1, &every()).await.unwrap();
    for _ in 0..2 {
        let thing = json!({
            "whole": i64::MAX.to_string(), "big": u64::MAX.to_string(), "real": 1.7e308, "span": "315576000000s",
            "small": i32::MAX,
        });
        fixture.call("Thing", Create, json!({"thing": thing})).await.unwrap();
    }
    for field in ["whole", "big", "real", "span"] {
        let refused = fixture.call("Thing", Aggregate, request(&[], &[("SUM", field)])).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "SUM_OVERFLOW"), "{field}");
    }
    let fitting = request(&[], &[("SUM", "small"), ("AVERAGE", "whole"), ("AVERAGE", "span")]);
    let answer = fixture.call("Thing", Aggregate, fitting).await.unwrap();
    let values = &answer["groups"][0]["values"];
    assert_eq!(values["sum_small"]["int64Value"], json!((2 * i64::from(i32::MAX)).to_string()));
    assert_eq!(values["average_whole"]["doubleValue"], json!(i64::MAX as f64));
    assert_eq!(values["average_span"]["durationValue"], json!("315576000000s"));
    // Only a sum of finite values can be too large.
    fixture.query("UPDATE test_v1.thing SET real = 'NaN' RETURNING 1").await;
    let answer = fixture.call("Thing", Aggregate, request(&[], &[("SUM", "real"), ("MAX", "real")])).await.unwrap();
    assert_eq!(answer["groups"][0]["values"]["sum_real"]["doubleValue"], json!("NaN"));
}

#[tokio::test]
async fn errors_name_the_invalid_field() {
    let fixture = Fixture::empty().await;
    fixture.apply(1, &every()).await.unwrap();
    let count = ("COUNT", "");
    let named = |names: &[&str]| {
        let all: Vec<Value> = names.iter().map(|name| json!({"function": "FUNCTION_COUNT", "name": name})).collect();
        json!({ "aggregations": all })
    };
    for (request, field) in [
        (request(&[], &[]), "aggregations"),
        (request(&[], &[count; 21]), "aggregations"),
        (request(&["text", "small", "whole", "kind"], &[count]), "group_by"),
        (request(&["tex"], &[count]), "group_by[0]"),
        (request(&["text", "text"], &[count]), "group_by[1]"),
        (request(&["many"], &[count]), "group_by[0]"),
        (request(&["inner"], &[count]), "group_by[0]"),
        (request(&[], &[("SUM", "text")]), "aggregations[0].field"),
        (request(&[], &[count, ("SUM", "kind")]), "aggregations[1].field"),
        (request(&[], &[("AVERAGE", "at")]), "aggregations[0].field"),
        (request(&[], &[("MIN", "inner")]), "aggregations[0].field"),
        (request(&[], &[("MIN", "")]), "aggregations[0].field"),
        (request(&[], &[("AVERAGE", "text")]), "aggregations[0].field"),
        (request(&[], &[("COUNT", "named.a")]), "aggregations[0].field"),
        (request(&[], &[("COUNT", "record.many")]), "aggregations[0].field"),
        (request(&[], &[("COUNT", "many) || (true")]), "aggregations[0].field"),
        (request(&[], &[("COUNT", "nothing")]), "aggregations[0].field"),
        (request(&[], &[("MIN", "x\"; --")]), "aggregations[0].field"),
        (request(&[], &[("UNSPECIFIED", "text")]), "aggregations[0].function"),
        (json!({"aggregations": [{"function": 77}]}), "aggregations[0].function"),
        (request(&[], &[count, count]), "aggregations[1].name"),
        (named(&["a", "a"]), "aggregations[1].name"),
        (named(&["1a"]), "aggregations[0].name"),
        (named(&["a\""]), "aggregations[0].name"),
        (named(&[&"a".repeat(64)]), "aggregations[0].name"),
    ] {
        let status = fixture.call("Thing", Aggregate, request.clone()).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{request}: {status:?}");
        let violations = status.get_error_details().bad_request().unwrap().field_violations.clone();
        assert_eq!(violations[0].field, field, "{request}");
        let is_of_field = field.ends_with("field") && !request.to_string().contains("\"\"");
        assert!(!is_of_field || status.message().starts_with(field), "{}", status.message());
    }
    let answer = fixture.call("Thing", Aggregate, named(&["a", "B_2"])).await.unwrap();
    assert_eq!(answer["groups"][0]["values"].as_object().unwrap().len(), 2);
}

#[tokio::test]
async fn a_mean_may_be_too_small_for_a_double() {
    let fixture = Fixture::empty().await;
    fixture.apply(1, &every()).await.unwrap();
    for real in [5e-324, 0.0, 5e-324] {
        fixture.call("Thing", Create, json!({"thing": {"real": real}})).await.unwrap();
    }
    let mean = async |filter: &str| {
        let mut request = request(&[], &[("AVERAGE", "real")]);
        request["filter"] = json!(filter);
        request["allowScan"] = json!(true);
        fixture
            .call("Thing", Aggregate, request)
            .await
            .map(|answer| answer["groups"][0]["values"]["average_real"].clone())
    };
    assert_eq!(mean("").await.unwrap(), json!({"doubleValue": 5e-324}), "two of three, to the nearest");
    assert_eq!(mean("real == 0.0").await.unwrap(), json!({"doubleValue": 0.0}));
    for real in [1e308, 1e308, -1e308] {
        fixture.call("Thing", Create, json!({"thing": {"real": real}})).await.unwrap();
    }
    let status = mean("real > 1.0").await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "SUM_OVERFLOW"));
    assert_eq!(mean("real < -1.0").await.unwrap(), json!({"doubleValue": -1e308}));
}
