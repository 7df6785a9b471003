// The calls of a program with the types of openapi-typescript: create, get, list, patch and delete, for both examples.
import createClient from "openapi-fetch";
import type { paths } from "./schema";

declare const process: { env: Record<string, string | undefined>; exit(code: number): never };

const client = createClient<paths>({
  baseUrl: process.env.ADDRESS,
  headers: { authorization: `Bearer ${process.env.API_KEY}` },
});

function must<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`${what} has no data`);
  return value;
}

async function entity(): Promise<void> {
  const created = await client.POST("/api/v1/resource", { body: { field1: "typescript", field2: 1 } });
  const id = must(created.data, "create").data.id;
  const path = { params: { path: { id } } };
  if (must((await client.GET("/api/v1/resource/{id}", path)).data, "get").data.field1 !== "typescript") throw new Error("get");
  const list = await client.GET("/api/v1/resource", { params: { query: { filter: `id == "${id}"` } } });
  if (must(list.data, "list").data.length !== 1) throw new Error("list");
  const patched = await client.PATCH("/api/v1/resource/{id}", { ...path, body: { field2: 2 } });
  if (must(patched.data, "patch").data.field2 !== 2) throw new Error("patch");
  if ((await client.DELETE("/api/v1/resource/{id}", path)).response.status !== 204) throw new Error("delete");
}

async function author(): Promise<void> {
  const created = await client.POST("/api/v1/authors", { body: { givenName: "Type", familyName: "Script" } });
  const id = must(created.data, "create").data.id;
  const path = { params: { path: { id } } };
  if (must((await client.GET("/api/v1/authors/{id}", path)).data, "get").data.familyName !== "Script") throw new Error("get");
  if (must((await client.GET("/api/v1/authors", {})).data, "list").data.length < 1) throw new Error("list");
  const patched = await client.PATCH("/api/v1/authors/{id}", { ...path, body: { familyName: "Scripts" } });
  if (must(patched.data, "patch").data.familyName !== "Scripts") throw new Error("patch");
  if ((await client.DELETE("/api/v1/authors/{id}", path)).response.status !== 204) throw new Error("delete");
}

entity().then(author).then(() => console.log("done"), (error) => { console.error(error); process.exit(1); });
