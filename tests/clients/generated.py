"""The calls of a program with the Python client of openapi-generator: create, get, list, patch and delete, for both
examples, and a commit."""

import os

from groundplan_client import (ApiClient, CommitApi, CommitRequest, Configuration, ExampleV1EntityApi, ExampleV1EntityInput,
                               ExampleV1EntityInputField2, ExampleV1EntityPatch, LibraryV1AuthorApi, LibraryV1AuthorInput, LibraryV1AuthorPatch)

with ApiClient(Configuration(host=os.environ["ADDRESS"], access_token=os.environ["API_KEY"])) as client:
    entities = ExampleV1EntityApi(client)
    made = entities.create_entity(ExampleV1EntityInput(field1="python", field2=ExampleV1EntityInputField2(1))).data
    assert entities.get_entity(made.id).data.field1 == "python"
    assert [found.id for found in entities.list_entities(filter=f'id == "{made.id}"').data] == [made.id]
    assert entities.update_entity(made.id, ExampleV1EntityPatch(field2=ExampleV1EntityInputField2(2))).data.field2.actual_instance == 2
    assert entities.delete_entity_with_http_info(made.id).status_code == 204

    authors = LibraryV1AuthorApi(client)
    made = authors.create_author(LibraryV1AuthorInput(given_name="Py", family_name="Thon")).data
    assert authors.get_author(made.id).data.family_name == "Thon"
    assert made.id in [found.id for found in authors.list_authors().data]
    assert authors.update_author(made.id, LibraryV1AuthorPatch(family_name="Thons")).data.family_name == "Thons"
    assert authors.delete_author_with_http_info(made.id).status_code == 204

    writes = [{"create": {"record": {"@type": "example.v1.Entity", "field1": "together"}}},
              {"create": {"record": {"@type": "library.v1.Author", "givenName": "To", "familyName": "Gether"}}}]
    entity, author = [result.record.actual_instance for result in CommitApi(client).commit(CommitRequest.from_dict({"writes": writes})).data.results]
    assert (entity.field1, author.family_name) == ("together", "Gether")
    entities.delete_entity(entity.id)
    authors.delete_author(author.id)
