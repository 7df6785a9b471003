"""Random and mutated models, as files and as descriptor sets: a plan reports the mistakes, and never fails; for accepted
models, protoc accepts the generated files."""

import random
import subprocess

from google.protobuf import descriptor_pb2

from fuzz.fuzzing import journeys, mutated, shapes

FILES, SETS = 24, 60
PLAN = "groundplan.schema.v1.SchemaService/Plan"
TOKENS = ["optional", "repeated", "map<string, int32>", "map<Part, Part>", "oneof", "message", "enum", "string", "Thing", "Part", "Nope", "google.protobuf.Any", "group", "= 0;", "= -1;",
          "= 19000;", "= 536870912;", "= 0x10;", "{", "}", "{}", ";", "reserved 2;", 'reserved "id";', "extensions 100 to 200;", "extend Thing { string x = 100; }",
          "option deprecated = true;", "option features.field_presence = EXPLICIT;", "option message_set_wire_format = true;", "option map_entry = true;", "option allow_alias = true;",
          "[deprecated = true]", "[packed = false]", "[jstype = JS_STRING]", "[json_name = \"a\"]", "[json_name = \"id\"]", "[default = 1]", "[ctype = CORD]", 'import "groundplan/model/v1/model.proto";',
          'import public "google/protobuf/any.proto";', 'import weak "x.proto";', "package a.b;", 'syntax = "proto2";', 'edition = "2023";', "service S { rpc A(Thing) returns (stream Thing); }",
          "/*", "*/", "//", "\ufeff", "\0", "é", "'", '"', "stream", "rpc", "returns", "1e5", "inf", "...", "option (groundplan.model.v1.model) = {};", "option java_package = \"x\";",
          "option (groundplan.model.v1.model) = { resource: \"x/y\" indexes: { fields: \"id\" } };", "message Inner { message Inner { Inner inner = 1; } }"]


def changed(chance, text):
    """Returns a file with lines and words that are changed, removed, doubled and inserted."""
    for _ in range(chance.choice([0, 1, 1, 2, 4])):
        lines = text.split("\n")
        at = chance.randrange(len(lines))
        way = chance.randrange(6)
        if way == 0:
            lines.insert(at, lines[chance.randrange(len(lines))])
        elif way == 1:
            del lines[at]
        elif way == 2:
            lines.insert(at, "  " + chance.choice(TOKENS))
        elif way == 3 and lines[at].endswith(";"):
            lines[at] = lines[at][:-1] + " " + chance.choice(TOKENS)
        else:
            words = lines[at].split(" ")
            words[chance.randrange(len(words))] = chance.choice(TOKENS)
            lines[at] = " ".join(words)
        text = "\n".join(lines)
    return text


def plan(server, **models):
    """Returns the result of a plan. Each diagnostic has a code, a message and a help."""
    request = server.message("groundplan.schema.v1.PlanRequest")
    for path, content in models.get("files", ()):
        request.models.files.add(path=path, content=content)
    request.models.descriptor_set = models.get("descriptor_set", b"")
    answer = server.call(PLAN, request)
    if not answer.ok:
        assert answer.code in ("INVALID_ARGUMENT", "FAILED_PRECONDITION", "RESOURCE_EXHAUSTED"), f"{server.case}: {answer}"
        return None
    said = server.stub.message("groundplan.schema.v1.PlanResponse").FromString(answer.body)
    for one in said.diagnostics:
        assert one.code and one.message and one.help, f"{server.case}: {one}"
    return said


def generated(server, source, out):
    """Whether the models are accepted. If so, protoc must accept the generated files together with the models."""
    done = server.suite.run("generate", source, "--out", out, check=False)
    where = f"{server.case}: {done.stdout}{done.stderr}"
    assert done.returncode in (0, 1, 2) and "panicked" not in done.stderr, where
    if done.returncode:
        return False
    files = [str(path.relative_to(out)) for path in out.rglob("*.proto")]
    given = [f"--descriptor_set_in={source}"] if source.is_file() else []
    compiled = subprocess.run([journeys.TOOLS / "protoc", *given, "-I", out, "--descriptor_set_out=/dev/null", *files], capture_output=True, text=True, timeout=60)
    assert compiled.returncode == 0, f"{where}\nprotoc refuses what was generated:\n{compiled.stderr}"
    return True


