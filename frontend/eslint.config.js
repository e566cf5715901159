import js from "@eslint/js";
import a11y from "eslint-plugin-jsx-a11y";
import hooks from "eslint-plugin-react-hooks";
import { defineConfig, globalIgnores } from "eslint/config";
import tseslint from "typescript-eslint";

// Arrows point one way: pages -> features -> ui -> api. Features do not import each other's insides.
export default defineConfig([
  globalIgnores(["src/api/schema.d.ts"]),
  {
    files: ["**/*.{ts,tsx}"],
    extends: [js.configs.recommended, tseslint.configs.recommended, a11y.flatConfigs.recommended],
    plugins: { "react-hooks": hooks },
    rules: {
      ...hooks.configs.recommended.rules,
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/no-non-null-assertion": "error",
      "@typescript-eslint/ban-ts-comment": "error",
      "max-lines": ["error", { max: 400 }],
      // A preview has no sound and therefore no captions.
      "jsx-a11y/media-has-caption": "off",
    },
  },
  {
    files: ["src/ui/**", "src/api/**"],
    rules: { "no-restricted-imports": ["error", { patterns: ["@/features/*", "@/routes"] }] },
  },
]);
