// The calls of a program with the TypeScript client of openapi-generator: create, get, list, patch and delete, for both examples,
// and a commit.
import { CommitApi, Configuration, ExampleV1EntityApi, LibraryV1AuthorApi } from "./groundplan_client/index";

declare const process: { env: Record<string, string | undefined>; exit(code: number): never };

const configuration = new Configuration({ basePath: process.env.ADDRESS, accessToken: process.env.API_KEY });

function check(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}

async function entity(): Promise<void> {
  const entities = new ExampleV1EntityApi(configuration);
  const { id } = (await entities.createEntity({ exampleV1EntityInput: { field1: "typescript", field2: 1 } })).data;
  check((await entities.getEntity({ id })).data.field1 === "typescript", "get");
  check((await entities.listEntities({ filter: `id == "${id}"` })).data.length === 1, "list");
  check((await entities.updateEntity({ id, exampleV1EntityPatch: { field2: 2 } })).data.field2 === 2, "patch");
  check((await entities.deleteEntityRaw({ id })).raw.status === 204, "delete");
}

async function author(): Promise<void> {
  const authors = new LibraryV1AuthorApi(configuration);
  const { id } = (await authors.createAuthor({ libraryV1AuthorInput: { givenName: "Type", familyName: "Script" } })).data;
  check((await authors.getAuthor({ id })).data.familyName === "Script", "get");
  check((await authors.listAuthors()).data.some((found) => found.id === id), "list");
  check((await authors.updateAuthor({ id, libraryV1AuthorPatch: { familyName: "Scripts" } })).data.familyName === "Scripts", "patch");
  check((await authors.deleteAuthorRaw({ id })).raw.status === 204, "delete");
}

async function together(): Promise<void> {
  const writes = [
    { create: { record: { atType: "example.v1.Entity" as const, field1: "together" } } },
    { create: { record: { atType: "library.v1.Author" as const, givenName: "To", familyName: "Gether" } } },
  ];
  const [made, by] = (await new CommitApi(configuration).commit({ commitRequest: { writes } })).data.results.map((result) => result.record);
  if (made?.atType !== "type.googleapis.com/example.v1.Entity" || by?.atType !== "type.googleapis.com/library.v1.Author") throw new Error("commit");
  check(made.field1 === "together" && by.familyName === "Gether", "commit");
  await new ExampleV1EntityApi(configuration).deleteEntity({ id: made.id });
  await new LibraryV1AuthorApi(configuration).deleteAuthor({ id: by.id });
}

entity().then(author).then(together).then(() => console.log("done"), (error) => { console.error(error); process.exit(1); });
