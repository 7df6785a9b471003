"""The calls of a program with the client of openapi-python-client: create, get, list, patch and delete, for both examples."""

import os

from groundplan_client.api.example_v_1_entity import create_entity, delete_entity, get_entity, list_entities, update_entity
from groundplan_client.api.library_v_1_author import create_author, delete_author, get_author, list_authors, update_author
from groundplan_client.client import AuthenticatedClient
from groundplan_client.models import ExampleV1EntityInput, ExampleV1EntityPatch, LibraryV1AuthorInput, LibraryV1AuthorPatch

client = AuthenticatedClient(base_url=os.environ["ADDRESS"], token=os.environ["API_KEY"], raise_on_unexpected_status=True)

made = create_entity.sync(client=client, body=ExampleV1EntityInput(field1="python", field2=1)).data
assert get_entity.sync(made.id, client=client).data.field1 == "python"
assert [found.id for found in list_entities.sync(client=client, filter_=f'id == "{made.id}"').data] == [made.id]
assert update_entity.sync(made.id, client=client, body=ExampleV1EntityPatch(field2=2)).data.field2 == 2
assert delete_entity.sync_detailed(made.id, client=client).status_code == 204

made = create_author.sync(client=client, body=LibraryV1AuthorInput(given_name="Py", family_name="Thon")).data
assert get_author.sync(made.id, client=client).data.family_name == "Thon"
assert made.id in [found.id for found in list_authors.sync(client=client).data]
assert update_author.sync(made.id, client=client, body=LibraryV1AuthorPatch(family_name="Thons")).data.family_name == "Thons"
assert delete_author.sync_detailed(made.id, client=client).status_code == 204
