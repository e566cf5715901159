/** Dialogs and messages. They stand inside the router, so that what they say may link to a page. */
import { ModalsProvider } from "@mantine/modals";
import { Notifications } from "@mantine/notifications";
import type { ReactNode } from "react";

export function Overlays({ children }: { children: ReactNode }) {
  return (
    <ModalsProvider>
      <Notifications position="bottom-right" />
      {children}
    </ModalsProvider>
  );
}
