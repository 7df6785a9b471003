//! Models with every compiled rule in every position.

pub(super) const MODELS: &str = r#"
enum Color { COLOR_UNSPECIFIED = 0; COLOR_RED = 1; COLOR_BLUE = 2; }

message Numbers {
  option (groundplan.model.v1.model) = {};
  string id = 1;
  int32 const = 2 [(buf.validate.field).int32.const = 5];
  int32 gt = 3 [(buf.validate.field).int32.gt = 5];
  int32 gte = 4 [(buf.validate.field).int32.gte = 5];
  int32 lt = 5 [(buf.validate.field).int32.lt = 5];
  int32 lte = 6 [(buf.validate.field).int32.lte = 5];
  int32 gt_lt = 7 [(buf.validate.field).int32 = {gt: 1 lt: 6}];
  int32 gte_lte = 8 [(buf.validate.field).int32 = {gte: 5 lte: 5}];
  int32 gt_lt_out = 9 [(buf.validate.field).int32 = {gt: 6 lt: 1}];
  int32 gt_lte_out = 10 [(buf.validate.field).int32 = {gt: 6 lte: 2}];
  int32 gte_lt_out = 11 [(buf.validate.field).int32 = {gte: 7 lt: 2 in: [1, 6]}];
  int32 gte_lte_out = 12 [(buf.validate.field).int32 = {gte: 6 lte: 1}];
  int32 gt_lte = 13 [(buf.validate.field).int32 = {gt: 1 lte: 6 not_in: [3]}];
  int32 gte_lt = 14 [(buf.validate.field).int32 = {gte: 1 lt: 6 const: 3}];
  optional int32 listed = 15 [(buf.validate.field).int32 = {in: [1, 2, 2] not_in: [2, 3]}];
  int64 i64 = 16 [(buf.validate.field).int64 = {gte: -5 lte: 100}];
  uint32 u32 = 17 [(buf.validate.field).uint32 = {gt: 1 lt: 2147483647}];
  uint64 u64 = 18 [(buf.validate.field).uint64 = {in: [1, 18446744073709551615] gt: 1}];
  sint32 s32 = 19 [(buf.validate.field).sint32.lt = -1];
  sint64 s64 = 20 [(buf.validate.field) = {ignore: IGNORE_IF_ZERO_VALUE sint64: {gt: 3}}];
  fixed32 f32 = 21 [(buf.validate.field).fixed32.not_in = 7];
  fixed64 f64 = 22 [(buf.validate.field).fixed64.lte = 9];
  sfixed32 sf32 = 23 [(buf.validate.field).sfixed32.const = -10];
  sfixed64 sf64 = 24 [(buf.validate.field).sfixed64.gte = 0];
  float finite = 25 [(buf.validate.field).float = {finite: true gt: 0.1 in: [0.5, 1.5]}];
  float range = 26 [(buf.validate.field).float = {gte: 0.1 lte: 3 not_in: [0.5]}];
  optional float const_f = 27 [(buf.validate.field).float.const = 0.1];
  double finite_d = 28 [(buf.validate.field).double = {finite: true lt: 0}];
  double out = 29 [(buf.validate.field).double = {gt: 3 lt: 0.1 not_in: [10]}];
  bool flag = 30 [(buf.validate.field).bool.const = true];
  google.protobuf.Int32Value wrapped = 31 [(buf.validate.field).int32 = {gt: 3 not_in: [5]}];
  google.protobuf.DoubleValue wrapped_d = 32 [(buf.validate.field) = {required: true double: {gte: 0}}];
  google.protobuf.UInt64Value wrapped_u = 33 [(buf.validate.field) = {ignore: IGNORE_IF_ZERO_VALUE uint64: {lt: 5}}];
  int32 never = 35 [(buf.validate.field).int32 = {gt: 5 lte: 5}];
  int32 never_too = 36 [(buf.validate.field).int32 = {gte: 6 lt: 6}];
  double zero = 34 [(buf.validate.field) = {required: true double: {finite: true}}];
}

