//! Invalid queries: each error names the parameter, and nothing reaches the backend.

use crate::queries::library;

#[tokio::test]
async fn invalid_parameters_are_rejected_by_name() {
    let (client, memory) = library().await;
    let lists = ["books", "books:explainList", "authors/le-guin/books"];
    for (query, message) in [
        ("page_size=1", "\"page_size\" is not a query parameter here; the nearest is pageSize"),
        ("filters=x", "\"filters\" is not a query parameter here; the nearest is filter"),
        ("orderby=x", "\"orderby\" is not a query parameter here; the nearest is orderBy"),
        ("filter=a&filter=b", "\"filter\" is given more than once"),
        ("pageSize=-1", "\"pageSize\" must be an integer from 0 to 2147483647"),
        ("pageSize=ten", "\"pageSize\" must be an integer from 0 to 2147483647"),
        ("pageSize=", "\"pageSize\" must be an integer from 0 to 2147483647"),
        ("skip=1.5", "\"skip\" must be an integer from 0 to 2147483647"),
        ("skip=99999999999", "\"skip\" must be an integer from 0 to 2147483647"),
        ("count=exact", "\"count\" must be one of EXACT, ESTIMATED, NONE"),
        ("count=", "\"count\" must be one of EXACT, ESTIMATED, NONE"),
        ("count=COUNT_COUNT_EXACT", "\"count\" must be one of EXACT, ESTIMATED, NONE"),
        ("allowScan=1", "\"allowScan\" must be true or false"),
        ("allowScan", "\"allowScan\" must be true or false"),
        ("readMask=,,", "\"readMask\" has an empty path: remove the extra comma"),
        ("expand=author,", "\"expand\" has an empty path: remove the extra comma"),
        (
            "showDeleted=false",
            "\"showDeleted\" needs deleted records, which library.v1.Book does not keep; give the model the option soft_delete",
        ),
        ("filter=%ff", "\"%ff\" in the query is not UTF-8 after percent-decoding"),
    ] {
        for list in lists {
            let asked = memory.questions();
            let answer = client.send(&format!("GET /api/v1/{list}?{query}"), &[], "").await;
            assert_eq!((answer.status.as_u16(), answer.error().1.as_str()), (400, message), "{list}");
            assert_eq!(answer.error().0, "INVALID_INPUT");
            assert_eq!(memory.questions(), asked, "{list}?{query}");
        }
    }
    for (path, message) in [
        ("GET books/b1?filter=x", "\"filter\" is not a query parameter here; these are: readMask, expand, readTime"),
        ("GET books/b1?readmask=x", "\"readmask\" is not a query parameter here; the nearest is readMask"),
        ("POST books:batchGet?ids=b1", "\"ids\" is not a query parameter here; send it in the body, as its key ids"),
        (
            "POST books:aggregate?filter=x",
            "\"filter\" is not a query parameter here; send it in the body, as its key filter",
        ),
        (
            "PATCH books/b1?readMask=title",
            "\"readMask\" is not a query parameter here; these are: requestId, validateOnly, allowMissing",
        ),
        ("POST books?requestid=x", "\"requestid\" is not a query parameter here; the nearest is requestId"),
        (
            "POST books:batchCreate?validateOnly=true",
            "\"validateOnly\" is not a query parameter here; send it in the body, as its key validateOnly",
        ),
        (
            "POST books:batchUpdate?validate_only=true",
            "\"validate_only\" is not a query parameter here; send it in the body, as its key validateOnly",
        ),
        (
            "POST books:batchDelete?requestId=x",
            "\"requestId\" is not a query parameter here; send it in the body, as its key requestId",
        ),
        ("POST books:batchDelete?strict=x", "\"strict\" is not a query parameter here; there are none"),
        ("POST books?title=x", "\"title\" is not a query parameter here; send it in the body, as its key title"),
        ("PUT books/b1?title=x", "\"title\" is not a query parameter here; send it in the body, as its key title"),
        (
            "PATCH books/b1?updateMask=title",
            "\"updateMask\" is not a query parameter here; the keys of a PATCH are its mask, and PUT replaces all fields; \
             batchUpdate and commit accept a mask in the body",
        ),
    ] {
        let (method, path) = path.split_once(' ').unwrap();
        let asked = memory.questions();
        let answer = client.send(&format!("{method} /api/v1/{path}"), &[], "{}").await;
        assert_eq!((answer.status.as_u16(), answer.error().1.as_str()), (400, message), "{path}");
        assert_eq!(memory.questions(), asked, "{path}");
    }
}

