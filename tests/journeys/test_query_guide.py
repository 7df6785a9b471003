"""docs/queries.md: every call on the page is run as it is written, in one shell, and answers what the page says."""

import re

from suite import ROOT, Suite

GUIDE = (ROOT / "docs" / "queries.md").read_text()


def test_the_guide():
    suite = Suite()
    try:
        suite.start()
        commands = [command for block in re.findall(r"```console\n(.*?)```", GUIDE, re.S) for command in split(block)]
        script = [f'export PATH="{ROOT}/.tools/bin:$PATH"']
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
        assert not wrong, "\n\n".join(wrong)
        assert len(compared) >= 35
    finally:
        suite.close()


def split(block):
    """The commands of a block, each with what is shown behind it. Indented lines go on with a command."""
    found = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append([line[2:], ""])
        elif line.startswith("    "):
            found[-1][0] += "\n" + line
        else:
            found[-1][1] += line
    return [(command, shown) for command, shown in found]


def pattern(shown):
    """`…` stands for anything, and so does what follows an answer that is cut off by it."""
    return ".*".join(re.escape(part) for part in shown.split("…"))
