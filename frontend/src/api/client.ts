/** The one way to the server. Types come from its OpenAPI document (`npm run api`). */
import createClient from "openapi-fetch";

import type { components, paths } from "./schema";

export type Schemas = components["schemas"];

export const api = createClient<paths>({ baseUrl: window.location.origin });

/** A refusal in the server's words; `fields` maps dotted paths to sentences. */
export class Refusal extends Error {
  readonly status: number;
  readonly fields: Readonly<Record<string, string>>;

  constructor(status: number, detail: string, fields: Readonly<Record<string, string>> = {}) {
    super(detail);
    this.status = status;
    this.fields = fields;
  }
}

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The data of an answer, or a `Refusal` thrown. */
export async function unwrap<T>(asked: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await asked.catch(() => {
    throw new Refusal(0, "The server does not answer. It may be restarting.");
  });
  if (response.ok) return data as T;
  throw refusalOf(response.status, error);
}

function refusalOf(status: number, error: unknown): Refusal {
  if (!isProblem(error)) return new Refusal(status, `The server answered ${status}.`);
  const fields = Object.fromEntries((error.fields ?? []).map(({ field, message }) => [field, message]));
  return new Refusal(status, error.detail, fields);
}

function isProblem(error: unknown): error is Schemas["Problem"] {
  return typeof error === "object" && error !== null && "detail" in error && typeof error.detail === "string";
}
