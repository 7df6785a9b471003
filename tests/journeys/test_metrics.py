"""Metrics reach a collector over OTLP. The collector is a gRPC server that stores what it receives."""

from concurrent import futures

import grpc

from suite import Suite

EXPORT = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"


class Collector(grpc.GenericRpcHandler):
    def __init__(self):
        self.messages = []

    def service(self, details):
        def keep(request, context):
            if details.method == EXPORT:
                self.messages.append(request)
            return b""
        return grpc.unary_unary_rpc_method_handler(keep)


def test_the_event_logs_are_measured():
    collector = Collector()
    server = grpc.server(futures.ThreadPoolExecutor(2), handlers=[collector])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    suite = Suite()
    try:
        plain = suite.environment
        suite.environment = lambda **more: plain(OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{port}",
                                                 OTEL_METRIC_EXPORT_INTERVAL="500", **more)
        suite.start()
        suite.call("example.v1.EntityService/CreateEntity", {"entity": {"field1": "value"}})
        suite.stop()
        sent = b"".join(collector.messages)
        for name in ("position.newest", "position.delivered", "lag", "oldest_writer.age"):
            assert f"groundplan.eventlog.{name}".encode() in sent, name
        for name in ("purge.lag", "connections.open"):
            assert f"groundplan.{name}".encode() in sent, name
        for log in (b"groundplan_records", b"groundplan_schema"):
            assert log in sent
    finally:
        suite.close()
        server.stop(None)
