//! CEL rules, each with values that satisfy it and values that violate it.

use super::{Both, catalog, catalog_of, display, file, thing};
use crate::messages;
use groundplan_budget::Budget;

const FIELDS: &str = "enum Color { COLOR_UNSPECIFIED = 0; COLOR_RED = 1; }\n\
    message Inner { int32 n = 1; string s = 2; Inner inner = 3; repeated string tags = 4; }\n";

const BODY: &str = "int32 i = 2; uint32 u = 3; double d = 4; string s = 5; bytes b = 6; Color c = 7; \
    google.protobuf.Timestamp at = 8; google.protobuf.Duration wait = 9; Inner m = 10; repeated int32 is = 11; \
    repeated string ss = 12; repeated Inner ms = 13; map<string, int32> si = 14; map<int32, string> ns = 15; \
    google.protobuf.StringValue ws = 16; optional int32 oi = 17; oneof k { string ks = 18; int32 ki = 19; } \
    map<string, Inner> mm = 20; google.protobuf.Int64Value wl = 21;";

fn model(expression: &str) -> Both {
    let fields = format!(
        "option (buf.validate.message).cel = {{id: \"r\" message: \"is bad\" expression: {expression:?}}};{BODY}"
    );
    let text = thing(&fields).replace("message Thing", &format!("{FIELDS}message Thing"));
    Both::new(&catalog(&text), "test.v1.Thing")
}

/// Returns `kept`, `broken`, or why the rule cannot be evaluated.
fn verdict(expression: &str, json: &str) -> String {
    let both = model(expression);
    let violations = both.validator.find(&both.record(json), &Budget::default()).unwrap();
    match violations.as_slice() {
        [] => "kept".to_owned(),
        [only] if only.rule == messages::NOT_CHECKED => only.description.clone(),
        _ => "broken".to_owned(),
    }
}

