"""The plots, as SVG."""

import re

import pygal
from pygal.style import LightColorizedStyle

TITLES = {"get": "Get", "list": "List 20", "create_without_log": "Create without log", "create": "Create", "update": "Update"}


def chart(kind, folder, name, title, labels, series, **options):
    """Writes one plot. Its text is text, and it has no scripts."""
    plot = kind(style=LightColorizedStyle, js=[], title=title, width=900, height=420, legend_at_bottom=True, legend_at_bottom_columns=4, no_prefix=True,
                disable_xml_declaration=True, explicit_size=True, **options)
    plot.x_labels = labels
    for label, values in series.items():
        plot.add(label, values)
    folder.mkdir(parents=True, exist_ok=True)
    # pygal leaves the settings of its scripts.
    text = re.sub(r"<script.*?</script>", "", plot.render(is_unicode=True), flags=re.DOTALL)
    (folder / f"{name}.svg").write_text(text.rstrip() + "\n")


def comparison(outcomes, folder):
    """Rate, latency and processor time at each number of callers."""
    operations = [operation for operation in outcomes if operation != "create_without_log"]
    for count in next(iter(outcomes.values())):
        labels = [TITLES[operation] for operation in operations]
        for name, title, value in (
                ("rate", "requests per second", lambda outcome: outcome["requests_per_second"]),
                ("p99", "p99 in milliseconds", lambda outcome: outcome["latency_ms"]["p99"])):
            targets = [target for target in outcomes["get"][count] if name == "rate" or target != "pgbench"]
            series = {target: [value(outcomes[operation][count][target]) for operation in operations] for target in targets}
            chart(pygal.Bar, folder, f"{name}-{count}", f"{count} callers: {title}", labels, series)


def growth(outcomes, folder):
    """Rates by size."""
    for name, title in (("rows", "rows of the table"), ("bytes", "bytes of a record")):
        points = outcomes[name]
        series = {}
        for operation in next(iter(points.values())):
            if operation not in TITLES:
                continue
            for target in ("groundplan gRPC", "peer"):
                series[f"{TITLES[operation]}, {target}"] = [point[operation][target]["requests_per_second"] for point in points.values()]
        chart(pygal.Line, folder, f"growth-{name}", f"Requests per second by {title}", [f"{int(count):,}" for count in points], series, logarithmic=True)
