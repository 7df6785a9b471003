"""An OpenTelemetry collector that stores what it receives over OTLP."""

from concurrent import futures

import grpc
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

KINDS = {
    "/opentelemetry.proto.collector.trace.v1.TraceService/Export": ExportTraceServiceRequest,
    "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export": ExportMetricsServiceRequest,
    "/opentelemetry.proto.collector.logs.v1.LogsService/Export": ExportLogsServiceRequest,
}


class Collector(grpc.GenericRpcHandler):
    """Collects while its context is open."""

    def __init__(self):
        self.raw, self.messages = [], []
        self.server = grpc.server(futures.ThreadPoolExecutor(2), handlers=[self])
        self.endpoint = f"http://127.0.0.1:{self.server.add_insecure_port('127.0.0.1:0')}"

    def __enter__(self):
        self.server.start()
        return self

    def __exit__(self, *_):
        self.server.stop(None)

    def service(self, details):
        def keep(request, context):
            self.raw.append(request)
            self.messages.append(KINDS[details.method].FromString(request))
            return b""
        return grpc.unary_unary_rpc_method_handler(keep) if details.method in KINDS else None

    def spans(self):
        """Returns all spans, each with the name of its service."""
        found = []
        for message in self.messages:
            for resource in getattr(message, "resource_spans", ()):
                service = attributes(resource.resource).get("service.name")
                found += [(service, span) for scope in resource.scope_spans for span in scope.spans]
        return found

    def logs(self):
        return [record for message in self.messages for resource in getattr(message, "resource_logs", ())
                for scope in resource.scope_logs for record in scope.log_records]

    def metrics(self):
        return {metric.name for message in self.messages for resource in getattr(message, "resource_metrics", ())
                for scope in resource.scope_metrics for metric in scope.metrics}


def attributes(of):
    """Returns the text attributes of a span or a resource."""
    return {attribute.key: attribute.value.string_value for attribute in of.attributes}