#[test]
fn rules_and_the_oracle_agree() {
    for (expression, kept, broken) in [
        ("this.i > 3", r#"{"i":4}"#, "{}"),
        ("this.u >= 1u && this.d < 2.5", r#"{"u":1}"#, r#"{"u":1,"d":3}"#),
        ("this.s.startsWith('a') && this.s.endsWith('z')", r#"{"s":"abz"}"#, r#"{"s":"ab"}"#),
        ("this.b == b'abc'", r#"{"b":"YWJj"}"#, "{}"),
        ("this.b.startsWith(b'ab')", r#"{"b":"YWJj"}"#, "{}"),
        ("this.c == 1", r#"{"c":"COLOR_RED"}"#, "{}"),
        ("has(this.at) && this.at < now", r#"{"at":"2001-01-01T00:00:00Z"}"#, r#"{"at":"9001-01-01T00:00:00Z"}"#),
        ("has(this.at) && this.at.getFullYear() == 2001", r#"{"at":"2001-01-01T00:00:00Z"}"#, "{}"),
        ("has(this.wait) && this.wait <= duration('1m30s')", r#"{"wait":"90s"}"#, r#"{"wait":"91s"}"#),
        ("this.m.n == 0 && this.m.s == ''", "{}", r#"{"m":{"n":1}}"#),
        ("!has(this.m) || this.m.n > 0", "{}", r#"{"m":{}}"#),
        ("has(this.m.inner)", r#"{"m":{"inner":{}}}"#, r#"{"m":{}}"#),
        ("this.is.all(x, x > 0)", r#"{"is":[1,2]}"#, r#"{"is":[1,0]}"#),
        ("this.is.exists_one(x, x == 1)", r#"{"is":[1,2]}"#, r#"{"is":[1,1]}"#),
        ("this.ms.exists(m, m.tags.exists(t, t == this.s))", r#"{"s":"a","ms":[{"tags":["b","a"]}]}"#, "{}"),
        ("this.ms.map(m, m.s).unique()", r#"{"ms":[{"s":"a"},{"s":"b"}]}"#, r#"{"ms":[{"s":"a"},{"s":"a"}]}"#),
        ("this.is.filter(x, x > 1).size() == 1", r#"{"is":[1,2]}"#, r#"{"is":[2,2]}"#),
        ("this.is.map(x, x > 1, x * 2) == [4]", r#"{"is":[1,2]}"#, "{}"),
        ("this.is + [3] == [1, 3]", r#"{"is":[1]}"#, "{}"),
        ("this.s in ['a', 'b']", r#"{"s":"b"}"#, "{}"),
        ("this.s in this.si && this.si[this.s] == 1", r#"{"s":"a","si":{"a":1}}"#, r#"{"s":"b","si":{"a":1}}"#),
        ("this.si.all(k, k.size() == 1 && this.si[k] > 0)", r#"{"si":{"a":1}}"#, r#"{"si":{"a":0}}"#),
        ("this.si.a == 1", r#"{"si":{"a":1}}"#, r#"{"si":{"a":2}}"#),
        ("1 in this.ns", r#"{"ns":{"1":"x"}}"#, r#"{"ns":{"2":"x"}}"#),
        ("this.mm.all(k, this.mm[k].n > 0)", r#"{"mm":{"a":{"n":1}}}"#, r#"{"mm":{"a":{}}}"#),
        ("has(this.oi)", r#"{"oi":0}"#, "{}"),
        ("has(this.ks) ? this.ks != '' : has(this.ki)", r#"{"ki":0}"#, r#"{"ks":""}"#),
        ("has(this.ws) && this.ws.startsWith('a')", r#"{"ws":"ab"}"#, r#"{"ws":"b"}"#),
        ("int(this.s) == 12 && string(this.i) == '3'", r#"{"s":"12","i":3}"#, r#"{"s":"13","i":3}"#),
        ("double(this.i) / 2.0 == 1.5", r#"{"i":3}"#, "{}"),
        ("uint(this.i) == this.u", r#"{"i":3,"u":3}"#, r#"{"i":3,"u":4}"#),
        ("this.s.matches('^\\\\pL+\\\\b')", r#"{"s":"ab"}"#, r#"{"s":"1"}"#),
        ("this.s.isEmail() || this.s.isHostAndPort(true)", r#"{"s":"a.b:80"}"#, r#"{"s":"a.b"}"#),
        ("this.s.isIpPrefix(4, true)", r#"{"s":"10.0.0.0/8"}"#, r#"{"s":"10.0.0.1/8"}"#),
        ("!this.d.isNan() && !this.d.isInf(1)", r#"{"d":"-Infinity"}"#, r#"{"d":"Infinity"}"#),
        ("this.i < 0 ? 'is %d, below %s'.format([this.i, 'zero']) : ''", "{}", r#"{"i":-1}"#),
        ("this.i == 1 || this.i / this.i == 2", r#"{"i":1}"#, r#"{"i":3}"#),
    ] {
        let both = model(expression);
        assert!(both.find_json(kept).is_empty(), "{expression} on {kept}");
        assert_eq!(both.find_json(broken).len(), 1, "{expression} on {broken}");
    }
}

/// Covers where the oracle deviates from CEL: the size of texts, absent messages and times, `has` of lists and maps.
#[test]
fn rules_follow_cel() {
    for (expression, json, expected) in [
        ("this.s.size() == 3", r#"{"s":"äöü"}"#, "kept"),
        ("this.ws == null", "{}", "kept"),
        ("this.ws != null && this.ws == ''", r#"{"ws":""}"#, "kept"),
        ("this.wl == null || this.wl > 3", r#"{"wl":"3"}"#, "broken"),
        ("this.at == timestamp(0)", "{}", "kept"),
        ("this.wait == duration('0s')", "{}", "kept"),
        ("has(this.is) || has(this.si)", "{}", "broken"),
        ("has(this.is)", r#"{"is":[1]}"#, "kept"),
        ("this.i == 3u", r#"{"i":3}"#, "kept"),
        ("this.d < 1.0 || this.d >= 1.0", r#"{"d":"NaN"}"#, "broken"),
        ("this.s.isIp(6)", r#"{"s":"fe80::1%eth0"}"#, "kept"),
        ("this.m.inner.inner.n == 0 && this.m.inner.tags == []", "{}", "kept"),
        ("dyn(this.i) == 3", r#"{"i":3}"#, "kept"),
        ("this.u == 3 && this.d == 3", r#"{"u":3,"d":3}"#, "kept"),
        ("this.si == this.si && this.si != null", r#"{"si":{"a":1}}"#, "kept"),
        ("this.wait.getSeconds() == 90 && this.wait.getMinutes() == 1", r#"{"wait":"90s"}"#, "kept"),
        ("'%x %e %.1f %b %o'.format([255, 1500.0, 2.25, true, 8]) == 'ff 1.500000e+03 2.2 1 10'", "{}", "kept"),
        ("string(this.wait) == '1.5s'", r#"{"wait":"1.5s"}"#, "kept"),
        ("this.i / this.i == 1", "{}", "the rule `r` cannot be checked with these values: a division by zero"),
        ("this.is[0] == 1", "{}", "the rule `r` cannot be checked with these values: no such key or index"),
        ("int(this.s) == 1", "{}", "the rule `r` cannot be checked with these values: the text is not an int"),
        (
            "this.i + 2147483647 > 0 && this.i * 9223372036854775807 > 0",
            r#"{"i":2}"#,
            "the rule `r` cannot be checked with these values: a number is outside its type's range",
        ),
    ] {
        assert_eq!(verdict(expression, json), expected, "{expression} on {json}");
    }
}

#[test]
fn invalid_rules_are_rejected_with_help() {
    for (expression, expected) in [
        ("this.nope == 1", "has no field `nope`"),
        ("this.mm.a.tag == ''", "did you mean `tags`?"),
        ("ths.i == 1", "did you mean `this`?"),
        ("this.i == 'a'", "convert one of them"),
        ("this.i + 1u > 2u", "convert one of them"),
        ("this.m == this.m", "compare their fields"),
        ("this.i", "a rule is a condition, or a text"),
        ("this.s.isEmial()", "did you mean `isEmail`?"),
        ("this.s.isIp('4')", "there is no `isIp` for a string and a string"),
        ("this.s.matches(this.s)", "a pattern is a text in quotes"),
        ("this.s.matches('(')", "invalid regex pattern"),
        ("{'a': 1}[this.s] == 1", "map and message literals are not supported"),
        ("this.is.all(x, y, x > y)", "write `list.all(x, …)`"),
        ("this.i.all(x, true)", "`all` needs a list or a map"),
        ("this.is.all(x, x)", "where a condition is required"),
        ("[1, 'a'] == []", "a list has elements of one type"),
        ("'%q'.format([1]) == ''", "`%q` is not valid in a format"),
        ("'%d'.format([]) == ''", "the format takes 1 values, but the list has 0"),
        ("this.ms.unique()", "`unique` needs a list of scalar values"),
        ("this.is[this.s] == 1", "where an int is required"),
        ("has(this)", "`has` takes a field of a message"),
        ("rule == 1", "there is nothing called `rule`"),
    ] {
        let fields = format!("option (buf.validate.message).cel_expression = {expression:?};{BODY}");
        let text = thing(&fields).replace("message Thing", &format!("{FIELDS}message Thing"));
        let diagnostics = crate::compile(&catalog(&text)).err().unwrap_or_default();
        assert_eq!(diagnostics.len(), 1, "{expression}: {}", display(&diagnostics));
        assert!(diagnostics[0].message.contains(expected), "{expression}: {}", diagnostics[0]);
        assert!(diagnostics[0].line > 0 && !diagnostics[0].help.is_empty(), "{}", diagnostics[0]);
    }
}

#[test]
fn predefined_rules_see_their_parameters() {
    // A proto3 file can only extend options.
    let rules = "syntax = \"proto2\"; package test.v1; import \"buf/validate/validate.proto\";\n\
         extend buf.validate.StringRules { optional int32 letters = 50001 [(buf.validate.predefined).cel = \
         {id: \"string.letters\" message: \"has too many letters\" expression: \"this.matches('^[a-z]*$') && int(size(this)) <= rule\"}]; }\n\
         extend buf.validate.RepeatedRules { repeated int32 none_of = 50002 [(buf.validate.predefined).cel = \
         {id: \"repeated.none_of\" expression: \"!this.exists(x, x in rule)\"}]; }\n\
         extend buf.validate.Int32Rules { optional bool odd_in_range = 50003 [(buf.validate.predefined).cel = \
         {id: \"int32.odd\" expression: \"!rule || this % 2 == 1 ? '' : 'must be odd and above %d'.format([rules.gt])\"}]; }";
    let text = file(
        "import \"test/v1/rules.proto\";\n\
         message Thing { option (groundplan.model.v1.model) = {}; string id = 1;\n\
         string a = 2 [(buf.validate.field).string.(test.v1.letters) = 3];\n\
         repeated int32 b = 3 [(buf.validate.field).repeated = {[test.v1.none_of]: [7, 9] items: {int32: {gt: 1 [test.v1.odd_in_range]: true}}}];\n\
         map<string, int32> c = 4 [(buf.validate.field).map = {keys: {string: {[test.v1.letters]: 1}}}];\n\
         google.protobuf.StringValue d = 5 [(buf.validate.field).string.(test.v1.letters) = 2];\n}",
    );
    let files = [("test/v1/rules.proto", rules), ("test/v1/test.proto", &text)];
    let both = Both::new(&catalog_of(&files), "test.v1.Thing");
    let violations = both.find_json(r#"{"a":"abcd","b":[3,4,7],"c":{"ab":1},"d":"abc"}"#);
    let rules: Vec<(&str, &str, &str)> =
        violations.iter().map(|(field, rule, text)| (field.as_str(), rule.as_str(), text.as_str())).collect();
    assert_eq!(
        rules,
        [
            ("a", "string.letters", "has too many letters"),
            ("b", "repeated.none_of", "breaks the rule `repeated.none_of`"),
            ("b[1]", "int32.odd", "must be odd and above 1"),
            ("c[\"ab\"]", "map.keys.string.letters", "(the key) has too many letters"),
            ("d", "string.letters", "has too many letters"),
        ]
    );
    assert!(both.find_json(r#"{"a":"abc","b":[3,5],"c":{"a":1},"d":"ab"}"#).is_empty());
}