#[tokio::test]
async fn invalid_masks_are_rejected() {
    let (client, _) = library().await;
    for path in ["books?readMask=titel", "books/b1?readMask=titel", "authors/le-guin/books?readMask=titel"] {
        let answer = client.send(&format!("GET /api/v1/{path}"), &[], "").await;
        assert_eq!((answer.status.as_u16(), answer.error().0.as_str()), (400, "INVALID_INPUT"), "{path}");
        assert!(answer.error().1.starts_with("\"readMask\""), "{}", answer.error().1);
        assert!(answer.error().1.contains("titel") && answer.error().1.contains("title"), "{}", answer.error().1);
    }
}

#[tokio::test]
async fn invalid_batches_are_rejected_with_the_field_path() {
    let (client, memory) = library().await;
    let asked = memory.questions();
    for (body, message) in [
        (r#"{"id":"b1"}"#, "\"id\" is not a known key; did you mean ids?"),
        (r#"{"ids":"b1"}"#, "\"ids\" must be an array, not a string"),
        (r#"{"ids":[1]}"#, "\"ids[0]\" must be a string, not a number"),
        (r#"{"ids":["b1"],"requests":[]}"#, "\"requests\" cannot be sent together with ids; send the ids alone"),
        (r#"{"requests":["b1"]}"#, "\"requests[0]\" must be an object, not a string"),
        (r#"{"requests":[{"id":"b1"},{"ids":"b1"}]}"#, "\"requests[1].ids\" is not a known key; did you mean id?"),
        (
            r#"{"requests":[{"id":"b1","readMask":"title"}]}"#,
            "\"requests[0].readMask\" is not allowed in one request of a batch; set readMask for the whole batch",
        ),
        (r#"{"ids":["b1"],"readMask":["title"]}"#, "\"readMask\" must be a string, not an array"),
        (r#"{"ids":["b1"],"expand":"author"}"#, "\"expand\" must be an array, not a string"),
        (r#"{"ids":["b1"],"ids":["b2"]}"#, "\"ids\" is given more than once"),
        (r#"["b1"]"#, "the body must be a JSON object, not an array"),
        ("", "the body is empty; send a JSON object"),
    ] {
        let answer = client.send("POST /api/v1/books:batchGet", &[], body).await;
        assert_eq!((answer.status.as_u16(), answer.error().1.as_str()), (400, message), "{body}");
    }
    let plain = client.send("POST /api/v1/books:batchGet", &["content-type: text/plain"], "{}").await;
    assert_eq!(plain.status, 415);
    let huge = format!(r#"{{"ids":["{}"]}}"#, "x".repeat(1 << 20));
    let huge = client.send("POST /api/v1/books:batchGet", &[], huge).await;
    assert_eq!((huge.status.as_u16(), huge.error().0.as_str()), (413, "INVALID_INPUT"));
    assert_eq!(memory.questions(), asked);
}

#[tokio::test]
async fn invalid_aggregations_are_rejected() {
    let (client, memory) = library().await;
    let asked = memory.questions();
    let function = "\"aggregations[0].function\" must be one of COUNT, SUM, MIN, MAX, AVERAGE";
    for (body, message) in [
        (r#"{"aggregations":[{}]}"#, function),
        (r#"{"aggregations":[{"function":"TOTAL"}]}"#, function),
        (r#"{"aggregations":[{"function":"sum"}]}"#, function),
        (r#"{"aggregations":[{"function":2}]}"#, function),
        (r#"{"aggregations":{}}"#, "\"aggregations\" must be an array, not an object"),
        (r#"{"aggregation":[]}"#, "\"aggregation\" is not a known key; did you mean aggregations?"),
        (
            r#"{"aggregations":[{"function":"SUM","field":3}]}"#,
            "\"aggregations[0].field\" must be a string, not a number",
        ),
        (r#"{"groupBy":"author"}"#, "\"groupBy\" must be an array, not a string"),
        (r#"{"allowScan":"true"}"#, "\"allowScan\" must be true or false, not a string"),
        (r#"{"filter":true}"#, "\"filter\" must be a string, not a bool"),
        (r#"{"orderBy":"x"}"#, "\"orderBy\" is not a known key; these are: filter, groupBy, aggregations, allowScan"),
    ] {
        let answer = client.send("POST /api/v1/books:aggregate", &[], body).await;
        assert_eq!((answer.status.as_u16(), answer.error().1.as_str()), (400, message), "{body}");
    }
    let deep = "[".repeat(10_000);
    assert_eq!(client.send("POST /api/v1/books:aggregate", &[], deep).await.status, 400);
    assert_eq!(memory.questions(), asked);
}
