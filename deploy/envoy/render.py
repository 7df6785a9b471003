#!/usr/bin/env python3
"""Renders Envoy's configuration from envoy.template.yaml into a folder: envoy.yaml, and with mutual TLS the two files that
name Envoy's certificate and its authorities. `render.py --help` lists the options."""

import argparse
import ipaddress
import json
import pathlib
import re

TEMPLATE = pathlib.Path(__file__).with_name("envoy.template.yaml")
SERVICES = ("schema", "records")
ORIGINS = r"https?://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]+)?"


def arguments():
    parser = argparse.ArgumentParser(description="Renders Envoy's configuration.")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="the folder for the files")
    parser.add_argument("--folder", help="where Envoy will find that folder; by default where it is now")
    parser.add_argument("--listen", default="127.0.0.1", help="the address to listen on")
    parser.add_argument("--port", type=int, default=3000, help="the public port")
    parser.add_argument("--admin-port", type=int, required=True, help="the port of Envoy's admin, on loopback")
    parser.add_argument("--operators-port", type=int, help="a port on the listened address for /livez, /readyz and /metrics, without "
                                                           "credentials: keep it inside; by default none")
    parser.add_argument("--drain-port", type=int, help="a port on the listened address for /drain, which whoever ends this Envoy calls first, and "
                                                       "nobody else may reach; it goes with --operators-port; by default none")
    parser.add_argument("--log", default="/dev/stdout", help="the file of the access log")
    for service in SERVICES:
        parser.add_argument(f"--{service}", type=hosts, required=True, metavar="HOST:PORT,…",
                            help=f"where {service} is: addresses, or names of which all addresses are used")
    parser.add_argument("--tls", help="the folder with the certificates of mutual TLS; without it there is no TLS. All files are read "
                                      "again when one is moved to its place there")
    parser.add_argument("--public-tls", metavar="FOLDER", help="the folder with the certificate that callers are shown; without it the public "
                                                               "port has no TLS. It is read again as the others are")
    parser.add_argument("--public-tls-files", default="tls.crt,tls.key", metavar="CERT,KEY", help="what the two are called in that folder")
    parser.add_argument("--rate", type=int, default=20000, help="how many requests a second this Envoy lets in, of all callers together")
    parser.add_argument("--origins", default=ORIGINS, metavar="REGEX", help="the pages that may call from browsers (CORS); by default those of "
                                                                            "this machine, for development")
    parser.add_argument("--heap-mib", type=int, default=1024, help="how much memory Envoy may take before it lets nobody in any more")
    parser.add_argument("--tls-files", default="envoy.pem,envoy.key,ca.pem", metavar="CERT,KEY,CA",
                        help="what the certificate, its key and the authorities are called in that folder")
    chose = parser.parse_args()
    if chose.drain_port and not chose.operators_port:
        parser.error("--drain-port goes with --operators-port: without /readyz nobody hears that this Envoy drains")
    return chose


def hosts(text):
    """Returns the hosts of a service, each with its port."""
    found = [re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+):([0-9]{1,5})", one) for one in text.split(",")]
    if not all(found):
        raise argparse.ArgumentTypeError(f"{text!r} is no list such as 127.0.0.1:3000 or records.groundplan.svc:3000")
    return [(match[1].strip("[]"), int(match[2])) for match in found]


def is_address(host):
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def service_values(name, found):
    """Returns the values and conditions of the template's repeated part for a service."""
    by_address = all(is_address(host) for host, _ in found)
    endpoints = [{"endpoint": {"address": {"socket_address": {"address": host, "port_value": port}}}} for host, port in found]
    values = {"NAME": name, "TYPE": "STATIC" if by_address else "STRICT_DNS", "ENDPOINTS": json.dumps(endpoints)}
    # A name can have any number of hosts.
    return values, {"SEVERAL": len(found) > 1 or not by_address}


def chosen(text, holds):
    """Keeps the parts between `#if NAME` and `#end` if NAME holds."""
    def one(match):
        return match[2] if holds[match[1]] else ""
    return re.sub(r"^ *#if ([A-Z]+)\n(.*?)^ *#end\n", one, text, flags=re.S | re.M)


def filled(text, values):
    """Replaces @NAME@; `@type` and similar names stay."""
    return re.sub(r"@([A-Z_]+)@", lambda match: str(values[match[1]]), text)


def render(chose, folder):
    before, each, after = re.fullmatch(r"(.*?)^ *#each\n(.*)^  #end\n(.*)", TEMPLATE.read_text(), re.S | re.M).groups()
    common = {"LISTEN": chose.listen, "PORT": chose.port, "ADMIN_PORT": chose.admin_port, "OPERATORS_PORT": chose.operators_port,
              "DRAIN_PORT": chose.drain_port, "FOLDER": folder, "RATE": chose.rate, "HEAP": chose.heap_mib << 20,
              # Inside quotes.
              "LOG": json.dumps(chose.log)[1:-1], "ORIGINS": json.dumps(chose.origins)[1:-1]}
    before = chosen(before, {"PUBLIC": bool(chose.public_tls), "OPERATORS": chose.operators_port is not None,
                            "DRAIN": chose.drain_port is not None})
    parts = []
    for service in SERVICES:
        values, holds = service_values(service, getattr(chose, service))
        parts.append(filled(chosen(each, holds | {"TLS": bool(chose.tls)}), common | values))
    return filled(before, common) + "".join(parts) + filled(after, common)


def secret(name, **what):
    resource = {"@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret", "name": name, **what}
    return json.dumps({"resources": [resource]}, indent=1) + "\n"


def main():
    chose = arguments()
    chose.out.mkdir(parents=True, exist_ok=True)
    folder = chose.folder or str(chose.out.resolve())
    (chose.out / "envoy.yaml").write_text(render(chose, folder))
    if chose.public_tls:
        certificate, key = ({"filename": f"{chose.public_tls}/{name}"} for name in chose.public_tls_files.split(","))
        (chose.out / "public.yaml").write_text(secret("public", tls_certificate={
            "certificate_chain": certificate, "private_key": key, "watched_directory": {"path": chose.public_tls}}))
    if chose.tls:
        certificate, key, authorities = ({"filename": f"{chose.tls}/{name}"} for name in chose.tls_files.split(","))
        watched = {"watched_directory": {"path": chose.tls}}
        (chose.out / "certificate.yaml").write_text(
            secret("certificate", tls_certificate={"certificate_chain": certificate, "private_key": key, **watched}))
        (chose.out / "authorities.yaml").write_text(
            secret("authorities", validation_context={"trusted_ca": authorities, **watched}))


if __name__ == "__main__":
    main()