message Texts {
  option (groundplan.model.v1.model) = {};
  string id = 1;
  string const = 2 [(buf.validate.field).string.const = "abc"];
  string len = 3 [(buf.validate.field).string.len = 3];
  string min_max = 4 [(buf.validate.field).string = {min_len: 2 max_len: 3}];
  string len_bytes = 5 [(buf.validate.field).string.len_bytes = 2];
  string min_max_bytes = 6 [(buf.validate.field).string = {min_bytes: 2 max_bytes: 4}];
  string pattern = 7 [(buf.validate.field).string.pattern = "^\\w+$"];
  string parts = 8 [(buf.validate.field).string = {prefix: "foo" suffix: "bar" contains: "o" not_contains: "b"}];
  string listed = 9 [(buf.validate.field).string = {in: ["foo", "b", "a", "a"] not_in: ["b", "a"]}];
  string email = 10 [(buf.validate.field).string.email = true];
  optional string hostname = 11 [(buf.validate.field).string.hostname = true];
  string ip = 12 [(buf.validate.field) = {ignore: IGNORE_IF_ZERO_VALUE string: {ip: true}}];
  string ipv4 = 13 [(buf.validate.field).string.ipv4 = true];
  string ipv6 = 14 [(buf.validate.field).string.ipv6 = true];
  string uri = 15 [(buf.validate.field).string.uri = true];
  string uri_ref = 16 [(buf.validate.field).string.uri_ref = true];
  string address = 17 [(buf.validate.field).string.address = true];
  string uuid = 18 [(buf.validate.field).string.uuid = true];
  string tuuid = 19 [(buf.validate.field).string.tuuid = true];
  string ulid = 20 [(buf.validate.field).string.ulid = true];
  string ip_len = 21 [(buf.validate.field).string.ip_with_prefixlen = true];
  string ip4_len = 22 [(buf.validate.field).string.ipv4_with_prefixlen = true];
  string ip6_len = 23 [(buf.validate.field).string.ipv6_with_prefixlen = true];
  string ip_prefix = 24 [(buf.validate.field).string.ip_prefix = true];
  string ip4_prefix = 25 [(buf.validate.field).string.ipv4_prefix = true];
  string ip6_prefix = 26 [(buf.validate.field).string.ipv6_prefix = true];
  string host_port = 27 [(buf.validate.field).string.host_and_port = true];
  string fqn = 28 [(buf.validate.field).string.protobuf_fqn = true];
  string dot_fqn = 29 [(buf.validate.field).string.protobuf_dot_fqn = true];
  string header = 30 [(buf.validate.field).string.well_known_regex = KNOWN_REGEX_HTTP_HEADER_NAME];
  string header_loose = 31 [(buf.validate.field).string = {well_known_regex: KNOWN_REGEX_HTTP_HEADER_NAME strict: false}];
  string header_value = 32 [(buf.validate.field).string.well_known_regex = KNOWN_REGEX_HTTP_HEADER_VALUE];
  string off = 33 [(buf.validate.field).string.email = false];
  google.protobuf.StringValue wrapped = 34 [(buf.validate.field).string = {min_len: 1 email: true}];
}

