"""Envoy is replaced while callers keep their connections: it first asks them to open others, as `preStop` in Kubernetes
does."""

import http.client
import threading
import time
import urllib.error
import urllib.request

import pytest

from suite import PATIENCE, free_port, start_envoy


def ask(port, path, timeout=PATIENCE):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=timeout) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, ""


@pytest.fixture
def envoys(suite, tmp_path):
    """Two Envoys in front of one suite, each with its public port and its ports for operators and for the shutdown."""
    running = []
    try:
        for number in range(2):
            port = free_port()
            configuration = suite.render_envoy(tmp_path / str(number), port, "/dev/null", "--operators-port", port + 10000, "--drain-port", port + 10002)
            process = start_envoy(suite, configuration, lambda: ask(port + 10000, "/livez"))
            running.append((process, port, port + 10000, port + 10002))
        for _, port, operators, _ in running:
            wait(lambda: is_ready(operators) and is_ready(port))
        yield running
    finally:
        for process, *_ in running:
            process.kill()
            process.wait()


def wait(condition):
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.1)


def is_ready(port):
    try:
        return ask(port, "/readyz")[0] == 200
    except OSError:
        return False


class Caller(threading.Thread):
    """Calls without a pause over one connection until it is asked to open another, which goes to the new Envoy."""

    def __init__(self, suite, target):
        super().__init__(daemon=True)
        self.suite, self.target, self.over, self.calls, self.failed, self.moved = suite, target, False, 0, [], 0

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.target(), timeout=PATIENCE)
        while not self.over:
            try:
                connection.request("GET", "/api/v1/resource?pageSize=1", headers={"authorization": f"Bearer {self.suite.api_key}"})
                answer = connection.getresponse()
                answer.read()
                if answer.status != 200:
                    self.failed.append(answer.status)
                if answer.will_close:
                    self.moved += 1
                    connection = http.client.HTTPConnection("127.0.0.1", self.target(), timeout=PATIENCE)
            except OSError as error:
                self.failed.append(repr(error))
                return
            self.calls += 1
            time.sleep(0.01)


def test_no_call_fails_when_an_envoy_stops(suite, envoys):
    (old, old_port, operators, drain), (_, new_port, _, _) = envoys
    goes = threading.Event()
    callers = [Caller(suite, lambda: new_port if goes.is_set() else old_port) for _ in range(8)]
    for caller in callers:
        caller.start()
    wait(lambda: all(caller.calls for caller in callers))
    assert ask(operators, "/livez")[0] == 200 and "envoy_http_downstream_cx_total" in ask(operators, "/metrics")[1]
    for port, path in ((operators, "/quitquitquit"), (operators, "/drain"), (drain, "/quitquitquit")):
        assert ask(port, path)[0] == 404, "the admin port serves only what is needed"
    assert ask(operators, "/readyz")[0] == 200
    goes.set()
    began = time.monotonic()
    draining = threading.Thread(target=lambda: ask(drain, "/drain"))
    draining.start()
    wait(lambda: ask(operators, "/readyz")[0] == 503)
    assert ask(operators, "/livez")[0] == 200
    draining.join()
    assert time.monotonic() - began > 19, "the delay of the response gives callers time to leave"
    old.terminate()
    old.wait(timeout=PATIENCE)
    before = [caller.calls for caller in callers]
    wait(lambda: all(caller.calls > calls or caller.failed for caller, calls in zip(callers, before)))
    for caller in callers:
        caller.over = True
        caller.join()
    assert [caller.failed for caller in callers] == [[]] * len(callers)
    assert all(caller.moved >= 1 for caller in callers)
