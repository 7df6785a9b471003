"""Runs the calls of a guide: each command of a page, in one shell, must print what the page shows."""

import re

from suite import BINARY, ROOT


def check(name, suite, least):
    """Runs the commands of docs/<name> against a suite, and compares the responses, of which the page shows at least
    `least`."""
    text = (ROOT / "docs" / name).read_text()
    commands = [command for block in re.findall(r"```console\n(.*?)```", text, re.S) for command in split(block)]
    programs = suite.folder / "bin"
    programs.mkdir()
    (programs / "groundplan").symlink_to(BINARY.resolve())
    # The page can create files, but not in the checkout.
    script = [f'export PATH="{programs}:{ROOT}/.tools/bin:$PATH" GROUNDPLAN_ADDRESS={suite.url}\ncd "{suite.folder}"']
    for at, (command, _) in enumerate(commands):
        command = command.replace("localhost:3000", suite.address)
        command = command.replace("$(cat .groundplan/api-key)", suite.api_key)
        script.append(f"{command}\necho; echo '@@@ {at}'")
    done = suite.tool("bash", "-c", "\n".join(script))
    answers = re.split(r"@@@ \d+\n", done.stdout)
    assert len(answers) == len(commands) + 1, done.stdout + done.stderr
    compared = [(command, shown, answer.strip()) for (command, shown), answer in zip(commands, answers) if shown]
    wrong = [f"$ {command}\nshown:  {shown}\nanswer: {answer}" for command, shown, answer in compared
             if not re.fullmatch(pattern(shown), answer, re.S)]
    assert not wrong, "\n\n".join(wrong) + done.stderr
    assert len(compared) >= least


def split(block):
    """Returns the commands of a block, each with the output shown after it. Indented lines continue a command, and so does
    its here-document up to a line `END`."""
    found = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append([line[2:], []])
        elif not found[-1][1] and (line.startswith("    ") or in_text(found[-1][0])):
            found[-1][0] += "\n" + line
        else:
            found[-1][1].append(line)
    return [(command, "\n".join(shown).strip()) for command, shown in found]


def in_text(command):
    return "<<'END'" in command and not command.endswith("\nEND")


def pattern(shown):
    """Builds a pattern: `…` matches anything, also the rest of a truncated response."""
    return ".*".join(re.escape(part) for part in shown.split("…"))
