-- What calls with a request id have answered. Partitioned by time: a partition goes when nobody may repeat its calls any more.
CREATE TABLE request_ids (
  -- The beginning of the partition's time, so that the primary key tells two calls of it apart.
  period timestamptz NOT NULL,
  tenant text COLLATE "C" NOT NULL,
  principal text COLLATE "C" NOT NULL,
  method text COLLATE "C" NOT NULL,
  request_id text COLLATE "C" NOT NULL,
  -- Of what was asked for.
  digest bytea NOT NULL,
  -- A groundplan.records.v1.Answer.
  answer bytea NOT NULL,
  PRIMARY KEY (tenant, principal, method, request_id, period)
) PARTITION BY RANGE (period);
