#!/usr/bin/env python3
"""Checks that prose is plain English: finds the phrases of deploy/prose.txt, and prints what to write instead.

Without options it checks the surfaces that deploy/prose.txt enables. A surface is a kind of text: docs, help, protos, generated (comments
of derived services and OpenAPI descriptions), messages/CRATE, comments/CRATE, tests and deploy.
"""

import argparse
import fnmatch
import pathlib
import random
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TOKENS = re.compile(
    r"""(?P<comment>//[^\n]*)|r(?P<hashes>\#*)"(?P<raw>.*?)"(?P=hashes)|"(?P<text>(?:[^"\\]|\\.)*)"|'(?:[^'\\\n]|\\.[^']*)'""", re.S)
# Inline code, and what `format!` replaces.
CODE = re.compile(r"```.*?```|``.*?``|`[^`]*`|\{[\w.:?#]*\}", re.S)
# Crates whose strings no user sees: tests, benchmarks and measurements.
NO_MESSAGES = {"bench", "counts", "peer", "testkit"}
# Calls that make messages for people.
CONSTRUCTORS = re.compile(
    r"""(?:Error|Failure|Violation|Status|Finding|Fault|Broken|Wrong)::\w+\(|tracing::(?:error|warn|info|debug)!\(|\.report\(|(?:bail|panic)!\("""
    r"""|\b(?:message|wrong|failure|invalid|missing|refused|rejected|unfit)\b[^;"]{0,60}(?:format!\()?$""")


class Unit:
    """A text with its place."""

    def __init__(self, surface, path, line, text, kind=""):
        self.surface, self.path, self.line, self.text, self.kind = surface, path, line, text, kind

    def place(self, line=0):
        return f"{self.path.relative_to(ROOT)}:{self.line + line}"


def blank(match):
    """Replaces code by a word, and keeps its lines."""
    return "\x00" + "\n" * match.group().count("\n")


def files(*patterns):
    return sorted({path for pattern in patterns for path in ROOT.glob(pattern) if path.is_file()})


def documents():
    for path in files("*.md", "docs/*.md"):
        text = re.sub(r"^ *```.*?^ *```", blank, path.read_text(), flags=re.S | re.M)
        # Headings, the targets of links, and the glossary of words to avoid.
        text = re.sub(r"^#+ .*$|\]\([^)]*\)" + (r"|^\|.*$" if path.name == "CONTRIBUTING.md" else ""), "", text, flags=re.M)
        yield Unit("docs", path, 1, text)


def comment_blocks(surface, path, text, mark, first_line=1):
    """Groups of lines that are comments."""
    block, start = [], 0
    for number, line in enumerate([*text.split("\n"), ""], first_line):
        found = re.match(rf"\s*{mark} ?(.*)$", line)
        if found:
            start = start if block else number
            block.append(found.group(1))
        elif block:
            yield Unit(surface, path, start, "\n".join(block))
            block = []


def protos():
    for path in files("proto/groundplan/**/*.proto", "examples/**/*.proto"):
        yield from comment_blocks("protos", path, path.read_text(), "//(?!/)")


def without_tests(path, text):
    """The text up to its inline tests."""
    if path.stem == "tests" or "tests" in path.parts[:-1]:
        return ""
    return text.split("#[cfg(test)]\nmod tests {")[0]


def help_texts():
    """The doc comments that clap makes help texts of."""
    for path in files("crates/chassis/src/settings*/**/*.rs", "crates/chassis/src/settings/*.rs", "crates/groundplan/src/**/*.rs"):
        text = without_tests(path, path.read_text())
        lines = text.split("\n")
        values = False
        for unit in comment_blocks("help", path, text, "///"):
            after = "\n".join(lines[unit.line - 1 + unit.text.count("\n") + 1:][:8])
            attributes = re.match(r"(?:\s*(?://.*|#\[(?:[^\[\]]|\[[^\]]*\])*\])\n?)*", after).group()
            item = after[len(attributes):].strip()
            if re.match(r"(pub(\(\w+\))? )?(struct|enum)\b", item):
                values = "ValueEnum" in attributes
            is_variant = values and re.match(r"[A-Z]\w*(?: = .*)?,", item)
            is_command = re.match(r"pub\(crate\) struct Args\b", item) and path.parts[-4:-3] != ("chassis",)
            if "#[arg(" in attributes or is_variant or is_command or re.match(r"pub\(crate\) models:", item):
                yield unit


def rust(path):
    """The comments and the string literals of a Rust file, with offsets."""
    text = path.read_text()
    return text, list(TOKENS.finditer(text))


def literal(token):
    value = token["raw"] if token["raw"] is not None else token["text"]
    if value is None:
        return None
    return re.sub(r"\\n|\\t", "  ", value.replace('\\"', '"').replace("\\\n", "\n"))


def is_prose(value):
    """Whether a literal looks like words rather than SQL, a path or a pattern."""
    words = re.findall(r"(?<![\w\"{])[a-z]{2,}(?![\w({])", value)
    return len(words) >= 2 and len(value.split()) >= 3 and not re.search(r"\b(SELECT|INSERT|UPDATE|DELETE FROM|CREATE|ALTER|WITH|SET|FROM|WHERE|GRANT)\b [a-z\"({$]", value)


def crates():
    for crate in sorted(path.name for path in (ROOT / "crates").iterdir() if path.is_dir()):
        for path in files(f"crates/{crate}/src/**/*.rs", f"crates/{crate}/tests/**/*.rs"):
            yield crate, path


