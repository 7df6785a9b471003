"""A copy of the data directory is restored, like a volume snapshot: the server has the same identity and timeline as before.
Watchers are notified."""

import shutil


def watch(suite, *arguments, seconds=5):
    """Returns what a watch sends within a time: its status, and its events as pairs of kind and id with the last token."""
    target = "&".join(arguments)
    done = suite.tool("curl", "-sN", "-m", seconds, "-w", "\n%{http_code}", "-H", f"authorization: Bearer {suite.api_key}",
                      f"{suite.url}/api/v1/resource:watch?{target}", check=False)
    text, _, status = done.stdout.rpartition("\n")
    kinds = [line.split(": ", 1)[1] for line in text.splitlines() if line.startswith("event: ")]
    tokens = [line.split(": ", 1)[1] for line in text.splitlines() if line.startswith("id: ") and line != "id: "]
    return int(status), kinds, tokens[-1] if tokens else None


def create(suite, count):
    for at in range(count):
        assert suite.curl("POST", "/api/v1/resource", {"field1": f"{at}"})[0] == 201


def test_tokens_from_after_the_copy_are_rejected(suite_of_its_own):
    suite = suite_of_its_own
    suite.start()
    _, _, before = watch(suite, seconds=2)
    create(suite, 3)
    status, kinds, at_copy = watch(suite, f"token={before}", seconds=3)
    assert status == 200 and kinds.count("CREATED") == 3
    suite.stop()
    data = suite.data / "postgres" / "data"
    copy = suite.folder / "copy"
    suite.tool("cp", "-a", data, copy)
    suite.start()
    create(suite, 8)
    status, kinds, after_copy = watch(suite, f"token={at_copy}", seconds=3)
    assert status == 200 and kinds.count("CREATED") == 8, "a restarted server has the same log"
    suite.stop()
    shutil.rmtree(data)
    suite.tool("cp", "-a", copy, data)
    suite.start()
    assert watch(suite, f"token={after_copy}")[0] == 410, "its position is not assigned again yet"
    # Past the position of the token.
    create(suite, 12)
    assert watch(suite, f"token={after_copy}")[0] == 410, "another event has its position"
    status, kinds, _ = watch(suite, f"token={at_copy}", seconds=3)
    assert status == 200 and kinds.count("CREATED") == 12, "the copy has the event of the token"
