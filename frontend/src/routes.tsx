/** Every address of the pages. What a page shows lives in its address; each reads its own part of the search. */
import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from "@tanstack/react-router";

import { Frame } from "@/frame/Frame";
import { Overlays } from "@/frame/Overlays";
import { CrashPage, NoSuchPage } from "@/frame/Lost";
import type { RawSearch } from "@/ui/useUrlState";

const anySearch = (raw: RawSearch): RawSearch => raw;

const root = createRootRoute({ component: Frame, notFoundComponent: NoSuchPage, validateSearch: anySearch });

const page = <Path extends string>(path: Path, load: () => Promise<{ default: React.ComponentType }>) =>
  createRoute({ getParentRoute: () => root, path, component: lazyRouteComponent(load), validateSearch: anySearch });

const routes = root.addChildren([
  page("/", () => import("@/features/home/HomePage")),
  page("/experiments", () => import("@/features/experiments/ExperimentsPage")),
  page("/runs", () => import("@/features/runs/RunsPage")),
  page("/runs/$runId", () => import("@/features/run/RunPage")),
  page("/queue", () => import("@/features/queue/QueuePage")),
  page("/launch", () => import("@/features/launch/LaunchPage")),
  page("/retrieval", () => import("@/features/retrieval/RetrievalIndexPage")),
  page("/retrieval/$runId", () => import("@/features/retrieval/RetrievalPage")),
  page("/results", () => import("@/features/results/ResultsPage")),
  page("/checkpoints", () => import("@/features/checkpoints/CheckpointsPage")),
  page("/datasets", () => import("@/features/datasets/DatasetsPage")),
  page("/datasets/$datasetId", () => import("@/features/datasets/DatasetPage")),
  page("/hosts", () => import("@/features/hosts/HostsPage")),
  page("/settings", () => import("@/features/settings/SettingsPage")),
  createRoute({
    getParentRoute: () => root,
    path: "/login",
    beforeLoad: () => {
      throw redirect({ to: "/" });
    },
  }),
]);

export const router = createRouter({
  routeTree: routes,
  defaultPreload: "intent",
  defaultErrorComponent: CrashPage,
  InnerWrap: Overlays,
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