def test_files(server, tmp_path):
    accepted = 0
    for at, chance in enumerate(server.cases("models", FILES)):
        text = changed(chance, shapes.Author(chance).file("mutant.v1"))
        plan(server, files=[("mutant/v1/models.proto", text)])
        folder, out = tmp_path / f"in{at}" / "mutant" / "v1", tmp_path / f"out{at}"
        folder.mkdir(parents=True)
        (folder / "models.proto").write_text(text, errors="surrogatepass")
        try:
            accepted += generated(server, folder.parents[1], out)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{text}") from None
    print(f"{accepted} accepted")


def sets(server, tmp_path, count=8):
    """Returns descriptor sets of random models, as protoc writes them."""
    found = []
    for at in range(count):
        folder, out = tmp_path / f"set{at}" / "mutant" / "v1", tmp_path / f"set{at}.out"
        folder.mkdir(parents=True)
        (folder / "models.proto").write_text(shapes.Author(random.Random(f"{server.case} {at}")).file("mutant.v1"))
        assert generated(server, folder.parents[1], out), "a random model is accepted"
        written = tmp_path / f"set{at}.binpb"
        subprocess.run([journeys.TOOLS / "protoc", "-I", out, "--include_imports", f"--descriptor_set_out={written}", "mutant/v1/models.proto"], check=True, capture_output=True)
        found.append(written.read_bytes())
    return found


def deranged(chance, raw):
    """Returns a descriptor set with one thing that protoc would not write."""
    given = descriptor_pb2.FileDescriptorSet.FromString(raw)
    file = given.file[-1]
    message = chance.choice(file.message_type)
    field = chance.choice(message.field) if message.field else message.field.add(name="x", number=1)
    way = chance.randrange(13)
    if way == 0:
        field.label = chance.choice([1, 2, 3])
    elif way == 1:
        field.type = chance.randrange(1, 19)
    elif way == 2:
        field.type_name = chance.choice(["", ".", "Part", ".mutant.v1.Part", ".mutant.v1.Mood", ".nope.Nope", ".google.protobuf.Timestamp", "..", ".mutant.v1.Thing"])
    elif way == 3:
        field.number = chance.choice([0, -1, 1, 19_000, 536_870_911, 536_870_912, 2 ** 31 - 1])
    elif way == 4:
        field.oneof_index = chance.choice([0, 1, -1, 100])
    elif way == 5:
        field.proto3_optional = not field.proto3_optional
    elif way == 6:
        field.name = chance.choice(["", "id", "a b", "a\"b", "é", "x" * 300, "a.b", "\0"])
    elif way == 7:
        field.json_name = chance.choice(["", "id", "@type", "$ref", "a,b", "*", "\0"])
    elif way == 8:
        message.name = chance.choice(["", "Part", "Thing", "A.B", "é", "x" * 300])
    elif way == 9:
        del given.file[chance.randrange(len(given.file))]
    elif way == 10:
        given.file.add().CopyFrom(chance.choice(given.file))
    elif way == 11:
        file.syntax = chance.choice(["", "proto2", "proto3", "editions", "x"])
    else:
        inner = type(message).FromString(message.SerializeToString())
        message.nested_type.append(inner)
    return given.SerializeToString()


def test_descriptor_sets(server, tmp_path):
    server.case = "the sets to begin with"
    given, accepted = sets(server, tmp_path), 0
    for at, chance in enumerate(server.cases("descriptor sets", SETS)):
        raw = deranged(chance, chance.choice(given))
        if chance.random() < 0.4:
            raw = mutated(chance, raw)
        if not raw:
            continue
        plan(server, descriptor_set=raw)
        if at % 3 == 0:
            file = tmp_path / f"mutant{at}.binpb"
            file.write_bytes(raw)
            try:
                accepted += generated(server, file, tmp_path / f"mutant{at}.out")
            except AssertionError as error:
                raise AssertionError(f"{error}\n{raw.hex()}") from None
    print(f"{accepted} accepted")
