/** The house's look: paper and ink, one iris accent, small type, numerals that line up. */
import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from "@mantine/core";

const iris: MantineColorsTuple = [
  "#f2f1fd", "#e2e0fa", "#c4c0f4", "#a9a3ee", "#8f87e8", "#7469dd", "#574bc9", "#483eae", "#3b338f", "#2f2973",
];
const ink: MantineColorsTuple = [
  "#e6e9ee", "#c8ced7", "#a9b1bd", "#8a93a1", "#444b56", "#333943", "#23272f", "#1b1e24", "#14161b", "#0e1013",
];

const SANS =
  'ui-sans-serif, system-ui, -apple-system, "Segoe UI Variable Text", "Segoe UI", "Noto Sans", "Liberation Sans", sans-serif';
const MONO = 'ui-monospace, "SF Mono", "JetBrains Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace';

export const theme = createTheme({
  colors: { iris, dark: ink },
  primaryColor: "iris",
  primaryShade: { light: 6, dark: 6 },
  fontFamily: SANS,
  fontFamilyMonospace: MONO,
  headings: { fontFamily: SANS, fontWeight: "620" },
  fontSizes: { xs: "0.75rem", sm: "0.8125rem", md: "0.875rem", lg: "1rem", xl: "1.125rem" },
  defaultRadius: "sm",
  radius: { xs: "3px", sm: "6px", md: "9px", lg: "12px" },
  cursorType: "pointer",
  components: {
    Tooltip: { defaultProps: { openDelay: 250, withArrow: true, multiline: true, maw: 360, fz: "xs" } },
    Menu: { defaultProps: { shadow: "md", withinPortal: true } },
    Modal: { defaultProps: { centered: true, overlayProps: { backgroundOpacity: 0.35, blur: 2 } } },
    Skeleton: { defaultProps: { radius: "sm" } },
  },
});

/** Grey text and borders that keep 4.5:1 and 1.3:1 against both of a scheme's surfaces. */
export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    "--mantine-color-body": "#ffffff",
    "--mantine-color-text": "#1c2128",
    "--mantine-color-dimmed": "#5c6470",
    "--mantine-color-placeholder": "#666e7a",
    "--mantine-color-anchor": "#483eae",
    "--mantine-color-error": "#b3261e",
    "--mantine-color-default-border": "#d9dce1",
    "--mantine-color-default-hover": "#f3f4f5",
    "--canvas": "#f7f7f4",
    "--rail": "#f0f0ec",
    "--line": "#e4e5e7",
    "--sunken": "#f4f4f1",
    "--accent-soft": "#eceafb",
  },
  dark: {
    "--mantine-color-body": "#1b1e24",
    "--mantine-color-text": "#e6e9ee",
    "--mantine-color-dimmed": "#a9b1bd",
    "--mantine-color-placeholder": "#8f98a6",
    "--mantine-color-anchor": "#b3adf4",
    "--mantine-color-error": "#ff9a93",
    "--mantine-color-default-border": "#3a414c",
    "--mantine-color-default-hover": "#282d35",
    "--canvas": "#131519",
    "--rail": "#0f1114",
    "--line": "#2b3038",
    "--sunken": "#16181d",
    "--accent-soft": "#2b2850",
  },
});
