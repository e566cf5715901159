/** What every field of the form needs: the schema, what it is compared with, its faults, its way to change. */
import { createContext, useContext } from "react";

import type { Json, Schema } from "./schema";

export interface FormState {
  root: Schema;
  /** The recipe's definition, or that of the run it is cloned from. */
  base: Json | undefined;
  /** What differs from it: "recipe", or "original". */
  baseWord: string;
  /** Sentences by dotted path. */
  errors: Readonly<Record<string, string>>;
  /** Folders that a data set can be chosen from. */
  roots: readonly { root: string; name: string; kind: string }[];
  /** Labels that the hosts have. */
  labels: readonly string[];
  onChange: (path: readonly string[], value: Json) => void;
}

export const FormContext = createContext<FormState | null>(null);

export function useForm(): FormState {
  const form = useContext(FormContext);
  if (!form) throw new Error("A field stands outside of a form.");
  return form;
}