message Binaries {
  option (groundplan.model.v1.model) = {};
  string id = 1;
  bytes const = 2 [(buf.validate.field).bytes.const = "abc"];
  bytes len = 3 [(buf.validate.field).bytes.len = 2];
  bytes min_max = 4 [(buf.validate.field).bytes = {min_len: 1 max_len: 4}];
  bytes pattern = 5 [(buf.validate.field).bytes.pattern = "^[a-z]+$"];
  bytes parts = 6 [(buf.validate.field).bytes = {prefix: "fo" suffix: "ar" contains: "ob"}];
  bytes listed = 7 [(buf.validate.field).bytes = {in: ["foo", "a"] not_in: ["a"]}];
  bytes ip = 8 [(buf.validate.field).bytes.ip = true];
  optional bytes ipv4 = 9 [(buf.validate.field).bytes.ipv4 = true];
  bytes ipv6 = 10 [(buf.validate.field) = {ignore: IGNORE_IF_ZERO_VALUE bytes: {ipv6: true}}];
  bytes uuid = 11 [(buf.validate.field).bytes.uuid = true];
  bytes anything = 12 [(buf.validate.field).bytes.contains = ""];
  google.protobuf.BytesValue wrapped = 13 [(buf.validate.field).bytes.min_len = 2];
  Color const_e = 14 [(buf.validate.field).enum.const = 1];
  Color defined = 15 [(buf.validate.field).enum = {defined_only: true not_in: [2]}];
  optional Color listed_e = 16 [(buf.validate.field).enum = {in: [1, 99, 1] defined_only: true}];
  Color zero = 17 [(buf.validate.field) = {ignore: IGNORE_IF_ZERO_VALUE enum: {in: [2]}}];
}

message Times {
  option (groundplan.model.v1.model) = {};
  string id = 1;
  google.protobuf.Timestamp const = 2 [(buf.validate.field).timestamp.const = {seconds: 1}];
  google.protobuf.Timestamp gt = 3 [(buf.validate.field) = {required: true timestamp: {gt: {seconds: 0 nanos: 999999999}}}];
  google.protobuf.Timestamp range = 4 [(buf.validate.field).timestamp = {gte: {seconds: -1} lt: {seconds: 60}}];
  google.protobuf.Timestamp past = 5 [(buf.validate.field).timestamp.lt_now = true];
  google.protobuf.Timestamp future = 6 [(buf.validate.field).timestamp.gt_now = true];
  google.protobuf.Timestamp near = 7 [(buf.validate.field).timestamp.within = {seconds: 3600}];
  google.protobuf.Duration const_d = 8 [(buf.validate.field).duration.const = {seconds: 1 nanos: 500000000}];
  google.protobuf.Duration range_d = 9 [(buf.validate.field).duration = {gt: {seconds: 0 nanos: -1} lte: {seconds: 1}}];
  google.protobuf.Duration listed = 10 [(buf.validate.field).duration = {in: [{seconds: 1}, {nanos: 500000000}] not_in: [{seconds: 1}]}];
  google.protobuf.Duration out = 11 [(buf.validate.field).duration = {gt: {seconds: 2} lt: {seconds: -1}}];
  google.protobuf.FieldMask mask = 12 [(buf.validate.field).field_mask.const = {paths: ["a"]}];
  google.protobuf.FieldMask mask_in = 13 [(buf.validate.field).field_mask = {in: ["a", "c"] not_in: ["c.d"]}];
  repeated google.protobuf.Timestamp many = 14 [(buf.validate.field).repeated.items = {ignore: IGNORE_IF_ZERO_VALUE timestamp: {gt: {seconds: 1}}}];
  map<string, google.protobuf.Duration> named = 15 [(buf.validate.field).map.values.duration.gte = {seconds: 1}];
}

message Inner {
  string name = 1 [(buf.validate.field).required = true];
  int32 size = 2 [(buf.validate.field).int32.gt = 3];
  Inner self = 3;
  repeated Inner selves = 4 [(buf.validate.field).repeated.max_items = 2];
  map<string, Inner> named = 5;
  oneof what { option (buf.validate.oneof).required = true; string text = 6; int32 number = 7 [(buf.validate.field).int32.lt = 5]; }
}

message Ruleless { string a = 1; Ruleless b = 2; }

