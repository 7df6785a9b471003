"""The text of docs/benchmarks.md and of section 8 of docs/specification.md, between their marks."""

from plots import TITLES
from rounds import NOISE

START, END = "<!-- `make bench` writes from here -->", "<!-- to here -->"


def replace(file, text):
    """Replaces what is between the marks of a file."""
    before, rest = file.read_text().split(START, 1)
    _, after = rest.split(END, 1)
    file.write_text(f"{before}{START}\n\n{text.strip()}\n\n{END}{after}")


def table(heads, rows):
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def benchmarks(results, plots):
    """Everything that was measured."""
    return "\n\n".join([circumstances(results), comparison(results["comparison"], plots), growth(results["growth"], results["size"], plots)])


def circumstances(results):
    machine, size, noise = results["machine"], results["size"], results["noise"]
    noisy = "; ".join(f"{what}: {share} %" for what, share in noise["noisy"])
    return f"""Measured on {machine['date']} with a {machine['build']} build of commit {machine['commit']}, size `{size['name']}`. The machine: {machine['machine']}. It ran
everything: the servers, one private PostgreSQL {machine['postgres']} as `groundplan up` starts it (`fsync` on, `shared_buffers` 128 MB), Envoy {machine['envoy']} and the load generator.

{noise['rounds']} rounds were measured. A round in which other processes used more than {NOISE:.0f} % of the machine is repeated, up to {size['attempts']} times in all: {noise['repeated']} repetitions.
{f'{len(noise["noisy"])} rounds stayed noisy: {noisy}.' if noisy else 'No round stayed noisy.'}"""


def comparison(outcomes, plots):
    parts = ["""### Compared with a service written by hand

The *peer* (`crates/peer`) is a service that we wrote by hand for the same model: tonic, diesel-async and bb8, the same table, the same statements, all of them prepared, and no
authentication, rules, filters or telemetry. The *reference peer* is an independent one, with a table and statements of its own. *pgbench* runs the peer's statements without a server.
All have a closed loop: each caller sends its next request when it has the response. Rates are medians of alternating rounds. *Ratio* is the rate divided by the peer's, *to reference* by the reference peer's. Processor time is per
request, in microseconds; *load* is the load generator's. Create and Update append to a log in the same transaction, except for "Create without log"."""]
    for operation, by_callers in outcomes.items():
        rows = []
        for count, by_target in by_callers.items():
            for target, outcome in by_target.items():
                rate = outcome["requests_per_second"]
                ratios = (f"{rate / by_target[base]['requests_per_second']:.2f}" if base in by_target else "–" for base in ("peer", "reference peer"))
                rows.append([count, target, f"{rate:,.0f}", *ratios, f"{outcome['latency_ms']['p50']:.2f}", f"{outcome['latency_ms']['p99']:.2f}", *processor(target, outcome)])
        parts.append(f"#### {TITLES[operation]}\n\n" + table(["callers", "target", "requests/s", "ratio", "to reference", "p50 ms", "p99 ms", "server µs", "Envoy µs", "PostgreSQL µs", "load µs"], rows))
    parts.append("\n".join(f"![{count} callers: {name}]({plots}/{name}-{count}.svg)" for count in next(iter(outcomes.values())) for name in ("rate", "p99")))
    return "\n\n".join(parts)


def processor(target, outcome):
    """Processor time of the server, Envoy, PostgreSQL and the load generator."""
    each = outcome["cpu_us_per_request"]
    server = {"pgbench": None, "peer": "peer", "reference peer": "reference"}.get(target, "groundplan")
    own = each.get(server, 0) + (each.get("peer_without_log", 0) if server == "peer" else 0)
    return ["–" if server is None else f"{own:.0f}", f"{each['envoy']:.0f}" if "Envoy" in target else "–", f"{each['postgres']:.0f}", f"{each['client']:.0f}"]


def growth(outcomes, size, plots):
    def rates(point, names):
        for name in names:
            ours, peer = (point[name].get(target, {}).get("requests_per_second") for target in ("groundplan gRPC", "peer"))
            yield f"{ours:,.0f}" + (f" ({ours / peer:.2f})" if peer else "")

    names = ("get", "list", "create", "update")
    rows = [[f"{int(count):,}", point["database_mib"], *rates(point, names)] for count, point in outcomes["rows"].items()]
    parts = [f"""### Growth

{size['growth_callers']} callers, gRPC without Envoy: requests per second, and in parentheses the ratio to the peer.

""" + table(["rows", "table and indexes, MiB", *(TITLES[name] for name in names)], rows)]
    names = ("get", "create")
    rows = [[f"{int(count):,}", f"{point['apply_seconds']:.1f}", f"{point['server_mib']:.0f}", *rates(point, names)] for count, point in outcomes["models"].items()]
    parts.append("A set of models can have at most 500, so that is as far as it goes. Memory is the server's VmRSS after the measurement.\n\n"
                 + table(["models", "first apply, s", "memory, MiB", *(TITLES[name] for name in names)], rows))
    names = ("get", "create", "update")
    rows = [[f"{int(count):,}", *rates(point, names)] for count, point in outcomes["bytes"].items()]
    parts.append(table(["bytes of a record", *(TITLES[name] for name in names)], rows))
    parts.append("\n".join(f"![by {name}]({plots}/growth-{name}.svg)" for name in ("rows", "bytes")))
    return "\n\n".join(parts)


def specification(results):
    """Section 8: what the template asks for, in a few numbers."""
    machine, compared, grown = (results[name] for name in ("machine", "comparison", "growth"))
    callers = list(compared["get"])
    count, most = callers[len(callers) // 2], callers[-1]

    def of(operation, callers, key=None):
        outcome = compared[operation][callers]["groundplan gRPC"]
        return outcome["latency_ms"][key] if key else f"{outcome['requests_per_second']:,.0f}"

    operations = ("get", "list", "create", "update")
    ratios = ", ".join(f"{TITLES[name]} {compared[name][most]['groundplan gRPC']['requests_per_second'] / compared[name][most]['peer']['requests_per_second']:.2f}" for name in operations)
    largest, models = (max(grown[name], key=int) for name in ("rows", "models"))
    volume = grown["rows"][largest]
    rows = [
        ["response time", f"p50 and p99 at {count} callers, in ms", ", ".join(f"{TITLES[name]} {of(name, count, 'p50'):.1f} and {of(name, count, 'p99'):.1f}" for name in operations)],
        ["throughput", f"requests per second at {most} callers", ", ".join(f"{TITLES[name]} {of(name, most)}" for name in operations)],
        ["", "the same, compared with a service written by hand", ratios],
        ["concurrency", "callers measured", ", ".join(callers)],
        ["data volume", f"requests per second with {int(largest):,} rows ({volume['database_mib']:,} MiB)",
         ", ".join(f"{TITLES[name]} {volume[name]['groundplan gRPC']['requests_per_second']:,.0f}" for name in operations)],
        ["", "models", f"{models}, first applied in {grown['models'][models]['apply_seconds']:.0f} s"],
        ["", "largest record measured", f"{max(map(int, grown['bytes'])):,} bytes"],
    ]
    return f"Measured by `make bench` on {machine['machine']}, gRPC without Envoy; everything shares the machine. [benchmarks.md](benchmarks.md) has the details.\n\n" + table(["", "measure", "value"], rows)
