#!/usr/bin/env python3
"""Lists the circles between modules of each crate and fails if there is one.

Two modules are compared where they have the same parent: `a` uses `b` if any file below `a` names `crate::…::b` or `super::b`.
A module that uses items of its parent, or a parent that uses its children, is no circle. Tests are left out.
"""

import pathlib
import re
import sys
from collections import defaultdict

PATH = re.compile(r"\b((?:crate|super|self)(?:::\w+)+)")
USE = re.compile(r"^\s*(?:pub(?:\([^)]*\))?\s+)?use\s+([^;]+);", re.M)


def modules(source):
    """The path of each module of a crate, with its file."""
    for file in sorted(source.rglob("*.rs")):
        parts = file.relative_to(source).with_suffix("").parts
        if "tests" in parts or parts[0] == "bin":
            continue
        yield (() if parts in (("lib",), ("main",)) else parts), file


def code(file):
    text = re.split(r"#\[cfg\(test\)\]\s*mod \w+ \{", file.read_text())[0]
    return re.sub(r"//.*", "", text)


def expanded(tree):
    """The paths of a `use` tree: `a::{b, c::d}` is `a::b` and `a::c::d`."""
    head, brace, rest = tree.partition("{")
    if not brace:
        yield re.sub(r"\s|as\s+\w+$", "", tree.strip())
        return
    depth, begin = 0, 0
    inner = rest[: rest.rindex("}")] + ","
    for at, character in enumerate(inner):
        depth += (character == "{") - (character == "}")
        if character == "," and depth == 0:
            if inner[begin:at].strip():
                yield from expanded(head.strip() + inner[begin:at].strip())
            begin = at + 1


def named(text):
    """Each path that a file names, as its parts."""
    for use in USE.findall(text):
        for path in expanded(use):
            yield path.split("::")
    for path in PATH.findall(USE.sub("", text)):
        yield path.split("::")


def resolved(path, module):
    """A path from the crate's root, or nothing where it leads out of the crate."""
    if path[0] == "crate":
        return tuple(path[1:])
    if path[0] not in ("super", "self"):
        return None
    at = list(module)
    while path and path[0] in ("super", "self"):
        if path[0] == "super" and at:
            at.pop()
        path = path[1:]
    return tuple(at) + tuple(path)


def uses(source):
    """For each parent, which of its children use which others, with a file that shows it."""
    files = dict(modules(source))
    known = {module[:depth] for module in files for depth in range(len(module) + 1)}
    graph = defaultdict(lambda: defaultdict(dict))
    for module, file in files.items():
        for path in named(code(file)):
            target = resolved(path, module)
            if target is None:
                continue
            while target not in known:
                target = target[:-1]
            for depth, (own, other) in enumerate(zip(module, target)):
                if own != other:
                    graph[module[:depth]][own].setdefault(other, file)
                    break
    return graph


def circles(graph):
    """The strongly connected components of more than one module: each reaches the others."""
    def reached(start):
        seen, todo = set(), [start]
        while todo:
            for target in graph.get(todo.pop(), ()):
                if target not in seen:
                    seen.add(target)
                    todo.append(target)
        return seen

    reach = {module: reached(module) for module in graph}
    left = {module for module in graph if module in reach[module]}
    while left:
        module = min(left)
        circle = {other for other in reach[module] if module in reach.get(other, ())}
        yield sorted(circle)
        left -= circle


def main():
    count = 0
    for crate in sorted(pathlib.Path("crates").iterdir()):
        for parent, graph in sorted(uses(crate / "src").items()):
            for circle in circles(graph):
                count += 1
                print(f"{'::'.join((crate.name, *parent))}: {', '.join(circle)} use each other")
                for module in circle:
                    for other in circle:
                        if other in graph.get(module, ()):
                            print(f"    {module} uses {other} in {graph[module][other]}")
    if count:
        sys.exit(f"modules: {count} circles; move what both use below them")


if __name__ == "__main__":
    main()
