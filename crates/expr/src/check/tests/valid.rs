//! Tests of the meaning of expressions.

use super::{check, debug};

fn assert_all(cases: &[(&str, &str)]) {
    let mut wrong = String::new();
    for (source, expected) in cases {
        let actual = match check(source) {
            Ok(expr) => debug::write(&expr),
            Err(error) => error.to_string(),
        };
        if actual != *expected {
            wrong.push_str(&format!("{source}\n  expected {expected}\n  actual    {actual}\n"));
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn names_are_fields_in_both_spellings() {
    assert_all(&[
        ("listed", "listed"),
        ("this.listed", "listed"),
        ("record.listed", "listed"),
        ("nick_name == 'x'", "(== nick_name \"x\")"),
        ("nickName == \"x\"", "(== nick_name \"x\")"),
        ("address.city == ''", "(== address.city \"\")"),
        ("record.address.other.other.city == 'x'", "(== address.other.other.city \"x\")"),
        ("`title` == 'x'", "(== title \"x\")"),
        ("sold_at < now", "(< sold_at now)"),
        ("title /* no */ == 'x'".replace("/* no */", "// to the end\n").as_str(), "(== title \"x\")"),
    ]);
}

#[test]
fn literals_adapt_to_the_type_of_the_other_operand() {
    assert_all(&[
        ("pages > 3", "(> pages 3)"),
        ("3 < pages", "(> pages 3)"),
        ("pages == 3u", "(== pages 3)"),
        ("pages == 3.0", "(== pages 3)"),
        ("pages < 2.5", "(< pages 2.5)"),
        ("copies == 3", "(== copies 3u)"),
        ("copies > -1", "(> copies -1)"),
        ("serial == 0xFFFFFFFFFFFFFFFFu", "(== serial 18446744073709551615u)"),
        ("views == -9223372036854775808", "(== views -9223372036854775808)"),
        ("views == 1e300", "(== views 1e300)"),
        ("price >= 2", "(>= price 2.0)"),
        ("price == 9007199254740993", "(== price 9007199254740993)"),
        ("weight == 0.1", "(== weight 0.1)"),
        ("pages == price", "(== pages price)"),
        ("copies < views", "(< copies views)"),
        ("price == -0.0", "(== price -0.0)"),
        ("stock != null", "(!= stock null)"),
        ("null == nick_name", "(== nick_name null)"),
        ("checked", "checked"),
        ("digest == b'\\x00\\xFFé'", "(== digest bytes[0, 255, 195, 169])"),
        ("title == r'\\d' + \"\\u00e9\\x41\\101\\n\"", "(== title \"\\\\déAA\\n\")"),
        ("title == '''it's \"''' || title == '\\\"'", "(or (== title \"it's \\\"\") (== title \"\\\"\"))"),
        ("title == r'''a'b'''", "(== title \"a'b\")"),
    ]);
}

#[test]
fn times_are_written_as_texts() {
    assert_all(&[
        ("created_at >= \"1970-01-01T00:00:01.5Z\"", "(>= created_at @1500000)"),
        ("created_at >= timestamp('1970-01-01T01:00:00+01:00')", "(>= created_at @0)"),
        ("sold_at - created_at > duration('1h30m')", "(> (- sold_at created_at):duration 5400000000us)"),
        ("wait == '-1.5s'", "(== wait -1500000us)"),
        ("wait < '1h2m3.000004s'", "(< wait 3723000004us)"),
        ("now - created_at < '24h'", "(< (- now created_at):duration 86400000000us)"),
        ("duration('1h') + created_at < now", "(< (+ created_at 3600000000us):timestamp now)"),
        ("timestamp('2030-01-01T00:00:00Z') - duration('1s') < created_at", "(> created_at @1893455999000000)"),
        ("created_at.getFullYear() == 2030", "(== FullYear(created_at) 2030)"),
        ("now.getDayOfWeek() in [0, 6]", "(DayOfWeek(now) in [0 6])"),
    ]);
}

#[test]
fn enums_have_names_and_numbers() {
    assert_all(&[
        ("status == STATUS_ACTIVE", "(== status #1)"),
        ("STATUS_ACTIVE != status", "(!= status #1)"),
        ("status == Status.STATUS_ACTIVE", "(== status #1)"),
        ("status == Thing.Status.STATUS_ACTIVE", "(== status #1)"),
        ("status == shop.v1.Thing.Status.STATUS_GONE", "(== status #2)"),
        ("status == 'STATUS_GONE'", "(== status #2)"),
        ("status == 7", "(== status #7)"),
        ("status > STATUS_ACTIVE", "(> status #1)"),
        ("status in [STATUS_ACTIVE, 'STATUS_GONE', 5]", "(status in [#1 #2 #5])"),
        ("STATUS_ACTIVE in states", "(#1 in states)"),
        ("'STATUS_ACTIVE' in states", "(#1 in states)"),
        ("1 in states", "(#1 in states)"),
        ("int(status) + 1 == 2", "(== (+ int(status) 1):int 2)"),
        ("maker.grade == GRADE_GOOD", "(== maker_id>grade #1)"),
        ("(listed ? status : STATUS_GONE) == STATUS_GONE", "(== (if listed status #2) #2)"),
    ]);
}

#[test]
fn logic_is_flattened_and_constants_are_evaluated() {
    assert_all(&[
        ("listed && (pages > 1 && pages < 5) && !checked", "(and listed (> pages 1) (< pages 5) (not checked))"),
        ("listed || pages == 1 || pages == 2", "(or listed (== pages 1) (== pages 2))"),
        ("listed && pages > 1 || checked", "(or (and listed (> pages 1)) checked)"),
        ("true", "true"),
        ("listed && true", "listed"),
        ("listed && 1 > 2", "false"),
        ("listed || 1u < 2.5", "true"),
        ("!(1 == 1)", "false"),
        ("pages > 60 * 60 - 1", "(> pages 3599)"),
        ("pages > -(2 - 5)", "(> pages 3)"),
        ("'abc'.startsWith('a') ? listed : checked", "listed"),
        ("size('äö') == pages", "(== pages 2)"),
        ("title == string(7) + 'x'", "(== title \"7x\")"),
        ("null == null", "true"),
        ("3 in [1, 2]", "false"),
    ]);
}

#[test]
fn arithmetic_has_one_type() {
    assert_all(&[
        ("pages * 2 + 1 > views", "(> (+ (* pages 2):int 1):int views)"),
        ("copies % 2 == 0", "(== (% copies 2u):uint 0u)"),
        ("price * 2 > 5", "(> (* price 2.0):double 5.0)"),
        ("-pages < 3 - -2", "(< (- pages) 5)"),
        ("title + '!' == 'x!'", "(== (+ title \"!\"):string \"x!\")"),
        ("double(pages) / price > 0.5", "(> (/ double(pages) price):double 0.5)"),
        ("int(copies) - pages == 0", "(== (- int(copies) pages):int 0)"),
        ("string(pages) == title", "(== string(pages) title)"),
        ("uint(pages) == copies", "(== uint(pages) copies)"),
        ("pages - 1 - 2 == 0", "(== (- (- pages 1):int 2):int 0)"),
    ]);
}

#[test]
fn elements_of_lists_maps_and_messages_are_read() {
    assert_all(&[
        ("'a' in tags", "(\"a\" in tags)"),
        ("title in tags", "(title in tags)"),
        ("3 in sizes && 3u in sizes", "(and (3 in sizes) (3 in sizes))"),
        ("pages in [1, 2u, 3.0]", "(pages in [1 2 3])"),
        ("title in ['a', 'b',]", "(title in [\"a\" \"b\"])"),
        ("tags.exists(t, t.startsWith('a'))", "(exists $0 in tags (starts $0 \"a\"))"),
        ("tags.all(title, title != '')", "(all $0 in tags (!= $0 \"\"))"),
        ("sizes.exists_one(s, s > pages)", "(one $0 in sizes (> $0 pages))"),
        ("sizes.existsOne(s, s > 1)", "(one $0 in sizes (> $0 1))"),
        ("parts.exists(p, p.name == title && p.count > 1)", "(exists $0 in parts (and (== $0.0 title) (> $0.1 1)))"),
        ("parts.exists(p, p.parts.all(q, q.count < p.count))", "(exists $0 in parts (all $1 in $0.2 (< $1.1 $0.1)))"),
        ("parts.exists(p, p.status == STATUS_ACTIVE)", "(exists $0 in parts (== $0.3 #1))"),
        ("labels.exists(k, k == 'x')", "(exists $0 in labels (== $0 \"x\"))"),
        ("prices.all(k, k > 0)", "(all $0 in prices (> $0 0))"),
        ("size(tags) > 2 || tags.size() == 0", "(or (> size(tags) 2) (== size(tags) 0))"),
        ("title.size() == size(digest)", "(== size(title) size(digest))"),
        ("size(extras) == 0", "(== size(extras) 0)"),
        ("tags[0] == 'a'", "(== tags[0]:string \"a\")"),
        ("sizes[pages] == 1", "(== sizes[pages]:int 1)"),
        ("labels['a'] == 'b'", "(== labels[\"a\"]:string \"b\")"),
        ("labels.a == 'b'", "(== labels[\"a\"]:string \"b\")"),
        ("labels.`a-b c` == 'b'", "(== labels[\"a-b c\"]:string \"b\")"),
        ("prices[7] == 1", "(== prices[7]:double 1.0)"),
        ("'a' in labels", "(\"a\" in labels)"),
        ("true in spares", "(true in spares)"),
        ("visits.exists(v, v > now)", "(exists $0 in visits (> $0 now))"),
        ("seen['x'] < now", "(< seen[\"x\"]:timestamp now)"),
        ("address.notes.floor == 'x'", "(== address.notes[\"floor\"]:string \"x\")"),
    ]);
}

#[test]
fn message_elements_are_read() {
    assert_all(&[
        ("addresses['a'].city == 'x'", "(== addresses[\"a\"]:message.city \"x\")"),
        ("addresses.a.city == 'x'", "(== addresses[\"a\"]:message.city \"x\")"),
        ("record.addresses[title].other.floor > 1", "(> addresses[title]:message.other.floor 1)"),
        ("addresses.a.notes.b == 'x'", "(== addresses[\"a\"]:message.notes[\"b\"]:string \"x\")"),
        ("spares[true].name == 'x'", "(== spares[true]:message.name \"x\")"),
        ("parts[0].name == title", "(== parts[0]:message.name title)"),
        ("parts[pages].made_at < now", "(< parts[pages]:message.made_at now)"),
        ("parts[0].nickName == null", "(== parts[0]:message.nick_name null)"),
        ("parts[0].parts[1].spares.a.count > 1", "(> parts[0]:message.parts[1]:message.spares[\"a\"]:message.count 1)"),
        ("parts[parts[0].count].count > 1", "(> parts[parts[0]:message.count]:message.count 1)"),
        ("parts[0].status == STATUS_ACTIVE", "(== parts[0]:message.status #1)"),
        ("STATUS_ACTIVE != spares[true].parts[0].status", "(!= spares[true]:message.parts[0]:message.status #1)"),
        ("states[0] == STATUS_ACTIVE", "(== states[0]:enum #1)"),
        ("parts[0].status in [STATUS_ACTIVE, 'STATUS_GONE']", "(parts[0]:message.status in [#1 #2])"),
        ("parts[0].parts.exists(p, p.count > 1)", "(exists $0 in parts[0]:message.parts (> $0.1 1))"),
        ("parts.exists(p, p.spares['a'].count > p.count)", "(exists $0 in parts (> $0.4[\"a\"]:message.count $0.1))"),
        (
            "parts.exists(p, p.parts[0].parts.all(q, q.count > 1))",
            "(exists $0 in parts (all $1 in $0.2[0]:message.parts (> $1.1 1)))",
        ),
        ("labels.exists(k, addresses[k].city == k)", "(exists $0 in labels (== addresses[$0]:message.city $0))"),
        ("'a' in parts[0].labels", "(\"a\" in parts[0]:message.labels)"),
        ("size(parts[0].parts) > 1", "(> size(parts[0]:message.parts) 1)"),
        ("parts[0].labels.a.startsWith('x')", "(starts parts[0]:message.labels[\"a\"]:string \"x\")"),
        ("maker.addresses[0].city == 'x'", "(== maker_id>addresses[0]:message.city \"x\")"),
        ("has(parts[0].name)", "has(parts[0]:message.name)"),
        ("has(addresses.a.city)", "has(addresses[\"a\"]:message.city)"),
        ("has(addresses['a'].other.notes)", "has(addresses[\"a\"]:message.other.notes)"),
        ("has(parts[0].spares.a)", "(\"a\" in parts[0]:message.spares)"),
    ]);
}

#[test]
fn has_tests_presence() {
    assert_all(&[
        ("has(title)", "has(title)"),
        ("has(this.title)", "has(title)"),
        ("has ( address.city )", "has(address.city)"),
        ("!has(rank)", "(not has(rank))"),
        ("has(address)", "has(address)"),
        ("has(extra) && has(mask) && has(extras)", "(and has(extra) has(mask) has(extras))"),
        ("has(tags) || has(labels)", "(or has(tags) has(labels))"),
        ("has(labels.a)", "(\"a\" in labels)"),
        ("has(labels['a'])", "(\"a\" in labels)"),
        ("has(spares[true])", "(true in spares)"),
        ("has(maker)", "has(maker_id)"),
        ("has(maker_id)", "has(maker_id)"),
        ("has(maker.address)", "has(maker_id>address)"),
        ("parts.exists(p, has(p.name))", "(exists $0 in parts has($0.0))"),
        ("has(shelf)", "has(shelf)"),
    ]);
}

#[test]
fn relations_are_followed_once() {
    assert_all(&[
        ("maker.country == 'NO'", "(== maker_id>country \"NO\")"),
        ("maker_id.country == 'NO'", "(== maker_id>country \"NO\")"),
        ("makerId.country == 'NO'", "(== maker_id>country \"NO\")"),
        ("record.maker.address.city == 'Oslo'", "(== maker_id>address.city \"Oslo\")"),
        ("maker_id == 'x' && seller == 'y'", "(and (== maker_id \"x\") (== seller \"y\"))"),
        ("seller.country == maker.country", "(== seller>country maker_id>country)"),
        ("maker.owner_id == 'x'", "(== maker_id>owner_id \"x\")"),
        ("'x' in maker.tags", "(\"x\" in maker_id>tags)"),
        ("maker.tags.exists(t, t == title)", "(exists $0 in maker_id>tags (== $0 title))"),
    ]);
}

#[test]
fn texts_are_tested_and_searched() {
    assert_all(&[
        ("title.startsWith('a')", "(starts title \"a\")"),
        ("title.endsWith(nick_name)", "(ends title nick_name)"),
        ("'abc'.contains(title)", "(contains \"abc\" title)"),
        (r"title.matches('^a.c\\d+$')", r"(title ~ ^a[^\u000A]c[0-9]+$)"),
        (r"matches(title, r'x|(?i)y')", "(title ~ x|[Yy])"),
        ("search(title, 'red shoes')", "(search title \"red shoes\" simple)"),
        ("search(maker.story, 'old')", "(search maker_id>story \"old\" english)"),
    ]);
}