message Nested {
  option (groundplan.model.v1.model) = {};
  option (buf.validate.message).oneof = {fields: ["left", "right"] required: true};
  option (buf.validate.message).oneof = {fields: ["right", "list"]};
  string id = 1;
  Inner one = 2;
  Inner needed = 3 [(buf.validate.field).required = true];
  Inner ignored = 4 [(buf.validate.field) = {ignore: IGNORE_ALWAYS required: true}];
  repeated Inner many = 5 [(buf.validate.field).repeated = {min_items: 1 max_items: 2 items: {ignore: IGNORE_IF_ZERO_VALUE}}];
  map<int32, Inner> numbered = 6 [(buf.validate.field).map = {min_pairs: 1 max_pairs: 2}];
  map<string, Inner> silent = 7 [(buf.validate.field).map.values.ignore = IGNORE_ALWAYS];
  Ruleless ruleless = 8;
  int32 left = 9 [(buf.validate.field).int32.gt = 5];
  string right = 10 [(buf.validate.field).string.min_len = 2];
  repeated string list = 11 [(buf.validate.field).repeated = {min_items: 2}];
  oneof pick { option (buf.validate.oneof).required = true; Inner inner = 12; string word = 13 [(buf.validate.field) = {required: true string: {min_len: 3}}]; }
  google.protobuf.Struct json = 14 [(buf.validate.field).required = true];
  google.protobuf.Empty empty = 15 [(buf.validate.field).required = true];
  optional bool sure = 16 [(buf.validate.field) = {required: true bool: {const: true}}];
}

message Collections {
  option (groundplan.model.v1.model) = {};
  string id = 1;
  repeated int32 ints = 2 [(buf.validate.field).repeated = {unique: true items: {int32: {lt: 10 not_in: [3]}}}];
  repeated double doubles = 3 [(buf.validate.field).repeated = {unique: true items: {ignore: IGNORE_IF_ZERO_VALUE double: {gt: 1}}}];
  repeated float floats = 4 [(buf.validate.field).repeated.unique = true];
  repeated string texts = 5 [(buf.validate.field) = {required: true repeated: {unique: true items: {string: {email: true}}}}];
  repeated bytes binaries = 6 [(buf.validate.field).repeated = {unique: true items: {bytes: {min_len: 1}}}];
  repeated bool bools = 7 [(buf.validate.field).repeated.unique = true];
  repeated Color colors = 8 [(buf.validate.field).repeated = {unique: true items: {enum: {defined_only: true}}}];
  repeated uint64 uints = 9 [(buf.validate.field).repeated = {unique: true items: {uint64: {gte: 1}}}];
  repeated string few = 10 [(buf.validate.field) = {ignore: IGNORE_IF_ZERO_VALUE repeated: {min_items: 2}}];
  map<string, string> labels = 11 [(buf.validate.field).map = {keys: {string: {min_len: 2}} values: {ignore: IGNORE_IF_ZERO_VALUE string: {max_len: 3}}}];
  map<int32, int32> ints_by_int = 12 [(buf.validate.field).map = {keys: {int32: {gt: 2}} values: {int32: {in: [1, 2]}}}];
  map<uint64, Color> colors_by_uint = 13 [(buf.validate.field).map = {keys: {uint64: {lt: 7}} values: {enum: {defined_only: true}}}];
  map<bool, double> doubles_by_bool = 14 [(buf.validate.field).map = {keys: {bool: {const: true}} values: {double: {finite: true}}}];
  map<sint64, bytes> bytes_by_sint = 15 [(buf.validate.field) = {required: true map: {keys: {sint64: {gte: 0}} values: {bytes: {len: 3}}}}];
  repeated google.protobuf.StringValue wrapped = 16 [(buf.validate.field).repeated.items.string.min_len = 2];
  repeated google.protobuf.Int32Value wrapped_zero = 17 [(buf.validate.field).repeated.items = {ignore: IGNORE_IF_ZERO_VALUE int32: {gt: 5}}];
  map<string, google.protobuf.BoolValue> wrapped_map = 18 [(buf.validate.field).map.values.bool.const = true];
}

message Loose {
  option (groundplan.model.v1.model) = {};
  string id = 1;
  optional int32 size = 2 [(buf.validate.field).int32.lt = 11];
  optional string name = 3 [(buf.validate.field).string.max_len = 20];
  repeated int32 sizes = 4 [(buf.validate.field).repeated.items.int32.gt = 0];
}
"#;
