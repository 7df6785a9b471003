"""The processes of a split suite: each can be called directly, with the certificate of a service, and can be killed."""

import json
import os
import signal
import socket
import ssl
import subprocess
import time
import urllib.request

from suite import PATIENCE, RECORDS, SCHEMAS


class Processes:
    def __init__(self, suite):
        self.suite, self.certificates = suite, suite.data / "certificates"

    def port(self, service):
        return self.suite.port + (10000 if service == "schema" else 10002)

    def curl(self, address, method, path, body=None, headers=(), caller="envoy", key=None, service="records"):
        """Sends one REST call to one process, and returns curl's exit code, the status and the decoded body. Without a
        caller it sends no certificate."""
        port = self.port(service)
        arguments = ["curl", "-sS", "-X", method, "--max-time", str(PATIENCE), "--cacert", self.certificates / "ca.pem", "-w", "\n%{http_code}",
                     "--connect-to", f"localhost:{port}:{address}:{port}", f"https://localhost:{port}{path}",
                     "-H", f"authorization: Bearer {key or self.suite.api_key}", *[word for header in headers for word in ("-H", header)]]
        if caller:
            arguments += ["--cert", self.certificates / f"{caller}.pem", "--key", self.certificates / f"{caller}.key"]
        if body is not None:
            arguments += ["-H", "content-type: application/json", "--data-binary", json.dumps(body)]
        done = subprocess.run(list(map(str, arguments)), capture_output=True, text=True, timeout=PATIENCE + 10)
        text, _, status = done.stdout.rpartition("\n")
        return done.returncode, int(status or 0), json.loads(text) if text else None

    def certificate(self, address, service="records"):
        """Returns the current certificate of a process."""
        context = ssl.create_default_context(cafile=str(self.certificates / "ca.pem"))
        context.load_cert_chain(self.certificates / "envoy.pem", self.certificates / "envoy.key")
        with socket.create_connection((address, self.port(service)), timeout=PATIENCE) as plain, \
                context.wrap_socket(plain, server_hostname="localhost") as stream:
            return stream.getpeercert(binary_form=True)

    def process(self, name):
        return int((self.suite.logs.parent.parent / "run" / self.suite.logs.name / f"{name}.pid").read_text().split()[0])

    def kill(self, name, number=signal.SIGKILL):
        """Ends a process, and returns a function that reports whether its replacement is up."""
        before = self.process(name)
        os.kill(before, number)
        return lambda: self.process(name) != before

    def wait(self, condition, what):
        until = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < until, what
            time.sleep(0.1)

    def ready(self, address, service="records"):
        return self.curl(address, "GET", "/readyz", service=service)[:2] == (0, 200)

    def known(self):
        """Whether Envoy considers all processes healthy: a rollout then continues, like `minReadySeconds` in Kubernetes."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.suite.port + 10001}/clusters?format=json", timeout=PATIENCE) as answer:
            clusters = json.load(answer)["cluster_statuses"]
        health = [host["health_status"] for cluster in clusters for host in cluster.get("host_statuses", ())]
        return len(health) == len(SCHEMAS) + len(RECORDS) and all(set(one) <= {"eds_health_status"} for one in health)
