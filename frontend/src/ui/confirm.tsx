/** Asking before something is lost: what, how many, how many bytes. */
import { Text } from "@mantine/core";
import { modals } from "@mantine/modals";
import type { ReactNode } from "react";

interface Question {
  title: string;
  children: ReactNode;
  confirm: string;
  isDangerous?: boolean;
  onConfirm: () => void;
}

export function askFirst({ title, children, confirm, isDangerous = false, onConfirm }: Question): void {
  modals.openConfirmModal({
    title: <Text fw={620}>{title}</Text>,
    children: (
      <Text fz="sm" component="div">
        {children}
      </Text>
    ),
    labels: { confirm, cancel: "Cancel" },
    confirmProps: isDangerous ? { color: "red.8" } : {},
    onConfirm,
  });
}