def strings():
    for crate, path in crates():
        if "src" not in path.parts or crate in NO_MESSAGES:
            continue
        text, tokens = rust(path)
        production = without_tests(path, text)
        is_generated = "derive/text" in str(path) or "rest/src/openapi" in str(path)
        for token in tokens:
            value = literal(token)
            if value is None or token.start() >= len(production) or not is_prose(value):
                continue
            before = text[max(0, token.start() - 240):token.start()]
            kind = "error" if CONSTRUCTORS.search(before.rsplit(";", 1)[-1]) else ""
            line = text.count("\n", 0, token.start()) + 1
            yield Unit("generated" if is_generated else f"messages/{crate}", path, line, value, kind)


def comments():
    for crate, path in crates():
        text, tokens = rust(path)
        # Literals are blanked, so that only comments are left.
        kept = list(text)
        for token in tokens:
            if token["comment"] is None:
                kept[token.start():token.end()] = [char if char == "\n" else " " for char in token.group()]
        yield from comment_blocks(f"comments/{crate}", path, "".join(kept), "//[/!]?(?!/)")


def scripts():
    for surface, found in [("tests", files("tests/**/*.py", "tests/**/*.sh", "crates/bench/*.sh")),
                           ("deploy", files("deploy/**/*.sh", "deploy/**/*.py", "k8s/**/*.sh", "k8s/**/*.yaml", "Makefile"))]:
        for path in found:
            text = path.read_text()
            yield from comment_blocks(surface, path, text, "#(?!!)")
            for docstring in re.finditer(r'^\s*"""(.*?)"""', text, re.S | re.M):
                yield Unit(surface, path, text.count("\n", 0, docstring.start(1)) + 1, docstring.group(1))


def units():
    for source in (documents, help_texts, protos, strings, comments, scripts):
        yield from source()


def rules():
    """The enabled surfaces, what is allowed, and the phrases."""
    enabled, allowed, phrases = [], [], []
    compiled = lambda pattern: re.compile(rf"\b(?:{pattern})\b".replace(" ", r"\s+"), re.I)
    for line in (ROOT / "deploy" / "prose.txt").read_text().splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith("enable "):
            enabled += line.split()[1:]
        elif line.startswith("allow "):
            allowed.append(compiled(line.removeprefix("allow ")))
        else:
            pattern, _, replacement = line.rpartition(" -> ")
            surfaces = ["*"]
            if pattern.startswith("@"):
                names, _, pattern = pattern.partition(" ")
                surfaces = names[1:].split(",")
            # A pattern with a look-around of its own starts and ends where it says.
            if pattern.startswith("(?"):
                phrases.append((surfaces, re.compile(pattern), replacement))
            else:
                phrases.append((surfaces, compiled(pattern), replacement))
    return enabled, allowed, phrases


def matches(name, patterns):
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def check(surfaces, allowed, phrases):
    """All findings of these surfaces, by surface."""
    findings = {}
    for unit in units():
        if not matches(unit.surface, surfaces):
            continue
        text = CODE.sub(blank, unit.text)
        for pattern in allowed:
            text = pattern.sub(lambda found: re.sub(r"\S", "\x00", found.group()), text)
        findings.setdefault(unit.surface, [])
        for only, pattern, replacement in phrases:
            if not matches(unit.surface, only):
                continue
            for found in pattern.finditer(text):
                if not found.group().isupper():
                    line = text.count("\n", 0, found.start())
                    phrase = " ".join(found.group().split())
                    findings[unit.surface].append(f"{unit.place(line)}: {phrase!r}: write {replacement}")
    return findings


def sample(seed):
    """A random sample of comment lines, help texts and error messages."""
    everything = list(units())
    lines = [f"{unit.path.relative_to(ROOT)}:{unit.line + index}: {line}" for unit in everything if unit.surface.startswith("comments/")
             for index, line in enumerate(unit.text.split("\n")) if len(line.split()) > 2]
    helps = [f"{unit.place()}: {' '.join(unit.text.split())}" for unit in everything if unit.surface == "help"]
    errors = [f"{unit.place()}: {' '.join(unit.text.split())}" for unit in everything if unit.kind == "error"]
    chosen = random.Random(seed)
    for title, population, count in [("Comment lines", lines, 100), ("Help texts", helps, 50), ("Error messages", errors, 50)]:
        print(f"## {title}: {min(count, len(population))} of {len(population)}\n")
        print("\n".join(sorted(chosen.sample(population, min(count, len(population))))), end="\n\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--surface", action="append", metavar="NAME", help="check this surface instead of the enabled ones; can be repeated")
    parser.add_argument("--summary", action="store_true", help="print the number of findings of every surface")
    parser.add_argument("--sample", action="store_true", help="print 100 comment lines, 50 help texts and 50 error messages")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="the seed of the sample")
    args = parser.parse_args()
    if args.sample:
        return sample(args.seed)
    enabled, allowed, phrases = rules()
    if args.summary:
        findings = check(["*"], allowed, phrases)
        for name in sorted(findings):
            print(f"{'on ' if matches(name, enabled) else 'off'} {name}: {len(findings[name])}")
        return None
    findings = check(args.surface or enabled, allowed, phrases)
    found = [line for lines in findings.values() for line in lines]
    print("\n".join(found) if found else f"prose: {', '.join(sorted(findings))} read as plain English")
    return sys.exit(1) if found else None


if __name__ == "__main__":
    main()
