/** What more than one page asks for: each question and its key are written once. */
import { queryOptions } from "@tanstack/react-query";

import { api, type Schemas, unwrap } from "./client";

export type Recipe = Schemas["RecipeView"];

/** They come with the program, and stay as they are while it runs. */
export const recipesQuery = queryOptions({
  queryKey: ["recipes"],
  queryFn: () => unwrap(api.GET("/api/v1/recipes")),
  staleTime: Infinity,
});

export const experimentNamesQuery = queryOptions({
  queryKey: ["experiments", "names"],
  queryFn: () => unwrap(api.GET("/api/v1/experiments", { params: { query: { archived: false } } })),
});

export const hostsQuery = queryOptions({ queryKey: ["hosts"], queryFn: () => unwrap(api.GET("/api/v1/hosts")) });

export const storageQuery = queryOptions({ queryKey: ["storage"], queryFn: () => unwrap(api.GET("/api/v1/storage")) });
