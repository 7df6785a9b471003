"""The models whose meaning the fuzzers know."""

MODELS = """syntax = "proto3";
package store.v1;

import "google/protobuf/timestamp.proto";
import "groundplan/model/v1/model.proto";

enum Kind { KIND_UNSPECIFIED = 0; KIND_OLD = 1; KIND_NEW = 2; }

message Part {
  string note = 1;
  int64 count = 2;
}

// What stateful sequences work on, and tokens lead through.
message Item {
  option (groundplan.model.v1.model) = {
    id_format: ID_FORMAT_CLIENT_ASSIGNED
    soft_delete: { retention_days: 30 }
    history: { retention_days: 30 }
  };
  string id = 1;
  string name = 2;
  int64 count = 3;
  repeated string tags = 4;
  Part part = 5;
  optional string maybe = 6;
  Kind kind = 7;
  map<string, int32> numbers = 8;
  google.protobuf.Timestamp delete_time = 9;
  string etag = 10;
}

// What is exported and imported.
message Row {
  option (groundplan.model.v1.model) = { id_format: ID_FORMAT_CLIENT_ASSIGNED };
  string id = 1;
  string name = 2;
  optional string maybe = 3;
  int64 count = 4;
  double weight = 5;
  bytes raw = 6;
  bool flag = 7;
  Kind kind = 8;
  google.protobuf.Timestamp at = 9;
  repeated string tags = 10;
  repeated int32 numbers = 11;
  Part part = 12;
  repeated Part parts = 13;
  map<string, int64> counts = 14;
  google.protobuf.Timestamp created_at = 15;
}
"""
